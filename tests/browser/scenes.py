"""Snapshots as a session of two hours would make them, from a seed."""

import math
from dataclasses import replace

import numpy as np

from hexkey.monitor.snapshot import (
    Alarm,
    BlockView,
    G2View,
    GateView,
    Histogram,
    MapView,
    Snapshot,
)

BEGAN_UNIX_S = 1_700_000_000.0


def arrivals(seed: int = 1) -> Histogram:
    """A decay of 3 ns behind a jitter of 0.3 ns, on a background."""
    rng = np.random.default_rng(seed)
    times = (1.6 + rng.normal(0, 0.3, 400_000) + rng.exponential(3.0, 400_000)) % 25
    times = np.concatenate([times, rng.uniform(0, 25, 40_000)])
    counts = np.histogram(times, 250, (0, 25))[0]
    return Histogram(0.0, 100.0, 25_000.0, counts.tolist())


BOBS_G2 = G2View("bob", 0.21, 0.02, 0.77, 2, 5400.0, "waiting")  # not of B92's detectors


def session(seconds: float, *, alarms: tuple[Alarm, ...] = (), control: bool = True) -> Snapshot:
    """Two hours of blocks, of which `seconds` have passed."""
    rng = np.random.default_rng(2)
    blocks = []
    for block in range(60):
        qber = 0.031 + 0.0015 * rng.normal() + 0.006 * math.sin(block / 9)
        leak = round(40_000 * 0.24 + 900 * rng.normal())
        blocks.append(
            BlockView(block, 2.3 * (block + 1), 40_000, qber, 9_500 - 30 * block, leak, 13_000)
        )
    starts, widths = np.linspace(0, 4, 41), np.linspace(3, 12, 46)
    on, wide = np.meshgrid(starts, widths, indexing="ij")
    share = np.exp(-np.maximum(0, on - 1.6) / 3) - np.exp(-(on + wide - 1.6) / 3)
    qbers = 0.02 + 0.004 * wide / (8 * share)
    shown = G2View("alice", 0.083, 0.061, 0.109, 41, 0.0, "single photons")
    return Snapshot(
        time_unix_s=BEGAN_UNIX_S + seconds,
        state="receiving",
        makes_key=True,
        seconds=seconds,
        board="ulx3s-85f at /dev/ttyUSB0",
        protocol="b92",
        label="demonstration",
        clicks_hz=22_140 + 100 * math.sin(seconds / 7),
        events_hz=18_420 + 80 * math.sin(seconds / 5),
        losses={"outside_gate": 281_234, "holdoff": 1_211, "double_pulses": 127},
        trigger={
            "locked": True,
            "holdover": False,
            "no_trigger": False,
            "off_period": False,
            "phase_ps": 4_611.2,
        },
        histogram=arrivals(),
        gate=GateView(1_200.0, 8_000.0),
        blocks=tuple(blocks),
        blocks_ok=58,
        blocks_dropped={"verification": 1, "qber": 1},
        qber=0.0312,
        qber_abort=0.05,
        sifted_hz=17_391.0,
        secret_hz=4_130.0,
        epsilon=5.8e-9,
        epsilon_limit=1e-8,
        g2=(shown,),
        keys={"stored": 58, "pending": 1, "bits": 551_000},
        alarms=alarms,
        maps=MapView(
            starts.tolist(),
            widths.tolist(),
            (20_000 * share).tolist(),
            qbers.tolist(),
            np.sqrt(qbers / (2_000 * share)).tolist(),
            (20_000 * share * np.maximum(0, 1 - 11 * qbers)).tolist(),
            138.0,
            96_000,
        ),
        control=control,
    )


ALARMS = (
    Alarm("source", "critical", BEGAN_UNIX_S, "g²(0) may be up to 0.61: check the emitter"),
    Alarm("store", "warning", BEGAN_UNIX_S, "few keys are left: make a new pair of stores"),
)


def session_alone(seconds: float, *, control: bool = True) -> Snapshot:
    """A session that nothing stands beside: no g² is counted, and there are no maps."""
    return replace(session(seconds, control=control), g2=(), maps=None)


def board_alone(seconds: float, *, maps: bool = False, control: bool = True) -> Snapshot:
    """A board without a session, with maps against Alice's record or without."""
    shown = session(seconds, control=control)
    return Snapshot(
        time_unix_s=shown.time_unix_s,
        state="receiving",
        makes_key=False,
        seconds=seconds,
        board=shown.board,
        protocol="b92" if maps else None,
        clicks_hz=shown.clicks_hz,
        events_hz=shown.events_hz,
        losses=shown.losses,
        trigger=shown.trigger,
        histogram=shown.histogram,
        gate=GateView(0.0, 25_000.0) if maps else shown.gate,
        g2=() if maps else (BOBS_G2,),
        maps=shown.maps if maps else None,
        control=control,
    )


def no_board(seconds: float) -> Snapshot:
    """A board that was never there."""
    gone = Alarm("board", "critical", BEGAN_UNIX_S, "the board is gone: check its cable")
    return Snapshot(
        time_unix_s=BEGAN_UNIX_S + seconds,
        state="board gone",
        makes_key=False,
        seconds=seconds,
        board="/dev/ttyUSB0",
        message="/dev/ttyUSB0 cannot be opened",
        alarms=(gone,),
        control=True,
    )

"""Photons enter at the RTL's pins, bytes leave at its serial port, the host makes a key of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hexkey.board import Board
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate
from hexkey.receiver import Receiver
from hexkey.record import RecordWriter
from hexkey.recording import SIMULATED_BOARD, RecordingWriter, describe_run
from hexkey.session.parameters import SessionParameters
from hexkey.sift import BIT_OF_DETECTOR
from hexkey.window import Window
from hexkey.wire import Counters, Frame, Kind, unpack_events
from hexkey_gateware.design import Design
from hexkey_sim.cosim.expected import Expected, expected_events
from hexkey_sim.cosim.simulator import has_played, running, started_ps
from hexkey_sim.cosim.stimulus import write_stimulus
from hexkey_sim.cosim.system import compile_system
from hexkey_sim.golden.settings import FrontEndSettings
from hexkey_sim.link import OpticalLink, extend_record, preset, record_statement

RUN = 1
HOLDOFF_PULSES = 2
GATE = Gate(50, 1_000)
DARK_PS = 3_000_000  # after the last pulse, so that the last events leave
PATIENCE = 40.0  # how much longer than a board's an answer of the simulation may take

DESIGN = Design(
    board="simulated gateware",
    firmware="simulation",
    lowering="model",
    tap_ps=33.0,
    report_hz=250,
    simulated=True,
)
"""The receiver as built, but for the delay lines' model and a faster serial line and reports."""

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class CosimSettings:
    """What to simulate.

    Attributes
    ----------
    pulses : int
        Of light.
    delays_ticks : four int
        Registers of the detectors; their cables are shorter by as much.
    baud : int
        Of the serial line; a board's is 3 000 000.
    block_bits : int
        Sifted bits of the block that becomes a key.
    """

    pulses: int = 400_000
    preset: str = "bench"
    seed: int = 1
    delays_ticks: tuple[int, ...] = (0, -1_337, 0, 0)
    baud: int = 12_500_000
    block_bits: int = 5_000


@dataclass(frozen=True, slots=True)
class CosimOutcome:
    """What came of it.

    Attributes
    ----------
    events : Events
        That the host received.
    counters : Counters
        The last that it received.
    markers : list of int
        Pulses that were marked.
    losses : dict
        As the host saw them.
    expected : Expected
        What the golden models make of the same edges.
    seconds : float
        That compiling and simulating took.
    """

    events: Events
    counters: Counters
    markers: list[int]
    losses: dict[str, int]
    expected: Expected
    seconds: float

    def differences(self) -> list[str]:
        """Return in what the gateware differs from its models, a sentence each."""
        found = []
        events = self.expected.difference(self.events)
        if events:
            found.append(f"of the events, {events}")
        for name, expected in self.expected.counts().items():
            counted = getattr(self.counters, name)
            if counted != expected:
                found.append(f"the counter {name} is {counted} instead of {expected}")
        if self.markers != [self.expected.first_pulse]:
            found.append(f"pulses {self.markers} are marked, not {self.expected.first_pulse}")
        found += [f"{count} {name} were lost" for name, count in self.losses.items() if count]
        return found


def run_cosim(settings: CosimSettings, out: Path, progress: Progress) -> CosimOutcome:
    """Simulate into ``out``: run.recording and alice.record, to be distilled.

    Raises
    ------
    SimulationError
        Without a simulator, or if it failed.
    HexkeyError
        What the host says of the board.
    """
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    link = _link(settings)
    with RecordWriter(out / "alice.record", record_statement(link)) as record:
        clicks = link.advance(settings.pulses)
        extend_record(record, link)
    write_stimulus(clicks, settings.pulses * 25_000 + DARK_PS, out / "stimulus.txt")
    progress({"event": "compiling"})
    design = replace(DESIGN, baud=settings.baud)
    model = compile_system(design)
    with running(model, out) as port:
        frames, receiver, losses = _host(settings, port, out, progress)
    events = Events.concatenate(
        [
            unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)
            for frame in frames
            if frame.header.kind is Kind.EVENTS
        ]
    )
    counters = [Counters.decode(f.body) for f in frames if f.header.kind is Kind.COUNTERS][-1]
    seconds = time.monotonic() - began
    progress({"event": "comparing"})
    expected = expected_events(
        out / "edges.log", started_ps(out), golden_settings(settings), design
    )
    markers = [pulse for _, pulse in receiver.markers]
    return CosimOutcome(events, counters, markers, losses, expected, seconds)


def _link(settings: CosimSettings) -> OpticalLink:
    parameters = preset(settings.preset).parameters
    detectors = tuple(
        replace(detector, delay_ps=-10 * delay)
        for detector, delay in zip(parameters.detectors, settings.delays_ticks, strict=False)
    )
    receiver = replace(parameters.receiver, detectors=detectors)
    return OpticalLink(replace(parameters, receiver=receiver), settings.seed)


def _board_settings(settings: CosimSettings) -> BoardSettings:
    return BoardSettings(
        detectors=tuple(
            DetectorSettings(GATE.start_ticks, GATE.width_ticks, delay)
            for delay in settings.delays_ticks[:DETECTORS]
        ),
        holdoff_pulses=HOLDOFF_PULSES,
    )


def golden_settings(settings: CosimSettings) -> FrontEndSettings:
    """Return what the golden models must be set to."""
    return FrontEndSettings(
        gate_start_ticks=(GATE.start_ticks,) * DETECTORS,
        gate_width_ticks=(GATE.width_ticks,) * DETECTORS,
        delay_ticks=settings.delays_ticks,
        holdoff_pulses=HOLDOFF_PULSES,
    )


def _host(
    settings: CosimSettings, port: str, out: Path, progress: Progress
) -> tuple[list[Frame], Receiver, dict[str, int]]:
    """Do what `hexkey capture` does, for as long as there is light."""
    recording = RecordingWriter(out / "run.recording")
    with Board.open(port, on_bytes=recording.wire, patience=PATIENCE) as board:
        ident = board.identification
        board.configure(_board_settings(settings))
        recording.meta(
            {
                **describe_run(
                    RUN, Window(GATE, ident.period_ticks, ident.tick_ps), BIT_OF_DETECTOR
                ),
                "reasons": [SIMULATED_BOARD],
                "parameters": replace(
                    SessionParameters(), block_bits=settings.block_bits, estimate_bits=400
                ).to_json(),
            }
        )
        receiver = Receiver(RUN, (GATE,) * DETECTORS, ident.period_ticks)
        board.arm(RUN)
        frames: list[Frame] = []
        while not has_played(out):
            frames += _take(board, receiver, 0.2)
            if receiver.markers and frames:
                pulse = frames[-1].header.pulse - receiver.markers[0][1]
                progress({"event": "simulating", "pulse": pulse, "pulses": settings.pulses})
        board.stop()
        frames += _take(board, receiver, 0.0)
        seen = board.statistics
    recording.close(receiver.facts())
    losses = {
        "events on the board": receiver.counts.board_lost,
        "events on the line": seen.events_missed,
        "frames": seen.bad_frames,
    }
    return frames, receiver, losses


def _take(board: Board, receiver: Receiver, timeout_s: float) -> list[Frame]:
    frames = [frame for frame in board.frames(timeout_s) if frame.header.run == RUN]
    receiver.push(frames)
    return frames

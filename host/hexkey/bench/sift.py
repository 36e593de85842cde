"""How fast gate, resolver and sifting go over arrays of events."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hexkey._native import ffi, lib
from hexkey.bench.timing import best_s
from hexkey.events import Events
from hexkey.gate import Gate, apply_gate, resolve
from hexkey.sift import BIT_OF_DETECTOR, gate_and_sift, sift_b92

EVENTS = 1_000_000
PERIOD_TICKS = 2500
GATES = (Gate(50, 1250), Gate(50, 1250))  # half of a period: a uniform phase is rejected at random
WRAPPING_GATES = (Gate(2000, 1250), Gate(2000, 1250))  # the same, past the period's end


class Outputs(NamedTuple):
    """What a call in C writes; it returns how much of it."""

    pulse: NDArray[np.uint64]
    bit: NDArray[np.uint8]


def run() -> dict[str, float]:
    """Time 1 million events of which the gate rejects half at random; best of several runs.

    Returns
    -------
    dict
        Millions of events a second of `gate_and_sift`, also where the gates reach past the
        period's end; of the C kernel alone; of the plain loop in C on these events and on friendly
        ones, of which the gate rejects none; of numpy. Ratios to the plain loop on the same events,
        and to numpy.
    """
    events = random_events(EVENTS)
    friendly = random_events(EVENTS, latest_ticks=GATES[0].end_ticks)
    times = best_s(
        lambda: gate_and_sift(events, GATES, PERIOD_TICKS),
        lambda: gate_and_sift(events, WRAPPING_GATES, PERIOD_TICKS),
        *c_calls(events)[:2],
        c_calls(friendly)[1],
    )
    (numpy_s,) = best_s(
        lambda: sift_b92(resolve(apply_gate(events, GATES, PERIOD_TICKS).events).events),
        repetitions=3,
    )
    whole, wrapping, kernel, plain, plain_friendly = (EVENTS / s / 1e6 for s in times)
    return {
        "million_events_per_s": whole,
        "wrapping_million_events_per_s": wrapping,
        "kernel_million_events_per_s": kernel,
        "plain_c_million_events_per_s": plain,
        "plain_c_friendly_million_events_per_s": plain_friendly,
        "numpy_million_events_per_s": EVENTS / numpy_s / 1e6,
        "ratio_to_plain_c": whole / plain,
        "ratio_to_plain_c_friendly": whole / plain_friendly,
        "ratio_to_numpy": numpy_s * whole * 1e6 / EVENTS,
    }


def random_events(count: int, latest_ticks: int = PERIOD_TICKS) -> Events:
    """Return events with phases from the gate's start or, by default, from the whole period."""
    random = np.random.default_rng(1)
    earliest = 0 if latest_ticks == PERIOD_TICKS else GATES[0].start_ticks
    return Events(
        np.cumsum(random.geometric(1 / 1000, count).astype(np.uint64), dtype=np.uint64),
        random.integers(earliest, latest_ticks, count, dtype=np.uint32),
        random.choice(np.array([1, 2, 3], np.uint8), count, p=[0.495, 0.495, 0.01]),
        np.zeros(count, np.uint8),
    )


def c_calls(events: Events) -> tuple[Callable[[], int], Callable[[], int], Outputs]:
    """Return the kernel and the plain loop over `events`, and the arrays that either fills."""
    count, settings = len(events), ffi.new("hexkey_sift_settings *")
    settings.start = [gate.start_ticks for gate in GATES]
    settings.width = [gate.width_ticks for gate in GATES]
    settings.period, settings.bit = PERIOD_TICKS, [*BIT_OF_DETECTOR, 2, 2]
    pulse, bit = np.zeros(2 * count + 2, np.uint64), np.zeros(2 * count + 2, np.uint8)
    view = ffi.from_buffer
    inputs = (
        view("uint64_t[]", events.pulse),
        view("uint32_t[]", events.phase_ticks),
        view("uint8_t[]", events.mask),
    )
    outputs = view("uint64_t[]", pulse), view("uint8_t[]", bit)

    def kernel() -> int:
        state = ffi.new("hexkey_sift_state *")
        end = int(events.pulse[-1]) + 2
        return lib.hexkey_sift(settings, state, count, *inputs, end, *outputs)

    def plain() -> int:
        return lib.hexkey_plain_sift(settings, count, *inputs, *outputs)

    return kernel, plain, Outputs(pulse, bit)

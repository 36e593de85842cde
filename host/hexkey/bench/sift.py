"""How fast gate, resolver and sifting go over arrays of events."""

import time
from collections.abc import Callable

import numpy as np

from hexkey.events import Events
from hexkey.gate import Gate, apply_gate, resolve
from hexkey.sift import gate_and_sift, sift_b92

EVENTS = 1_000_000
PERIOD_TICKS = 2500
GATES = (Gate(50, 1250), Gate(50, 1250))  # half of a period: a uniform phase is rejected at random


def run() -> dict[str, float]:
    """Time 1 million events of which the gate rejects half at random; best of several runs.

    Returns
    -------
    dict
        Millions of events a second of the C kernel and of numpy, and the ratio of the two.
    """
    events = _random_events()
    kernel_s = _best_s(lambda: gate_and_sift(events, GATES, PERIOD_TICKS), 7)
    numpy_s = _best_s(
        lambda: sift_b92(resolve(apply_gate(events, GATES, PERIOD_TICKS).events).events), 3
    )
    return {
        "million_events_per_s": EVENTS / kernel_s / 1e6,
        "numpy_million_events_per_s": EVENTS / numpy_s / 1e6,
        "ratio_to_numpy": numpy_s / kernel_s,
    }


def _random_events() -> Events:
    random = np.random.default_rng(1)
    return Events(
        np.cumsum(random.geometric(1 / 1000, EVENTS).astype(np.uint64), dtype=np.uint64),
        random.integers(0, PERIOD_TICKS, EVENTS, dtype=np.uint32),
        random.choice(np.array([1, 2, 3], np.uint8), EVENTS, p=[0.495, 0.495, 0.01]),
        np.zeros(EVENTS, np.uint8),
    )


def _best_s(work: Callable[[], object], repetitions: int) -> float:
    best = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best

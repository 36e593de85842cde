"""How long the search for the pulse-number offset takes over the whole range of ±4·10⁸ pulses."""

import time

import numpy as np

from hexkey.align import SEARCH_PULSES, find_offset

SAMPLE_BITS = 512
QBER = 0.0649
SPANS = {"sample within 1e6 pulses": 10**6, "sample within 4e8 pulses": 4 * 10**8}


def run() -> dict[str, dict[str, float]]:
    """Return, for a short and a long stretch of sampled pulses, time on one core and the result."""
    return {name: _measure(span) for name, span in SPANS.items()}


def _measure(span: int) -> dict[str, float]:
    generator = np.random.default_rng(span)
    record = np.frombuffer(generator.bytes((2 * SEARCH_PULSES + span) // 8 + 1), np.uint8)
    pulses = np.unique(generator.integers(0, span, SAMPLE_BITS, dtype=np.uint64))
    true_offset = 300_000_007
    at = pulses + np.uint64(true_offset + SEARCH_PULSES)  # in a record from pulse -SEARCH_PULSES
    bits = record[at >> np.uint64(3)] >> (at & np.uint64(7)).astype(np.uint8) & 1
    bits ^= generator.random(len(bits)) < QBER
    start = time.process_time()
    found = find_offset(pulses, bits, record, -SEARCH_PULSES, 8 * len(record))
    seconds = time.process_time() - start
    return {
        "seconds": seconds,
        "candidates_per_second": found.candidates / seconds,
        "candidates": found.candidates,
        "false_match_probability": found.false_match_probability,
        "correct": float(found.offset == true_offset),
    }

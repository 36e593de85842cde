"""How efficient and how fast Cascade is on independent errors, both roles on one core."""

import math
import time

import numpy as np

from hexkey.reconcile.cascade import CascadeAlice, CascadeBob

QBER = 0.0649
BLOCKS = {10_000: 10, 65_536: 4}  # bits a block: blocks


def run() -> dict[str, dict[str, float]]:
    """Return, for each block size, means over its blocks.

    ``efficiency`` is all disclosed bits over all n h(actual error rate); ``seconds`` is processor
    time of Alice and Bob together; ``query_bytes`` is what Bob sends; ``failures`` counts blocks
    with residual errors.
    """
    return {f"{n} bits at {QBER}": _measure(n, blocks) for n, blocks in BLOCKS.items()}


def _measure(n: int, blocks: int) -> dict[str, float]:
    generator = np.random.default_rng(n)
    disclosed = entropy = seconds = query_bytes = 0.0
    round_trips = failures = 0
    for _ in range(blocks):
        key = generator.integers(0, 2, n, dtype=np.uint8)
        errors = (generator.random(n) < QBER).astype(np.uint8)
        seed = generator.bytes(32)
        start = time.process_time()
        alice, bob = CascadeAlice(key, QBER, seed), CascadeBob(key ^ errors, QBER, seed)
        query: bytes | None = bob.start()
        while query is not None:
            query_bytes += len(query)
            query = bob.receive(alice.answer(query))
        seconds += time.process_time() - start
        q = float(errors.mean())
        entropy -= n * (q * math.log2(q) + (1 - q) * math.log2(1 - q))
        disclosed += alice.disclosed_bits
        round_trips += bob.round_trips
        failures += int(np.any(bob.bits != key))
    return {
        "efficiency": disclosed / entropy,
        "seconds": seconds / blocks,
        "megabits_per_second": blocks * n / seconds / 1e6,
        "round_trips": round_trips / blocks,
        "query_bytes": query_bytes / blocks,
        "failures": failures,
    }

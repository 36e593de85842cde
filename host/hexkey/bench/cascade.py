"""How efficient and how fast Cascade is on independent errors, both roles on one core."""

import math
import time
from collections.abc import Sequence

import numpy as np

from hexkey.keyrate.entropy import binary_entropy
from hexkey.reconcile.cascade import CascadeAlice, CascadeBob

# Bits a block, error rate: blocks.
CASES = {
    (65_536, 0.01): 200,
    (65_536, 0.03): 200,
    (65_536, 0.0649): 400,
    (65_536, 0.1): 200,
    (1 << 20, 0.0649): 20,
}
SHUFFLES = 10


def run(cases: dict[tuple[int, float], int] = CASES) -> dict[str, dict[str, float]]:
    """Return, for each block size and error rate, means over its blocks.

    Errors are independent and the method knows the rate they were drawn with. ``efficiency`` is all
    disclosed bits over all n h(actual error rate), ``efficiency_pm`` half its 95 % interval;
    ``megabits_per_second`` counts bits of key over the processor time of Alice and Bob together,
    coding of the messages included; ``query_bytes`` is what Bob sends; ``failures`` counts blocks
    with residual errors. ``ratio_to_shuffles`` compares with the time it takes numpy to shuffle the
    block's places ten times, which plain Cascade does before it does anything else: above 1, the
    whole reconciliation takes less.
    """
    return {f"{n} bits at {qber}": _measure(n, qber, count) for (n, qber), count in cases.items()}


def _measure(n: int, qber: float, blocks: int) -> dict[str, float]:
    generator = np.random.default_rng(n)
    disclosed, limit = np.zeros(blocks), np.zeros(blocks)
    seconds = shuffling = query_bytes = 0.0
    round_trips = failures = 0
    for i in range(blocks):
        key = generator.integers(0, 2, n, dtype=np.uint8)
        errors = (generator.random(n) < qber).astype(np.uint8)
        bob_bits, seed = key ^ errors, generator.bytes(32)
        start = time.process_time()
        alice, bob = CascadeAlice(key, qber, seed), CascadeBob(bob_bits, qber, seed)
        queries = _converse(alice, bob)
        corrected = bob.bits
        seconds += time.process_time() - start
        query_bytes += sum(queries)
        round_trips += bob.round_trips
        failures += int(np.any(corrected != key))
        disclosed[i], limit[i] = alice.disclosed_bits, n * binary_entropy(float(errors.mean()))
        if i < 10:
            shuffling += _seconds_to_shuffle(n, generator) / min(blocks, 10)
    spread = float(np.std(disclosed - limit * disclosed.sum() / limit.sum()))
    return {
        "efficiency": float(disclosed.sum() / limit.sum()),
        "efficiency_pm": 1.96 * spread / math.sqrt(blocks) / float(limit.mean()),
        "seconds": seconds / blocks,
        "megabits_per_second": blocks * n / seconds / 1e6,
        "ratio_to_shuffles": shuffling * blocks / seconds,
        "round_trips": round_trips / blocks,
        "query_bytes": query_bytes / blocks,
        "failures": failures,
        "blocks": blocks,
    }


def _converse(alice: CascadeAlice, bob: CascadeBob) -> Sequence[int]:
    """Let the two talk until Bob is done; return the sizes of his queries."""
    sizes = []
    query: bytes | None = bob.start()
    while query is not None:
        sizes.append(len(query))
        query = bob.receive(alice.answer(query))
    return sizes


def _seconds_to_shuffle(n: int, generator: np.random.Generator) -> float:
    places = np.arange(n, dtype=np.uint32)
    start = time.process_time()
    for _ in range(SHUFFLES):
        generator.shuffle(places)
    return time.process_time() - start

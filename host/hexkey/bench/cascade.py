"""How efficient and how fast Cascade is on independent errors, both roles on one core."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hexkey._native import ffi, lib
from hexkey.keyrate.entropy import binary_entropy
from hexkey.memory import keep_freed
from hexkey.reconcile.cascade import CascadeAlice, CascadeBob

LINKS_MS = (0, 1, 10, 100)


@dataclass(frozen=True, slots=True)
class Case:
    """Keys of `blocks` blocks of `block_bits` bits each, with errors at rate `qber`."""

    block_bits: int
    qber: float
    blocks: int
    keys: int


CASES = {
    "64 k at 1 %": Case(1 << 16, 0.01, 4, 50),
    "64 k at 3 %": Case(1 << 16, 0.03, 4, 50),
    "64 k at 6.49 %": Case(1 << 16, 0.0649, 4, 100),
    "64 k at 10 %": Case(1 << 16, 0.1, 4, 50),
    "1 M at 6.49 %": Case(1 << 20, 0.0649, 1, 200),
    "256 k at 1 %": Case(1 << 18, 0.01, 1, 50),
    "256 k at 6.49 %": Case(1 << 18, 0.0649, 1, 50),
    "128 x 64 k at 6.49 %": Case(1 << 16, 0.0649, 128, 3),
    "32 x 256 k at 6.49 %": Case(1 << 18, 0.0649, 32, 3),  # as sessions cut keys
}
PLAIN_BLOCKS = 5
PLAIN_LEFT = 20  # errors: four passes alone leave some, now and then


def run(cases: Mapping[str, Case] = CASES) -> dict[str, dict[str, float]]:
    """Return, for each case, means over its keys.

    Errors are independent and the method knows the rate they were drawn with. ``efficiency`` is all
    disclosed bits over all n h(actual error rate), ``efficiency_pm`` half its 95 % interval;
    ``megabits_per_second`` counts bits of key over the processor time of Alice and Bob together,
    coding of the messages included; ``query_bytes`` is what Bob sends for a bit of key;
    ``failures`` counts keys with residual errors. ``megabits_per_second_at_10_ms`` is what a link
    leaves of it on which a query and its answer take that long. ``ratio_to_plain_c`` compares with
    Cascade as of 1994 in plain C, both sides in one function without messages, whose efficiency is
    ``plain_efficiency``.
    """
    keep_freed()  # as the roles' commands do
    return {name: _measure(case) for name, case in cases.items()}


def _measure(case: Case) -> dict[str, float]:
    n, keys = case.block_bits * case.blocks, case.keys
    generator = np.random.default_rng(n)
    disclosed, limit, seconds = np.zeros(keys), np.zeros(keys), np.zeros(keys)
    query_bytes = round_trips = failures = 0
    for i in range(keys):
        key = generator.integers(0, 2, n, dtype=np.uint8)
        errors = (generator.random(n) < case.qber).astype(np.uint8)
        bob_bits, seed = key ^ errors, generator.bytes(32)
        start = time.process_time()
        alice = CascadeAlice(key, case.qber, seed, case.block_bits)
        bob = CascadeBob(bob_bits, case.qber, seed, case.block_bits)
        queries = _converse(alice, bob)
        corrected = bob.bits
        seconds[i] = time.process_time() - start
        query_bytes += sum(queries)
        round_trips += bob.round_trips
        failures += int(np.any(corrected != key))
        disclosed[i], limit[i] = alice.disclosed_bits, n * binary_entropy(float(errors.mean()))
    spread = float(np.std(disclosed - limit * disclosed.sum() / limit.sum()))
    median, trips = float(np.median(seconds)), round_trips / keys
    plain = _plain(case, generator)
    return {
        "efficiency": float(disclosed.sum() / limit.sum()),
        "efficiency_pm": 1.96 * spread / math.sqrt(keys) / float(limit.mean()),
        "megabits_per_second": n / median / 1e6,
        "ratio_to_plain_c": case.blocks * plain.seconds / median,
        "plain_efficiency": plain.efficiency,
        "round_trips": trips,
        **{
            f"megabits_per_second_at_{link}_ms": n / (median + trips * link / 1e3) / 1e6
            for link in LINKS_MS[1:]
        },
        "query_bytes": query_bytes / keys / n,
        "failures": failures,
        "blocks": keys * case.blocks,
    }


def _converse(alice: CascadeAlice, bob: CascadeBob) -> Sequence[int]:
    """Let the two talk until Bob is done; return the sizes of his queries."""
    sizes = []
    query: bytes | None = bob.start()
    while query is not None:
        sizes.append(len(query))
        query = bob.receive(alice.answer(query))
    return sizes


@dataclass(frozen=True, slots=True)
class _Plain:
    seconds: float  # a block
    efficiency: float


def _plain(case: Case, generator: np.random.Generator) -> _Plain:
    """Measure Cascade in plain C on a few blocks."""
    n, seconds, disclosed, limit = case.block_bits, [], 0, 0.0
    room = ffi.from_buffer("uint32_t[]", np.empty(13 * n, np.uint32))
    for _ in range(PLAIN_BLOCKS):
        key = generator.integers(0, 2, n, dtype=np.uint8)
        errors = (generator.random(n) < case.qber).astype(np.uint8)
        corrected = key ^ errors
        alice, bob = (ffi.from_buffer("uint8_t[]", bits) for bits in (key, corrected))
        seed = 1 + int(generator.integers(1 << 63))
        start = time.process_time()
        disclosed += lib.hexkey_plain_cascade(alice, bob, n, case.qber, seed, room)
        seconds.append(time.process_time() - start)
        limit += n * binary_entropy(float(errors.mean()))
        if np.count_nonzero(corrected != key) > PLAIN_LEFT:
            raise RuntimeError("plain C does not correct its block")
    return _Plain(float(np.median(seconds)), disclosed / limit)

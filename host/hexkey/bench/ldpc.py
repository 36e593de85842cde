"""How efficient and how fast LDPC codes are on independent errors, both roles on one core."""

import math
import statistics
import time

import numpy as np
from numpy.typing import NDArray

from hexkey._native import ffi, lib
from hexkey.errors import BlockDropped
from hexkey.keyrate.b92 import leak_eq7
from hexkey.keyrate.entropy import binary_entropy
from hexkey.reconcile.ldpc import LdpcAlice, LdpcBob, plan

# Bits a block, error rate: blocks.
CASES = {
    (65_536, 0.005): 200,
    (65_536, 0.01): 200,
    (65_536, 0.03): 200,
    (65_536, 0.0649): 400,
    (65_536, 0.1): 200,
    (65_536, 0.11): 200,
    (1 << 20, 0.0649): 20,
}
LIMIT_FAILURE = 0.01
COMPARED = 1  # blocks that the baselines decode, too
LONGEST_COMPARED = 1 << 16  # plain C takes a minute for more

Bits = NDArray[np.uint8]


def run(
    cases: dict[tuple[int, float], int] = CASES, queries: int = plan.QUERIES
) -> dict[str, dict[str, float]]:
    """Return, for each block size and error rate, means over its blocks.

    Errors are independent and the method knows the rate they were drawn with. ``efficiency`` is all
    disclosed bits over all n h(actual error rate), dropped blocks included, ``efficiency_pm`` half
    its 95 % interval; ``over_one_way_limit`` is disclosed bits over those that a one-way code needs
    at least to fail once in a hundred blocks (`leak_eq7`); ``megabits_per_second`` counts bits of
    key over the median processor time of Alice and Bob together. ``first_failed`` is the share of
    blocks that needed more than one query, ``dropped`` and ``wrong`` count blocks given up and
    blocks with residual errors. ``ratio_to_portable`` compares Bob's decoder with the same one
    without vector instructions, ``ratio_to_plain_c`` with sum-product decoding in plain C, by
    hyperbolic tangents.
    """
    return {
        f"{_size(n)} at {100 * qber:.3g} %": _measure(n, qber, count, queries)
        for (n, qber), count in cases.items()
    }


def _size(n: int) -> str:
    return f"{n >> 20} M" if n >= 1 << 20 else f"{n >> 10} k"


def _measure(n: int, qber: float, blocks: int, queries: int) -> dict[str, float]:
    generator = np.random.default_rng(n)
    disclosed, limit = np.zeros(blocks), np.zeros(blocks)
    seconds, round_trips, sweeps = [], [], 0
    dropped = wrong = 0
    for i in range(blocks):
        key, errors = _block(n, qber, generator)
        bob_bits, seed = key ^ errors, generator.bytes(32)
        start = time.process_time()
        alice, bob = LdpcAlice(key, qber, seed), LdpcBob(bob_bits, qber, seed, queries)
        done = _converse(alice, bob)
        corrected = bob.bits
        seconds.append(time.process_time() - start)
        dropped += not done
        wrong += int(done and np.any(corrected != key))
        round_trips.append(bob.round_trips)
        sweeps += bob.sweeps
        disclosed[i], limit[i] = alice.disclosed_bits, n * binary_entropy(float(errors.mean()))
    spread = float(np.std(disclosed - limit * disclosed.sum() / limit.sum()))
    return {
        "efficiency": float(disclosed.sum() / limit.sum()),
        "efficiency_pm": 1.96 * spread / math.sqrt(blocks) / float(limit.mean()),
        "over_one_way_limit": float(disclosed.mean()) / leak_eq7(n, qber, LIMIT_FAILURE),
        "megabits_per_second": n / statistics.median(seconds) / 1e6,
        "mean_megabits_per_second": n * blocks / sum(seconds) / 1e6,
        "round_trips": statistics.mean(round_trips),
        "first_failed": float(np.mean(np.array(round_trips) > 1)),
        "sweeps": sweeps / blocks,
        "dropped": dropped,
        "wrong": wrong,
        "blocks": blocks,
        **_baselines(n, qber, generator),
    }


def _block(n: int, qber: float, generator: np.random.Generator) -> tuple[Bits, Bits]:
    """Return a key and independent errors."""
    key = generator.integers(0, 2, n, dtype=np.uint8)
    return key, (generator.random(n) < qber).astype(np.uint8)


def _converse(alice: LdpcAlice, bob: LdpcBob) -> bool:
    """Let the two talk until Bob is done; tell whether he found the errors."""
    query: bytes | None = bob.start()
    try:
        while query is not None:
            query = bob.receive(alice.answer(query))
    except BlockDropped:
        return False
    return True


def _baselines(n: int, qber: float, generator: np.random.Generator) -> dict[str, float]:
    """Return how many times as fast Bob is as the plain ways, on a few blocks."""
    fast = portable = plain = 0.0
    if n > LONGEST_COMPARED:
        return {}
    for _ in range(COMPARED):
        key, errors = _block(n, qber, generator)
        for path in (lib.HEXKEY_LDPC_FASTEST, lib.HEXKEY_LDPC_PORTABLE):
            alice = LdpcAlice(key, qber, bytes(32))
            bob = LdpcBob(key ^ errors, qber, bytes(32), path=path)
            start = time.process_time()
            _converse(alice, bob)
            took = time.process_time() - start
            if path == lib.HEXKEY_LDPC_FASTEST:
                fast += took
            else:
                portable += took
        plain += _plain_seconds(n, qber, errors)
    return {"ratio_to_portable": portable / fast, "ratio_to_plain_c": plain / fast}


def _plain_seconds(n: int, qber: float, errors: Bits, iterations: int = 100) -> float:
    """Time sum-product decoding in plain C, with the code and the syndrome of the first query."""
    number, _ = plan.first(n, qber)
    if not plan.is_code(number):
        return 0.0
    code, lifting = plan.code(number), -(-n // plan.code(number).columns)
    placed = np.resize(errors, code.columns * lifting)
    layers, edges = code.whole_rows(lifting), code.edges_at(lifting)
    pointers = (
        ffi.from_buffer("hexkey_ldpc_layer[]", layers),
        len(layers),
        ffi.from_buffer("hexkey_ldpc_edge[]", edges),
        lifting,
    )
    syndrome = np.empty(code.rows * lifting, np.uint8)
    lib.hexkey_ldpc_syndrome(
        *pointers, ffi.from_buffer("uint8_t[]", placed), ffi.from_buffer("uint8_t[]", syndrome)
    )
    belief, message = np.empty(len(placed), np.float32), np.empty(len(edges) * lifting, np.float32)
    start = time.process_time()
    took = lib.hexkey_plain_ldpc(
        *pointers,
        len(placed),
        ffi.from_buffer("uint8_t[]", syndrome),
        math.log((1 - qber) / qber),
        iterations,
        ffi.from_buffer("float[]", belief),
        ffi.from_buffer("float[]", message),
    )
    seconds = time.process_time() - start
    if took >= 0 and np.any((belief < 0) != placed):
        raise RuntimeError("plain C decodes another block")
    return seconds

"""Which method corrects a block: Cascade leaves more key, LDPC codes need one round trip.

Alice chooses for each block, from what she has measured: how long the peer takes to answer, and how
fast this processor is. A user may fix the method instead.
"""

import math
import time
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hexkey.keyrate.entropy import binary_entropy
from hexkey.reconcile import Answering, Asking, Method, converse
from hexkey.reconcile.cascade import BLOCK_BITS, CascadeAlice, CascadeBob
from hexkey.reconcile.frames import FramesAlice, FramesBob
from hexkey.reconcile.ldpc import LdpcAlice, LdpcBob, plan

Bits = NDArray[np.uint8]

RECONCILERS = ("auto", *(method.name.lower() for method in Method))

FRAME_BITS = 1 << 20
# For the choice alone: what the methods typically take and leave.
CASCADE_ROUND_TRIPS, MORE_PER_DOUBLING = 240, 35
LDPC_ROUND_TRIPS = 1.1
CASCADE_EFFICIENCY = 1.045
TRIAL_BITS, TRIAL_QBER = 1 << 15, 0.05


def answering(method: Method, bits: Bits, qber: float, seed: bytes) -> Answering:
    """Return Alice's side, for any number of bits."""
    if method is Method.CASCADE:
        return CascadeAlice(bits, qber, seed)
    return FramesAlice([LdpcAlice(frame, qber, seed) for frame in _frames(bits)])


def asking(method: Method, bits: Bits, qber: float, seed: bytes) -> Asking:
    """Return Bob's side, for any number of bits."""
    if method is Method.CASCADE:
        return CascadeBob(bits, qber, seed)
    return FramesBob([LdpcBob(frame, qber, seed) for frame in _frames(bits)])


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds a bit that the methods take on a processor, both roles together."""

    cascade_s: float
    ldpc_s: float


@cache
def speed() -> Speed:
    """Measure this processor, once: some milliseconds."""
    return Speed(*(_seconds_a_bit(method) for method in Method))


def choose(n: int, qber: float, round_trip_s: float, arrival_s: float, speed: Speed) -> Method:
    """Return the method for a block of `n` bits that took `arrival_s` to be detected.

    Cascade where it keeps up with the detectors, since it leaves more key; otherwise what makes
    more key a second. A round trip that is not known yet, as in a session's first block, is taken
    for a short one.
    """
    if round_trip_s == math.inf:
        return Method.CASCADE
    doublings = max(0.0, np.log2(n / BLOCK_BITS))
    trips = CASCADE_ROUND_TRIPS + MORE_PER_DOUBLING * doublings
    cascade_s = trips * round_trip_s + n * speed.cascade_s
    ldpc_s = LDPC_ROUND_TRIPS * round_trip_s + n * speed.ldpc_s
    if cascade_s <= max(arrival_s, ldpc_s):
        return Method.CASCADE
    entropy, frame = binary_entropy(qber), min(n, FRAME_BITS)
    _, syndrome = plan.first(frame, qber)
    cascade = (1 - (1 + CASCADE_EFFICIENCY) * entropy) / cascade_s
    ldpc = (1 - entropy - syndrome / frame) / max(arrival_s, ldpc_s)
    return Method.CASCADE if cascade >= ldpc else Method.LDPC


def _frames(bits: Bits) -> list[Bits]:
    return np.array_split(bits, -(-len(bits) // FRAME_BITS))


def _seconds_a_bit(method: Method) -> float:
    generator = np.random.default_rng(1)
    bits = generator.integers(0, 2, TRIAL_BITS, dtype=np.uint8)
    errors = (generator.random(TRIAL_BITS) < TRIAL_QBER).astype(np.uint8)
    best = float("inf")
    for _ in range(2):  # the first loads what is needed
        start = time.thread_time()
        alice = answering(method, bits, TRIAL_QBER, bytes(32))
        bob = asking(method, bits ^ errors, TRIAL_QBER, bytes(32))
        converse(alice, bob)
        best = min(best, time.thread_time() - start)
    return best / TRIAL_BITS

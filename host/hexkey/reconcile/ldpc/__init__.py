"""LDPC: one-way reconciliation by a syndrome."""

import numpy as np
from numpy.typing import ArrayLike

from hexkey.reconcile import ReconcileResult, efficiency
from hexkey.reconcile.ldpc import plan
from hexkey.reconcile.ldpc.roles import LdpcAlice, LdpcBob

__all__ = ["LdpcAlice", "LdpcBob", "reconcile"]


def reconcile(
    alice_bits: ArrayLike,
    bob_bits: ArrayLike,
    qber: float,
    seed: bytes,
    queries: int = plan.QUERIES,
) -> ReconcileResult:
    """Reconcile two arrays of your own with LDPC codes and report what it cost.

    Parameters
    ----------
    alice_bits, bob_bits : (n,) arrays of 0 and 1
    qber : float
        Expected share of differing bits, 0 to 1/2. The closer, the better the efficiency.
    seed : bytes
        32 bytes, as for every reconciler.
    queries : int
        How often Bob may ask: 1 for a single round trip.

    Raises
    ------
    BlockDropped
        The errors were not found with all that may be asked.
    """
    alice = LdpcAlice(alice_bits, qber, seed)
    bob = LdpcBob(bob_bits, qber, seed, queries)
    n = len(bob.bits)
    if np.size(alice_bits) != n:
        raise ValueError("alice_bits and bob_bits must have the same length")
    query: bytes | None = bob.start()
    while query is not None:
        query = bob.receive(alice.answer(query))
    return ReconcileResult(
        bits=bob.bits,
        corrected=bob.corrected,
        disclosed_bits=alice.disclosed_bits,
        round_trips=bob.round_trips,
        efficiency=efficiency(alice.disclosed_bits, n, bob.corrected / n),
    )

"""LDPC: one-way, rate-adaptive reconciliation by a syndrome.

Alice discloses sums of her bits, the syndrome H x under a sparse matrix H; Bob adds the syndrome of
his own bits and looks for the errors e with H e = H x + H y that his estimate of the error rate
makes likeliest (Slepian-Wolf coding with a linear code: Wyner, IEEE Trans. Inf. Theory 20, 2
(1974)). One query and one answer are enough for most blocks.

Codes
-----
A family of quasi-cyclic codes, one for every 8 % of redundancy (every 16 % below 2 % of errors and
above 10 %), covers error rates from 0.5 % to 16 %. Degrees come from density evolution of the very
decoder that runs, graphs from progressive edge growth: `hexkey.reconcile.ldpc.design`,
docs/ldpc-codes.md. Any length fits: the lifting is ⌈n / columns⌉, and the places too many hold
zeros that both sides know.

Rate
----
Between two codes, checks are split: each is the sum of two halves known beforehand, and Alice
discloses the sum of the first half as well, which is one bit more and gives Bob two checks with
half as many bits instead of one. The first query asks for

    m = n h(Q) (f∞(Q) + σ),   σ² = Q (1 − Q) log2²((1 − Q) / Q) / (n h(Q)²)

bits, where Q is the estimate, f∞ what very long blocks need, and σ the relative standard deviation
of n h(share of errors): a code cannot do with less than n h of the errors that there are. If the
decoder fails, Bob asks for as much as another σ more, at most nine times; then the block is
dropped. With ``queries=1`` a block is dropped at once.

Decoder
-------
Layered sum-product decoding (Mansour and Shanbhag, IEEE Trans. VLSI Syst. 11, 976 (2003)) with
messages of 8 bits, in sixths of a nat. The sum of two bits of reliabilities a and b has

    min(a, b) + t(a + b) − t(|a − b|),   t(x) = ln(1 + exp(−x)),

exact but for rounding, and for each bit of a check all others are summed along a tree. What is
believed of a bit is kept in 16 bits, so that nothing saturates that is subtracted again later. The
processor's widest vectors are used, chosen at run time; all paths find the same bits.

Disclosure
----------
Every bit that Alice puts into an answer is a fixed linear function of her block, and is counted
once, in `disclosed_bits`, of failed blocks too. Nothing is punctured and no random bits enter, so
there is nothing to argue away: a key has to be shorter by the bits disclosed. Checks that follow
from others would be counted all the same. Bob's queries depend on the block's length, his estimate
and on whether the decoder succeeded; nothing else about the errors is ever said. A query after a
failure tells that there were more errors than usual, as the number of errors does that a proof has
to allow Eve anyway.

Residual errors
---------------
Bob accepts the first error pattern that has the syndrome. It can be a wrong one, where the errors
are half of a codeword of few bits: in none of 3000 blocks of 2¹⁶ bits at 6.49 % and of 2000 at
11 %, but in 5 of 1000 blocks of 2048 bits. Only verification makes keys equal.

Bursts
------
Bit i is bit i div C of column i mod C, C being 512 or 1024, so the errors of a burst spread over
columns of all degrees and over as many checks. That is as good as any order for errors that do not
know the codes, and costs a transposition; `seed` changes nothing. Errors placed on purpose with the
public codes in mind can make decoding fail, and so can more errors.

Limits
------
1 to 2²⁰ bits a block. Blocks below 2048 bits, and those of which more than nine tenths would have
to be disclosed, are disclosed whole: they are equal afterwards and no key is left of them.
Estimates below 0.1 % are taken as that, and below 0.5 % the efficiency gets worse, as the least
redundant code is used. Memory, in bytes a bit of a block of 2¹⁶ bits or more: Bob 15 to 21, Alice 5
to 7. Decoding ends after 250 sweeps, or 25 without a gain.
"""

from numpy.typing import ArrayLike

from hexkey.reconcile import ReconcileResult, check_equal_lengths, converse
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
    check_equal_lengths(alice_bits, bob_bits)
    return converse(LdpcAlice(alice_bits, qber, seed), LdpcBob(bob_bits, qber, seed, queries))

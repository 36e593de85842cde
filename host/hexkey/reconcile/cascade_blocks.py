"""Bob's book-keeping for one pass of Cascade: the finest known blocks, and where to cut them.

All that a pass has taught Bob is the parity of the blocks of a partition of its order: asking for
the left part of a block gives the right part too, so a cut replaces one known block by two. Keeping
only these finest blocks is the reuse of sub-blocks (Martinez-Mateo et al. 2015, arXiv:1407.3257),
and it is also what keeps parallel bisections from flipping an error twice: a corrected bit toggles
its block in every pass, and a bisection that was after the same error finds its block even.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.reconcile.cascade_wire import Places

# Weights are integers so that sums over ranges are exact: 0 means the bit is known for certain.
WEIGHT_ONE = 1 << 30


@dataclass(frozen=True, slots=True)
class Cuts:
    """Blocks of one pass about to be cut: ``first <= middle < end`` places, indices `block`."""

    block: Places
    first: Places
    middle: Places
    end: Places


class Partition:
    """One pass: its order, its blocks and which of them hold an odd number of errors."""

    def __init__(
        self, number: int, order: NDArray[np.int32], bounds: Places, odd: NDArray[np.bool_]
    ) -> None:
        n = len(order)
        self.number = number
        self.order = order
        self.bounds = bounds  # ascending, from 0 to n: block i is bounds[i] to bounds[i + 1]
        self.odd = odd
        self._place = np.empty(n, np.int32)
        self._place[order] = np.arange(n, dtype=np.int32)
        self._weight_before: Places | None = None  # (n + 1,) running sums in this order

    def forget_weights(self) -> None:
        self._weight_before = None

    def toggle(self, positions: NDArray[np.int32]) -> None:
        """Note that the bits at these distinct positions were flipped."""
        blocks = self.bounds.searchsorted(self._place[positions], "right") - 1
        np.logical_xor.at(self.odd, blocks, True)

    def locate(self, weight: Places) -> tuple[NDArray[np.int32], Cuts]:
        """Return the errors that need no further question, and cuts for the other odd blocks.

        A block is cut where its weight, the chance of an error, is halved; known bits have none. So
        both parts hold an unknown bit, and a block with a single one is an error found.
        A block without any is returned as a cut with ``middle == end``: a contradiction.
        """
        before = self._running(weight)
        block = np.flatnonzero(self.odd)
        first, end = self.bounds[block], self.bounds[block + 1]
        low, high = before[first], before[end]
        first_unknown = before.searchsorted(low, "right") - 1
        last_unknown = before.searchsorted(high, "left") - 1
        found = first_unknown == last_unknown
        half = (low + high) // 2
        middle = before.searchsorted(half, "left")
        middle -= half - before[middle - 1] < before[middle] - half
        middle = np.maximum(np.minimum(middle, last_unknown), first_unknown + 1)
        middle = np.where(low == high, end, middle)
        cuts = Cuts(block[~found], first[~found], middle[~found], end[~found])
        return self.order[first_unknown[found]], cuts

    def cut(self, cuts: Cuts, left_odd: NDArray[np.bool_]) -> None:
        """Cut odd blocks in two, given the error parity of their left parts."""
        self.odd[cuts.block] = left_odd
        new = cuts.block + np.arange(1, len(cuts.block) + 1)
        old = np.ones(len(self.odd) + len(new), np.bool_)
        old[new] = False
        bounds, odd = np.empty(len(old) + 1, np.int64), np.empty(len(old), np.bool_)
        bounds[-1] = self.bounds[-1]
        bounds[:-1][old], odd[old] = self.bounds[:-1], self.odd
        bounds[new], odd[new] = cuts.middle, ~left_odd
        self.bounds, self.odd = bounds, odd

    def parities(self, bits: NDArray[np.uint8], first: Places, end: Places) -> NDArray[np.bool_]:
        """Return the parity of `bits` in each range of this order; cost: the ranges' lengths."""
        length = end - first
        offset = np.cumsum(length) - length
        place = np.arange(int(length.sum())) + np.repeat(first - offset, length)
        return np.bitwise_xor.reduceat(bits[self.order[place]], offset).astype(np.bool_)

    def _running(self, weight: Places) -> Places:
        if self._weight_before is None:
            self._weight_before = running_sum(weight[self.order])
        return self._weight_before


def running_sum(values: NDArray[np.int64]) -> Places:
    """Return sums before each place, shape (n + 1,)."""
    before = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=before[1:])
    return before


def equal_weight_bounds(weight: Places, blocks: int) -> Places:
    """Return bounds, from 0 to n, of at most `blocks` blocks of about equal weight."""
    before = running_sum(weight)
    inner = np.searchsorted(before, before[-1] * np.arange(1, blocks) // blocks)
    return np.unique(np.concatenate([[0], inner, [len(weight)]])).astype(np.int64)


def error_weights(
    passes: list[Partition], known: NDArray[np.bool_], qber: float
) -> tuple[Places, NDArray[np.bool_]]:
    """Return each bit's chance to be wrong, in units of 1 / `WEIGHT_ONE`, and which are known.

    All blocks of the passes must be even. Starting from `qber`, the bits are conditioned on the
    parity of their block, pass after pass, as if the passes were independent: a block is even with
    chance (1 + T)/2, where T = ∏(1 − 2w) over its bits. The result only says where to cut; a poor
    one costs efficiency, never correctness.
    """
    chance = np.where(known, 0.0, qber)
    known = known.copy()
    for each in passes:
        start, length = each.bounds[:-1], np.diff(each.bounds)
        w, unknown = chance[each.order], ~known[each.order]
        log_factor = np.log1p(-2 * w)
        log_product = np.repeat(np.add.reduceat(log_factor, start), length)
        w *= (1 - np.exp(log_product - log_factor)) / (1 + np.exp(log_product))
        alone = np.repeat(np.add.reduceat(unknown, start, dtype=np.int64) == 1, length)
        settled = ~unknown | alone  # the only unknown bit of an even block is right
        chance[each.order] = np.where(settled, 0.0, w)
        known[each.order] = settled
    weight = np.maximum((chance * WEIGHT_ONE).astype(np.int64), 1)
    weight[known] = 0
    return weight, known

"""Where Bob's second pass bounds and cuts its blocks, against the rule written out with lists."""

import itertools
import math

import numpy as np
import pytest
from tests.host.reconcile.reference_cascade import (
    Bits,
    PlainAlice,
    plain_order,
    plain_parse,
    plain_table,
)

from hexkey.reconcile.cascade_block import FEW, LATER_BLOCKS, LATER_BLOCKS_FEW, BlockBob

SEED = bytes(range(32))
UNKNOWN, SUSPECT = 1, 3
SUSPECT_CHANCE = 0.52  # of the mean

Ranges = list[tuple[int, int]]


class Conversation:
    """Bob with an Alice who writes down which ranges of a pass each query asks about."""

    def __init__(self, n: int, qber: float, seed: int) -> None:
        generator = np.random.default_rng(seed)
        alice = generator.integers(0, 2, n, dtype=np.uint8)
        self.errors: Bits = (generator.random(n) < qber).astype(int).tolist()
        self._alice = PlainAlice(alice.tolist(), SEED)
        self._bob = BlockBob(alice ^ np.array(self.errors, np.uint8), qber, SEED)
        self._query: bytes | None = self._bob.start()

    def next(self) -> dict[int, Ranges]:
        """Return the ranges of each pass in the next query, which Alice then answers."""
        assert self._query is not None
        found: dict[int, Ranges] = {}
        for number, first, end in plain_parse(self._query):
            found.setdefault(number, []).append((first, end))
        self._query = self._bob.receive(self._alice.answer(self._query))
        return found


def weights_after_the_first_pass(bounds: list[int], qber: float, n: int) -> list[int]:
    """Return the weight of each position: single bits are known by then, right or flipped."""
    weights = []
    for first, end in itertools.pairwise(bounds):
        others = (1 - 2 * qber) ** (end - first - 1)
        chance = (1 - others) / (1 + (1 - 2 * qber) * others)
        weight = SUSPECT if chance >= SUSPECT_CHANCE else UNKNOWN
        weights += [weight if end - first > 1 else 0] * (end - first)
    rows, columns = plain_table(n)
    return weights + [0] * (rows * columns - n)


def expected_blocks(weights: list[int], blocks: int) -> Ranges:
    """Return blocks of equal weight, the last one among them."""
    share = sum(weights) // blocks + 1
    bounds, total, goal = [0], 0, share
    for place, weight in enumerate(weights):
        total += weight
        if total >= goal:
            bounds.append(place + 1)
            goal = total + share
    if bounds[-1] < len(weights) and sum(weights[bounds[-1] :]) == 0:
        bounds.pop()
    return list(itertools.pairwise([*bounds, len(weights)]))


def expected_middle(weights: list[int], first: int, end: int) -> int:
    """Return where the weight is halved as nearly as can be, with some on either side."""
    total = sum(weights[first:end])
    inside = [place for place in range(first + 1, end) if 0 < sum(weights[first:place]) < total]
    reached = next(p for p in range(first, end) if 2 * sum(weights[first : p + 1]) >= total)
    before, after = sum(weights[first:reached]), sum(weights[first : reached + 1])
    if after == total:
        return reached
    if before == 0 or 2 * after - total <= total - 2 * before:
        return reached + 1
    assert reached in inside
    return reached


@pytest.mark.parametrize("n", [1000, 1025, 4096, 5000])
@pytest.mark.parametrize("qber", [0.015, 0.04, 0.1])
def test_the_second_pass_is_bounded_and_cut_by_weight(n: int, qber: float) -> None:
    talk = Conversation(n, qber, n)
    asked = talk.next()
    bounds = sorted({0, n, *(end for _, end in asked[0])})
    while 1 not in (asked := talk.next()):
        bounds = sorted({*bounds, *(middle for _, middle in asked[0])})
    natural = weights_after_the_first_pass(bounds, qber, n)
    order = plain_order(SEED, 1, n)
    weights = [natural[position] for position in order]
    later = LATER_BLOCKS_FEW if qber < FEW else LATER_BLOCKS
    blocks = expected_blocks(weights, round(n * qber / later[0]))
    assert asked == {1: blocks[:-1]}

    wrong = [0] * len(order)  # what the first pass leaves: blocks with two errors, or four
    for first, end in itertools.pairwise(bounds):
        if end - first > 1:
            wrong[first:end] = talk.errors[first:end]
    odd = [(a, b) for a, b in blocks if sum(wrong[order[p]] for p in range(a, b)) % 2]
    cuts = [(first, expected_middle(weights, first, end)) for first, end in odd]
    assert len(cuts) >= 2
    assert talk.next().get(1) == cuts


def test_the_chance_of_suspicion_is_the_one_of_independent_errors() -> None:
    """Of m bits with an even number of errors a share of these is wrong, counted in a sample."""
    generator, m, qber = np.random.default_rng(1), 16, 0.05
    errors = generator.random((200_000, m)) < qber
    even = errors[errors.sum(axis=1) % 2 == 0]
    others = (1 - 2 * qber) ** (m - 1)
    chance = qber * (1 - others) / (1 + (1 - 2 * qber) * others)
    five_sigma = 5 * math.sqrt(chance / even.size) * 2  # errors come in pairs
    assert abs(even.mean() - chance) < five_sigma

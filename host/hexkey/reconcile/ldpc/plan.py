"""How much to disclose first, with which code, and how much more after a failure."""

import math
from functools import cache

import numpy as np

from hexkey.keyrate.entropy import binary_entropy
from hexkey.reconcile.ldpc.code import Code, checksums, load
from hexkey.reconcile.ldpc.wire import MAX_BITS, NO_CODE, lifting_of

# Smaller blocks are disclosed whole: nothing would be left of them for a key.
LEAST_BITS = 2048
LEAST_QBER = 0.001  # below, the code for this is used
# Efficiency at which very long blocks decode: the codes' thresholds and a little more, by the
# error rate; and how many standard deviations of a block's own entropy are added at first.
LONG_BLOCKS = (
    (0.005, 1.130),
    (0.01, 1.105),
    (0.02, 1.077),
    (0.03, 1.072),
    (0.05, 1.064),
    (0.065, 1.058),
    (0.08, 1.054),
    (0.1, 1.048),
)
SIGMAS = 1.0
# What a check known by its halves is worth, next to one more check of a code: a little less.
SPLIT_LOSS = 0.06
# Each further query, in such standard deviations and at least this share.
STEP_SIGMAS = 1.0
LEAST_STEP = 0.006
QUERIES = 10
MOST_SHARE = 0.9  # of a block; where more would be needed it is disclosed whole, too


@cache
def _family() -> tuple[str, ...]:
    return tuple(checksums())


def exists(number: int) -> bool:
    """Tell whether a query may name this code."""
    return number == NO_CODE or number < len(_family())


def is_code(number: int) -> bool:
    """Tell whether it is the number of a code, rather than of none."""
    return number != NO_CODE


def code(number: int) -> Code:
    """Return a code of the family."""
    return load(_family()[number])


def checks(number: int, n: int) -> int:
    """Return the checks of a code for `n` bits."""
    columns, rows = (int(part) for part in _family()[number].split("x"))
    return rows * lifting_of(n, columns)


def most(n: int, checks: int) -> int:
    """Return how many bits of a block Alice discloses at most, with a code of so many checks."""
    return min(n, 2 * checks)


def spread(n: int, qber: float) -> float:
    """Return the relative standard deviation of n h(share of errors) for independent errors."""
    slope = math.log2((1 - qber) / qber)
    return math.sqrt(qber * (1 - qber) / n) * slope / binary_entropy(qber)


def first(n: int, qber: float) -> tuple[int, int]:
    """Return the code for a block and how many bits to disclose of it first."""
    qber = min(max(qber, LEAST_QBER), 0.4999)
    at, efficiencies = np.array(LONG_BLOCKS).T
    efficiency = float(np.interp(qber, at, efficiencies))
    wanted = n * binary_entropy(qber) * (efficiency + SIGMAS * spread(n, qber))
    if n < LEAST_BITS or wanted > MOST_SHARE * n:
        return NO_CODE, n
    bits = [_with(checks(number, n), wanted) for number in range(len(_family()))]
    number = min(range(len(bits)), key=bits.__getitem__)
    return (number, bits[number]) if bits[number] < n else (NO_CODE, n)


def _with(checks: int, wanted: float) -> int:
    """Return the bits to disclose with a code of so many checks, too many if it cannot do."""
    if checks >= wanted:
        return checks
    bits = math.ceil((wanted - SPLIT_LOSS * checks) / (1 - SPLIT_LOSS))
    return bits if bits <= 2 * checks else MAX_BITS + 1


def more(n: int, qber: float, disclosed: int, queries: int) -> int:
    """Return how many bits are to be disclosed in all after `queries` were not enough."""
    qber = min(max(qber, LEAST_QBER), 0.4999)
    share = max(STEP_SIGMAS * spread(n, qber), LEAST_STEP) * max(1, queries - 2)
    return disclosed + math.ceil(n * binary_entropy(qber) * share)

"""How much to disclose first, with which code, and how much more after a failure."""

import math
from functools import cache

from hexkey.keyrate.entropy import binary_entropy
from hexkey.reconcile.ldpc.code import Code, checksums, load
from hexkey.reconcile.ldpc.wire import NO_CODE, lifting_of

# Smaller blocks are disclosed whole: nothing would be left of them for a key.
LEAST_BITS = 2048
LEAST_QBER = 0.001  # below, the code for this is used
# Efficiency of the first query: that of a very long block, and how many standard deviations of the
# block's own entropy are added.
LONG_BLOCK = 1.052
SIGMAS = 1.45
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
    efficiency = LONG_BLOCK + SIGMAS * spread(n, qber)
    wanted = round(n * binary_entropy(qber) * efficiency)
    if n < LEAST_BITS or wanted > MOST_SHARE * n:
        return NO_CODE, n
    fitting = [k for k in range(len(_family())) if checks(k, n) <= wanted]
    number = max(fitting, key=lambda k: checks(k, n), default=0)
    least = checks(number, n)
    if least >= n:
        return NO_CODE, n
    return number, min(max(wanted, least), most(n, least))


def more(n: int, qber: float, disclosed: int, queries: int) -> int:
    """Return how many bits are to be disclosed in all after `queries` were not enough."""
    qber = min(max(qber, LEAST_QBER), 0.4999)
    share = max(STEP_SIGMAS * spread(n, qber), LEAST_STEP) * max(1, queries - 2)
    return disclosed + math.ceil(n * binary_entropy(qber) * share)

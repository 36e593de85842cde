"""Density evolution of the decoder that runs: its numbers, its rounded sums, its limits.

On a long code without cycles the messages of one kind are alike distributed, and each iteration
maps their distribution on the next (Richardson and Urbanke, IEEE Trans. Inf. Theory 47, 599
(2001)); for a decoder whose messages are small integers the map is exact. The channel is symmetric,
so all bits may be taken as 0, and an error is a number below 0. A layered decoder has the same
fixed points as the flooding one that is computed here, and gets there in half the sweeps.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOP = 127  # messages are from -TOP to TOP
NAT = 6  # of their units
TRANSFORM = 8192  # longer than the widest sum of messages


def correction() -> NDArray[np.int64]:
    """Return NAT ln(1 + exp(-x / NAT)), rounded, of each x up to 2 TOP; as in the C decoder."""
    return np.array([round(NAT * math.log1p(math.exp(-x / NAT))) for x in range(2 * TOP + 1)])


def _boxes() -> NDArray[np.int64]:
    """Return the size of a sum of two bits by the sizes of both, (TOP + 1)² of them."""
    table, sizes = correction(), np.arange(TOP + 1)
    a, b = sizes[:, np.newaxis], sizes[np.newaxis, :]
    grown = np.minimum(a, b) + table[a + b] - table[abs(a - b)]
    boxes: NDArray[np.int64] = np.maximum(grown, 0).ravel()
    return boxes


BOXES = _boxes()

# A distribution of messages by size: chance of it, and chance of it with the right sign less that
# with the wrong one.
Sized = tuple[Floats, Floats]


def _box(a: Sized, b: Sized) -> Sized:
    """Return the distribution of a sum of two bits."""
    chance, right = (
        np.bincount(BOXES, np.outer(x, y).ravel(), TOP + 1) for x, y in zip(a, b, strict=True)
    )
    return chance.astype(np.float64), right.astype(np.float64)


def _sum_of(count: int, one: Sized) -> Sized:
    """Return that of a sum of `count` alike bits, taken in pairs as the decoder's tree does."""
    total, power = None, one
    while count:
        if count & 1:
            total = power if total is None else _box(total, power)
        count >>= 1
        power = _box(power, power) if count else power
    if total is None:
        raise ValueError("count must be 1 or more")
    return total


def check_side(messages: Floats, checks: Mapping[int, float]) -> Floats:
    """Return the messages from checks, whose degrees have these shares of the edges."""
    right, wrong = messages[TOP:].copy(), messages[TOP::-1].copy()
    right[0] = wrong[0] = messages[TOP] / 2
    one = right + wrong, right - wrong
    chance, surplus = np.zeros(TOP + 1), np.zeros(TOP + 1)
    for degree, share in checks.items():
        total = _sum_of(degree - 1, one)
        chance, surplus = chance + share * total[0], surplus + share * total[1]
    out = np.zeros(2 * TOP + 1)
    out[TOP:] += (chance + surplus) / 2
    out[TOP::-1] += (chance - surplus) / 2
    return out


def _transform(messages: Floats) -> NDArray[np.complex128]:
    wide = np.zeros(TRANSFORM)
    wide[np.arange(-TOP, TOP + 1) % TRANSFORM] = messages
    return np.fft.rfft(wide)


def _back(transformed: NDArray[np.complex128]) -> Floats:
    """Return a distribution of sums, clipped to what a message can be."""
    wide = np.fft.irfft(transformed, TRANSFORM)
    out: Floats = wide[np.arange(-TOP, TOP + 1) % TRANSFORM]
    out[-1] += wide[TOP + 1 : TRANSFORM // 2].sum()
    out[0] += wide[TRANSFORM // 2 : TRANSFORM - TOP].sum()
    clipped: Floats = np.maximum(out, 0)
    return clipped


def error_rate(messages: Floats) -> float:
    """Return the share of messages with the wrong sign, half of those without."""
    return float(messages[:TOP].sum() + messages[TOP] / 2)


class Evolution:
    """What happens to the messages of an ensemble at an error rate.

    Parameters
    ----------
    qber : float
    columns : mapping of int to float
        Share of the edges at columns of each degree.
    checks : mapping of int to float
        Share of the edges at checks of each degree.
    watch : sequence of int
        Degrees of columns of which the error rates are recorded.

    Attributes
    ----------
    steps : list of (float, float, array)
        Of each iteration, the error rate before, that after, and that after of each degree watched.
    """

    def __init__(
        self,
        qber: float,
        columns: Mapping[int, float],
        checks: Mapping[int, float],
        watch: Sequence[int] = (),
    ) -> None:
        self._columns, self._checks, self._watch = columns, checks, watch
        size = round(NAT * math.log((1 - qber) / qber))
        self._messages = np.zeros(2 * TOP + 1)
        self._messages[TOP + size], self._messages[TOP - size] = 1 - qber, qber
        self._channel = _transform(self._messages)
        self.steps: list[tuple[float, float, Floats]] = []

    def run(self, iterations: int, target: float = 1e-6) -> bool:
        """Iterate until the error rate is below the target; tell whether it got there."""
        for i in range(iterations):
            before = error_rate(self._messages)
            after = self._iterate(before)
            if after < target:
                return True
            if i > 4 and after > before * (1 - 2e-5):
                return False
        return False

    def _iterate(self, before: float) -> float:
        checks = _transform(check_side(self._messages, self._checks))
        degrees = sorted({*self._columns, *self._watch})
        total, rates = np.zeros_like(checks), {}
        power, at = np.ones_like(checks), 1
        for degree in degrees:
            power, at = power * checks ** (degree - at), degree
            total = total + self._columns.get(degree, 0) * power
            if degree in self._watch:
                rates[degree] = error_rate(_back(power * self._channel))
        messages = _back(total * self._channel)
        self._messages = messages / messages.sum()
        after = error_rate(self._messages)
        self.steps.append((before, after, np.array([rates[d] for d in self._watch])))
        return after


def concentrated(mean: float) -> dict[int, float]:
    """Return shares of edges for checks of the two degrees next to a mean, of checks."""
    low = math.floor(mean)
    of_low, of_high = (1 - (mean - low)) * low, (mean - low) * (low + 1)
    shares = {low: of_low / mean, low + 1: of_high / mean}
    return {degree: share for degree, share in shares.items() if share > 0}


def redundancy(columns: Mapping[int, float], mean_check: float) -> float:
    """Return checks per bit."""
    return 1 / mean_check / sum(share / degree for degree, share in columns.items())

"""The LDPC decoder once more, slowly and readably: the same whole numbers, one check at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CERTAIN = 127


@dataclass(frozen=True)
class Layer:
    """Some lanes of a row: its columns with their shifts, and which lanes."""

    edges: Sequence[tuple[int, int]]
    first_lane: int
    lanes: int


def correction(x: int) -> int:
    return round(6 * math.log1p(math.exp(-x / 6)))


def box(a: int, b: int) -> int:
    """Return the reliability of the sum of two bits."""
    return max(min(a, b) + correction(a + b) - correction(abs(a - b)), 0)


def others(sizes: Sequence[int]) -> list[int]:
    """Return, for each bit of a check, the reliability of the sum of all others.

    Over a heap: node i has children 2i and 2i + 1, and bit k is leaf degree + k.
    """
    degree = len(sizes)
    if degree == 1:
        return [CERTAIN]
    inside = [0] * degree + list(sizes)
    for i in range(degree - 1, 0, -1):
        inside[i] = box(inside[2 * i], inside[2 * i + 1])
    outside = [0] * (2 * degree)
    for i in range(2, 2 * degree):
        sibling = inside[i ^ 1]
        outside[i] = sibling if i < 4 else box(outside[i // 2], sibling)
    return outside[degree:]


def clip(x: int) -> int:
    return max(-CERTAIN, min(CERTAIN, x))


def has_syndrome(
    layers: Sequence[Layer], lifting: int, syndrome: Sequence[Sequence[int]], belief: Sequence[int]
) -> bool:
    """Tell whether the bits believed meet every check."""
    for layer, known in zip(layers, syndrome, strict=True):
        for lane in range(layer.lanes):
            check = layer.first_lane + lane
            at = [c * lifting + (check + shift) % lifting for c, shift in layer.edges]
            if (sum(belief[i] < 0 for i in at) + known[lane]) % 2:
                return False
    return True


def decode(
    layers: Sequence[Layer],
    lifting: int,
    syndrome: Sequence[Sequence[int]],
    beliefs: Sequence[int],
    sweeps: int,
    patience: int,
) -> tuple[int, list[int]]:
    """Return what `hexkey_ldpc_decode` returns, and the beliefs it leaves."""
    belief = list(beliefs)
    message = [[[0] * len(layer.edges) for _ in range(layer.lanes)] for layer in layers]
    least, idle = math.inf, 0
    for sweep in range(1, sweeps + 1):
        unmet = 0
        for layer, known, kept in zip(layers, syndrome, message, strict=True):
            for lane in range(layer.lanes):
                check = layer.first_lane + lane
                at = [c * lifting + (check + shift) % lifting for c, shift in layer.edges]
                unmet += (sum(belief[i] < 0 for i in at) + known[lane]) % 2
                without = [belief[i] - m for i, m in zip(at, kept[lane], strict=True)]
                sizes = [abs(clip(q)) for q in without]
                odd = (sum(q < 0 for q in without) + known[lane]) % 2
                for k, (i, size) in enumerate(zip(at, others(sizes), strict=True)):
                    minus = odd ^ (without[k] < 0)
                    kept[lane][k] = -size if minus else size
                    belief[i] = without[k] + kept[lane][k]
        total = sum(layer.lanes for layer in layers)
        if 256 * unmet <= total and has_syndrome(layers, lifting, syndrome, belief):
            return sweep, belief
        idle = 0 if unmet < least else idle + 1
        least = min(least, unmet)
        if idle > patience:
            return -sweep, belief
    return -sweeps, belief

"""A rate or a length with the reason why it is zero."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey.keyrate.domain import Array

COSTS = "error correction and what Eve may know cost all of it"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model gives; arrays of the common shape of its inputs, 0-d for numbers.

    Attributes
    ----------
    value : float64 array
        Never negative, in the unit that the model states.
    reason : array of str
        Why there is no key, and '' where there is.
    signed : float64 array
        The formula's own value, negative where there is no key: what a search for the best setting
        climbs on. A value to look at, not a length.
    """

    value: Array
    reason: NDArray[np.str_]
    signed: Array

    def __float__(self) -> float:
        return float(self.value)


def outcome(signed: ArrayLike, *reasons: tuple[ArrayLike, str]) -> Outcome:
    """Return `signed` with what is below zero cut off, and why.

    The first of `reasons` whose mask holds is told; `COSTS` where none does.
    """
    values = np.asarray(signed, dtype=np.float64)
    none = ~(values > 0)
    masks = [np.broadcast_to(np.asarray(mask, bool), values.shape) & none for mask, _ in reasons]
    reason = np.select([*masks, none], [*(text for _, text in reasons), COSTS], "")
    return Outcome(np.where(none, 0.0, values), np.asarray(reason, np.str_), values)

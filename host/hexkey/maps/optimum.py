"""How sure the best gate of a map is: of its rate, and of being the best.

Both by the delete-one jackknife over stretches of the run (B. Efron and C. Stein, Ann. Stat. 9, 586
(1981)): everything is computed again without each stretch in turn. Gates share most of their
clicks, so that the difference of two is surer than either; the jackknife of the difference has
that, and a link that drifts, too.

The highest of many rates is more likely one that came out too high. So the gate that one half of
the stretches finds best is judged by the other half: that rate is free of the selection.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.maps.count import Kinds
from hexkey.maps.slices import Slice

FEWEST_SLICES = 8
SIGMAS = 2.0  # of the difference, within which a gate may be as good as the best

Rates = NDArray[np.float64]
SecretRate = Callable[[Kinds, float], Rates]
"""Secret rate of the pulses of so many seconds by their kind, gate by gate."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best gate of a map, and how sure it is.

    Attributes
    ----------
    place : (int, int)
        Of the best gate in the grid.
    secret_hz, sigma_hz : float
        Its secret rate and one standard deviation.
    held_out_hz : float
        The rate, in one half of the data, of the gate that the other half finds best; the mean of
        both ways round.
    alike : (S, W) bool
        Gates whose rate is not below the best one's by `SIGMAS` standard deviations of the
        difference.
    """

    place: tuple[int, int]
    secret_hz: float
    sigma_hz: float
    held_out_hz: float
    alike: NDArray[np.bool_]

    def facts(self, start_ns: Rates, width_ns: Rates) -> dict[str, Any]:
        """Return all of it but the map, for a report."""
        starts = start_ns[np.any(self.alike, axis=1)]
        widths = width_ns[np.any(self.alike, axis=0)]
        return {
            "start_ns": float(start_ns[self.place[0]]),
            "width_ns": float(width_ns[self.place[1]]),
            "secret_hz": self.secret_hz,
            "sigma_hz": self.sigma_hz,
            "held_out_hz": self.held_out_hz,
            "alike_gates": int(np.count_nonzero(self.alike)),
            "alike_start_ns": [float(starts[0]), float(starts[-1])],
            "alike_width_ns": [float(widths[0]), float(widths[-1])],
            "alike_sigmas": SIGMAS,
        }


def find_optimum(
    slices: Sequence[Slice], secret_rate: SecretRate, place: tuple[int, int]
) -> Optimum | None:
    """Return how sure the best gate of a map is; None with fewer than `FEWEST_SLICES` stretches.

    Parameters
    ----------
    slices : sequence of Slice
    secret_rate : callable
    place : (int, int)
        Of the best gate by all stretches together.
    """
    count = len(slices)
    if count < FEWEST_SLICES:
        return None
    kinds, seconds = _together(slices)
    rate = secret_rate(kinds, seconds)
    sums, squares = np.zeros(rate.shape), np.zeros(rate.shape)
    own = np.empty(count)
    for number, one in enumerate(slices):
        without = secret_rate(kinds - one.kinds, seconds - one.seconds)
        own[number] = without[place]
        behind = without[place] - without
        sums += behind
        squares += np.square(behind)
    scale = (count - 1) / count
    sigma_behind = np.sqrt(scale * np.maximum(0.0, squares - np.square(sums) / count))
    sigma = float(np.sqrt(scale * np.sum(np.square(own - own.mean()))))
    alike = (rate[place] - rate <= SIGMAS * sigma_behind) & (rate > 0)
    alike[place] = True
    halves = [secret_rate(*_together(slices[first::2])) for first in (0, 1)]
    held_out = [
        float(judge[np.unravel_index(int(np.argmax(chooser)), chooser.shape)])
        for chooser, judge in (halves, halves[::-1])
    ]
    return Optimum(place, float(rate[place]), sigma, sum(held_out) / 2, alike)


def _together(slices: Sequence[Slice]) -> tuple[Kinds, float]:
    kinds = np.sum([one.kinds for one in slices], axis=0)
    return kinds, sum(one.seconds for one in slices)

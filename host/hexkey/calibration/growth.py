"""How a line has changed since it was calibrated, and how far it may have.

Clicks are no oscillator: they come when a source lets them come, and somebody else may time them.
What they say of a line is believed only where it could be the same line at another temperature.
All functions are pure.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey.calibration.line import DISAGREEMENT, EDGE_SHARE
from hexkey.errors import CalibrationError

GROWTH_SHARE = 0.04
"""A line may be longer or shorter by so much of itself: 1 ps a kelvin and nanosecond, for 40 K."""

SHAPE_PS = 20.0
"""Taps do not all grow alike: an entry may be so far from where one factor for all would put it."""

# Kolmogorov's limit: an empirical distribution of n hits is further than this / sqrt(n) from the
# true one with the chance of `DISAGREEMENT`.
_KOLMOGOROV = math.sqrt(math.log(2 / DISAGREEMENT) / 2)


@dataclass(frozen=True, slots=True)
class Growth:
    """How a density differs from that of the same line at another time.

    Attributes
    ----------
    factor : float
        By which the line has grown: the ends of its bins lie so many times later.
    departure_ps : float
        How far an end is from there, at most.
    chance_ps : float
        What chance makes of that, at most: more in one of 10**6 cases.
    """

    factor: float
    departure_ps: float
    chance_ps: float


def growth(reference: ArrayLike, density: ArrayLike, clock_ps: float) -> Growth:
    """Compare two densities of a line by the ends of the bins that both have whole.

    The last bin is cut by the clock's edge, and which one it is depends on the temperature.
    """
    before, now = np.asarray(reference, np.float64), np.asarray(density, np.float64)
    if before.shape != now.shape:
        raise ValueError(f"densities of {len(before)} and {len(now)} codes are not of one line")
    shares = [np.cumsum(each) / each.sum() for each in (before, now)]
    whole = min(int(np.searchsorted(share, 1 - EDGE_SHARE)) for share in shares)
    was, ends = (share[:whole] * clock_ps for share in shares)
    square = float(was @ was)
    factor = float(was @ ends) / square if square else 1.0
    departure = float(np.abs(ends - factor * was).max(initial=0.0))
    chance = clock_ps * _KOLMOGOROV * math.sqrt(1 / before.sum() + 1 / now.sum())
    return Growth(factor, departure, chance)


def check_growth(found: Growth) -> None:
    """Refuse a density that is not of the same line at a temperature that can be.

    Raises
    ------
    CalibrationError
        With the reason ``shaped`` or ``far``.
    """
    if found.departure_ps > SHAPE_PS + found.chance_ps:
        raise CalibrationError(
            "shaped",
            f"bins end up to {found.departure_ps:.0f} ps from where a line that has grown by "
            f"{found.factor - 1:+.1%} has their ends, and {SHAPE_PS + found.chance_ps:.0f} ps are "
            "allowed: the hits were not uniform, or the line is not the one that was calibrated",
        )
    if abs(found.factor - 1) > GROWTH_SHARE:
        raise CalibrationError(
            "far",
            f"the line would have grown by {found.factor - 1:+.1%} since it was calibrated, and "
            f"{GROWTH_SHARE:.0%} are allowed: calibrate it again with `hexkey board calibrate`",
        )


def check_entries(
    origin: NDArray[np.uint16], fine_ticks: NDArray[np.uint16], tick_ps: Fraction
) -> None:
    """Refuse a table with an entry too far from the one that was measured with the oscillator.

    Whatever clicks say, no entry leaves `GROWTH_SHARE` of its time and `SHAPE_PS`.

    Raises
    ------
    CalibrationError
        With the reason ``far``.
    """
    was, now = (float(tick_ps) * each.astype(np.float64) for each in (origin, fine_ticks))
    beyond = np.abs(now - was) - (GROWTH_SHARE * was + SHAPE_PS)
    code = int(beyond.argmax())
    if beyond[code] > 0:
        raise CalibrationError(
            "far",
            f"code {code} would move by {now[code] - was[code]:+.0f} ps from where the oscillator "
            f"found it, and {GROWTH_SHARE * was[code] + SHAPE_PS:.0f} ps are allowed",
        )

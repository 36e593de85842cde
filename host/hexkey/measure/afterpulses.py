"""Afterpulses of a detector: what follows its clicks beyond what follows the other's.

Light that comes in bursts, as a blinking emitter's does, makes clicks follow clicks, too; but it
does so between two detectors as well as within one. So the pairs of a detector's own clicks, past
its dead time, are compared with those across: what is in excess of the share that its efficiency
explains is its own.
"""

import math
from dataclasses import dataclass

import numpy as np

from hexkey.errors import InputError
from hexkey.measure.correlate import Delays


@dataclass(frozen=True, slots=True)
class Afterpulses:
    """How many afterpulses a click has on average.

    Attributes
    ----------
    share, sigma : float
        Below zero within its error where there are none.
    from_ps, until_ps : float
        The delays looked at: from the dead time to what was correlated.
    """

    share: float
    sigma: float
    from_ps: float
    until_ps: float


def afterpulses(
    own: Delays,
    across: Delays,
    clicks: int,
    ratio: float,
    *,
    dead_ps: float,
    dip_ps: float = 0.0,
    period_ps: float | None = None,
) -> Afterpulses:
    """Return a detector's afterpulses.

    Parameters
    ----------
    own : Delays
        Between the detector's clicks.
    across : Delays
        Between its clicks and another's, over the same reach.
    clicks : int
        Of the detector.
    ratio : float
        Its clicks for one of the other.
    dead_ps : float
        Its dead time; nearer pairs are not looked at.
    dip_ps : float
        Delay across at which both detectors see the same moment.
    period_ps : float, optional
        Of pulsed light: whole pulses are looked at.

    Raises
    ------
    InputError
        Nothing is left between the dead time and the reach.
    """
    reach = min(own.reach_ps, across.reach_ps) - abs(dip_ps)
    first, last = dead_ps, reach
    if period_ps is not None:
        first = (math.ceil(dead_ps / period_ps + 0.5) + 0.5) * period_ps
        last = (math.floor(reach / period_ps - 0.5) + 0.5) * period_ps
    if not first < last:
        raise InputError(
            f"the dead time is only known to be below {dead_ps / 1000:.0f} ns, beyond the delays "
            f"of up to {reach / 1000:.0f} ns that are looked at: record for longer, or more light"
        )
    here = (own.centre_ps >= first) & (own.centre_ps < last)
    away = np.abs(across.centre_ps - dip_ps)
    there = (away >= first) & (away < last)
    seen, other = int(own.counts[here].sum()), int(across.counts[there].sum())
    # Across, clicks before and after are counted, within one only those after: half is compared.
    expected = ratio * other / 2
    sigma = math.sqrt(seen + (ratio / 2) ** 2 * other)
    return Afterpulses((seen - expected) / clicks, max(sigma, 1.0) / clicks, first, last)

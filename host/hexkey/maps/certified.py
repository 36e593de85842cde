"""Secret rates of a map by B92's certified bound: collective attacks, endless blocks.

The bound takes up to a second for a QBER, and a map has thousands. It falls as errors grow (more
noise is something that Eve can add), so that it is computed at QBERs rounded **up**, each once.
What a block of finite length costs is not in it, and no bound for that is known here.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.keyrate import b92_certified
from hexkey.keyrate.b92 import USD_THRESHOLD_TRANSMISSION

STEP = 0.0025  # of the QBER
_MOST = 0.4

Rates = NDArray[np.float64]
Counts = NDArray[np.int64]


def certified_rate(transmission: float) -> Callable[[Counts, Counts, float], Rates]:
    """Return what makes certified secret rates of sifted bits, errors and seconds, gate by gate.

    Parameters
    ----------
    transmission : float
        Untrusted: what an attacker could replace.

    Raises
    ------
    ConfigurationError
        It is not above 0 and at most 1.
    """
    if not 0 < transmission <= 1:
        raise ConfigurationError(
            f"the certified bound needs an untrusted transmission above 0 and at most 1, not "
            f"{transmission:g}"
        )

    @cache
    def share(step: int) -> float:
        """Return secret bits a sifted bit at a QBER of so many steps; none above a zero."""
        if transmission <= USD_THRESHOLD_TRANSMISSION or step * STEP > _MOST:
            return 0.0
        return b92_certified.asymptotic_collective_rate(step * STEP, transmission).per_sifted

    def rates(sifted: Counts, errors: Counts, seconds: float) -> Rates:
        qber = np.divide(errors, sifted, out=np.ones(sifted.shape), where=sifted > 0)
        found, zero_from = np.zeros(sifted.shape), math.inf
        steps = np.ceil(qber / STEP).astype(np.int64)
        for step in np.unique(steps).tolist():
            if step < zero_from and (per_sifted := share(step)):
                found[steps == step] = per_sifted
            else:
                zero_from = min(zero_from, step)
        return np.asarray(found * sifted / seconds)

    return rates

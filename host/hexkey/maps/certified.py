"""Secret rates of a map by B92's certified bound: collective attacks, endless blocks.

The bound takes a second or more for a QBER, and a map has thousands. So it is computed at QBERs in
steps, each once. It falls as errors grow (more noise is something that Eve can add), and it is
convex: what Eve leaves unknown of a sifted bit is the least value of a convex program whose
constraints are affine in the QBER, and −h is convex. A convex function lies above the line through
two of its points, beyond them. So a gate's rate is at least on the line through what is proven at
the next step up and what the best attack leaves at the step after it; without that line, the steps
would show as edges.
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
from hexkey.keyrate.entropy import binary_entropy

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
            "the certified bound needs --untrusted-transmission, above 0 and at most 1, not "
            f"{transmission:g}"
        )

    @cache
    def bounds(step: int) -> tuple[float, float]:
        """Return bits a sifted bit at a QBER of so many steps: what is proven, what Eve leaves."""
        if transmission <= USD_THRESHOLD_TRANSMISSION or step * STEP > _MOST:
            return 0.0, math.inf
        found = b92_certified.asymptotic_collective_rate(step * STEP, transmission)
        disclosed = binary_entropy(found.qber)
        unknown = found.unknown_per_sifted
        return unknown - disclosed, max(unknown, found.attack_per_sifted) - disclosed

    def share(qber: Rates, step: int) -> Rates:
        low = bounds(step)[0]
        slope = max(0.0, low - bounds(step + 1)[1])
        return np.maximum(0.0, low + slope * (step - qber / STEP))

    def rates(sifted: Counts, errors: Counts, seconds: float) -> Rates:
        qber = np.divide(errors, sifted, out=np.ones(sifted.shape), where=sifted > 0)
        found, zero_from = np.zeros(sifted.shape), math.inf
        steps = np.ceil(qber / STEP).astype(np.int64)
        for step in np.unique(steps).tolist():
            if step > zero_from:
                break
            found[steps == step] = share(qber[steps == step], step)
            if bounds(step)[0] <= 0:
                zero_from = step
        return np.asarray(found * sifted / seconds)

    return rates

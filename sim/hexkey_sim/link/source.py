"""The emitter: which pulses hold photons that will arrive, and when each leaves.

Loss is the same for every photon, so it is applied here, before there is anything to lose: only
the sparse set of pulses with photons that get through to Bob's analysers is ever drawn. (Unless
somebody on the way wants to see them all.)
"""

import numpy as np
from numpy.typing import NDArray

from hexkey_sim.link.parameters import LinkParameters


def arriving_probabilities(parameters: LinkParameters, survives: float) -> tuple[float, float]:
    """Return the probabilities that one and that two photons of a pulse get through."""
    one, two = parameters.photon_probabilities
    return one * survives + 2 * two * survives * (1 - survives), two * survives**2


def draw_pulses(
    generator: np.random.Generator, first: int, end: int, probability: float
) -> NDArray[np.int64]:
    """Return which of the pulses `first` to `end` - 1 were chosen, each with `probability`.

    Gaps between chosen pulses are geometric and without memory: where a stretch begins does not
    matter, so any division into stretches has the same statistics.
    """
    if probability <= 0 or first >= end:
        return np.empty(0, np.int64)
    mean = (end - first) * probability
    parts = []
    last = first - 1
    while last < end:
        gaps = generator.geometric(probability, int(mean + 6 * mean**0.5 + 16))
        parts.append(last + np.cumsum(gaps))
        last = int(parts[-1][-1])
    chosen = np.concatenate(parts)
    return chosen[: np.searchsorted(chosen, end)]


def emit(
    parameters: LinkParameters,
    generator: np.random.Generator,
    first: int,
    end: int,
    survives: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (pulse, delay in ps after its edge) of each photon of pulses `first` to `end` - 1.

    Of those that are emitted a share of `survives` is returned, drawn photon by photon.
    Both photons of a pair appear with the same pulse, next to each other, with delays of their own.
    """
    one, two = arriving_probabilities(parameters, survives)
    pulses = draw_pulses(generator, first, end, one + two)
    if two > 0:
        pair = generator.random(len(pulses)) * (one + two) < two
        pulses = np.repeat(pulses, 1 + pair.astype(np.int64))
    return pulses, generator.exponential(parameters.lifetime_ps, len(pulses))

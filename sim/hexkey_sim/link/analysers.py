"""What Bob's optics do to a photon: the splitter chooses an arm, the analyser a detector, or none.

Said twice: as chance for each photon (`analyse`) and as a probability (`reaches`); tests hold the
two together.
"""

import numpy as np
from numpy.typing import NDArray

from hexkey_sim.link.parameters import LinkParameters

MAX_SIGMA = 9.0  # normal deviates are cut here (1e-19), so that "later than" can be promised


def analyse(
    parameters: LinkParameters, generator: np.random.Generator, angles_rad: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return for each photon the detector that it fires, or -1.

    An error turns the polarisation of one photon by 90°, whatever its pair's other photon does.
    """
    receiver = parameters.receiver
    count = len(angles_rad)
    edges = np.cumsum([arm.share for arm in receiver.arms])
    branch = np.searchsorted(edges, generator.random(count), side="right")
    turned = generator.random(count) < parameters.polarisation_error
    chance = generator.random(count)
    reached = np.full(count, -1, np.int64)
    for index, arm in enumerate(receiver.arms):
        here = np.flatnonzero(branch == index)
        if arm.angle_deg is None:
            reached[here] = arm.passes_to
            continue
        straight = np.cos(angles_rad[here] - np.deg2rad(arm.angle_deg)) ** 2
        passes = chance[here] < np.where(turned[here], 1 - straight, straight)
        blocked = -1 if arm.reflects_to is None else arm.reflects_to
        reached[here] = np.where(passes, arm.passes_to, blocked)
    efficiencies = np.array([detector.efficiency for detector in receiver.detectors])
    if np.any(efficiencies < 1):
        reached[generator.random(count) >= efficiencies[reached]] = -1
    return reached


def reaches(
    parameters: LinkParameters, index: int, angles_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the probability that a photon at Bob's splitter fires detector `index`."""
    receiver, e = parameters.receiver, parameters.polarisation_error
    total = np.zeros_like(angles_rad)
    for arm in receiver.arms:
        if arm.angle_deg is None:
            total += arm.share * (arm.passes_to == index)
            continue
        straight = np.cos(angles_rad - np.deg2rad(arm.angle_deg)) ** 2
        passes = (1 - e) * straight + e * (1 - straight)
        total += arm.share * passes * (arm.passes_to == index)
        total += arm.share * (1 - passes) * (arm.reflects_to == index)
    return np.asarray(receiver.detectors[index].efficiency * total)


def jitter_ps(generator: np.random.Generator, sigma_ps: float, count: int) -> NDArray[np.float64]:
    """Return `count` normal deviates, none beyond `MAX_SIGMA`."""
    if sigma_ps == 0:
        return np.zeros(count)
    return sigma_ps * np.clip(generator.standard_normal(count), -MAX_SIGMA, MAX_SIGMA)

"""Bob's optics: the splitter chooses a detector, the analyser passes the photon or absorbs it."""

import numpy as np
from numpy.typing import NDArray

from hexkey_sim.link.parameters import LinkParameters

MAX_SIGMA = 9.0  # normal deviates are cut here (1e-19), so that "later than" can be promised


def analyse(
    parameters: LinkParameters, generator: np.random.Generator, angles_rad: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return for each photon the detector it reaches, or -1.

    An error turns the polarisation of one photon by 90°, whatever its pair's other photon does.
    """
    count = len(angles_rad)
    edges = np.cumsum([detector.light_share for detector in parameters.detectors])
    branch = np.searchsorted(edges, generator.random(count), side="right")
    turned = generator.random(count) < parameters.polarisation_error
    chance = generator.random(count)
    reached = np.full(count, -1, np.int64)
    for index, detector in enumerate(parameters.detectors):
        here = np.flatnonzero(branch == index)
        if detector.analyser_deg is not None:
            passes = np.cos(angles_rad[here] - np.deg2rad(detector.analyser_deg)) ** 2
            here = here[chance[here] < np.where(turned[here], 1 - passes, passes)]
        reached[here] = index
    return reached


def jitter_ps(generator: np.random.Generator, sigma_ps: float, count: int) -> NDArray[np.float64]:
    """Return `count` normal deviates, none beyond `MAX_SIGMA`."""
    if sigma_ps == 0:
        return np.zeros(count)
    return sigma_ps * np.clip(generator.standard_normal(count), -MAX_SIGMA, MAX_SIGMA)

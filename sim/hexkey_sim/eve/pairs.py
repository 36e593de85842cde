"""Photons that a source sends two at a time."""

import numpy as np
from numpy.typing import NDArray

from hexkey_sim.link.light import Light
from hexkey_sim.link.parameters import LinkParameters
from hexkey_sim.link.theory import same_pulse_share


def firsts_of_pairs(light: Light) -> NDArray[np.int64]:
    """Return the index i of each pair (i, i + 1) that left the source together, in one state.

    A pair of which one photon passes the modulator a period later carries two states: no pair.
    """
    together = (light.source[1:] == light.source[:-1]) & (light.pulse[1:] == light.pulse[:-1])
    return np.flatnonzero(together)


def pairs_per_pulse(parameters: LinkParameters) -> float:
    """Return how many such pairs leave Alice, a pulse."""
    return parameters.photon_probabilities[1] * same_pulse_share(parameters)


def singles_per_pulse(parameters: LinkParameters) -> float:
    """Return how many photons leave Alice by themselves, a pulse."""
    return parameters.mean_photons - 2 * pairs_per_pulse(parameters)

"""Unambiguous state discrimination of two states (Ivanovic 1987, Dieks 1988, Peres 1988).

Two states that are not orthogonal can be told apart without error, if one may say "don't know". The
best measurement has the elements ``a |1⊥><1⊥|`` (it was state 0), ``a |0⊥><0⊥|`` (it was state 1)
and the rest, with a = 1/(1 + c), where c is the overlap; it succeeds with probability 1 - c: 29.3 %
for V and D (A. Peres, Phys. Lett. A 128, 19 (1988)).
"""

import numpy as np
from numpy.typing import NDArray

INCONCLUSIVE = -1


def success_probability(first_rad: float, second_rad: float) -> float:
    """Return 1 - c for linear polarisations at two angles, each as likely."""
    return 1 - abs(float(np.cos(first_rad - second_rad)))


def discriminate(
    angles_rad: NDArray[np.float64],
    states_rad: NDArray[np.float64],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Measure photons: return 0 or 1, the state it was, or `INCONCLUSIVE`.

    Parameters
    ----------
    angles_rad : (n,) float
        Polarisations of the photons.
    states_rad : (2,) float
        The two states; a photon of another polarisation (a modulator in motion) may give either.
    """
    weight = 1 / (1 + abs(np.cos(states_rad[0] - states_rad[1])))
    zero = weight * np.sin(angles_rad - states_rad[1]) ** 2
    one = weight * np.sin(angles_rad - states_rad[0]) ** 2
    chance = generator.random(len(angles_rad))
    return np.where(chance < zero, 0, np.where(chance < zero + one, 1, INCONCLUSIVE))

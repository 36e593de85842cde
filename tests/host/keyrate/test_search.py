"""The simplex over many problems at once climbs tops that are known."""

import numpy as np
from numpy.typing import NDArray

from hexkey.keyrate.search import climb

Array = NDArray[np.float64]


def test_every_problem_gets_to_its_own_top() -> None:
    """Tilted, stretched hills; the starts are up to a hundred steps away."""
    generator = np.random.default_rng(2)
    problems, settings = 40, 3
    tops = generator.uniform(-5, 5, (settings, problems))
    tilt = np.linalg.qr(generator.standard_normal((problems, settings, settings)))[0]
    stretch = 10 ** generator.uniform(-1, 1, (problems, settings))

    def height(x: Array) -> Array:
        away = np.einsum("pij,jcp->icp", tilt, x - tops[:, None])
        return np.asarray(-np.sum(stretch.T[:, None] * away**2, axis=0))

    found = climb(height, np.zeros((settings, problems)), 0.1, 150)
    np.testing.assert_allclose(found, tops, atol=1e-3)


def test_a_curved_ridge_is_followed() -> None:
    """Rosenbrock's valley, upside down, from the far end."""

    def height(x: Array) -> Array:
        return np.asarray(-((1 - x[0]) ** 2) - 100 * (x[1] - x[0] ** 2) ** 2)

    found = climb(height, np.array([[-1.2, 0.0], [1.0, -1.0]]), 0.2, 150)
    np.testing.assert_allclose(found, 1, atol=1e-3)

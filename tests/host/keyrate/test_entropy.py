import math

import mpmath
import numpy as np
import pytest

from hexkey.keyrate.entropy import binary_entropy


def test_exact_where_it_must_be() -> None:
    assert [binary_entropy(x) for x in (0, 0.5, 1)] == [0, 1, 0]
    assert math.copysign(1, binary_entropy(0)) == 1


@pytest.mark.parametrize(
    "x", [1e-300, 1e-17, 1e-9, 0.0649, 0.3, 0.4999999, 0.6, 0.9351, 1 - 1e-9, 1 - 2**-53]
)
def test_fifteen_digits_next_to_the_edges_too(x: float) -> None:
    with mpmath.workdps(400):
        exact = mpmath.mpf(x)
        entropy = -exact * mpmath.log(exact, 2) - (1 - exact) * mpmath.log(1 - exact, 2)
        assert binary_entropy(x) == pytest.approx(float(entropy), rel=1e-15, abs=0)


def test_arrays_keep_their_shape_and_scalars_are_floats() -> None:
    values = np.asarray(binary_entropy(np.array([[0, 0.5], [1, 0.0649]])))
    assert values.tolist() == [[0, 1], [0, pytest.approx(0.34659652387827056, rel=1e-15)]]
    assert type(binary_entropy(np.float64(0.25))) is float


@pytest.mark.parametrize("x", [-1e-300, 1.0000001, math.nan, [0.5, 2.0]])
def test_refuses_what_is_no_probability(x: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        binary_entropy(x)

"""Binary entropy, in bits."""

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlog1py, xlogy


@overload
def binary_entropy(x: float) -> float: ...
@overload
def binary_entropy(x: ArrayLike) -> float | NDArray[np.float64]: ...
def binary_entropy(x: ArrayLike) -> float | NDArray[np.float64]:
    """Return h(x) = −x log2 x − (1−x) log2(1−x).

    Exact at 0, 1/2 and 1; relative error of a few 1e-16 everywhere, also next to 0 and 1.

    Parameters
    ----------
    x : float or array of any shape
        Probabilities.

    Returns
    -------
    float or float64 array of the shape of `x`

    Raises
    ------
    ValueError
        If a value is not within [0, 1].
    """
    values = np.asarray(x, dtype=np.float64)
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError(f"x must be a probability from 0 to 1, not {x!r}")
    rarer = np.minimum(values, 1 - values)  # 1 - x is exact where it is the smaller one
    entropy = (-xlogy(rarer, rarer) - xlog1py(1 - rarer, -rarer)) / np.log(2)
    return entropy if entropy.ndim else float(entropy)

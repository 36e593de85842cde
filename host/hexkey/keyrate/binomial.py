"""Quantiles of the binomial distribution, exact for the doubles they are given.

The C kernel decides nearly every case with a proven error bound. What it leaves open, an epsilon
that agrees with a value of the distribution function to about twelve digits, is decided in
integers or with as many decimal digits as it takes. No answer is ever a rounded guess.
"""

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey._native import ffi, lib
from hexkey.keyrate.binomial_exact import decide_near

LARGEST_N = 10**15  # up to there every count is a double


def binomial_ppf(epsilon: float, n: int, p: float) -> int:
    """Return F⁻¹(ε; n, p) = min{k in 0..n : P[Bin(n, p) ≤ k] ≥ ε}.

    The doubles `epsilon` and `p` are taken as the exact (dyadic) numbers they are, and the answer
    is exact for them: ε may be the double just above or just below a value of the distribution
    function, or that value. ``p = 0.9351`` is therefore the double next to 0.9351.

    At the edges the definition is kept: ε = 0 gives 0 (SciPy says −1), ε = 1 gives n for
    0 < p < 1, n = 0 gives 0, p = 0 gives 0, and p = 1 gives n unless ε = 0.

    Raises
    ------
    ValueError
        If `epsilon` or `p` is not within [0, 1], or `n` not within 0 to 1e15.
    ArithmeticError
        If 400 digits do not separate ε from a value of the distribution function. That takes an
        equality; the only ones known beyond the reach of integers are those of p = ε = 1/2, which
        are answered by symmetry (`binomial_exact.reaches` has the argument).

    References
    ----------
    The inverse in Eq. 7 of Tapşın et al.; M. Tomamichel, J. Martinez-Mateo, C. Pacher and
    D. Elkouss, Quantum Information Processing 16, 280 (2017).
    """
    epsilon, n, p = float(epsilon), operator.index(n), float(p)
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must be a probability from 0 to 1, not {epsilon!r}")
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability from 0 to 1, not {p!r}")
    if not 0 <= n <= LARGEST_N:
        raise ValueError(f"n must be from 0 to {LARGEST_N}, not {n}")
    answer = ffi.new("int64_t *")
    if lib.hexkey_binomial_ppf(epsilon, n, p, answer) == lib.HEXKEY_BINOMIAL_DECIDED:
        return int(answer[0])
    return decide_near(int(answer[0]), epsilon, n, p)


def binomial_ppf_array(epsilon: ArrayLike, n: ArrayLike, p: ArrayLike) -> NDArray[np.int64]:
    """Return `binomial_ppf` of every triple: as exact, and without a Python call for each.

    Parameters
    ----------
    epsilon, p : float or array of floats
        Probabilities.
    n : int or array of ints
        Up to 1e15. The three are broadcast against each other.

    Returns
    -------
    int64 array of the common shape

    Raises
    ------
    ValueError
        If a value is out of its range, or the shapes do not fit.
    TypeError
        If `n` is not of integers.
    ArithmeticError
        As `binomial_ppf`.
    """
    counts = np.asarray(n)
    if counts.dtype.kind not in "iu" and counts.size:
        raise TypeError(f"n must be integers, not {counts.dtype}")
    levels, probabilities = np.asarray(epsilon, np.float64), np.asarray(p, np.float64)
    for name, values in (("epsilon", levels), ("p", probabilities)):
        if not np.all((values >= 0) & (values <= 1)):
            raise ValueError(f"{name} must be probabilities from 0 to 1")
    if not np.all((counts >= 0) & (counts <= LARGEST_N)):
        raise ValueError(f"n must be from 0 to {LARGEST_N}")
    shape = np.broadcast_shapes(levels.shape, counts.shape, probabilities.shape)
    columns = [
        np.ascontiguousarray(np.broadcast_to(values, shape), dtype).ravel()
        for values, dtype in ((levels, np.float64), (counts, np.int64), (probabilities, np.float64))
    ]
    answers, undecided = np.empty(columns[0].size, np.int64), np.empty(columns[0].size, np.uint8)
    if lib.hexkey_binomial_ppf_array(
        answers.size,
        _view("double[]", columns[0]),
        _view("int64_t[]", columns[1]),
        _view("double[]", columns[2]),
        _view("int64_t[]", answers),
        _view("uint8_t[]", undecided),
    ):
        for i in np.flatnonzero(undecided):
            case = (column[i].item() for column in columns)
            answers[i] = decide_near(answers[i].item(), *case)
    return answers.reshape(shape)


def _view(kind: str, array: NDArray[Any]) -> Any:
    return ffi.from_buffer(kind, array)

"""A lower bound of what Eve does not know, checked without the solver that found it.

Let G(ρ) = KρKᵀ be a linear, unnormalised measurement and Z a pinching. f(ρ) = D(G(ρ)‖Z(G(ρ))), in
bits, is convex and homogeneous, so for *any* ρ0 > 0 and all ρ ≥ 0

    f(ρ) ≥ Tr[ρ M],  M = Kᵀ [log2 G(ρ0) − Z(log2 Z(G(ρ0)))] K,

and if all ρ in question have trace 1 and lo_i ≤ Tr[ρ Γ_i] ≤ hi_i, then for *any* y and δ with
M − Σ y_i Γ_i + δ ≥ 0

    f(ρ) ≥ Σ min(y_i lo_i, y_i hi_i) − δ.

A solver proposes ρ0 and y. Here M is computed with 60 digits, its eigenvectors' residual is
checked, and M − Σ y_i Γ_i + δ > 0 is decided by elimination in exact fractions. A bad proposal
gives a low bound, never a wrong one.

Source: A. Winick, N. Lütkenhaus and P. J. Coles, Quantum 2, 77 (2018), for the two steps; that no
perturbation is needed is homogeneity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hexkey.keyrate.domain import Array

_DIGITS = 60
_BITS = 150  # of fractions: M is rounded to 2^-150
_MARGIN = Fraction(1, 10**30)  # above all rounding of M, below any digit that is shown


@dataclass(frozen=True, slots=True)
class Constraint:
    """low ≤ Tr[ρ observable] ≤ high."""

    observable: Array
    low: float
    high: float


def certified_bound(
    kraus: Array,
    sector: int,
    point: Array,
    constraints: Sequence[Constraint],
    multipliers: Sequence[float],
) -> float:
    """Return the bound of the module's last formula, rounded down.

    Parameters
    ----------
    kraus : (m, n) float64 array
        K. Its entries are the doubles they are: of them the bound holds.
    sector : int
        Z keeps the diagonal blocks of this size.
    point : (n, n) float64 array
        ρ0, positive definite where K looks.
    constraints, multipliers
        Γ_i with their bounds, and y_i. One of the Γ must fix the trace at 1.
    """
    slack = _gradient(kraus, sector, point)
    value = Fraction(0)
    for constraint, multiplier in zip(constraints, multipliers, strict=True):
        y = Fraction(float(multiplier))
        value += min(y * Fraction(constraint.low), y * Fraction(constraint.high))
        for i, row in enumerate(constraint.observable):
            for j, entry in enumerate(row):
                slack[i][j] -= y * Fraction(float(entry))
    shift = _least_shift(slack)
    return float(np.nextafter(float(value - shift - _MARGIN), -np.inf))


def _least_shift(slack: list[list[Fraction]]) -> Fraction:
    """δ that makes slack + δ positive, proven: doubled until it is."""
    smallest = float(np.linalg.eigvalsh([[float(x) for x in row] for row in slack])[0])
    shift = Fraction(max(0.0, -smallest)) + Fraction(1, 10**13)
    while not _is_positive(slack, shift):
        shift *= 2
    return shift


def _is_positive(matrix: list[list[Fraction]], shift: Fraction) -> bool:
    """Whether matrix + shift is positive definite: Gaussian elimination finds positive pivots."""
    rows = [[x + (shift if i == j else 0) for j, x in enumerate(r)] for i, r in enumerate(matrix)]
    for k, pivot in enumerate(rows):
        if pivot[k] <= 0:
            return False
        for row in rows[k + 1 :]:
            factor = row[k] / pivot[k]
            for j in range(k, len(rows)):
                row[j] -= factor * pivot[j]
    return True


def _gradient(kraus: Array, sector: int, point: Array) -> list[list[Fraction]]:
    """M of the module's text, symmetric, within 2^-150 (n + 1) of the exact one."""
    import mpmath  # only here, and an extra

    with mpmath.workdps(_DIGITS):
        k = mpmath.matrix(kraus.tolist())
        image = k * mpmath.matrix(((point + point.T) / 2).tolist()) * k.T
        difference = _log2(image)
        for start in range(0, image.rows, sector):
            block = image[start : start + sector, start : start + sector]
            logarithm = _log2(block)
            for i in range(sector):
                for j in range(sector):
                    difference[start + i, start + j] -= logarithm[i, j]
        gradient = k.T * difference * k
        scale = mpmath.mpf(2) ** _BITS
        size = gradient.rows
        return [
            [
                Fraction(int(mpmath.nint((gradient[i, j] + gradient[j, i]) / 2 * scale)), 2**_BITS)
                for j in range(size)
            ]
            for i in range(size)
        ]


def _log2(matrix: Any) -> Any:
    """Matrix logarithm; refused when the eigenvectors do not give the matrix back."""
    import mpmath

    values, vectors = mpmath.eigsy(matrix)
    if min(values) <= mpmath.mpf(10) ** (10 - _DIGITS // 2):
        raise ValueError("point must be positive definite where it is measured")
    residual = vectors * mpmath.diag(values) * vectors.T - matrix
    unit = vectors.T * vectors - mpmath.eye(matrix.rows)
    if max(mpmath.mnorm(residual), mpmath.mnorm(unit)) > mpmath.mpf(10) ** (10 - _DIGITS):
        raise ArithmeticError("eigenvectors of the measured state are not accurate enough")
    return vectors * mpmath.diag([mpmath.log(x, 2) for x in values]) * vectors.T

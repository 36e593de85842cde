"""BB84 with two decoys in finite blocks: three intensities μ1 > μ2 + μ3, μ2 > μ3 ≥ 0.

    n^±    = e^(μ_k)/p_k (n_k ± deviation)
    s_0    ≥ τ_0 (μ2 n⁻_3 − μ3 n⁺_2)/(μ2 − μ3)
    s_1    ≥ τ_1 μ1 [n⁻_2 − n⁺_3 − (μ2² − μ3²)/μ1² (n⁺_1 − s_0/τ_0)]/[μ1(μ2 − μ3) − μ2² + μ3²]
    v_1    ≤ τ_1 (m⁺_2 − m⁻_3)/(μ2 − μ3)                   in the test basis
    φ      ≤ v_1/s_1 + γ(ε_sec, v_1/s_1, s_1 test, s_1 key)
    l      = s_0 + s_1 [1 − h(φ)] − leak − 6 log2(21/ε_sec) − log2(2/ε_cor)

Assumes: phase-randomised coherent pulses whose classes differ in their intensity alone, with known
intensities; bases and classes drawn independently; detectors of equal efficiency, double clicks
given a random bit.

Source: C. C. W. Lim, M. Curty, N. Walenta, F. Xu and H. Zbinden, Phys. Rev. A 89, 022307 (2014),
Eqs. 1–5 (deviation √(n/2 ln(21/ε_sec)), "hoeffding"). "chernoff" puts each class's multiplicative
Chernoff bound in its place, as in H.-L. Yin et al., Sci. Rep. 10, 14312 (2020).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.bb84_single import HALF_WRONG
from hexkey.keyrate.decoy import Receiver
from hexkey.keyrate.decoy_finite import (
    FEW_SINGLE,
    Bound,
    Counts,
    Intensities,
    expected_counts,
    ordered,
    planned_leak,
    sampling_as_published,
    scaled_bounds,
    secret,
)
from hexkey.keyrate.domain import Array
from hexkey.keyrate.outcome import Outcome, outcome

FAILURES = 21  # events whose probabilities add to ε_sec


@dataclass(frozen=True, slots=True)
class SinglePhotons:
    """Bounds of one block: vacuum and single-photon clicks of the key, and their phase error."""

    vacuum_lower: Array
    single_lower: Array
    phase_error_upper: Array


def single_photons(
    intensities: Intensities, counts: Counts, eps_sec: float, bound: Bound = "hoeffding"
) -> SinglePhotons:
    """Return the bounds that the length is made of."""
    _require(intensities)
    eps = float(domain.epsilon("eps_sec", eps_sec)) / FAILURES
    vacuum, single = _photon_numbers(intensities, counts.key, eps, bound)
    _, test = _photon_numbers(intensities, counts.test, eps, bound)
    lower, upper = scaled_bounds(intensities, counts.test_errors, eps, bound)
    _, decoy, weak = intensities.mean_photons
    errors = intensities.emission(1) * np.maximum(upper[1] - lower[2], 0) / (decoy - weak)
    some = (single > 0) & (test > 0)
    safe_test, safe_key = np.where(some, test, 1.0), np.where(some, single, 1.0)
    share = np.minimum(errors / safe_test, 0.5)
    phase = share + sampling_as_published(eps, share, safe_test, safe_key)
    return SinglePhotons(vacuum, single, np.where(some, np.minimum(phase, 0.5), 0.5))


def key_length(
    intensities: Intensities,
    counts: Counts,
    leak_bits: ArrayLike,
    eps_sec: float,
    eps_cor: float,
    bound: Bound = "hoeffding",
) -> Outcome:
    """Return the secret bits of a block.

    Parameters
    ----------
    counts : Counts
        Observed, or expected (then `leak_bits` is planned, too).
    leak_bits : array_like
        Bits disclosed to correct errors.
    eps_sec, eps_cor : float
        Secrecy and correctness.
    bound : "hoeffding" or "chernoff"
    """
    found = single_photons(intensities, counts, eps_sec, bound)
    leak = domain.non_negative("leak_bits", leak_bits)
    constants = 6 * np.log2(FAILURES / eps_sec) + np.log2(2 / domain.epsilon("eps_cor", eps_cor))
    kept = secret(found.vacuum_lower, found.single_lower, found.phase_error_upper)
    return outcome(
        kept - leak - constants,
        (found.single_lower <= 0, FEW_SINGLE),
        (found.phase_error_upper >= 0.5, HALF_WRONG),
    )


def planned_length(
    receiver: Receiver,
    intensities: Intensities,
    loss_db: ArrayLike,
    pulses: ArrayLike,
    key_bias: ArrayLike,
    eps_sec: float = 1e-9,
    eps_cor: float = 1e-15,
    error_correction: ArrayLike = 1.16,
    bound: Bound = "hoeffding",
) -> Outcome:
    """Return the secret bits expected; see `expected_counts` and `key_length` for the inputs."""
    counts, qber = expected_counts(receiver, intensities, loss_db, pulses, key_bias)
    leak = planned_leak(counts, qber, error_correction)
    return key_length(intensities, counts, leak, eps_sec, eps_cor, bound)


def _photon_numbers(
    intensities: Intensities, counts: Array, eps: float, bound: Bound
) -> tuple[Array, Array]:
    """Lower bounds of s_0 and s_1, for the counts of one basis."""
    signal, decoy, weak = intensities.mean_photons
    none, one = intensities.emission(0), intensities.emission(1)
    lower, upper = scaled_bounds(intensities, counts, eps, bound)
    vacuum = np.maximum(0, none * (decoy * lower[2] - weak * upper[1]) / (decoy - weak))
    brighter = (decoy**2 - weak**2) / signal**2 * (upper[0] - vacuum / none)
    single = lower[1] - upper[2] - brighter
    scale = signal * (decoy - weak) - decoy**2 + weak**2
    return vacuum, np.maximum(0, one * signal * single / scale)


def _require(intensities: Intensities) -> None:
    mu = intensities.mean_photons
    ordered(
        intensities,
        3,
        [(len(mu) == 3 and mu[1] > mu[2] and mu[0] > mu[1] + mu[2], "μ1 > μ2 + μ3 and μ2 > μ3")],
    )

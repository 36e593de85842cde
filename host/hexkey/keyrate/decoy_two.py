"""BB84 with two decoys in finite blocks: three intensities μ1 > μ2 + μ3, μ2 > μ3 ≥ 0.

    n^±    = e^(μ_k)/p_k (n_k ± deviation)
    s_0    ≥ τ_0 (μ2 n⁻_3 − μ3 n⁺_2)/(μ2 − μ3)
    s_1    ≥ τ_1 μ1 [n⁻_2 − n⁺_3 − (μ2² − μ3²)/μ1² (n⁺_1 − s_0/τ_0)]/[μ1(μ2 − μ3) − μ2² + μ3²]
    v_1    ≤ τ_1 (m⁺_2 − m⁻_3)/(μ2 − μ3), and ≤ m         in the test basis
    φ      ≤ v_1/s_1 + γ(ε_sec, v_1/s_1, s_1 test, s_1 key)
    l      = s_0 + s_1 [1 − h(φ)] − leak − 6 log2(21/ε_sec) − log2(2/ε_cor)

Assumes: phase-randomised coherent pulses whose classes differ in their intensity alone, with known
intensities; bases and classes drawn independently; detectors of equal efficiency, double clicks
given a random bit.

Source: C. C. W. Lim, M. Curty, N. Walenta, F. Xu and H. Zbinden, Phys. Rev. A 89, 022307 (2014),
Eqs. 1–5 (deviation √(n/2 ln(21/ε_sec)), "hoeffding"; there X is the key's basis, Z the other).
"chernoff" puts each class's multiplicative Chernoff bound in its place, as in H.-L. Yin et al.,
Sci. Rep. 10, 14312 (2020).
"""

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.decoy import Receiver
from hexkey.keyrate.decoy_finite import (
    Bound,
    Counts,
    Intensities,
    SinglePhotons,
    expected_counts,
    length_unproven,
    ordered,
    phase_error_unproven,
    planned_leak,
    scaled_bounds,
    wrong_single_photons,
)
from hexkey.keyrate.domain import Array
from hexkey.keyrate.outcome import Outcome

FAILURES = 21  # events whose probabilities add to ε_sec


def single_photons(
    intensities: Intensities, counts: Counts, eps_sec: float, bound: Bound = "hoeffding"
) -> SinglePhotons:
    """Return the bounds that the length is made of."""
    _require(intensities)
    eps = float(domain.epsilon("eps_sec", eps_sec)) / FAILURES
    vacuum, single = _photon_numbers(intensities, counts.key, eps, bound)
    _, test = _photon_numbers(intensities, counts.test, eps, bound)
    errors = wrong_single_photons(intensities, counts.test_errors, (1, 2), eps, bound)
    phase = phase_error_unproven(errors, eps, single, test)
    return SinglePhotons(vacuum, single, phase)


def key_length_unproven(
    intensities: Intensities,
    counts: Counts,
    leak_bits: ArrayLike,
    eps_sec: float,
    eps_cor: float,
    bound: Bound = "hoeffding",
) -> Outcome:
    """Return the secret bits of a block, with the published deviation of a sample.

    That deviation bounds one outcome of the sample rather than all that are as bad, so this is no
    proof as it stands (`decoy_finite.published_sampling_unproven`).

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
    return length_unproven(found, leak_bits, FAILURES, eps_sec, eps_cor)


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
    """Return the secret bits expected; inputs as of `expected_counts` and the length above."""
    counts, qber = expected_counts(receiver, intensities, loss_db, pulses, key_bias)
    leak = planned_leak(counts, qber, error_correction)
    return key_length_unproven(intensities, counts, leak, eps_sec, eps_cor, bound)


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
        [
            (
                len(mu) == 3 and bool(np.all((mu[1] > mu[2]) & (mu[0] > mu[1] + mu[2]))),
                "μ1 > μ2 + μ3 and μ2 > μ3",
            )
        ],
    )

"""BB84 with one decoy and three states in finite blocks: two intensities μ1 > μ2 > 0.

Alice sends both states of the key's basis and one of the other: the fourth state is spared.

    s_0 ≥ τ_0 (μ1 n⁻_2 − μ2 n⁺_1)/(μ1 − μ2)
    s_0 ≤ 2 [τ_0 e^(μ_k)/p_k m⁺_k + √(n/2 ln(19/ε_sec))],  the smaller of the two k
    s_1 ≥ τ_1 μ1/[μ2(μ1 − μ2)] [n⁻_2 − μ2²/μ1² n⁺_1 − (μ1² − μ2²)/μ1² s_0⁺/τ_0]
    v_1 ≤ τ_1 (m⁺_1 − m⁻_2)/(μ1 − μ2), and ≤ m            in the test basis
    φ   ≤ v_1/s_1 + γ(ε_sec, v_1/s_1, s_1 test, s_1 key)
    l   = s_0 + s_1 [1 − h(φ)] − leak − 6 log2(19/ε_sec) − log2(2/ε_cor)

Assumes: as `hexkey.keyrate.decoy_two`; the three-state protocol needs the counts of the test basis
to be those of all of Alice's states there, as if the fourth had been sent (the loss-tolerant
argument of the source's references), which holds for the basis-independent detection assumed.

Source: D. Rusca, A. Boaron, F. Grünenfelder, A. Martin and H. Zbinden, Appl. Phys. Lett. 112,
171104 (2018), in the notation of its appendix. `bound` as in `decoy_two`; the published one is
"hoeffding".
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
from hexkey.keyrate.tails import hoeffding_deviation

FAILURES = 19  # events whose probabilities add to ε_sec


def single_photons(
    intensities: Intensities,
    counts: Counts,
    key_errors: Array,
    eps_sec: float,
    bound: Bound = "hoeffding",
) -> SinglePhotons:
    """Return the bounds that the length is made of; `key_errors` has one row a class."""
    _require(intensities)
    eps = float(domain.epsilon("eps_sec", eps_sec)) / FAILURES
    vacuum, single = _photon_numbers(intensities, counts.key, key_errors, eps, bound)
    _, test = _photon_numbers(intensities, counts.test, counts.test_errors, eps, bound)
    errors = wrong_single_photons(intensities, counts.test_errors, (0, 1), eps, bound)
    phase = phase_error_unproven(errors, eps, single, test)
    return SinglePhotons(vacuum, single, phase)


def key_length_unproven(
    intensities: Intensities,
    counts: Counts,
    key_errors: ArrayLike,
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
        Observed, or expected.
    key_errors : array_like
        Wrong clicks in the key's basis, one row a class: known after error correction.
    leak_bits : array_like
        Bits disclosed to correct errors.
    eps_sec, eps_cor : float
        Secrecy and correctness.
    bound : "hoeffding" or "chernoff"
    """
    wrong = domain.non_negative("key_errors", key_errors)
    found = single_photons(intensities, counts, wrong, eps_sec, bound)
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
    bias = np.asarray(key_bias, np.float64)
    key_errors = counts.test_errors * (bias / (1 - bias)) ** 2
    leak = planned_leak(counts, qber, error_correction)
    return key_length_unproven(intensities, counts, key_errors, leak, eps_sec, eps_cor, bound)


def _photon_numbers(
    intensities: Intensities, counts: Array, errors: Array, eps: float, bound: Bound
) -> tuple[Array, Array]:
    """Lower bounds of s_0 and s_1, for the counts and errors of one basis."""
    signal, decoy = intensities.mean_photons
    none, one = intensities.emission(0), intensities.emission(1)
    lower, upper = scaled_bounds(intensities, counts, eps, bound)
    _, wrong = scaled_bounds(intensities, errors, eps, bound)
    least = np.maximum(0, none * (signal * lower[1] - decoy * upper[0]) / (signal - decoy))
    # half of the vacuum clicks are wrong, so errors bound them
    most = 2 * (none * wrong.min(0) + hoeffding_deviation(counts.sum(0), eps))
    single = lower[1] - (decoy / signal) ** 2 * upper[0]
    single = single - (1 - (decoy / signal) ** 2) * most / none
    return least, np.maximum(0, one * signal / (decoy * (signal - decoy)) * single)


def _require(intensities: Intensities) -> None:
    mu = intensities.mean_photons
    falling = len(mu) == 2 and bool(np.all((mu[0] > mu[1]) & (np.asarray(mu[1]) > 0)))
    ordered(intensities, 2, [(falling, "μ1 > μ2 > 0")])

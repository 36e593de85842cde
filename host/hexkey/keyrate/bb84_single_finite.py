"""Efficient BB84 with a single-photon source in finite blocks, before anything is measured.

The **planning** form: expected counts stand for observed ones. For keys that are distilled there is
`hexkey.keyrate.bb84_single_observed`.

    N_X = N_S p_X² P_clk       N_Z = N_S p_Z² P_clk       p_Z = 1 − p_X, N_S = R t_S
    N*_mp = N_S p² P_m         N̄_mp = N*_mp + Δᵁ(N*_mp)    N_nmp = N − N̄_mp
    φ = m_Z/N_nmp^Z            m_Z = N_S p_Z² P_err        φ̄ = φ + γᵁ(N_nmp^Z, N_nmp^X, φ, ε)
    l = N_nmp^X [1 − h(φ̄)] − L_EC − 2 log2(1/(2 ε_PA)) − log2(2/ε_cor)

P_clk, P_m and P_err, and what is assumed, are in `hexkey.keyrate.bb84_single`.

Source: Tapşın et al., appendix, Eqs. 9–11, after R. G. Pousa, D. K. L. Oi and J. Jeffers,
arXiv:2405.19963, and C. L. Morrison et al., Nat. Commun. 14, 3573 (2023). Two printed formulas are
not used: Δᵁ divided by 2N*, which is no bound, and Eq. 9, which counts a dark click as an error and
a half. The ε's are the paper's, and with ε_PE = 4ε they add to more than the ε_sec it states.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.b92 import PLANNED_EFFICIENCY, leak_eq7_array
from hexkey.keyrate.bb84_single import (
    ALL_MULTIPHOTON,
    HALF_WRONG,
    MOST_LOSS_DB,
    Clicks,
    SinglePhotonLink,
    clicks,
)
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome
from hexkey.keyrate.search import climbable, largest_positive, maximise
from hexkey.keyrate.tails import sampling_deviation_unproven, upper_count

Leak = Literal["efficiency", "larger"]
"""1.16 n h(Q), or the larger of that and the one-way limit of Eq. 7."""

_ATTENUATION_LOG10 = (-4.0, 0.0)
_BIAS_LOGIT = (-2.0, 9.0)


@dataclass(frozen=True, slots=True)
class PlannedEpsilons:
    """Failure probabilities, used as the paper uses them."""

    privacy_amplification: float = 1e-10
    parameter_estimation: float = 4e-10
    correctness: float = 1e-15

    def __post_init__(self) -> None:
        for name in self.__slots__:
            domain.epsilon(name, getattr(self, name))


PAPER_EPSILONS = PlannedEpsilons()


def planned_length(
    link: SinglePhotonLink,
    loss_db: ArrayLike,
    block_s: ArrayLike,
    basis_bias: ArrayLike,
    attenuation: ArrayLike = 1.0,
    epsilons: PlannedEpsilons = PAPER_EPSILONS,
    leak: Leak = "efficiency",
) -> Outcome:
    """Return the secret bits expected of one block.

    Parameters
    ----------
    loss_db : array_like
        Loss of the channel alone, dB.
    block_s : array_like
        t_S, seconds of sending.
    basis_bias : array_like
        p_X, probability with which each side picks the key's basis, between 0 and 1.
    attenuation : array_like
        η_tr, transmission of Alice's attenuator, from 0 to 1.
    leak : "efficiency" or "larger"
        See `Leak`.
    """
    domain.choice("leak", leak, get_args(Leak))
    pulse = clicks(link, loss_db, attenuation)
    return _length(pulse, _sent(link, block_s), basis_bias, epsilons, leak)


def best_setting(
    link: SinglePhotonLink,
    loss_db: ArrayLike,
    block_s: ArrayLike,
    epsilons: PlannedEpsilons = PAPER_EPSILONS,
    leak: Leak = "efficiency",
) -> tuple[Array, Array]:
    """Return the p_X and the η_tr with the largest `planned_length`."""
    domain.choice("leak", leak, get_args(Leak))
    loss, sent = np.broadcast_arrays(np.asarray(loss_db, np.float64), _sent(link, block_s))

    def objective(logit: Array, exponent: Array) -> Array:
        pulse, bias = clicks(link, loss, 10**exponent), _from_logit(logit)
        length = _length(pulse, sent, bias, epsilons, leak).signed
        return climbable(length, sent * bias**2 * pulse.clicked)

    logit, exponent = maximise(objective, [_BIAS_LOGIT, _ATTENUATION_LOG10], loss.shape, 1e-6)
    return _from_logit(logit), np.asarray(10**exponent)


def best_planned_length(
    link: SinglePhotonLink,
    loss_db: ArrayLike,
    block_s: ArrayLike,
    epsilons: PlannedEpsilons = PAPER_EPSILONS,
    leak: Leak = "efficiency",
) -> Outcome:
    """Return `planned_length` with the best basis bias and attenuator."""
    bias, attenuation = best_setting(link, loss_db, block_s, epsilons, leak)
    return planned_length(link, loss_db, block_s, bias, attenuation, epsilons, leak)


def largest_loss_db(
    link: SinglePhotonLink,
    block_s: float,
    epsilons: PlannedEpsilons = PAPER_EPSILONS,
    leak: Leak = "efficiency",
) -> float:
    """Return the largest channel loss at which a block of that time is expected to give key."""
    return largest_positive(
        lambda loss: float(best_planned_length(link, loss, block_s, epsilons, leak)),
        MOST_LOSS_DB,
        width=1e-5,
    )


def _sent(link: SinglePhotonLink, block_s: ArrayLike) -> Array:
    return np.asarray(link.pulse_rate_hz * domain.positive("block_s", block_s))


def _from_logit(logit: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logit)))


def _length(
    pulse: Clicks, sent: Array, basis_bias: ArrayLike, epsilons: PlannedEpsilons, leak: Leak
) -> Outcome:
    bias = domain.epsilon("basis_bias", basis_bias)
    in_x, in_z = sent * bias**2, sent * (1 - bias) ** 2
    single_x, single_z = (
        pulses * pulse.clicked
        - upper_count(pulses * pulse.multiphoton, epsilons.parameter_estimation)
        for pulses in (in_x, in_z)
    )
    some = (single_x > 0) & (single_z > 0)
    safe_x, safe_z = np.where(some, single_x, 1.0), np.where(some, single_z, 1.0)
    share = np.minimum(in_z * pulse.wrong / safe_z, 1.0)
    bound = share + sampling_deviation_unproven(
        safe_z, safe_x, share, epsilons.privacy_amplification
    )
    phase = np.minimum(np.where(some, bound, 0.5), 0.5)
    ignorance = np.maximum(single_x, 0) * (1 - np.asarray(binary_entropy(phase)))
    constants = max(0.0, 2 * np.log2(1 / (2 * epsilons.privacy_amplification))) + np.log2(
        2 / epsilons.correctness
    )
    return outcome(
        ignorance - _leak(in_x * pulse.clicked, pulse.qber, epsilons, leak) - constants,
        (~some, ALL_MULTIPHOTON),
        (phase >= 0.5, HALF_WRONG),
    )


def _leak(bits: Array, qber: Array, epsilons: PlannedEpsilons, leak: Leak) -> Array:
    rate = np.minimum(qber, 0.5)
    planned = PLANNED_EFFICIENCY * bits * np.asarray(binary_entropy(rate))
    if leak == "efficiency":
        return np.asarray(planned)
    whole = np.minimum(np.rint(bits), 1e15).astype(np.int64)
    return np.asarray(np.maximum(planned, leak_eq7_array(whole, rate, epsilons.correctness)))

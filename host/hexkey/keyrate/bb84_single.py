"""Efficient BB84 with a single-photon source, without end: key per pulse.

    s     = η_ch η_rec μ η_tr         P_clk = P_dc + (1 − P_dc) s
    P_m   = g² (μ η_tr)²/2            P_err = P_dc/2 + (1 − P_dc) s P_mis
    Δ     = (P_clk − P_m)/P_clk       Q = P_err/P_clk
    S     = P_clk {Δ [1 − h(Q/Δ)] − f h(Q)}

η_tr is Alice's attenuator. Pulses of several photons fall with its square, clicks only with itself,
so at high loss attenuation makes key.

Assumes: BB84's four states, encoded equally in all degrees of freedom; every pulse of several
photons is Eve's, brought to Bob without loss and without errors (which then all fall on the
others); phase-randomised or number-diagonal pulses; detectors of equal efficiency; bases drawn
independently, one of them nearly always (p_X → 1).

Sources: Ö. S. Tapşın et al., "Secure Quantum Key Distribution Using a Room-Temperature Quantum
Emitter", appendix, Eqs. 12–14; E. Waks, C. Santori and Y. Yamamoto, Phys. Rev. A 66, 042315 (2002);
D. Gottesman, H.-K. Lo, N. Lütkenhaus and J. Preskill, Quantum Inf. Comput. 4, 325 (2004). As
printed the transmitter's efficiency enters twice, in μ_tran and in T, and Eq. 14 lacks η_tr; here
it enters once and η_tr is in the error term, which is what reproduces the paper's 24 dB.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome
from hexkey.keyrate.search import climbable, largest_positive, maximise

WEAKEST_LOG10 = -5.0  # the search for the best attenuator stops there
MOST_LOSS_DB = 150.0

ALL_MULTIPHOTON = "every click may come from a pulse of several photons"
HALF_WRONG = "the error rate of single photons may be 1/2"


@dataclass(frozen=True, slots=True)
class SinglePhotonLink:
    """A single-photon source and a receiver; the channel's loss is given apart.

    Attributes
    ----------
    pulse_rate_hz : float
        Pulses a second.
    mean_photons : float
        μ, photons a pulse at Alice's output, her transmitter's losses included.
    g2 : float
        g²(0), normalised to long delays. The share of pulses with several photons is at most
        g² μ²/2.
    misalignment : float
        P_mis, probability that a photon clicks as the wrong bit.
    dark_probability : float
        P_dc, dark clicks a pulse inside the gate, of **all** detectors together.
    receiver_efficiency : float
        η_rec, from Bob's input to a click.
    """

    pulse_rate_hz: float
    mean_photons: float
    g2: float
    misalignment: float
    dark_probability: float
    receiver_efficiency: float

    def __post_init__(self) -> None:
        domain.positive("pulse_rate_hz", self.pulse_rate_hz)
        domain.probability("mean_photons", self.mean_photons)
        domain.within("g2", self.g2, 0.0, 2.0)
        domain.probability("misalignment", self.misalignment)
        domain.probability("dark_probability", self.dark_probability)
        domain.probability("receiver_efficiency", self.receiver_efficiency)


@dataclass(frozen=True, slots=True)
class Clicks:
    """Probabilities a pulse: a click, a wrong one, and the emission of several photons."""

    clicked: Array
    wrong: Array
    multiphoton: Array

    @property
    def qber(self) -> Array:
        """Share of wrong clicks; 1/2 where nothing clicks."""
        return np.where(self.clicked > 0, self.wrong / np.maximum(self.clicked, 1e-300), 0.5)


def clicks(link: SinglePhotonLink, loss_db: ArrayLike, attenuation: ArrayLike) -> Clicks:
    """Return what a pulse gives, in matched bases.

    Parameters
    ----------
    loss_db : array_like
        Loss of the channel alone, dB; infinite is allowed.
    attenuation : array_like
        η_tr, transmission of Alice's attenuator, from 0 to 1.
    """
    transmission = channel_transmission(loss_db)
    sent = link.mean_photons * domain.probability("attenuation", attenuation)
    signal = transmission * link.receiver_efficiency * sent
    dark = link.dark_probability
    return Clicks(
        clicked=dark + (1 - dark) * signal,
        wrong=dark / 2 + (1 - dark) * signal * link.misalignment,
        multiphoton=link.g2 * sent**2 / 2 + 0 * transmission,
    )


def channel_transmission(loss_db: ArrayLike) -> Array:
    """Return η_ch = 10^(−loss/10), for a loss from 0 to infinity in dB."""
    loss = domain.within("loss_db", loss_db, 0.0, np.inf)
    return np.asarray(10.0 ** (-loss / 10))


def asymptotic_rate(
    link: SinglePhotonLink,
    loss_db: ArrayLike,
    attenuation: ArrayLike = 1.0,
    error_correction: ArrayLike = 1.0,
) -> Outcome:
    """Return secret bits per pulse of an endless block, p_X → 1.

    Parameters
    ----------
    loss_db, attenuation : array_like
        See `clicks`.
    error_correction : array_like
        f ≥ 1, disclosed bits over Shannon's limit h(Q); 1 without end.
    """
    return _rate(clicks(link, loss_db, attenuation), error_correction)


def best_attenuation(
    link: SinglePhotonLink, loss_db: ArrayLike, error_correction: float = 1.0
) -> Array:
    """Return the η_tr from 1e-5 to 1 with the largest `asymptotic_rate`."""
    loss = np.asarray(loss_db, np.float64)

    def objective(exponent: Array) -> Array:
        pulse = clicks(link, loss, 10**exponent)
        return climbable(_rate(pulse, error_correction).signed, pulse.clicked)

    (exponent,) = maximise(objective, [(WEAKEST_LOG10, 0.0)], loss.shape)
    return np.asarray(10**exponent)


def best_asymptotic_rate(
    link: SinglePhotonLink, loss_db: ArrayLike, error_correction: float = 1.0
) -> Outcome:
    """Return `asymptotic_rate` with the best attenuator."""
    attenuation = best_attenuation(link, loss_db, error_correction)
    return asymptotic_rate(link, loss_db, attenuation, error_correction)


def largest_loss_db(link: SinglePhotonLink, error_correction: float = 1.0) -> float:
    """Return the largest channel loss with a key in an endless block, η_tr at its best."""
    return largest_positive(
        lambda loss: float(best_asymptotic_rate(link, loss, error_correction)), MOST_LOSS_DB
    )


def _rate(pulse: Clicks, error_correction: ArrayLike) -> Outcome:
    efficiency = domain.at_least_one("error_correction", error_correction)
    clicked, single = pulse.clicked, np.maximum(pulse.clicked - pulse.multiphoton, 0)
    share = np.minimum(pulse.wrong / np.maximum(single, 1e-300), 0.5)  # Q/Δ
    ignorance = single * (1 - np.asarray(binary_entropy(share)))
    correction = efficiency * clicked * np.asarray(binary_entropy(np.minimum(pulse.qber, 0.5)))
    return outcome(
        ignorance - correction, (single <= 0, ALL_MULTIPHOTON), (share >= 0.5, HALF_WRONG)
    )

"""BB84 with weak coherent pulses and decoy states, without end: key per pulse.

    Q_μ = P_dc + (1 − P_dc)(1 − e^(−μη))     E_μ Q_μ = P_dc/2 + (1 − P_dc)(1 − e^(−μη)) P_mis
    Y_1 = P_dc + (1 − P_dc) η                e_1 Y_1 = P_dc/2 + (1 − P_dc) η P_mis
    S   = μ e^(−μ) Y_1 [1 − h(e_1)] − f Q_μ h(E_μ)

Infinitely many decoys give Y_1 and e_1 exactly; here they are the channel's own.

Assumes: phase-randomised coherent pulses whose intensities differ in nothing else; detectors of
equal efficiency; p_X → 1 and signal states nearly always.

Source: H.-K. Lo, X. Ma and K. Chen, Phys. Rev. Lett. 94, 230504 (2005); X. Ma, B. Qi, Y. Zhao and
H.-K. Lo, Phys. Rev. A 72, 012326 (2005).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.bb84_single import HALF_WRONG, channel_transmission
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome
from hexkey.keyrate.search import climbable, maximise

BRIGHTEST = 4.0  # photons a pulse: beyond it nothing is searched


@dataclass(frozen=True, slots=True)
class Receiver:
    """Bob's side.

    Attributes
    ----------
    efficiency : float
        η_rec, from Bob's input to a click.
    misalignment : float
        P_mis, probability that a photon clicks as the wrong bit.
    dark_probability : float
        P_dc, dark clicks a pulse inside the gate, of **all** detectors together.
    """

    efficiency: float
    misalignment: float
    dark_probability: float

    def __post_init__(self) -> None:
        for name in self.__slots__:
            domain.probability(name, getattr(self, name))


def coherent_clicks(
    receiver: Receiver, loss_db: ArrayLike, mean_photons: ArrayLike
) -> tuple[Array, Array]:
    """Return Q_μ and E_μ Q_μ: probabilities a pulse of a click and of a wrong one, bases matched.

    Parameters
    ----------
    loss_db : array_like
        Loss of the channel alone, dB.
    mean_photons : array_like
        μ at Alice's output.
    """
    transmission = channel_transmission(loss_db) * receiver.efficiency
    arrived = -np.expm1(-domain.non_negative("mean_photons", mean_photons) * transmission)
    return _with_dark(receiver, arrived)


def asymptotic_rate(
    receiver: Receiver,
    loss_db: ArrayLike,
    mean_photons: ArrayLike,
    error_correction: ArrayLike = 1.0,
) -> Outcome:
    """Return secret bits per pulse of an endless block with infinitely many decoys.

    Parameters
    ----------
    loss_db, mean_photons : array_like
        See `coherent_clicks`.
    error_correction : array_like
        f ≥ 1, disclosed bits over Shannon's limit h(Q).
    """
    efficiency = domain.at_least_one("error_correction", error_correction)
    mu = domain.non_negative("mean_photons", mean_photons)
    clicked, wrong = coherent_clicks(receiver, loss_db, mu)
    single, single_wrong = _with_dark(receiver, channel_transmission(loss_db) * receiver.efficiency)
    phase, qber = _share(single_wrong, single), _share(wrong, clicked)
    ignorance = mu * np.exp(-mu) * single * (1 - np.asarray(binary_entropy(phase)))
    signed = ignorance - efficiency * clicked * np.asarray(binary_entropy(qber))
    return outcome(signed, (phase >= 0.5, HALF_WRONG), (mu == 0, "nothing is sent"))


def best_mean_photons(
    receiver: Receiver, loss_db: ArrayLike, error_correction: float = 1.0
) -> Array:
    """Return the μ up to 4 with the largest `asymptotic_rate`."""
    loss = np.asarray(loss_db, np.float64)

    def objective(mu: Array) -> Array:
        clicked, _ = coherent_clicks(receiver, loss, mu)
        return climbable(asymptotic_rate(receiver, loss, mu, error_correction).signed, clicked)

    return maximise(objective, [(1e-6, BRIGHTEST)], loss.shape)[0]


def best_asymptotic_rate(
    receiver: Receiver, loss_db: ArrayLike, error_correction: float = 1.0
) -> Outcome:
    """Return `asymptotic_rate` with the best μ."""
    mu = best_mean_photons(receiver, loss_db, error_correction)
    return asymptotic_rate(receiver, loss_db, mu, error_correction)


def _with_dark(receiver: Receiver, arrived: Array) -> tuple[Array, Array]:
    dark = receiver.dark_probability
    clicked = dark + (1 - dark) * arrived
    return clicked, dark / 2 + (1 - dark) * arrived * receiver.misalignment


def _share(wrong: Array, clicked: Array) -> Array:
    """Share of wrong clicks: 1/2 where there is none, and never more."""
    return np.minimum(np.where(clicked > 0, wrong / np.maximum(clicked, 1e-300), 0.5), 0.5)

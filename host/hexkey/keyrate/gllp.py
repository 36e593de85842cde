"""The review's extrapolation: BB84 with a quantum-dot source after GLLP, bits per second.

    P_click = μ t η_Bob η_det              t = 10^(−α d/10)
    A = 1 − μ² g²/(2 P_click)              e = (P_click e_det + P_dc/2)/(P_click + P_dc)
    r = A [1 − h(e/A)] − f h(e)            K = R_0 μ q t η_Bob η_det r

Assumes: as `hexkey.keyrate.bb84_single`, in endless blocks. P_click is of photons alone, so a dark
click costs key (through e) but makes none; the single-photon share A is of photon clicks.

Source: D. A. Vajner, L. Rickert, T. Gao, K. Kaymazlar and T. Heindel, Adv. Quantum Technol. 5,
2100116 (2022), Eqs. 3–5 and the end of section 3.2, after D. Gottesman, H.-K. Lo, N. Lütkenhaus and
J. Preskill, Quantum Inf. Comput. 4, 325 (2004).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.bb84_single import ALL_MULTIPHOTON, HALF_WRONG
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome
from hexkey.keyrate.search import largest_positive

FARTHEST_KM = 2000.0


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """Source, fibre and receiver; the defaults are the review's.

    Attributes
    ----------
    pulse_rate_hz : float
        R_0.
    mean_photons : float
        μ, photons a pulse in the fibre.
    g2 : float
        g²(0).
    sifting : float
        q, share of clicks in matched bases.
    optics_transmission, detector_efficiency : float
        η_Bob and η_det.
    detection_error : float
        e_det, probability that a photon clicks as the wrong bit.
    dark_probability : float
        P_dc, dark clicks a pulse, of all detectors.
    attenuation_db_per_km : float
        α.
    error_correction : float
        f ≥ 1.
    """

    pulse_rate_hz: float = 100e6
    mean_photons: float = 0.3
    g2: float = 7.5e-5
    sifting: float = 0.5
    optics_transmission: float = 0.3
    detector_efficiency: float = 0.9
    detection_error: float = 0.01
    dark_probability: float = 1e-8
    attenuation_db_per_km: float = 0.17
    error_correction: float = 1.1

    def __post_init__(self) -> None:
        domain.positive("pulse_rate_hz", self.pulse_rate_hz)
        domain.positive("attenuation_db_per_km", self.attenuation_db_per_km)
        domain.at_least_one("error_correction", self.error_correction)
        domain.within("g2", self.g2, 0.0, 2.0)
        for name in (
            "mean_photons",
            "sifting",
            "optics_transmission",
            "detector_efficiency",
            "detection_error",
            "dark_probability",
        ):
            domain.probability(name, getattr(self, name))


REVIEW = Extrapolation()


def rate_bps(distance_km: ArrayLike, link: Extrapolation = REVIEW) -> Outcome:
    """Return secret bits per second over a fibre of `distance_km`, at least 0 and finite."""
    distance = domain.non_negative("distance_km", distance_km)
    transmission = 10 ** (-link.attenuation_db_per_km * distance / 10)
    photons = link.mean_photons * link.optics_transmission * link.detector_efficiency * transmission
    clicked = photons + link.dark_probability
    wrong = photons * link.detection_error + link.dark_probability / 2
    error = np.where(clicked > 0, wrong / np.maximum(clicked, 1e-300), 0.5)
    multiphoton = link.mean_photons**2 * link.g2 / 2
    single = np.maximum(1 - multiphoton / np.maximum(photons, 1e-300), 0.0)
    share = np.minimum(error / np.maximum(single, 1e-300), 0.5)
    fraction = single * (1 - np.asarray(binary_entropy(share)))
    fraction -= link.error_correction * np.asarray(binary_entropy(np.minimum(error, 0.5)))
    signed = link.pulse_rate_hz * link.sifting * photons * fraction
    return outcome(signed, (single <= 0, ALL_MULTIPHOTON), (share >= 0.5, HALF_WRONG))


def largest_distance_km(link: Extrapolation = REVIEW) -> float:
    """Return the longest fibre with a key."""
    return largest_positive(lambda distance: float(rate_bps(distance, link)), FARTHEST_KM)

"""Coincidences, and their errors, of a source of single entangled pairs over a lossy channel.

    a = η + (1 − η) P_dc,  b = η_ch η + (1 − η_ch η) P_dc     a click at either side, with a pair
    C = μ a b + (1 − μ) P_dc²                                 a coincidence a pulse
    C_e = μ η η_ch η P_mis + (C − μ η η_ch η)/2,  Q = C_e/C    every other one is a coin toss

Assumes: at most one pair a pulse, with probability μ (the source's mean photon number, read as
pairs); Alice beside the source, Bob behind the channel, with equal receivers; errors alike in both
bases, so S = 2√2 (1 − 2Q); p_X → 1.

Source: the coincidences of X. Ma, C.-H. F. Fung and H.-K. Lo, Phys. Rev. A 76, 012307 (2007), for
single pairs in the place of a down-converter's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate.bb84_single import SinglePhotonLink, channel_transmission
from hexkey.keyrate.domain import Array


@dataclass(frozen=True, slots=True)
class Coincidences:
    """Probability a pulse of a coincidence in the key's basis, and the share that is wrong."""

    clicked: Array
    qber: Array


def coincidences(link: SinglePhotonLink, loss_db: ArrayLike) -> Coincidences:
    """Return the coincidences behind a channel of that loss, dB."""
    alice = link.receiver_efficiency
    bob = channel_transmission(loss_db) * link.receiver_efficiency
    dark, pairs = link.dark_probability, link.mean_photons
    click_alice, click_bob = alice + (1 - alice) * dark, bob + (1 - bob) * dark
    clicked = pairs * click_alice * click_bob + (1 - pairs) * dark**2
    together = pairs * alice * bob
    wrong = together * link.misalignment + (clicked - together) / 2
    return Coincidences(clicked, np.where(clicked > 0, wrong / np.maximum(clicked, 1e-300), 0.5))

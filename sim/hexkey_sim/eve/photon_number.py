"""Photon-number splitting: of two photons keep one, and send the other on.

Eve counts the photons of each pulse without touching their polarisation (Huttner, Imoto, Gisin and
Mor, Phys. Rev. A 51, 1863 (1995); Brassard, Lütkenhaus, Mor and Sanders, Phys. Rev. Lett. 85, 1330
(2000)). Of a pair she stores one photon and sends the other through a line without loss; of the
single photons she stops as many as it takes for Bob to count what he expects. After the bases are
announced she measures what she stored: she knows the bits of all pairs, and no error tells on her.
(B92 announces nothing that would help; there she discriminates at once, 29.3 % of the pairs.)

Once the channel is so lossy that pairs alone, at g² μ²/2 a pulse, make up the rate, she knows
everything. This is why the key is shortened by the multi-photon pulses *that left Alice*, as if
every one of them had arrived. What changes at Bob: pairs arrive as single photons, so that his own
g² goes nearly to zero. He may look at it, but no bound may rest on it: she could also send pairs.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hexkey_sim.eve.pairs import firsts_of_pairs, pairs_per_pulse, singles_per_pulse
from hexkey_sim.eve.usd import discriminate, success_probability
from hexkey_sim.link.checks import check, finite
from hexkey_sim.link.light import NO_GUESS, Light, Notes
from hexkey_sim.link.parameters import LinkParameters


@dataclass(frozen=True, slots=True)
class PhotonNumberSplitting:
    """Eve stores one photon of each pair and keeps the rate at what Bob expects.

    Attributes
    ----------
    share : float
        Of the pulses; the others get the loss of the channel, as ever.
    """

    parameters: LinkParameters
    share: float = 1.0

    kinds: ClassVar[tuple[str, ...]] = ("kept a photon",)
    replaces_channel: ClassVar[bool] = True
    blinds: ClassVar[bool] = False
    earliest_ps: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check("eavesdropper", [(finite(self.share, 0, 1), "share from 0 to 1")])

    def act(self, light: Light, first: int, end: int, generator: np.random.Generator) -> Light:
        of_pairs, of_singles = forwarded_shares(self.parameters)
        firsts = firsts_of_pairs(light)
        attacked = generator.random(len(light)) < self.share
        attacked[firsts + 1] = attacked[firsts]
        kept = firsts[attacked[firsts]]
        single = np.ones(len(light), bool)
        single[kept] = single[kept + 1] = False
        bit = np.full((len(light), 2), NO_GUESS, np.int8)
        bit[kept + 1] = self._measured(light.angle_rad[kept], generator)
        notes = Notes(light.pulse, np.zeros(len(light), np.uint8), bit)
        forwarded = np.where(single, of_singles, of_pairs)
        forwarded[~attacked] = self.parameters.channel_transmission
        forwarded[kept] = 0.0
        sent = generator.random(len(light)) < forwarded
        whole = Light(light.source, light.pulse, light.phase_ps, light.angle_rad, notes=notes)
        return whole.take(sent)

    def _measured(
        self, angles_rad: NDArray[np.float64], generator: np.random.Generator
    ) -> NDArray[np.int8]:
        """Return what the stored photons say, should the key or the test basis be announced."""
        states = np.deg2rad(np.array(self.parameters.modulator.state_angles_deg))
        bit = np.full((len(angles_rad), 2), NO_GUESS, np.int8)
        if len(states) == 2:
            bit[:, 0] = discriminate(angles_rad, states, generator)  # inconclusive: no guess
            return bit
        for basis, zero in enumerate((states[0], states[2])):
            passes = np.cos(angles_rad - zero) ** 2
            bit[:, basis] = generator.random(len(angles_rad)) >= passes
        return bit


def forwarded_shares(parameters: LinkParameters) -> tuple[float, float]:
    """Return which share of the pairs and of the single photons Eve lets Bob have.

    One photon of each pair, and single photons up to the rate that the channel's loss leaves.
    """
    wanted = parameters.mean_photons * parameters.channel_transmission
    pairs, singles = pairs_per_pulse(parameters), singles_per_pulse(parameters)
    if pairs > wanted:
        return wanted / pairs, 0.0
    return 1.0, min(1.0, (wanted - pairs) / singles) if singles > 0 else 0.0


def known_share(parameters: LinkParameters) -> float:
    """Return the share of Bob's photons whose bit Eve knows, if she attacks all pulses."""
    of_pairs, of_singles = forwarded_shares(parameters)
    from_pairs = of_pairs * pairs_per_pulse(parameters)
    total = from_pairs + of_singles * singles_per_pulse(parameters)
    if parameters.protocol == "b92":
        states = np.deg2rad(np.array(parameters.modulator.state_angles_deg))
        from_pairs *= success_probability(states[0], states[1])
    return from_pairs / total if total else 0.0

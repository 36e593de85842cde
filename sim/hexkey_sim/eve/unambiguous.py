"""Unambiguous state discrimination against B92: send on what is certain, nothing else.

B92's two states can be told apart without error in 1 - 1/√2 = 29.3 % of the cases (`usd`). Eve
measures every photon at Alice's output; where she knows the state she sends it to Bob's door
without loss, where she does not she sends nothing, which is a lost photon to Bob. She makes no
error and knows every bit (Bennett, Phys. Rev. Lett. 68, 3121 (1992), saw it and asked for a strong
reference pulse; Tamaki and Lütkenhaus, Phys. Rev. A 69, 032316 (2004), for the threshold).

With one photon for each that she knows, she keeps the rate where the line between Alice and Bob
transmits no more than 29.3 %. She need not stop at one. Bob's polarisers pass a bright pulse of the
right state and block it where it would be wrong, so that it makes conclusive clicks only: at 29.3 %
of photons known and every one of them detected, a receiver that counts conclusive clicks alone (1/4
of what comes) is outdone on a line without any loss. What a bright pulse leaks through a wrong
analyser, by misalignment, makes double clicks: many more than Bob is used to, if he looks.

Against BB84 there is nothing to discriminate: four states in two dimensions depend on each other.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hexkey.errors import ConfigurationError
from hexkey_sim.eve.pairs import firsts_of_pairs, pairs_per_pulse, singles_per_pulse
from hexkey_sim.eve.usd import INCONCLUSIVE, discriminate, success_probability
from hexkey_sim.link.checks import check, finite
from hexkey_sim.link.light import NO_GUESS, Light, Notes
from hexkey_sim.link.parameters import LinkParameters

MOST_PHOTONS = 1000  # of a pulse that she sends


@dataclass(frozen=True, slots=True)
class UnambiguousDiscrimination:
    """Eve measures a share of the pulses and sends on those whose state she knows.

    Attributes
    ----------
    share : float
        Of the pulses; the others get the loss of the channel, as ever.
    photons : int
        In each pulse that she sends.
    """

    parameters: LinkParameters
    share: float = 1.0
    photons: int = 1

    kinds: ClassVar[tuple[str, ...]] = ("discriminated",)
    replaces_channel: ClassVar[bool] = True
    blinds: ClassVar[bool] = False
    earliest_ps: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if self.parameters.protocol != "b92":
            raise ConfigurationError(
                "the eavesdropper usd is for B92: BB84's four states cannot be told apart without "
                "error; choose another for this preset"
            )
        check(
            "eavesdropper",
            [
                (finite(self.share, 0, 1), "share from 0 to 1"),
                (1 <= self.photons <= MOST_PHOTONS, f"photons from 1 to {MOST_PHOTONS}"),
            ],
        )

    def act(self, light: Light, first: int, end: int, generator: np.random.Generator) -> Light:
        count = len(light)
        states = np.deg2rad(np.array(self.parameters.modulator.state_angles_deg))
        attacked = generator.random(count) < self.share
        found = discriminate(light.angle_rad, states, generator)
        pairs = firsts_of_pairs(light)  # the second photon of a pair is a second try
        attacked[pairs + 1] = attacked[pairs]
        found[pairs] = np.where(found[pairs] == INCONCLUSIVE, found[pairs + 1], found[pairs])
        found[pairs + 1] = INCONCLUSIVE
        chance = generator.random(count)
        known = attacked & (found != INCONCLUSIVE) & (chance < forwarded_share(self))
        passed = ~attacked & (chance < self.parameters.channel_transmission)
        sent = np.flatnonzero(known | passed)
        bit = np.full((count, 2), NO_GUESS, np.int8)
        bit[known, 0] = found[known]
        whole = replace(
            light,
            angle_rad=np.where(known, states[found], light.angle_rad),
            notes=Notes(light.pulse, np.zeros(count, np.uint8), bit),
        )
        return whole.take(np.repeat(sent, np.where(known[sent], self.photons, 1)))


def conclusive_per_pulse(parameters: LinkParameters) -> float:
    """Return the pulses whose state Eve gets to know, a pulse of Alice's."""
    states = np.deg2rad(np.array(parameters.modulator.state_angles_deg))
    success = success_probability(states[0], states[1])
    of_pair = 1 - (1 - success) ** 2
    return singles_per_pulse(parameters) * success + pairs_per_pulse(parameters) * of_pair


def kept_rate(eve: UnambiguousDiscrimination) -> float:
    """Return the most conclusive clicks that Eve can make, over those that Bob expects.

    A photon of the right state makes a conclusive click with 1/4 of the receiver's efficiency: the
    splitter's half times the analyser's half. From 1 on she is beyond the threshold.
    """
    parameters = eve.parameters
    click = parameters.receiver_efficiency / 4
    of_hers = 1 - (1 - click) ** eve.photons
    expected = parameters.mean_photons * parameters.channel_transmission * click
    return conclusive_per_pulse(parameters) * of_hers / expected


def forwarded_share(eve: UnambiguousDiscrimination) -> float:
    """Return which share of what she knows Eve sends, to make no more clicks than Bob expects."""
    return min(1.0, 1 / kept_rate(eve))

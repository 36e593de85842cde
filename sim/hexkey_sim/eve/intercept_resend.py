"""Intercept and resend: measure each photon, send another in the state that was found.

The oldest attack (Bennett and Brassard 1984, §III; Bennett 1992 for B92), and the one that any
receiver must see. Eve chooses one of the two bases for each photon, as Bob does. BB84: with the
wrong one she learns nothing and sends a state of which half of Bob's matched bits come out wrong:
25 % errors if she tries both bases evenly. B92: a click at the outcome orthogonal to V means D for
certain (and the reverse), the other outcome is only likely, and wrong in a third of the cases; the
state that she sends is wrong in a quarter of all, which is the error rate again.

Her cost is the error rate, share/4, and nothing else: the rate stays.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hexkey_sim.link.checks import check, finite
from hexkey_sim.link.light import NO_GUESS, Light, Notes
from hexkey_sim.link.parameters import LinkParameters

WRONG_SHARE_B92 = 0.25  # of the states that she sends


@dataclass(frozen=True, slots=True)
class InterceptResend:
    """Eve measures a share of the photons.

    She treats each photon by itself, so it does not matter where on the lossy line she stands.

    Attributes
    ----------
    share : float
        Of the photons.
    key_basis : float
        Probability that she measures in BB84's key basis, in B92 in the basis of bit 0.
    """

    parameters: LinkParameters
    share: float = 1.0
    key_basis: float = 0.5

    kinds: ClassVar[tuple[str, ...]] = ("measured, certain", "measured, likely")
    replaces_channel: ClassVar[bool] = False
    blinds: ClassVar[bool] = False
    earliest_ps: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check(
            "eavesdropper",
            [
                (finite(self.share, 0, 1), "share from 0 to 1"),
                (finite(self.key_basis, 0, 1), "key_basis from 0 to 1"),
            ],
        )

    def act(self, light: Light, first: int, end: int, generator: np.random.Generator) -> Light:
        count = len(light)
        attacked = generator.random(count) < self.share
        other = (generator.random(count) >= self.key_basis).astype(np.int64)  # the basis she takes
        angles = np.deg2rad(np.array(self.parameters.modulator.state_angles_deg))
        b92 = self.parameters.protocol == "b92"
        asked = angles[other if b92 else 2 * other]
        passed = generator.random(count) < np.cos(light.angle_rad - asked) ** 2
        bit = np.full((count, 2), NO_GUESS, np.int8)
        kind = np.zeros(count, np.uint8)
        rows = np.arange(count)
        if b92:
            state = np.where(passed, other, 1 - other)
            bit[:, 0] = state
            kind[passed] = 1
        else:
            state = 2 * other + ~passed
            bit[rows, other] = ~passed
        bit[~attacked] = NO_GUESS
        return Light(
            light.source,
            light.pulse,
            light.phase_ps,
            np.where(attacked, angles[state], light.angle_rad),
            notes=Notes(light.pulse, kind, bit),
        )


def wrong_shares(eve: InterceptResend) -> tuple[float, float]:
    """Return which share of matched bits turns wrong, in the key basis (or B92) and the test basis.

    Of an attack in the basis that is not announced half. An error rate q becomes
    w (1 - q) + (1 - w) q.
    """
    if eve.parameters.protocol == "b92":
        return eve.share * WRONG_SHARE_B92, eve.share * WRONG_SHARE_B92
    return eve.share * (1 - eve.key_basis) / 2, eve.share * eve.key_basis / 2


def with_errors(qber: float, wrong_share: float) -> float:
    """Return the error rate of bits of which a share was turned over on the way."""
    return wrong_share * (1 - qber) + (1 - wrong_share) * qber

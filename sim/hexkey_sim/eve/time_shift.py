"""Time shift: bring each photon at a time when only one of two detectors would count it.

Two detectors of a basis are never aligned to the picosecond. If one's clicks come later by a skew
w, then a photon that comes up to w before the gate opens is counted by the late detector alone, and
one that comes within w of the gate's end by the early one alone. Eve does not measure: she moves
photons to either place, and knows the bit of those that are counted (Qi, Fung, Lo and Ma, Quantum
Inf. Comput. 7, 73 (2007); Zhao, Fung, Qi, Chen and Lo, Phys. Rev. A 78, 042333 (2008), did it).

The emitter's photons are spread over nanoseconds, so she cuts a slice as long as the skew from the
start of each, where they are densest, and moves that. Only half of what she moves is counted. Her
line has no loss, which pays for it; what she leaves alone she lets through as far as the rate
needs. No error comes of it. It shows in the histogram of arrivals, and in the two detectors' ratio
across the gate: correcting the skew takes the attack away, a bound on the mismatch limits it.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.sift import BIT_OF_DETECTOR
from hexkey_sim.link.checks import check, finite
from hexkey_sim.link.light import NO_GUESS, Light, Notes
from hexkey_sim.link.parameters import LinkParameters
from hexkey_sim.link.theory import PAPER_GATE, Gate, window_fraction


@dataclass(frozen=True, slots=True)
class TimeShift:
    """Eve shifts a share of the photons to the ends of the gate.

    Attributes
    ----------
    share : float or None
        Of Alice's photons; None for as many as the rate allows.
    gate : Gate
        Bob's, which is no secret.
    """

    parameters: LinkParameters
    share: float | None = None
    gate: Gate = PAPER_GATE

    kinds: ClassVar[tuple[str, ...]] = ("shifted",)
    replaces_channel: ClassVar[bool] = True
    blinds: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if skew_ps(self.parameters) == 0:
            raise ConfigurationError(
                "the eavesdropper time-shift needs detectors of one basis that are not aligned: "
                "choose a preset with a skew"
            )
        check(
            "eavesdropper",
            [(self.share is None or finite(self.share, 0, 1), "share from 0 to 1")],
        )

    @property
    def earliest_ps(self) -> int:
        return max(0, math.ceil(-_shifts_ps(self)[1]))

    def act(self, light: Light, first: int, end: int, generator: np.random.Generator) -> Light:
        count = len(light)
        attacked = generator.random(count) < attacked_share(self)
        to_late = generator.random(count) < 0.5  # to the detector whose clicks come late
        cut = light.phase_ps < skew_ps(self.parameters)
        passed = np.where(attacked, cut, generator.random(count) < _left_alone(self))
        to_end, to_start = _shifts_ps(self)
        shift_ps = np.where(attacked, np.where(to_late, to_start, to_end), 0.0)
        early, late = _bits(self.parameters)
        bit = np.where(to_late[:, None], late, early).astype(np.int8)
        bit[~attacked] = NO_GUESS
        whole = replace(
            light,
            phase_ps=light.phase_ps + shift_ps,
            notes=Notes(light.pulse, np.zeros(count, np.uint8), bit),
        )
        return whole.take(passed)


def skew_ps(parameters: LinkParameters) -> int:
    """Return by how much one detector of the key basis comes later than the other."""
    return abs(parameters.detectors[1].delay_ps - parameters.detectors[0].delay_ps)


def counted_share(eve: TimeShift) -> float:
    """Return the share of shifted photons that come into the gate of the detector they fly to.

    The slice of the decay that Eve cuts out, and half of it: jitter takes as much as it brings.
    """
    parameters = eve.parameters
    piece = Gate(0.0, skew_ps(parameters))
    return window_fraction(piece, parameters.lifetime_ps, parameters.period_ps) / 2


def attacked_share(eve: TimeShift) -> float:
    """Return the share of Alice's photons that Eve shifts: as asked, or what the rate allows."""
    if eve.share is not None:
        return eve.share
    whole = _in_gate(eve)
    lost = whole - counted_share(eve)  # by an attack on a photon
    spare = whole * (1 - eve.parameters.channel_transmission)
    return min(1.0, spare / lost)


def known_share(eve: TimeShift) -> float:
    """Return the share of Bob's photons whose bit Eve knows, but for jitter."""
    shifted = attacked_share(eve) * counted_share(eve)
    left = (1 - attacked_share(eve)) * _left_alone(eve) * _in_gate(eve)
    return shifted / (shifted + left)


def _in_gate(eve: TimeShift) -> float:
    """Return the share of photons left alone that come into the gate of their detector."""
    found = []
    for detector in eve.parameters.detectors[:2]:
        start_ps = max(0.0, eve.gate.start_ps - detector.delay_ps)
        seen = Gate(start_ps, eve.gate.stop_ps - detector.delay_ps - start_ps)
        found.append(window_fraction(seen, eve.parameters.lifetime_ps, eve.parameters.period_ps))
    return sum(found) / len(found)


def _left_alone(eve: TimeShift) -> float:
    """Return the transmission that photons which are not shifted get, so that the rate stays."""
    share, whole = attacked_share(eve), _in_gate(eve)
    wanted = eve.parameters.channel_transmission * whole - share * counted_share(eve)
    return min(1.0, max(0.0, wanted / ((1 - share) * whole))) if share < 1 else 0.0


def _shifts_ps(eve: TimeShift) -> tuple[float, float]:
    """Return by how much photons move, to the end of the gate and to before its start."""
    latest = max(detector.delay_ps for detector in eve.parameters.detectors[:2])
    return eve.gate.stop_ps - latest, eve.gate.start_ps - latest


def _bits(parameters: LinkParameters) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return the bits, by basis, of the detectors that come early and of those that come late."""
    detectors = parameters.detectors
    bits = BIT_OF_DETECTOR if parameters.protocol == "b92" else (0, 1, 0, 1)
    early = np.full(2, NO_GUESS, np.int8)
    late = np.full(2, NO_GUESS, np.int8)
    for basis in range(len(detectors) // 2):
        one, two = 2 * basis, 2 * basis + 1
        if detectors[one].delay_ps == detectors[two].delay_ps:
            continue
        first, second = sorted((one, two), key=lambda index: detectors[index].delay_ps)
        early[basis], late[basis] = bits[first], bits[second]
    return early, late

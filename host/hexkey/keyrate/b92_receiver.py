"""B92's states and Bob's receivers, as the certified bound sees them.

Alice's bit is a qubit that is entangled with what she sends, (|0⟩|V⟩ + |1⟩|D⟩)/√2; Bob receives a
photon's polarisation or nothing: 2 × 3 dimensions, ordered (bit, H), (bit, V), (bit, nothing). All
matrices are real, and so is the worst attack: the conjugate of an attack does as well, and what Eve
knows is convex.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from hexkey.keyrate import domain
from hexkey.keyrate.domain import Array

Kind = Literal["four outcomes", "two detectors"]

H, V = np.array([1.0, 0.0]), np.array([0.0, 1.0])
D, A = np.array([1.0, 1.0]) / math.sqrt(2), np.array([1.0, -1.0]) / math.sqrt(2)
SENT = (V, D)
CONCLUSIVE = (A, H)  # what excludes the other state, in the order of the bit it means
OVERLAP = float(V @ D)


@dataclass(frozen=True, slots=True)
class TrustedReceiver:
    """Bob's passive receiver: half of the photons to each basis, and what is trusted of it.

    Attributes
    ----------
    kind : "four outcomes" or "two detectors"
        Whether he sees inconclusive clicks (V and D), or, as in the paper, only the conclusive
        ones, H and A.
    efficiency : float
        Trusted: loss inside Bob, the same for all detectors, out of Eve's reach. What is not
        trusted belongs to the channel.
    misalignment : float
        Trusted: characterised probability, below 1/2, that a photon takes the analyser's wrong way.
    """

    kind: Kind = "four outcomes"
    efficiency: float = 1.0
    misalignment: float = 0.0

    def __post_init__(self) -> None:
        domain.choice("kind", self.kind, get_args(Kind))
        domain.within("efficiency", self.efficiency, 1e-6, 1.0)
        domain.within("misalignment", self.misalignment, 0.0, 0.49)

    @property
    def outcomes(self) -> list[Array]:
        """POVM of the clicks that are seen, conclusive ones first; 3 × 3 each."""
        ways = [CONCLUSIVE[0], CONCLUSIVE[1]]
        if self.kind == "four outcomes":
            ways += [D, V]
        return [self._outcome(way) for way in ways]

    def _outcome(self, way: Array) -> Array:
        element = np.zeros((3, 3))
        right, e = np.outer(way, way), self.misalignment
        element[:2, :2] = ((1 - e) * right + e * (np.eye(2) - right)) * self.efficiency / 2
        return element


def depolarised(error: float, transmission: float) -> list[Array]:
    """Return what Bob receives for either bit: the state with white noise, or nothing."""
    received = []
    for state in SENT:
        arrived = np.zeros((3, 3))
        arrived[:2, :2] = (1 - error) * np.outer(state, state) + error * np.eye(2) / 2
        arrived *= transmission
        arrived[2, 2] = 1 - transmission
        received.append(arrived)
    return received

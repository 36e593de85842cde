"""What an eavesdropper knows of sifted bits: her notes against the truth, which she cannot see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.keyrate.entropy import binary_entropy
from hexkey_sim.link.light import NO_GUESS, Notes


@dataclass(frozen=True, slots=True)
class Guesses:
    """Sifted bits of which Eve has a guess of one kind.

    Attributes
    ----------
    kind : str
    bits : int
    right : int
        Guesses that are Alice's bit.
    same_as_bob : int
        Guesses that are Bob's bit.
    """

    kind: str
    bits: int
    right: int
    same_as_bob: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Eve's guesses of `bits` sifted bits; she has none of those that are in no kind."""

    bits: int
    kinds: tuple[Guesses, ...]

    @property
    def information(self) -> float:
        """Shannon information on one of Alice's sifted bits: 1 - h(right), averaged over kinds.

        Error correction tells h(QBER) more; what is left of 1 could be secret against this attack
        (Csiszár and Körner, IEEE Trans. Inf. Theory 24, 339 (1978)).
        """
        known = sum(
            kind.bits * (1 - float(binary_entropy(kind.right / kind.bits)))
            for kind in self.kinds
            if kind.bits
        )
        return known / self.bits if self.bits else 0.0


def knowledge(
    notes: Sequence[Notes],
    kinds: Sequence[str],
    pulse: NDArray[np.int64],
    key_basis: NDArray[np.bool_],
    alice: NDArray[np.uint8],
    bob: NDArray[np.uint8],
) -> Knowledge:
    """Return what Eve knows of sifted bits, once the bases are announced.

    Parameters
    ----------
    notes, kinds
        Hers; of several notes on a pulse the first kind counts.
    pulse : (n,) int64
        Alice's numbers of the sifted pulses, in any order.
    key_basis : (n,) bool
        The announced basis; all true where there is but one.
    alice, bob : (n,) uint8
        The bits.
    """
    found = []
    of_pulse = np.concatenate([np.empty(0, np.int64), *(note.pulse for note in notes)])
    of_kind = np.concatenate([np.empty(0, np.uint8), *(note.kind for note in notes)])
    of_bit = np.concatenate([np.empty((0, 2), np.int8), *(note.bit for note in notes)])
    guess = np.full(len(pulse), NO_GUESS, np.int8)
    kind_of = np.zeros(len(pulse), np.uint8)
    for basis, chosen in ((0, key_basis), (1, ~key_basis)):
        bit = of_bit[:, basis]
        has = np.flatnonzero(bit != NO_GUESS)
        has = has[np.lexsort((of_kind[has], of_pulse[has]))]
        place = np.searchsorted(of_pulse[has], pulse[chosen])
        place = np.minimum(place, max(0, len(has) - 1))
        if len(has):
            noted = of_pulse[has][place] == pulse[chosen]
            guess[chosen] = np.where(noted, bit[has][place], NO_GUESS)
            kind_of[chosen] = of_kind[has][place]
    for index, name in enumerate(kinds):
        of_this = (guess != NO_GUESS) & (kind_of == index)
        right, same = of_this & (guess == alice), of_this & (guess == bob)
        found.append(Guesses(name, int(of_this.sum()), int(right.sum()), int(same.sum())))
    return Knowledge(len(pulse), tuple(found))

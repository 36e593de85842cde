"""What the encoder makes of the snapshots of a delay line."""

from dataclasses import dataclass

from hexkey_gateware.tagger.reach import Reach


@dataclass(frozen=True, slots=True)
class Seen:
    """What one snapshot shows.

    Attributes
    ----------
    index : int or None
        Taps that the youngest edge has passed, less one.
    high : bool
        The line is high somewhere, of the places that are looked at for this.
    """

    index: int | None
    high: bool


def look(snapshot: int, reach: Reach, bubbles: bool = True) -> Seen:
    """Return what a snapshot shows."""
    taps = snapshot
    if bubbles:
        before, behind = snapshot << 1 | snapshot & 1, snapshot >> 1
        taps = before & snapshot | snapshot & behind | before & behind
        # Tap 0 has no neighbour before it: it counts as it is.
        taps = taps & ~1 | snapshot & 1
    visible = (1 << reach.visible) - 1
    edges = taps & ~(taps >> 1) & visible
    index = (edges & -edges).bit_length() - 1 if edges else None
    looked_at = range(reach.stride - 1, reach.visible, reach.stride)
    return Seen(index, any(taps >> tap & 1 for tap in looked_at))


class Encoder:
    """Turns snapshots, one a clock, into codes of new edges.

    Parameters
    ----------
    reach : Reach
    bubbles : bool
    """

    def __init__(self, reach: Reach, bubbles: bool = True) -> None:
        self._reach, self._bubbles = reach, bubbles
        self._young = self._something = True  # nothing is new at the start

    def step(self, snapshot: int) -> int | None:
        """Return the code of the edge that is new in a snapshot, if there is one."""
        return self.decide(look(snapshot, self._reach, self._bubbles))

    def decide(self, seen: Seen) -> int | None:
        """Return the code, from what a snapshot shows."""
        young = seen.index is not None and seen.index < self._reach.young
        known, something = self._young, self._something
        self._young, self._something = young, seen.index is not None or seen.high
        if seen.index is not None:
            return seen.index if young or not known else None
        return self._reach.visible if seen.high and not something else None

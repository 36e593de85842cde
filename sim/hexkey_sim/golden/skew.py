"""Skew: adds a channel's delay to the times of its tags, slots and all."""

from collections.abc import Iterable, Iterator

from hexkey_sim.golden.settings import MAX_DELAY_TICKS

Tag = tuple[int, int]
"""Slot, and ticks from the edge to that slot's end."""


class Skew:
    """Moves tags in time; two that end up in one slot become one.

    Parameters
    ----------
    delay_ticks : int
    ticks_per_clock : int

    Attributes
    ----------
    collided : int
        Tags dropped because an earlier one had their slot.
    """

    def __init__(self, delay_ticks: int, ticks_per_clock: int = 500) -> None:
        if abs(delay_ticks) > MAX_DELAY_TICKS:
            raise ValueError(f"delay_ticks must be in [-5000, 5000], not {delay_ticks}")
        self._delay_ticks = delay_ticks
        self._ticks_per_clock = ticks_per_clock
        self._last_slot: int | None = None
        self.collided = 0

    def apply(self, slot: int, fine: int) -> Tag | None:
        """Return the tag in its new slot, or None; tags come in order, one a slot."""
        time_ticks = slot * self._ticks_per_clock - fine + self._delay_ticks
        new_slot = -(-time_ticks // self._ticks_per_clock)
        if new_slot == self._last_slot:
            self.collided += 1
            return None
        self._last_slot = new_slot
        return new_slot, new_slot * self._ticks_per_clock - time_ticks

    def apply_all(self, tags: Iterable[Tag]) -> Iterator[Tag]:
        """Yield what `apply` returns for each tag, but for those that collided."""
        for slot, fine in tags:
            moved = self.apply(slot, fine)
            if moved is not None:
                yield moved

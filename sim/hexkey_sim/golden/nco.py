"""The tracker's oscillator: where the pulses begin, and in which slot each one is announced."""

from collections import deque

from hexkey_gateware.tracking.constants import (
    CORRECTION_LATENCY,
    FRACTION_BITS,
    PERIOD_LATENCY,
    START_LATENCY,
    short_period_ticks,
)


class Nco:
    """Pulses a period apart, as far as trigger edges have not corrected it.

    Times are fixed-point integers in units of 2^-40 ticks; slot n ends at n clocks. A pulse is
    announced in the slot in which it begins, or in the next if the slot before announced one, too.

    Parameters
    ----------
    ticks_per_clock : int
    slot, fine : int
        The trigger edge with which it starts: pulse 0, not announced.
    period : int
    divider : int
        Pulses to a trigger edge.

    Attributes
    ----------
    index : int
        Of the latest pulse.
    place : int
        `index` modulo `divider`; a trigger edge is due with the pulses at place 0.
    slot, start, last_start : int
        Where the latest pulse was announced; when it began, and the one before it.
    next_slot, next_start : int
        The same of the pulse that comes, when nothing can change it any more.
    """

    def __init__(
        self, ticks_per_clock: int, slot: int, fine: int, period: int, divider: int
    ) -> None:
        self.slot_length = ticks_per_clock << FRACTION_BITS
        self._shortest = short_period_ticks(ticks_per_clock) << FRACTION_BITS
        self._divider = divider
        self._period = self._following = period
        self._coming: deque[tuple[int, int, int]] = deque()
        self.index, self.place = 1, 1 % divider
        self.slot = slot + START_LATENCY
        self.last_start = slot * self.slot_length - (fine << FRACTION_BITS)
        self.start = self.last_start + period
        self._foresee(period)

    @property
    def newest_period(self) -> int:
        """Return the period with all corrections, those on their way too."""
        return self._coming[-1][1] if self._coming else self._period

    @property
    def next_is_due(self) -> bool:
        return self.place == self._divider - 1

    def period_at(self, clock: int) -> int:
        """Return the period as it stands in a clock, not before the slot of the latest pulse."""
        period = self._period
        for slot, corrected, _ in self._coming:
            if slot + PERIOD_LATENCY <= clock:
                period = corrected
        return period

    def correct(self, slot: int, period: int, phase: int) -> None:
        """Take the correction that the trigger edge of a slot asks for.

        Once it is there, the pulse after the next to be announced comes `phase` later. A later
        correction that is there by then replaces it.
        """
        self._coming.append((slot, period, period + phase))

    def step(self) -> None:
        """Go on to the next pulse."""
        self.last_start, self.start, self.slot = self.start, self.next_start, self.next_slot
        self.index += 1
        self.place = 0 if self.place + 1 == self._divider else self.place + 1
        clock = self.slot - 1
        step, self._following = self._following, 0
        coming = self._coming
        while coming and coming[0][0] + CORRECTION_LATENCY <= clock:
            _, self._period, self._following = coming.popleft()
        self._following = self._following or self.period_at(clock)
        self._foresee(step)

    def steps_to(self, slot: int) -> int:
        """Return how many pulses are announced up to a slot, 0 if it cannot be told in advance."""
        period = self._period
        if (
            self._coming
            or period != self._following
            or period != self.next_start - self.start
            or period < self._shortest
            or self.slot * self.slot_length - self.start >= self.slot_length
        ):
            return 0
        return max(0, slot * self.slot_length - self.start) // period

    def skip(self, pulses: int) -> None:
        """Go on by at most `steps_to` pulses at once."""
        self.start += pulses * self._period
        self.last_start = self.start - self._period
        self.slot = -(-self.start // self.slot_length)
        self.index += pulses
        self.place = (self.place + pulses) % self._divider
        self._foresee(self._period)

    def _foresee(self, step: int) -> None:
        self.next_start = self.start + step
        natural = -(-self.next_start // self.slot_length)
        self.next_slot = natural if natural > self.slot + 1 else self.slot + 2

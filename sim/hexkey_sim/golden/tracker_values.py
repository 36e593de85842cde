"""What the tracker is set to, and what it says."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from hexkey.wire.registers import TrackerState
from hexkey_gateware.tracking import constants as c


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """Registers of the tracker.

    Attributes
    ----------
    period_ticks : int
        Configured pulse period; the measured one must agree with it.
    trigger_divider : int
        Pulses to a trigger edge.
    loop_shift : int
        Once locked, each edge corrects 2^-loop_shift of its error.
    holdover_drift : int
        How fast the prediction may go wrong without edges, 2^-30 of the time.
    """

    period_ticks: int = 2500
    trigger_divider: int = 1
    loop_shift: int = 6
    holdover_drift: int = 1074

    @property
    def quarter_ticks(self) -> int:
        return self.period_ticks // 4

    @property
    def widest_shift(self) -> int:
        divided = self.trigger_divider >= c.DIVIDED_FROM
        return c.WIDEST_SHIFT_DIVIDED if divided else c.WIDEST_SHIFT

    @property
    def last_shift(self) -> int:
        return max(self.loop_shift, self.widest_shift)

    @property
    def divider_shift(self) -> int:
        """Return the logarithm of the divider to the base of 2, rounded up."""
        return (self.trigger_divider - 1).bit_length()


class Place(NamedTuple):
    """Where a tag lies; pulse -1 is the one before an epoch's first."""

    epoch: int
    pulse: int
    phase_ticks: int
    holdover: bool


class View(NamedTuple):
    """What the tracker says of a slot; while not `locked`, the first three mean nothing.

    `period` is in 2^-12 ticks.
    """

    edge: bool
    since: int
    since_before: int
    locked: bool
    begin: bool
    holdover: bool
    state: TrackerState
    off_period: bool
    period: int


class Level:
    """A bit that is known to change in clocks to come."""

    def __init__(self) -> None:
        self._value = False
        self._coming: deque[tuple[int, bool]] = deque()

    @property
    def last(self) -> bool:
        return self._coming[-1][1] if self._coming else self._value

    def set(self, clock: int, value: bool) -> None:
        self._coming.append((clock, value))

    def at(self, clock: int) -> bool:
        """Return it in a clock, which must not be before that of an earlier call."""
        while self._coming and self._coming[0][0] <= clock:
            self._value = self._coming.popleft()[1]
        return self._value

    def cancel(self, clock: int) -> None:
        """Forget the changes after a clock."""
        while self._coming and self._coming[-1][0] > clock:
            self._coming.pop()

    def clear(self) -> None:
        """Make it false, whatever was to come."""
        self._value = False
        self._coming.clear()

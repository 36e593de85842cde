"""The packer's ledger: what it was given must come out of its words, or be told of as lost.

Which events are dropped depends on when the FIFO was full, so no model can say what the words must
be. This one keeps all that went in, in order, and crosses it out as words tell of it.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

EVENTS_MODE = 0  # of the register `mode`


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse as it goes in.

    Attributes
    ----------
    mask, phase_ticks, flags : int
        Of its event; there is none if the mask is 0.
    begin : bool
        It is number 0 of an epoch.
    settings : tuple of int, optional
        Id and mode that it is the first of.
    marker : int, optional
        The marker rose in it, for the so manieth time.
    """

    mask: int = 0
    phase_ticks: int = 0
    flags: int = 0
    begin: bool = False
    settings: tuple[int, int] | None = None
    marker: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """Something that must be told, and where it happened."""

    kind: Literal["begin", "settings", "marker", "event"]
    epoch: int
    pulse: int
    value: tuple[int, ...] = ()


class Ledger:
    """Takes pulses and what words say of them; raises AssertionError where they do not agree.

    Events come with their own pulses and in order, and each that does not come is in a loss that is
    told before the next that does, with exact range and count. Of settings and epochs that were not
    told at their pulse the last is told, before the next event. Markers may be left out.

    Attributes
    ----------
    lost : int
        Events that losses told of.
    missed : int
        Events that nothing told of; see `let_miss`.
    left_out : int
        Markers that were not told.
    late : int
        Settings and epochs that were told behind their pulse.
    merged : int
        Epochs that the next one replaced before they were told.
    """

    def __init__(self, *, here: int = 0, let_miss: bool = False) -> None:
        self._let_miss = let_miss
        self._due: deque[Due] = deque()
        self._epoch, self._pulse, self._mode = 0, here, EVENTS_MODE
        self._here = 0
        # Since an event or marker came last: epochs that began, that were told, settings not told.
        self._begun, self._told = 0, 0
        self._unsaid: Due | None = None
        self.lost = self.missed = self.left_out = self.late = self.merged = 0

    # ---- what goes in ---------------------------------------------------------------------------

    def put(self, pulse: Pulse) -> None:
        self._pulse += 1
        if pulse.begin:
            self._epoch, self._pulse = self._epoch + 1, 0
            self._owe("begin")
        if pulse.settings is not None:
            self._mode = pulse.settings[1]
            self._owe("settings", *pulse.settings)
        if pulse.marker is not None:
            self._owe("marker", pulse.marker)
        if pulse.mask and self._mode == EVENTS_MODE:
            self._owe("event", pulse.phase_ticks, pulse.flags, pulse.mask)

    def _owe(self, kind: Literal["begin", "settings", "marker", "event"], *value: int) -> None:
        self._due.append(Due(kind, self._epoch, self._pulse, value))

    # ---- what comes out -------------------------------------------------------------------------

    def event(self, advance: int, phase_ticks: int, flags: int, mask: int) -> None:
        self._here += advance
        told = (phase_ticks, flags, mask)
        while True:
            due = self._cross_out("event")
            if (due.pulse, due.value) == (self._here, told) or not self._let_miss:
                break
            self.missed += 1
        assert due.pulse == self._here, f"the event of pulse {due.pulse} has {self._here}"
        assert due.value == told, f"the event of pulse {due.pulse} is {told}, not {due.value}"
        self._arrive()

    def skip(self, pulses: int) -> None:
        self._here += pulses

    def begin(self) -> None:
        self._here = 0
        self._told += 1

    def commit(self, settings: int, mode: int) -> None:
        if any(due.value == (settings, mode) for due in self._before_next_event("settings")):
            while self._cross_out("settings").value != (settings, mode):
                pass
        due, self._unsaid = self._unsaid, None
        assert due is not None, f"settings {settings} are told, but there are none to tell"
        assert due.value == (settings, mode), f"settings {settings} are told, not {due.value}"
        self.late += due.pulse != self._here

    def mark(self, count: int) -> None:
        assert self._before_next_event("marker"), f"marker {count} is told, but there is none"
        while (due := self._cross_out("marker")).value != (count,):
            self.left_out += 1
        assert due.pulse == self._here, f"the marker of pulse {due.pulse} has {self._here}"
        self._arrive()

    def lose(self, first: int, last: int, events: int) -> None:
        """Take a loss from `first` to `last` pulses behind this one."""
        begun, late = self._begun, self._told > 0
        lost = [self._cross_out("event") for _ in range(events)]
        told = (self._here + first, self._here + last)
        epoch = lost[-1].epoch
        expected = {(lost[0].pulse if lost[0].epoch == epoch else 0, lost[-1].pulse)}
        if late and self._before_next_event("begin"):
            expected.add((0, 0))  # the epoch that was told begins only there
        assert late or begun == self._begun, "a loss reaches into an epoch that was not told"
        assert told in expected, f"events were lost in pulses {told}, not {expected}"
        self.lost += events

    def finish(self) -> None:
        """Nothing more comes; what is still owed was missed, or may be left out."""
        while self._due:
            self._pass(self._due.popleft())
        self._arrive()

    # ---- crossing out ---------------------------------------------------------------------------

    def _cross_out(self, kind: str) -> Due:
        """Take the next of a kind off the ledger, and all but events before it."""
        while self._due:
            due = self._due.popleft()
            if due.kind == kind:
                if kind == "settings":
                    self._unsaid = due
                return due
            self._pass(due)
        raise AssertionError(f"a word tells of an {kind} that never was")

    def _pass(self, due: Due) -> None:
        if due.kind == "event":
            assert self._let_miss, f"nothing is told of the event of pulse {due.pulse}"
            self.missed += 1
        self._begun += due.kind == "begin"
        self.left_out += due.kind == "marker"
        if due.kind == "settings":
            self._unsaid = due

    def _arrive(self) -> None:
        """Check that whoever reads the words knows by now in which epoch and settings it is."""
        assert self._unsaid is None, f"settings {self._unsaid} were not told"
        assert (self._begun > 0) == (self._told > 0), f"{self._begun} epochs, {self._told} told"
        assert self._begun >= self._told, f"{self._told} epochs are told, not {self._begun}"
        self.merged += self._begun - self._told
        self._begun = self._told = 0

    def _before_next_event(self, kind: str) -> list[Due]:
        found = []
        for due in self._due:
            if due.kind == "event" and not self._let_miss:
                break
            if due.kind == kind:
                found.append(due)
        return found

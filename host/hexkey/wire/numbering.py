"""What the numbers in the headers say about frames that never arrived.

Frames are numbered through by the board; the tally of events starts anew with every run. Within a
run both differences are exact, so a missing frame is known together with the events it held.
"""

from dataclasses import dataclass
from typing import Any

from hexkey.wire.frame import MAX_PULSE, MAX_RECORDS, Header, Kind

_MODULUS = 2**32


@dataclass(frozen=True, slots=True)
class Gap:
    """Pulses of which events may be missing because frames are.

    Attributes
    ----------
    epoch : int
    first_pulse, last_pulse : int
        The range, both ends included. It ends at `MAX_PULSE` where the epoch or the run ended
        within the gap, and begins at 0 where it began there.
    frames : int
        Missing frames; those of a gap across a boundary stand on both sides.
    events : int or None
        How many events may be missing: exact, except that those of a gap across an epoch's
        boundary may lie on either side; None at the end of a run, which leaves no tally behind.
    run : int
    """

    epoch: int
    first_pulse: int
    last_pulse: int
    frames: int
    events: int | None
    run: int


class Numbering:
    """Follows sequence, tally and pulses from header to header.

    The first header is taken as it is: what went before was not for this listener.
    """

    def __init__(self) -> None:
        self.frames_missed = 0
        self.events_missed = 0
        self.events_before = 0
        self.duplicates = 0
        self.restarts = 0
        self.gaps: list[Gap] = []
        self._last: Header | None = None
        self._expected_sequence = 0
        self._expected_tally = 0
        self._front = 0  # the first pulse of which an event may still come
        self._last_event = 0

    def accept(self, header: Header, events: int, last_pulse: int) -> bool:
        """Take the next frame's header; return False for a frame that was there already.

        Parameters
        ----------
        header : Header
        events : int
            Events in the frame.
        last_pulse : int
            Pulse of its last event.
        """
        last = self._last
        if last is None:
            self.events_before = header.event_tally
        elif (
            header.sequence != self._expected_sequence
            or header.event_tally != self._expected_tally
            or header.run != last.run
            or header.epoch != last.epoch
            or self._runs_back(header)
        ):
            if header == last:
                self.duplicates += 1
                return False
            self._explain(last, header)
            if header.run != last.run or header.epoch != last.epoch:
                self._front = self._last_event = 0
        self._last = header
        self._expected_sequence = (header.sequence + 1) % _MODULUS
        self._expected_tally = (header.event_tally + events) % _MODULUS
        self._front = max(self._front, header.pulse)
        if events:
            self._last_event = last_pulse
            self._front = last_pulse + 1
        return True

    def expect(self, expected: Any) -> bool:
        """Fill in a C `hexkey_wire_expected`: what the next frame is unless something happened.

        Returns False before the first frame, of which nothing is known.
        """
        if self._last is None:
            return False
        expected.front = self._front
        expected.last_event = self._last_event
        expected.run = self._last.run
        expected.epoch = self._last.epoch
        expected.sequence = self._expected_sequence
        expected.event_tally = self._expected_tally
        return True

    def follow(self, last: Header, expected: Any) -> None:
        """Take frames that came as expected, of which `last` is the last header."""
        self._last = last
        self._front = expected.front
        self._last_event = expected.last_event
        self._expected_sequence = expected.sequence
        self._expected_tally = expected.event_tally

    def _runs_back(self, header: Header) -> bool:
        """Whether events come again from pulses that were over."""
        return header.kind == Kind.EVENTS and header.pulse < self._last_event

    def _explain(self, last: Header, header: Header) -> None:
        missed = (header.sequence - self._expected_sequence) % _MODULUS
        backward = missed >= _MODULUS // 2
        if backward:  # the board began to count again: at 0
            missed = header.sequence
        self.frames_missed += missed
        if not backward and self._continues(last, header, missed):
            self._add_gap_within_run(last, header, missed)
        else:
            self._begin_run(last, header, missed, restarted=backward or header.run == last.run)

    def _continues(self, last: Header, header: Header, missed: int) -> bool:
        """Whether `header` can belong to the run of `last`, given that `missed` frames are lost."""
        events = (header.event_tally - self._expected_tally) % _MODULUS
        return (
            header.run == last.run
            and header.epoch >= last.epoch
            and not (header.epoch == last.epoch and self._runs_back(header))
            and events <= MAX_RECORDS * missed
        )

    def _add_gap_within_run(self, last: Header, header: Header, missed: int) -> None:
        events = (header.event_tally - self._expected_tally) % _MODULUS
        self.events_missed += events
        if not missed:  # a new epoch, announced by the very next frame
            return
        first, run = self._front, header.run
        if header.epoch != last.epoch:
            self.gaps.append(Gap(last.epoch, first, MAX_PULSE, missed, events, run))
            first = 0
        end = max(first, header.pulse)
        self.gaps.append(Gap(header.epoch, first, end, missed, events, run))

    def _begin_run(self, last: Header, header: Header, missed: int, *, restarted: bool) -> None:
        self.restarts += restarted
        self.events_missed += header.event_tally
        if missed or restarted:
            self.gaps.append(Gap(last.epoch, self._front, MAX_PULSE, missed, None, last.run))
        if header.event_tally:
            tally = header.event_tally
            self.gaps.append(Gap(header.epoch, 0, header.pulse, missed, tally, header.run))
        self._front = self._last_event = 0

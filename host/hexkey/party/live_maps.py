"""Maps of a board's clicks against Alice's record, while a board is watched that makes no key.

All clicks count as disclosed: who watches has Alice's record. A session's maps
(`hexkey.party.session_maps`) have those of its samples alone.
"""

from collections.abc import Iterable
from concurrent.futures import Executor, Future

import numpy as np

from hexkey.align import Alignment
from hexkey.errors import ConfigurationError, InputError
from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.maps.recorded import SAMPLE_BITS, align
from hexkey.monitor.snapshot import MapView
from hexkey.party.map_view import map_of, view_of
from hexkey.receiver import Receiver
from hexkey.record import RecordReader
from hexkey.sift import BIT_OF_DETECTOR, NO_BIT, bits_of_masks
from hexkey.wire import Burst, Frame, Identification, Kind, unpack_frames

NARROW = "maps take a gate that is open over the whole period: the board's is not"
MOST_WAITING = 1_000_000  # events that wait for Alice's record: it may lag by some seconds
FIRST_EVENTS = 4 * SAMPLE_BITS  # most of them lie outside the quarter that is looked at
_BIT_OF_MASK = bits_of_masks()


class RecordedMaps:
    """Grows with the frames of one run.

    Parameters
    ----------
    record : RecordReader
        Alice's, of B92; it may still be growing.
    board : Identification
    run : int
        Frames of other runs are left alone.
    executor : Executor
        Where the clicks are looked for in the record, which takes longer than a board can wait.

    Attributes
    ----------
    message : str or None
        Why there are no maps yet.

    Raises
    ------
    ConfigurationError
        The record is of another protocol, or the board's ticks do not fit the grid.
    """

    def __init__(
        self, record: RecordReader, board: Identification, run: int, executor: Executor
    ) -> None:
        if record.statement.protocol != "b92":
            raise ConfigurationError(
                f"Alice's record {record.path} is of {record.statement.protocol}, and maps are of "
                "B92's sifted bits: give one of B92"
            )
        self._record, self._run, self._executor = record, run, executor
        self._tick_ps, self._period_ticks = board.tick_ps, board.period_ticks
        self._map = map_of(board.tick_ps, board.period_ticks)
        self._epoch = -1
        self._alignment: Alignment | None = None
        self._search: Future[Alignment | None] | None = None  # the record is its own meanwhile
        self._searched_epoch = -1
        self._waiting = Events.empty()
        self._try_at = FIRST_EVENTS
        self.message: str | None = "the clicks are not found in Alice's record yet"

    def push(self, frames: Iterable[Frame | Burst]) -> None:
        """Take frames in the order of the wire."""
        parts = list[Events]()
        for frame in frames:
            if frame.header.run != self._run:
                continue
            if frame.header.epoch != self._epoch:  # its pulse numbers say nothing about the last's
                self._epoch, self._alignment = frame.header.epoch, None
                self._waiting, self._try_at = Events.empty(), FIRST_EVENTS
                parts.clear()
            if isinstance(frame, Burst):
                parts.append(frame.events)
            elif frame.header.kind is Kind.EVENTS:
                parts.append(unpack_frames([frame]))
        if parts:
            self._waiting = Events.concatenate([self._waiting, *parts])
        if self._search is None or self._search.done():
            self._record.refresh()
            self._take()

    def view(self, receiver: Receiver) -> MapView | None:
        """Return the maps by now; None before the first click was found in Alice's record."""
        return None if self.message is not None else view_of(self._map, receiver)

    def _take(self) -> None:
        if self._alignment is None and not self._align():
            return
        assert self._alignment is not None
        events = self._waiting
        alice = events.pulse.astype(np.int64) + self._alignment.offset
        known = int(np.searchsorted(alice, self._record.end_pulse))
        first = int(np.searchsorted(alice, self._record.first_pulse))
        self._waiting = self._recent(events.take(slice(known, None)))
        chosen = slice(min(first, known), known)
        sent = self._record.bits_at(alice[chosen].astype(np.uint64))
        got, phase = _BIT_OF_MASK[events.mask[chosen]], events.phase_ticks[chosen]
        single = got != NO_BIT
        self._map.add_disclosed(phase[single], got[single] != sent[single])

    def _align(self) -> bool:
        """Take what a search has found, or begin one; tell whether the epoch is aligned."""
        self._waiting = self._recent(self._waiting)
        if self._search is not None:
            search, self._search = self._search, None
            try:
                found = search.result()
            except InputError as error:  # her record may not reach so far yet
                self.message, found = str(error), None
            if found is not None and self._searched_epoch == self._epoch:
                self._alignment, self.message = found, None
                return True
        if len(self._waiting) >= self._try_at:
            self._try_at = min(2 * len(self._waiting), MOST_WAITING)
            self._searched_epoch = self._epoch
            whole, period, tick_ps = Gate(0, self._period_ticks), self._period_ticks, self._tick_ps
            rate_hz = 1e12 / float(period * tick_ps)
            self._search = self._executor.submit(
                align, self._waiting, whole, period, BIT_OF_DETECTOR, rate_hz, self._record
            )
        return False

    @staticmethod
    def _recent(events: Events) -> Events:
        return events.take(slice(max(0, len(events) - MOST_WAITING), None))

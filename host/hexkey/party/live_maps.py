"""Maps of a board's clicks against Alice's record, while a board is watched that makes no key.

All clicks count: who watches has Alice's record. A session's maps (`hexkey.party.session_maps`)
have no more than what may be shown while key is made.
"""

from collections.abc import Iterable
from concurrent.futures import Executor, Future
from copy import deepcopy
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexkey.align import Alignment
from hexkey.errors import InputError
from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.maps.b92 import B92Reading
from hexkey.maps.bb84 import Bb84Reading
from hexkey.maps.live import LiveMap, LiveRates
from hexkey.maps.live_bb84 import LiveBb84Map
from hexkey.maps.reading import Reading
from hexkey.maps.recorded import SAMPLE_BITS, align
from hexkey.monitor.snapshot import MapView
from hexkey.party.map_view import grid, view_of, view_with_arrivals
from hexkey.receiver import Receiver
from hexkey.record import RecordReader
from hexkey.sift import NO_BIT, bits_of_masks
from hexkey.wire import Burst, Frame, Identification, Kind, unpack_frames

NARROW = "maps take a gate that is open over the whole period: the board's is not"
MOST_WAITING = 1_000_000  # events that wait for Alice's record: it may lag by some seconds
FIRST_EVENTS = 4 * SAMPLE_BITS  # most of them lie outside the quarter that is looked at
_BIT_OF_MASK = bits_of_masks()


class _Growing(Protocol):
    """What a protocol makes of clicks that are found in Alice's record."""

    @property
    def reading(self) -> Reading: ...

    def add(
        self, events: Events, sent: NDArray[np.uint64], pulses: int, record: RecordReader
    ) -> None:
        """Take clicks of a stretch of pulses; they are `sent` in her count."""

    def view(self, receiver: Receiver) -> MapView | None:
        """Return the maps by now; None before there are any."""


class _B92:
    def __init__(self, board: Identification) -> None:
        self.reading = B92Reading()
        self._map = LiveMap(grid(board.tick_ps, board.period_ticks), board.tick_ps)

    def add(
        self, events: Events, sent: NDArray[np.uint64], pulses: int, record: RecordReader
    ) -> None:
        bits, got = record.bits_at(sent), _BIT_OF_MASK[events.mask]
        single = got != NO_BIT
        self._map.add_disclosed(events.phase_ticks[single], got[single] != bits[single])

    def view(self, receiver: Receiver) -> MapView | None:
        return view_with_arrivals(self._map, receiver)


class _Bb84:
    """Of source and splitter nothing is known here.

    So the secret rate is of a source without pulses of several photons, and of an even splitter. It
    is drawn by the executor, since it takes time.
    """

    def __init__(self, board: Identification, record: RecordReader, executor: Executor) -> None:
        rate_hz = 1e12 / float(board.period_ticks * board.tick_ps)
        self.reading = Bb84Reading.of_record(record, rate_hz)
        windows = grid(board.tick_ps, board.period_ticks)
        self._map = LiveBb84Map(windows, board.tick_ps, self.reading.parameters)
        self._executor = executor
        self._drawing: Future[LiveRates | None] | None = None
        self._seen: MapView | None = None

    def add(
        self, events: Events, sent: NDArray[np.uint64], pulses: int, record: RecordReader
    ) -> None:
        kinds = self.reading.table.kind[events.mask, self.reading.sent(record, sent)]
        blocks = len(events) / self.reading.parameters.block_bits
        self._map.add_kinds(events.phase_ticks, kinds, pulses, blocks)

    def view(self, receiver: Receiver) -> MapView | None:
        if self._drawing is not None and self._drawing.done():
            rates = self._drawing.result()
            self._drawing, self._seen = None, None if rates is None else view_of(rates)
        if self._drawing is None:
            self._drawing = self._executor.submit(deepcopy(self._map).rates, self.reading.terms)
        return self._seen


class RecordedMaps:
    """Grows with the frames of one run.

    Parameters
    ----------
    record : RecordReader
        Alice's; it may still be growing.
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
        The board's ticks do not fit the grid.
    """

    def __init__(
        self, record: RecordReader, board: Identification, run: int, executor: Executor
    ) -> None:
        self._record, self._run, self._executor = record, run, executor
        self._tick_ps, self._period_ticks = board.tick_ps, board.period_ticks
        self._growing: _Growing
        if record.statement.protocol == "bb84":
            self._growing = _Bb84(board, record, executor)
        else:
            self._growing = _B92(board)
        self._epoch = -1
        self._taken_to: int | None = None  # the last pulse of the epoch that was compared
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
                self._taken_to = None
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
        return None if self.message is not None else self._growing.view(receiver)

    def _take(self) -> None:
        if self._alignment is None and not self._align():
            return
        assert self._alignment is not None
        events = self._waiting
        alice = events.pulse.astype(np.int64) + self._alignment.offset
        known = int(np.searchsorted(alice, self._record.end_pulse))
        first = int(np.searchsorted(alice, self._record.first_pulse))
        chosen = slice(min(first, known), known)
        found = events.take(chosen)
        if len(found):
            begin = int(found.pulse[0]) if self._taken_to is None else self._taken_to
            self._taken_to = int(found.pulse[-1])
            sent, pulses = alice[chosen].astype(np.uint64), self._taken_to - begin
            self._growing.add(found, sent, pulses, self._record)
        rest = events.take(slice(known, None))
        self._waiting = self._recent(rest)
        if len(self._waiting) < len(rest):  # the pulses of those forgotten are not compared
            self._taken_to = None

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
            rate_hz, reading = 1e12 / float(period * tick_ps), self._growing.reading
            self._search = self._executor.submit(
                align, self._waiting, whole, period, reading, rate_hz, self._record
            )
        return False

    @staticmethod
    def _recent(events: Events) -> Events:
        return events.take(slice(max(0, len(events) - MOST_WAITING), None))

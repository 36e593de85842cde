"""The framer: numbers everything that leaves the board, and cuts events into frames."""

import numpy as np

from hexkey.events import Events
from hexkey.wire import MAX_RECORDS, Header, Kind, RecordLayout, encode_frame, pack_frames
from hexkey_sim.golden.fifo import EventFifo

_MODULUS = 1 << 32


class Framer:
    """Draws on the event FIFO; a frame closes when it is full or has waited long enough.

    An EVENTS frame begins with the oldest event in the FIFO and ends at the first of these: it has
    `MAX_RECORDS` records; the next event does not fit; the next pulse is `flush_pulses` after the
    first event. So where frames are cut does not depend on how clicks arrived.

    Parameters
    ----------
    fifo : EventFifo
    layout : RecordLayout
    flush_pulses : int
        10 ms of pulses.

    Attributes
    ----------
    run, epoch, settings_id : int
        What every header carries.
    next_pulse : int
        Every event of a pulse below it has been put into the FIFO.
    event_tally : int
        Events sent in this run.
    """

    def __init__(self, fifo: EventFifo, layout: RecordLayout, flush_pulses: int) -> None:
        self._fifo = fifo
        self._layout = layout
        self._flush_pulses = flush_pulses
        self._sequence = 0
        self.run = 0
        self.epoch = 0
        self.settings_id = 0
        self.next_pulse = 0
        self.event_tally = 0

    def begin_run(self, run: int) -> None:
        """Carry another run id; the tally starts again, the frames' numbers go on."""
        self.run = run
        self.event_tally = 0

    def begin_epoch(self) -> None:
        """Number pulses from 0 again."""
        self.epoch += 1
        self.next_pulse = 0

    def rearrange(self, layout: RecordLayout, flush_pulses: int) -> None:
        """Make frames for pulses of another period from now on."""
        self._layout = layout
        self._flush_pulses = flush_pulses

    def frame(self, kind: Kind, body: bytes, record_bytes: int = 0) -> bytes:
        """Return a frame without events, ready for the link."""
        waiting = self._fifo.waiting().pulse
        watermark = min(self.next_pulse, int(waiting[0])) if len(waiting) else self.next_pulse
        return self._encode(kind, record_bytes, watermark, body)

    def next_events(self, *, flush: bool = False) -> bytes | None:
        """Return the next EVENTS frame if it is complete; with `flush`, whatever it holds."""
        waiting = self._fifo.waiting()
        if not len(waiting):
            return None
        end = int(waiting.pulse[0]) + self._flush_pulses
        due = flush or self.next_pulse >= end
        within = self._candidates(waiting, end)
        if not (due or len(within) < len(waiting) or self._records(within) >= MAX_RECORDS):
            return None
        packed = pack_frames(within, self._layout)[0]
        self._fifo.remove(packed.events)
        encoded = self._encode(Kind.EVENTS, self._layout.record_bytes, packed.pulse, packed.body)
        self.event_tally += packed.events
        return encoded

    def _candidates(self, waiting: Events, end: int) -> Events:
        """Return what the next frame may hold, as far as time and the least record go."""
        first = waiting.take(slice(MAX_RECORDS))
        return first.take(slice(int(np.searchsorted(first.pulse, np.uint64(end)))))

    def _records(self, within: Events) -> int:
        """Return how many records they take; in 10 ms of pulses no advance takes more than two."""
        long = np.diff(within.pulse) > self._layout.limit("advance")
        return len(within) + int(np.count_nonzero(long))

    def _encode(self, kind: Kind, record_bytes: int, pulse: int, body: bytes) -> bytes:
        header = Header(
            kind=kind,
            record_bytes=record_bytes,
            settings=self.settings_id % 256,
            run=self.run,
            epoch=self.epoch,
            sequence=self._sequence,
            pulse=pulse,
            event_tally=self.event_tally % _MODULUS,
        )
        self._sequence = (self._sequence + 1) % _MODULUS
        return encode_frame(header, body)

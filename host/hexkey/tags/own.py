"""hexkey's own recordings: the events of a board, or its raw tags, whichever it sent first.

Events have their pulse's number and phase; one of two detectors becomes two detections. The board
has gated and resolved them: what a pulse held besides is gone, and `hexkey.tags.examine` says so.
Pulses of a further epoch are numbered on from the last one; how many lie between is unknowable.
"""

import json
import mmap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from hexkey.errors import InputError
from hexkey.events import DETECTORS, Events
from hexkey.recording import FIRST_CHUNK, ChunkType, check_prefix, chunks_from
from hexkey.tags.hints import Hints
from hexkey.tags.pieces import Waiting, unreadable
from hexkey.tags.stream import TagFile, Tags
from hexkey.tags.tttr import empty
from hexkey.wire import Burst, Frame, Header, Kind, Loss, StreamParser
from hexkey.wire.registers import TRIGGER
from hexkey.wire.tagger import unpack_tags

RESOLVED = "resolved"
"""In `TagFile.stated`: gate, hold-off and resolver were at work."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Sound wire bytes, or how many bytes were none."""

    wire: bytes = b""
    damaged: int = 0


def open_own(path: Path, hints: Hints) -> TagFile:
    """Return the recording as `TagFile`.

    Raises
    ------
    InputError
        It has no description of its run, or holds neither events nor tags.
    """
    meta = _meta(path)
    try:
        run, tick_ps = int(meta["run"]), Fraction(meta["tick_ps"])
        period_ps = float(tick_ps * int(meta["period_ticks"]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        raise InputError(
            f"recording {path} describes its run in an unknown way: read it with the version of "
            "hexkey that made it"
        ) from None
    raw = _first_kind(path, run) is Kind.TAGS
    waiting = hints.waiting
    return TagFile(
        path,
        f"hexkey recording, {'raw tags' if raw else 'events'}",
        tick_ps,
        not raw,
        lambda follow: _read(path, run, raw, waiting if follow else None),
        sync_period_ps=period_ps,
        trigger_channel=TRIGGER if raw else None,
        stated={
            "run": run,
            "gate, ticks": meta.get("gate"),
            "period, ticks": meta["period_ticks"],
            "reasons": ", ".join(meta.get("reasons", [])) or "none",
            RESOLVED: not raw,
        },
    )


def _meta(path: Path) -> dict[str, Any]:
    with _mapped(path) as data:
        for chunk, _, _ in chunks_from(data, FIRST_CHUNK):
            if chunk is not None and chunk.kind is ChunkType.META:
                found = json.loads(chunk.payload)
                if isinstance(found, dict):
                    return found
    raise InputError(
        f"recording {path} holds no description of its run; make another with `hexkey capture`"
    )


def _first_kind(path: Path, run: int) -> Kind:
    parser = StreamParser()
    for piece in _pieces(path, None):
        for frame in parser.feed_decoded(piece.wire):
            if frame.header.run == run and frame.header.kind in (Kind.EVENTS, Kind.TAGS):
                return frame.header.kind
    return Kind.EVENTS


def _read(path: Path, run: int, raw: bool, follow: Waiting | None) -> Iterator[Tags]:
    parser, numbers = StreamParser(), _Numbers()
    missed = 0
    for piece in _pieces(path, follow):
        for frame in parser.feed_decoded(piece.wire):
            if frame.header.run == run:
                yield from _tags(frame, raw, numbers)
        left_out = {"damaged": piece.damaged, "lost": parser.statistics.events_missed - missed}
        missed = parser.statistics.events_missed
        if any(left_out.values()):
            yield empty(not raw, {name: count for name, count in left_out.items() if count})


def _tags(frame: Frame | Burst, raw: bool, numbers: "_Numbers") -> Iterator[Tags]:
    if isinstance(frame, Burst):
        if not raw:
            yield numbers.spread(frame.header, frame.events)
    elif frame.header.kind is Kind.LOSS:
        yield empty(not raw, {"lost": Loss.decode(frame.body).events})
    elif frame.header.kind is Kind.TAGS and raw:
        tags = unpack_tags(frame.body)
        yield Tags(tags.channel, tags.time_ticks.astype(np.int64))


class _Numbers:
    """Numbers the pulses of all epochs on from each other."""

    def __init__(self) -> None:
        self._epoch: int | None = None
        self._first = self._next = 0

    def spread(self, header: Header, events: Events) -> Tags:
        """Return a detection for each detector of each event, the lowest first."""
        left_out = {}
        if header.epoch != self._epoch:
            if self._epoch is not None:
                left_out = {"epochs": 1}
            self._epoch, self._first = header.epoch, self._next
        clicked = (events.mask[:, None] >> np.arange(DETECTORS, dtype=np.uint8) & 1) == 1
        event, detector = np.nonzero(clicked)
        pulse = events.pulse.astype(np.int64) + self._first
        if len(pulse):
            self._next = int(pulse[-1]) + 1
        phase = events.phase_ticks.astype(np.int64)
        return Tags(detector.astype(np.uint8), phase[event], pulse[event], left_out)


def _pieces(path: Path, follow: Waiting | None) -> Iterator[_Piece]:
    """Yield what came off the wire; a chunk that is not finished is waited for, or damage."""
    position, since = FIRST_CHUNK, time.monotonic()
    while True:
        before = position
        with _mapped(path) as data:
            for chunk, start, end in chunks_from(data, position):
                if chunk is None and follow and end == len(data):
                    break
                position = end
                if chunk is None:
                    yield _Piece(damaged=end - start)
                elif chunk.kind is ChunkType.WIRE:
                    yield _Piece(chunk.payload)
                elif chunk.kind is ChunkType.END:
                    return
        since = time.monotonic() if position > before else since
        if not (follow and follow.wait(since)):
            return


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    """Give the file as memory, of which only what is looked at is read."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            check_prefix(path, data)
            yield data
    except OSError as error:
        raise unreadable(path, error) from None

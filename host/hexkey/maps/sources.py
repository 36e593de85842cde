"""Clicks of a recording or of a tagger's file, epoch by epoch, as maps take them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from hexkey.errors import InputError
from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.party.distill import described
from hexkey.party.tag_source import Tagger
from hexkey.record import RecordReader
from hexkey.recording import Recording, board_gate, read_recording
from hexkey.tags.fold import TICK_PS, Folder
from hexkey.tags.stream import TagFile
from hexkey.wire import Burst, Kind, StreamParser, unpack_frames


@dataclass(frozen=True, slots=True)
class Epoch:
    """Events from one start of the pulse count to the next."""

    number: int
    events: Events
    pulses: int


@dataclass(frozen=True, slots=True)
class ClickSource:
    """Clicks, with what must be known of them.

    Attributes
    ----------
    name : str
        For sentences.
    tick_ps : Fraction
    period_ticks : int
    pulse_rate_hz : float
        Of the source; a period of whole ticks may be a little off.
    gate : Gate
        Of which clicks were recorded.
    bit_of_detector : tuple of int
    epochs : callable
        Yields them, in order.
    damage : list of str
        What was unreadable, as far as it is known by then.
    """

    name: str
    tick_ps: Fraction
    period_ticks: int
    pulse_rate_hz: float
    gate: Gate
    bit_of_detector: tuple[int, ...]
    epochs: Callable[[], Iterator[Epoch]] = field(repr=False)
    damage: list[str]


def of_recording(path: Path) -> ClickSource:
    """Return the clicks of a recording of hexkey.

    Raises
    ------
    InputError
        The file is unusable, or of BB84.
    """
    recording = read_recording(path)
    meta = recording.meta
    if meta.get("bb84"):
        raise InputError(
            f"recording {path} is of BB84, and maps are of B92's sifted bits: give one of B92"
        )
    with described(recording):
        tick_ps, period = Fraction(meta["tick_ps"]), int(meta["period_ticks"])
        return ClickSource(
            f"recording {path}",
            tick_ps,
            period,
            1e12 / float(period * tick_ps),
            board_gate(meta),
            tuple(meta["bit_of_detector"]),
            lambda: _recorded(recording, meta["run"]),
            recording.damage,
        )


def of_tags(file: TagFile, tagger: Tagger, record: RecordReader) -> ClickSource:
    """Return the clicks of a tagger's file, all of them: its gate is the whole period.

    Raises
    ------
    InputError
        Alice's record is of BB84.
    ConfigurationError
        The tagger's settings do not suit the file.
    """
    if record.statement.protocol != "b92":
        raise InputError(
            f"Alice's record {record.path} is of BB84, and maps are of B92's sifted bits: give one "
            "of B92"
        )
    folding = tagger.folding(file, record.statement.pulse_rate_hz)
    period = folding.period_ticks
    return ClickSource(
        f"file {file.path}",
        TICK_PS,
        period,
        1e12 / folding.period_ps,
        Gate(0, period),
        tagger.bit_of_detector,
        lambda: _folded(Folder(file, folding), file),
        [],
    )


def _folded(folder: Folder, file: TagFile) -> Iterator[Epoch]:
    """Yield the events of a tagger's file, epoch by epoch."""
    number, parts = 0, list[Events]()

    def pieces() -> Iterator[tuple[int, Events]]:
        for tags in file.chunks():
            yield from ((each.epoch, each.events) for each in folder.push(tags))
        yield from ((each.epoch, each.events) for each in folder.finish())

    for epoch, events in pieces():
        if epoch != number and parts:
            yield _epoch(number, parts)
            parts = []
        number = epoch
        parts.append(events)
    if parts:
        yield _epoch(number, parts)


def _epoch(number: int, parts: list[Events]) -> Epoch:
    events = Events.concatenate(parts)
    return Epoch(number, events, int(events.pulse[-1]) + 1)


def _recorded(recording: Recording, run: int) -> Iterator[Epoch]:
    """Yield the events of a run, epoch by epoch."""
    parser = StreamParser()
    number, pulses, parts = -1, 0, list[Events]()
    for data in recording.wire:
        for frame in parser.feed_decoded(data):
            if frame.header.run != run:
                continue
            if frame.header.epoch != number:
                if number >= 0:
                    yield Epoch(number, Events.concatenate(parts), pulses)
                number, pulses, parts = frame.header.epoch, 0, []
            pulses = max(pulses, frame.header.pulse)
            if isinstance(frame, Burst):
                parts.append(frame.events)
            elif frame.header.kind is Kind.EVENTS:
                parts.append(unpack_frames([frame]))
            else:
                continue
            if len(parts[-1]):
                pulses = max(pulses, int(parts[-1].pulse[-1]) + 1)
    if number >= 0:
        yield Epoch(number, Events.concatenate(parts), pulses)

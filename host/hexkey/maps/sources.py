"""Clicks of a recording or of a tagger's file, epoch by epoch, as maps take them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from hexkey.errors import ConfigurationError, InputError
from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.maps.b92 import B92Reading
from hexkey.maps.bb84 import Bb84Reading, Stated
from hexkey.maps.reading import Reading
from hexkey.party.distill import described
from hexkey.party.tag_source import Tagger
from hexkey.record import RecordReader
from hexkey.recording import Recording, board_gate, read_recording
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters
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
    reading : Reading
        What the clicks mean.
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
    reading: Reading
    epochs: Callable[[], Iterator[Epoch]] = field(repr=False)
    damage: list[str]


def of_recording(path: Path, record: RecordReader, stated: Stated | None = None) -> ClickSource:
    """Return the clicks of a recording of hexkey; Alice's record tells the protocol.

    Raises
    ------
    InputError
        The file is unusable, of another protocol than the record, or of a session that made secret
        keys.
    ConfigurationError
        Something is `stated` that this protocol has not.
    """
    recording = read_recording(path)
    meta = recording.meta
    if meta.get("secret"):
        raise InputError(
            f"recording {path} is of a session that made secret keys, and maps would show more of "
            "their bits: capture a run for tuning, without a session"
        )
    with described(recording):
        tick_ps, period = Fraction(meta["tick_ps"]), int(meta["period_ticks"])
        pulse_rate_hz = 1e12 / float(period * tick_ps)
        own: Reading | None = None
        if bb84 := meta.get("bb84"):
            own = Bb84Reading(
                Bb84Terms(**bb84["terms"]),
                SessionParameters(**meta["parameters"]),
                bb84["double_clicks"] == "discard",
            )
        elif "parameters" in meta or record.statement.protocol == "b92":
            own = B92Reading(tuple(meta["bit_of_detector"]))
        gate = board_gate(meta)
    return ClickSource(
        f"recording {path}",
        tick_ps,
        period,
        pulse_rate_hz,
        gate,
        _reading(own, f"recording {path}", record, pulse_rate_hz, stated),
        lambda: _recorded(recording, meta["run"]),
        recording.damage,
    )


def of_tags(
    file: TagFile, tagger: Tagger, record: RecordReader, stated: Stated | None = None
) -> ClickSource:
    """Return the clicks of a tagger's file, all of them: its gate is the whole period.

    Raises
    ------
    ConfigurationError
        The tagger's settings do not suit the file, or something is `stated` that Alice's protocol
        has not.
    """
    folding = tagger.folding(file, record.statement.pulse_rate_hz)
    period, pulse_rate_hz = folding.period_ticks, 1e12 / folding.period_ps
    own = B92Reading(tagger.bit_of_detector) if record.statement.protocol == "b92" else None
    return ClickSource(
        f"file {file.path}",
        TICK_PS,
        period,
        pulse_rate_hz,
        Gate(0, period),
        _reading(own, f"file {file.path}", record, pulse_rate_hz, stated),
        lambda: _folded(Folder(file, folding), file),
        [],
    )


def _reading(
    own: Reading | None, name: str, record: RecordReader, rate_hz: float, stated: Stated | None
) -> Reading:
    """Return what the source says of itself, or else what Alice's record does of BB84."""
    reading = own or Bb84Reading.of_record(record, rate_hz)
    is_bb84 = isinstance(reading, Bb84Reading)
    if is_bb84 != (record.statement.protocol == "bb84"):
        raise InputError(
            f"{name} is of {'BB84' if is_bb84 else 'B92'} and Alice's record {record.path} is not: "
            "give her record of the same run"
        )
    if stated is None:
        return reading
    if not isinstance(reading, Bb84Reading):
        raise ConfigurationError(
            f"{name} is of B92, to which nothing of the roles' configurations matters: leave "
            "--alice-config and --bob-config away"
        )
    return reading.with_stated(stated)


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

"""The other end of the line, for benches of the uplink: the host's parser and what it found."""

from hexkey.wire import Frame, Kind, StreamParser, unpack_events
from hexkey.wire.tagger import unpack_tags
from hexkey_sim.golden.event_reader import Clicked, Item, Tagged, Told

IN_PLACE = (Kind.SETTINGS, Kind.MARKER, Kind.LOSS)


class Host:
    """Takes bytes one by one.

    Attributes
    ----------
    frames : list of Frame
        All that came.
    """

    def __init__(self) -> None:
        self._parser = StreamParser()
        self._piece = bytearray()
        self.frames: list[Frame] = []

    def take(self, byte: int) -> None:
        self._piece.append(byte)
        if not byte:
            self.frames += self._parser.feed(bytes(self._piece))
            self._piece.clear()

    def of(self, *kinds: Kind) -> list[Frame]:
        return [frame for frame in self.frames if frame.header.kind in kinds]

    def items(self) -> list[Item]:
        return [item for frame in self.frames for item in items_of(frame)]

    def check(self) -> None:
        """Raise AssertionError if a frame was damaged or numbers do not fit together."""
        found = self._parser.statistics
        assert not found.bad_frames, f"{found.bad_frames} frames were bad"
        assert not found.resync_bytes
        numbers = (found.frames_missed, found.events_missed, found.restarts)
        assert numbers == (0, 0, 0), f"missed frames, missed events, restarts: {numbers}"
        assert not found.events_before
        assert not found.duplicate_frames
        assert not self._parser.gaps
        self._check_watermarks()

    def _check_watermarks(self) -> None:
        epoch = watermark = last_event = 0
        for frame in self.frames:
            header = frame.header
            if header.epoch != epoch:
                assert header.epoch == epoch + 1, f"epoch {header.epoch} after {epoch}"
                epoch, watermark, last_event = header.epoch, 0, 0
            where = f"the watermark of frame {header.sequence}, a {header.kind.name}"
            assert header.pulse >= watermark, f"{where} fell"
            assert header.pulse >= last_event, f"{where} is below an event that was sent"
            watermark = header.pulse
            if header.kind is Kind.EVENTS:  # whose own events the parser has checked
                last_event = int(events_of(frame)[-1].pulse)


def items_of(frame: Frame) -> list[Item]:
    """Return what a frame says of pulses and tags; nothing for replies and reports."""
    if frame.header.kind is Kind.EVENTS:
        return list(events_of(frame))
    header = frame.header
    if header.kind is Kind.TAGS:
        tags = unpack_tags(frame.body)
        pairs = zip(tags.channel.tolist(), tags.time_ticks.tolist(), strict=True)
        return [Tagged(header.epoch, header.settings, *pair) for pair in pairs]
    if header.kind in IN_PLACE:
        return [Told(header.epoch, header.settings, header.kind, frame.body)]
    return []


def events_of(frame: Frame) -> list[Clicked]:
    header = frame.header
    events = unpack_events(frame.body, header.pulse, header.record_bytes)
    columns = (events.pulse, events.phase_ticks, events.mask, events.flags)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Clicked(header.epoch, header.settings, *row) for row in rows]

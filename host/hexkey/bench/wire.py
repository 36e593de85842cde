"""How fast event records and whole frames are decoded, against plain numpy on the same bytes."""

import time
from collections.abc import Callable

import numpy as np

from hexkey.events import Events
from hexkey.wire import (
    MAX_RECORDS,
    NARROW,
    Header,
    Kind,
    StreamParser,
    encode_frame,
    pack_events,
    pack_frames,
    unpack_events,
    unpack_frames,
)

_EVENTS = 2000 * MAX_RECORDS
_CHUNK_BYTES = 65536  # what a serial port is read in
_REPEATS = 5


def run() -> dict[str, float]:
    """Return events per second of the kernel and of the whole stream, and their ratios to numpy."""
    events = _poisson_events(np.random.default_rng(1))
    records = pack_events(events, 0)
    stream = _stream(events)
    plain = _EVENTS / _seconds(lambda: _plain_numpy(records))
    kernel = _EVENTS / _seconds(lambda: unpack_events(records, 0, NARROW))
    whole = _EVENTS / _seconds(lambda: _decode_stream(stream))
    single = _EVENTS / _seconds(lambda: _decode_frame_by_frame(stream))
    return {
        "numpy_records_events_per_s": plain,
        "kernel_records_events_per_s": kernel,
        "kernel_over_numpy": kernel / plain,
        "stream_events_per_s": whole,
        "stream_over_numpy": whole / plain,
        "stream_frame_by_frame_events_per_s": single,
        "stream_bytes_per_event": len(stream) / _EVENTS,
    }


def _poisson_events(generator: np.random.Generator) -> Events:
    """Events at 35 000 a second of a 40 MHz source, none so far apart that it needs a skip."""
    distance = np.minimum(generator.geometric(35e3 / 40e6, _EVENTS), NARROW.limit("advance"))
    return Events(
        np.cumsum(distance).astype(np.uint64),
        generator.integers(0, 2500, _EVENTS, dtype=np.uint32),
        (1 << generator.integers(0, 2, _EVENTS)).astype(np.uint8),
        np.zeros(_EVENTS, np.uint8),
    )


def _stream(events: Events) -> bytes:
    sent, frames = 0, []
    for sequence, packed in enumerate(pack_frames(events)):
        header = Header(Kind.EVENTS, NARROW.record_bytes, 1, 1, 0, sequence, packed.pulse, sent)
        frames.append(encode_frame(header, packed.body))
        sent += packed.events
    return b"".join(frames)


def _decode_stream(stream: bytes) -> None:
    parser = StreamParser()
    for at in range(0, len(stream), _CHUNK_BYTES):
        unpack_frames(parser.feed(stream[at : at + _CHUNK_BYTES]))


def _decode_frame_by_frame(stream: bytes) -> None:
    parser = StreamParser()
    for at in range(0, len(stream), _CHUNK_BYTES):
        for frame in parser.feed(stream[at : at + _CHUNK_BYTES]):
            unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)


def _plain_numpy(records: bytes) -> Events:
    """Decode records without long advances by shifts and a running sum."""
    word = np.frombuffer(records, "<u4")
    return Events(
        np.cumsum(word >> 15 & 0x1FFF, dtype=np.uint64),
        (word & 0x1FFF).astype(np.uint32),
        (word >> 28).astype(np.uint8),
        (word >> 13 & 3).astype(np.uint8),
    )


def _seconds(work: Callable[[], object]) -> float:
    """Return the best of several runs: what the others add is the rest of the machine."""
    best = float("inf")
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best

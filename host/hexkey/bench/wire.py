"""How fast event records and whole frames are decoded, against plain loops on the same bytes."""

from collections.abc import Callable

import numpy as np

from hexkey._native import ffi, lib
from hexkey.bench.timing import best_s
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
)

_EVENTS = 2000 * MAX_RECORDS
_CHUNK_BYTES = 65536  # what a serial port is read in


def run() -> dict[str, float]:
    """Return events a second of the kernel, of the whole stream, and of plain loops.

    ``stream`` is `StreamParser.feed_decoded`: bytes in chunks of a serial port, unstuffed, checked
    and decoded. ``plain_c`` does the same with the loops that one would write first, and all bytes
    at once; ``numpy`` decodes records only.
    """
    events = poisson_events(np.random.default_rng(1), _EVENTS)
    records = pack_events(events, 0)
    data = stream(events)
    times = best_s(
        lambda: _plain_numpy(records),
        lambda: unpack_events(records, 0, NARROW),
        lambda: decode_stream(data),
        lambda: _decode_frame_by_frame(data),
        plain_c(data, _EVENTS)[0],
        repetitions=5,
    )
    numpy, kernel, whole, single, plain = (_EVENTS / s for s in times)
    return {
        "numpy_records_events_per_s": numpy,
        "kernel_records_events_per_s": kernel,
        "kernel_over_numpy": kernel / numpy,
        "stream_events_per_s": whole,
        "stream_frame_by_frame_events_per_s": single,
        "plain_c_stream_events_per_s": plain,
        "stream_over_plain_c": whole / plain,
        "stream_bytes_per_event": len(data) / _EVENTS,
    }


def poisson_events(generator: np.random.Generator, count: int) -> Events:
    """Events at 35 000 a second of a 40 MHz source, none so far apart that it needs a skip."""
    distance = np.minimum(generator.geometric(35e3 / 40e6, count), NARROW.limit("advance"))
    return Events(
        np.cumsum(distance).astype(np.uint64),
        generator.integers(0, 2500, count, dtype=np.uint32),
        (1 << generator.integers(0, 2, count)).astype(np.uint8),
        np.zeros(count, np.uint8),
    )


def stream(events: Events) -> bytes:
    sent, frames = 0, []
    for sequence, packed in enumerate(pack_frames(events)):
        header = Header(Kind.EVENTS, NARROW.record_bytes, 1, 1, 0, sequence, packed.pulse, sent)
        frames.append(encode_frame(header, packed.body))
        sent += packed.events
    return b"".join(frames)


def decode_stream(data: bytes) -> None:
    parser = StreamParser()
    for at in range(0, len(data), _CHUNK_BYTES):
        parser.feed_decoded(data[at : at + _CHUNK_BYTES])


def plain_c(data: bytes, count: int) -> tuple[Callable[[], int], Events]:
    """Return the plain loop over `data`, and the arrays that it fills."""
    tables = ffi.new("uint32_t[]", lib.HEXKEY_CRC32_TABLE_WORDS)
    lib.hexkey_crc32_prepare(tables)
    found = Events(
        np.zeros(count + 1, np.uint64),
        np.zeros(count + 1, np.uint32),
        np.zeros(count + 1, np.uint8),
        np.zeros(count + 1, np.uint8),
    )
    view = ffi.from_buffer
    arguments = (
        view("uint8_t[]", data),
        len(data),
        view("uint64_t[]", found.pulse),
        view("uint32_t[]", found.phase_ticks),
        view("uint8_t[]", found.mask),
        view("uint8_t[]", found.flags),
    )
    return lambda: lib.hexkey_plain_wire(tables, *arguments), found


def _decode_frame_by_frame(data: bytes) -> None:
    parser = StreamParser()
    for at in range(0, len(data), _CHUNK_BYTES):
        for frame in parser.feed(data[at : at + _CHUNK_BYTES]):
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

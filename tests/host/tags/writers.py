"""Writers of taggers' files, as small as tests need them, from what the makers publish."""

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

INT, FLOAT, TEXT, BOOL, END = 0x10000008, 0x20000008, 0x4001FFFF, 0x00000008, 0xFFFF0008
HYDRA2_T2, HYDRA2_T3 = 0x01010204, 0x01010304
Click = tuple[int, int]  # channel and time
PulsedClick = tuple[int, int, int]  # channel, pulse and ticks


def ptu(
    path: Path,
    record_type: int,
    words: Iterable[int],
    *,
    tick_s: float = 1e-12,
    period_s: float = 1e-12,
    more: Sequence[tuple[str, int, Any]] = (),
    stated: int | None = None,
    index: int = -1,
) -> Path:
    """Write a `.ptu`; `more` are header tags, `stated` the number of records if it is not true."""
    body = np.array(list(words), "<u4")
    t3 = record_type >> 8 & 0xF == 3
    head = [
        ("Measurement_Mode", INT, 3 if t3 else 2),
        ("TTResultFormat_TTTRRecType", INT, record_type),
        ("TTResultFormat_BitsPerRecord", INT, 32),
        ("MeasDesc_Resolution", FLOAT, tick_s),
        ("MeasDesc_GlobalResolution", FLOAT, period_s),
        *more,
        ("TTResult_NumberOfRecords", INT, len(body) if stated is None else stated),
        ("Header_End", END, 0),
    ]
    data = b"PQTTTR\0\0" + b"1.0.00\0\0" + b"".join(_tags(head))
    path.write_bytes(data + body.tobytes())
    return path


def _tags(head: Sequence[tuple[str, int, Any]]) -> Iterable[bytes]:
    for name, kind, value in head:
        values = value if isinstance(value, list) else [value]
        for place, one in enumerate(values):
            index = place if isinstance(value, list) else -1
            start = struct.pack("<32siI", name.encode(), index, kind)
            if kind == TEXT:
                text = one.encode() + b"\0" * (8 - len(one) % 8)
                yield start + struct.pack("<q", len(text)) + text
            else:
                yield start + struct.pack("<d" if kind == FLOAT else "<q", one)


def hydra_t2(clicks: Iterable[Click], sync: int | None = None) -> list[int]:
    """Return records of HydraHarp's second version; clicks on channel `sync` are the sync's."""
    words, rolled = [], 0
    for channel, time in clicks:
        turns, rest = divmod(time, 33554432)
        words += _rolled(turns - rolled)
        rolled = turns
        word = rest if channel == sync else channel << 25 | rest
        words.append(word | (1 << 31 if channel == sync else 0))
    return words


def hydra_t3(clicks: Iterable[PulsedClick]) -> list[int]:
    words, rolled = [], 0
    for channel, pulse, ticks in clicks:
        turns, rest = divmod(pulse, 1024)
        words += _rolled(turns - rolled, most=1023)
        rolled = turns
        words.append(channel << 25 | ticks << 10 | rest)
    return words


def _rolled(turns: int, most: int = 33554431) -> list[int]:
    words = []
    while turns > 0:
        words.append(1 << 31 | 63 << 25 | min(turns, most))
        turns -= most
    return words


def pico_t3(clicks: Iterable[PulsedClick]) -> list[int]:
    words, rolled = [], 0
    for channel, pulse, ticks in clicks:
        turns, rest = divmod(pulse, 65536)
        words += [15 << 28] * (turns - rolled)
        rolled = turns
        words.append((channel + 1) << 28 | ticks << 16 | rest)
    return words


def pico_t2(clicks: Iterable[Click]) -> list[int]:
    words, rolled = [], 0
    for channel, time in clicks:
        turns, rest = divmod(time, 210698240)
        words += [15 << 28] * (turns - rolled)
        rolled = turns
        words.append(channel << 28 | rest)
    return words


def _text_header(ident: str, version: str) -> bytes:
    fields = (ident, version, "writer", "1", "29/11/26 12:00:00")
    return struct.pack(
        "<16s6s18s12s18s2s256s", *(field.encode() for field in fields), b"\r\n", b"a comment"
    )


def pico_file(
    path: Path, words: Sequence[int], mode: int, *, version: str = "2.0", image: int = 0
) -> Path:
    """Write a `.pt2` or `.pt3`: 8 ps, 40 MHz, 1.5 s."""
    head = _text_header("PicoHarp 300", version)
    numbers = [1, 32, 4, 1, 0, mode, 0, 1, 0, 1000, 0, 0, 0, 1, 0, 100, 0, 1000]
    head += struct.pack("<18i", *numbers) + bytes(64 + 36 + 16 + 20)
    head += struct.pack("<16s8s6if", b"PicoHarp 300", b"2.0", 7, 8, 1, 2, 3, 4, 0.008)
    head += bytes(4 * 26)
    head += struct.pack("<9i", 1, 0, 0, 40_000_000, 1234, 1500, 0, len(words), image)
    path.write_bytes(head + bytes(4 * image) + np.array(words, "<u4").tobytes())
    return path


def hydra_file(
    path: Path, words: Sequence[int], mode: int, *, version: str = "2.0", bits: int = 32
) -> Path:
    """Write a `.ht2` or `.ht3`: 4 ps in T3, 1 ps in T2, 80 MHz, 2.5 s, three inputs, an image."""
    head = _text_header("HydraHarp", version)
    head += struct.pack("<6id", 0, bits, 0, mode, 0, 2, 4.0)
    head += struct.pack("<2iI3i4I", 0, 2000, 0, 0, 0, 1, 0, 100, 0, 1000)
    head += bytes(64 + 36 + 16 + 20)
    head += struct.pack("<16s8s2i", b"HydraHarp 400", b"930020", 1018786, 4) + bytes(80)
    head += struct.pack("<dQ4i", 1.0, 7, 3, 0, 0, 0) + struct.pack("<4i", 2, 50, 10, 0)
    head += bytes(3 * 16) + struct.pack("<3i", 100, 200, 300)
    head += struct.pack("<IiiiQ", 80_000_000, 2500, 0, 2, len(words)) + bytes(8)
    path.write_bytes(head + np.array(words, "<u4").tobytes())
    return path


def qutag(path: Path, clicks: Iterable[Click]) -> Path:
    records = np.array([(time, channel) for channel, time in clicks], "<u8,<u2")
    path.write_bytes(b"\x87\xb3\x91\xfa" + bytes(36) + records.tobytes())
    return path


def sfifteen(path: Path, records: Iterable[tuple[int, int]], *, swapped: bool = False) -> Path:
    """Write pairs of time (4 ps) and the lowest five bits."""
    rows = [(high, low) if swapped else (low, high) for high, low in _sfifteen_words(records)]
    path.write_bytes(np.array(rows, "<u4").tobytes())
    return path


def sfifteen_text(
    path: Path, records: Iterable[tuple[int, int]], *, lines: int, end: str = "\n"
) -> Path:
    """Write the same in hexadecimal: with two lines a record (`a0`), or one (`a2`)."""
    texts = [
        f"{low:08x}{end}{high:08x}{end}" if lines == 2 else f"{high:08x}{low:08x}{end}"
        for high, low in _sfifteen_words(records)
    ]
    path.write_text("".join(texts), newline="")
    return path


def _sfifteen_words(records: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the high and the low word of each record."""
    return [(time >> 22, (time << 10 & 0xFFFFFFFF) | 0x320 & ~0x1F | low) for time, low in records]

"""How fast a `.ptu` file becomes histograms, from disk, against `ptufile` on the same file."""

import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ptufile import PtuFile

from hexkey.bench.timing import best_s
from hexkey.tags import open_tags
from hexkey.tags.examine import examine

_CLICKS = 400_000
_COPIES = 20
_PERIOD_S = 12.5e-9
_RATE_HZ = 80e3
_CHANNELS, _BINS = 64, 1024  # of 16 ps: over the period and on


def run() -> dict[str, float]:
    """Return records a second, overflows among them, of a T3 file of 80 kHz at 80 MHz.

    ``histogram`` reads the file piece by piece in constant memory and counts arrival times of each
    channel; ``examination`` looks for the traps; ``ptufile`` decodes the whole file, which must fit
    the memory, and counts the same.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.ptu"
        records = write(path, np.random.default_rng(1))
        if not np.array_equal(histogram(path), histogram_by_ptufile(path)):
            raise AssertionError("the histogram differs from that by ptufile")
        times = best_s(
            lambda: histogram(path),
            lambda: histogram_by_ptufile(path),
            lambda: examine(open_tags(path)),
            repetitions=3,
        )
    ours, theirs, examined = (records / seconds for seconds in times)
    return {
        "histogram_records_per_s": ours,
        "ptufile_histogram_records_per_s": theirs,
        "histogram_ratio_to_ptufile": ours / theirs,
        "examination_records_per_s": examined,
    }


def histogram(path: Path) -> NDArray[np.int64]:
    """Return arrival times of each channel, (channels, bins)."""
    counts = np.zeros(_CHANNELS * _BINS, np.int64)
    for tags in open_tags(path).chunks():
        place = (tags.channel.astype(np.int64) * _BINS) + np.minimum(tags.ticks, _BINS - 1)
        counts += np.bincount(place, minlength=len(counts))
    return counts.reshape(_CHANNELS, _BINS)


def histogram_by_ptufile(path: Path) -> NDArray[np.int64]:
    with PtuFile(path) as file:
        records = file.decode_records()
    photons = records[records["channel"] >= 0]
    place = photons["channel"].astype(np.int64) * _BINS + np.minimum(photons["dtime"], _BINS - 1)
    return np.bincount(place, minlength=_CHANNELS * _BINS).reshape(_CHANNELS, _BINS)


def write(path: Path, generator: np.random.Generator) -> int:
    """Write the file; return its number of records."""
    steps = generator.geometric(_RATE_HZ * _PERIOD_S, _CLICKS)
    turns, pulse = np.divmod(np.cumsum(steps), 1024)
    ticks = 50 + (generator.exponential(10, _CLICKS)).astype(np.int64)
    channel = generator.integers(0, 2, _CLICKS)
    clicks = channel << 25 | ticks << 10 | pulse
    rolled = np.diff(turns, prepend=0)
    overflows = 0xFE000000 | np.minimum(rolled, 1023)
    words = np.stack([overflows, clicks], axis=1)[np.stack([rolled > 0, rolled >= 0], axis=1)]
    body = words.astype("<u4").tobytes()
    head: list[tuple[str, int, Any]] = [
        ("Measurement_Mode", 0x10000008, 3),
        ("TTResultFormat_TTTRRecType", 0x10000008, 0x01010304),
        ("TTResultFormat_BitsPerRecord", 0x10000008, 32),
        ("MeasDesc_Resolution", 0x20000008, 16e-12),
        ("MeasDesc_GlobalResolution", 0x20000008, _PERIOD_S),
        ("TTResult_NumberOfRecords", 0x10000008, len(words) * _COPIES),
        ("Header_End", 0xFFFF0008, 0),
    ]
    with path.open("wb") as file:
        file.write(b"PQTTTR\0\0" + b"1.0.00\0\0")
        for name, kind, value in head:
            form = "<32siId" if isinstance(value, float) else "<32siIq"
            file.write(struct.pack(form, name.encode(), -1, kind, value))
        for _ in range(_COPIES):
            file.write(body)
    return len(words) * _COPIES

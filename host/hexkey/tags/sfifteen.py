"""S-Fifteen's timestamps: `a1` files, also with their words swapped (`X`).

A record is two little-endian words of 32 bits: ``low`` and ``high``, swapped in `X` files. The time
is ``high << 22 | low >> 10`` in units of 4 ps; bits 0–3 of ``low`` are the detectors 1 to 4 that
clicked, bit 4 marks a record that only tells the time (a rollover of the device's counter). Nothing
in the file says what it is, so that it is known by its times, which rise in one order of the words.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexkey.tags.hints import Hints
from hexkey.tags.pieces import Pieces, Waiting
from hexkey.tags.stream import TagFile, Tags
from hexkey.tags.tttr import empty

RECORD_BYTES = 8
_TIME_BITS = 54
_DETECTORS = 4
_DUMMY = 0x10
_LEAST_RECORDS = 8
_MOST_DESCENTS = 0.02  # share of the steps; of the wrong order, or of other data, many more
_MOST_EMPTY = 0.01  # share of records without a detector and without a mark


def find_order(head: bytes) -> int | None:
    """Return which word of a record is the high one, 1 or 0 (`X`); None if this is no such file.

    Parameters
    ----------
    head : bytes
        The file's beginning: some hundred records tell best.
    """
    words = np.frombuffer(head[: len(head) - len(head) % RECORD_BYTES], "<u4").reshape(-1, 2)
    if len(words) < _LEAST_RECORDS:
        return None
    found: dict[int, float] = {}
    for high in (1, 0):
        times, low = _times(words, high)
        if np.mean(low & np.uint32(0x1F) == 0) <= _MOST_EMPTY and times[-1] > times[0]:
            found[high] = float(np.mean(np.diff(times) < 0))
    if not found:
        return None
    high = min(found, key=lambda order: found[order])
    return high if found[high] <= _MOST_DESCENTS else None


def open_sfifteen(path: Path, high: int, hints: Hints) -> TagFile:
    """Return the file as `TagFile`, `high` as `find_order` gives it."""
    waiting = hints.waiting
    return TagFile(
        path,
        f"S-Fifteen a1{'' if high else ', words swapped (X)'}",
        hints.tick_ps or Fraction(4),
        False,
        lambda follow: _read(path, high, waiting if follow else None),
        trigger_channel=hints.trigger_channel,
    )


def _read(path: Path, high: int, follow: Waiting | None) -> Iterator[Tags]:
    turns = 0  # of the counter of 54 bits, 20 hours each
    last: int | None = None
    pieces = Pieces(path, 0, RECORD_BYTES, follow=follow)
    for piece in pieces:
        words = np.frombuffer(piece, "<u4").reshape(-1, 2)
        times, low = _times(words, high)
        steps = np.diff(times, prepend=times[0] if last is None else np.int64(last))
        half = np.int64(1) << np.int64(_TIME_BITS - 1)
        turned = turns + np.cumsum((steps < -half).astype(np.int64) - (steps > half))
        last, turns = int(times[-1]), int(turned[-1])
        yield _spread(times + (turned << np.int64(_TIME_BITS)), low)
    if pieces.rest:
        yield empty(False, {"cut": pieces.rest})


def _times(words: NDArray[np.uint32], high: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    low = words[:, 1 - high]
    times = (words[:, high].astype(np.int64) << np.int64(22)) | (low >> np.uint32(10))
    return times, low


def _spread(times: NDArray[np.int64], low: NDArray[np.uint32]) -> Tags:
    """Return a detection for each detector of a record, the lowest first."""
    dummy = (low & np.uint32(_DUMMY)) != 0
    clicked = (low[:, None] >> np.arange(_DETECTORS, dtype=np.uint32) & np.uint32(1)) == 1
    clicked[dummy] = False
    record, detector = np.nonzero(clicked)
    left_out = {
        "dummies": int(dummy.sum()),
        "unknown": int((~clicked.any(axis=1) & ~dummy).sum()),
    }
    kept = {name: count for name, count in left_out.items() if count}
    return Tags((detector + 1).astype(np.uint8), times[record], None, kept)

"""S-Fifteen's timestamps: `a1`, also with words swapped (`X`), and the same in hexadecimal.

A record is two words of 32 bits: ``low`` and ``high``, in `X` files ``high`` and ``low``. The time
is ``high << 22 | low >> 10`` in units of 4 ps; bits 0–3 of ``low`` are the detectors 1 to 4 that
clicked, bit 4 marks a record that only tells the time (a rollover of the device's counter). `a1`
has them little-endian, `a0` a word a line, `a2` both in a line, the high one first. Nothing in the
file says what it is, so that it is known by its times, which rise in one order of the words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.tags.hints import Hints
from hexkey.tags.pieces import Pieces, Waiting
from hexkey.tags.stream import TagFile, Tags
from hexkey.tags.tttr import empty

_TIME_BITS = 54
_DETECTORS = 4
_DUMMY = 0x10
_LEAST_RECORDS = 8
_MOST_DESCENTS = 0.02  # share of the steps; of the wrong order, or of other data, many more
_MOST_EMPTY = 0.01  # share of records without a detector and without a mark
_HEXADECIMAL = re.compile(rb"((?:[0-9a-fA-F]{8}){1,2})(\r?\n)")

Words = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Form:
    """How a file writes its records.

    Attributes
    ----------
    name : str
    record_bytes : int
        With the ends of lines.
    high : int
        Which word of a record is the high one.
    line_end : bytes
        Of a file of lines.
    """

    name: str
    record_bytes: int
    high: int
    line_end: bytes = b""

    @property
    def binary(self) -> bool:
        return self.name == "a1"

    def words(self, records: bytes | memoryview) -> Words:
        """Return the (n, 2) words of whole records; ValueError where these are no numbers."""
        if self.binary:
            return np.frombuffer(records, "<u4").reshape(-1, 2)
        found = bytes.fromhex(bytes(records).decode("ascii"))
        return np.frombuffer(found, ">u4").astype(np.uint32).reshape(-1, 2)


def find_form(head: bytes) -> Form | None:
    """Return how a file is written; None if this is no such file.

    Parameters
    ----------
    head : bytes
        The file's beginning: some hundred records tell best.
    """
    line = _HEXADECIMAL.match(head)
    forms = [Form("a1", 8, 1), Form("a1", 8, 0)]
    if line is not None:
        one_word = len(line[1]) == 8
        length, end = len(line[0]), line[2]
        forms = [Form("a0", 2 * length, 1, end) if one_word else Form("a2", length, 0, end)]
    found = {form: share for form in forms if (share := _descents(form, head)) is not None}
    return min(found, key=lambda form: found[form], default=None)


def _descents(form: Form, head: bytes) -> float | None:
    """Return the share of times before the one before; None where they are no such records."""
    try:
        words = form.words(head[: len(head) - len(head) % form.record_bytes])
    except ValueError:
        return None
    if len(words) < _LEAST_RECORDS:
        return None
    times, low = _times(words, form.high)
    steps = np.diff(times)
    share = float(np.mean(steps < 0))
    empty_share = np.mean(low & np.uint32(0x1F) == 0)
    rises = empty_share <= _MOST_EMPTY and np.mean(steps > 0) > 0.5 and share <= _MOST_DESCENTS
    return share if rises else None


def open_sfifteen(path: Path, form: Form, hints: Hints) -> TagFile:
    """Return the file as `TagFile`."""
    waiting = hints.waiting
    swapped = ", words swapped (X)" if form.binary and not form.high else ""
    return TagFile(
        path,
        f"S-Fifteen {form.name}{swapped}",
        hints.tick_ps or Fraction(4),
        False,
        lambda follow: _read(path, form, waiting if follow else None),
        trigger_channel=hints.trigger_channel,
    )


def _read(path: Path, form: Form, follow: Waiting | None) -> Iterator[Tags]:
    turns = 0  # of the counter of 54 bits, 20 hours each
    last: int | None = None
    pieces = Pieces(path, 0, form.record_bytes, follow=follow)
    records: Iterator[memoryview | bytes] = chain(pieces, _unended(pieces, form, follow))
    for piece in records:
        try:
            words = form.words(piece)
        except ValueError:
            raise InputError(
                f"{path} has lines that are not of the {form.record_bytes} bytes a record of its "
                "first: it is damaged or was edited; copy it anew"
            ) from None
        times, low = _times(words, form.high)
        steps = np.diff(times, prepend=times[0] if last is None else np.int64(last))
        half = np.int64(1) << np.int64(_TIME_BITS - 1)
        turned = turns + np.cumsum((steps < -half).astype(np.int64) - (steps > half))
        last, turns = int(times[-1]), int(turned[-1])
        yield _spread(times + (turned << np.int64(_TIME_BITS)), low)
    if pieces.rest and not any(_unended(pieces, form, follow)):
        yield empty(False, {"cut": pieces.rest})


def _unended(pieces: Pieces, form: Form, follow: Waiting | None) -> Iterator[bytes]:
    """Yield the last record where only the end of its line is missing, as editors leave it out.

    Of a file that still grows nothing tells whether the record is whole.
    """
    whole = pieces.tail.rstrip(form.line_end) + form.line_end
    if form.line_end and follow is None and len(whole) == form.record_bytes:
        yield whole


def _times(words: Words, high: int) -> tuple[NDArray[np.int64], Words]:
    low = words[:, 1 - high]
    times = (words[:, high].astype(np.int64) << np.int64(22)) | (low >> np.uint32(10))
    return times, low


def _spread(times: NDArray[np.int64], low: Words) -> Tags:
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

"""qutools' binary files: quTAG, and quTAU if its tick is given.

After 40 bytes of header each record is ten bytes, little-endian: the time as u64, the channel as
u16. The unit is not in the file: 1 ps for a quTAG, about 81 ps for a quTAU (its manual, V4.0,
page 25).
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from hexkey.errors import InputError
from hexkey.tags.hints import Hints
from hexkey.tags.pieces import Pieces, Waiting
from hexkey.tags.stream import TagFile, Tags
from hexkey.tags.tttr import empty

MAGIC = b"\x87\xb3\x91\xfa"
_HEADER_BYTES = 40
_RECORD = np.dtype([("time", "<u8"), ("channel", "<u2")])
_MOST_CHANNELS = 256


def open_qutag(path: Path, hints: Hints) -> TagFile:
    """Return the file as `TagFile`."""
    waiting = hints.waiting
    return TagFile(
        path,
        "qutools binary (quTAG)",
        hints.tick_ps or Fraction(1),
        False,
        lambda follow: _read(path, waiting if follow else None),
        trigger_channel=hints.trigger_channel,
    )


def _read(path: Path, follow: Waiting | None) -> Iterator[Tags]:
    pieces = Pieces(path, _HEADER_BYTES, _RECORD.itemsize, follow=follow)
    for piece in pieces:
        records = np.frombuffer(piece, _RECORD)
        if int(records["channel"].max()) >= _MOST_CHANNELS or int(records["time"].max()) >> 63:
            raise InputError(
                f"{path} has channels beyond {_MOST_CHANNELS - 1} or times beyond 2⁶³: it is "
                "damaged, or not of ten bytes a record (export it as binary, not compressed)"
            )
        yield Tags(records["channel"].astype(np.uint8), records["time"].astype(np.int64))
    if pieces.rest:
        yield empty(False, {"cut": pieces.rest})

"""PicoQuant's 32-bit records, decoded by the kernel: what `.ptu` files and their forebears hold."""

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

import numpy as np

from hexkey._native import ffi, lib
from hexkey.errors import InputError
from hexkey.tags.pieces import Pieces, Waiting
from hexkey.tags.stream import Tags

WORD_BYTES = 4
INPUT_RATES = "input rates, Hz"
"""In `TagFile.stated`: by channel, of the last and all beyond it together."""
SYNC = int(lib.HEXKEY_TAGS_SYNC)
"""Channel of the sync's edges in T2; the inputs count from 0."""


class Layout(IntEnum):
    """How a record is laid out; odd ones are of T3."""

    PICO_T2 = lib.HEXKEY_TAGS_PICO_T2
    PICO_T3 = lib.HEXKEY_TAGS_PICO_T3
    HYDRA1_T2 = lib.HEXKEY_TAGS_HYDRA1_T2
    HYDRA1_T3 = lib.HEXKEY_TAGS_HYDRA1_T3
    HYDRA2_T2 = lib.HEXKEY_TAGS_HYDRA2_T2
    HYDRA2_T3 = lib.HEXKEY_TAGS_HYDRA2_T3

    @property
    def pulsed(self) -> bool:
        return bool(self & 1)


WITH_SYNC = (Layout.HYDRA1_T2, Layout.HYDRA2_T2)
"""Free-running, with the sync on `SYNC`; of a PicoHarp in T2 the sync's input is one of two."""


class Decoder:
    """Decodes the records of one file, piece after piece; overflows carry over."""

    def __init__(self, layout: Layout, path: Path) -> None:
        self._layout, self._path = layout, path
        self._state = ffi.new("hexkey_tags_state *")

    def push(self, words: memoryview) -> Tags:
        """Return the detections among `words`, whole records.

        Raises
        ------
        InputError
            The overflows add up to more than 2⁶² ticks or sync periods.
        """
        count = len(words) // WORD_BYTES
        channel = np.empty(count, np.uint8)
        ticks = np.empty(count, np.int64)
        pulse = np.empty(count, np.int64) if self._layout.pulsed else None
        before = self._left_out()
        view = ffi.from_buffer
        found = lib.hexkey_tags_decode(
            self._layout,
            view("uint8_t[]", words),
            count,
            self._state,
            view("uint8_t[]", channel),
            view("int64_t[]", ticks),
            ffi.NULL if pulse is None else view("int64_t[]", pulse),
        )
        if found < 0:
            raise InputError(
                f"{self._path} has overflows that add up to more time than there is: it is damaged "
                "or of another record type than its header states"
            )
        after = self._left_out()
        new = {name: after[name] - before[name] for name in after if after[name] > before[name]}
        return Tags(channel[:found], ticks[:found], None if pulse is None else pulse[:found], new)

    def _left_out(self) -> dict[str, int]:
        state = self._state
        return {
            "overflows": state.overflows,
            "markers": state.markers,
            "unknown": state.unknown,
        }


def read_words(
    path: Path, start: int, layout: Layout, records: int | None, follow: Waiting | None
) -> Iterator[Tags]:
    """Yield the detections of the records from byte `start` on, `records` of them at most."""
    decoder = Decoder(layout, path)
    pieces = Pieces(path, start, WORD_BYTES, records=records, follow=follow)
    for piece in pieces:
        yield decoder.push(piece)
    behind = {"cut": pieces.rest, "beyond": pieces.beyond}
    if any(behind.values()):
        yield empty(layout.pulsed, {name: count for name, count in behind.items() if count})


def empty(pulsed: bool, left_out: dict[str, int]) -> Tags:
    """Return no detections, but what was left out in their place."""
    none = np.empty(0, np.int64)
    return Tags(np.empty(0, np.uint8), none, none if pulsed else None, left_out)

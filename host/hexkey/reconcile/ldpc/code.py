"""The codes: files with checksums, and what a decoder is told of a code of a given size.

A code is quasi-cyclic. Of `columns` columns of Z bits and `rows` rows of Z checks, check t of a row
is the sum of bit (t + shift) mod Z of each of the row's columns. Z, the *lifting*, is any number:
shifts are stored as 16 bits and taken modulo Z. Each row falls into two halves; a check can be
disclosed as the sums of its halves, one bit more.

A file holds, in little-endian 16 bits: the word 0x4C31, columns, rows, edges; the number of edges
in each half, row by row; column and shift of each edge in the same order.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from hexkey._native import lib
from hexkey.errors import InputError

MAGIC = 0x4C31
MAX_DEGREE: int = lib.HEXKEY_LDPC_MAX_DEGREE
FOLDER = files("hexkey.reconcile.ldpc") / "codes"
SUMS = "SHA256SUMS"

Words = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """A code without its size.

    Attributes
    ----------
    columns, rows : int
    halves : (rows, 2) uint32
        Edges in each half of each row.
    edges : (n_edges, 2) uint32
        Column and shift, row by row, the first half before the second.
    """

    columns: int
    rows: int
    halves: Words
    edges: Words

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Edges of each row."""
        sizes: NDArray[np.int64] = self.halves.sum(axis=1, dtype=np.int64)
        return sizes

    def edges_at(self, lifting: int, margin: int = 0) -> Words:
        """Return the edges as the C structure has them, each column with a margin after it."""
        sized = np.empty_like(self.edges)
        sized[:, 0] = self.edges[:, 0] * (lifting + margin)
        sized[:, 1] = self.edges[:, 1] % lifting
        return sized

    def whole_rows(self, lifting: int) -> Words:
        """Return a layer for each row."""
        return self._layers(0, self.rows, 0, lifting)

    def first_halves(self, lifting: int, start: int, stop: int) -> Words:
        """Return layers of first halves: of checks `start` to `stop` of all, row by row."""
        parts = []
        while start < stop:
            row, lane = divmod(start, lifting)
            lanes = min(lifting - lane, stop - start)
            parts.append(self._layers(row, row + 1, lane, lanes, part=0))
            start += lanes
        return np.concatenate([*parts, np.empty((0, 4), np.uint32)])

    def layers(self, lifting: int, split: int) -> Words:
        """Return all layers when the first `split` checks are known by their halves.

        They are the two halves of each row that is split, those of the part of a row that is, the
        other part of it, and the other rows.
        """
        full, part = divmod(split, lifting)
        halves = [self._layers(0, full, 0, lifting, part=i) for i in (0, 1)]
        layers = [np.stack(halves, axis=1).reshape(-1, 4)]
        if part:
            layers += [self._layers(full, full + 1, 0, part, part=i) for i in (0, 1)]
            layers.append(self._layers(full, full + 1, part, lifting - part))
        layers.append(self._layers(full + (part > 0), self.rows, 0, lifting))
        return np.concatenate(layers)

    def _layers(
        self, start: int, stop: int, first_lane: int, lanes: int, part: int | None = None
    ) -> Words:
        """Return a layer for each of some rows, whole (None) or a half of it."""
        sizes = self.sizes
        first_edges = np.cumsum(sizes) - sizes
        layers = np.empty((stop - start, 4), np.uint32)
        layers[:, 0] = first_edges[start:stop]
        layers[:, 1] = (sizes if part is None else self.halves[:, part])[start:stop]
        layers[:, 2], layers[:, 3] = first_lane, lanes
        if part == 1:
            layers[:, 0] += self.halves[start:stop, 0]
        return layers


def encode(code: Code) -> bytes:
    """Return a code as a file."""
    head = [MAGIC, code.columns, code.rows, len(code.edges)]
    words = np.concatenate([head, code.halves.ravel(), code.edges.ravel()])
    return words.astype("<u2").tobytes()


def decode(data: bytes, name: str) -> Code:
    """Return the code of a file.

    Raises
    ------
    InputError
        It is none.
    """
    words = np.frombuffer(data, "<u2", len(data) // 2).astype(np.uint32)
    if len(words) < 4 or words[0] != MAGIC:
        raise InputError(f"{name} is not a file of an LDPC code")
    columns, rows, count = (int(word) for word in words[1:4])
    if len(words) != 4 + 2 * rows + 2 * count or len(data) % 2 or not rows:
        raise InputError(f"{name} is cut short or too long")
    halves, edges = words[4 : 4 + 2 * rows].reshape(-1, 2), words[4 + 2 * rows :].reshape(-1, 2)
    sizes = halves.sum(axis=1)
    if not halves.all() or sizes.sum() != count or sizes.max() > MAX_DEGREE:
        raise InputError(f"{name} describes no code: its rows are wrong")
    if edges[:, 0].max() >= columns:
        raise InputError(f"{name} describes no code: its columns are wrong")
    return Code(columns, rows, halves, edges)


@cache
def checksums() -> dict[str, str]:
    """Return the SHA-256 of each code's file by its name, least redundant first."""
    lines = (FOLDER / SUMS).read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


@cache
def load(name: str) -> Code:
    """Return a code of the family.

    Raises
    ------
    InputError
        Its file is not the one that this version was made with.
    """
    data = (FOLDER / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != checksums()[name]:
        raise InputError(f"the LDPC code {name} has a wrong checksum: install hexkey anew")
    return decode(data, name)

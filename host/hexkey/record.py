"""Alice's record: every bit she sent, with BB84 its basis too, in a file that grows meanwhile.

The format is in `docs/alice-record.md`; the header, with the statement of how the bits came about,
in `hexkey.statement`. The bits are secrets: the file is created for its owner alone, and no message
shows any.
"""

import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import bits_at, count_ones, pack_bits, packed_bytes, put, take, tile
from hexkey.errors import InputError
from hexkey.statement import ENDLESS, MAX_STATEMENT_BYTES, Statement, pack_header, parse_header

__all__ = ["CHUNK_PULSES", "ENDLESS", "RecordReader", "RecordWriter", "Statement"]

CHUNK_PULSES = 1 << 23  # longer chunks are split by the writer and refused by the reader

Packed = bytes | NDArray[np.uint8]

_BITS, _BASES = 0, 1  # planes of a chunk
_CHUNK = struct.Struct("<QI")  # first pulse, pulses; none of them: the closing marker
_CRC = struct.Struct("<I")


class RecordWriter:
    """Writes a new record; a reader sees each chunk as soon as `append` returns.

    Raises
    ------
    InputError
        If the file exists (bits must not be overwritten or sent twice) or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], statement: Statement) -> None:
        self.path = Path(path)
        self.statement = statement
        self.end_pulse = statement.first_pulse  # the next pulse to append
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise InputError(
                f"Alice's record {self.path} exists already: choose another name, a record is "
                "never written twice"
            ) from None
        except OSError as error:
            raise _unwritable(self.path, error) from None
        self._size = 0
        self._write(pack_header(statement))

    def append(self, bits: Packed, pulses: int, bases: Packed | None = None) -> None:
        """Append the next `pulses` pulses: packed, the first in the least significant place.

        Whole bytes (`pulses` a multiple of 8) read back fastest. A chunk that could not be written
        (full disk) leaves no trace in the file.

        Parameters
        ----------
        bits : (ceil(pulses / 8),) uint8 or bytes
        pulses : int
        bases : (ceil(pulses / 8),) uint8 or bytes
            1 for the key's basis; with bb84, and only then.
        """
        if self.statement.pattern is not None:
            raise ValueError("a record of a pattern has no chunks")
        if (bases is not None) != (self.statement.protocol == "bb84"):
            raise ValueError("bases are for a record of bb84, and for no other")
        planes = [np.frombuffer(plane, np.uint8) for plane in (bits, bases) if plane is not None]
        for plane in planes:
            if len(plane) != packed_bytes(pulses):
                raise ValueError(f"{pulses} bits do not take {len(plane)} bytes")
        for first in range(0, pulses, CHUNK_PULSES):
            count = min(CHUNK_PULSES, pulses - first)
            body = b"".join(take(plane, first, count).tobytes() for plane in planes)
            self._write(_chunk(self.end_pulse, count, body))
            self.end_pulse += count

    def append_bits(self, bits: NDArray[np.uint8], bases: NDArray[np.uint8] | None = None) -> None:
        """Append bits, and bases with bb84, given one per byte, shape ``(n,)``."""
        if bases is not None and len(bases) != len(bits):
            raise ValueError(f"{len(bits)} bits do not have {len(bases)} bases")
        self.append(pack_bits(bits), len(bits), None if bases is None else pack_bits(bases))

    def close(self) -> None:
        """Write the closing marker: no chunk will follow."""
        if self._file >= 0:
            try:
                self._write(_chunk(self.end_pulse, 0, b""))
            finally:
                os.close(self._file)
                self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise _unwritable(self.path, error) from None
        self._size += len(data)


def _chunk(first_pulse: int, pulses: int, planes: bytes) -> bytes:
    body = _CHUNK.pack(first_pulse, pulses) + planes
    return body + _CRC.pack(zlib.crc32(body))


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"Alice's record {path} cannot be written: {error.strerror}")


class RecordReader:
    """Reads a record, also while it grows.

    Bits stay in the file; memory holds one entry of an index for each chunk.

    Parameters
    ----------
    path
    growing : bool
        Whether somebody may still be writing. If not, an unfinished last chunk and a missing
        closing marker are damage.

    Attributes
    ----------
    statement : Statement
    pulses : int
        Sound bits available: those of pulses ``first_pulse`` to ``end_pulse - 1``; `ENDLESS` for a
        pattern.
    closed : bool
        Whether the closing marker was read (a pattern's record is complete without).
    damage : str or None
        What of the file is not sound and therefore unused; what comes before it stays usable.

    Raises
    ------
    InputError
        If there is no such file or it is not a record of a known version.
    """

    def __init__(self, path: str | os.PathLike[str], *, growing: bool = True) -> None:
        self.path = Path(path)
        self.growing = growing
        self.closed = False
        self.damage: str | None = None
        try:
            self._file = open(path, "rb", buffering=0)
        except OSError as error:
            raise InputError(f"Alice's record {path} cannot be read: {error.strerror}") from None
        try:
            self.statement, self._position = self._read_header()
        except InputError:
            self._file.close()
            raise
        self.first_pulse = self.statement.first_pulse
        self.end_pulse = self.first_pulse
        self._firsts: list[int] = []  # of each chunk: its first pulse and its planes' place
        self._places: list[int] = []
        if self.statement.pattern is not None:
            self.end_pulse += ENDLESS
            self.closed = True
        self.refresh()

    @property
    def pulses(self) -> int:
        return self.end_pulse - self.first_pulse

    def refresh(self) -> int:
        """Take in whole chunks appended since; return how many pulses are available now."""
        while not self.damage and self.statement.pattern is None and self._take_chunk():
            pass
        return self.pulses

    def bits_at(self, pulses: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return the bits (0 or 1) that Alice sent in `pulses`, any order, same shape.

        Raises
        ------
        InputError
            If one of them is not in the record.
        """
        if self.statement.pattern is None:
            return self._looked_up(pulses, _BITS)
        if len(pulses):
            self._require(int(pulses.min()), int(pulses.max()) + 1)
        pattern = np.array([c == "1" for c in self.statement.pattern], dtype=np.uint8)
        bits: NDArray[np.uint8] = pattern[
            (pulses - np.uint64(self.first_pulse)) % np.uint64(len(pattern))
        ]
        return bits

    def bases_at(self, pulses: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return the bases (1 for the key's) of `pulses`, as `bits_at`. For bb84 alone."""
        self._require_bases()
        return self._looked_up(pulses, _BASES)

    def key_basis_pulses(self, first: int, stop: int) -> int:
        """Return in how many of the pulses `first` to ``stop - 1`` Alice sent in the key's basis.

        For bb84 alone; InputError as for `bits_at`.
        """
        self._require_bases()
        self._require(first, stop)
        return sum(
            count_ones(self._piece(chunk, begin, end, _BASES))
            for chunk, begin, end in self._pieces(first, stop)
        )

    def packed(self, first: int, count: int) -> bytes:
        """Return `count` packed bits from pulse `first` on; InputError as for `bits_at`."""
        return self._packed(first, count, _BITS).tobytes()

    def packed_view(self) -> NDArray[np.uint8]:
        """Return all available bits packed, ``first_pulse`` in bit 0. Not for a pattern."""
        if self.statement.pattern is not None:
            raise ValueError("a pattern has no end: ask for a range")
        return self._packed(self.first_pulse, self.pulses, _BITS)

    def packed_bases_view(self) -> NDArray[np.uint8]:
        """Return all available bases packed, as `packed_view`. For bb84 alone."""
        self._require_bases()
        return self._packed(self.first_pulse, self.pulses, _BASES)

    def wait_for(self, pulse: int, timeout_s: float, poll_s: float = 0.01) -> bool:
        """Wait until `pulse` is in the record; return whether it is.

        Raises
        ------
        InputError
            If it never will be: the record is closed or damaged before it, or begins after it.
        """
        deadline = time.monotonic() + timeout_s
        while self.refresh() <= pulse - self.first_pulse or pulse < self.first_pulse:
            if self.closed or self.damage or pulse < self.first_pulse:
                self._require(pulse, pulse + 1)
            if time.monotonic() >= deadline:
                return False
            time.sleep(poll_s)
        return True

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _require(self, first: int, stop: int) -> None:
        if not self.first_pulse <= first <= stop <= self.end_pulse:
            why = self.damage or ("it is closed" if self.closed else "it may still be growing")
            raise InputError(
                f"Alice's record {self.path} holds pulses {self.first_pulse} to "
                f"{self.end_pulse - 1}, not {first} to {stop - 1} ({why}): check that it belongs "
                "to this run"
            )

    def _require_bases(self) -> None:
        if self.statement.protocol != "bb84":
            raise InputError(
                f"Alice's record {self.path} holds no bases: it is of {self.statement.protocol}"
            )

    def _looked_up(self, pulses: NDArray[np.uint64], plane: int) -> NDArray[np.uint8]:
        found = np.empty(len(pulses), np.uint8)
        if len(pulses) == 0:
            return found
        self._require(int(pulses.min()), int(pulses.max()) + 1)
        firsts = np.array(self._firsts, dtype=np.uint64)
        order = np.argsort(pulses, kind="stable")
        ascending = pulses[order]
        chunks = np.searchsorted(firsts, ascending, side="right") - 1
        changes = np.flatnonzero(np.diff(chunks)) + 1
        for one in np.split(np.arange(len(pulses)), changes):
            chunk = int(chunks[one[0]])
            local = (ascending[one] - firsts[chunk]).astype(np.int64)
            start, stop = int(local[0]) & ~7, int(local[-1]) + 1
            found[order[one]] = bits_at(self._load(chunk, start, stop, plane), local - start)
        return found

    def _packed(self, first: int, count: int, plane: int) -> NDArray[np.uint8]:
        self._require(first, first + count)
        if self.statement.pattern is not None:
            return tile(self.statement.pattern, first - self.first_pulse, count)
        joined = np.zeros(packed_bytes(count) + 1, np.uint8)
        for chunk, start, stop in self._pieces(first, first + count):
            piece = self._piece(chunk, start, stop, plane)
            put(joined, self._firsts[chunk] + start - first, piece, stop - start)
        return joined[: packed_bytes(count)]

    def _pieces(self, first: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield (chunk, start, stop) within each chunk that holds some of the pulses."""
        if first >= stop:
            return
        begin = int(np.searchsorted(np.array(self._firsts, np.uint64), first, side="right")) - 1
        for chunk in range(begin, len(self._firsts)):
            start = self._firsts[chunk]
            if start >= stop:
                return
            yield chunk, max(first, start) - start, min(stop, self._end(chunk)) - start

    def _end(self, chunk: int) -> int:
        """Return the pulse after a chunk's last."""
        return self._firsts[chunk + 1] if chunk + 1 < len(self._firsts) else self.end_pulse

    def _piece(self, chunk: int, start: int, stop: int, plane: int) -> NDArray[np.uint8]:
        """Return the bits `start` to `stop` of a chunk, repacked to begin at bit 0."""
        aligned = start & ~7
        return take(self._load(chunk, aligned, stop, plane), start - aligned, stop - start)

    def _load(self, chunk: int, start: int, stop: int, plane: int) -> NDArray[np.uint8]:
        """Return the packed bits `start` (a multiple of 8) to `stop` of a plane of a chunk."""
        size = packed_bytes(stop) - start // 8
        place = self._places[chunk] + plane * packed_bytes(self._end(chunk) - self._firsts[chunk])
        data = self._pread(place + start // 8, size)
        if len(data) < size:
            raise InputError(f"Alice's record {self.path} became shorter while it was read")
        return np.frombuffer(data, dtype=np.uint8)

    def _pread(self, place: int, size: int) -> bytes:
        parts = []
        while size > 0 and (part := os.pread(self._file.fileno(), size, place)):
            parts.append(part)
            place += len(part)
            size -= len(part)
        return b"".join(parts)

    def _read_header(self) -> tuple[Statement, int]:
        # A writer may have created the file a moment ago and not have written its header yet.
        deadline = time.monotonic() + (1.0 if self.growing else 0.0)
        while True:
            header = parse_header(self.path, self._pread(0, 2 * MAX_STATEMENT_BYTES))
            if header is not None:
                return header
            if time.monotonic() >= deadline:
                raise InputError(f"Alice's record {self.path} is cut short within its header")
            time.sleep(0.01)

    def _take_chunk(self) -> bool:
        """Index the next chunk; return whether there was a whole, sound one."""
        size = os.fstat(self._file.fileno()).st_size
        rest = size - self._position
        if rest == 0 and (self.closed or self.growing):
            return False
        if self.closed:
            return self._damaged(rest, "bytes follow the closing marker")
        if rest < _CHUNK.size:
            return self._unfinished(rest)
        first, pulses = _CHUNK.unpack(self._pread(self._position, _CHUNK.size))
        if first != self.end_pulse or pulses > CHUNK_PULSES:
            return self._damaged(rest, "no chunk of the next pulses begins there")
        length = _CHUNK.size + self.statement.planes * packed_bytes(pulses) + _CRC.size
        if rest < length:
            return self._unfinished(rest)
        data = self._pread(self._position, length)
        if _CRC.unpack(data[-_CRC.size :])[0] != zlib.crc32(data[: -_CRC.size]):
            return self._damaged(rest, f"the checksum of a chunk of {pulses} pulses is wrong")
        if pulses == 0:
            self.closed = True
        else:
            self._firsts.append(first)
            self._places.append(self._position + _CHUNK.size)
            self.end_pulse += pulses
        self._position += length
        return True

    def _unfinished(self, rest: int) -> bool:
        if self.growing:
            return False
        return self._damaged(
            rest, "the last chunk is cut short" if rest else "the closing marker is missing"
        )

    def _damaged(self, rest: int, what: str) -> bool:
        self.damage = (
            f"{what}: at byte {self._position}, before pulse {self.end_pulse}; "
            f"{rest} bytes from there on are not used"
        )
        return False

"""The bytes of a unit that its tags cover, in order."""

from hexkey.gf128 import BLOCK_BYTES, Bytes

_LARGE_BYTES = 1 << 16


class Transcript:
    """Bytes that are only ever appended. Small parts are copied together, large ones stay theirs.

    An announcement has megabytes: to copy it takes as long as to hash it.
    """

    def __init__(self) -> None:
        self.clear()

    def __len__(self) -> int:
        return self._before + len(self._rest)

    def clear(self) -> None:
        self._parts: list[Bytes] = []  # of whole blocks of the hash
        self._before = 0
        self._rest = bytearray()

    def append(self, *parts: bytes) -> None:
        for part in parts:
            if len(part) < _LARGE_BYTES:
                self._rest += part
                continue
            view = memoryview(part)
            cut = -len(self._rest) % BLOCK_BYTES
            end = cut + (len(part) - cut) // BLOCK_BYTES * BLOCK_BYTES
            self._rest += view[:cut]
            self._keep(self._rest)
            self._keep(view[cut:end])
            self._rest = bytearray(view[end:])

    def covered(self, length: int | None = None) -> list[Bytes]:
        """Return the first `length` bytes, or all, in parts: all but the last of whole blocks."""
        left = len(self) if length is None else length
        found: list[Bytes] = []
        for part in self._parts:
            if left < len(part):
                return [*found, memoryview(part)[:left]]
            found.append(part)
            left -= len(part)
        return [*found, bytes(self._rest[:left])]

    def _keep(self, part: Bytes) -> None:
        self._parts.append(part)
        self._before += len(part)

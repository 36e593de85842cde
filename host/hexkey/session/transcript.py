"""The bytes of a unit that its tags cover, in order."""

_FIRST_BYTES = 1 << 16


class Transcript:
    """Bytes that are only ever appended, in memory that one unit leaves to the next.

    A `bytearray` that grows is copied nine times over by the time it is large: a tenth of what a
    block of millions of bits takes.
    """

    def __init__(self) -> None:
        self._room = memoryview(bytearray(_FIRST_BYTES))
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def clear(self) -> None:
        self._used = 0

    def append(self, *parts: bytes) -> None:
        for part in parts:
            end = self._used + len(part)
            if end > len(self._room):
                self._grow(end)
            self._room[self._used : end] = part
            self._used = end

    def covered(self, length: int | None = None) -> memoryview:
        """Return the first `length` bytes, or all; good until the next `append`."""
        return self._room[: self._used if length is None else length].toreadonly()

    def _grow(self, least: int) -> None:
        larger = memoryview(bytearray(max(least, 2 * len(self._room))))
        larger[: self._used] = self._room[: self._used]
        self._room = larger

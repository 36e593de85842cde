"""Whole records of a file, in pieces of bounded size, also of a file that still grows."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hexkey.errors import InputError

PIECE_BYTES = 1 << 19  # small enough that what is decoded of it stays in a cache


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a growing file is followed.

    Attributes
    ----------
    stop : threading.Event or None
        Ends it, as does Ctrl-C.
    idle_s : float or None
        Ends it when nothing was written for so long; None: never.
    poll_s : float
        Between two looks at the file.
    """

    stop: threading.Event | None = None
    idle_s: float | None = None
    poll_s: float = 0.1

    def wait(self, since_s: float) -> bool:
        """Sleep for one look; return whether to look again, nothing new since `since_s`."""
        if self.idle_s is not None and time.monotonic() - since_s >= self.idle_s:
            return False
        if self.stop is None:
            time.sleep(self.poll_s)
            return True
        return not self.stop.wait(self.poll_s)


class Pieces:
    """Pieces of whole records, one after the other; each is of use until the next is asked for.

    Parameters
    ----------
    path : Path
    start : int
        Where the first record begins.
    record_bytes : int
    records : int or None
        How many to read at most; None: all that there are.
    follow : Waiting or None
        How to wait for more at the end of the file; None: it ends there.

    Attributes
    ----------
    tail : bytes
        At the end: what is behind the last whole record.
    beyond : int
        At the end: whole records behind the first `records`.
    """

    def __init__(
        self,
        path: Path,
        start: int,
        record_bytes: int,
        *,
        records: int | None = None,
        follow: Waiting | None = None,
    ) -> None:
        self._path, self._start, self._record_bytes = path, start, record_bytes
        self._left = None if records is None else records * record_bytes
        self._follow = follow
        self.tail = b""
        self.beyond = 0

    @property
    def rest(self) -> int:
        """Bytes behind the last whole record, at the end."""
        return len(self.tail)

    def __iter__(self) -> Iterator[memoryview]:
        buffer = memoryview(bytearray(PIECE_BYTES - PIECE_BYTES % self._record_bytes))
        have, since = 0, time.monotonic()
        try:
            with self._path.open("rb", buffering=0) as file:
                file.seek(self._start)
                while self._left is None or self._left > 0:
                    room = buffer[have:] if self._left is None else buffer[have : self._left]
                    got = file.readinto(room) or 0
                    if got == 0 and not (self._follow and self._follow.wait(since)):
                        break
                    since = time.monotonic() if got else since
                    whole = have + got - (have + got) % self._record_bytes
                    if whole:
                        yield buffer[:whole]
                        rest = bytes(buffer[whole : have + got])
                        buffer[: len(rest)] = rest
                    have = have + got - whole
                    self._left = None if self._left is None else self._left - whole
                self.tail = bytes(buffer[:have])
                if self._left == 0:
                    behind = self._path.stat().st_size - file.tell()
                    self.beyond = max(0, behind) // self._record_bytes
        except OSError as error:
            raise unreadable(self._path, error) from None


def unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be read: {error.strerror}")

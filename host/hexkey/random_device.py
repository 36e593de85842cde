"""A hardware generator's randomness, added to the operating system's."""

import os
import weakref
from pathlib import Path

import numpy as np

from hexkey.errors import DeviceError

# Cut-offs for bytes of which a healthy generator makes none with more than 2^-4: less than one
# false alarm in 2^40 bytes, and in as many windows.
MOST_IN_A_ROW = 11
WINDOW_BYTES = 512
MOST_IN_A_WINDOW = 79


class RandomDevice:
    """A generator's bytes, added modulo 2 to the operating system's.

    The sum is uniform if either of them is, so a generator that fails unseen costs nothing; one
    that fails visibly is refused.

    Parameters
    ----------
    path : Path
        A device such as ``/dev/hwrng``, or a pipe.

    Raises
    ------
    DeviceError
        It cannot be read, ends, or repeats itself.
    """

    reason_for_demonstration = None

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._device = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _failure(path, f"cannot be opened ({error.strerror})") from None
        weakref.finalize(self, os.close, self._device)
        self._tests = ContinuousTests()

    def bytes(self, count: int) -> bytes:
        drawn = _read(self._device, count, self._path)
        if not self._tests.passes(drawn):
            raise _failure(self._path, "repeats itself")
        system = np.frombuffer(os.urandom(count), np.uint8)
        return (np.frombuffer(drawn, np.uint8) ^ system).tobytes()


class ContinuousTests:
    """The two tests of NIST SP 800-90B, 4.4, that watch a generator while it is used.

    A byte must not repeat `MOST_IN_A_ROW` times in a row, nor the first one of `WINDOW_BYTES` make
    up `MOST_IN_A_WINDOW` of them.
    """

    def __init__(self) -> None:
        self._last, self._row = -1, 0
        self._first, self._equal, self._seen = -1, 0, WINDOW_BYTES

    def passes(self, drawn: bytes) -> bool:
        for byte in drawn:
            self._row = self._row + 1 if byte == self._last else 1
            self._last = byte
            if self._seen == WINDOW_BYTES:
                self._first, self._equal, self._seen = byte, 0, 0
            self._seen += 1
            self._equal += byte == self._first
            if self._row >= MOST_IN_A_ROW or self._equal >= MOST_IN_A_WINDOW:
                return False
        return True


def _read(device: int, count: int, path: Path) -> bytes:
    parts, missing = [], count
    while missing:
        try:
            part = os.read(device, missing)
        except OSError as error:
            raise _failure(path, f"cannot be read ({error.strerror})") from None
        if not part:
            raise _failure(path, "gives no more bytes")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _failure(path: Path, what: str) -> DeviceError:
    return DeviceError(
        f"the random generator {path} {what}: check it, or leave random_device out to use the "
        "operating system's alone"
    )

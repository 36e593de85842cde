"""Consistent Overhead Byte Stuffing (Cheshire & Baker, IEEE/ACM Trans. Netw. 7, 159, 1999).

Stuffed data holds no zero byte, so that a zero always ends a frame. The parser unstuffs in C.
"""

from hexkey.errors import InputError

_LONGEST_RUN = 254


def cobs_encode(data: bytes) -> bytes:
    """Return `data` stuffed, without the delimiter: no zero bytes, at most 1 in 254 more."""
    stuffed = bytearray()
    *inner, last = data.split(b"\0")
    for run in inner:
        # A full run stands for no zero after it: the zero needs a short, maybe empty, run.
        whole = len(run) - len(run) % _LONGEST_RUN
        _append_runs(stuffed, run[:whole])
        stuffed.append(len(run) - whole + 1)
        stuffed += run[whole:]
    if last:
        _append_runs(stuffed, last)
    else:
        stuffed.append(1)
    return bytes(stuffed)


def _append_runs(stuffed: bytearray, run: bytes) -> None:
    for at in range(0, len(run), _LONGEST_RUN):
        part = run[at : at + _LONGEST_RUN]
        stuffed.append(len(part) + 1)
        stuffed += part


def cobs_decode_reference(stuffed: bytes) -> bytes:
    """Return what `stuffed` (without the delimiter) stands for; the C kernel's readable twin.

    Raises
    ------
    InputError
        A zero inside, or a code byte that points past the end.
    """
    data = bytearray()
    at = 0
    while at < len(stuffed):
        code = stuffed[at]
        run = stuffed[at + 1 : at + code]
        if code == 0 or len(run) != code - 1 or 0 in run:
            raise InputError(
                f"stuffed frame: the code byte 0x{code:02x} at byte {at} cannot be right; "
                f"the frame was damaged on the way"
            )
        data += run
        at += code
        if code <= _LONGEST_RUN and at < len(stuffed):
            data.append(0)
    return bytes(data)

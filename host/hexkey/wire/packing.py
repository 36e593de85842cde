"""What the bodies of frames have in common: packing, and refusing what cannot be."""

import struct
from enum import IntEnum
from typing import Any, TypeVar

from hexkey.errors import InputError

_Choice = TypeVar("_Choice", bound=IntEnum)


def pack(layout: struct.Struct, *values: Any) -> bytes:
    try:
        return layout.pack(*values)
    except struct.error as error:
        raise ValueError(f"a value is out of range for {layout.format}: {error}") from None


def unpack(layout: struct.Struct, body: bytes, name: str) -> tuple[Any, ...]:
    if len(body) != layout.size:
        raise InputError(
            f"{name} body: it has {len(body)} bytes instead of {layout.size}; "
            f"board and host disagree about the format"
        )
    return layout.unpack(body)


def choice(enum: type[_Choice], value: int, name: str) -> _Choice:
    try:
        return enum(value)
    except ValueError:
        raise InputError(
            f"{name} body: {value} is no {enum.__name__}; board and host disagree about the format"
        ) from None


def text(value: str, room: int) -> bytes:
    raw = value.encode()
    if len(raw) > room or b"\0" in raw:
        raise ValueError(f"text must have at most {room} bytes of UTF-8 without zeros: {value!r}")
    return raw

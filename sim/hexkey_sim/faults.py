"""Faults that the virtual board can be told to have, written as ``name:key=value,key=value``."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hexkey.errors import ConfigurationError
from hexkey.wire.cobs import cobs_decode_reference, cobs_encode
from hexkey.wire.frame import CRC

FORMS = {
    "lose-bytes": "lose-bytes:rate=1e-5",
    "flip-bits": "flip-bits:rate=1e-6",
    "overflow": "overflow:at=2s,for=0.1s",
    "lose-trigger": "lose-trigger:at=3s,for=50ms",
    "drop-reply": "drop-reply:count=1",
    "vanish": "vanish:at=4s",
    "garbage": "garbage",
    "wrong-version": "wrong-version",
}
_UNITS_S = {"ms": 1e-3, "us": 1e-6, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start_s` to before `end_s`, in seconds of the link."""

    start_s: float
    end_s: float

    def holds(self, time_s: float) -> bool:
        return self.start_s <= time_s < self.end_s


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong; nothing by default.

    Attributes
    ----------
    lose_bytes_rate, flip_bits_rate : float
        Chance of each byte to the host to be lost, of each of its bits to be inverted.
    overflow, lose_trigger : tuple of Interval
        When the event FIFO takes nothing; when there is no trigger.
    drop_replies : int
        How many requests are carried out but not answered.
    vanish_at_s : float, optional
        When the port goes away.
    garbage, wrong_version : bool
        Send noise and answer nothing; send frames of a version that nobody knows.
    """

    lose_bytes_rate: float = 0.0
    flip_bits_rate: float = 0.0
    overflow: tuple[Interval, ...] = ()
    lose_trigger: tuple[Interval, ...] = ()
    drop_replies: int = 0
    vanish_at_s: float | None = None
    garbage: bool = False
    wrong_version: bool = False


def parse_faults(specs: Sequence[str]) -> Faults:
    """Read fault specifications.

    Raises
    ------
    ConfigurationError
        Naming the specification that is wrong and the form that it should have.
    """
    faults = Faults()
    for spec in specs:
        name, _, rest = spec.strip().partition(":")
        if name not in FORMS:
            raise ConfigurationError(
                f"the fault {spec!r} is unknown: use one of {', '.join(FORMS.values())}"
            )
        try:
            faults = _with(faults, name, _fields(name, rest))
        except ValueError as problem:
            raise ConfigurationError(
                f"the fault {spec!r} {problem}: write it like {FORMS[name]}"
            ) from None
    return faults


def _fields(name: str, rest: str) -> dict[str, str]:
    """Return the given values; they must have exactly the keys of the form."""
    form = FORMS[name].partition(":")[2]
    wanted = {item.partition("=")[0] for item in form.split(",") if item}
    items = [item.strip().partition("=") for item in rest.split(",") if item.strip()]
    given = {key: value for key, _, value in items}
    if set(given) != wanted or len(items) != len(given):
        raise ValueError(f"must give {' and '.join(sorted(wanted)) or 'no values'}")
    return given


def _with(faults: Faults, name: str, given: dict[str, str]) -> Faults:
    match name:
        case "lose-bytes":
            return replace(faults, lose_bytes_rate=_rate(given["rate"]))
        case "flip-bits":
            return replace(faults, flip_bits_rate=_rate(given["rate"]))
        case "overflow":
            return replace(faults, overflow=(*faults.overflow, _interval(given)))
        case "lose-trigger":
            return replace(faults, lose_trigger=(*faults.lose_trigger, _interval(given)))
        case "drop-reply":
            if not given["count"].isdecimal():
                raise ValueError("has a count that is not a whole number")
            return replace(faults, drop_replies=faults.drop_replies + int(given["count"]))
        case "vanish":
            return replace(faults, vanish_at_s=_seconds(given["at"]))
        case "garbage":
            return replace(faults, garbage=True)
        case _:
            return replace(faults, wrong_version=True)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise ValueError("has a rate that is no number") from None
    if not 0 <= rate <= 1:
        raise ValueError("has a rate outside of 0 to 1")
    return rate


def _interval(given: dict[str, str]) -> Interval:
    start_s = _seconds(given["at"])
    return Interval(start_s, start_s + _seconds(given["for"]))


def _seconds(text: str) -> float:
    unit = next((unit for unit in _UNITS_S if text.endswith(unit)), "")
    try:
        value = float(text.removesuffix(unit)) * _UNITS_S.get(unit, 1.0)
    except ValueError:
        raise ValueError("has a time that is no number of s or ms") from None
    if not 0 <= value < float("inf"):
        raise ValueError("has a time that is negative or endless")
    return value


class ByteFaults:
    """Loses bytes and flips bits on their way to the host; seeded."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._lose_rate = faults.lose_bytes_rate
        self._flip_rate = faults.flip_bits_rate
        self._generator = np.random.default_rng(seed)

    def damage(self, data: bytes) -> bytes:
        if not (self._lose_rate or self._flip_rate):
            return data
        values = np.frombuffer(data, np.uint8)
        if self._flip_rate:
            flips = self._generator.random((len(values), 8)) < self._flip_rate
            values = values ^ np.packbits(flips, axis=1).reshape(-1)
        if self._lose_rate:
            values = values[self._generator.random(len(values)) >= self._lose_rate]
        return values.tobytes()

    def reversion(self, stuffed: bytes) -> bytes:
        """Return a frame that is sound but of a version that does not exist."""
        checked = b"\xfe" + cobs_decode_reference(stuffed.removesuffix(b"\0"))[1 : -CRC.size]
        return cobs_encode(checked + CRC.pack(zlib.crc32(checked))) + b"\0"

    def noise(self, count: int) -> bytes:
        """Return what a device of another kind might send."""
        return self._generator.bytes(count)

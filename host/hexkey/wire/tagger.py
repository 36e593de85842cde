"""Bodies that tell of the time tagger itself: raw tags, code densities, markers, g²."""

import struct
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.events import DETECTORS
from hexkey.wire.channels import CHANNELS, Source
from hexkey.wire.layout import TAG
from hexkey.wire.packing import choice, pack, unpack

MAX_LAG = 16
"""g² is counted from this many pulses before to as many behind."""

LAGS = range(-MAX_LAG, MAX_LAG + 1)
MAX_CODES = 1024
"""Of a delay line; a register has 10 bits for one."""

_MARKER = struct.Struct("<QI")
_CODE_DENSITY = struct.Struct("<BBHI")
_G2 = struct.Struct("<BBHIQ")


@dataclass(frozen=True, slots=True)
class Marker:
    """The marker input rose.

    Attributes
    ----------
    pulse : int
        The first that began after it.
    count : int
        Which one this is of the run, the first being 1.
    """

    pulse: int
    count: int

    def encode(self) -> bytes:
        return pack(_MARKER, self.pulse, self.count)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        return cls(*unpack(_MARKER, body, "MARKER"))


@dataclass(frozen=True, slots=True, eq=False)
class CodeDensity:
    """How often a delay line gave each of its codes since the channel's last density.

    Attributes
    ----------
    channel : int
    source : Source
        What fed the line.
    counts : (codes,) uint32
        The last code is that of edges that had left the line before they were seen.
    """

    channel: int
    source: Source
    counts: NDArray[np.uint32] = field(repr=False)

    def encode(self) -> bytes:
        if self.counts.ndim != 1 or not 0 < len(self.counts) <= MAX_CODES:
            raise ValueError(f"counts must be of 1 to {MAX_CODES} codes")
        head = pack(_CODE_DENSITY, self.channel, self.source, len(self.counts), 0)
        return head + self.counts.astype("<u4").tobytes()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        codes = int.from_bytes(body[2:4], "little")
        layout = struct.Struct(f"{_CODE_DENSITY.format}{4 * codes}s")
        channel, source, _, _, raw = unpack(layout, body, "CODE_DENSITY")
        if channel >= CHANNELS or not 0 < codes <= MAX_CODES:
            raise InputError(
                f"CODE_DENSITY body: channel {channel} with {codes} codes cannot be; check the "
                f"firmware"
            )
        counts = np.frombuffer(raw, "<u4").astype(np.uint32)
        return cls(channel, choice(Source, source, "CODE_DENSITY"), counts)


@dataclass(frozen=True, slots=True, eq=False)
class G2:
    """Coincidences of two detectors since the start of the run, before hold-off and gate.

    Attributes
    ----------
    first, second : int
        Detectors a and b.
    pulses : int
        Pulses k that were compared.
    coincidences : (33,) uint64
        For each of `LAGS`: pulses k in which a clicked while b clicked in pulse k + lag.
    """

    first: int
    second: int
    pulses: int
    coincidences: NDArray[np.uint64] = field(repr=False)

    def encode(self) -> bytes:
        if self.coincidences.shape != (len(LAGS),):
            raise ValueError(f"coincidences must be of {len(LAGS)} lags")
        head = pack(_G2, self.first, self.second, len(LAGS), 0, self.pulses)
        return head + self.coincidences.astype("<u8").tobytes()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        lags = int.from_bytes(body[2:4], "little")
        layout = struct.Struct(f"{_G2.format}{8 * lags}s")
        first, second, _, _, pulses, raw = unpack(layout, body, "G2")
        if max(first, second) >= DETECTORS or lags != len(LAGS):
            raise InputError(
                f"G2 body: detectors {first} and {second} with {lags} lags cannot be; check the "
                f"firmware"
            )
        return cls(first, second, pulses, np.frombuffer(raw, "<u8").astype(np.uint64))


@dataclass(frozen=True, slots=True, eq=False)
class Tags:
    """Raw tags, in the order in which the board sent them.

    Attributes
    ----------
    time_ticks : (n,) uint64
        Below 2**60, since the board's clock was started.
    channel : (n,) uint8
        Detector, or `hexkey.wire.registers.TRIGGER`.
    """

    time_ticks: NDArray[np.uint64]
    channel: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.time_ticks)


def pack_tags(tags: Tags) -> bytes:
    """Return the records of `tags`; ValueError for a time or channel without room."""
    for name, values in (("channel", tags.channel), ("time_ticks", tags.time_ticks)):
        if len(values) and values.max() > TAG.limit(name):
            raise ValueError(f"{name} must be at most {TAG.limit(name)}, not {values.max()}")
    words = tags.time_ticks << np.uint64(TAG.shift("time_ticks")) | tags.channel.astype(np.uint64)
    return words.astype("<u8").tobytes()


def unpack_tags(body: bytes) -> Tags:
    """Return the tags in the body of a TAGS frame.

    Raises
    ------
    InputError
        A channel that there is not, or a piece of a record.
    """
    if len(body) % TAG.record_bytes:
        raise InputError(f"TAGS body: {len(body)} bytes are no whole records; check the firmware")
    words = np.frombuffer(body, "<u8").astype(np.uint64)
    channel = (words & np.uint64(TAG.limit("channel"))).astype(np.uint8)
    if len(channel) and channel.max() >= CHANNELS:
        raise InputError(f"TAGS body: there is no channel {channel.max()}; check the firmware")
    return Tags(words >> np.uint64(TAG.shift("time_ticks")), channel)

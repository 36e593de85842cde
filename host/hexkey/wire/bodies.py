"""The bodies of frames other than events, as values that encode and decode themselves.

Every ``decode`` raises `InputError` for a body of the wrong length or with a value that has no
meaning; every ``encode`` raises ValueError for a value that has no room.
"""

import struct
from dataclasses import astuple, dataclass, fields
from enum import IntEnum
from fractions import Fraction
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.events import DETECTORS
from hexkey.wire.frame import MAX_HISTOGRAM_BINS
from hexkey.wire.packing import choice, pack, text, unpack

_IDENTIFICATION = struct.Struct("<IIIBBHII16s32s")
_HISTOGRAM = struct.Struct("<BBHII")
_LOSS = struct.Struct("<BBHQQI")
_SETTINGS = struct.Struct("<QI")
_STATUS = struct.Struct("<IIB3x")
_REGISTER = struct.Struct("<HBHI")

_SIMULATED, _WITHOUT_STATISTICS = 1, 2
_INPUTS = 2 ** (DETECTORS + 1) - 1
_STUCK_SHIFT = 8
STATUS_FLAGS = ("trigger_locked", "running", "holdover", "no_trigger", "off_period", "tags_lost")
"""Fields of `Status`, by the bit that they have among its flags."""


@dataclass(frozen=True, slots=True)
class Identification:
    """What the board is.

    Attributes
    ----------
    tick_ps : Fraction
        The wire's unit of time in ps, exactly.
    clock_hz : int
        Clock of the tagger.
    detectors : int
        Inputs that exist, 1 to 4.
    simulated : bool
        No real detector stands behind it: its keys are demonstrations.
    taps : int
        Taps of a tagger's delay line; 0 without one.
    period_ticks : int
        One period of the source.
    fifo_depth : int
        Events that the board holds while the link is slow.
    firmware, board : str
        Version (16 bytes of UTF-8) and name (32 bytes).
    statistics : bool
        Whether it sends HISTOGRAM and G2.
    """

    tick_ps: Fraction
    clock_hz: int
    detectors: int
    simulated: bool
    taps: int
    period_ticks: int
    fifo_depth: int
    firmware: str
    board: str
    statistics: bool = True

    def encode(self) -> bytes:
        return pack(
            _IDENTIFICATION,
            self.tick_ps.numerator,
            self.tick_ps.denominator,
            self.clock_hz,
            self.detectors,
            _SIMULATED * self.simulated | _WITHOUT_STATISTICS * (not self.statistics),
            self.taps,
            self.period_ticks,
            self.fifo_depth,
            text(self.firmware, 16),
            text(self.board, 32),
        )

    @classmethod
    def decode(cls, body: bytes) -> Self:
        numerator, denominator, clock_hz, detectors, flags, taps, period_ticks, depth, *texts = (
            unpack(_IDENTIFICATION, body, "IDENTIFICATION")
        )
        if not (numerator and denominator and period_ticks and 1 <= detectors <= DETECTORS):
            raise InputError(
                f"IDENTIFICATION body: a tick of {numerator}/{denominator} ps, a period of "
                f"{period_ticks} ticks and {detectors} detectors cannot be; check the firmware"
            )
        # Later firmware may set further flags; a text cut within a character is still readable.
        firmware, board = (text.split(b"\0")[0].decode(errors="replace") for text in texts)
        return cls(
            Fraction(numerator, denominator),
            clock_hz,
            detectors,
            bool(flags & _SIMULATED),
            taps,
            period_ticks,
            depth,
            firmware,
            board,
            not flags & _WITHOUT_STATISTICS,
        )


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since the start of the run, sent ten times a second.

    Attributes
    ----------
    triggers : int
        Edges of the source's trigger, as they came (divided).
    clicks_0, clicks_1, clicks_2, clicks_3 : int
        Clicks of each detector, before hold-off and gate.
    ignored_holdoff, outside_gate : int
        Clicks dropped in a hold-off, and outside their detector's gate.
    repeats : int
        Second clicks of a detector in a pulse, dropped.
    double_pulses : int
        Pulses in which more than one detector clicked.
    events : int
        Events made, whether the FIFO had room or not.
    fifo_dropped : int
        Events for which the FIFO had no room.
    bad_requests : int
        Frames from the host that were not sound requests.
    """

    triggers: int
    clicks_0: int
    clicks_1: int
    clicks_2: int
    clicks_3: int
    ignored_holdoff: int
    outside_gate: int
    repeats: int
    double_pulses: int
    events: int
    fifo_dropped: int
    bad_requests: int

    @property
    def clicks(self) -> tuple[int, int, int, int]:
        return (self.clicks_0, self.clicks_1, self.clicks_2, self.clicks_3)

    def encode(self) -> bytes:
        return pack(_COUNTERS, *astuple(self))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        return cls(*unpack(_COUNTERS, body, "COUNTERS"))


COUNTERS = tuple(field.name for field in fields(Counters))
_COUNTERS = struct.Struct(f"<{len(COUNTERS)}Q")

PAIRS = tuple(combinations(range(DETECTORS), 2))
_PAIRS = struct.Struct(f"<{len(PAIRS)}Q")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pulses in which both detectors of a pair clicked, in the order of `PAIRS`, for the run."""

    counts: tuple[int, ...]

    def encode(self) -> bytes:
        return pack(_PAIRS, *self.counts)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        return cls(unpack(_PAIRS, body, "PAIRS"))


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Arrival times of one detector since its last histogram, gate and hold-off not applied.

    Attributes
    ----------
    detector : int
    offset_ticks : int
        Phase at which bin 0 begins.
    bin_ticks : int
    counts : (bins,) uint32
        Clicks; a bin is half-open, and phases beyond the last are not counted.
    """

    detector: int
    offset_ticks: int
    bin_ticks: int
    counts: NDArray[np.uint32]

    def encode(self) -> bytes:
        if self.counts.ndim != 1 or len(self.counts) > MAX_HISTOGRAM_BINS:
            raise ValueError(f"counts must have at most {MAX_HISTOGRAM_BINS} bins")
        head = pack(
            _HISTOGRAM, self.detector, 0, len(self.counts), self.offset_ticks, self.bin_ticks
        )
        return head + self.counts.astype("<u4").tobytes()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        bins = int.from_bytes(body[2:4], "little")
        layout = struct.Struct(f"{_HISTOGRAM.format}{4 * bins}s")
        detector, _, _, offset_ticks, bin_ticks, raw = unpack(layout, body, "HISTOGRAM")
        if detector >= DETECTORS or not bin_ticks or bins > MAX_HISTOGRAM_BINS:
            raise InputError(
                f"HISTOGRAM body: detector {detector} with {bins} bins of {bin_ticks} ticks cannot "
                f"be; check the firmware"
            )
        return cls(detector, offset_ticks, bin_ticks, np.frombuffer(raw, "<u4").astype(np.uint32))


class LossCause(IntEnum):
    """Why events or their pulse numbers were lost on the board."""

    FIFO_FULL = 1
    TRIGGER_LOST = 2


@dataclass(frozen=True, slots=True)
class Loss:
    """Events that never became part of a frame: not in the tally.

    Attributes
    ----------
    cause : LossCause
    first_pulse, last_pulse : int
        The pulses concerned, both ends included.
    events : int
        How many events were dropped; 0 where nobody can know (the trigger was lost).
    """

    cause: LossCause
    first_pulse: int
    last_pulse: int
    events: int

    def encode(self) -> bytes:
        return pack(_LOSS, self.cause, 0, 0, self.first_pulse, self.last_pulse, self.events)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        cause, _, _, first, last, events = unpack(_LOSS, body, "LOSS")
        return cls(choice(LossCause, cause, "LOSS"), first, last, events)


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """From `first_pulse` on the board works with the settings committed as `settings`."""

    first_pulse: int
    settings: int

    def encode(self) -> bytes:
        return pack(_SETTINGS, self.first_pulse, self.settings)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        return cls(*unpack(_SETTINGS, body, "SETTINGS"))


@dataclass(frozen=True, slots=True)
class Status:
    """The board's state now.

    Attributes
    ----------
    fifo_level : int
        Events waiting.
    levels : int
        Levels of the inputs: bit i for channel i, the trigger's is bit 4.
    trigger_locked, running : bool
    stuck : int
        Inputs, as in `levels`, that have been high ever since the last status.
    holdover : bool
        The trigger's last edge was missing, its pulses are predicted.
    no_trigger : bool
        No edge of the trigger since the last status.
    off_period : bool
        The trigger is too fast, or not of the period that was configured.
    tags_lost : bool
        Clicks were lost before the FIFO since the last status.
    """

    fifo_level: int
    levels: int
    trigger_locked: bool
    running: bool
    stuck: int = 0
    holdover: bool = False
    no_trigger: bool = False
    off_period: bool = False
    tags_lost: bool = False

    def encode(self) -> bytes:
        if not (0 <= self.levels <= _INPUTS and 0 <= self.stuck <= _INPUTS):
            raise ValueError(f"levels and stuck must be from 0 to {_INPUTS}")
        flags = sum(bool(getattr(self, name)) << bit for bit, name in enumerate(STATUS_FLAGS))
        return pack(_STATUS, self.fifo_level, self.levels | self.stuck << _STUCK_SHIFT, flags)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        level, inputs, flags = unpack(_STATUS, body, "STATUS")
        named = {name: bool(flags >> bit & 1) for bit, name in enumerate(STATUS_FLAGS)}
        return cls(level, inputs & _INPUTS, stuck=inputs >> _STUCK_SHIFT & _INPUTS, **named)


class RegisterOperation(IntEnum):
    """What a request asks for."""

    READ = 0
    WRITE = 1


class RegisterStatus(IntEnum):
    """What became of a request."""

    OK = 0
    NO_SUCH_REGISTER = 1
    OUT_OF_RANGE = 2
    READ_ONLY = 3


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """Host to board. `value` is the 32-bit word, 0 for a read; see `hexkey.wire.registers`.

    A board that gets the `id` of its last request again repeats the reply and applies nothing.
    """

    id: int
    op: RegisterOperation
    address: int
    value: int = 0

    def encode(self) -> bytes:
        return pack(_REGISTER, self.id, self.op, self.address, self.value)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        ident, op, address, value = unpack(_REGISTER, body, "REGISTER_REQUEST")
        return cls(ident, choice(RegisterOperation, op, "REGISTER_REQUEST"), address, value)


@dataclass(frozen=True, slots=True)
class RegisterReply:
    """Board to host: `value` is what the register holds now, 0 where there is none."""

    id: int
    status: RegisterStatus
    address: int
    value: int

    def encode(self) -> bytes:
        return pack(_REGISTER, self.id, self.status, self.address, self.value)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        ident, status, address, value = unpack(_REGISTER, body, "REGISTER_REPLY")
        return cls(ident, choice(RegisterStatus, status, "REGISTER_REPLY"), address, value)

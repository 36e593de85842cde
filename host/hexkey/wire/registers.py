"""The register map: one table, read by host, virtual board and gateware.

``python -m hexkey.wire.registers`` prints docs/register-map.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from hexkey.events import DETECTORS
from hexkey.wire.channels import CHANNELS as CHANNELS
from hexkey.wire.channels import TRIGGER as TRIGGER
from hexkey.wire.channels import Source as Source

Access = Literal["rw", "ro", "w"]

CHANNEL_STRIDE = 0x10

MIN_PERIOD_TICKS, MAX_PERIOD_TICKS = 1000, 100_000

PERIOD_FRACTION_BITS = 12
"""The register `trigger_period` is in ticks / 2**12."""


@dataclass(frozen=True, slots=True)
class Period:
    """A bound that depends on the board: its `period_ticks`, less `minus`."""

    minus: int = 0

    def __str__(self) -> str:
        return f"period − {self.minus}" if self.minus else "period"


Bound = int | Period


@dataclass(frozen=True, slots=True)
class Register:
    """One row of the map.

    Attributes
    ----------
    name : str
    address : int
        Of channel 0 where there is one for each channel.
    unit : str
        Empty for numbers without one.
    reset, minimum, maximum : int or Period
        Values in `unit`; `bound` resolves them.
    access : {"rw", "ro", "w"}
    shadowed : bool
        Writes take effect at the next commit; reads return what was written.
    description : str
    channels : int
        0: there is one; else one for each channel below this number: 4 for the detectors alone, 5
        where the trigger has one, too.
    """

    name: str
    address: int
    unit: str
    reset: Bound
    minimum: Bound
    maximum: Bound
    access: Access
    shadowed: bool
    description: str
    channels: int = 0

    @property
    def instances(self) -> tuple[int | None, ...]:
        """The channels that have this register; (None,) if it is common to all."""
        return tuple(range(self.channels)) or (None,)

    @property
    def signed(self) -> bool:
        return isinstance(self.minimum, int) and self.minimum < 0


class Mode(IntEnum):
    """Values of the register `mode`."""

    EVENTS = 0
    RAW_TAGS = 1
    HISTOGRAM_ONLY = 2


class TrackerState(IntEnum):
    """Values of the register `tracker_state`."""

    NO_TRIGGER = 0
    MEASURING = 1
    PULLING_IN = 2
    LOCKED = 3
    HOLDOVER = 4


class DoubleClick(IntEnum):
    """Values of the register `double_click`."""

    REPORT = 0
    DISCARD = 1


_WORD = 2**32 - 1

REGISTERS: tuple[Register, ...] = (
    Register(
        "control", 0x00, "", 0, 0, 1, "rw", False,
        "Bit 0: 0 stopped (no events; registers are answered), 1 streaming.",
    ),
    Register(
        "run", 0x01, "", 0, 0, _WORD, "rw", False,
        "Run id, carried by every frame; 0 after a reset. Writing it starts the tally at 0.",
    ),
    Register(
        "commit", 0x02, "", 0, 0, _WORD, "w", False,
        "Shadowed settings take effect at the next pulse; the value is their id. A SETTINGS frame "
        "follows.",
    ),
    Register(
        "identify", 0x03, "", 0, 0, _WORD, "w", False,
        "Any write sends an IDENTIFICATION frame.",
    ),
    Register(
        "mode", 0x04, "", 0, 0, 2, "rw", True,
        "0 gated events, 1 raw tags, 2 histograms only.",
    ),
    Register(
        "trigger_divider", 0x05, "pulses", 1, 1, 65535, "rw", True,
        "Pulses of the source for each edge of the trigger.",
    ),
    Register(
        "holdoff_pulses", 0x06, "pulses", 2, 0, 65535, "rw", True,
        "Pulses after that of any click in which clicks are ignored, and start it again.",
    ),
    Register(
        "double_click", 0x07, "", 0, 0, 1, "rw", True,
        "Pulses with more than one detector: 0 reports the mask, 1 discards them.",
    ),
    Register(
        "histogram_offset_ticks", 0x08, "ticks", 0, 0, Period(1), "rw", True,
        "Phase at which bin 0 begins.",
    ),
    Register(
        "histogram_bin_ticks", 0x09, "ticks", 10, 1, 65535, "rw", True,
        "Width of a bin.",
    ),
    Register(
        "histogram_bins", 0x0A, "bins", 250, 1, 2048, "rw", True,
        "Number of bins.",
    ),
    Register(
        "period_ticks", 0x0B, "ticks", Period(), MIN_PERIOD_TICKS, MAX_PERIOD_TICKS, "rw", True,
        "One period of the source. A board that cannot change it refuses any other value.",
    ),
    Register(
        "loop_shift", 0x0C, "", 6, 0, 10, "rw", True,
        "Bandwidth of the trigger's tracker: each edge corrects 2^-loop_shift of its error.",
    ),
    Register(
        "holdover_drift", 0x0D, "2^-30", 1074, 0, 2**20, "rw", True,
        "By how much of the time since its last edge the predicted trigger may be wrong.",
    ),
    Register(
        "g2_pair", 0x0E, "", 4, 0, 15, "rw", True,
        "Detectors that g² is taken of: a in bits 0–1, b in bits 2–3.",
    ),
    Register(
        "enable", 0x10, "", 1, 0, 1, "rw", True,
        "0: clicks of this channel are not seen at all.", CHANNELS,
    ),
    Register(
        "gate_start_ticks", 0x11, "ticks", 0, 0, Period(1), "rw", True,
        "Phase at which the gate opens.", DETECTORS,
    ),
    Register(
        "gate_width_ticks", 0x12, "ticks", Period(), 0, Period(), "rw", True,
        "Length of the gate, which may reach past the period; 0 never opens.", DETECTORS,
    ),
    Register(
        "delay_ticks", 0x13, "ticks", 0, -5000, 5000, "rw", True,
        "Added to the time of every click, before anything else; two's complement.", CHANNELS,
    ),
    Register(
        "edge", 0x14, "", 0, 0, 1, "rw", True,
        "Edge that makes a click: 0 rising, 1 falling.", CHANNELS,
    ),
    Register(
        "source", 0x15, "", 0, 0, 2, "rw", False,
        "What feeds the delay line: 0 the pin, 1 the free oscillator, 2 the pulser.", CHANNELS,
    ),
    Register(
        "pulser_delay", 0x18, "cycles", 0, 0, 255, "rw", False,
        "Cycles of the oscillator from the pulser's period to its pulse.", CHANNELS,
    ),
    Register(
        "pulser_probability", 0x19, "2^-16", 65535, 0, 65535, "rw", False,
        "Chance of a pulse in each period of the pulser; 65535 is every one.", CHANNELS,
    ),
    Register(
        "table_entry", 0x60, "", 0, 0, 5 * 2**20 - 1, "w", False,
        "Calibration: sets the time of one code, ticks in bits 0–9, code in bits 10–19, channel in "
        "bits 20–22.",
    ),
    Register(
        "pulser_period", 0x61, "cycles", 8, 4, 65535, "rw", False,
        "Cycles of the oscillator in a period of the pulser.",
    ),
    Register(
        "density_channel", 0x62, "", 5, 0, 5, "rw", False,
        "Channel whose raw codes are counted and sent in a CODE_DENSITY frame each second; 5 none.",
    ),
    Register(
        "marker_count", 0x63, "", 0, 0, _WORD, "ro", False,
        "Rising edges of the marker input since the start of the run.",
    ),
    Register(
        "tracker_state", 0x68, "", 0, 0, 4, "ro", False,
        "0 no trigger, 1 measuring, 2 pulling in, 3 locked, 4 holdover.",
    ),
    Register(
        "trigger_period", 0x69, "2^-12 ticks", 0, 0, _WORD, "ro", False,
        "Period of the source as measured at the trigger, divider taken into account.",
    ),
    Register(
        "trigger_outliers", 0x6A, "", 0, 0, _WORD, "ro", False,
        "Trigger edges too far from their time to be followed.",
    ),
    Register(
        "trigger_missing", 0x6B, "", 0, 0, _WORD, "ro", False,
        "Trigger edges that were due and did not come.",
    ),
    Register(
        "tags_collided", 0x6C, "", 0, 0, _WORD, "ro", False,
        "Clicks lost because two of a channel met in one clock behind its delay.",
    ),
    Register(
        "histogram_dropped", 0x6D, "", 0, 0, _WORD, "ro", False,
        "Clicks that the histogram had no time for.",
    ),
    Register(
        "tags_dropped", 0x6E, "", 0, 0, _WORD, "ro", False,
        "Raw tags for which the FIFO had no room.",
    ),
    Register(
        "levels", 0x6F, "", 0, 0, 31, "ro", False,
        "Levels of the inputs now, bit i for channel i.",
    ),
)  # fmt: skip

_BY_NAME = {register.name: register for register in REGISTERS}


def register(name: str) -> Register:
    """Return the row of a name; ValueError if there is none."""
    if name not in _BY_NAME:
        raise ValueError(f"there is no register {name!r}; there are {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def address(name: str, channel: int | None = None) -> int:
    """Return the address of a register; one of each channel needs its `channel` (4: trigger)."""
    row = register(name)
    if not row.channels:
        if channel is not None:
            raise ValueError(f"register {name!r} is common to all channels")
        return row.address
    if channel is None or not 0 <= channel < row.channels:
        raise ValueError(
            f"register {name!r} needs a channel from 0 to {row.channels - 1}, not {channel}"
        )
    return row.address + CHANNEL_STRIDE * channel


def find(address: int) -> tuple[Register, int | None] | None:
    """Return the register at an address and its channel; None where there is no register."""
    return _BY_ADDRESS.get(address)


def _addresses() -> Iterator[tuple[int, tuple[Register, int | None]]]:
    for row in REGISTERS:
        for channel in row.instances:
            yield address(row.name, channel), (row, channel)


_BY_ADDRESS = dict(_addresses())


def bound(value: Bound, period_ticks: int) -> int:
    """Return a reset value or limit of the table for a board with this period."""
    return period_ticks - value.minus if isinstance(value, Period) else value


def in_range(row: Register, value: int, period_ticks: int) -> bool:
    """Whether a board with this period takes `value` (signed where the register is)."""
    return bound(row.minimum, period_ticks) <= value <= bound(row.maximum, period_ticks)


def to_word(row: Register, value: int) -> int:
    """Return the 32-bit word that stands for `value` in requests and replies."""
    low, high = (-(2**31), 2**31 - 1) if row.signed else (0, _WORD)
    if not low <= value <= high:
        raise ValueError(f"{row.name} must be between {low} and {high}, not {value}")
    return value & _WORD


def from_word(row: Register, word: int) -> int:
    """Return the value that a 32-bit word stands for."""
    return word - 2**32 if row.signed and word >= 2**31 else word


def markdown() -> str:
    """Return docs/register-map.md."""
    lines = [
        "# Register map",
        "",
        "Made by `python -m hexkey.wire.registers` from the table that host, virtual board and",
        "gateware read; do not edit. How requests and replies travel: "
        "[wire-format.md](wire-format.md).",
        "",
        "Values are 32-bit words, two's complement where the minimum is negative. *Shadowed*",
        "settings take effect together, at the next pulse after a write to `commit`; reading one",
        "gives what was written last. `period` is what was written to `period_ticks` last; the",
        "IDENTIFICATION frame has the committed one, and the tick. A request outside the limits",
        "is refused as *out of range*.",
        "",
    ]
    lines += _table([row for row in REGISTERS if not row.channels], "")
    lines += [
        "",
        f"For each channel c: 0 to {DETECTORS - 1} the detectors, {TRIGGER} the trigger.",
        "",
    ]
    step = f" + 0x{CHANNEL_STRIDE:x}·c"
    lines += _table([row for row in REGISTERS if row.channels == CHANNELS], step)
    lines += ["", f"For each detector, c = 0 to {DETECTORS - 1}:", ""]
    lines += _table([row for row in REGISTERS if row.channels == DETECTORS], step)
    return "\n".join(lines) + "\n"


def _table(rows: list[Register], step: str) -> list[str]:
    head = "Address | Name | Unit | Access | Shadowed | Reset | Minimum | Maximum | What it does"
    lines = [f"| {head} |", "|---|---|---|---|---|--:|--:|--:|---|"]
    for row in rows:
        cells = (
            f"0x{row.address:02x}{step}",
            f"`{row.name}`",
            row.unit,
            row.access,
            "yes" if row.shadowed else "",
            str(row.reset),
            str(row.minimum),
            str(row.maximum),
            row.description,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    print(markdown(), end="")

"""The register map: one table, read by host, virtual board and gateware.

``python -m hexkey.wire.registers`` prints docs/register-map.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from hexkey.events import DETECTORS

Access = Literal["rw", "ro", "w"]

DETECTOR_STRIDE = 0x10


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
        Of detector 0 where there is one for each detector.
    unit : str
        Empty for numbers without one.
    reset, minimum, maximum : int or Period
        Values in `unit`; `bound` resolves them.
    access : {"rw", "ro", "w"}
    shadowed : bool
        Writes take effect at the next commit; reads return what was written.
    description : str
    per_detector : bool
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
    per_detector: bool = False

    @property
    def signed(self) -> bool:
        return isinstance(self.minimum, int) and self.minimum < 0


class Mode(IntEnum):
    """Values of the register `mode`."""

    EVENTS = 0
    RAW_TAGS = 1
    HISTOGRAM_ONLY = 2


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
        "period_ticks", 0x0B, "ticks", Period(), 1, 2**24 - 1, "ro", False,
        "One period of the source.",
    ),
    Register(
        "enable", 0x10, "", 1, 0, 1, "rw", True,
        "0: clicks of this detector are not seen at all.", True,
    ),
    Register(
        "gate_start_ticks", 0x11, "ticks", 0, 0, Period(1), "rw", True,
        "Phase at which the gate opens.", True,
    ),
    Register(
        "gate_width_ticks", 0x12, "ticks", Period(), 0, Period(), "rw", True,
        "Length of the gate, which may reach past the period; 0 never opens.", True,
    ),
    Register(
        "delay_ticks", 0x13, "ticks", 0, -5000, 5000, "rw", True,
        "Added to the time of every click, before anything else; two's complement.", True,
    ),
)  # fmt: skip

_BY_NAME = {register.name: register for register in REGISTERS}


def register(name: str) -> Register:
    """Return the row of a name; ValueError if there is none."""
    if name not in _BY_NAME:
        raise ValueError(f"there is no register {name!r}; there are {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def address(name: str, detector: int | None = None) -> int:
    """Return the address of a register; per-detector registers need their `detector` (0 to 3)."""
    row = register(name)
    if not row.per_detector:
        if detector is not None:
            raise ValueError(f"register {name!r} is common to all detectors")
        return row.address
    if detector is None or not 0 <= detector < DETECTORS:
        raise ValueError(f"register {name!r} needs a detector from 0 to 3, not {detector}")
    return row.address + DETECTOR_STRIDE * detector


def find(address: int) -> tuple[Register, int | None] | None:
    """Return the register at an address and its detector; None where there is no register."""
    return _BY_ADDRESS.get(address)


def _addresses() -> Iterator[tuple[int, tuple[Register, int | None]]]:
    for row in REGISTERS:
        for detector in range(DETECTORS) if row.per_detector else (None,):
            yield address(row.name, detector), (row, detector)


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
        "gives what was written last. The tick and `period` (the value of `period_ticks`) are in",
        "the IDENTIFICATION frame. A request outside the limits is refused as *out of range*.",
        "",
    ]
    lines += _table([row for row in REGISTERS if not row.per_detector], "")
    lines += [
        "",
        f"For each detector d = 0 to {DETECTORS - 1}:",
        "",
    ]
    lines += _table([row for row in REGISTERS if row.per_detector], f" + 0x{DETECTOR_STRIDE:x}·d")
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

"""What the front end is set to, and the clicks and counts that its blocks exchange."""

from dataclasses import dataclass, field, fields
from typing import NamedTuple

from hexkey.events import DETECTORS
from hexkey.wire import PAIRS
from hexkey.wire.frame import MAX_HISTOGRAM_BINS

TICK_PS = 10
MAX_DELAY_TICKS = 5000


class Click(NamedTuple):
    """A click that has its pulse: phase since that pulse's trigger edge, in ticks."""

    pulse: int
    phase_ticks: int
    detector: int


@dataclass(frozen=True, slots=True)
class FrontEndSettings:
    """The settings that a commit changes together, one value per detector where there are four.

    Attributes
    ----------
    period_ticks : int
        Pulse period; a property of the board, not a register that can be written.
    enable : four bool
        A disabled detector's clicks are not seen at all.
    gate_start_ticks, gate_width_ticks : four int
        The gate is [start, start + width), in ticks after the trigger edge, and may reach past
        the period's end: 0 <= start < period, 0 <= width <= period.
    delay_ticks : four int
        Added to a click's time, -5000 to 5000.
    holdoff_pulses : int
        Pulses after a click's own pulse in which clicks are ignored.
    discard_double : bool
        Drop pulses in which more than one detector clicked instead of reporting their mask.
    histogram_offset_ticks, histogram_bin_ticks, histogram_bins : int
        The histogram starts at the offset and goes round the period from there.
    """

    period_ticks: int = 2500
    enable: tuple[bool, ...] = (True,) * DETECTORS
    gate_start_ticks: tuple[int, ...] = (0,) * DETECTORS
    gate_width_ticks: tuple[int, ...] = (2500,) * DETECTORS
    delay_ticks: tuple[int, ...] = (0,) * DETECTORS
    holdoff_pulses: int = 2
    discard_double: bool = False
    histogram_offset_ticks: int = 0
    histogram_bin_ticks: int = 10
    histogram_bins: int = 250

    def __post_init__(self) -> None:
        per_detector = (self.enable, self.gate_start_ticks, self.gate_width_ticks, self.delay_ticks)
        if any(len(values) != DETECTORS for values in per_detector):
            raise ValueError(f"each per-detector setting must hold {DETECTORS} values")
        if self.period_ticks < 1:
            raise ValueError(f"period_ticks must be positive, not {self.period_ticks}")
        if not all(0 <= start < self.period_ticks for start in self.gate_start_ticks):
            raise ValueError(f"gate starts must be in [0, period), not {self.gate_start_ticks}")
        if not all(0 <= width <= self.period_ticks for width in self.gate_width_ticks):
            raise ValueError(f"gate widths must be in [0, period], not {self.gate_width_ticks}")
        if not all(abs(delay) <= MAX_DELAY_TICKS for delay in self.delay_ticks):
            raise ValueError(f"delay_ticks must be in [-5000, 5000], not {self.delay_ticks}")
        if self.holdoff_pulses < 0:
            raise ValueError(f"holdoff_pulses must be at least 0, not {self.holdoff_pulses}")
        if self.histogram_bin_ticks < 1 or not 0 <= self.histogram_bins <= MAX_HISTOGRAM_BINS:
            raise ValueError("a histogram has bins of at least a tick, and at most 2048 of them")

    @property
    def wrap_end_ticks(self) -> tuple[int, ...]:
        """Where each gate ends in the period after the one in which it opened; 0 if it does not."""
        gates = zip(self.gate_start_ticks, self.gate_width_ticks, strict=True)
        return tuple(max(0, start + width - self.period_ticks) for start, width in gates)


@dataclass(slots=True)
class FrontEndCounters:
    """What the front end counted.

    Every click is in exactly one place: ``sum(clicks) = ignored_holdoff + outside_gate + repeats
    + (detectors in the masks of all pulses, discarded ones too)``, once every pulse is closed.

    Attributes
    ----------
    clicks : list of int
        Clicks of each enabled detector.
    ignored_holdoff, outside_gate, repeats : int
        Clicks dropped, in the order in which these blocks see them.
    double_pulses : int
        Pulses with more than one detector, reported or discarded.
    events : int
        Events that left the resolver.
    pairs : list of int
        Pulses in which both detectors of a pair clicked, in the order of `PAIRS`.
    """

    clicks: list[int] = field(default_factory=lambda: [0] * DETECTORS)
    ignored_holdoff: int = 0
    outside_gate: int = 0
    repeats: int = 0
    double_pulses: int = 0
    events: int = 0
    pairs: list[int] = field(default_factory=lambda: [0] * len(PAIRS))

    def clear(self) -> None:
        """Count from zero again; whoever holds this object goes on counting in it."""
        fresh = FrontEndCounters()
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

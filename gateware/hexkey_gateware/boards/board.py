"""What the build has to know of a board, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hexkey.events import DETECTORS

if TYPE_CHECKING:
    from hexkey_gateware.design import Design

Family = Literal["ecp5", "gowin"]


@dataclass(frozen=True, slots=True)
class Header:
    """A connector of the board, as its platform in amaranth-boards knows it."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Input:
    """A pin that takes a signal from outside.

    Attributes
    ----------
    pin : str
        Name of the position in the header.
    label : str
        What is printed beside it on the board, or where a person finds it.
    """

    pin: str
    label: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """From the board's oscillator to the three clocks.

    Attributes
    ----------
    resource : str
        The oscillator's name in the platform.
    input_hz : int
    fast_hz, sync_hz : int
        Of the tagger and of the link.
    oscillator_hz : int
        Nominal, of the on-chip oscillator, locked to nothing: drives pulser and calibration.
    """

    resource: str
    input_hz: int
    fast_hz: int
    sync_hz: int
    oscillator_hz: int


@dataclass(frozen=True, slots=True)
class Cells:
    """What there is on the chip, and how much of it a build may take.

    Attributes
    ----------
    block_rams : int
        Of 18 kbit, as the maker promises them; the tools may know of more.
    block_ram_budget : int
        The build fails above; what is left is for whoever adds a block.
    lut_share : float
        The build fails above this part of the LUTs.
    places : int
        Of flip-flops, where nextpnr can put a carry cell instead, but not beside one (Gowin).
    """

    block_rams: int
    block_ram_budget: int
    lut_share: float
    places: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """A board: pins, clocks, sizes.

    Attributes
    ----------
    name : str
        On the command line.
    title : str
        For people, and in the identification.
    platform : str
        ``module:class`` of its platform.
    family : {"ecp5", "gowin"}
        Which flow builds it.
    device : tuple of str
        Options for nextpnr: chip, package, speed.
    fewest_reset, fewest_enabled : int
        Resets and enables of fewer flip-flops become gates (ECP5): what places this chip best.
    placer : tuple of str
        Options for nextpnr, too, for the same reason.
    seed : int
        Of the placement, if none is asked for: one that keeps the clocks.
    header : Header
        Takes all the inputs.
    trigger, marker : Input
    detectors : tuple of Input
    input_attributes : tuple of (str, str)
        IO standard and pull-down: an open input is low, and no detector.
    uart : int
        Number of the resource that leads to the USB adapter.
    led : tuple of str
        Resource of the LED that shows a run, and its part if it is not the whole.
    has_rts : bool
        Whether the host's RTS reaches the chip.
    clocks : Clocks
    cells : Cells
    lowering : str
        How its delay lines are made, see `Design`.
    taps, fifo_depth, histogram_bins, statistics, tap_ps
        See `Design`.
    loader : tuple of str
        Options with which openFPGALoader finds it.
    """

    name: str
    title: str
    platform: str
    family: Family
    device: tuple[str, ...]
    header: Header
    trigger: Input
    detectors: tuple[Input, ...]
    marker: Input
    input_attributes: tuple[tuple[str, str], ...]
    clocks: Clocks
    cells: Cells
    lowering: str
    placer: tuple[str, ...]
    loader: tuple[str, ...]
    fewest_reset: int = 4
    fewest_enabled: int = 3
    seed: int = 1
    taps: int = 256
    tap_ps: float = 35.5
    fifo_depth: int = 4096
    histogram_bins: int = 2048
    statistics: bool = True
    uart: int = 0
    led: tuple[str, ...] = ("led",)
    has_rts: bool = False

    def __post_init__(self) -> None:
        pins = [each.pin for each in (self.trigger, self.marker, *self.detectors)]
        if len(set(pins)) != len(pins):
            raise ValueError(f"{self.name}: an input is given twice: {', '.join(pins)}")
        if not 1 <= len(self.detectors) <= DETECTORS:
            raise ValueError(f"{self.name}: 1 to {DETECTORS} detectors, not {len(self.detectors)}")
        if self.cells.block_ram_budget > self.cells.block_rams:
            raise ValueError(f"{self.name}: the budget is more block RAM than there is")

    @property
    def channels(self) -> int:
        """Delay lines: one a detector, and the trigger's."""
        return len(self.detectors) + 1

    def design(self, firmware: str) -> Design:
        """Return the receiver's sizes and clocks on this board."""
        from hexkey_gateware.design import (
            Design,
        )  # imports Amaranth, which a list of boards needs not

        return Design(
            board=self.title,
            firmware=firmware,
            lowering=self.lowering,
            taps=self.taps,
            tap_ps=self.tap_ps,
            fast_hz=self.clocks.fast_hz,
            sync_hz=self.clocks.sync_hz,
            detectors=len(self.detectors),
            fifo_depth=self.fifo_depth,
            histogram_bins=self.histogram_bins,
            statistics=self.statistics,
        )

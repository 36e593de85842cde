"""What a build is, as values."""

from dataclasses import dataclass
from pathlib import Path

from hexkey_gateware.bitstream.checks import CellFigure, ClockFigure


@dataclass(frozen=True, slots=True)
class LineFigure:
    """Where a delay line is: its row, and from which column to which."""

    name: str
    cells: int
    row: int
    first_column: int
    last_column: int


@dataclass(frozen=True, slots=True)
class Build:
    """A bitstream and what was found about it.

    Attributes
    ----------
    board, firmware : str
    seed : int
    folder, bitstream : Path
    clocks : tuple of ClockFigure
    cells : tuple of CellFigure
    lines : tuple of LineFigure
        Empty where the sampler has no delay lines.
    tap_ps : float or None
        Mean delay of a tap in nextpnr's model, for the slow corner.
    seconds : dict of str to float
        What each step took.
    problems : tuple of str
        Why it must not be used; empty if it is good.
    """

    board: str
    firmware: str
    seed: int
    folder: Path
    bitstream: Path
    clocks: tuple[ClockFigure, ...]
    cells: tuple[CellFigure, ...]
    lines: tuple[LineFigure, ...]
    tap_ps: float | None
    seconds: dict[str, float]
    problems: tuple[str, ...]

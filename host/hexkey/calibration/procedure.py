"""What is done with a board to calibrate it, and to give it the tables it was calibrated to."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from serial.tools import list_ports

from hexkey.board import Board
from hexkey.calibration import tables as files
from hexkey.calibration.line import MIN_HITS, Line, calibrate, check_agreement
from hexkey.calibration.tables import BoardTables, table_words
from hexkey.errors import CalibrationError, DeviceError, InputError
from hexkey.wire import CodeDensity, Identification, Kind
from hexkey.wire.channels import CHANNELS, TRIGGER, Source

DENSITY_OFF = CHANNELS
DENSITIES = 2
"""At least: they must agree with each other."""

PATIENCE_S = 5.0
"""A board sends a density each second."""

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What came of calibrating a channel: a line, or why there is none."""

    channel: int
    density: NDArray[np.float64] = field(repr=False)
    line: Line | None
    refused: CalibrationError | None


def name_of(channel: int) -> str:
    """Return what people call a channel."""
    return "trigger" if channel == TRIGGER else f"detector {channel}"


def channels_of(board: Identification) -> tuple[int, ...]:
    """Return the channels that a board has: its detectors, and the trigger."""
    return (*range(board.detectors), TRIGGER)


@contextmanager
def sources_of(board: Board, source: Source) -> Iterator[None]:
    """Feed all delay lines from one source; afterwards from what they were fed before."""
    channels = channels_of(board.identification)
    before = {channel: board.read("source", channel) for channel in channels}
    try:
        for channel in channels:
            board.write("source", source, channel)
        yield
    finally:
        for channel, was in before.items():
            board.write("source", was, channel)


def measure_lines(
    board: Board,
    channels: Iterable[int],
    progress: Progress,
    *,
    min_hits: int = MIN_HITS,
    patience_s: float = PATIENCE_S,
) -> list[Measured]:
    """Feed the lines with the oscillator, take densities, and restore what fed them before.

    Raises
    ------
    DeviceError
        If the board gives no densities.
    """
    found = []
    with sources_of(board, Source.OSCILLATOR):
        try:
            for channel in channels:
                progress({"event": "density", "channel": channel})
                densities = list(_densities(board, channel, min_hits, patience_s))
                found.append(_judge(board, channel, densities, min_hits))
        finally:
            board.write("density_channel", DENSITY_OFF)
    return found


def write_tables(board: Board, tables: BoardTables) -> None:
    """Give a board its tables."""
    for channel, table in sorted(tables.channels.items()):
        board.write_table(table_words(channel, table.current.fine_ticks))


def load_tables(board: Board) -> str | None:
    """Give a board the tables that are kept for its bitstream; return a sentence about it.

    A simulated board without delay lines needs none, and nothing is said of it.

    Raises
    ------
    InputError
        If there is a file, and it cannot be used.
    """
    ident = board.identification
    if not ident.taps:
        return None
    tables = kept_tables(board)
    if tables is None:
        return (
            f"the board {ident.board!r} is not calibrated, its times are as the delay lines were "
            "expected: run `hexkey board calibrate`"
        )
    write_tables(board, tables)
    oldest = min((table.made for table in tables.channels.values()), default="never")
    return f"tables of {len(tables.channels)} delay lines loaded, made {oldest}"


def kept_tables(board: Board) -> BoardTables | None:
    """Return the tables that are kept for a board's bitstream, None if there is no file.

    Raises
    ------
    InputError
        If there is a file, and it cannot be used.
    """
    ident = board.identification
    path = path_for(board)
    if not path.exists():
        return None
    tables = files.load(path, ident)
    if any(_codes(ident) < len(table.fine_ticks) for table in tables.channels.values()):
        raise InputError(f"the calibration {path} has more codes than the board has taps")
    return tables


def path_for(board: Board) -> Path:
    """Return the file of an open board's tables."""
    return files.path_of(board.identification, unit_of(board.name))


def unit_of(port: str) -> str:
    """Return the serial number of a port's USB adapter, empty if it has none."""
    for found in list_ports.comports():
        if found.device == port:
            return found.serial_number or ""
    return ""


def _codes(board: Identification) -> int:
    return board.taps + 1


def _judge(
    board: Board, channel: int, densities: list[NDArray[np.float64]], min_hits: int
) -> Measured:
    clock_ps = 1e12 / board.identification.clock_hz
    total = np.sum(densities, axis=0)
    try:
        line = calibrate(total, clock_ps, min_hits=min_hits)
        check_agreement(densities[-2], densities[-1], clock_ps)
    except CalibrationError as refused:
        return Measured(channel, total, None, refused)
    return Measured(channel, total, line, None)


def _densities(
    board: Board, channel: int, min_hits: int, patience_s: float
) -> Iterator[NDArray[np.float64]]:
    """Yield densities of a channel until there are enough hits; the first is not whole."""
    board.write("density_channel", channel)
    board.frames(0.0)  # densities of before
    hits, seen = 0.0, 0
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        for frame in board.frames(0.1):
            if frame.header.kind is not Kind.CODE_DENSITY:
                continue
            found = CodeDensity.decode(frame.body)
            if found.channel != channel or found.source is not Source.OSCILLATOR:
                continue
            deadline = time.monotonic() + patience_s
            seen += 1
            if seen == 1:
                continue
            counts = found.counts.astype(np.float64)
            hits += counts.sum()
            yield counts
            if seen > DENSITIES and (hits >= min_hits or seen > 2 * DENSITIES):
                return
    raise DeviceError(
        f"the board at {board.name} sends no code densities of its {name_of(channel)}: its "
        "firmware has no tagger, or is of another version than this hexkey"
    )

"""Calibrating a board as one command: measure, judge, keep, load."""

from typing import Any

import numpy as np

from hexkey.board import Board
from hexkey.calibration import tables as files
from hexkey.calibration.procedure import (
    Measured,
    Progress,
    channels_of,
    load_tables,
    measure_lines,
    name_of,
    unit_of,
    write_tables,
)
from hexkey.calibration.tables import BoardTables
from hexkey.errors import ConfigurationError, InputError


def calibrate_board(board: Board, progress: Progress) -> dict[str, Any]:
    """Measure all lines; load and keep the tables of those that were measured well.

    A line that is refused keeps the table that it had.

    Raises
    ------
    ConfigurationError
        If the board has no delay lines.
    DeviceError, StoreError
        The board or the file.
    """
    ident = board.identification
    _require_lines(board)
    lines = measure_lines(board, channels_of(ident), progress)
    path = files.path_of(ident, unit_of(board.name))
    tables = _kept(board)
    for measured in lines:
        if measured.line is not None:
            tables = tables.with_line(measured.channel, measured.density, measured.line, ident)
    write_tables(board, tables)
    good = sum(measured.line is not None for measured in lines)
    if good:
        files.save(tables, path)
    return {
        "complete": good == len(lines),
        "lines": {name_of(each.channel): _facts(each, ident.taps) for each in lines},
        "file": str(path),
        "message": f"{good} of {len(lines)} lines; tables loaded, and kept in {path}",
    }


def load_kept(board: Board) -> dict[str, Any]:
    """Load the tables that are kept for the board's bitstream.

    Raises
    ------
    ConfigurationError
        If the board has no delay lines.
    InputError
        If there is no file for it, or one that cannot be used.
    """
    _require_lines(board)
    path = files.path_of(board.identification, unit_of(board.name))
    if not path.exists():
        raise InputError(
            f"there are no tables for this board and bitstream ({path}): calibrate it first"
        )
    message = load_tables(board)
    return {"complete": True, "lines": {}, "file": str(path), "message": str(message)}


def _require_lines(board: Board) -> None:
    if not board.identification.taps:
        raise ConfigurationError(
            f"the board {board.identification.board!r} has no delay lines to calibrate"
        )


def _kept(board: Board) -> BoardTables:
    """Return the tables that are kept already, none if they cannot be used."""
    ident, unit = board.identification, unit_of(board.name)
    try:
        return files.load(files.path_of(ident, unit), ident)
    except InputError:
        return BoardTables.none_of(ident, unit)


def _facts(measured: Measured, taps: int) -> dict[str, Any]:
    line = measured.line
    if line is None:
        return {"refused": str(measured.refused), "hits": float(measured.density.sum())}
    return {
        "hits": line.hits,
        "length_ps": line.length_ps(taps),
        "tap_ps": line.tap_ps,
        "widest_ps": float(line.widths_ps.max()),
        "dnl": float(np.abs(line.dnl).max()),
        "inl_ps": float(np.abs(line.inl_ps).max()),
        "quantisation_ps": line.quantisation_ps,
    }

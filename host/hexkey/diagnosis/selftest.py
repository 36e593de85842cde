"""A board proves itself on a desk: registers, delay lines, and the pulser through the whole path.

Counts are compared with what the pulser plays at six standard deviations: a sound board fails one
such check in half a billion.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hexkey.board import Board
from hexkey.calibration.procedure import Measured, channels_of, measure_lines, name_of, write_tables
from hexkey.calibration.tables import BoardTables
from hexkey.diagnosis.path import PathTest
from hexkey.diagnosis.pulser import playing
from hexkey.diagnosis.registers import full_name
from hexkey.errors import ConfigurationError, DeviceError
from hexkey.wire.registers import REGISTERS, Register, bound, in_range

Progress = Callable[[dict[str, Any]], None]

UNTOUCHED = ("control", "run", "source")
SOME_VALUE = 0x155

QUANTISATION_PS = 15.0
"""RMS error that bins may leave; a sampler on the clock's edges is coarser, and says so."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table.

    Attributes
    ----------
    passed : bool or None
        None: nothing to be judged, a figure only.
    """

    name: str
    passed: bool | None
    detail: str


def self_test(board: Board, seconds: float, progress: Progress) -> list[Check]:
    """Test a board and return what came of it; registers are as before at the end.

    Its delay lines keep the tables that were made on the way.

    Parameters
    ----------
    board : Board
    seconds : float
        Length of each run with the pulser.
    progress : callable

    Raises
    ------
    DeviceError
        If the board stops answering.
    """
    found: list[Check] = []

    def say(check: Check) -> None:
        found.append(check)
        progress({"event": "check", "name": check.name, "passed": check.passed})

    before = _snapshot(board)
    try:
        for check in _checks(board, seconds, progress):
            say(check)
    finally:
        _restore(board, before)
    return found


def _checks(board: Board, seconds: float, progress: Progress) -> Iterator[Check]:
    yield _identified(board)
    yield _registers(board)
    try:
        lines = measure_lines(board, channels_of(board.identification), progress)
    except DeviceError as error:
        yield Check("delay lines", False, str(error))
        return
    for measured in lines:
        yield _line(board, measured)
    _use(board, lines)
    with playing(board) as pulser:
        try:
            test = PathTest(pulser, seconds)
            for name, passed, detail in test.results():
                yield Check(name, passed, detail)
        except (DeviceError, ConfigurationError) as error:
            yield Check("pulser through the path", False, str(error))


def _identified(board: Board) -> Check:
    ident = board.identification
    detail = (
        f"{ident.board}, firmware {ident.firmware}, {ident.detectors} detectors, "
        f"{ident.clock_hz / 1e6:g} MHz, {ident.taps} taps"
    )
    return Check("identification", ident.taps > 0, detail)


def _registers(board: Board) -> Check:
    """Write and read back each register twice; values out of range must be refused."""
    wrong, tried = [], 0
    for row in REGISTERS:
        if row.access != "rw" or row.name in UNTOUCHED:
            continue
        for channel in _channels(board, row):
            tried += 1
            name = full_name(row.name, channel)
            try:
                if not _holds(board, row, channel):
                    wrong.append(name)
            except DeviceError as error:
                return Check("registers", False, f"{name}: {error}")
    if wrong:
        return Check("registers", False, f"wrong: {', '.join(wrong)}")
    return Check("registers", True, f"{tried} written and read back, wrong values refused")


def _holds(board: Board, row: Register, channel: int | None) -> bool:
    was = board.read(row.name, channel)
    period = board.read("period_ticks")
    low, high = bound(row.minimum, period), bound(row.maximum, period)
    try:
        for value in (low, min(max(SOME_VALUE, low), high), was):
            board.write(row.name, value, channel)
            if board.read(row.name, channel) != value:
                return False
    except ConfigurationError:
        return False
    beyond = high + 1
    if beyond >= 1 << 32 or in_range(row, beyond, period):
        return True
    try:
        board.write(row.name, beyond, channel)
    except ConfigurationError:
        return board.read(row.name, channel) == was
    return False


def _line(board: Board, measured: Measured) -> Check:
    name = f"delay line of {name_of(measured.channel)}"
    line = measured.line
    if line is None:
        return Check(name, False, str(measured.refused))
    detail = (
        f"{line.length_ps(board.identification.taps) / 1000:.2f} ns, {line.tap_ps:.1f} ps a tap, "
        f"widest bin {line.widths_ps.max():.0f} ps, bins leave {line.quantisation_ps:.1f} ps rms"
    )
    fine = line.quantisation_ps <= QUANTISATION_PS or line.taps_per_clock < 8
    return Check(name, fine, detail)


def _use(board: Board, lines: list[Measured]) -> None:
    """Let the runs that follow have the tables that were just made."""
    ident = board.identification
    tables = BoardTables.none_of(ident, "")
    for measured in lines:
        if measured.line is not None:
            tables = tables.with_line(measured.channel, measured.density, measured.line, ident)
    write_tables(board, tables)


def _channels(board: Board, row: Register) -> list[int | None]:
    there = (None, *channels_of(board.identification))
    return [channel for channel in row.instances if channel in there]


def _snapshot(board: Board) -> list[tuple[str, int | None, int]]:
    return [
        (row.name, channel, board.read(row.name, channel))
        for row in sorted(REGISTERS, key=lambda row: row.name != "period_ticks")
        if row.access == "rw" and row.name not in ("control", "run")
        for channel in _channels(board, row)
    ]


def _restore(board: Board, before: list[tuple[str, int | None, int]]) -> None:
    for name, channel, value in before:
        board.write(name, value, channel)
    board.commit()

"""Builds one bitstream and looks at it."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from amaranth.hdl import Elaboratable

from hexkey_gateware.bitstream import checks, lines
from hexkey_gateware.bitstream.figures import Build, LineFigure
from hexkey_gateware.bitstream.flows import FLOWS, NETLIST, PLACED, TIMING, Step
from hexkey_gateware.bitstream.netlist import Netlist, read_netlist
from hexkey_gateware.bitstream.platforms import BoardTop, ReceiverPorts, make_platform
from hexkey_gateware.bitstream.report import write_critical_paths, write_summary
from hexkey_gateware.boards import Board

Progress = Callable[[str, float | None], None]
"""Told of a step as it begins (None) and as it has ended (seconds)."""


def build_bitstream(
    board: Board,
    receiver: ReceiverPorts,
    firmware: str,
    folder: Path,
    *,
    seed: int = 1,
    progress: Progress = lambda title, seconds: None,
) -> Build:
    """Build a receiver for a board and check what came out.

    Parameters
    ----------
    board : Board
    receiver : ReceiverPorts
        A component with the ports of `top.Receiver`.
    firmware : str
        What the receiver says of itself; goes into the report.
    folder : Path
        Takes all files of the build, see `flows`.
    seed : int
        Of the placement.
    progress : callable
        Told of each step.

    Raises
    ------
    HexkeyError
        A tool failed. Problems that the checks find are in the result.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flow = FLOWS[board.family]
    seconds: dict[str, float] = {}
    elaborate = Step("elaboration", lambda: _elaborate(board, receiver, folder, flow.constraints))
    for step in (elaborate, *flow.steps(board, folder, seed)):
        progress(step.title, None)
        seconds[step.title] = step.run()
        progress(step.title, seconds[step.title])
    found = inspect(board, folder, firmware, seed, seconds)
    write_summary(found)
    return found


def _elaborate(board: Board, receiver: ReceiverPorts, folder: Path, constraints: str) -> float:
    started = time.monotonic()
    top: Elaboratable = BoardTop(board, receiver)
    # No positions in the source: the same design gives the same file on every machine.
    plan = make_platform(board).prepare(top, "top", emit_src=False)
    for name in ("top.il", constraints):
        content = plan.files[name]
        (folder / name).write_text(content if isinstance(content, str) else content.decode())
    return time.monotonic() - started


def inspect(
    board: Board, folder: Path, firmware: str, seed: int, seconds: dict[str, float]
) -> Build:
    """Read a build's files again and say what is in them and what is wrong with them."""
    flow = FLOWS[board.family]
    netlist, placed = read_netlist(folder / NETLIST), read_netlist(folder / PLACED)
    report = json.loads((folder / TIMING).read_text())
    write_critical_paths(report, folder)
    clocks, cells = checks.clock_figures(report), checks.cell_figures(report, board)
    found = lines.find_lines(netlist)
    problems = [
        *checks.check_clocks(clocks, target_mhz(board)),
        *checks.check_cells(cells, board),
        *checks.check_pins((folder / flow.constraints).read_text(), netlist),
        *checks.check_placed_pins(placed, board.family),
    ]
    if board.lowering == "ecp5":
        problems += [
            *lines.check_lines(found, board.channels, board.taps),
            *lines.check_carries(netlist, found),
            *lines.check_order(placed, found),
            *lines.check_taps(placed, found, board.taps),
        ]
    return Build(
        board.name,
        firmware,
        seed,
        folder,
        folder / flow.bitstream,
        tuple(clocks),
        tuple(cells),
        tuple(_line_figure(placed, line) for line in found),
        checks.tap_delay_ps(report),
        seconds,
        tuple(problems),
    )


def target_mhz(board: Board) -> dict[str, float]:
    """Return what each clock has to reach."""
    clocks = board.clocks
    named = {"fast": clocks.fast_hz, "sync": clocks.sync_hz, "osc": clocks.oscillator_hz}
    return {name: hz / 1e6 for name, hz in named.items()}


def _line_figure(placed: Netlist, line: lines.Line) -> LineFigure:
    where = lines.placement(placed, line)
    if where is None:
        return LineFigure(line.name, len(line.cells), -1, -1, -1)
    first, last = where
    return LineFigure(line.name, len(line.cells), first.row, first.column, last.column)

"""``hexkey board``: what one asks of a real board at the bench."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hexkey.cli import app
from hexkey.cli.board_tables import show_checks, show_g2, show_lines, show_registers, show_state
from hexkey.cli.display import Display
from hexkey.cli.interrupt import stop_on_signal
from hexkey.cli.options import JsonOption
from hexkey.errors import HexkeyError

board_app = typer.Typer(
    no_args_is_help=True, help="A receiver board: its state, registers, calibration, self-test."
)
app.add_typer(board_app, name="board")

PortArgument = Annotated[
    str, typer.Argument(help="The board: a serial port such as /dev/ttyUSB0, or tcp://HOST:PORT.")
]
BaudOption = Annotated[
    int | None, typer.Option(help="Rate of a serial port; 3000000 if not given.")
]


@board_app.command()
def status(
    port: PortArgument,
    seconds: Annotated[float, typer.Option(min=0.2, help="How long to watch it.")] = 1.0,
    baud: BaudOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a board is and sees; exit code 1 if something is wrong with it.

    Example: hexkey board status /dev/ttyUSB0
    """
    from hexkey.diagnosis.state import state_of
    from hexkey.party.setup import open_board

    with _display(as_json) as display, open_board(port, display, baud=baud) as board:
        facts = state_of(board, seconds)
    _print(facts) if as_json else show_state(facts)
    if facts["problems"]:
        raise typer.Exit(1)


@board_app.command()
def registers(
    port: PortArgument,
    assignments: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=VALUE or NAME.CHANNEL=VALUE: write these instead."),
    ] = None,
    baud: BaudOption = None,
    as_json: JsonOption = False,
) -> None:
    """List all registers, or write some; what has to be committed takes effect at once.

    Example: hexkey board registers /dev/ttyUSB0 delay_ticks.1=-120 edge.trigger=1
    """
    from hexkey.board import Board
    from hexkey.diagnosis.registers import read_all, write_all

    with Board.open(port, baud=baud) as board:
        held = write_all(board, assignments) if assignments else read_all(board)
    if as_json:
        _print({each.name: each.value for each in held})
    else:
        show_registers(held)


@board_app.command()
def calibrate(
    port: PortArgument,
    load: Annotated[
        bool, typer.Option("--load", help="Only load the tables that are kept.")
    ] = False,
    baud: BaudOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the delay lines, load their tables and keep them for this board and bitstream.

    Inputs are switched to the board's own oscillator meanwhile; nothing has to be connected.

    Example: hexkey board calibrate /dev/ttyUSB0
    """
    from hexkey.board import Board
    from hexkey.diagnosis.calibrating import calibrate_board, load_kept

    with _display(as_json) as display, Board.open(port, baud=baud) as board:
        facts = load_kept(board) if load else calibrate_board(board, display)
    _print(facts) if as_json else show_lines(facts)
    if not facts["complete"]:
        raise typer.Exit(1)


@board_app.command()
def selftest(
    port: PortArgument,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of each run.")] = 1.0,
    baud: BaudOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a board prove itself without optics; exit code 1 if a check fails.

    A pulser on the chip plays trigger and detectors through the real path. Nothing has to be
    connected; all registers are as before at the end.

    Example: hexkey board selftest /dev/ttyUSB0
    """
    from hexkey.board import Board
    from hexkey.diagnosis.selftest import self_test

    with _display(as_json) as display, Board.open(port, baud=baud) as board:
        checks = self_test(board, seconds, display)
    failed = [check.name for check in checks if check.passed is False]
    if as_json:
        rows = [{"name": c.name, "passed": c.passed, "detail": c.detail} for c in checks]
        _print({"passed": not failed, "checks": rows})
    else:
        show_checks(checks)
    if failed:
        raise typer.Exit(1)


@board_app.command()
def g2(
    port: PortArgument,
    seconds: Annotated[float, typer.Option(min=1, help="How long to count.")] = 10.0,
    baud: BaudOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count coincidences of two detectors by their distance in pulses (an HBT measurement).

    The pair is the register `g2_pair`. A diagnostic of one's own source: no bound is taken of it.
    """
    from hexkey.diagnosis.coincidences import count_coincidences
    from hexkey.party.setup import open_board

    with (
        stop_on_signal() as stop,
        _display(as_json) as display,
        open_board(port, display, baud=baud) as board,
    ):
        facts = count_coincidences(board, seconds, display, stop)
    _print(facts) if as_json else show_g2(facts)


@board_app.command()
def tags(
    port: PortArgument,
    out: Annotated[Path, typer.Argument(help="New .npz file to write (secret material).")],
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to record.")] = 10.0,
    trigger: Annotated[
        bool, typer.Option(help="Record the trigger, too; it must be slow enough for the link.")
    ] = True,
    baud: BaudOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record raw tags: arrays `time_ticks` and `channel`, see docs/recording.md.

    Example: hexkey board tags /dev/ttyUSB0 tags.npz --no-trigger
    """
    from hexkey.diagnosis.tags import record_tags
    from hexkey.party.setup import open_board

    with (
        stop_on_signal() as stop,
        _display(as_json) as display,
        open_board(port, display, baud=baud) as board,
    ):
        facts = record_tags(board, out, seconds, trigger=trigger, progress=display, stop=stop)
    if as_json:
        _print(facts)
    else:
        typer.echo(f"{out}: {facts['tags']:,} tags; {facts['lost']:,} lost.")
    if not facts["tags"]:
        raise HexkeyError("no tag came: check the inputs with `hexkey board status`")


def _display(as_json: bool) -> Display:
    return Display("board", quiet=as_json)


def _print(facts: dict[str, Any]) -> None:
    typer.echo(json.dumps(facts, indent=2))

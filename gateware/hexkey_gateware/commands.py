"""``hexkey bitstream``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hexkey.cli.options import JsonOption
from hexkey_gateware.boards import BOARDS

NAMES = ", ".join(board.name for board in BOARDS)


def register(app: typer.Typer) -> None:
    """Add the gateware's command to the application (the entry point)."""
    app.command()(bitstream)


def bitstream(
    board_name: Annotated[str, typer.Argument(metavar="BOARD", help=f"One of {NAMES}.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for all that it makes; hexkey-bitstream/BOARD if not given."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=1, help="Seed of the placement; the board's own if not given."),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Build with so many seeds, from that one on.")
    ] = 1,
    load: Annotated[
        bool, typer.Option("--load", help="Then load the board that is connected by USB.")
    ] = False,
    verilog: Annotated[
        bool, typer.Option("--verilog", help="Only write the receiver as Verilog, for other tools.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Build the gateware of a board, and look at what came out.

    Synthesis, placement, routing and packing by Yosys and nextpnr, minutes a seed. A bitstream with
    a broken delay line, a clock below its target or too many cells ends in exit code 1 and says
    what is wrong. Each seed's files are in a folder of their own: bitstream, logs, timing,
    utilisation, summary.json.
    """
    from hexkey_gateware.boards import find_board

    board = find_board(board_name)
    folder = out or Path("hexkey-bitstream") / board.name
    _require_tools()
    if verilog:
        _write_verilog(board.name, folder, as_json)
        return
    from hexkey_gateware.bitstream.display import Display
    from hexkey_gateware.bitstream.load import load_bitstream, require_loader
    from hexkey_gateware.bitstream.receiver import build_receiver
    from hexkey_gateware.bitstream.report import summary

    if load:
        require_loader()
    with Display(board, quiet=as_json) as display:
        builds = []
        first = seed or board.seed
        for each in range(first, first + seeds):
            display.begin(each)
            builds.append(build_receiver(board, folder / f"seed-{each}", each, display.progress))
            display.end(builds[-1])
    if as_json:
        typer.echo(json.dumps([summary(build) for build in builds], indent=2))
    if any(build.problems for build in builds):
        raise typer.Exit(1)
    if load:
        load_bitstream(board, builds[0].bitstream)


def _require_tools() -> None:
    """Raise ConfigurationError, not ImportError, without the packages that describe hardware."""
    from importlib.util import find_spec

    from hexkey.errors import ConfigurationError

    if find_spec("amaranth") is None or find_spec("amaranth_boards") is None:
        raise ConfigurationError("its tools are missing: pip install 'hexkey[bitstream]'")


def _write_verilog(name: str, folder: Path, as_json: bool) -> None:
    from hexkey_gateware.bitstream.receiver import write_verilog
    from hexkey_gateware.boards import find_board

    files = write_verilog(find_board(name), folder / "verilog")
    if as_json:
        typer.echo(json.dumps([str(path) for path in files], indent=2))
        return
    for path in files:
        typer.echo(path)

"""``hexkey map``: which gate a recording would have liked best."""

import json
import math
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hexkey.cli import app
from hexkey.cli.options import JsonOption

CAUTION = (
    "Choose the gate of later blocks by this. A gate chosen by the clicks that make the key is a "
    "selection: fix it beforehand, from data disclosed for that, or pay for it with the union "
    "bound of the last column."
)
UNPROVEN = "Secret rates by the paper's equations, which are no security proof of B92."


@app.command("map")
def map_gates(
    recording: Annotated[
        Path, typer.Argument(help="A recording, best of the whole period (see below).")
    ],
    alice_record: Annotated[Path, typer.Option("--record", help="Alice's record of the same run.")],
    start_ns: Annotated[
        str, typer.Option(help="Starts t0 of the gates, ns: FIRST:LAST:STEP, or one number.")
    ] = "0:4:0.1",
    width_ns: Annotated[
        str, typer.Option(help="Widths Δt of the gates, ns: FIRST:LAST:STEP, or one number.")
    ] = "3:12:0.1",
    block_seconds: Annotated[
        float, typer.Option(help="Seconds of the link in a block of the secret rate.")
    ] = 1.0,
    best: Annotated[int, typer.Option(min=1, help="How many of the best gates to list.")] = 5,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the maps into this file (.png, .pdf or .svg).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Sifted rate, QBER and secret rate of every gate, from a recording and Alice's record.

    Counts are exact: those of `hexkey distill`, had the gate been that one. A recording knows only
    what passed the board's own gate, so record the whole period for this:

    hexkey capture PORT run.recording --gate-start-ns 0 --gate-width-ns 25

    Example: hexkey map run.recording --record alice.record --plot map.png
    """
    from hexkey.maps.grid import parse_grid, windows_in_ticks
    from hexkey.maps.picture import draw_map, require_picture
    from hexkey.maps.rates import rate_map
    from hexkey.maps.recorded import count_recording, facts

    if plot is not None:
        require_picture(plot)
    starts = parse_grid(start_ns, "--start-ns")
    widths = parse_grid(width_ns, "--width-ns")
    with Console(stderr=True, highlight=False).status(f"mapping {recording}"):
        found = count_recording(recording, alice_record, partial(windows_in_ticks, starts, widths))
        rates = rate_map(found.counts, found.seconds, found.tick_ps, block_s=block_seconds)
        gates = [rates.gate_facts(place) for place in rates.best(best)]
        if plot is not None:
            title = f"{recording.name}: {found.seconds:.1f} s of the link"
            draw_map(rates, found.clicks, plot, title)
    if as_json:
        report: dict[str, Any] = {
            **facts(found),
            "block_seconds": block_seconds,
            "start_ns": rates.start_ns.tolist(),
            "width_ns": rates.width_ns.tolist(),
            "sifted_hz": rates.sifted_hz.tolist(),
            "qber": [[None if math.isnan(q) else q for q in row] for row in rates.qber.tolist()],
            "secret_hz_unproven": rates.secret_hz_unproven.tolist(),
            "union_secret_hz_unproven": rates.union_secret_hz_unproven.tolist(),
            "shift": found.shift.tolist(),
            "best": gates,
            "best_at_the_edge": rates.at_the_edge(rates.best(1)[0]),
            "caution": CAUTION,
        }
        typer.echo(json.dumps(report))
        return
    out = Console(highlight=False)
    out.soft_wrap = not out.is_terminal  # on one, lines are broken between words
    out.print(
        f"{rates.qber.size:,} gates, {int(found.clicks.sum()):,} events in {found.seconds:.1f} s "
        f"of the link; blocks of {block_seconds:g} s"
    )
    out.print(_table(gates))
    if rates.at_the_edge(rates.best(1)[0]):
        out.print("The best gate is at the edge of the grid: beyond it there may be a better one.")
    for sentence in (UNPROVEN, CAUTION):
        out.print(sentence)
    if found.short_epochs:
        out.print(f"{found.short_epochs} epoch(s) were too short to be found in Alice's record.")
    if found.unknown_pulses:
        out.print(f"{found.unknown_pulses:,} events lie outside Alice's record and were left out.")
    for damage in found.damage:
        typer.echo(f"hexkey: {recording}: {damage}.", err=True)
    if plot is not None:
        typer.echo(plot)


def _table(gates: list[dict[str, Any]]) -> Table:
    table = Table(title="best gates", title_justify="left")
    for name in ("t0, ns", "Δt, ns", "sifted, bit/s", "QBER", "secret, bit/s", "with union bound"):
        table.add_column(name, justify="right")
    for gate in gates:
        table.add_row(
            f"{gate['start_ns']:g}",
            f"{gate['width_ns']:g}",
            f"{gate['sifted_hz']:,.0f}",
            "-" if gate["qber"] is None else f"{gate['qber']:.2%}",
            f"{gate['secret_hz_unproven']:,.0f}",
            f"{gate['union_secret_hz_unproven']:,.0f}",
        )
    return table

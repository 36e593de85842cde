"""``hexkey bench``: how fast each stage is, beside plain baselines of the same run."""

import importlib
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hexkey.bench import STAGES, Measures
from hexkey.bench.results import figure_text, flat, ratios, stage_name, write
from hexkey.cli import app
from hexkey.cli.options import JsonOption
from hexkey.errors import ConfigurationError

NAMES = {stage_name(module): module for module in STAGES}


@app.command()
def bench(
    stages: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STAGE]...", help=f"Of {', '.join(NAMES)}; all if none is given."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for bench.json and ratios.png, a picture of all the ratios."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast each stage of the chain is on this machine.

    Absolute figures are of the machine and of what else it does; a ratio is to a plain baseline
    that is measured in the same run. It takes some minutes.

    Example: hexkey bench sift cascade --out bench
    """
    chosen = stages or list(NAMES)
    unknown = [name for name in chosen if name not in NAMES]
    if unknown:
        raise ConfigurationError(f"no stage is called {unknown[0]!r}: use {', '.join(NAMES)}")
    if out is not None:
        from hexkey import plot

        plot.require()
    results = measure(chosen, Console(stderr=True))
    files = write(results, out) if out is not None else []
    if as_json:
        typer.echo(json.dumps(results, indent=2))
        return
    Console().print(table(results))
    for path in files:
        typer.echo(path)


def measure(names: list[str], progress: Console) -> dict[str, Measures]:
    """Run stages one after the other, and say which is at work."""
    results: dict[str, Measures] = {}
    for number, name in enumerate(names, 1):
        with progress.status(f"measuring {name}, {number} of {len(names)}"):
            results[name] = importlib.import_module(NAMES[name]).run()
    return results


def table(results: dict[str, Measures]) -> Table:
    """Return all figures, ratios in bold."""
    shown = Table("stage", "measure")
    shown.add_column("value", justify="right")
    for stage, measures in results.items():
        bold = {name for name, _ in ratios(measures)}
        for name, value in flat(measures):
            text = figure_text(value)
            shown.add_row(stage, name, f"[bold]{text}[/bold]" if name in bold else text)
        shown.add_section()
    return shown

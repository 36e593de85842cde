"""``hexkey inspect``: what a time tagger's file is, whether to believe it, and what it measures."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hexkey.cli import app
from hexkey.cli.display import NAME_WIDTH, print_rows
from hexkey.cli.interrupt import stop_on_signal
from hexkey.cli.options import JsonOption
from hexkey.errors import ConfigurationError

if TYPE_CHECKING:
    from hexkey.measure.arrivals import Arrivals
    from hexkey.tags.finding import Examination
    from hexkey.tags.stream import TagFile

SCHEMA = 1
Rows = list[tuple[str, str]]


@app.command()
def inspect(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recordings: PicoQuant .ptu, .pt2, .pt3, .ht2, .ht3, qutools binary, S-Fifteen "
            "a1, CSV, or hexkey's own. What they are is told by what they hold."
        ),
    ],
    export_to: Annotated[
        Path | None,
        typer.Option("--export", help="Write the detections into this .parquet or .csv file."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw decay, g² and rates into this file (.png, .pdf or .svg)."),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Wait for a file that still grows; Ctrl-C ends it."),
    ] = False,
    idle_s: Annotated[
        float | None,
        typer.Option(min=0.1, help="With --follow: end when nothing was written for so long, s."),
    ] = None,
    trigger_channel: Annotated[
        int | None,
        typer.Option(min=0, max=255, help="Channel of the trigger's edges, if the file is silent."),
    ] = None,
    tick_ps: Annotated[
        str | None,
        typer.Option(help="Unit of the times, ps, if the file is silent (quTAU: its time base)."),
    ] = None,
    time_unit: Annotated[
        str | None, typer.Option(help="CSV: unit of the times: ps, ns, us, ms or s.")
    ] = None,
    time_column: Annotated[
        str | None, typer.Option(help="CSV: column of the times, its name or number from 0.")
    ] = None,
    channel_column: Annotated[
        str | None, typer.Option(help="CSV: column of the channels, its name or number from 0.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="What the detectors are behind: hbt (a beam splitter, so that g² holds), b92 or "
            "bb84, whose pairs measure errors of polarisation, so that g² is refused."
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            help="Light of each pulse of a repeated pattern, to any scale, such as 1,0.3,0, or a "
            "file of such numbers: g² is normalised for it."
        ),
    ] = None,
    irf: Annotated[
        Path | None,
        typer.Option(
            help="Recording of light without a lifetime, such as the laser's, with the same "
            "detectors and pulse rate: lifetimes are fitted behind the response that it shows."
        ),
    ] = None,
    examine_only: Annotated[
        bool, typer.Option("--examine-only", help="Measure nothing: header and examination alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what recordings of a time tagger hold: header, examination, measurements.

    A recording is examined before it is believed: what contradicts itself is named, and a
    measurement that it would falsify is refused. docs/tagger-files.md lists what is looked for.

    Example: hexkey inspect run.ptu --plot run.png --export run.parquet
    """
    from hexkey.measure.report import PROTOCOLS
    from hexkey.tags.export import check_export

    if len(files) > 1 and (follow or export_to or plot):
        raise ConfigurationError("--follow, --export and --plot take one file at a time")
    if idle_s is not None and not follow:
        raise ConfigurationError("--idle-s goes with --follow: else nothing is waited for")
    if protocol not in (None, *PROTOCOLS):
        raise ConfigurationError(f"--protocol {protocol!r} must be b92, bb84 or hbt")
    if irf is not None and examine_only:
        raise ConfigurationError("--irf is for lifetimes: leave --examine-only out")
    if plot is not None:
        if examine_only:
            raise ConfigurationError("--plot draws measurements: leave --examine-only out")
        from hexkey.maps.picture import require_picture

        require_picture(plot)
    if export_to is not None:
        check_export(export_to)
    hints = {
        "tick_ps": _tick(tick_ps),
        "time_unit": time_unit,
        "time_column": time_column,
        "channel_column": channel_column,
        "trigger_channel": trigger_channel,
    }
    sent = None if pattern is None else _pattern(pattern)
    with _progress() as progress:
        response = None if irf is None else _response(irf, hints)
        found = [
            _inspect(path, hints, follow, idle_s, examine_only, protocol, sent, response, progress)
            for path in files
        ]
        file, _, measured = found[0]
        if export_to is not None:
            from hexkey.tags.export import export

            export(file, export_to, progress(f"exporting {file.path.name}"))
        if plot is not None:
            from hexkey.measure.picture import draw

            draw(measured, plot)
    if as_json:
        typer.echo(json.dumps({"schema": SCHEMA, "files": [_json(*one) for one in found]}))
        return
    _print([(str(one[0].path), _rows(*one)) for one in found])
    for path in (export_to, plot):
        if path is not None:
            typer.echo(path)


def _inspect(
    path: Path,
    hints: dict[str, Any],
    follow: bool,
    idle_s: float | None,
    examine_only: bool,
    protocol: str | None,
    pattern: NDArray[np.float64] | None,
    response: "Arrivals | None",
    progress: Callable[[str], Callable[[int], None]],
) -> "tuple[TagFile, Examination, Any]":
    """Return a file, its examination and its measurements, or None in place of these.

    It is gone through once: what the examination forbids is refused at the end.
    """
    from hexkey.tags import Waiting, open_tags
    from hexkey.tags.examine import examine

    with ExitStack() as stack:
        waiting = None
        if follow:
            stop = stack.enter_context(stop_on_signal("what is there by now"))
            waiting = Waiting(stop, idle_s)
        file = open_tags(path, **hints, waiting=waiting)
        watch = progress(f"{'following' if follow else 'reading'} {path.name}")
        if examine_only:
            return file, examine(file, follow=follow, progress=watch), None
        from hexkey.measure.report import Measuring

        measuring = Measuring(file, pattern=pattern, response=response)
        examination = examine(file, follow=follow, progress=watch, also=measuring.push)
    if not examination.detections:
        return file, examination, None
    return file, examination, measuring.finish(examination.refuses, protocol=protocol)


def _response(path: Path, hints: dict[str, Any]) -> "Arrivals":
    from hexkey.measure.report import measured_response
    from hexkey.tags import open_tags

    return measured_response(open_tags(path, **hints))


def _pattern(text: str) -> NDArray[np.float64]:
    """Return the pattern that an option gives, itself or by the name of a file."""
    path, numbers = Path(text), text
    try:
        if path.is_file():
            numbers = path.read_text()
        found = np.array([float(part) for part in re.split(r"[\s,;]+", numbers.strip())])
    except (OSError, ValueError):
        found = np.zeros(0)
    if not np.all(np.isfinite(found)) or np.any(found < 0) or not found.any():
        raise ConfigurationError(
            f"--pattern {text!r} must be the light of each pulse, such as 1,0.3,0, or a file of "
            "such numbers: none below zero, and not all of them zero"
        )
    return found


def _tick(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        tick = Fraction(text)
    except (ValueError, ZeroDivisionError):
        tick = Fraction(0)
    if tick <= 0:
        raise ConfigurationError(f"--tick-ps {text!r} must be a number above 0, or a fraction a/b")
    return tick


@contextmanager
def _progress() -> Iterator[Callable[[str], Callable[[int], None]]]:
    """Give what shows how far a named work is, on a terminal."""
    with Console(stderr=True, highlight=False).status("opening") as status:
        yield lambda what: lambda count: status.update(f"{what}: {count:,} detections")


def _header(file: "TagFile") -> Rows:
    rows = [("format", file.format)]
    mode = "since the sync of their pulse" if file.pulsed else "since the tagger's zero"
    rows.append(("times", f"in ticks of {float(file.tick_ps):g} ps, {mode}"))
    if file.sync_period_ps:
        rate_hz = 1e12 / file.sync_period_ps
        rows.append(("sync", f"{file.sync_period_ps:,.3f} ps ({rate_hz:,.0f} Hz), as stated"))
    if file.trigger_channel is not None:
        rows.append(("trigger", f"channel {file.trigger_channel}"))
    if file.seconds_stated:
        rows.append(("time stated", f"{file.seconds_stated:g} s"))
    return rows + [(name, _shown(value)) for name, value in file.stated.items() if value != ""]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)


def _rows(file: "TagFile", examination: "Examination", measured: Any) -> Rows:
    rows = _header(file) + examination.rows()
    return rows if measured is None else rows + measured.rows()


def _json(file: "TagFile", examination: "Examination", measured: Any) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "format": file.format,
        "tick_ps": float(file.tick_ps),
        "pulsed": file.pulsed,
        "sync_period_ps": file.sync_period_ps,
        "trigger_channel": file.trigger_channel,
        "seconds_stated": file.seconds_stated,
        "records_stated": file.records_stated,
        "header": {name: _plain(value) for name, value in file.stated.items()},
        "examination": examination.to_json(),
        "measurements": None if measured is None else measured.to_json(),
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | list | dict | None) else str(value)


def _print(found: list[tuple[str, Rows]]) -> None:
    """Print one file in two columns; several side by side on a terminal, else one by one."""
    console = Console(highlight=False)
    if len(found) > 1 and console.is_terminal:
        console.print(_side_by_side(found))
        return
    for name, rows in found:
        typer.echo(name)
        print_rows(rows, width=max(NAME_WIDTH, 2 + max(len(name) for name, _ in rows)))


def _side_by_side(found: list[tuple[str, Rows]]) -> Table:
    table = Table("")
    names: dict[str, None] = {}
    columns: list[dict[str, str]] = []
    for path, rows in found:
        table.add_column(Text(path), overflow="fold")
        column: dict[str, str] = {}
        for name, value in rows:
            names.setdefault(name)
            column[name] = f"{column[name]}\n{value}" if name in column else value
        columns.append(column)
    for name in names:
        table.add_row(Text(name, style="dim"), *(Text(column.get(name, "")) for column in columns))
    return table

"""The curves of ``hexkey plan``: from the options to a table, a file or a picture."""

import csv
import json
import math
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from hexkey.cli.units import quantity
from hexkey.errors import ConfigurationError, StoreError
from hexkey.keyrate.domain import Array
from hexkey.planning.curves import Crossing, Sampled, comparable, crossings, draw_up
from hexkey.planning.protocols import PROTOCOLS, Curve
from hexkey.planning.source import parse_source

MOST_COLUMNS = 9  # losses that a table shows, if the terminal is that wide
COLUMN_WIDTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options as they were given."""

    protocols: Sequence[str]
    sources: Sequence[str]
    blocks_s: Sequence[str]
    memories_ms: Sequence[float]
    losses: str
    fibre: str | None
    db_per_km: float
    points: int
    per_second: bool


def show(
    request: Request,
    picture: Path | None,
    table: Path | None,
    scheduler: str | None,
    resume: Path | None,
    as_json: bool,
) -> None:
    """Compute what was asked for, and print, write and draw it."""
    if picture is not None:
        from hexkey import plot

        plot.require()
    loss_db, curves = losses(request), curves_of(request)
    with _bar(as_json) as progress:
        found = draw_up(curves, loss_db, scheduler=scheduler, resume=resume, progress=progress)
    overtaking = crossings(found)
    if table is not None:
        write_csv(found, request, table)
    if picture is not None:
        from hexkey.planning.draw import draw_plan

        draw_plan(found, overtaking, picture, request.db_per_km if request.fibre else None)
    if as_json:
        typer.echo(json.dumps(document(found, overtaking, request), ensure_ascii=False))
        return
    console = Console()
    label_width = max(len(sampled.curve.label) for sampled in found)
    columns = (console.width - label_width) // COLUMN_WIDTH - 1
    console.print(_table(found, request, min(max(columns, 2), MOST_COLUMNS)))
    for words in notes(found, request):
        console.print(words, highlight=False, markup=False)
    for crossing in filter(comparable, overtaking):
        console.print(_sentence(crossing, request), highlight=False, markup=False)
    for path in (table, picture):
        if path is not None:
            typer.echo(path)


def losses(request: Request) -> Array:
    """Return the losses of the channel, dB."""
    if not 0 < request.db_per_km < math.inf:
        raise ConfigurationError(f"--db-per-km must be above 0, not {request.db_per_km:g}")
    option, text = ("--fibre-km", request.fibre) if request.fibre else ("--loss-db", request.losses)
    first, colon, last = text.partition(":")
    try:
        low, high = float(first), float(last if colon else first)
    except ValueError:
        raise ConfigurationError(f"{option} must be FROM:TO, such as 0:40, not {text!r}") from None
    if not 0 <= low <= high < math.inf:
        raise ConfigurationError(f"{option} must rise from 0 or more, not {text!r}")
    scale = request.db_per_km if request.fibre else 1.0
    return scale * np.linspace(low, high, request.points if high > low else 1)


def curves_of(request: Request) -> list[Curve]:
    """Return a curve for every protocol, source and block; each once."""
    unknown = [name for name in request.protocols if name not in PROTOCOLS]
    if unknown:
        raise ConfigurationError(
            f"no protocol is called {unknown[0]!r}: use {', '.join(PROTOCOLS)}"
        )
    blocks = [_seconds(text) for text in request.blocks_s]
    sources = [parse_source(text) for text in request.sources]
    found: dict[str, Curve] = {}
    for name in request.protocols:
        protocol = PROTOCOLS[name]
        if not protocol.source:
            made = [
                Curve(protocol=name, memory_s=_memory_s(memory), per_second=request.per_second)
                for memory in request.memories_ms
            ]
        else:
            made = [
                Curve(protocol=name, source=source, block_s=block, per_second=request.per_second)
                for source in sources
                if not protocol.needs or getattr(source, protocol.needs) is not None
                for block in (blocks if protocol.finite else [math.inf])
            ]
        for curve in made:
            found.setdefault(curve.label, curve)
    if not found:
        raise ConfigurationError(left_out(request)[0])
    return list(found.values())


def left_out(request: Request) -> list[str]:
    """Return a sentence for each protocol and source that have no curve."""
    return [
        f"{name} needs {needs} of the source {text}: add {needs}=… to it"
        for name in request.protocols
        for text in request.sources
        if (needs := PROTOCOLS[name].needs) and getattr(parse_source(text), needs) is None
    ]


def notes(found: Sequence[Sampled], request: Request) -> list[str]:
    """Return what must be said with the curves."""
    names = dict.fromkeys(sampled.curve.protocol for sampled in found)
    said = [f"{name}: {PROTOCOLS[name].assumes}." for name in names]
    if any(not math.isinf(sampled.curve.block_s) for sampled in found):
        said.append(
            "Blocks that end: expected counts and the published bounds. Planning, not keys."
        )
    said += [f"left out: {words}." for words in left_out(request)]
    for sampled in found:
        if sampled.largest_loss_db is None:
            said.append(f"{sampled.curve.label} has no key: {sampled.reason[0]}.")
    return said


def document(
    found: Sequence[Sampled], overtaking: Sequence[Crossing], request: Request
) -> dict[str, Any]:
    """Return all that was found as JSON values; infinite numbers are null."""
    unit = "bit/s" if request.per_second else "bit/pulse or bit/use"
    return {
        "unit": unit,
        "loss_db": found[0].loss_db.tolist() if found else [],
        "db_per_km": request.db_per_km,
        "curves": [
            {
                "label": sampled.curve.label,
                "protocol": sampled.curve.protocol,
                "source": sampled.curve.source.name if sampled.curve.source else None,
                "block_s": _finite(sampled.curve.block_s),
                "memory_s": sampled.curve.memory_s,
                "proof": PROTOCOLS[sampled.curve.protocol].proof,
                "rate": [_finite(value) for value in sampled.rate.tolist()],
                "reason": list(sampled.reason),
                "largest_loss_db": _finite(sampled.largest_loss_db),
                "goes_on": sampled.largest_loss_db == math.inf,
                "settings": sampled.settings,
            }
            for sampled in found
        ],
        "left_out": left_out(request),
        "crossings": [
            {
                "loss_db": crossing.loss_db,
                "better": crossing.better.label,
                "worse": crossing.worse.label,
                "worse_ended": crossing.ended,
            }
            for crossing in overtaking
        ],
    }


def write_csv(found: Sequence[Sampled], request: Request, path: Path) -> None:
    """Write a column of losses, one of lengths and one for each curve.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    unit = "bit/s" if request.per_second else "bit/pulse"
    labels = [f"{sampled.curve.label} ({unit})" for sampled in found]
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["loss_db", "fibre_km", *labels])
            for place, loss in enumerate(found[0].loss_db.tolist()):
                rates = [float(sampled.rate[place]) for sampled in found]
                writer.writerow([loss, loss / request.db_per_km, *rates])
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from None


def _memory_s(memory_ms: float) -> float:
    if not 0 < memory_ms < math.inf:
        raise ConfigurationError(f"--memory-ms must be above 0, not {memory_ms:g}")
    return memory_ms / 1000


def _seconds(text: str) -> float:
    try:
        seconds = math.inf if text in ("∞", "inf") else float(text)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise ConfigurationError(f"--block-s must be a time above 0, or inf, not {text!r}")
    return seconds


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _table(found: Sequence[Sampled], request: Request, columns: int) -> Table:
    loss = found[0].loss_db
    places = sorted({round(at) for at in np.linspace(0, loss.size - 1, min(columns, loss.size))})
    unit = "bit/s" if request.per_second else "bits a pulse (repeater: a channel use)"
    table = Table("curve", title=f"Secret key, {unit}", title_justify="left")
    for place in places:
        table.add_column(_where(float(loss[place]), request), justify="right", no_wrap=True)
    table.add_column("ends at", justify="right", no_wrap=True)
    for sampled in found:
        rates = [_rate(float(sampled.rate[place]), request.per_second) for place in places]
        table.add_row(Text(sampled.curve.label), *rates, _end(sampled, request))
    return table


def _where(loss_db: float, request: Request) -> str:
    return f"{loss_db / request.db_per_km:.4g} km" if request.fibre else f"{loss_db:.4g} dB"


def _end(sampled: Sampled, request: Request) -> str:
    if sampled.largest_loss_db is None:
        return "no key"
    if math.isinf(sampled.largest_loss_db):
        return f"> {_where(float(sampled.loss_db[-1]), request)}"
    return _where(sampled.largest_loss_db, request)


def _rate(value: float, per_second: bool) -> str:
    if value == 0 or math.isinf(value):
        return "∞" if value else "–"
    return quantity(value, "bit/s").removesuffix("bit/s").strip() if per_second else f"{value:.2e}"


def _sentence(crossing: Crossing, request: Request) -> str:
    why = ", which ends" if crossing.ended else ""
    where = _where(crossing.loss_db, request)
    return f"From {where} on {crossing.better.label} beats {crossing.worse.label}{why}."


def _bar(quiet: bool) -> Any:
    """A bar of the sweep on a terminal, nothing elsewhere; a context manager of a callable."""
    return nullcontext(None) if quiet or not sys.stderr.isatty() else _SweepBar()


class _SweepBar:
    def __init__(self) -> None:
        self._progress = Progress(console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("computing", total=None)

    def __enter__(self) -> "_SweepBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)

"""What benchmarks have found, as rows, as a file, and as a picture of the ratios."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hexkey.bench import Measures
from hexkey.errors import StoreError
from hexkey.plot import GOOD, INK, SOFT, draw


def stage_name(module: str) -> str:
    """Return a stage's name on the command line."""
    return module.rpartition(".")[2]


def flat(measures: Measures) -> Iterator[tuple[str, float]]:
    """Yield each number with its name; those of a case have the case's name before them."""
    for name, value in measures.items():
        if isinstance(value, dict):
            yield from ((f"{name}: {inner}", number) for inner, number in value.items())
        else:
            yield name, value


def ratios(measures: Measures) -> Iterator[tuple[str, float]]:
    """Yield the ratios among them: how many times as fast as the baseline that the name tells."""
    return ((name, value) for name, value in flat(measures) if "ratio_to_" in name)


def figure_text(value: float) -> str:
    """Return a number as tables and pictures show it."""
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def write(results: dict[str, Measures], folder: Path) -> list[Path]:
    """Write ``bench.json`` and, where there are ratios, ``ratios.png``; return the files.

    Raises
    ------
    StoreError
        They cannot be written.
    """
    rows = [
        (f"{stage} {name.replace('ratio_to_', '/ ').replace(':', '').replace('_', ' ')}", value)
        for stage, measures in results.items()
        for name, value in ratios(measures)
    ]
    found = folder / "bench.json"
    files = [found]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found.write_text(json.dumps(results, indent=2) + "\n")
        if rows:
            files.append(draw(_bars, rows, folder / "ratios.png", (8, 1.1 + 0.24 * len(rows))))
    except OSError as error:
        raise StoreError(f"benchmarks cannot be written to {folder}: {error.strerror}") from None
    return files


def _bars(figure: Any, rows: list[tuple[str, float]]) -> None:
    """Draw each ratio as a bar from 1 on, on a logarithmic axis."""
    axes = figure.add_subplot()
    names, values = zip(*reversed(rows), strict=True)
    axes.barh(names, [value - 1 for value in values], left=1, height=0.7, color=GOOD)
    for place, value in enumerate(values):
        axes.annotate(
            figure_text(value),
            (max(value, 1), place),
            (4, 0),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    axes.set_xscale("log")
    axes.margins(y=0.01)
    axes.set_xlim(min(0.8, 0.6 * min(values)), 5 * max(values))
    axes.axvline(1, color=SOFT, linewidth=0.8)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("times as fast as the baseline of the same run")

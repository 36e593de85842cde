"""Run every stage and print what it measured, as a table or as JSON."""

import argparse
import importlib
import json
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from hexkey.bench import STAGES, Measures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m hexkey.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    options = parser.parse_args()
    progress = Console(stderr=True)
    results: dict[str, Measures] = {}
    for name in STAGES:
        stage = name.rpartition(".")[2]
        progress.print(f"measuring {stage}", style="dim")
        results[stage] = importlib.import_module(name).run()
    if options.json:
        print(json.dumps(results, indent=2))
        return
    table = Table("stage", "measure")
    table.add_column("value", justify="right")
    for stage, measures in results.items():
        for name, value in flat(measures):
            table.add_row(stage, name, f"{value:,.3g}" if value < 1000 else f"{value:,.0f}")
        table.add_section()
    Console().print(table)


def flat(measures: Measures) -> Iterator[tuple[str, float]]:
    """Yield each number with its name; those of a case have the case's name before them."""
    for name, value in measures.items():
        if isinstance(value, dict):
            yield from ((f"{name}: {inner}", number) for inner, number in value.items())
        else:
            yield name, value


if __name__ == "__main__":
    main()

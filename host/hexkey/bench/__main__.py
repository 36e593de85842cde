"""Run every stage and print what it measured, as a table or as JSON."""

import argparse
import importlib
import json

from rich.console import Console
from rich.table import Table

from hexkey.bench import STAGES


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m hexkey.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {
        name.rpartition(".")[2]: importlib.import_module(name).run() for name in STAGES
    }
    if options.json:
        print(json.dumps(results, indent=2))
        return
    table = Table("stage", "measure")
    table.add_column("value", justify="right")
    for stage, measures in results.items():
        for name, value in measures.items():
            table.add_row(stage, name, f"{value:,.3g}" if value < 1000 else f"{value:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()

"""Options that more than one command has."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file with the settings of this role."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option(help="Key store of this party (make a pair with `hexkey keys create`)."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the report as JSON and nothing else.")
]
JsonLinesOption = Annotated[
    bool, typer.Option("--json-lines", help="Print every event as a line of JSON as it happens.")
]
SeedOption = Annotated[
    int | None, typer.Option(help="Reproducible instead of secret randomness (labelled so).")
]
NoRefreshOption = Annotated[
    bool,
    typer.Option("--no-refresh", help="Leave the tables of the delay lines as calibrated."),
]
BlockOption = Annotated[
    int | None, typer.Option("--block-bits", help="Sifted bits in a block; the same on both sides.")
]
MapsOption = Annotated[
    bool,
    typer.Option(
        "--maps", help="Let maps of the gates grow with the blocks; the same on both sides."
    ),
]

"""The host's own commands. Importing a command's module adds it to the application."""

import typer

from hexkey.cli import (
    bench,
    board,
    capture,
    distill,
    doctor,
    inspect,
    keyrate,
    keys,
    monitor,
    plan,
    roles,
    tune,
)

__all__ = [
    "bench",
    "board",
    "capture",
    "distill",
    "doctor",
    "inspect",
    "keyrate",
    "keys",
    "monitor",
    "plan",
    "roles",
    "tune",
]


def register(app: typer.Typer) -> None:
    """Nothing is left to do: the imports above did it (the entry point of the host)."""

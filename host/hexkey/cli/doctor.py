"""``hexkey doctor``: what is installed, what is missing, which ports are there."""

import json
import os
import platform
import sys
from importlib import import_module, metadata
from typing import Any

import typer
from rich.console import Console
from serial.tools import list_ports

from hexkey import __version__
from hexkey.cli import app
from hexkey.cli.options import JsonOption

CORE = ("numpy", "scipy", "cffi", "pyserial", "typer", "rich")
EXTRAS = {
    "plot": ("matplotlib",),
    "gateware": ("amaranth",),
    "cosim": ("cocotb",),
}


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Check this installation; exit code 1 if something that the core needs is missing."""
    facts = examine()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        _show(facts)
    if facts["missing"]:
        raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """Return what is there, as JSON-able facts."""
    packages = {name: _version(name) for name in CORE}
    extras = {name: {part: _version(part) for part in parts} for name, parts in EXTRAS.items()}
    kernels = _kernels()
    missing = [name for name, found in packages.items() if found is None]
    if kernels is not None:
        missing.append("C kernels")
    return {
        "hexkey": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "tested_platform": sys.platform.startswith("linux"),
        "kernels": "ok" if kernels is None else kernels,
        "packages": packages,
        "extras": extras,
        "ports": [_port(found) for found in sorted(list_ports.comports())],
        "missing": missing,
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _kernels() -> str | None:
    """Return why the C kernels do not load, or None if they do."""
    try:
        import_module("hexkey._native")
    except ImportError as error:
        return f"not loaded ({error}); run `pip install .` where gcc is installed"
    return None


def _port(found: Any) -> dict[str, Any]:
    usable = os.access(found.device, os.R_OK | os.W_OK)
    return {"device": found.device, "description": found.description, "usable": usable}


def _show(facts: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(f"hexkey {facts['hexkey']}, Python {facts['python']}, {facts['platform']}")
    if not facts["tested_platform"]:
        console.print("  this platform is not tested: hexkey is developed on Linux")
    console.print(f"  C kernels   {facts['kernels']}")
    for name, found in facts["packages"].items():
        console.print(f"  {name:<11} {found or 'MISSING: pip install hexkey'}")
    for extra, parts in facts["extras"].items():
        for name, found in parts.items():
            absent = f"not installed (optional: pip install 'hexkey\\[{extra}]')"
            console.print(f"  {name:<11} {found or absent}", soft_wrap=True)
    if not facts["ports"]:
        console.print("  no serial port: connect the board, or try `hexkey virtual-board`")
    for port in facts["ports"]:
        trouble = "" if port["usable"] else "  NOT usable: add yourself to the group dialout"
        console.print(f"  {port['device']}  {port['description']}{trouble}", soft_wrap=True)

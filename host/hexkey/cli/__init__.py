"""The command line: one file a command, errors as one sentence, exit codes that scripts can use.

Exit codes: 0 done; 1 it ran, and the answer is no (no key, keys differ, something missing);
2 settings; 3 input; 4 board; 5 peer; 6 authentication; 7 store; 130 interrupted.
"""

import sys
from functools import cache
from importlib.metadata import entry_points
from typing import Annotated

import typer

from hexkey import __version__, logs
from hexkey.errors import HexkeyError

INTERRUPTED = 130

app = typer.Typer(
    name="hexkey",
    help="The open quantum-key-distribution receiver: from a photon click to a secret key.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hexkey {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    log_level: Annotated[
        str,
        typer.Option(
            envvar="HEXKEY_LOG_LEVEL",
            help="Logs on standard error, as lines of JSON: off, debug, info, warning or error.",
        ),
    ] = "off",
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if log_level.lower() not in logs.LEVELS:
        raise typer.BadParameter(f"log level {log_level!r}: use {', '.join(logs.LEVELS)}")
    logs.configure(log_level)


@cache  # a second time would add every command again
def build() -> typer.Typer:
    """Return the application with the commands of every installed part of hexkey."""
    for entry in sorted(entry_points(group="hexkey.commands"), key=lambda found: found.name):
        entry.load()(app)
    return app


def main() -> None:
    """Run the command line. A fault ends in one sentence and an exit code, never a traceback."""
    if not sys.platform.startswith("linux"):
        print("hexkey: tested on Linux only; here it may or may not work.", file=sys.stderr)
    try:
        build()()
    except HexkeyError as error:
        print(f"hexkey: {str(error).rstrip('.')}.", file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # typer has turned Ctrl-C into an exit without a word
            print("hexkey: interrupted; what was final is stored.", file=sys.stderr)
        raise

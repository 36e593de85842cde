"""A gate put where it stays: into Bob's configuration, or into a board's registers."""

import os
import re
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hexkey.board import Board
from hexkey.errors import ConfigurationError, DeviceError
from hexkey.window import window_in_ticks

START, WIDTH = "gate_start_ns", "gate_width_ns"
_TABLE = re.compile(r"\s*\[")
_NEW_MODE = 0o644  # a configuration names secrets' places and holds none


def write_to_configuration(path: Path, start_ns: float, width_ns: float) -> None:
    """Set ``gate_start_ns`` and ``gate_width_ns`` in a configuration; all else stays as it is.

    Comments and order are kept. The file is replaced as a whole or not at all; where there is
    none, one with these two values alone is made.

    Raises
    ------
    ConfigurationError
        The file cannot be read or written, is not TOML, or is one in which a line cannot be
        replaced without changing something else.
    """
    path = path.resolve()  # a link stays one
    try:
        text = path.read_bytes().decode() if path.exists() else ""
        before = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"configuration {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"configuration {path} is not TOML: {error}") from None
    values = {START: start_ns, WIDTH: width_ns}
    changed = text
    for key, value in values.items():
        changed = _with(changed, key, value)
    if _parsed(changed) != {**before, **values}:
        raise ConfigurationError(
            f"configuration {path} is written in a way that cannot be edited here: set {START} = "
            f"{start_ns} and {WIDTH} = {width_ns} by hand"
        )
    _replace(path, changed)


def write_to_board(port: str, start_ns: float, width_ns: float) -> dict[str, Any]:
    """Set the gate of every detector of a board, and return what its registers then hold.

    Opening a board ends its run. The next `hexkey bob` sets the gate of its own configuration.

    Raises
    ------
    ConfigurationError
        The gate is no whole number of the board's ticks, or does not fit its period.
    DeviceError
        The board does not answer, or holds something else afterwards.
    """
    with Board.open(port) as board:
        ident = board.identification
        window = window_in_ticks(start_ns, width_ns, ident.tick_ps, ident.period_ticks)
        for detector in range(ident.detectors):
            board.write("gate_start_ticks", window.gate.start_ticks, detector)
            board.write("gate_width_ticks", window.gate.width_ticks, detector)
        change = board.take_effect()
        held = [
            (board.read("gate_start_ticks", detector), board.read("gate_width_ticks", detector))
            for detector in range(ident.detectors)
        ]
    if set(held) != {(window.gate.start_ticks, window.gate.width_ticks)}:
        raise DeviceError(
            f"the board at {port} holds the gates {held} after being set to {window.gate}: check "
            "it with `hexkey board selftest`"
        )
    return {
        "port": port,
        **asdict(window.gate),
        "tick_ps": str(ident.tick_ps),
        "detectors": ident.detectors,
        "settings_id": change.settings,
    }


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _with(text: str, key: str, value: float) -> str:
    """Return TOML with a top-level key set, in its line, or in a new one before the first table."""
    lines = text.splitlines(keepends=True)
    tables = (number for number, line in enumerate(lines) if _TABLE.match(line))
    first_table = next(tables, len(lines))
    given = re.compile(rf"(\s*{key}\s*=\s*)[^#\s]+(.*)", re.DOTALL)
    for number, line in enumerate(lines[:first_table]):
        if found := given.fullmatch(line):
            lines[number] = f"{found[1]}{value}{found[2]}"
            return "".join(lines)
    while first_table and not lines[first_table - 1].strip():
        first_table -= 1
    if first_table and not lines[first_table - 1].endswith("\n"):
        lines[first_table - 1] += "\n"
    lines.insert(first_table, f"{key} = {value}\n")
    return "".join(lines)


def _replace(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else _NEW_MODE
        number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, mode)
            file.write(text.encode())
            file.flush()
            os.fsync(number)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ConfigurationError(
            f"configuration {path} cannot be written: {error.strerror}"
        ) from None

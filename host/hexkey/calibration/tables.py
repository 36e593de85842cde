"""The tables of a board's delay lines, and the file that keeps them (docs/calibration.md).

Lines lie elsewhere in every bitstream and age differently on every board: a table is good for one
of each. Nothing in the file is secret.
"""

import json
import os
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hexkey.calibration.growth import check_entries
from hexkey.calibration.line import Line
from hexkey.errors import CalibrationError, InputError, StoreError
from hexkey.wire import Identification
from hexkey.wire.channels import CHANNELS
from hexkey.wire.tagger import MAX_CODES

FORMAT = "hexkey calibration"
VERSION = 1

CODE_SHIFT, CHANNEL_SHIFT = 10, 20
"""In the register `table_entry`."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelTable:
    """One channel's table.

    Attributes
    ----------
    made : str
        When, ISO 8601 in UTC.
    tap_ps : float
        Mean tap at that time: the temperature monitor.
    density : (codes,) float64
        Hits that it was made from; with them it can be refreshed.
    fine_ticks : (codes,) uint16
        What the board's table holds.
    refreshed : ChannelTable or None
        What clicks have made of it since; the table itself stays as the oscillator measured it.
    """

    made: str
    tap_ps: float
    density: NDArray[np.float64] = field(repr=False)
    fine_ticks: NDArray[np.uint16] = field(repr=False)
    refreshed: "ChannelTable | None" = None

    @property
    def current(self) -> "ChannelTable":
        """The table that the board shall have."""
        return self.refreshed or self


@dataclass(frozen=True, slots=True)
class BoardTables:
    """The tables of a board under one bitstream.

    Attributes
    ----------
    board, firmware : str
        As the board names them; the firmware is another one for each bitstream.
    unit : str
        Serial number of its USB adapter, empty where there is none to be seen.
    clock_ps : float
    channels : dict of int to ChannelTable
    """

    board: str
    firmware: str
    unit: str
    clock_ps: float
    channels: dict[int, ChannelTable] = field(default_factory=dict)

    @classmethod
    def none_of(cls, board: Identification, unit: str) -> Self:
        """Return the tables of a board that has no table yet."""
        return cls(board.board, board.firmware, unit, 1e12 / board.clock_hz)

    def with_line(
        self, channel: int, density: NDArray[np.float64], line: Line, board: Identification
    ) -> Self:
        """Return these tables with that of a channel made anew from its density."""
        table = ChannelTable(now(), line.tap_ps, density, line.fine_ticks(board.tick_ps))
        return replace(self, channels={**self.channels, channel: table})

    def with_refreshed(self, channel: int, fresh: ChannelTable) -> Self:
        """Return these tables with what clicks made of that of a channel."""
        table = replace(self.channels[channel], refreshed=fresh)
        return replace(self, channels={**self.channels, channel: table})


def now() -> str:
    """Return the time as it stands in a table."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def table_words(
    channel: int, fine_ticks: NDArray[np.uint16], codes: Iterable[int] | None = None
) -> list[int]:
    """Return what is written to `table_entry` for some codes of a table, or for all."""
    chosen = range(len(fine_ticks)) if codes is None else codes
    return [
        int(fine_ticks[code]) | int(code) << CODE_SHIFT | channel << CHANNEL_SHIFT
        for code in chosen
    ]


def folder() -> Path:
    """Return where tables are kept: ``$XDG_STATE_HOME/hexkey/calibration``."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "hexkey" / "calibration"


def path_of(board: Identification, unit: str) -> Path:
    """Return the file for a board with its present bitstream."""
    parts = [part for part in (board.board, board.firmware, unit) if part]
    name = "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part) for part in parts)
    return folder() / f"{name}.json"


def save(tables: BoardTables, path: Path) -> None:
    """Write the file; a half-written one never takes the place of a whole one.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    content = {
        "board": tables.board,
        "firmware": tables.firmware,
        "unit": tables.unit,
        "clock_ps": tables.clock_ps,
        "channels": {
            str(channel): _to_json(table) for channel, table in sorted(tables.channels.items())
        },
    }
    whole = {"format": FORMAT, "version": VERSION, "crc32": _check(content), **content}
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(whole) + "\n")
        beside.replace(path)
    except OSError as error:
        raise StoreError(f"the calibration {path} cannot be written: {error.strerror}") from None


def load(path: Path, board: Identification) -> BoardTables:
    """Read the tables of a board.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged, of an unknown version or of another bitstream, or
        its refreshed tables are too far from those that they came from.
    """
    try:
        whole = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _refused(path, f"cannot be read ({error})") from None
    if not isinstance(whole, dict) or whole.pop("format", None) != FORMAT:
        raise _refused(path, "is no calibration of hexkey")
    version = whole.pop("version", None)
    if version != VERSION:
        raise _refused(path, f"is of version {version}, this hexkey knows version {VERSION}")
    if whole.pop("crc32", None) != _check(whole):
        raise _refused(path, "is damaged: its check is wrong")
    try:
        tables = _from_json(whole)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refused(path, f"holds values that cannot be ({error!r})") from None
    if (tables.board, tables.firmware) != (board.board, board.firmware):
        raise _refused(
            path,
            f"is of {tables.board} with firmware {tables.firmware}, the board is {board.board} "
            f"with {board.firmware}",
        )
    for table in tables.channels.values():
        try:
            check_entries(table.fine_ticks, table.current.fine_ticks, board.tick_ps)
        except CalibrationError as error:
            raise _refused(path, f"has a refreshed table that cannot be: {error}") from None
    return tables


def _to_json(table: ChannelTable) -> dict[str, Any]:
    content: dict[str, Any] = {
        "made": table.made,
        "tap_ps": table.tap_ps,
        "density": table.density.tolist(),
        "fine_ticks": table.fine_ticks.tolist(),
    }
    if table.refreshed is not None:
        content["refreshed"] = _to_json(table.refreshed)
    return content


def _from_json(content: dict[str, Any]) -> BoardTables:
    channels = {}
    for number, table in content["channels"].items():
        if not 0 <= int(number) < CHANNELS:
            raise ValueError(f"channel {number}")
        channels[int(number)] = found = _table(table)
        if "refreshed" in table:
            fresh = _table(table["refreshed"])
            if fresh.density.shape != found.density.shape:
                raise ValueError(f"refreshed table of channel {number}")
            channels[int(number)] = replace(found, refreshed=fresh)
    board, firmware, unit = (str(content[name]) for name in ("board", "firmware", "unit"))
    return BoardTables(board, firmware, unit, float(content["clock_ps"]), channels)


def _table(content: dict[str, Any]) -> ChannelTable:
    density = np.array(content["density"], np.float64)
    fine = np.array(content["fine_ticks"], np.int64)
    if not 0 < len(fine) <= MAX_CODES:
        raise ValueError(f"a table of {len(fine)} codes")
    if density.shape != fine.shape or fine.min() < 0 or fine.max() >= 1024:
        raise ValueError("a table that does not fit its density or its register")
    return ChannelTable(
        str(content["made"]), float(content["tap_ps"]), density, fine.astype(np.uint16)
    )


def _check(content: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def _refused(path: Path, why: str) -> InputError:
    return InputError(f"the calibration {path} {why}: calibrate with `hexkey board calibrate`")

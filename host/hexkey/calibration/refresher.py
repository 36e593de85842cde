"""The refresh of a board's tables at its edges: frames in, requests, a file and events out."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from hexkey.board import BURST, Board
from hexkey.calibration import tables as files
from hexkey.calibration.procedure import DENSITY_OFF, kept_tables, name_of, path_for
from hexkey.calibration.refresh import Refresh, Turn
from hexkey.calibration.tables import BoardTables
from hexkey.errors import ConfigurationError, DeviceError, InputError, StoreError
from hexkey.wire import CodeDensity, Frame, Kind

SAVE_EVERY_S = 600.0

Progress = Callable[[dict[str, Any]], None]


class Refresher:
    """Refreshes the tables of a board that runs; whoever reads the board calls it in between.

    Nothing of it ends a run: if the board takes no entries or the file cannot be written, it says
    so and lets the run go on. What it tells while the run goes on is of whole rounds: how soon a
    single channel had its hits would tell how many they were.

    Parameters
    ----------
    board : Board
    tables : BoardTables
        That the board has.
    path : Path
        Where they are kept.
    progress : callable

    Attributes
    ----------
    tap_ps : float
        The mean tap of all lines after the last round: a thermometer.
    """

    def __init__(self, board: Board, tables: BoardTables, path: Path, progress: Progress) -> None:
        self._board = board
        self._path = path
        self._progress = progress
        self._tables = tables
        self._state = Refresh.of(tables, board.identification)
        self._asked: int | None = None
        self._entries: list[int] = []  # that the board has not been given yet
        self._changed = False  # since the file was written
        self._saved_at = time.monotonic()
        self._turns = self._turns_told = 0
        self._refused: defaultdict[str, set[str]] = defaultdict(set)
        self.tap_ps = self._mean_tap_ps()

    @classmethod
    def of(cls, board: Board, progress: Progress) -> Self | None:
        """Return the refresher of a board that was given its tables; None if it has none.

        Raises
        ------
        InputError
            As `hexkey.calibration.procedure.load_tables`.
        """
        tables = kept_tables(board) if board.identification.taps else None
        return None if tables is None else cls(board, tables, path_for(board), progress)

    def take(self, frames: Iterable[Frame]) -> None:
        """Take the frames that were read, then do a little: at most `BURST` requests."""
        if self._state is None:
            return
        try:
            for frame in frames:
                if frame.header.kind is Kind.CODE_DENSITY:
                    self._advance(self._state, CodeDensity.decode(frame.body))
            self._ask()
        except (ConfigurationError, DeviceError, InputError) as error:
            self._give_up(str(error))
        if self._changed and time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self.save()

    def rest(self) -> None:
        """Give the board what it has not got yet, and let it count codes no longer."""
        self._state = None
        if self._asked is None:
            return
        try:
            self._board.write_table(self._entries)
            self._board.write("density_channel", DENSITY_OFF)
        except (ConfigurationError, DeviceError) as error:
            self._give_up(str(error))

    def save(self) -> None:
        """Write the tables into their file if they have changed since."""
        if not self._changed:
            return
        self._changed, self._saved_at = False, time.monotonic()
        try:
            files.save(self._tables, self._path)
        except StoreError as error:
            self._progress({"event": "tables-lost", "message": str(error)})

    def facts(self) -> dict[str, Any]:
        """Return what became of the tables, for a report."""
        channels = self._tables.channels
        return {
            "refreshed": self._turns,
            "tap_ps": {name_of(each): table.current.tap_ps for each, table in channels.items()},
            "growth": {
                name_of(each): table.current.tap_ps / table.tap_ps - 1
                for each, table in channels.items()
            },
            "refused": {name: sorted(reasons) for name, reasons in self._refused.items()},
        }

    def _advance(self, state: Refresh, density: CodeDensity) -> None:
        self._state, turn = state.take(density)
        if turn is not None:
            self._tables = self._state.tables
            self._end(turn)

    def _end(self, turn: Turn) -> None:
        self._entries += turn.words
        self._changed |= turn.refreshed
        self._turns += turn.refreshed
        if turn.refused is not None:
            self._refuse(name_of(turn.channel), turn.refused.reason, str(turn.refused))
        if turn.ends_round and self._turns > self._turns_told:
            self._turns_told, self.tap_ps = self._turns, self._mean_tap_ps()
            growth = self.facts()["growth"].values()
            self._progress(
                {
                    "event": "refreshed",
                    "tables": self._turns,
                    "tap_ps": round(self.tap_ps, 3),
                    "growth": round(sum(growth) / len(growth), 5),
                }
            )

    def _mean_tap_ps(self) -> float:
        taps = [table.current.tap_ps for table in self._tables.channels.values()]
        return sum(taps) / max(len(taps), 1)

    def _refuse(self, name: str, reason: str, message: str) -> None:
        if reason in self._refused[name]:
            return
        self._refused[name].add(reason)
        self._progress(
            {"event": "table-kept", "channel": name, "reason": reason, "message": message}
        )

    def _ask(self) -> None:
        """Make the requests that are due, a few of them."""
        if self._state is not None and self._asked != self._state.channel:
            self._board.write("density_channel", self._state.channel)
            self._asked = self._state.channel
        if self._entries:
            now, self._entries = self._entries[:BURST], self._entries[BURST:]
            self._board.write_table(now)

    def _give_up(self, why: str) -> None:
        self._state = None
        self._progress({"event": "refresh-ended", "message": why})

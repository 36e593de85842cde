"""What a person sees while a bitstream is built."""

from typing import Self

from rich.console import Console
from rich.status import Status

from hexkey.cli.display import print_rows
from hexkey_gateware.bitstream.figures import Build
from hexkey_gateware.bitstream.report import rows
from hexkey_gateware.boards import Board


class Display:
    """Shows the steps of a build, and its table at the end.

    Parameters
    ----------
    board : Board
    quiet : bool
        Show nothing.
    """

    def __init__(self, board: Board, *, quiet: bool) -> None:
        self._board = board
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if not self._quiet and self._console.is_terminal:
            self._status = self._console.status(self._board.title)
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def begin(self, seed: int) -> None:
        """Say what is built."""
        if not self._quiet:
            self._console.print(f"{self._board.title}, seed {seed}")

    def progress(self, title: str, seconds: float | None) -> None:
        """Show that a step has begun (no seconds) or ended."""
        if self._quiet:
            return
        if seconds is not None:
            self._console.print(f"  {title:<20}{seconds:6.1f} s")
        elif self._status:
            self._status.update(f"{self._board.title}: {title}")

    def end(self, build: Build) -> None:
        """Show the figures of a build, and what is wrong with it."""
        if self._quiet:
            return
        print_rows(rows(build))
        for problem in build.problems:
            self._console.print(f"hexkey: {problem}.", soft_wrap=True, markup=False)

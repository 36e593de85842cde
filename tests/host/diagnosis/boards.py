"""Simulated boards with a tagger, for tests that work on them as on real ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.board import Board
from hexkey_sim.board_runner import VirtualBoardThread
from hexkey_sim.click_source import SomeClicks
from hexkey_sim.simulated_tagger import SimulatedTagger, TaggerOptions
from hexkey_sim.tagger_board import Clicks, TaggerBoard

PERIOD_PS = 25_000


class Darkness:
    """Nothing at the detectors, but a trigger."""

    def advance(self, pulses: int) -> SomeClicks:
        return Clicks(np.empty(0, np.int64), np.empty(0, np.uint8))


class RegularLight:
    """Every so many pulses a click of each detector at a phase of its own."""

    def __init__(self, every: int = 1000, detectors: int = 2) -> None:
        self._every, self._detectors = every, detectors
        self._pulse = 0

    def advance(self, pulses: int) -> SomeClicks:
        start, self._pulse = self._pulse, self._pulse + pulses
        clicked = np.arange(-(-start // self._every), -(-self._pulse // self._every)) * self._every
        times: list[NDArray[np.int64]] = [
            clicked * PERIOD_PS + 5_000 + 1_000 * detector for detector in range(self._detectors)
        ]
        detector = np.repeat(np.arange(self._detectors), len(clicked)).astype(np.uint8)
        return Clicks(np.concatenate(times), detector)


def a_board(
    light: Any = None, kind: type[TaggerBoard] = TaggerBoard, baud: int | None = None, **tagger: Any
) -> TaggerBoard:
    """Return a board; without a baud rate it runs as fast as its host reads."""
    return kind(
        light or Darkness(),
        SimulatedTagger(TaggerOptions(**tagger)),
        period_ps=PERIOD_PS,
        baud=baud,
    )


@contextmanager
def opened(board: TaggerBoard) -> Iterator[Board]:
    """Run a board behind a terminal, and open it."""
    with VirtualBoardThread(board) as thread, Board.open(thread.name) as host:
        yield host


def ignore(event: dict[str, Any]) -> None:
    """Take an event of progress."""

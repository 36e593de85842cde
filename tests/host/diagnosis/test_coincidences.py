"""Coincidences where a board counts none."""

import threading
from dataclasses import replace

import pytest
from tests.host.diagnosis.boards import a_board, opened

from hexkey.diagnosis.coincidences import count_coincidences
from hexkey.errors import DeviceError
from hexkey.wire import Identification
from hexkey_sim.tagger_board import TaggerBoard


class SmallBoard(TaggerBoard):
    def _identification(self) -> Identification:
        return replace(super()._identification(), statistics=False)


def test_board_without_statistics_says_what_to_do_instead() -> None:
    with (
        opened(a_board(kind=SmallBoard)) as board,
        pytest.raises(DeviceError, match=r"too small for that: record raw tags with `hexkey board"),
    ):
        count_coincidences(board, 1.0, lambda event: None, threading.Event())

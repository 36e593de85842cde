"""Frames: the bench passes, and fails for another CRC."""

import pytest
from amaranth.lib.crc.catalog import CRC32_ISCSI
from tests.gateware.conftest import Bench

from hexkey_gateware import frame
from hexkey_gateware.frame import FrameEncoder


def test_frames_equal_encode_frame(bench: Bench) -> None:
    result = bench(FrameEncoder())
    assert (result.tests, result.failures) == (1, 0), result.log


def test_bench_sees_another_crc(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "CRC32_ISO_HDLC", CRC32_ISCSI)
    result = bench(FrameEncoder())
    assert result.failures == 1
    assert "AssertionError: item " in result.log

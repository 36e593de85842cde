"""The self-test passes on a sound board, and fails where one is broken."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.host.diagnosis.boards import a_board, ignore, opened

from hexkey.diagnosis.path import agrees, around, wrapped
from hexkey.diagnosis.registers import read_all
from hexkey.diagnosis.selftest import Check, self_test
from hexkey.events import Events
from hexkey.wire.registers import register
from hexkey_sim.tagger_board import TaggerBoard

SECONDS = 0.2
PATH = {
    "trigger locks",
    "clicks of detector 0",
    "clicks of detector 1",
    "every click accounted for",
    "link carries all",
    "phases",
    "phases follow delays",
    "gate exact to the tick",
    "hold-off",
    "double clicks",
    "double clicks discarded",
}


def checks_of(board: TaggerBoard) -> list[Check]:
    with opened(board) as host:
        return self_test(host, SECONDS, ignore)


def failures(board: TaggerBoard) -> set[str]:
    return {check.name for check in checks_of(board) if check.passed is False}


def test_sound_board_passes_every_check_and_is_as_before() -> None:
    with opened(a_board()) as host:
        host.write("delay_ticks", -77, 1)
        host.write("gate_start_ticks", 123, 0)
        host.write("pulser_delay", 9, 4)
        host.commit()
        before = {held.name: held.value for held in read_all(host)}
        checks = self_test(host, SECONDS, ignore)
        after = {held.name: held.value for held in read_all(host)}
    assert [check for check in checks if check.passed is False] == []
    assert {check.name for check in checks} >= PATH
    changing = {held for held in before if register(held.partition(".")[0]).access == "ro"}
    assert {n: v for n, v in after.items() if n not in {*changing, "run"}} == {
        n: v for n, v in before.items() if n not in {*changing, "run"}
    }
    assert after["tracker_state"] == 3  # locked to its light again


class Broken(TaggerBoard):
    """A board whose front end does something wrong to clicks or events."""

    def _detect(
        self, time_ps: NDArray[np.int64], detector: NDArray[np.uint8], horizon_ps: int
    ) -> None:
        super()._detect(*self.spoil_clicks(time_ps, detector), horizon_ps)

    def _take(self, events: Events) -> None:
        super()._take(self.spoil_events(events))

    def spoil_clicks(
        self, time_ps: NDArray[np.int64], detector: NDArray[np.uint8]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        return time_ps, detector

    def spoil_events(self, events: Events) -> Events:
        return events


class LosesClicks(Broken):
    def spoil_clicks(self, time_ps: Any, detector: Any) -> Any:
        kept = np.arange(len(time_ps)) % 8 != 0
        return time_ps[kept], detector[kept]


class LosesEvents(Broken):
    def spoil_events(self, events: Events) -> Events:
        return events.take(np.arange(len(events)) % 100 != 99)


class DoublesClicks(Broken):
    def spoil_clicks(self, time_ps: Any, detector: Any) -> Any:
        again = np.arange(len(time_ps)) % 5 == 0
        return (
            np.concatenate([time_ps, time_ps[again] + 100]),
            np.concatenate([detector, detector[again]]),
        )


class Jitters(Broken):
    def spoil_clicks(self, time_ps: Any, detector: Any) -> Any:
        jitter = np.random.default_rng(1).normal(0, 400, len(time_ps)).astype(np.int64)
        return np.maximum(time_ps + jitter, time_ps.min(initial=0)), detector


class GateIsLate(Broken):
    """Phases are told a tick too early: the gate seems to open a tick late."""

    def spoil_events(self, events: Events) -> Events:
        phase = np.where(events.phase_ticks > 0, events.phase_ticks - np.uint32(1), 0)
        return Events(events.pulse, phase.astype(np.uint32), events.mask, events.flags)


class HoldOffIsShort(TaggerBoard):
    def _read_settings(self) -> Any:
        settings = super()._read_settings()
        return replace(settings, holdoff_pulses=max(0, settings.holdoff_pulses - 1))


class NeverDiscards(TaggerBoard):
    def _read_settings(self) -> Any:
        return replace(super()._read_settings(), discard_double=False)


@pytest.mark.parametrize(
    ("kind", "caught_by"),
    [
        (LosesClicks, "clicks of detector 0"),
        (LosesEvents, "every click accounted for"),
        (DoublesClicks, "clicks of detector 1"),
        (Jitters, "phases"),
        (GateIsLate, "gate exact to the tick"),
        (HoldOffIsShort, "hold-off"),
        (NeverDiscards, "double clicks discarded"),
    ],
)
def test_broken_path_is_found(kind: type[TaggerBoard], caught_by: str) -> None:
    assert caught_by in failures(a_board(kind=kind))


def test_lines_that_cannot_be_calibrated_are_found_each_by_name() -> None:
    assert "delay line of detector 1" in failures(a_board(dead_channels=(1,)))
    short = {check.name: check for check in checks_of(a_board(tap_ps=20.0))}
    assert short["delay line of trigger"].passed is False
    assert "shorter than a clock" in short["delay line of trigger"].detail


def test_skew_and_slow_oscillator_are_judged() -> None:
    assert "phases" in failures(a_board(skew_ps=(700, 9_000, 0, 0)))
    slow = {check.name: check for check in checks_of(a_board(cycle_ticks=720))}
    assert all(check.passed is not False for check in slow.values())
    assert "138.89 MHz" in slow["trigger locks"].detail


class ForgetsDelays(TaggerBoard):
    """Its register for a detector's delay holds nothing."""

    def _make_registers(self) -> Any:
        registers = super()._make_registers()
        registers.extend({}, {"delay_ticks": lambda: 0})
        return registers


def test_register_that_forgets_is_named() -> None:
    (check,) = (c for c in checks_of(a_board(kind=ForgetsDelays)) if c.name == "registers")
    assert check.passed is False
    assert "delay_ticks.0" in check.detail


def test_counts_and_phases_are_compared_as_said() -> None:
    assert agrees(1_000_000 + 5999, 1_000_000)
    assert not agrees(1_000_000 + 6001, 1_000_000)
    middle, spread = around(np.array([5275.0, 5279.0, 3.0]), 5280.0)
    assert wrapped(middle, 5280.0) == pytest.approx((-5 - 1 + 3) / 3)
    assert spread == pytest.approx(np.std([-5, -1, 3]))

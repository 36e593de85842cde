"""Maps of a session: when they are drawn, from what, and which gate the board has meanwhile."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from tests.host.monitor.runs import Bench

from hexkey.config import BobSettings
from hexkey.errors import ConfigurationError
from hexkey.gate import Gate
from hexkey.party import session_maps
from hexkey.party.session_maps import SessionMaps
from hexkey.party.setup import settings_for
from hexkey.party.watching import Watching
from hexkey.placed import Bb84Clicks, DisclosedClicks
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters
from hexkey.sift_bb84 import CROSS, KEY, TEST
from hexkey.store import Store
from hexkey.window import Window
from hexkey.wire import Histogram, Identification, Kind

TICK_PS, PERIOD = Fraction(10), 2_500


def clicks(*phases: int, wrong: int = 0) -> DisclosedClicks:
    return DisclosedClicks(np.array(phases, np.uint32), np.arange(len(phases)) < wrong)


def histogram(bench: Bench) -> None:
    counts = np.full(250, 100, np.uint32)
    for detector in range(4):
        bench.frame(Kind.HISTOGRAM, Histogram(detector, 0, 10, counts).encode())
    bench.receiver.histogram_pulses = 40_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    fake = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(session_maps, "time", fake)
    return now


def test_maps_are_drawn_once_a_second_after_the_first_disclosure(clock: list[float]) -> None:
    bench, maps = Bench(), SessionMaps(TICK_PS, PERIOD, SessionParameters())
    watching = Watching(bench.state, lambda event: None, (), cast(Store, None), maps=maps)

    def shown() -> Any:
        watching.draw_maps(bench.receiver)
        return bench.state.snapshot(bench.now_s).maps

    histogram(bench)
    assert shown() is None
    maps.add(clicks(100, 200, 2_000, wrong=1))
    first = shown()
    assert first.qber[0][-1] == pytest.approx(1 / 2)  # the gate from 0 to 12 ns
    assert first.seconds == pytest.approx(1)
    assert first.sifted_hz[0][-1] == pytest.approx(120 * 400)
    maps.add(clicks(300, 400))
    clock[0] += 0.9
    assert shown() is first
    clock[0] += 0.2
    last = shown()
    assert last.qber[0][-1] == pytest.approx(1 / 4)
    bench.receiver.histogram = None  # as of a session that has just begun
    clock[0] += 1.1
    assert shown() is last


def test_without_a_histogram_there_is_nothing_to_show(clock: list[float]) -> None:
    bench, maps = Bench(), SessionMaps(TICK_PS, PERIOD, SessionParameters())
    maps.add(clicks(100))
    assert maps.view(bench.receiver) is None


TERMS = Bb84Terms(0.9, 0.9, 1e-6, 1e-15)
OF_BB84 = SessionParameters(protocol="bb84", estimate_bits=0, maps=1)


def block_of_bb84(wrong: int, pulses: int = 40_000_000) -> Bb84Clicks:
    """A click at every tick from 0 on, of the key basis but for the last two."""
    bases = np.array([KEY] * 8 + [TEST, CROSS], np.uint8)
    matched = np.array([True] * 9 + [False])
    return Bb84Clicks(np.arange(10, dtype=np.uint32), bases, matched, np.arange(10) < wrong, pulses)


def test_maps_of_bb84_are_those_of_its_blocks_and_need_no_histogram(clock: list[float]) -> None:
    bench, maps = Bench(), SessionMaps(TICK_PS, PERIOD, OF_BB84)
    assert not maps.due()
    assert maps.view(bench.receiver) is None
    maps.add(block_of_bb84(wrong=2), TERMS)
    assert maps.due()
    first = maps.view(bench.receiver)
    assert first is not None
    assert first is maps.view(bench.receiver)  # drawn once
    assert (first.sifted_hz[0][0], first.qber[0][0]) == (8.0, 2 / 8)
    assert (first.seconds, first.disclosed, first.unproven) == (1.0, 8, False)
    maps.add(block_of_bb84(wrong=0), replace(TERMS, multiphoton_upper=0.0))
    later = maps.view(bench.receiver)
    assert later is not None
    assert (later.qber[0][0], later.seconds, later.unproven) == (2 / 16, 2.0, True)


def test_a_period_that_the_grid_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        SessionMaps(TICK_PS, 1_000, SessionParameters())
    with pytest.raises(ConfigurationError):
        SessionMaps(TICK_PS, 1_000, OF_BB84)


def test_clicks_that_the_host_gates_away_count_as_outside() -> None:
    bench = Bench()
    bench.pass_time(outside_gate=7)
    bench.receiver.counts.outside_gate = 30
    bench.look()
    assert bench.state.snapshot(bench.now_s).losses["outside_gate"] == 37


@pytest.mark.parametrize("protocol", [SessionParameters(), OF_BB84])
@pytest.mark.parametrize(("maps", "gate"), [(0, Gate(50, 1_000)), (1, Gate(0, PERIOD))])
def test_with_maps_the_boards_gate_is_the_whole_period(
    protocol: SessionParameters, maps: int, gate: Gate
) -> None:
    session = replace(protocol, maps=maps)
    settings = BobSettings(port="/dev/null", peer="a:1", store=Path("b"), session=session)
    known = SimpleNamespace(tick_ps=TICK_PS, period_ticks=PERIOD, detectors=4)
    window = Window(Gate(50, 1_000), PERIOD, TICK_PS)
    found = settings_for(settings, cast(Identification, known), window)
    assert {
        Gate(each.gate_start_ticks, each.gate_width_ticks or 0) for each in found.detectors
    } == {gate}

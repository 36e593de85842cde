"""Maps of a session: when they are drawn, from what, and which gate the board has meanwhile."""

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
from hexkey.placed import DisclosedClicks
from hexkey.session.parameters import SessionParameters
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
    bench, maps = Bench(), SessionMaps(TICK_PS, PERIOD)
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
    bench, maps = Bench(), SessionMaps(TICK_PS, PERIOD)
    maps.add(clicks(100))
    assert maps.view(bench.receiver) is None


def test_a_period_that_the_grid_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        SessionMaps(TICK_PS, 1_000)


def test_clicks_that_the_host_gates_away_count_as_outside() -> None:
    bench = Bench()
    bench.pass_time(outside_gate=7)
    bench.receiver.counts.outside_gate = 30
    bench.look()
    assert bench.state.snapshot(bench.now_s).losses["outside_gate"] == 37


@pytest.mark.parametrize(("maps", "gate"), [(0, Gate(50, 1_000)), (1, Gate(0, PERIOD))])
def test_with_maps_the_boards_gate_is_the_whole_period(maps: int, gate: Gate) -> None:
    settings = BobSettings(
        port="/dev/null", peer="a:1", store=Path("b"), session=SessionParameters(maps=maps)
    )
    known = SimpleNamespace(tick_ps=TICK_PS, period_ticks=PERIOD, detectors=2)
    window = Window(Gate(50, 1_000), PERIOD, TICK_PS)
    found = settings_for(settings, cast(Identification, known), window)
    assert {
        Gate(each.gate_start_ticks, each.gate_width_ticks or 0) for each in found.detectors
    } == {gate}

"""Phases by the trigger's edges among free-running tags."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.host.measure.light import in_order, pulsed, tag_file

from hexkey.measure.clicks import Clicks, Times
from hexkey.measure.report import measure_file
from hexkey.measure.triggered import TriggeredPhases, divider_of
from hexkey.tags.period import FEWEST_EDGES
from hexkey.tags.trigger import EDGES_PER_KNOT

PERIOD_PS, DIVIDER, TRIGGER = 12_495.6, 8, 5
DRIFT = 5  # periods that the light falls behind a steady comb, over the run


def drifting(pulse: Times, pulses: int) -> NDArray[np.float64]:
    return pulse * PERIOD_PS + DRIFT * PERIOD_PS * (pulse / pulses) ** 2


def run(pulses: int = 4_000_000) -> tuple[Clicks, NDArray[np.float64], Times]:
    """Return clicks at known phases, the phases in ps, and the edges nearest to some clicks."""
    rng = np.random.default_rng(21)
    pulse = np.flatnonzero(rng.random(pulses) < 0.02)
    phase_ps = rng.uniform(0, PERIOD_PS, len(pulse))
    time_ps = np.rint(drifting(pulse, pulses) + phase_ps).astype(np.int64)
    edge = np.unique(pulse // DIVIDER * DIVIDER)
    edges = np.rint(drifting(edge, pulses) + rng.normal(0, 6, len(edge))).astype(np.int64)
    return Clicks(np.zeros(len(pulse), np.uint8), time_ps), phase_ps, edges


def test_phases_are_those_that_clicks_were_made_with() -> None:
    clicks, phase_ps, edges = run()
    phases = TriggeredPhases(PERIOD_PS, DIVIDER)
    found = []
    for low, high in zip(
        range(0, 4_000_000, 50_000), range(50_000, 4_050_000, 50_000), strict=True
    ):
        first, last = drifting(np.array([low, high]), 4_000_000)
        some = (clicks.time_ps >= first) & (clicks.time_ps < last)
        here = edges[(edges >= first) & (edges < last)]
        found.append(phases.push(Clicks(clicks.channel[some], clicks.time_ps[some]), here)[1])
    found.append(phases.finish()[1])
    located = np.concatenate(found)
    assert len(located) + phases.untriggered == len(clicks)
    assert phases.untriggered < 2 * DIVIDER  # beyond the first and the last edge
    # Those without an edge are the first and the last of all.
    shifts = range(phases.untriggered + 1)
    off = min(
        (
            _circular(located * PERIOD_PS - phase_ps[shift : shift + len(located)])
            for shift in shifts
        ),
        key=lambda each: float(np.abs(each).max()),
    )
    # A knot is the mean of 64 edges with 6 ps each: 5 standard deviations, and the rounding. Half a
    # knot at either end goes on straight from there.
    knot = EDGES_PER_KNOT
    assert np.abs(off[knot:-knot]).max() < 5 * 6 / np.sqrt(knot) + 2
    assert np.abs(off).max() < 60
    assert abs(off.mean()) < 1


def _circular(difference_ps: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.mod(difference_ps + PERIOD_PS / 2, PERIOD_PS) - PERIOD_PS / 2)


def test_divider_is_found_or_refused() -> None:
    edges = run()[2]
    assert divider_of(edges[:20_000], PERIOD_PS) == DIVIDER
    assert divider_of(edges[:20_000], PERIOD_PS / 2) == 2 * DIVIDER
    assert divider_of(edges[:20_000], 1.07 * PERIOD_PS) is None
    assert divider_of(edges[:50], PERIOD_PS) is None
    assert divider_of(np.zeros(500, np.int64), PERIOD_PS) is None


def test_lifetime_by_the_trigger_is_that_of_the_light() -> None:
    """Light of few clicks, whose own phase is too noisy to follow within 30 ps."""
    rng = np.random.default_rng(22)
    light = pulsed(
        rng, pulses=4_000_000, period_ps=PERIOD_PS, g2=0, mean=0.01, lifetime_ps=400, jitter_ps=30
    )
    edge = np.unique(((light.time_ps - 1_000_000) // PERIOD_PS).astype(np.int64) // DIVIDER)
    time = np.rint(edge * DIVIDER * PERIOD_PS + 1e6 - 3_000).astype(np.int64)
    channel = np.concatenate([light.channel, np.full(len(time), TRIGGER, np.uint8)])
    found = measure_file(tag_file(in_order(channel, np.concatenate([light.time_ps, time]))))
    assert found.trigger_channel == TRIGGER
    assert found.phases_by_trigger
    assert len(time) > FEWEST_EDGES
    for one in found.lifetimes.values():
        assert one.lifetime_ps == pytest.approx(400, abs=5 * one.sigma_ps)
        assert one.sigma_ps < 10
        assert one.response_ps == pytest.approx(30, abs=10)

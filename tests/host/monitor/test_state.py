"""What a run shows, from its frames and events: sums over detectors, and disclosed numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.host.monitor.runs import ABOUT, Bench, block, dropped

from hexkey.errors import ChannelError
from hexkey.monitor.state import MonitorState
from hexkey.session.source import SourceCounts
from hexkey.wire import Histogram, Kind

OPENED = {"event": "session", "label": "demonstration", "settled": {}}


def test_rates_are_of_the_last_seconds() -> None:
    bench = Bench()
    for _ in range(10):
        bench.pass_time(0.5, (1_000, 2_000, 500, 500))
    shown = bench.state.snapshot(bench.now_s)
    assert shown.clicks_hz == pytest.approx(8_000)
    assert shown.events_hz == pytest.approx(4_000)
    for _ in range(10):
        bench.pass_time(0.5, (100, 200, 50, 50))
    assert bench.state.snapshot(bench.now_s).clicks_hz == pytest.approx(800)


def test_maps_with_alices_record_are_no_session() -> None:
    alone = MonitorState(replace(ABOUT, protocol="b92", block_bits=0)).snapshot(1.0)
    assert (alone.makes_key, alone.protocol) == (False, "b92")
    assert MonitorState(ABOUT).snapshot(1.0).makes_key


def test_another_run_counts_from_zero_and_rates_stay_positive() -> None:
    bench = Bench()
    for _ in range(4):
        bench.pass_time()
    bench.counters = replace(bench.counters, **dict.fromkeys(bench.counters.__slots__, 0))
    bench.pass_time()
    assert bench.state.snapshot(bench.now_s).clicks_hz is None
    bench.pass_time()
    assert bench.state.snapshot(bench.now_s).clicks_hz == pytest.approx(20_000)


def test_the_histogram_is_summed_over_detectors() -> None:
    bench = Bench()
    counts = np.zeros(250, np.uint32)
    counts[7] = 3
    for detector in range(4):
        bench.frame(Kind.HISTOGRAM, Histogram(detector, 0, 10, counts).encode())
    bench.look()
    shown = bench.state.snapshot(bench.now_s).histogram
    assert shown is not None
    assert (shown.bin_ps, shown.period_ps, shown.counts[7]) == (100.0, 25_000.0, 12)
    assert sum(shown.counts) == 12


def test_no_detector_is_told_apart_while_key_is_made() -> None:
    """Whatever one detector counts more, another less: what is shown is the same."""
    shown = []
    for clicks in ((4_000, 6_000, 5_000, 5_000), (6_000, 4_000, 5_000, 5_000)):
        bench = Bench()
        for _ in range(5):
            bench.pass_time(1.0, clicks)
        said = bench.state.snapshot(bench.now_s).to_json()
        del said["time_unix_s"], said["seconds"]
        shown.append(json.dumps(said))
    assert shown[0] == shown[1]


def test_blocks_give_rates_and_the_leak_they_could_have_borne() -> None:
    state = MonitorState(ABOUT)
    state.event(OPENED, 0.0)
    for number in range(3):
        state.event(block(number), 10.0 * (number + 1))
    state.event(dropped(3, "verification", None), 40.0)
    shown = state.snapshot(41.0)
    assert (shown.blocks_ok, shown.blocks_dropped) == (3, {"verification": 1})
    assert shown.sifted_hz == pytest.approx(3 * 4_000 / 40)
    assert shown.secret_hz == pytest.approx(3 * 1_500 / 40)
    first = shown.blocks[0]
    assert (first.leak_bits, first.leak_limit_bits) == (960, 960 + 1_500 + 512)
    assert shown.blocks[-1].dropped == "verification"
    assert (shown.label, shown.qber) == ("demonstration", 0.03)


def test_accounts_and_the_end_are_shown() -> None:
    state = MonitorState(ABOUT)
    state.accounts(epsilon=1e-8, keys={"stored": 2, "pending": 0, "bits": 9}, tag_keys=100)
    state.ended(ChannelError("the peer closed the connection"))
    shown = state.snapshot()
    assert (shown.epsilon, shown.keys["stored"]) == (1e-8, 2)
    assert (shown.state, shown.message) == ("ended", "the peer closed the connection")
    assert [alarm.name for alarm in shown.alarms] == ["link"]


def test_alices_g2_comes_first_and_bobs_is_no_alarm_of_hers() -> None:
    bench = Bench()
    bench.state.source(SourceCounts(10**8, 2_000, 160_000, 16, 60.0, 0.0), 0.3)
    bench.coincide(900, 1_000)
    alice, bob = bench.state.snapshot(bench.now_s).g2
    assert (alice.where, alice.verdict, alice.needed_s) == ("alice", "single photons", 0)
    assert alice.value == pytest.approx(0.2)
    assert (bob.where, bob.verdict) == ("bob", "degraded")
    assert bench.raised() == {"source": "warning"}


def test_with_b92_bobs_coincidences_are_no_g2() -> None:
    bench = Bench(replace(ABOUT, protocol="b92"))
    bench.coincide(10, 1_000)
    assert bench.state.snapshot(bench.now_s).g2 == ()


def test_nothing_is_said_of_the_trigger_of_a_board_that_is_gone() -> None:
    bench = Bench()
    bench.pass_time()
    assert bench.state.snapshot(bench.now_s).trigger["locked"]
    bench.state.board_gone("plug it in")
    assert bench.state.snapshot(bench.now_s).trigger == {}
    bench.pass_time()
    assert bench.state.snapshot(bench.now_s).trigger["locked"]

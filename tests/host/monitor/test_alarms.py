"""Alarms come when they should, stay while they should, and do not flap."""

import re
from dataclasses import replace

import pytest
from tests.host.monitor.runs import ABOUT, Bench, block, dropped

from hexkey.config import AlarmSettings
from hexkey.errors import ConfigurationError
from hexkey.monitor.alarms import FALL_S, Alarms, Finding
from hexkey.monitor.snapshot import Alarm
from hexkey.monitor.state import stopping
from hexkey.session.source import SourceCounts


def healthy() -> Bench:
    bench = Bench()
    bench.state.event({"event": "session", "label": "demonstration"}, bench.now_s)
    bench.arrive(5_000)
    for _ in range(5):
        bench.pass_time()
    assert bench.raised() == {}
    return bench


def test_a_finding_that_comes_and_goes_is_one_alarm() -> None:
    alarms, one = Alarms(), Finding("qber", "critical", "it is high")
    seen = [len(alarms.update([one] * (k % 2), k / 2, 0.0)) for k in range(20)]
    assert seen == [0] + [1] * 19
    assert alarms.update([], 9.5 + FALL_S, 0.0) == ()


def test_what_does_not_hold_is_not_raised() -> None:
    alarms, one = Alarms(), Finding("saturated", "critical", "it is bright")
    for k in range(21):
        assert alarms.update([one] * (k % 2), k / 2, 0.0) == ()
    raised = [alarms.update([one], 20 + k / 2, 7.0 + k) for k in range(6)]
    assert [len(each) for each in raised] == [0, 0, 0, 0, 1, 1]
    assert raised[4][0].since_unix_s == raised[5][0].since_unix_s == 11.0


def test_the_worse_finding_of_a_name_is_told() -> None:
    both = [Finding("source", "warning", "so"), Finding("source", "critical", "very much so")]
    [alarm] = Alarms().update(both, 0.0, 0.0)
    assert (alarm.severity, alarm.message) == ("critical", "very much so")


def test_a_silent_detector_is_not_named_while_key_is_made() -> None:
    bench = healthy()
    for _ in range(6):
        bench.pass_time(1.0, (5_000, 0, 5_000, 5_000))
        bench.raised()
    assert bench.raised() == {"blinded": "critical"}
    assert bench.message("blinded").startswith("a detector is silent")
    watched = Bench(replace(ABOUT, protocol=None, block_bits=0))
    watched.pass_time()
    for _ in range(6):
        watched.pass_time(1.0, (5_000, 0, 5_000, 5_000))
        watched.raised()
    assert "detector 1 is silent" in watched.message("blinded")


def test_a_faint_detector_is_not_missed() -> None:
    bench = healthy()
    for _ in range(6):
        bench.pass_time(1.0, (40, 40, 40, 0))
        assert bench.raised() == {}


def test_an_input_that_stays_high() -> None:
    bench = healthy()
    for _ in range(3):
        bench.status(stuck=2)
        bench.raised()
    assert bench.raised() == {"blinded": "critical"}


@pytest.mark.parametrize(
    ("clicks", "held"), [((25_000_000, 10, 10, 10), 0), ((5_000,) * 4, 15_000)]
)
def test_saturation_by_dead_time_and_by_hold_off(clicks: tuple[int, ...], held: int) -> None:
    bench = healthy()
    for _ in range(8):
        bench.pass_time(1.0, clicks, ignored_holdoff=held)
        bench.raised()
    assert bench.raised() == {"saturated": "critical"}


def test_a_phase_step_is_seen_and_chance_is_not() -> None:
    bench = healthy()
    for seed in range(20):
        bench.arrive(5_000, 2_000, seed)
        assert bench.raised() == {}
    bench.arrive(5_700)
    assert bench.raised() == {"phase": "critical"}
    # 700 ps, less five deviations of centres of 2,000 and 20,000 clicks that scatter by 300 ps.
    found = re.search(r"arrive \+(\d+) ps", bench.message("phase"))
    assert found
    assert 650 < int(found[1]) < 700
    bench.arrive(5_000)
    bench.now_s += FALL_S + 1
    assert bench.raised() == {}


def test_a_step_across_the_periods_end() -> None:
    bench = Bench()
    bench.arrive(24_800)
    bench.arrive(400)
    assert "phase" in bench.raised()
    bench.arrive(24_800)
    bench.now_s += FALL_S + 1
    assert bench.raised() == {}


@pytest.mark.parametrize(
    ("flags", "severity"),
    [
        ({"trigger_locked": False, "no_trigger": True}, "critical"),
        ({"trigger_locked": False, "off_period": True}, "critical"),
        ({"trigger_locked": False}, "critical"),
        ({"holdover": True}, "warning"),
    ],
)
def test_the_trigger(flags: dict[str, bool], severity: str) -> None:
    bench = healthy()
    bench.status(**flags)
    bench.raised()
    bench.status(**flags)
    assert bench.raised() == {"trigger": severity}


def test_the_qber_until_a_block_is_well_again() -> None:
    bench = healthy()
    bench.state.event(dropped(), bench.now_s)
    assert bench.raised() == {"qber": "critical"}
    assert "20.00%" in bench.message("qber")
    bench.state.event(block(1), bench.now_s + 1)
    bench.now_s += FALL_S + 1
    assert bench.raised() == {}


def test_supplies_run_low() -> None:
    bench = healthy()
    bench.state.accounts(epsilon=0.95e-6, tag_keys=20, reserve=8)
    assert bench.raised() == {"store": "warning", "epsilon": "warning"}
    bench.state.accounts(epsilon=0.5e-6, tag_keys=8, reserve=8)
    assert bench.raised()["store"] == "critical"


def test_blocks_that_are_overdue() -> None:
    bench = healthy()
    for number in range(3):
        bench.now_s += 20
        bench.state.event(block(number), bench.now_s)
    bench.now_s += 90
    assert bench.raised() == {}
    bench.now_s += 20
    assert bench.raised() == {"link": "warning"}


def test_skew_board_and_source() -> None:
    bench = healthy()
    bench.state.event({"event": "skew", "message": "clicks of detector 1 come late"})
    bench.state.source(SourceCounts(10**8, 4_000, 160_000, 16, 60.0, 0.0), 0.3)
    assert bench.raised() == {"source": "critical", "skew": "critical"}
    bench.state.board_gone("its cable was pulled")
    assert "board" in bench.raised()


def test_only_critical_alarms_that_are_listed_stop() -> None:
    alarms = (Alarm("phase", "critical", 0.0, ""), Alarm("source", "warning", 0.0, ""))
    assert stopping(alarms, ("source",)) is None
    assert stopping(alarms, ("source", "phase")) == alarms[0]
    with pytest.raises(ConfigurationError, match="there is no alarm 'sauce'"):
        AlarmSettings(stop=("sauce",))

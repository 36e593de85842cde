"""When alarms come and go: against slow references, and at the edges of each rule."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.host.monitor.runs import ABOUT, Bench

from hexkey.monitor.alarms import (
    EPSILON_NEAR,
    FALL_S,
    FEW_TAG_KEYS,
    LEAST_CLICKS,
    NAMES,
    PHASE_STEP_PS,
    RISE_S,
    Alarms,
    Finding,
    View,
    findings,
)
from hexkey.monitor.rates import Recent
from hexkey.monitor.snapshot import BlockView, G2View, Snapshot
from hexkey.monitor.views import LEAST_EXPECTED

SHOWN = Snapshot(0.0, "receiving", True, 100.0, "bench", qber_abort=0.11, epsilon_limit=1e-6)


@dataclass(frozen=True)
class Look:
    """A look at the run: how long after the one before, and what was found of one name."""

    after_s: float
    severities: tuple[str, ...]


def raised_by_now(looks: list[Look], rise_s: float) -> tuple[float, str] | None:
    """When the alarm was raised that stands at the last look, and its severity; the slow way."""
    times = [sum(look.after_s for look in looks[: k + 1]) for k in range(len(looks))]
    since: float | None = None
    quiet = 0  # the first look that counts for raising it
    severity = ""
    for k, look in enumerate(looks):
        if look.severities:
            severity = min(look.severities)  # "critical" comes before "warning"
        if since is None:
            held = [
                i for i in range(quiet, k + 1) if all(one.severities for one in looks[i : k + 1])
            ]
            if held and times[k] - times[held[0]] >= rise_s:
                since = times[k]
        else:
            there = max(times[i] for i in range(k + 1) if looks[i].severities)
            if times[k] - there >= FALL_S:
                since, quiet = None, k + 1
    return None if since is None else (since, severity)


LOOKS = st.lists(
    st.builds(
        Look,
        st.sampled_from([0.125, 0.25, 0.5, 1.0, 2.0, 5.0]),
        st.sampled_from([(), (), ("warning",), ("critical",), ("warning", "critical")]),
    ),
    min_size=1,
    max_size=25,
)


@settings(deadline=None, max_examples=300)
@given(LOOKS, st.sampled_from(NAMES))
@example([Look(0.5, ("critical",))] * 6, "saturated")
@example([Look(0.5, ("critical",)), *[Look(0.5, ())] * 10], "qber")
def test_alarms_rise_hold_and_fall_as_the_slow_way(looks: list[Look], name: str) -> None:
    alarms, now_s = Alarms(), 0.0
    for place, look in enumerate(looks):
        now_s += look.after_s
        found = [Finding(name, severity, severity) for severity in look.severities]
        raised = alarms.update(found, now_s, 1_000.0 + now_s)
        expected = raised_by_now(looks[: place + 1], RISE_S.get(name, 0.0))
        if expected is None:
            assert raised == ()
        else:
            [alarm] = raised
            assert (alarm.name, alarm.since_unix_s - 1_000.0) == (name, expected[0])
            assert (alarm.severity, alarm.message) == (expected[1], expected[1])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sets(st.sampled_from(NAMES)), max_size=15))
def test_alarms_of_other_names_do_not_matter(found: list[set[str]]) -> None:
    together, alone = Alarms(), {name: Alarms() for name in NAMES}
    for second, names in enumerate(found):
        all_of = [Finding(name, "warning", "") for name in sorted(names)]
        raised = together.update(all_of, second, 0.0)
        each = [
            alarm
            for name in NAMES
            for alarm in alone[name].update([f for f in all_of if f.name == name], second, 0.0)
        ]
        assert list(raised) == each  # in the order of NAMES


# ---- edges of the rules ----------------------------------------------------------------------


def told(**view: Any) -> dict[str, str]:
    shown = view.pop("shown", {})
    return {one.name: one.severity for one in findings(View(replace(SHOWN, **shown), **view))}


def clicks(*each: int, seconds: float = 1.0, held: int = 0) -> Recent:
    return Recent(seconds, each, 0, held)


def block(**said: Any) -> BlockView:
    return replace(BlockView(0, 1.0, 4_000, 0.03, 1_000, 900, 2_000.0), **said)


def g2(where: str, verdict: str, low: float | None = 0.6) -> dict[str, Any]:
    return {"shown": {"g2": (G2View(where, 0.7, low, 0.8, 50, 0.0, verdict),)}}


RESERVE = 8
EDGES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    # saturated: more than half of the time, of the busiest; more than half of the clicks
    ({"recent": clicks(500, 499), "dead_time_ps": 1e9}, {}),
    ({"recent": clicks(499, 501), "dead_time_ps": 1e9}, {"saturated": "critical"}),
    ({"recent": clicks(1_001, 0, seconds=2.0), "dead_time_ps": 1e9}, {"saturated": "critical"}),
    ({"recent": clicks(300, 700, held=500)}, {}),
    ({"recent": clicks(300, 700, held=501)}, {"saturated": "critical"}),
    ({"recent": clicks(0, 0)}, {}),
    # blinded: the others count enough, and it used to have its share
    ({"recent": clicks(0, LEAST_CLICKS), "totals": (1_000, 1_000)}, {"blinded": "critical"}),
    ({"recent": clicks(0, LEAST_CLICKS - 1), "totals": (1_000, 1_000)}, {}),
    ({"recent": clicks(1, LEAST_CLICKS), "totals": (1_000, 1_000)}, {}),
    ({"recent": clicks(0, 10**6), "totals": (5, 95)}, {}),
    ({"recent": clicks(0, 10**6), "totals": (6, 94)}, {"blinded": "critical"}),
    ({"recent": clicks(0, 10**6), "totals": ()}, {}),
    ({"stuck": 8}, {"blinded": "critical"}),
    ({"stuck": 16}, {}),  # the trigger's input, of which the trigger's alarm tells
    # phase, either way
    ({"moved_ps": PHASE_STEP_PS}, {}),
    ({"moved_ps": PHASE_STEP_PS + 1}, {"phase": "critical"}),
    ({"moved_ps": -PHASE_STEP_PS - 1}, {"phase": "critical"}),
    ({"skew": "they are not aligned"}, {"skew": "critical"}),
    # trigger: not before frames come
    ({"shown": {"trigger": {"locked": False}, "state": "starting"}}, {}),
    ({"shown": {"trigger": {"locked": False}}}, {"trigger": "critical"}),
    ({"shown": {"trigger": {"locked": True}}}, {}),
    ({"shown": {"trigger": {"locked": True, "holdover": True}}}, {"trigger": "warning"}),
    # qber: above, not at; or dropped for it; of this session's last block
    ({"last": block(qber=0.11)}, {}),
    ({"last": block(qber=0.1101)}, {"qber": "critical"}),
    ({"last": block(qber=None, dropped="qber")}, {"qber": "critical"}),
    ({"last": block(dropped="verification")}, {}),
    ({"shown": {"blocks": (block(qber=0.5),)}}, {}),
    # source: Alice's word or a block that fell for it; Bob's own clicks only warn
    (g2("alice", "degraded"), {"source": "critical"}),
    (g2("alice", "waiting"), {}),
    (g2("bob", "degraded"), {"source": "warning"}),
    (g2("bob", "degraded", None), {}),
    (g2("bob", "single photons"), {}),
    ({"last": block(qber=None, dropped="source")}, {"source": "critical"}),
    ({**g2("alice", "single photons"), "last": block(dropped="source")}, {"source": "critical"}),
    ({**g2("alice", "single photons"), "last": block()}, {}),
    # epsilon, link, board
    ({"shown": {"epsilon": EPSILON_NEAR * 1e-6 * 0.999}}, {}),
    ({"shown": {"epsilon": EPSILON_NEAR * 1e-6}}, {"epsilon": "warning"}),
    ({"shown": {"epsilon": 1.0, "epsilon_limit": None}}, {}),
    ({"block_due_s": 30.0, "block_age_s": 30.0}, {}),
    ({"block_due_s": 30.0, "block_age_s": 30.1}, {"link": "warning"}),
    ({"block_due_s": None, "block_age_s": 1e9}, {}),
    ({"ended": "the peer is gone"}, {"link": "critical"}),
    ({"ended": "it is gone", "shown": {"state": "board gone"}}, {"board": "critical"}),
    # store: critical where only the reserve is left
    ({"tag_keys": int(FEW_TAG_KEYS * RESERVE) + 1, "reserve": RESERVE}, {}),
    ({"tag_keys": int(FEW_TAG_KEYS * RESERVE), "reserve": RESERVE}, {"store": "warning"}),
    ({"tag_keys": RESERVE + 1, "reserve": RESERVE}, {"store": "warning"}),
    ({"tag_keys": RESERVE, "reserve": RESERVE}, {"store": "critical"}),
    ({"tag_keys": None, "reserve": RESERVE}, {}),
]


@pytest.mark.parametrize(("view", "expected"), EDGES, ids=range(len(EDGES)))
def test_the_edges_of_a_rule(view: dict[str, Any], expected: dict[str, str]) -> None:
    assert told(**view) == expected


def test_each_alarm_has_an_edge() -> None:
    assert {name for _, expected in EDGES for name in expected} == set(NAMES)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 200), st.integers(0, 200))
def test_bobs_own_g2_says_nothing_before_light_at_the_limit_would_show(
    within: int, beside: int
) -> None:
    """So many coincidences at the limit are due first, whatever is counted."""
    bench = Bench(replace(ABOUT, g2_limit=0.5))
    bench.coincide(within, beside)
    [shown] = bench.state.snapshot(bench.now_s).g2
    expected = 0.5 * beside  # `beside` at each of the other lags
    if expected < LEAST_EXPECTED:
        assert shown.verdict == "waiting"
        assert shown.needed_s is None or shown.needed_s > 0
    elif shown.verdict == "degraded":
        assert shown.low is not None
        assert shown.low > 0.5
    elif shown.verdict == "single photons":
        assert shown.high is not None
        assert shown.high <= 0.5

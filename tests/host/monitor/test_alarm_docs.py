"""Every alarm that docs/alarms.md names is raised by frames or events of a run, and goes away."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.host.monitor.runs import LOCKED, Bench, block, dropped

from hexkey.monitor.alarms import FALL_S, NAMES
from hexkey.monitor.snapshot import Alarm
from hexkey.session.source import SourceCounts
from hexkey.wire import Kind

DOCS = Path(__file__).parents[3] / "docs" / "alarms.md"
DOCUMENTED = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE)
OPENED = {"event": "session", "label": "demonstration"}
Act = Callable[[Bench], None]


def source(coincidences: int) -> Act:
    counts = SourceCounts(10**8, coincidences, 160_000, 16, 60.0, 0.0)
    return lambda bench: bench.state.source(counts, 0.3)


def clicks(*each: int) -> Act:
    return lambda bench: bench.pass_time(0.0, each)


def status(**flags: bool) -> Act:
    def act(bench: Bench) -> None:
        bench.frame(Kind.STATUS, replace(LOCKED, **flags).encode())
        bench.look()

    return act


def quiet(bench: Bench) -> None:
    bench.pass_time(0.0)


def arrive(centre_ps: float) -> Act:
    return lambda bench: bench.arrive(centre_ps)


def end_blocks(bench: Bench) -> None:
    bench.state.event(block(0), bench.now_s)
    bench.state.event(block(1), bench.now_s + 1)
    bench.now_s += 40.0


def event(**said: object) -> Act:
    return lambda bench: bench.state.event(said, bench.now_s)


ACTS: dict[str, tuple[str, Act, Act]] = {
    "source": ("critical", source(4_000), source(1_000)),
    "saturated": ("critical", clicks(25_000_000, 9, 9, 9), quiet),
    "blinded": ("critical", clicks(5_000, 0, 5_000, 5_000), quiet),
    "phase": ("critical", arrive(5_900), arrive(5_000)),
    "trigger": ("critical", status(trigger_locked=False, no_trigger=True), status()),
    "qber": ("critical", event(**dropped()), event(**block(1))),
    "skew": ("critical", event(event="skew", message="one is late"), event(**OPENED)),
    "board": ("critical", lambda bench: bench.state.board_gone("pulled"), quiet),
    "link": ("warning", end_blocks, event(**block(2))),
    "store": (
        "critical",
        lambda bench: bench.state.accounts(tag_keys=8, reserve=8),
        lambda bench: bench.state.accounts(tag_keys=80, reserve=8),
    ),
    "epsilon": (
        "warning",
        lambda bench: bench.state.accounts(epsilon=0.95e-6),
        lambda bench: bench.state.accounts(epsilon=0.5e-6),
    ),
}


def test_the_docs_name_all_of_them() -> None:
    assert tuple(DOCUMENTED) == NAMES
    named = re.search(r"name : str\n(.*?)severity", Alarm.__doc__ or "", re.DOTALL)
    assert named is not None
    assert tuple(re.findall(r"``(\w+)``", named[1])) == NAMES


@pytest.mark.parametrize("name", DOCUMENTED)
def test_it_comes_and_goes(name: str) -> None:
    """Seen several times a second, as a run is: it comes once, holds for a while, and is over."""
    severity, cause, end = ACTS[name]
    bench = Bench()
    bench.state.event(OPENED, bench.now_s)
    bench.arrive(5_000)
    for _ in range(5):
        bench.pass_time()
        assert bench.raised() == {}
    course = []
    for _ in range(12):  # where it is of rates, until these are of nothing else
        cause(bench)
        course += bench.look_on(0.5, name)
    assert course == sorted(course), "it flaps"
    assert bench.raised() == {name: severity}
    course = []
    for _ in range(12):
        end(bench)
        course += bench.look_on(1.0, name)
    assert course == sorted(course, reverse=True), "it flaps"
    assert bench.raised() == {}
    if name == "skew":  # another session has ended it, and forgets it at once
        assert not any(course)
    else:
        assert sum(course) * Bench.LOOK_S >= FALL_S - 2 * Bench.LOOK_S


def test_a_blind_detector_stays_so_when_the_gate_changes() -> None:
    """Another run counts from zero, and what used to count is of the one before."""
    bench = Bench()
    for _ in range(5):
        bench.pass_time()
    for _ in range(6):
        bench.pass_time(1.0, (5_000, 0, 5_000, 5_000))
        bench.raised()
    assert bench.raised() == {"blinded": "critical"}
    bench.renew()
    for _ in range(20):
        bench.pass_time(1.0, (5_000, 0, 5_000, 5_000))
        bench.raised()
    assert bench.raised() == {"blinded": "critical"}

"""A role tells of alarms once each; those that are to stop it do, though they be over by then."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.host.monitor.runs import block, dropped
from tests.host.party.watched import Scene, scene
from tests.host.session.harness import TINY

from hexkey.errors import AlarmError
from hexkey.monitor.alarms import FALL_S
from hexkey.party.watching import PUBLISH_EVERY_S
from hexkey.session.block import Session
from hexkey.session.source import SourceCounts
from hexkey.session.tally import Tally

OPENED = {"event": "session", "label": "demonstration"}
BAD = SourceCounts(40_000_000, 4_000, 160_000, 16, 60.0, 0.0)  # g² of 0.4


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    made = scene(tmp_path, monkeypatch, stop=("qber", "epsilon"))
    with made.store:
        made.watching.heard(OPENED)
        made.told.clear()
        yield made


def test_an_alarm_that_comes_and_goes_is_told_once_each(stage: Scene) -> None:
    stage.watching.heard(dropped())
    stage.later(3.0)
    stage.watching.heard(block(1))
    stage.later(FALL_S - 0.5)
    assert stage.names() == ["dropped", "alarm", "block"]
    stage.later(1.0)
    assert stage.names() == ["dropped", "alarm", "block", "alarm-over"]
    alarm, over = stage.told[1], stage.told[3]
    assert (alarm["name"], alarm["severity"], over["name"]) == ("qber", "critical", "qber")
    assert "20.00%" in alarm["message"]


def test_a_warning_that_becomes_critical_is_told_again(stage: Scene) -> None:
    account = stage.watching.state.accounts
    for tag_keys in (20, 19, 8, 7, 19):
        account(tag_keys=tag_keys, reserve=8)
        stage.later(1.0)
    assert [event["severity"] for event in stage.told] == ["warning", "critical"]


def test_only_critical_alarms_of_the_list_stop(stage: Scene) -> None:
    stage.watching.state.accounts(epsilon=0.95e-6, tag_keys=2, reserve=8)
    stage.later(1.0)
    assert {event["name"]: event["severity"] for event in stage.told} == {
        "store": "critical",  # and not in the list
        "epsilon": "warning",
    }
    stage.watching.check()
    stage.watching.heard(dropped())
    with pytest.raises(
        AlarmError, match=r"the alarm 'qber' ended it: the QBER of 20\.00%"
    ) as caught:
        stage.watching.check()
    assert (caught.value.name, caught.value.exit_code) == ("qber", 8)


def test_an_alarm_that_is_over_ends_the_block_it_fell_into(stage: Scene) -> None:
    """Blocks can last for minutes, alarms for seconds."""
    stage.watching.heard(dropped())
    stage.later(1.0)
    stage.watching.heard(block(1))
    stage.later(FALL_S + 1)
    assert stage.names()[-1] == "alarm-over"
    with pytest.raises(AlarmError, match="'qber'"):
        stage.watching.check()


def test_the_next_session_is_not_ended_by_what_is_over(stage: Scene) -> None:
    stage.watching.heard(dropped())
    with pytest.raises(AlarmError):
        stage.watching.check()
    stage.watching.heard(OPENED)
    stage.watching.look()
    stage.watching.check()
    stage.later(FALL_S + 1)
    stage.watching.check()
    stage.later(60.0)
    stage.watching.check()


def test_counts_of_the_source_are_judged_by_the_sessions_limit(stage: Scene) -> None:
    for limit, verdict in ((0.3, "degraded"), (0.5, "single photons")):
        stage.watching.tally = Tally(Session("s", TINY, ("a test",), g2_limit=limit))
        stage.watching.heard({"event": "source", **asdict(BAD)})
        [shown] = stage.watching.look().g2
        assert (shown.where, shown.verdict) == ("alice", verdict)


def test_what_is_left_is_asked_where_it_may_have_changed(stage: Scene) -> None:
    assert stage.watching.tag_keys == 40
    stage.store.draw_send_key()
    stage.watching.heard({"event": "receiving"})
    assert stage.watching.tag_keys == 40
    stage.watching.heard(block())
    assert stage.watching.tag_keys == 39
    assert stage.watching.look().keys == {"stored": 0, "pending": 0, "bits": 0}


def test_snapshots_are_shown_some_times_a_second(stage: Scene) -> None:
    seen = []
    for _ in range(100):
        stage.watching.publish()
        stage.clock.now_s += 0.01
        seen.append(stage.hub.latest())
    shown = [id(one) for one in seen if one is not None]
    assert 1 / PUBLISH_EVERY_S <= len(set(shown)) <= 1 / PUBLISH_EVERY_S + 1

"""What is counted at Alice's source: carried under tags, judged alike, and without it no key."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from tests.host.session.harness import (
    SMALL_BB84,
    TINY,
    Outcome,
    Parties,
    Traffic,
    make_parties,
    run_session,
)

from hexkey.errors import AlarmError, AuthenticationError, ChannelError, DeviceError, ProtocolError
from hexkey.session.channel import Channel
from hexkey.session.messages import Type
from hexkey.session.parameters import AliceStatement, SessionParameters
from hexkey.session.source import SourceCounts, judge
from hexkey.store import Store, compare

GOOD = SourceCounts(40_000_000, 2_000, 160_000, 16, 60.0, 0.0)  # g² of 0.2
BAD = replace(GOOD, coincidences=4_000)
LIMIT = 0.3
BOTH = pytest.mark.parametrize("parameters", [TINY, SMALL_BB84], ids=["b92", "bb84"])


def says_limit(parties: Parties, limit: float = LIMIT) -> AliceStatement:
    alice = 0.7 if parties.parameters.protocol == "bb84" else 0.0
    return AliceStatement("r", "random", ("a test",), alice, g2_limit=limit)


def run(parties: Parties, source: Callable[[], SourceCounts], **how: Any) -> Outcome:
    return run_session(parties, alice_says=says_limit(parties), source=source, **how)


def no_key(parties: Parties) -> bool:
    for path in (parties.alice_store, parties.bob_store):
        with Store.open(path, read_only=True) as store:
            if store.keys():
                return False
    return True


@BOTH
def test_counts_arrive_at_bob_and_keys_are_equal(
    tmp_path: Path, parameters: SessionParameters
) -> None:
    parties, traffic = make_parties(tmp_path, blocks=2, parameters=parameters), Traffic()
    events: list[dict[str, Any]] = []
    outcome = run(parties, lambda: GOOD, traffic=traffic, heard=events.append)
    assert outcome.alice_error is outcome.bob_error is None
    found = compare(parties.alice_store, parties.bob_store)
    assert (found.equal, found.common) == (True, 2)
    told = [event for event in events if event["event"] == "source"]
    assert told == [{"event": "source", **asdict(GOOD)}] * 2


@BOTH
def test_a_degraded_source_makes_no_key_and_stays_degraded(
    tmp_path: Path, parameters: SessionParameters
) -> None:
    parties = make_parties(tmp_path, blocks=3, parameters=parameters)
    course: Iterator[SourceCounts] = iter([GOOD, BAD, GOOD])
    outcome = run(parties, lambda: next(course))
    assert outcome.alice is not None
    assert outcome.bob is not None
    for tally in (outcome.alice, outcome.bob):
        assert (len(tally.blocks), dict(tally.dropped)) == (1, {"source": 2})
    assert compare(parties.alice_store, parties.bob_store).common == 1


class Altering:
    """Delivers the first SOURCE with one coincidence less."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, kind: Type, body: bytes) -> None:
        self._channel.send(kind, body)

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        kind, body = self._channel.receive(timeout_s)
        if kind is Type.SOURCE:
            counts = SourceCounts.decode(body)
            body = replace(counts, coincidences=counts.coincidences - 1).encode()
        return kind, body

    def close(self) -> None:
        self._channel.close()


@BOTH
def test_altered_counts_fail_the_tag_and_are_told_to_nobody(
    tmp_path: Path, parameters: SessionParameters
) -> None:
    parties = make_parties(tmp_path, parameters=parameters)
    events: list[dict[str, Any]] = []
    outcome = run(parties, lambda: GOOD, wrap_bob=Altering, heard=events.append)
    errors = (outcome.alice_error, outcome.bob_error)
    assert any(isinstance(error, AuthenticationError) for error in errors), errors
    assert not [event for event in events if event["event"] in ("source", "block")]
    assert no_key(parties)


def test_a_source_that_is_not_counted_any_more_ends_the_session(tmp_path: Path) -> None:
    def gone() -> SourceCounts:
        raise DeviceError("Alice's source is not counted any more")

    parties = make_parties(tmp_path, parameters=TINY)
    outcome = run(parties, gone)
    assert isinstance(outcome.alice_error, DeviceError)
    assert isinstance(outcome.bob_error, ChannelError)
    assert "not counted any more" in str(outcome.bob_error)
    assert no_key(parties)


@pytest.mark.parametrize(
    ("whose", "looks"), [("alice", 0), ("alice", 1), ("bob", 0), ("bob", 1), ("bob", 2)]
)
def test_an_alarm_ends_the_session_before_the_key(tmp_path: Path, whose: str, looks: int) -> None:
    """Whenever it comes: nothing is stored, nothing pending, and the peer is told why."""
    left = [looks]

    def check() -> None:
        if left[0] == 0:
            raise AlarmError("phase", "the alarm 'phase' ended it")
        left[0] -= 1

    parties = make_parties(tmp_path, parameters=TINY)
    checks = {f"{whose}_check": check}
    outcome = run_session(parties, **checks)  # type: ignore[arg-type]  # one of two names
    mine, other = outcome.alice_error, outcome.bob_error
    if whose == "bob":
        mine, other = other, mine
    assert isinstance(mine, AlarmError)
    assert isinstance(other, ChannelError)
    assert "the peer refused: the alarm 'phase' ended it" in str(other)
    assert no_key(parties)
    again = run_session(replace(parties, chunks=()))
    assert again.alice_error is again.bob_error is None
    assert no_key(parties)


def test_the_upper_bound_is_judged_once_there_is_enough() -> None:
    assert judge(GOOD, LIMIT).word == "single photons"
    assert judge(BAD, LIMIT).word == "degraded"
    waits = judge(replace(BAD, needed_s=3.0), LIMIT)
    assert (waits.word, waits.needed_s) == ("waiting", 3.0)
    # Not shown to be good is not good: 0.29 with a bound above 0.3.
    assert judge(replace(GOOD, coincidences=2_900), LIMIT).word == "degraded"
    assert judge(SourceCounts(0, 0, 0, 16, 0.0, 5.0), LIMIT).word == "waiting"


@pytest.mark.parametrize("others", [0, 160])
def test_a_stretch_that_shows_too_little_makes_no_key(others: int) -> None:
    """A tap that went dark, or counts so few that they bound nothing, does not wait for ever."""
    assert judge(SourceCounts(40_000_000, 0, others, 16, 60.0, 0.0), LIMIT).word == "degraded"


@pytest.mark.parametrize(
    "body", [b"", GOOD.encode()[:-1], GOOD.encode()[:-8] + b"\xff" * 8, bytes(42)]
)
def test_counts_that_make_no_sense_are_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="SOURCE message"):
        SourceCounts.decode(body)

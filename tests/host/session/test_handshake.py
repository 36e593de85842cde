"""Who is let in, on what terms; and what those cost who are not."""

import shutil
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    BOB_SAYS,
    TINY,
    Outcome,
    Parties,
    Traffic,
    alice_side,
    bob_side,
    make_parties,
    pools_agree,
    run_session,
    without_clicks,
)

from hexkey.config import AliceSettings
from hexkey.errors import (
    AuthenticationError,
    ChannelError,
    HexkeyError,
    InputError,
    PoolError,
    ProtocolError,
)
from hexkey.party import alice as party
from hexkey.session.channel import Channel, SocketChannel, connect, local_pair
from hexkey.session.conversation import LiveConversation
from hexkey.session.handshake import UNIT
from hexkey.session.messages import Type, encode_json
from hexkey.session.parameters import SessionParameters
from hexkey.store import RESERVE, Store, compare

PULSES = 20_000
FORGED_TAG = bytes(24)


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return make_parties(tmp_path, parameters=TINY, pulses=PULSES)


def hello(pool: str, **changed: Any) -> bytes:
    fields = {
        "version": 5,
        "software": "0",
        "pool": pool,
        "parameters": TINY.to_json(),
        "statement": asdict(BOB_SAYS),
        "nonce": "6e" * 16,
    }
    return encode_json({**fields, **changed})


def pool_of(parties: Parties) -> str:
    with Store.open(parties.alice_store, read_only=True) as store:
        return store.pool_id


@contextmanager
def alice_awaits(parties: Parties, outcome: Outcome) -> Iterator[SocketChannel]:
    """Run Alice in a thread; the body plays Bob on a bare channel."""
    hers, ours = local_pair()

    def run() -> None:
        try:
            with hers:
                outcome.alice = alice_side(parties, hers, reply_timeout_s=2.0)
        except BaseException as error:  # the test looks at it
            outcome.alice_error = error

    thread = threading.Thread(target=run)
    thread.start()
    with ours:
        yield ours
    thread.join()


def strangers_answer(parties: Parties, *said: tuple[Type, bytes]) -> tuple[Outcome, list[Any]]:
    """Say something to Alice without the pool; return how it ended and what she answered."""
    outcome, heard = Outcome(), []
    with alice_awaits(parties, outcome) as channel:
        for kind, body in said:
            channel.send(kind, body)
        with suppress(ChannelError):
            while True:
                heard.append(channel.receive(2.0))
    return outcome, heard


@contextmanager
def authentic_bob(parties: Parties, **changed: Any) -> Iterator[tuple[Outcome, LiveConversation]]:
    """Say a HELLO of one's own making with a tag that verifies."""
    outcome = Outcome()
    with (
        Store.open(parties.bob_store) as store,
        alice_awaits(parties, outcome) as channel,
    ):
        talk = LiveConversation(channel, store, BOB, reply_timeout_s=2.0)
        talk.begin(UNIT)
        talk.send(Type.HELLO, hello(store.pool_id, **changed))
        talk.send_tag()
        yield outcome, talk


class Intercepted:
    """A channel of Alice's on which everything is caught before it reaches her."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, kind: Type, body: bytes) -> None:
        raise AssertionError("she has nothing to answer")

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        for _ in ("HELLO", "TAG"):
            self._channel.receive(timeout_s)
        raise ChannelError("the peer closed the connection.")

    def close(self) -> None:
        self._channel.close()


def remaining(path: Path) -> tuple[int, int]:
    with Store.open(path, read_only=True) as store:
        return store.remaining()


# ---- refused before any tag is looked at ---------------------------------------------------


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        (1, "version 1 "),
        (2, "version 2 "),
        (3, "version 3 "),
        (4, "version 4 "),
        ("1\x1b[2J", "unknown"),
        (10**9, "unknown"),
    ],
)
def test_another_version_is_refused_by_number(parties: Parties, version: Any, shown: str) -> None:
    body = hello(pool_of(parties), version=version)
    outcome, heard = strangers_answer(parties, (Type.HELLO, body), (Type.TAG, FORGED_TAG))
    [(kind, sentence)] = heard
    assert kind is Type.REFUSE
    assert shown in sentence.decode()
    assert isinstance(outcome.alice_error, ChannelError)
    assert str(outcome.alice_error).isprintable()


def test_another_pool_is_refused(parties: Parties) -> None:
    _, heard = strangers_answer(parties, (Type.HELLO, hello("0" * 32)), (Type.TAG, FORGED_TAG))
    [(kind, sentence)] = heard
    assert kind is Type.REFUSE
    assert "pools do not belong together" in sentence.decode()


@pytest.mark.parametrize(
    "said",
    [
        [(Type.HELLO, b"[" * 60_000)],
        [(Type.HELLO, b"\x00\xff")],
        [(Type.WELCOME, b"{}")],
        [(Type.DROP, b"qber")],
        [(Type.BYE, b"")],
        [(Type.QUERY, bytes(1000))],
    ],
    ids=["nested", "garbage", "welcome", "drop", "bye", "query"],
)
def test_anything_but_a_hello_is_answered_by_silence(
    parties: Parties, said: list[tuple[Type, bytes]]
) -> None:
    outcome, heard = strangers_answer(parties, *said)
    assert heard == []
    assert isinstance(outcome.alice_error, ProtocolError)


# ---- refused by the tag --------------------------------------------------------------------


def test_forged_hellos_are_not_answered_and_burn_nothing(parties: Parties) -> None:
    before = remaining(parties.alice_store)
    for index in (0, 5, 39, 40, 2**64 - 1):
        tag = index.to_bytes(8, "little") + bytes(16)
        outcome, heard = strangers_answer(
            parties, (Type.HELLO, hello(pool_of(parties))), (Type.TAG, tag)
        )
        assert heard == []
        assert isinstance(outcome.alice_error, AuthenticationError)
    assert remaining(parties.alice_store) == before
    assert run_session(parties).bob_error is None


def test_the_hello_of_an_earlier_session_is_not_taken_again(parties: Parties) -> None:
    traffic = Traffic()
    run_session(parties, traffic=traffic)
    old, tag = traffic.bodies(BOB, Type.HELLO)[0], traffic.bodies(BOB, Type.TAG)[0]
    before = remaining(parties.alice_store)
    outcome, heard = strangers_answer(parties, (Type.HELLO, old), (Type.TAG, tag))
    assert heard == []
    assert isinstance(outcome.alice_error, PoolError)
    assert "replay" in str(outcome.alice_error)
    assert remaining(parties.alice_store) == before


def test_a_hello_kept_from_alice_and_given_later_opens_nothing(parties: Parties) -> None:
    """Its key is unused at Alice's, so she answers; but nobody can settle with her nonce."""
    traffic = Traffic()

    run_session(parties, wrap_alice=Intercepted, traffic=traffic)
    kept, tag = traffic.bodies(BOB, Type.HELLO)[0], traffic.bodies(BOB, Type.TAG)[0]
    outcome, heard = strangers_answer(
        parties, (Type.HELLO, kept), (Type.TAG, tag), (Type.SETTLE, b"{}"), (Type.TAG, tag)
    )
    assert [kind for kind, _ in heard] == [Type.WELCOME, Type.TAG]
    assert isinstance(outcome.alice_error, PoolError)
    assert run_session(parties, nonce=b"m" * 16).bob_error is None
    assert pools_agree(parties)


@pytest.mark.parametrize("restored", [ALICE, BOB])
def test_a_store_restored_from_a_backup_is_told_apart(
    parties: Parties, tmp_path: Path, restored: int
) -> None:
    path = (parties.alice_store, parties.bob_store)[restored]
    shutil.copy(path, tmp_path / "backup")
    traffic = Traffic()
    assert run_session(parties, traffic=traffic).bob_error is None
    shutil.copy(tmp_path / "backup", path)
    outcome = run_session(parties.later(), traffic=traffic, nonce=b"m" * 16)
    error = outcome.bob_error if restored == ALICE else outcome.alice_error
    assert isinstance(error, PoolError)
    assert "restored from a backup" in str(error)
    assert not compare(parties.alice_store, parties.bob_store).differing
    for sender, most in ((ALICE, restored == ALICE), (BOB, restored == BOB)):
        numbers = traffic.tag_numbers(sender)
        # A restored pool cannot know what it burnt: one tag is made twice, and it opens nothing.
        assert len(numbers) - len(set(numbers)) == most


# ---- refused by authentic terms ------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"block_bits": 1_001},
        {"eps_pa": 1e-9},
        {"refill_to_bob": 3},
        {"qber_abort": 0.12, "estimate_bits": 80},
    ],
)
def test_parameters_that_differ_are_named_to_both(parties: Parties, changes: Any) -> None:
    outcome = run_session(parties, alice_parameters=replace(TINY, **changes))
    for error in (outcome.alice_error, outcome.bob_error):
        assert isinstance(error, ChannelError)
        for name, value in changes.items():
            assert f"{name} is {value} at Alice and {getattr(TINY, name)} at Bob" in str(error)


def test_a_parameter_that_only_one_side_knows_is_a_difference() -> None:
    theirs = {**SessionParameters().to_json(), "decoy": 1}
    del theirs["reconciler"]
    found = SessionParameters().differences(theirs)
    assert "decoy is unknown at Alice and 1 at Bob" in found
    assert "reconciler is auto at Alice and unknown at Bob" in found


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "6e"},
        {"nonce": 7},
        {"nonce": "6E" * 16},
        {"statement": {}},
        {"statement": {**asdict(BOB_SAYS), "run": "7"}},
        {"statement": {**asdict(BOB_SAYS), "reasons": "none"}},
    ],
)
def test_a_hello_that_makes_no_sense_is_refused_though_authentic(
    parties: Parties, changed: dict[str, Any]
) -> None:
    with authentic_bob(parties, **changed) as (outcome, talk), suppress(ChannelError):
        talk.expect(Type.WELCOME)
    assert isinstance(outcome.alice_error, ProtocolError)


@pytest.mark.parametrize(
    "committed", [["a key of nobody"], [["nested"]], [None], "text", {"a": 1}, None]
)
def test_a_settle_of_keys_that_are_not_pending_is_refused(parties: Parties, committed: Any) -> None:
    with authentic_bob(parties) as (outcome, talk):
        talk.expect(Type.WELCOME)
        talk.expect_tag()
        talk.send(Type.SETTLE, encode_json({"committed": committed}))
        talk.send_tag()
    assert isinstance(outcome.alice_error, ProtocolError)
    assert "SETTLE" in str(outcome.alice_error)


# ---- the reserve ---------------------------------------------------------------------------


def test_alice_begins_no_block_that_her_pool_cannot_settle(tmp_path: Path) -> None:
    """Bob's direction is refilled and hers is not: it is she who must stop in time."""
    parameters = replace(TINY, block_bits=2_500, refill_to_alice=3)
    parties = make_parties(
        tmp_path, blocks=5, parameters=parameters, tag_keys=RESERVE + 5, pulses=PULSES
    )
    outcome = run_session(parties)
    assert isinstance(outcome.alice_error, PoolError)
    assert isinstance(outcome.bob_error, ChannelError)
    assert "Alice's authentication pool" in str(outcome.bob_error)
    assert remaining(parties.alice_store)[0] == RESERVE
    found = compare(parties.alice_store, parties.bob_store)
    assert found.equal
    assert found.common == 3  # of 13 keys two opened and aligned, and 8 are the reserve
    assert run_session(without_clicks(parties), nonce=b"m" * 16).bob_error is None


def test_bob_is_told_that_alice_refuses_pulses(parties: Parties) -> None:
    assert run_session(parties).bob_error is None
    again = run_session(parties, nonce=b"m" * 16)
    assert isinstance(again.alice_error, InputError)
    assert isinstance(again.bob_error, ChannelError)
    assert "Alice's record" in str(again.bob_error)
    assert str(parties.folder) not in str(again.bob_error)


# ---- the process that listens --------------------------------------------------------------


class Service(threading.Thread):
    """`hexkey alice` in a thread, for a number of sessions."""

    def __init__(self, parties: Parties, sessions: int) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self._listening = threading.Event()
        self._settings = AliceSettings(
            alice_record=parties.record,
            listen="127.0.0.1:0",
            store=parties.alice_store,
            sessions=sessions,
            session=parties.parameters,
        )
        self.start()
        assert self._listening.wait(10.0)
        self.address = str(self.events[0]["address"])

    def run(self) -> None:
        self.reports = party.serve(self._settings, self._note)

    def _note(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._listening.set()

    @property
    def failures(self) -> list[str]:
        return [str(event["error"]) for event in self.events if event["event"] == "failed"]


def call(service: Service, talk: Callable[[SocketChannel], object]) -> str:
    """Connect; return the sentence that ended it, if one did."""
    try:
        with connect(service.address) as channel:
            talk(channel)
    except HexkeyError as error:
        return str(error)
    return ""


def test_failed_handshakes_are_answered_ever_more_slowly(parties: Parties) -> None:
    pool = pool_of(parties)
    service = Service(parties, sessions=5)

    def forge(channel: SocketChannel) -> None:
        channel.send(Type.HELLO, hello(pool))
        channel.send(Type.TAG, FORGED_TAG)
        channel.receive(5.0)

    def honest(channel: SocketChannel) -> None:
        bob_side(without_clicks(parties), channel)

    assert "closed" in call(service, forge)
    start = time.monotonic()
    assert "too many attempts failed" in call(service, honest)  # he reads it: not cut off
    time.sleep(max(0.0, 1.1 + start - time.monotonic()))
    assert "closed" in call(service, forge)  # the second failure: now two seconds
    start = time.monotonic()
    time.sleep(1.2)
    assert "too many attempts failed" in call(service, honest)
    time.sleep(max(0.0, 2.1 + start - time.monotonic()))
    assert call(service, honest) == ""
    service.join()
    assert [("does not verify" in each, "too many" in each) for each in service.failures] == [
        *((True, False), (False, True), (True, False), (False, True))
    ]
    assert len(service.reports) == 1
    with Store.open(parties.alice_store) as store:
        assert store.seconds_until_next_attempt() == 0.0


def test_a_stranger_does_not_end_the_service(parties: Parties) -> None:
    service = Service(parties, sessions=4)
    for said in (b"[" * 60_000, b"{}", b""):
        call(service, lambda channel, said=said: channel.send(Type.HELLO, said))  # type: ignore[misc]
    assert call(service, lambda channel: bob_side(parties, channel)) == ""
    service.join()
    assert len(service.failures) == 3
    assert compare(parties.alice_store, parties.bob_store).common == 1


def test_a_flood_over_tcp_takes_neither_memory_nor_the_service(parties: Parties) -> None:
    service = Service(parties, sessions=2)
    flood = (b"\0\0\1\0" + bytes((Type.HELLO,)) + b" " * (64 << 10)) * 16

    def pour(channel: SocketChannel) -> None:
        with suppress(OSError):
            for _ in range(200):
                channel._socket.sendall(flood)

    tracemalloc.start()
    call(service, pour)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert call(service, lambda channel: bob_side(parties, channel)) == ""
    service.join()
    assert len(service.failures) == 1
    assert "HELLO" in service.failures[0]
    assert compare(parties.alice_store, parties.bob_store).common == 1

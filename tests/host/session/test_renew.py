"""RENEW ends a session and opens another on the same connection: what others can make of it.

Alice is her process's own function; Bob is the session's, with keys and clicks of a test.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    BOB_SAYS,
    TINY,
    Parties,
    Traffic,
    make_parties,
)
from tests.host.session.test_tamper import (
    PULSES,
    Message,
    Spoil,
    Spoiler,
    Spot,
    drop,
    duplicate,
    flip,
    forge,
    is_a_sentence,
    settle,
    swap,
    truncate,
)
from tests.host.session.test_tamper import name as spot_name

from hexkey.config import AliceSettings, load
from hexkey.errors import ChannelError, HexkeyError
from hexkey.party import alice as alice_party
from hexkey.receiver import SiftedChunk
from hexkey.session.bob import Bob
from hexkey.session.channel import SocketChannel, connect
from hexkey.session.conversation import LiveConversation
from hexkey.session.handshake import bob_handshake
from hexkey.session.messages import Type
from hexkey.session.tally import Tally
from hexkey.store import RESERVE, Store, compare

PARAMETERS = replace(TINY, block_bits=1_500, refill_to_alice=1, refill_to_bob=1)
PATIENCE_S = 20.0


@dataclass
class Hers:
    """Alice's process, as far as it is seen from outside."""

    address: str
    events: list[dict[str, Any]] = field(default_factory=list)
    error: BaseException | None = None
    spoilers: list[Spoiler] = field(default_factory=list)

    def of(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


@contextmanager
def served(
    parties: Parties,
    monkeypatch: pytest.MonkeyPatch,
    attack: tuple[Spot, Spoil] | None = None,
    traffic: Traffic | None = None,
) -> Iterator[Hers]:
    """Serve one connection; what crosses it to Alice may be spoilt."""
    witness = traffic.witness(ALICE) if traffic else None
    hers = Hers("")

    class Talk(LiveConversation):
        def __init__(self, *how: Any) -> None:
            channel, store, sender = how
            super().__init__(channel, store, sender, witness, PATIENCE_S)

    class Channel(SocketChannel):
        """Spoils what is received of another channel on the same socket."""

        def __init__(self, connected: Any) -> None:
            super().__init__(connected)
            plain: Any = SocketChannel(connected)
            if attack is not None:
                plain = Spoiler(plain, *attack)
                hers.spoilers.append(plain)
            self._source = plain

        def receive(self, timeout_s: float) -> Message:
            message: Message = self._source.receive(timeout_s)
            return message

    monkeypatch.setattr(alice_party, "LiveConversation", Talk)
    monkeypatch.setattr(alice_party, "SocketChannel", Channel)
    values = {
        **{"alice_record": parties.record, "store": parties.alice_store, "sessions": 1},
        **{"listen": "127.0.0.1:0", "session": asdict(parties.parameters)},
    }
    settings = load(AliceSettings, None, values, {})
    ready: queue.SimpleQueue[str] = queue.SimpleQueue()

    def heard(event: dict[str, Any]) -> None:
        hers.events.append(event)
        if event["event"] == "listening":
            ready.put(event["address"])

    def run() -> None:
        try:
            alice_party.serve(settings, heard)
        except BaseException as error:
            hers.error = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    hers.address = ready.get(timeout=30)
    try:
        yield hers
    finally:
        thread.join(30)
        assert not thread.is_alive()


class Course:
    """Clicks of a session, at whose end another one may be wanted."""

    def __init__(self, chunks: Sequence[SiftedChunk], more: bool) -> None:
        self._chunks = chunks
        self._more = more
        self._over = False

    def __iter__(self) -> Iterator[SiftedChunk]:
        yield from self._chunks
        self._over = True

    def renew(self) -> bool:
        return self._over and self._more


def bob_renews(
    parties: Parties,
    address: str,
    courses: Sequence[Sequence[SiftedChunk]],
    traffic: Traffic | None = None,
    epsilon_kept: bool = True,
) -> tuple[list[Tally], HexkeyError | None]:
    """Run a session for each of `courses`, all on one connection, as far as that goes."""
    tallies: list[Tally] = []
    try:
        _bob_renews(parties, address, courses, traffic, epsilon_kept, tallies)
    except HexkeyError as error:
        return tallies, error
    return tallies, None


def _bob_renews(
    parties: Parties,
    address: str,
    courses: Sequence[Sequence[SiftedChunk]],
    traffic: Traffic | None,
    epsilon_kept: bool,
    tallies: list[Tally],
) -> None:
    witness, epsilon = traffic.witness(BOB) if traffic else None, 0.0
    with Store.open(parties.bob_store) as store, connect(address) as channel:
        for place, chunks in enumerate(courses):
            talk = LiveConversation(channel, store, BOB, witness, PATIENCE_S)
            nonce = place.to_bytes(8, "big") + b"renewing"
            greeting = bob_handshake(talk, store, parties.parameters, BOB_SAYS, nonce)
            tally = Tally(greeting.session, epsilon_before=epsilon)
            tallies.append(tally)
            course = Course(chunks, place + 1 < len(courses))
            bob = Bob(talk, greeting.session, store, tally, lambda event: None, renew=course.renew)
            bob.run(course)
            epsilon = tally.epsilon_total if epsilon_kept else 0.0


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return make_parties(
        tmp_path_factory.mktemp("origin"), parameters=PARAMETERS, tag_keys=40, pulses=PULSES
    )


@dataclass(frozen=True)
class Ended:
    """What became of either side."""

    hers: Hers
    tallies: list[Tally]
    error: HexkeyError | None


def run(
    parties: Parties,
    monkeypatch: pytest.MonkeyPatch,
    attack: tuple[Spot, Spoil] | None = None,
    traffic: Traffic | None = None,
    **how: Any,
) -> Ended:
    """Two sessions with clicks on one connection."""
    courses = how.pop("courses", (parties.chunks, parties.later().chunks))
    with served(parties, monkeypatch, attack, traffic) as hers:
        tallies, error = bob_renews(parties, hers.address, courses, traffic, **how)
    if attack is not None:
        assert hers.spoilers[0].struck, "the sessions never came to this message"
    for each in (hers.error, error):
        assert each is None or is_a_sentence(each), repr(each)
    return Ended(hers, tallies, error)


def test_a_session_follows_on_the_connection(
    origin: Parties, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parties, traffic = origin.copy(tmp_path), Traffic()
    ended = run(parties, monkeypatch, traffic=traffic)
    assert ended.hers.error is ended.error is None
    assert compare(parties.alice_store, parties.bob_store).common == 2
    first, second = (event["report"] for event in ended.hers.of("report"))
    assert second["epsilon"]["total"] > first["epsilon"]["total"] + second["epsilon"]["sec"]
    assert [tally.session.session_id for tally in ended.tallies] != [
        ended.tallies[0].session.session_id
    ] * 2
    settle(parties, traffic)


@pytest.mark.parametrize(
    "spoil",
    [
        *(flip, drop, duplicate, swap, truncate, forge(Type.BYE, b"")),
        *(forge(Type.REFUSE, b"\x1b[2Jno\n"), forge(Type.HELLO, b"{}"), forge(Type.ALIGN, b"")),
    ],
    ids=[
        *("flip", "drop", "duplicate", "swap", "truncate", "BYE", "REFUSE", "HELLO", "ALIGN"),
    ],
)
def test_a_spoilt_renewal_only_ends_it(
    origin: Parties, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Spoil
) -> None:
    """The first session's key stays, and Bob is told by whatever comes, or by silence."""
    parties, traffic = origin.copy(tmp_path), Traffic()
    ended = run(parties, monkeypatch, ((BOB, Type.RENEW, 0), spoil), traffic)
    assert isinstance(ended.error, ChannelError)
    assert len(ended.tallies) == 1
    settle(parties, traffic)
    assert compare(parties.alice_store, parties.bob_store).common == 1


FORGED: list[Spot] = [
    *((BOB, Type.HELLO, 0), (BOB, Type.SETTLE, 0), (BOB, Type.ALIGN, 0), (BOB, Type.TAG, 2)),
    *((BOB, Type.ANNOUNCE, 0), (BOB, Type.SAMPLE_BITS, 0), (BOB, Type.QUERY, 5)),
    *((BOB, Type.VERIFIED, 0), (BOB, Type.CONFIRM, 0), (BOB, Type.TAG, 4)),
    *((BOB, Type.COMMIT, 0), (BOB, Type.TAG, 5), (BOB, Type.BYE, 0)),
]
FIRST_KEY = [(BOB, Type.COMMIT, 0), (BOB, Type.TAG, 5)]  # from here on Bob's is final


@pytest.mark.parametrize("spot", FORGED, ids=spot_name)
def test_a_forged_renewal_only_ends_a_session(
    origin: Parties, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spot: Spot
) -> None:
    parties, traffic = origin.copy(tmp_path), Traffic()
    ended = run(parties, monkeypatch, (spot, forge(Type.RENEW, b"")), traffic)
    assert isinstance(ended.hers.error, ChannelError)
    settle(parties, traffic)
    made = 2 if spot[1] is Type.BYE else int(spot in FIRST_KEY)
    assert compare(parties.alice_store, parties.bob_store).common == made


def test_a_replayed_handshake_after_a_forged_renewal_costs_nothing(
    origin: Parties, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever renews without the pool makes Alice draw no key, whatever he heard before."""
    parties, traffic = origin.copy(tmp_path), Traffic()
    run(parties, monkeypatch, traffic=traffic, courses=((),))
    hello, tag = traffic.bodies(BOB, Type.HELLO)[0], traffic.bodies(BOB, Type.TAG)[0]
    with Store.open(parties.alice_store, read_only=True) as store:
        before = store.remaining()

    def replay(spoiler: Spoiler, message: Message) -> list[Message]:
        return [(Type.RENEW, b""), (Type.HELLO, hello), (Type.TAG, tag)] * 3

    ended = run(parties, monkeypatch, ((BOB, Type.BYE, 0), replay), traffic, courses=((),))
    assert "was already used: a replay" in str(ended.hers.error)
    with Store.open(parties.alice_store, read_only=True) as store:
        assert store.remaining() == (before[0] - 1, before[1] - 2)  # of the session that was real
        assert store.seconds_until_next_attempt() > 0
    settle(parties, traffic)


def test_renewing_for_ever_leaves_the_reserve(
    origin: Parties, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parties, traffic = origin.copy(tmp_path), Traffic()
    with Store.open(parties.alice_store) as store:
        while store.remaining()[0] > RESERVE + 5:
            store.draw_send_key()
    ended = run(parties, monkeypatch, traffic=traffic, courses=((),) * 10_000)
    assert len(ended.tallies) == 3  # each of them could have aligned and begun a block
    assert len(traffic.bodies(BOB, Type.HELLO)) == 4  # the last one without an answer
    assert "Alice's authentication pool is down to" in str(ended.hers.error)
    [refusal] = traffic.bodies(ALICE, Type.REFUSE)
    assert b"Alice's authentication pool" in refusal
    assert "the peer refused: Alice's authentication pool" in str(ended.error)
    with Store.open(parties.alice_store, read_only=True) as store:
        assert store.remaining()[0] == RESERVE + 2
    settle(parties, traffic)


@pytest.mark.parametrize("honest", [True, False])
def test_the_epsilon_limit_is_one_for_all_that_follow(
    origin: Parties, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    """A Bob who forgets what the first session took is refused by an Alice who does not."""
    parties = origin.copy(tmp_path)
    parties = replace(parties, parameters=replace(PARAMETERS, epsilon_limit=1.5e-10))
    ended = run(parties, monkeypatch, epsilon_kept=honest)
    assert compare(parties.alice_store, parties.bob_store).common == 1
    if honest:
        assert ended.hers.error is ended.error is None
    else:
        assert "past the session's epsilon limit" in str(ended.hers.error)

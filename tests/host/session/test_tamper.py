"""A man in the middle at every message: he can stop a session, and nothing else.

Each case spoils one message of a session and then lets a clean handshake settle. Whatever he did,
both sides end with the same keys, no key is pending, the pools agree, no tag key was used twice,
and what ended the session is a sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    TINY,
    Outcome,
    Parties,
    Traffic,
    make_parties,
    pools_agree,
    run_session,
    without_clicks,
)

from hexkey.errors import ChannelError, HexkeyError, ProtocolError
from hexkey.session.channel import Channel
from hexkey.session.messages import Type
from hexkey.store import Store, compare

PARAMETERS = replace(TINY, block_bits=1_500, refill_to_alice=1, refill_to_bob=1)
PULSES = 20_000
Message = tuple[Type, bytes]
Spot = tuple[int, Type, int]  # who sends it, what, how many of its type came before

FROM_BOB: list[Spot] = [
    *((BOB, Type.HELLO, 0), (BOB, Type.TAG, 0), (BOB, Type.SETTLE, 0), (BOB, Type.TAG, 1)),
    *((BOB, Type.ALIGN, 0), (BOB, Type.TAG, 2), (BOB, Type.ANNOUNCE, 0), (BOB, Type.TAG, 3)),
    *((BOB, Type.SAMPLE_BITS, 0), (BOB, Type.QUERY, 0), (BOB, Type.QUERY, 20)),
    *((BOB, Type.CORRECTED, 0), (BOB, Type.VERIFIED, 0), (BOB, Type.CONFIRM, 0)),
    *((BOB, Type.TAG, 4), (BOB, Type.COMMIT, 0), (BOB, Type.TAG, 5), (BOB, Type.BYE, 0)),
]
FROM_ALICE: list[Spot] = [
    *((ALICE, Type.WELCOME, 0), (ALICE, Type.TAG, 0), (ALICE, Type.OFFSET, 0)),
    *((ALICE, Type.TAG, 1), (ALICE, Type.SAMPLE, 0), (ALICE, Type.ESTIMATE, 0)),
    *((ALICE, Type.ANSWER, 0), (ALICE, Type.ANSWER, 20), (ALICE, Type.VERIFY, 0)),
    *((ALICE, Type.AMPLIFY, 0), (ALICE, Type.CONFIRM, 0), (ALICE, Type.TAG, 2)),
]
SPOTS = FROM_BOB + FROM_ALICE
# From here on Bob's key is final: the handshake gives it to Alice.
# (Nothing after the handshake is needed for that, so a spoilt goodbye is not even noticed.)
DECIDED = [(BOB, Type.COMMIT, 0), (BOB, Type.TAG, 5), (BOB, Type.BYE, 0)]


@dataclass
class Spoiler:
    """Sits before a receiver; at one message it delivers what `spoil` makes of it."""

    channel: Channel
    spot: Spot
    spoil: Callable[["Spoiler", Message], list[Message]]
    struck: bool = False
    _seen: int = 0
    _queue: list[Message] = field(default_factory=list)

    def send(self, kind: Type, body: bytes) -> None:
        self.channel.send(kind, body)

    def receive(self, timeout_s: float) -> Message:
        while not self._queue:
            message = self.channel.receive(timeout_s)
            _, kind, number = self.spot
            if message[0] is kind:
                self._seen += 1
            if message[0] is kind and self._seen == number + 1 and not self.struck:
                self.struck = True
                self._queue += self.spoil(self, message)
            else:
                return message
        return self._queue.pop(0)

    def close(self) -> None:
        self.channel.close()


Spoil = Callable[[Spoiler, Message], list[Message]]


def flip(spoiler: Spoiler, message: Message) -> list[Message]:
    kind, body = message
    if not body:
        return [(Type.CONFIRM if kind is not Type.CONFIRM else Type.COMMIT, b"")]
    middle = len(body) // 2
    return [(kind, body[:middle] + bytes((body[middle] ^ 0x10,)) + body[middle + 1 :])]


def drop(spoiler: Spoiler, message: Message) -> list[Message]:
    return []


def duplicate(spoiler: Spoiler, message: Message) -> list[Message]:
    return [message, message]


def swap(spoiler: Spoiler, message: Message) -> list[Message]:
    return [spoiler.channel.receive(0.2), message]


def truncate(spoiler: Spoiler, message: Message) -> list[Message]:
    if not message[1]:
        raise ChannelError("the peer closed the connection.")
    return [(message[0], message[1][:-1])]


def forge(kind: Type, body: bytes) -> Spoil:
    return lambda spoiler, message: [(kind, body)]


@dataclass(frozen=True)
class Earlier:
    """A pair after one clean session, and all that was sent in it."""

    parties: Parties
    traffic: Traffic


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    folder = tmp_path_factory.mktemp("earlier")
    parties = make_parties(folder, parameters=PARAMETERS, tag_keys=20, pulses=PULSES)
    traffic = Traffic()
    outcome = run_session(parties, traffic=traffic)
    assert outcome.alice_error is None
    assert outcome.bob_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 1
    return Earlier(parties.later(), traffic)


def attack(
    earlier: Earlier,
    folder: Path,
    spot: Spot,
    spoil: Spoil,
    reply_timeout_s: float = 0.4,
    **how: Any,
) -> tuple[Parties, Outcome]:
    """Spoil one message, let a clean handshake settle, and check what must always hold.

    `how` goes to `run_session`.
    """
    parties = earlier.parties.copy(folder)
    traffic = Traffic(list(earlier.traffic.sent))
    spoilers: list[Spoiler] = []

    def wrap(channel: Channel) -> Channel:
        spoilers.append(Spoiler(channel, spot, spoil))
        return spoilers[0]

    def leave(channel: Channel) -> Channel:
        return channel

    outcome = run_session(
        parties,
        wrap_alice=wrap if spot[0] == BOB else leave,
        wrap_bob=wrap if spot[0] == ALICE else leave,
        traffic=traffic,
        nonce=b"o" * 16,
        reply_timeout_s=reply_timeout_s,
        **how,
    )
    assert spoilers[0].struck, "the session never came to this message"
    assert not compare(parties.alice_store, parties.bob_store).differing
    for error in (outcome.alice_error, outcome.bob_error):
        assert error is None or is_a_sentence(error), repr(error)
    settle(parties, traffic)
    return parties, outcome


def is_a_sentence(error: BaseException) -> bool:
    return isinstance(error, HexkeyError) and str(error).isprintable() and len(str(error)) < 400


def settle(parties: Parties, traffic: Traffic) -> None:
    clean = run_session(without_clicks(parties), traffic=traffic, nonce=b"p" * 16)
    assert clean.alice_error is None
    assert clean.bob_error is None
    assert compare(parties.alice_store, parties.bob_store).equal
    assert pools_agree(parties)
    for path in (parties.alice_store, parties.bob_store):
        with Store.open(path) as store:
            assert store.pending_ids() == []
    for sender in (ALICE, BOB):
        numbers = traffic.tag_numbers(sender)
        assert len(numbers) == len(set(numbers))


def name(spot: Spot) -> str:
    return f"{'Alice' if spot[0] == ALICE else 'Bob'}-{spot[1].name}-{spot[2]}"


@pytest.mark.parametrize("spot", SPOTS, ids=name)
@pytest.mark.parametrize("spoil", [flip, drop, duplicate, swap, truncate])
def test_a_spoilt_message_leaves_equal_stores(
    earlier: Earlier, tmp_path: Path, spot: Spot, spoil: Spoil
) -> None:
    parties, outcome = attack(earlier, tmp_path, spot, spoil)
    repeats_the_last_word = spoil is duplicate and spot in [
        (BOB, Type.TAG, 4),
        (ALICE, Type.TAG, 2),
    ]
    made = compare(parties.alice_store, parties.bob_store).common - 1
    assert made == (spot in DECIDED or repeats_the_last_word)
    if outcome.alice_error is outcome.bob_error is None:
        assert outcome.alice is not None
        dropped = outcome.alice.dropped == {"verification": 1}
        assert dropped == ((spot, spoil) == ((ALICE, Type.VERIFY, 0), flip))
        unread = spot == (BOB, Type.BYE, 0) or (spot == (ALICE, Type.TAG, 2) and spoil is duplicate)
        assert dropped or unread


@pytest.mark.parametrize("spot", SPOTS, ids=name)
def test_a_message_of_an_earlier_session_is_not_taken(
    earlier: Earlier, tmp_path: Path, spot: Spot
) -> None:
    sender, kind, number = spot
    old = earlier.traffic.bodies(sender, kind)[number]
    same: list[bool] = []

    def replay(spoiler: Spoiler, message: Message) -> list[Message]:
        same.append(message[1] == old)
        return [(kind, old)]

    parties, _ = attack(earlier, tmp_path, spot, replay)
    made = compare(parties.alice_store, parties.bob_store).common - 1
    assert made == (spot in DECIDED or same == [True])


@pytest.mark.parametrize("spot", SPOTS, ids=name)
def test_a_forged_drop_cannot_part_the_stores(earlier: Earlier, tmp_path: Path, spot: Spot) -> None:
    parties, _ = attack(earlier, tmp_path, spot, forge(Type.DROP, b"qber"))
    made = compare(parties.alice_store, parties.bob_store).common - 1
    assert made == (spot in DECIDED)


def test_a_drop_forged_over_a_final_key_ends_the_session(tmp_path: Path) -> None:
    """Had Alice gone on, her pool would get the next block's refill before this one's."""
    parties = make_parties(tmp_path, blocks=2, parameters=PARAMETERS, tag_keys=30, pulses=PULSES)
    traffic = Traffic()

    def swallow(spoiler: Spoiler, message: Message) -> list[Message]:
        assert spoiler.channel.receive(5.0)[0] is Type.TAG
        return [(Type.DROP, b"verification")]

    outcome = run_session(
        parties,
        wrap_alice=lambda channel: Spoiler(channel, (BOB, Type.COMMIT, 0), swallow),
        traffic=traffic,
        reply_timeout_s=2.0,
    )
    assert isinstance(outcome.alice_error, ProtocolError)
    settle(parties, traffic)
    assert compare(parties.alice_store, parties.bob_store).common == 1


@pytest.mark.parametrize("kind", [Type.BYE, Type.REFUSE])
@pytest.mark.parametrize(
    "spot",
    [
        (BOB, Type.ALIGN, 0),
        (BOB, Type.ANNOUNCE, 0),
        (ALICE, Type.CONFIRM, 0),
        (BOB, Type.COMMIT, 0),
    ],
    ids=name,
)
def test_a_forged_goodbye_or_refusal_only_ends_the_session(
    earlier: Earlier, tmp_path: Path, spot: Spot, kind: Type
) -> None:
    body = b"\x1b[2Jgo away\n" if kind is Type.REFUSE else b""
    parties, _ = attack(earlier, tmp_path, spot, forge(kind, body))
    made = compare(parties.alice_store, parties.bob_store).common - 1
    assert made == (spot in DECIDED)

"""A peer that holds the pool and misbehaves: a sentence, bounded cost, no key on either side.

Each case replaces what one party says at one place of a block. The lie is under the liar's own
tags, so no tag stops it. Whatever it is, the honest side ends in a `HexkeyError` of one sentence or
drops the block, both stores stay without a key, and the next session of the pair makes one.
"""

import json
import re
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
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
)

from hexkey.errors import ChannelError, HexkeyError, ProtocolError
from hexkey.reconcile import Method
from hexkey.session import messages
from hexkey.session.conversation import LiveConversation
from hexkey.session.messages import Type, encode_count
from hexkey.store import Store, compare

PULSES = 20_000
PARAMETERS = replace(TINY, block_bits=1_500, qber_abort=0.2)
REPLY_TIMEOUT_S = 0.5
MOST_SECONDS = 8.0
# Of both parties: either may hold a longest message three times, in parts, whole and as transcript.
MOST_BYTES = 8 * messages.MAX_BODY
MOST_MESSAGES = 500
LIES = 15
SAID = {
    ALICE: [
        *(Type.WELCOME, Type.OFFSET, Type.SAMPLE, Type.ESTIMATE, Type.ANSWER, Type.VERIFY),
        *(Type.AMPLIFY, Type.TAG, Type.CONFIRM),
    ],
    BOB: [
        *(Type.HELLO, Type.SETTLE, Type.ALIGN, Type.ANNOUNCE, Type.SAMPLE_BITS, Type.QUERY),
        *(Type.CORRECTED, Type.VERIFIED, Type.TAG, Type.CONFIRM, Type.COMMIT, Type.BYE),
    ],
}

Lie = Callable[[LiveConversation, bytes], list[tuple[Type, bytes]]]


class Liar(LiveConversation):
    """Says something else at the `number`-th message of a type, and is honest before and after."""

    def __init__(self, place: tuple[Type, int], lie: Lie, *how: Any) -> None:
        super().__init__(*how)
        self._place = place
        self._lie = lie
        self._seen = 0
        self._reply_timeout_s *= 8  # so that it is the honest side that loses patience

    def send(self, kind: Type, body: bytes = b"") -> None:
        said = [(kind, body)]
        if kind is self._place[0]:
            self._seen += 1
            if self._seen == self._place[1] + 1:
                said = self._lie(self, body)
        for each in said:
            super().send(*each)


@dataclass(frozen=True)
class Case:
    """Who lies, where, how, and how the honest side calls it (None: it drops the block)."""

    liar: int
    place: tuple[Type, int]
    lie: Lie
    sentence: str | None

    def __post_init__(self) -> None:
        assert self.sentence is None or self.sentence.isascii()


def says(kind: Type, body: bytes) -> Lie:
    return lambda talk, honest: [(kind, body)]


def changed(kind: Type, change: Callable[[bytes], bytes]) -> Lie:
    return lambda talk, honest: [(kind, change(honest))]


def raw(length: int, kind: int, body: bytes = b"") -> Lie:
    """Bytes that no message has, past the liar's own channel."""

    def lie(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
        socket: Any = talk._channel
        socket._socket.sendall(length.to_bytes(4, "little") + bytes((kind,)) + body)
        return []

    return lie


def silent(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
    return []


def closes(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
    talk._channel.close()
    raise ChannelError("the liar has gone")


def dribbles(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
    """Announces a message and gives a byte of it now and then, for longer than anyone waits."""
    socket: Any = talk._channel
    socket._socket.sendall((24).to_bytes(4, "little") + bytes((Type.TAG,)))
    for _ in range(20):
        time.sleep(REPLY_TIMEOUT_S / 8)
        try:
            socket._socket.sendall(b"x")
        except OSError:
            break
    raise ChannelError("the liar has gone")


def floods(kind: Type, size: int, count: int) -> Lie:
    return lambda talk, honest: [(kind, bytes(size))] * count


def announcement(pulses: list[int], block: int = 0) -> bytes:
    return messages.Announce(block, 0, np.array(pulses, np.uint64)).encode()


def sample(seed: int, count: int, chosen: int) -> bytes:
    mask = np.zeros(count, np.uint8)
    mask[:chosen] = 1
    return messages.Sample(Method.CASCADE, bytes((seed,)) * 32, mask).encode()


def verify(width: int, tag: bytes) -> bytes:
    return messages.Verify(bytes(16), width, tag).encode()


def align(count: int, step: int) -> bytes:
    pulses = np.uint64(7) + np.arange(count, dtype=np.uint64) * np.uint64(step)
    return messages.Align(0, pulses, np.zeros(count, np.uint8)).encode()


N = PARAMETERS.block_bits


def restated(**stated: Any) -> Callable[[bytes], bytes]:
    """The greeting with other values in its statement."""

    def change(body: bytes) -> bytes:
        said = json.loads(body)
        return messages.encode_json({**said, "statement": {**said["statement"], **stated}})

    return change


def with_a_parameter(name: str, value: Any) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        said = json.loads(body)
        return messages.encode_json({**said, "parameters": {**said["parameters"], name: value}})

    return change


ESCAPES = "\x1b[2J\u202eall is well\n"

FROM_BOB = {
    "states escape codes": (
        *(Type.HELLO, 0, changed(Type.HELLO, restated(reasons=[ESCAPES]))),
        "HELLO makes no sense: reasons must be a list of sentences",
    ),
    "states a novel": (
        *(Type.HELLO, 0, changed(Type.HELLO, restated(tick_ps="10" * 10_000))),
        "HELLO makes no sense: tick_ps is not printable, or too long",
    ),
    "has a parameter in escape codes": (
        *(Type.HELLO, 0, changed(Type.HELLO, with_a_parameter(ESCAPES, ESCAPES))),
        "parameters differ: .* is unknown at Alice",
    ),
    "has a parameter of a novel": (
        *(Type.HELLO, 0, changed(Type.HELLO, with_a_parameter("qber_abort", "x" * 50_000))),
        "parameters differ: qber_abort is 0.2 at Alice and xxx",
    ),
    "aligns with fewer bits": (Type.ALIGN, 0, says(Type.ALIGN, align(255, 9)), "255 bits for the"),
    "aligns with none": (Type.ALIGN, 0, says(Type.ALIGN, bytes(8)), "ALIGN message are cut"),
    "aligns over years": (
        *(Type.ALIGN, 0, says(Type.ALIGN, align(256, 2**32 - 1))),
        "at no offset",
    ),
    "aligns with a count that is none": (
        *(Type.ALIGN, 0, changed(Type.ALIGN, lambda body: body[:4] + b"\xff" * 4 + body[8:])),
        "ALIGN message has",
    ),
    "announces no pulse": (Type.ANNOUNCE, 0, says(Type.ANNOUNCE, bytes(8)), "pulses .* are cut"),
    "announces one pulse": (
        *(Type.ANNOUNCE, 0, says(Type.ANNOUNCE, announcement([5]))),
        f"announces block 0 with 1 pulses where block 0 with {N} was due",
    ),
    "announces one pulse less": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: body[:-4])),
        f"block 0 with {N - 1} pulses where",
    ),
    "announces one pulse more": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: body + b"\1\0\0\0")),
        f"more than the {N} pulses of a block",
    ),
    "announces four million pulses": (
        *(Type.ANNOUNCE, 0, says(Type.ANNOUNCE, b"\1" * (messages.MAX_BODY & ~3))),
        f"more than the {N} pulses of a block",
    ),
    "announces pulses that stand still": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: body[:-4] + bytes(4))),
        "do not rise",
    ),
    "announces another block": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: b"\1" + body[1:])),
        "announces block 1 with",
    ),
    "announces the end of time": (
        *(Type.ANNOUNCE, 0, changed(Type.ANNOUNCE, lambda body: body[:15] + b"\x7f" + body[16:])),
        "(Alice's record .* holds pulses|do not rise)",
    ),
    "discloses a bit less": (
        *(Type.SAMPLE_BITS, 0, says(Type.SAMPLE_BITS, bytes(7))),
        "SAMPLE_BITS message has 7 bytes where 64 bits were due",
    ),
    "discloses none": (Type.SAMPLE_BITS, 0, says(Type.SAMPLE_BITS, b""), "0 bytes where 64 bits"),
    "discloses the opposite": (
        *(
            Type.SAMPLE_BITS,
            0,
            changed(Type.SAMPLE_BITS, lambda body: bytes(b ^ 255 for b in body)),
        ),
        None,
    ),
    "asks nothing": (Type.QUERY, 0, says(Type.QUERY, b""), "QUERY|query"),
    "asks nonsense": (Type.QUERY, 0, says(Type.QUERY, b"\xff" * 500), "QUERY|query"),
    "asks for sixteen megabytes": (
        *(Type.QUERY, 0, says(Type.QUERY, bytes(messages.MAX_BODY))),
        "QUERY|query",
    ),
    "asks the same for ever": (
        *(Type.QUERY, 0, lambda talk, body: [(Type.QUERY, body)] * 400),
        "asks for more than the .* parities left",
    ),
    "asks nonsense for ever": (Type.QUERY, 3, floods(Type.QUERY, 3, 400), "QUERY|query"),
    "is done in the middle of an answer": (
        *(Type.QUERY, 5, lambda talk, body: [(Type.QUERY, body), (Type.CORRECTED, b"")]),
        "QUERY where VERIFIED or DROP was due",
    ),
    "counts more errors than bits": (
        *(Type.VERIFIED, 0, says(Type.VERIFIED, encode_count(N + 1))),
        "number of errors is impossible",
    ),
    "counts fewer errors than seen": (
        *(Type.VERIFIED, 0, says(Type.VERIFIED, encode_count(0))),
        "number of errors is impossible",
    ),
    "counts other errors": (
        *(Type.VERIFIED, 0, says(Type.VERIFIED, encode_count(200))),
        "CONFIRM|silent|closed",
    ),
    "drops for no reason": (Type.QUERY, 2, says(Type.DROP, b"mood"), "for no known reason"),
    "drops and goes on": (
        *(Type.QUERY, 2, lambda talk, body: [(Type.DROP, b"reconciliation"), (Type.QUERY, body)]),
        "QUERY where ALIGN or ANNOUNCE or BYE was due",
    ),
    "drops in a long speech": (
        *(Type.QUERY, 2, raw(257, Type.DROP, b"x" * 257)),
        "257 bytes of DROP, more than the 256 allowed",
    ),
    "confirms before the order": (
        *(Type.VERIFIED, 0, lambda talk, body: [(Type.CONFIRM, b"")]),
        "CONFIRM where VERIFIED or DROP was due",
    ),
    "says goodbye in a block": (Type.QUERY, 4, says(Type.BYE, b""), "BYE where QUERY"),
    "is silent instead of asking": (Type.QUERY, 4, silent, "silent"),
    "is silent after the announcement": (Type.SAMPLE_BITS, 0, silent, "silent"),
    "is silent instead of verifying": (Type.VERIFIED, 0, silent, "silent"),
    "is silent instead of confirming": (Type.CONFIRM, 0, silent, "TAG where CONFIRM"),
    "closes in a block": (Type.QUERY, 4, closes, "closed the connection"),
    "dribbles": (Type.SAMPLE_BITS, 0, dribbles, "TAG where|silent"),
    "floods": (Type.SAMPLE_BITS, 0, floods(Type.SAMPLE_BITS, 8, 10_000), "SAMPLE_BITS where"),
    "floods with the longest": (
        *(Type.QUERY, 4, floods(Type.ANNOUNCE, messages.MAX_BODY, 12)),
        "ANNOUNCE where QUERY or CORRECTED or DROP was due",
    ),
    "speaks an unknown language": (Type.QUERY, 4, raw(0xFFFF_FFFF, 99), "unknown type 99"),
}
FROM_ALICE = {
    "states escape codes": (
        *(Type.WELCOME, 0, changed(Type.WELCOME, restated(record_id=ESCAPES))),
        "WELCOME makes no sense: record_id is not printable, or too long",
    ),
    "welcomes with nonsense": (Type.WELCOME, 0, says(Type.WELCOME, b"{}"), "WELCOME makes no"),
    "finds an offset twice": (
        *(Type.OFFSET, 0, changed(Type.OFFSET, lambda body: b"\2" + body[1:])),
        "OFFSET message makes no sense",
    ),
    "finds half an offset": (
        *(Type.OFFSET, 0, changed(Type.OFFSET, lambda body: body[:-1])),
        "OFFSET message has 24 bytes where 25 were due",
    ),
    "is not sure at all": (
        *(Type.OFFSET, 0, changed(Type.OFFSET, lambda body: body[:-8] + b"\xff" * 8)),
        "OFFSET message makes no sense",
    ),
    "asks for one bit more": (
        *(Type.SAMPLE, 0, says(Type.SAMPLE, sample(1, N, 65))),
        "asks for 65 bits where 64 were agreed",
    ),
    "asks for every bit": (
        Type.SAMPLE,
        0,
        says(Type.SAMPLE, sample(1, N, N)),
        "asks for 1500 bits",
    ),
    "asks for none": (Type.SAMPLE, 0, says(Type.SAMPLE, sample(1, N, 0)), "asks for 0 bits"),
    "asks of a longer block": (
        *(Type.SAMPLE, 0, says(Type.SAMPLE, sample(1, N + 8, 64))),
        f"SAMPLE message has 189 bytes where {N} bits were due",
    ),
    "gives half a seed": (Type.SAMPLE, 0, says(Type.SAMPLE, bytes(16)), "SAMPLE message is cut"),
    "counts more errors than disclosed": (
        *(Type.ESTIMATE, 0, says(Type.ESTIMATE, encode_count(65))),
        "more errors than disclosed bits",
    ),
    "counts errors that are none": (
        *(Type.ESTIMATE, 0, says(Type.ESTIMATE, encode_count(64))),
        None,
    ),
    "answers with a parity less": (
        *(Type.ANSWER, 0, changed(Type.ANSWER, lambda body: body[:-1])),
        "(?i)answer",
    ),
    "answers with sixteen megabytes": (
        *(Type.ANSWER, 0, says(Type.ANSWER, bytes(messages.MAX_BODY))),
        "(?i)answer",
    ),
    "answers with set padding": (
        *(Type.ANSWER, 1, changed(Type.ANSWER, lambda body: body[:-1] + b"\xff")),
        "(?i)answer|verif",
    ),
    "verifies with nothing": (Type.VERIFY, 0, says(Type.VERIFY, verify(0, b"")), "another length"),
    "verifies with a bit": (Type.VERIFY, 0, says(Type.VERIFY, verify(1, b"\1")), "another length"),
    "verifies with too much": (
        *(Type.VERIFY, 0, says(Type.VERIFY, verify(255, bytes(32)))),
        "another length",
    ),
    "verifies with a cut tag": (
        *(Type.VERIFY, 0, changed(Type.VERIFY, lambda body: body[:-1])),
        "tag of another length",
    ),
    "verifies other bits": (
        *(Type.VERIFY, 0, changed(Type.VERIFY, lambda body: body[:-1] + bytes((body[-1] ^ 1,)))),
        None,
    ),
    "orders another length": (
        *(Type.AMPLIFY, 0, changed(Type.AMPLIFY, lambda body: b"\1\0\0\0" + body[4:])),
        "the peer fixes 1 bits where",
    ),
    "orders with a short seed": (
        *(Type.AMPLIFY, 0, changed(Type.AMPLIFY, lambda body: body[:-1])),
        "AMPLIFY message has",
    ),
    "orders nothing": (Type.AMPLIFY, 0, says(Type.AMPLIFY, b""), "AMPLIFY message is cut"),
    "is silent instead of a sample": (Type.SAMPLE, 0, silent, "silent"),
    "is silent instead of answering": (Type.ANSWER, 3, silent, "silent"),
    "is silent instead of verifying": (Type.VERIFY, 0, silent, "silent"),
    "closes in a block": (Type.ANSWER, 3, closes, "closed the connection|could not be reached"),
    "dribbles": (Type.ANSWER, 3, dribbles, "TAG where|silent"),
    "floods": (Type.ANSWER, 3, floods(Type.ESTIMATE, 4, 10_000), "ESTIMATE where"),
    "floods with the longest": (
        *(Type.ANSWER, 3, floods(Type.SAMPLE, messages.MAX_BODY, 12)),
        "SAMPLE where ANSWER",
    ),
    "refuses in escape codes": (
        *(Type.ANSWER, 3, says(Type.REFUSE, b"\x1b[2Jno\n")),
        "the peer refused: ",
    ),
    "refuses at length": (Type.ANSWER, 3, raw(4097, Type.REFUSE), "4097 bytes of REFUSE, more"),
}
CASES = {
    f"{('Alice', 'Bob')[liar]} {name}": Case(liar, (kind, number), lie, sentence)
    for liar, table in ((BOB, FROM_BOB), (ALICE, FROM_ALICE))
    for name, (kind, number, lie, sentence) in table.items()
}


def mangled(rng: np.random.Generator, body: bytes) -> bytes:
    """A body with one thing wrong: a bit, a byte, its length, or all of it."""
    way = int(rng.integers(0, 6))
    place = int(rng.integers(0, max(len(body), 1)))
    if way == 0 and body:
        return (
            body[:place] + bytes((body[place] ^ 1 << int(rng.integers(0, 8)),)) + body[place + 1 :]
        )
    if way == 1 and body:
        return body[:place] + b"\xff" + body[place + 1 :]
    if way == 2:
        return body[:place]
    if way == 3:
        return body + rng.bytes(int(rng.integers(1, 9)))
    if way == 4:
        return rng.bytes(len(body))
    return bytes(len(body))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return make_parties(
        tmp_path_factory.mktemp("origin"), qber=(0.03,), parameters=PARAMETERS, pulses=PULSES
    )


def with_a_liar(parties: Parties, case: Case, traffic: Traffic) -> Outcome:
    def lying(*how: Any) -> LiveConversation:
        return Liar(case.place, case.lie, *how)

    honest = LiveConversation
    return run_session(
        parties,
        traffic=traffic,
        reply_timeout_s=REPLY_TIMEOUT_S,
        alice_talks=lying if case.liar == ALICE else honest,
        bob_talks=lying if case.liar == BOB else honest,
    )


@pytest.mark.parametrize("name", CASES)
def test_a_peer_that_misbehaves_gets_no_key_and_costs_little(
    origin: Parties, tmp_path: Path, name: str
) -> None:
    case, parties, traffic = CASES[name], origin.copy(tmp_path), Traffic()
    tracemalloc.start()
    began = time.monotonic()
    outcome = with_a_liar(parties, case, traffic)
    seconds, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    honest = outcome.bob_error if case.liar == ALICE else outcome.alice_error
    if case.sentence is None:
        tally = outcome.tallies[1 - case.liar]
        assert tally.dropped.total() == 1, repr(honest)
    else:
        assert isinstance(honest, HexkeyError), repr(honest)
        assert str(honest).isprintable()
        assert len(str(honest)) < 1_100
        assert re.search(case.sentence, str(honest)), str(honest)
    assert seconds < MOST_SECONDS
    assert peak < MOST_BYTES, f"{peak >> 20} MiB"
    assert sum(sender != case.liar for sender, *_ in traffic.sent) < MOST_MESSAGES

    assert compare(parties.alice_store, parties.bob_store).common == 0
    again = run_session(parties.later(), nonce=b"q" * 16)
    assert again.alice_error is again.bob_error is None
    found = compare(parties.alice_store, parties.bob_store)
    assert (found.equal, found.common) == (True, 1)
    assert pools_agree(parties)
    for path in (parties.alice_store, parties.bob_store):
        with Store.open(path, read_only=True) as store:
            assert store.pending_ids() == []


class Stubborn(LiveConversation):
    """Lies whenever it sends a type."""

    def __init__(self, kind: Type, change: Callable[[bytes], bytes], *how: Any) -> None:
        super().__init__(*how)
        self._kind = kind
        self._change = change

    def send(self, kind: Type, body: bytes = b"") -> None:
        super().send(kind, self._change(body) if kind is self._kind else body)


def random_parities(seed: int) -> Callable[[bytes], bytes]:
    """Parities from a coin, but for the padding, which a form check would find."""
    rng = np.random.default_rng(seed)
    return lambda body: rng.bytes(len(body) - 1) + bytes(bool(body))


PARITIES: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda body: bytes(len(body)),
    "one more odd": lambda body: bytes((body[0] ^ 1,)) + body[1:],
    "coins": random_parities(1),
    "other coins": random_parities(2),
}


@pytest.mark.parametrize("estimate_bits", [0, 64])
@pytest.mark.parametrize("name", PARITIES)
def test_an_alice_who_lies_about_every_parity_ends_without_a_key(
    tmp_path: Path, name: str, estimate_bits: int
) -> None:
    parameters = replace(PARAMETERS, estimate_bits=estimate_bits)
    parties = make_parties(tmp_path, qber=(0.03,), parameters=parameters, pulses=PULSES)
    traffic, began = Traffic(), time.monotonic()

    def lying(*how: Any) -> LiveConversation:
        return Stubborn(Type.ANSWER, PARITIES[name], *how)

    outcome = run_session(parties, traffic=traffic, alice_talks=lying, reply_timeout_s=2.0)
    assert time.monotonic() - began < MOST_SECONDS
    parities = 8 * sum(len(body) for body in traffic.bodies(ALICE, Type.ANSWER))
    assert parities <= 8 * (2 * parameters.block_bits + 64)
    assert len(traffic.sent) < 2 * 10_000 + 50
    if outcome.bob_error is None:
        for tally in outcome.tallies.values():
            assert set(tally.dropped) <= {"verification", "reconciliation", "qber", "length"}
            assert tally.dropped.total() == 1
    else:
        assert isinstance(outcome.bob_error, ProtocolError)
        assert "contradict" in str(outcome.bob_error)
    assert compare(parties.alice_store, parties.bob_store).common == 0
    assert run_session(parties.later(), nonce=b"q" * 16).alice_error is None
    assert compare(parties.alice_store, parties.bob_store).equal


@pytest.mark.parametrize("seed", range(LIES))
@pytest.mark.parametrize("liar", [ALICE, BOB], ids=["Alice", "Bob"])
def test_whatever_a_peer_makes_of_a_message_ends_in_a_sentence(
    origin: Parties, tmp_path: Path, liar: int, seed: int
) -> None:
    rng = np.random.default_rng([liar, seed])
    kinds = SAID[liar]
    kind = kinds[int(rng.integers(len(kinds)))]
    number = int(rng.integers(0, 20)) if kind in (Type.QUERY, Type.ANSWER) else 0

    def lie(talk: LiveConversation, body: bytes) -> list[tuple[Type, bytes]]:
        other = mangled(rng, body)[: messages.limit(kind)]
        what = kinds[int(rng.integers(len(kinds)))] if rng.random() < 0.1 else kind
        return [(what, other[: messages.limit(what)])]

    parties, traffic = origin.copy(tmp_path), Traffic()
    began = time.monotonic()
    outcome = with_a_liar(parties, Case(liar, (kind, number), lie, None), traffic)
    assert time.monotonic() - began < MOST_SECONDS
    honest = outcome.bob_error if liar == ALICE else outcome.alice_error
    assert honest is None or isinstance(honest, HexkeyError), repr(honest)
    assert honest is None or str(honest).isprintable(), str(honest)
    found = compare(parties.alice_store, parties.bob_store)
    # A liar may hash with one seed and send another: then he has a key that nobody shares.
    assert not found.differing or kind is Type.AMPLIFY
    assert pools_agree(parties)

"""The bytes of every message and of one transcript, against vectors made by hand."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.reconcile.reference_cascade import plain_parse, plain_section

from hexkey.bits import pack_bits, unpack_bits
from hexkey.reconcile import Method
from hexkey.session import messages, messages_bb84, messages_maps
from hexkey.session.channel import SocketChannel, local_pair
from hexkey.session.conversation import LiveConversation
from hexkey.session.messages import Type, encode_json
from hexkey.session.parameters import (
    AliceStatement,
    BobStatement,
    SessionParameters,
    statement_from_json,
)
from hexkey.session.source import SourceCounts

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "session.json").read_text())
MESSAGES = {each["name"]: each for each in VECTORS["messages"]}
Says = dict[str, Any]


def u64(numbers: list[int]) -> Any:
    return np.array(numbers, np.uint64)


def u8(bits: list[int]) -> Any:
    return np.array(bits, np.uint8)


def gaps_and_lengths(first: list[int], end: list[int]) -> list[tuple[int, int]]:
    return [(a - last, b - a) for last, a, b in zip([0, *end], first, end, strict=False)]


ENCODERS: dict[str, Callable[[Says], bytes]] = {
    "HELLO": encode_json,
    "WELCOME": encode_json,
    "SETTLE": encode_json,
    "REFUSE": lambda says: bytes(says["sentence"].encode()),
    "TAG": lambda says: messages.encode_tag(says["index"], bytes.fromhex(says["tag"])),
    "ALIGN": lambda says: messages.Align(
        says["epoch"], u64(says["pulses"]), u8(says["bits"])
    ).encode(),
    "ALIGN_BB84": lambda says: messages_bb84.AlignBb84(
        says["epoch"], u64(says["pulses"]), u8(says["bits"]), u8(says["bases"])
    ).encode(),
    "ANNOUNCE_BB84": lambda says: messages_bb84.AnnounceBb84(
        says["block"], says["epoch"], u64(says["pulses"]), u8(says["bases"])
    ).encode(),
    "BASES": lambda says: messages_bb84.Bases(
        says["sent_key"], says["sent_test"], u8(says["bases"])
    ).encode(),
    "OFFSET": lambda says: messages.Offset(
        says["found"], says["offset"], says["modulo"], says["probability"]
    ).encode(),
    "ANNOUNCE": lambda says: messages.Announce(
        says["block"], says["epoch"], u64(says["pulses"])
    ).encode(),
    "SAMPLE": lambda says: messages.Sample(
        Method[says["reconciler"].upper()], bytes.fromhex(says["seed"]), u8(says["chosen"])
    ).encode(),
    "SAMPLE_BITS": lambda says: pack_bits(u8(says["bits"])),
    "ESTIMATE": lambda says: messages.encode_count(says["count"]),
    "QUERY": lambda says: b"".join(
        plain_section(number, *gaps_and_lengths(first, end))
        for number, first, end in says["sections"]
    ),
    "ANSWER": lambda says: pack_bits(u8(says["parities"])),
    "VERIFY": lambda says: messages.Verify(
        bytes.fromhex(says["seed"]), says["tag_bits"], bytes.fromhex(says["tag"])
    ).encode(),
    "VERIFIED": lambda says: messages.encode_count(says["count"]),
    "AMPLIFY": lambda says: messages.Amplify(says["length"], pack_bits(u8(says["seed"]))).encode(),
    "DROP": lambda says: bytes(says["reason"].encode()),
    "SOURCE": lambda says: SourceCounts(**says).encode(),
    "OUTSIDE": lambda says: messages_maps.OutsideSample(
        u64(says["pulses"]), u8(says["bits"])
    ).encode(),
    "VERDICTS": lambda says: messages_maps.Verdicts(
        *np.split(np.array(says["wrong"], bool), [3])
    ).encode(),
}


def test_every_type_has_a_vector() -> None:
    assert {each["name"]: each["type"] for each in VECTORS["messages"]} == {
        kind.name: kind.value for kind in Type
    }


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_written_as_by_hand(name: str) -> None:
    vector = MESSAGES[name]
    body = ENCODERS[name](vector["says"]) if name in ENCODERS else b""
    assert body.hex() == vector["body"]
    sender, receiver = local_pair()
    with sender, receiver:
        sender.send(Type[name], body)
        assert raw(receiver).hex() == vector["on_the_wire"]


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_by_hand_are_read(name: str) -> None:
    vector = MESSAGES[name]
    sender, receiver = local_pair()
    with sender, receiver:
        sender._socket.sendall(bytes.fromhex(vector["on_the_wire"]))
        kind, body = receiver.receive(5.0)
    assert (kind.name, body.hex()) == (name, vector["body"])
    assert DECODERS.get(name, read_nothing)(body) == vector["says"]


def raw(channel: SocketChannel) -> bytes:
    return channel._socket.recv(1 << 16)


def lists(value: Any, *names: str) -> Says:
    found = {}
    for name in names:
        one = getattr(value, name)
        found[name] = one.tolist() if isinstance(one, np.ndarray) else one
    return found


def read_amplify(body: bytes) -> Says:
    amplify = messages.Amplify.decode(body, 21)
    return {"length": amplify.length, "seed": unpack_bits(amplify.seed, 21).tolist()}


def read_nothing(body: bytes) -> Says:
    return {}


def read_offset(body: bytes) -> Says:
    offset = messages.Offset.decode(body)
    return {
        **lists(offset, "found", "offset", "modulo"),
        "probability": offset.false_match_probability,
    }


def read_sample(body: bytes) -> Says:
    sample = messages.Sample.decode(body, 9, 3)
    chosen = sample.chosen.tolist()
    return {"reconciler": sample.method.name.lower(), "seed": sample.seed.hex(), "chosen": chosen}


def read_verify(body: bytes) -> Says:
    verify = messages.Verify.decode(body)
    return {"seed": verify.seed.hex(), "tag_bits": verify.tag_bits, "tag": verify.tag.hex()}


def read_query(body: bytes) -> Says:
    sections: dict[int, tuple[list[int], list[int]]] = {}
    for number, first, end in plain_parse(body):
        firsts, ends = sections.setdefault(number, ([], []))
        firsts.append(first)
        ends.append(end)
    return {"sections": [[number, *ranges] for number, ranges in sections.items()]}


def read_tag(body: bytes) -> Says:
    index, tag = messages.decode_tag(body)
    return {"index": index, "tag": tag.hex()}


def read_verdicts(body: bytes) -> list[int]:
    verdicts = messages_maps.Verdicts.decode(body, 3, 1, 4)
    return [int(wrong) for wrong in (*verdicts.sample, *verdicts.outside)]


DECODERS: dict[str, Callable[[bytes], Says]] = {
    "HELLO": lambda body: messages.decode_json(body, Type.HELLO),
    "WELCOME": lambda body: messages.decode_json(body, Type.WELCOME),
    "SETTLE": lambda body: messages.decode_json(body, Type.SETTLE),
    "REFUSE": lambda body: {"sentence": messages.decode_sentence(body)},
    "TAG": read_tag,
    "ALIGN": lambda body: lists(messages.Align.decode(body), "epoch", "pulses", "bits"),
    "ALIGN_BB84": lambda body: lists(
        messages_bb84.AlignBb84.decode(body), "epoch", "pulses", "bits", "bases"
    ),
    "ANNOUNCE_BB84": lambda body: lists(
        messages_bb84.AnnounceBb84.decode(body), "block", "epoch", "pulses", "bases"
    ),
    "BASES": lambda body: lists(
        messages_bb84.Bases.decode(body, 5), "sent_key", "sent_test", "bases"
    ),
    "OFFSET": read_offset,
    "ANNOUNCE": lambda body: lists(messages.Announce.decode(body), "block", "epoch", "pulses"),
    "SAMPLE": read_sample,
    "SAMPLE_BITS": lambda body: {"bits": messages.decode_bits(body, 3, Type.SAMPLE_BITS).tolist()},
    "ESTIMATE": lambda body: {"count": messages.decode_count(body, Type.ESTIMATE)},
    "QUERY": read_query,
    "ANSWER": lambda body: {"parities": messages.decode_bits(body, 3, Type.ANSWER).tolist()},
    "VERIFY": read_verify,
    "VERIFIED": lambda body: {"count": messages.decode_count(body, Type.VERIFIED)},
    "AMPLIFY": read_amplify,
    "DROP": lambda body: {"reason": messages.decode_drop(body)},
    "SOURCE": lambda body: asdict(SourceCounts.decode(body)),
    "OUTSIDE": lambda body: lists(messages_maps.OutsideSample.decode(body, 4), "pulses", "bits"),
    "VERDICTS": lambda body: {"wrong": read_verdicts(body)},
}


def test_what_the_handshake_says_is_understood() -> None:
    hello, welcome = MESSAGES["HELLO"]["says"], MESSAGES["WELCOME"]["says"]
    assert SessionParameters().differences(hello["parameters"]) == ""
    bob = statement_from_json(BobStatement, hello["statement"])
    assert bob.reasons == ("the board simulates its photons",)
    assert bob.key_basis_probability == 0.5
    alice = statement_from_json(AliceStatement, welcome["statement"])
    assert (alice.randomness, alice.key_basis_probability) == ("random", 0.9)
    assert (alice.multiphoton_upper, alice.source_epsilon) == (2.5e-5, 1e-12)
    assert alice.g2_limit == 0.25


class OneKey:
    """A pool of one key to send with and one to receive with."""

    def __init__(self, send: dict[str, Any], receive: dict[str, Any]) -> None:
        self._send, self._receive = send, receive
        self.accepted: list[int] = []

    def draw_send_key(self, use_reserve: bool = False) -> tuple[int, bytes]:
        return self._send["index"], bytes.fromhex(self._send["key"])

    def receive_key(self, index: int) -> bytes:
        assert index == self._receive["index"]
        return bytes.fromhex(self._receive["key"])

    def accept(self, index: int) -> None:
        self.accepted.append(index)


def test_a_transcript_and_its_tag_are_those_made_by_hand() -> None:
    vector = VECTORS["transcript"]
    bodies = [bytes.fromhex(each["body"]) for each in vector["crossed"]]
    ours, theirs = local_pair()
    with ours, theirs:
        pool = OneKey(vector["alice_key"], vector["bob_key"])
        talk = LiveConversation(ours, pool, sender=0)
        talk.begin("the unit before")
        talk.begin(vector["session"])
        for kind, body in ((Type.ALIGN, bodies[0]), (Type.TAG, bodies[1])):
            theirs.send(kind, body)
        talk.expect(Type.ALIGN)
        talk.expect_tag()
        assert pool.accepted == [vector["bob_key"]["index"]]
        talk.send(Type.OFFSET, bodies[2])
        assert b"".join(talk._transcript.covered()).hex() == vector["transcript"]
        talk.send_tag()
        theirs.receive(5.0)
        _, tag = theirs.receive(5.0)
    assert read_tag(tag) == {"index": vector["alice_key"]["index"], "tag": vector["alice_tag"]}

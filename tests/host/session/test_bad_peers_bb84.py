"""A peer that holds the pool and lies about bases, numbers, lengths or the order of BB84."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    SMALL_BB84,
    Parties,
    Traffic,
    make_parties,
    pools_agree,
    run_session,
)
from tests.host.session.lies import Case, Liar, changed, mangled, says, silent
from tests.host.session.test_bad_peers import LIES, check, with_a_liar

from hexkey.bits import packed_bytes
from hexkey.errors import HexkeyError
from hexkey.reconcile import Method
from hexkey.session import messages
from hexkey.session.messages import Type, encode_count
from hexkey.session.messages_bb84 import AlignBb84, AnnounceBb84, Bases
from hexkey.sift_bb84 import CROSS, KEY
from hexkey.store import compare

PARAMETERS = replace(SMALL_BB84, block_bits=3_000)
PULSES = 20_000
N, SAMPLE = PARAMETERS.block_bits, PARAMETERS.offset_sample_bits


def announced(change: Callable[[AnnounceBb84], AnnounceBb84]) -> Callable[[bytes], bytes]:
    return lambda body: change(AnnounceBb84.decode(body)).encode()


def stated(change: Callable[[Bases], Bases]) -> Callable[[bytes], bytes]:
    return lambda body: change(Bases.decode(body, N)).encode()


def aligned(count: int) -> bytes:
    pulses, zeros = np.arange(7, 7 + count, dtype=np.uint64), np.zeros(count, np.uint8)
    return AlignBb84(0, pulses, zeros, zeros).encode()


def sets_every_plane(body: bytes) -> bytes:
    """The key's basis and both bases for the first eight clicks."""
    cross = 12 + packed_bytes(N)
    return body[:12] + b"\xff" + body[13:cross] + b"\xff" + body[cross + 1 :]


FROM_BOB = {
    "aligns as in B92": (
        *(Type.ALIGN_BB84, 0, says(Type.ALIGN, bytes(8))),
        "sent ALIGN where ALIGN_BB84",
    ),
    "aligns with more bits": (
        *(Type.ALIGN_BB84, 0, says(Type.ALIGN_BB84, aligned(SAMPLE + 1))),
        f"discloses {SAMPLE + 1} bits for the offset where {SAMPLE}",
    ),
    "aligns with one bit": (
        *(Type.ALIGN_BB84, 0, says(Type.ALIGN_BB84, aligned(1))),
        "too small to tell",
    ),
    "aligns with a count that is none": (
        *(Type.ALIGN_BB84, 0, changed(Type.ALIGN_BB84, lambda b: b[:4] + b"\xff" * 4 + b[8:])),
        "ALIGN_BB84 message has",
    ),
    "announces as in B92": (
        *(Type.ANNOUNCE_BB84, 0, says(Type.ANNOUNCE, bytes(20))),
        "sent ANNOUNCE where ALIGN_BB84 or ANNOUNCE_BB84",
    ),
    "announces a pulse less": (
        Type.ANNOUNCE_BB84,
        0,
        changed(
            Type.ANNOUNCE_BB84,
            announced(lambda a: replace(a, pulses=a.pulses[:-1], bases=a.bases[:-1])),
        ),
        f"block 0 with {N - 1} pulses where",
    ),
    "announces another block": (
        *(Type.ANNOUNCE_BB84, 0),
        changed(Type.ANNOUNCE_BB84, announced(lambda a: replace(a, block=1))),
        "announces block 1",
    ),
    "announces another epoch": (
        *(Type.ANNOUNCE_BB84, 0),
        changed(Type.ANNOUNCE_BB84, announced(lambda a: replace(a, epoch=1))),
        "another epoch",
    ),
    "announces both bases and one": (
        *(Type.ANNOUNCE_BB84, 0, changed(Type.ANNOUNCE_BB84, sets_every_plane)),
        "has a basis for a cross click",
    ),
    "announces with a count that is none": (
        *(Type.ANNOUNCE_BB84, 0, changed(Type.ANNOUNCE_BB84, lambda b: b[:8] + b"\1" + b[9:])),
        "ANNOUNCE_BB84 message",
    ),
    "announces at length": (
        *(Type.ANNOUNCE_BB84, 0, says(Type.ANNOUNCE_BB84, bytes(messages.MAX_BODY))),
        f"more than the {N} pulses",
    ),
    "announces nothing": (
        *(Type.ANNOUNCE_BB84, 0, says(Type.ANNOUNCE_BB84, b"")),
        "ANNOUNCE_BB84 message is cut",
    ),
    "announces cross clicks only": (
        *(Type.ANNOUNCE_BB84, 0),
        changed(
            Type.ANNOUNCE_BB84,
            announced(lambda a: replace(a, bases=np.full(N, CROSS, np.uint8))),
        ),
        "SAMPLE_BITS message has",
    ),
    "announces other bases than his": (
        *(Type.ANNOUNCE_BB84, 0),
        changed(
            Type.ANNOUNCE_BB84,
            announced(lambda a: replace(a, bases=np.where(a.bases == KEY, 0, KEY).astype("u1"))),
        ),
        "SAMPLE_BITS message has",
    ),
    "discloses too little": (
        *(Type.SAMPLE_BITS, 0, changed(Type.SAMPLE_BITS, lambda body: body[:-1])),
        "SAMPLE_BITS message has",
    ),
    "discloses the contrary": (
        Type.SAMPLE_BITS,
        0,
        changed(Type.SAMPLE_BITS, lambda b: bytes(255 - one for one in b[:-1]) + b[-1:]),
        None,
    ),
    "asks before he discloses": (
        *(Type.SAMPLE_BITS, 0, says(Type.QUERY, b"\0")),
        "QUERY where SAMPLE_BITS",
    ),
    "is silent instead of disclosing": (Type.SAMPLE_BITS, 0, silent, "silent"),
}

FROM_ALICE = {
    "says no bases": (Type.BASES, 0, says(Type.BASES, b""), "BASES message is cut"),
    "says too few bases": (
        *(Type.BASES, 0, changed(Type.BASES, lambda body: body[:-1])),
        "BASES message has",
    ),
    "says too many bases": (
        *(Type.BASES, 0, changed(Type.BASES, lambda body: body + b"\0")),
        "BASES message has",
    ),
    "sent fewer pulses than clicked": (
        *(Type.BASES, 0, changed(Type.BASES, stated(lambda b: replace(b, sent_key=5)))),
        "impossible numbers of pulses",
    ),
    "sent fewer pulses than a block spans": (
        Type.BASES,
        0,
        changed(Type.BASES, stated(lambda b: replace(b, sent_key=N, sent_test=N))),
        "fewer pulses than a block spans",
    ),
    "sent for longer than a year": (
        *(Type.BASES, 0, changed(Type.BASES, stated(lambda b: replace(b, sent_test=10**16)))),
        "impossible numbers of pulses",
    ),
    "says other bases than hers": (
        *(Type.BASES, 0),
        changed(
            Type.BASES,
            stated(lambda b: Bases(b.sent_key + N, b.sent_test + N, b.bases ^ np.uint8(1))),
        ),
        "closed the connection|could not be reached",
    ),
    "samples before she counts": (
        *(Type.ESTIMATE, 0, says(Type.SAMPLE, bytes((Method.CASCADE,)) + bytes(32))),
        "SAMPLE where ESTIMATE",
    ),
    "counts more errors than bits": (
        *(Type.ESTIMATE, 0, says(Type.ESTIMATE, encode_count(N))),
        "more errors than disclosed bits",
    ),
    "counts half of them wrong": (
        *(Type.ESTIMATE, 0, says(Type.ESTIMATE, encode_count(200))),
        None,
    ),
    "counts no error": (
        *(Type.ESTIMATE, 0, says(Type.ESTIMATE, encode_count(0))),
        "bits where the counts give|AMPLIFY message has",
    ),
    "wants a sample besides": (
        *(Type.SAMPLE, 0, changed(Type.SAMPLE, lambda body: body + b"\1")),
        "SAMPLE message has",
    ),
    "answers before her bases": (Type.BASES, 0, says(Type.ANSWER, b"\0"), "ANSWER where BASES"),
    "is silent instead of her bases": (Type.BASES, 0, silent, "TAG where BASES"),
}
CASES = {
    f"{('Alice', 'Bob')[liar]} {name}": Case(liar, (kind, number), lie, sentence)
    for liar, table in ((BOB, FROM_BOB), (ALICE, FROM_ALICE))
    for name, (kind, number, lie, sentence) in table.items()
}
SAID = {
    ALICE: [Type.BASES, Type.ESTIMATE, Type.SAMPLE, Type.OFFSET],
    BOB: [Type.ALIGN_BB84, Type.ANNOUNCE_BB84, Type.SAMPLE_BITS],
}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return make_parties(
        tmp_path_factory.mktemp("origin"), qber=(0.02,), parameters=PARAMETERS, pulses=PULSES
    )


def test_the_pair_works_without_a_liar(origin: Parties, tmp_path: Path) -> None:
    parties = origin.copy(tmp_path)
    assert run_session(parties).bob_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 1


@pytest.mark.parametrize("name", CASES)
def test_a_peer_that_misbehaves_gets_no_key_and_costs_little(
    origin: Parties, tmp_path: Path, name: str
) -> None:
    check(CASES[name], origin.copy(tmp_path))


@pytest.mark.parametrize("seed", range(LIES))
@pytest.mark.parametrize("liar", [ALICE, BOB], ids=["Alice", "Bob"])
def test_whatever_a_peer_makes_of_a_message_ends_in_a_sentence(
    origin: Parties, tmp_path: Path, liar: int, seed: int
) -> None:
    rng = np.random.default_rng([liar, seed, 84])
    kind = SAID[liar][int(rng.integers(len(SAID[liar])))]

    def lie(talk: Liar, body: bytes) -> list[tuple[Type, bytes]]:
        return [(kind, mangled(rng, body)[: messages.limit(kind)])]

    parties = origin.copy(tmp_path)
    outcome = with_a_liar(parties, Case(liar, (kind, 0), lie, None), Traffic())  # type: ignore[arg-type]
    honest = outcome.bob_error if liar == ALICE else outcome.alice_error
    assert honest is None or isinstance(honest, HexkeyError), repr(honest)
    assert honest is None or str(honest).isprintable()
    assert not compare(parties.alice_store, parties.bob_store).differing
    assert pools_agree(parties)

"""A peer that misbehaves, or a man in the middle, in a session of BB84 with maps."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.host.session.harness import ALICE, BOB, Parties, Traffic, run_session
from tests.host.session.lies import Case, Lie, changed, floods, says, silent
from tests.host.session.map_parties import PARAMETERS_BB84 as PARAMETERS
from tests.host.session.map_parties import PULSES, make_mapped, with_maps
from tests.host.session.test_bad_peers import check
from tests.host.session.test_bad_peers_maps import meddled
from tests.host.session.test_tamper import (
    Earlier,
    Spoil,
    Spot,
    attack,
    drop,
    duplicate,
    flip,
    name,
    swap,
    truncate,
)

from hexkey.bits import packed_bytes
from hexkey.session.conversation import LiveConversation
from hexkey.session.messages import Type
from hexkey.session.messages_bb84 import AnnounceBb84
from hexkey.session.messages_maps import OutsideSample
from hexkey.session.parameters import MOST_OUTSIDE
from hexkey.store import compare

PATIENCE_S = 1.5  # as in test_tamper_bb84


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    folder = tmp_path_factory.mktemp("origin")
    return make_mapped(folder, parameters=PARAMETERS, qber=(0.03,)).parties


def told(pulses: Sequence[int]) -> bytes:
    bits = np.zeros(len(pulses), np.uint8)
    return OutsideSample(np.array(pulses, np.uint64), bits, bits).encode()


def discloses(change: Callable[[list[int]], list[int]]) -> Lie:
    """Other pulses outside the gate than the honest ones."""

    def body(honest: bytes) -> bytes:
        said = OutsideSample.decode(honest, MOST_OUTSIDE, bases=True)
        return told(change(said.pulses.tolist()))

    return changed(Type.OUTSIDE, body)


def asks_for_the_key(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
    """The first pulse that was announced, as if it were none of the block's."""
    covered = b"".join(talk._transcript.covered())
    head = 4 + int.from_bytes(covered[:4], "little")  # the unit's name
    pulse = AnnounceBb84.decode(covered[head + 6 :]).pulses[0]  # after who, what, how long
    return [(Type.OUTSIDE, told([pulse]))]


FROM_BOB: dict[str, tuple[Lie, str]] = {
    "asks for a basis of the key": (asks_for_the_key, "in pulses that it announces for the key"),
    "asks for pulses of the unit before": (
        discloses(lambda pulses: [0, *pulses]),
        "in pulses 0 to .* are of this block",
    ),
    "asks for bases after the block": (
        discloses(lambda pulses: [*pulses, PULSES - 1]),
        f"to {PULSES - 1} where those between .* are of this block",
    ),
    "asks for bases of the next year": (
        discloses(lambda pulses: [*pulses, 2**62]),
        "are of this block",
    ),
    "asks for the same pulse twice": (
        discloses(lambda pulses: [pulses[0], *pulses]),
        "OUTSIDE message do not rise",
    ),
    "asks backwards": (discloses(lambda pulses: pulses[::-1]), "OUTSIDE message do not rise"),
    "asks for more than a message": (
        discloses(lambda pulses: list(range(MOST_OUTSIDE + 1))),
        "discloses 1000001 clicks outside the gate where 1000000 are allowed",
    ),
    "says no bases": (
        changed(
            Type.OUTSIDE, lambda body: body[: -packed_bytes(int.from_bytes(body[:4], "little"))]
        ),
        "OUTSIDE message of .* clicks has",
    ),
    "claims more than it says": (
        changed(Type.OUTSIDE, lambda body: b"\xff" * 4 + body[4:]),
        "4294967295 clicks outside the gate",
    ),
    "floods": (floods(Type.OUTSIDE, 8 << 20, 3), "OUTSIDE message of 0 clicks has 8388608 bytes"),
    "says nothing of them": (silent, "sent TAG where OUTSIDE was due"),
    "says it is done": (says(Type.BYE, b""), "sent BYE where OUTSIDE was due"),
}


@pytest.mark.parametrize("lie", FROM_BOB)
def test_a_bob_who_asks_for_what_is_not_outside_gets_no_answer(
    origin: Parties, tmp_path: Path, lie: str
) -> None:
    how, sentence = FROM_BOB[lie]
    check(Case(BOB, (Type.OUTSIDE, 0), how, sentence), origin.copy(tmp_path))


FROM_ALICE: dict[str, tuple[Lie, str]] = {
    "marks one error more": (
        changed(Type.VERDICTS, lambda body: bytes((body[0] ^ 1,)) + body[1:]),
        "marks other than the errors that it counted",
    ),
    "marks bits of another basis": (
        changed(Type.VERDICTS, lambda body: body[:-40] + b"\xff" * 39 + body[-1:]),
        "marks bits as wrong in another basis than its own",
    ),
    "marks less": (changed(Type.VERDICTS, lambda body: body[:-1]), "VERDICTS message has"),
    "marks more": (changed(Type.VERDICTS, lambda body: body + b"\0"), "VERDICTS message has"),
    "marks for ever": (floods(Type.VERDICTS, 1 << 20, 3), "VERDICTS message has 1048576 bytes"),
    "marks nothing": (silent, "SAMPLE where VERDICTS"),
    "samples before she marks": (says(Type.SAMPLE, bytes(33)), "SAMPLE where VERDICTS"),
}


@pytest.mark.parametrize("lie", FROM_ALICE)
def test_an_alice_who_marks_wrongly_is_noticed(origin: Parties, tmp_path: Path, lie: str) -> None:
    how, sentence = FROM_ALICE[lie]
    check(Case(ALICE, (Type.VERDICTS, 0), how, sentence), origin.copy(tmp_path))


# ---- the man in the middle -----------------------------------------------------------------------

SPOTS: list[Spot] = [(BOB, Type.OUTSIDE, 0), (ALICE, Type.VERDICTS, 0)]


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    mapped = make_mapped(tmp_path_factory.mktemp("earlier"), parameters=PARAMETERS, tag_keys=20)
    outcome = run_session(mapped.parties, traffic=(traffic := Traffic()))
    assert outcome.alice_error is outcome.bob_error is None
    return Earlier(with_maps(mapped.parties.later()).parties, traffic)


@pytest.mark.parametrize("spot", SPOTS, ids=name)
@pytest.mark.parametrize("spoil", [flip, drop, duplicate, swap, truncate])
def test_a_spoilt_message_makes_no_key(
    earlier: Earlier, tmp_path: Path, spot: Spot, spoil: Spoil
) -> None:
    parties, outcome = attack(earlier, tmp_path, spot, spoil, PATIENCE_S)
    assert outcome.alice_error or outcome.bob_error
    assert compare(parties.alice_store, parties.bob_store).common == 1


@pytest.mark.parametrize("place", [0, 4, 9, 500, -1])
def test_changed_clicks_get_neither_bases_nor_verdicts(
    origin: Parties, tmp_path: Path, place: int
) -> None:
    """Whatever is changed of them: the tag is Bob's, and Alice says nothing before."""
    parties = origin.copy(tmp_path)
    traffic = Traffic()
    outcome, clicks = meddled(parties, Type.OUTSIDE, place, traffic)
    assert outcome.alice_error is not None
    assert outcome.bob_error is not None
    assert traffic.bodies(ALICE, Type.BASES) == traffic.bodies(ALICE, Type.VERDICTS) == []
    assert clicks == []
    assert compare(parties.alice_store, parties.bob_store).common == 0


def test_changed_verdicts_of_clicks_outside_end_in_no_map(origin: Parties, tmp_path: Path) -> None:
    """A basis that becomes hers: no count gives it away, but Alice's last tag does."""
    honest = run_session(origin.copy(tmp_path), traffic=(traffic := Traffic()))
    assert honest.bob is not None
    counts = honest.bob.blocks[0].bb84
    assert counts is not None
    [body] = traffic.bodies(ALICE, Type.VERDICTS)
    place = counts.test_bits // 8 + 1  # among the bases
    assert place < len(body) - packed_bytes(2)
    while body[place] & 1:
        place += 1
    again = tmp_path / "again"
    again.mkdir()
    parties = origin.copy(again)
    outcome, clicks = meddled(parties, Type.VERDICTS, place)
    assert "does not verify" in str(outcome.alice_error)
    assert outcome.bob_error is not None
    assert clicks == []
    assert compare(parties.alice_store, parties.bob_store).common == 0

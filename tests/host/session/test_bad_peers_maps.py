"""A peer that misbehaves, or a man in the middle, in a session with maps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.session.harness import ALICE, BOB, Outcome, Parties, Traffic, run_session
from tests.host.session.lies import Case, Lie, changed, floods, says, silent
from tests.host.session.map_parties import PARAMETERS, PULSES, make_mapped, with_maps
from tests.host.session.test_bad_peers import check
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

from hexkey.placed import MapClicks
from hexkey.session import messages
from hexkey.session.conversation import LiveConversation
from hexkey.session.messages import Type
from hexkey.session.messages_maps import OutsideSample
from hexkey.store import compare


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return make_mapped(tmp_path_factory.mktemp("origin"), qber=(0.03,)).parties


def discloses(change: Callable[[list[int]], list[int]]) -> Lie:
    """Other pulses outside the gate than the honest ones."""

    def body(honest: bytes) -> bytes:
        pulses = change(OutsideSample.decode(honest, PARAMETERS.block_bits).pulses.tolist())
        bits = np.zeros(len(pulses), np.uint8)
        return OutsideSample(np.array(pulses, np.uint64), bits).encode()

    return changed(Type.OUTSIDE, body)


def asks_for_the_key(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
    """The first pulse that was announced, and so the first bit of the key, as if it were none."""
    [pulse] = messages.decode_pulses(_announced(talk)[:9], Type.ANNOUNCE).tolist()
    sample = OutsideSample(np.array([pulse], np.uint64), np.zeros(1, np.uint8))
    return [(Type.OUTSIDE, sample.encode())]


def _announced(talk: LiveConversation) -> bytes:
    """The pulses of the announcement, as the unit's transcript has them."""
    covered = b"".join(talk._transcript.covered())
    head = 4 + int.from_bytes(covered[:4], "little")  # the unit's name
    return covered[head + 6 + 8 :]  # who, what, how long; block and epoch


FROM_BOB: dict[str, tuple[Lie, str]] = {
    "asks for a bit of the key": (asks_for_the_key, "in pulses that it announces for the key"),
    "asks for pulses of the unit before": (
        discloses(lambda pulses: [0, *pulses]),
        "in pulses 0 to .* are of this block",
    ),
    "asks for pulses after the block": (
        discloses(lambda pulses: [*pulses, PULSES - 1]),
        f"to {PULSES - 1} where those between .* are of this block",
    ),
    "asks for pulses of the next year": (
        discloses(lambda pulses: [*pulses, 2**62]),
        "are of this block",
    ),
    "asks for the same pulse twice": (
        discloses(lambda pulses: [pulses[0], *pulses]),
        "OUTSIDE message do not rise",
    ),
    "asks backwards": (discloses(lambda pulses: pulses[::-1]), "OUTSIDE message do not rise"),
    "asks for more than a block": (
        discloses(lambda pulses: list(range(PARAMETERS.block_bits + 1))),
        "discloses 1501 clicks outside the gate where 1500 are allowed",
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
    "marks everything": (
        changed(Type.VERDICTS, lambda body: b"\xff" * (len(body) - 1) + b"\0"),
        "marks other than the errors that it counted",
    ),
    "marks less": (changed(Type.VERDICTS, lambda body: body[:-1]), "VERDICTS message has"),
    "marks more": (changed(Type.VERDICTS, lambda body: body + b"\0"), "VERDICTS message has"),
    "marks for ever": (floods(Type.VERDICTS, 512 << 10, 3), "VERDICTS message has 524288 bytes"),
    "marks nothing": (silent, "silent"),
}


@pytest.mark.parametrize("lie", FROM_ALICE)
def test_an_alice_who_marks_wrongly_is_noticed(origin: Parties, tmp_path: Path, lie: str) -> None:
    how, sentence = FROM_ALICE[lie]
    check(Case(ALICE, (Type.VERDICTS, 0), how, sentence), origin.copy(tmp_path))


# ---- the man in the middle -----------------------------------------------------------------------

SPOTS: list[Spot] = [(BOB, Type.OUTSIDE, 0), (ALICE, Type.VERDICTS, 0)]


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    mapped = make_mapped(tmp_path_factory.mktemp("earlier"), tag_keys=20)
    outcome = run_session(mapped.parties, traffic=(traffic := Traffic()))
    assert outcome.alice_error is outcome.bob_error is None
    return Earlier(with_maps(mapped.parties.later()).parties, traffic)


@pytest.mark.parametrize("spot", SPOTS, ids=name)
@pytest.mark.parametrize("spoil", [flip, drop, duplicate, swap, truncate])
def test_a_spoilt_message_makes_no_key(
    earlier: Earlier, tmp_path: Path, spot: Spot, spoil: Spoil
) -> None:
    parties, outcome = attack(earlier, tmp_path, spot, spoil)
    assert outcome.alice_error or outcome.bob_error
    assert compare(parties.alice_store, parties.bob_store).common == 1


class Middle:
    """Changes one byte of a type on its way."""

    def __init__(self, channel: Any, kind: Type, place: int) -> None:
        self._channel, self._kind, self._place = channel, kind, place

    def send(self, kind: Type, body: bytes) -> None:
        self._channel.send(kind, body)

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        kind, body = self._channel.receive(timeout_s)
        if kind is self._kind:
            place = self._place % len(body)
            body = body[:place] + bytes((body[place] ^ 1,)) + body[place + 1 :]
        return kind, body

    def close(self) -> None:
        self._channel.close()


def meddled(
    parties: Parties, kind: Type, place: int, traffic: Traffic | None = None
) -> tuple[Outcome, list[MapClicks]]:
    clicks = list[MapClicks]()

    def wrap(channel: Any) -> Any:
        return Middle(channel, kind, place)

    outcome = run_session(
        parties, wrap_alice=wrap, wrap_bob=wrap, traffic=traffic, clicks=clicks.append
    )
    return outcome, clicks


@pytest.mark.parametrize("place", [0, 4, 9, 500, -1])
def test_changed_clicks_get_no_answer(origin: Parties, tmp_path: Path, place: int) -> None:
    """Whatever is changed of them, Alice says nothing after: the tag is Bob's."""
    parties = origin.copy(tmp_path)
    outcome, clicks = meddled(parties, Type.OUTSIDE, place)
    assert outcome.alice_error is not None
    assert outcome.bob_error is not None
    assert clicks == []
    assert compare(parties.alice_store, parties.bob_store).common == 0


def test_changed_verdicts_of_clicks_outside_end_in_no_map(origin: Parties, tmp_path: Path) -> None:
    """No count gives them away: only Alice's last tag does, before anything is final at Bob."""
    parties = origin.copy(tmp_path)
    outcome, clicks = meddled(parties, Type.VERDICTS, PARAMETERS.estimate_bits // 8 + 2)
    assert "does not verify" in str(outcome.alice_error)
    assert outcome.bob_error is not None
    assert clicks == []
    assert compare(parties.alice_store, parties.bob_store).common == 0

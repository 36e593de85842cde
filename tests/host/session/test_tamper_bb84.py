"""A man in the middle at the messages that BB84 has of its own."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    SMALL_BB84,
    Traffic,
    make_parties,
    run_session,
)
from tests.host.session.test_tamper import (
    Earlier,
    Message,
    Spoil,
    Spoiler,
    Spot,
    attack,
    drop,
    duplicate,
    flip,
    name,
    settle,
    swap,
    truncate,
)

from hexkey.errors import AuthenticationError
from hexkey.session.messages import Type, encode_count
from hexkey.store import compare

PARAMETERS = replace(SMALL_BB84, block_bits=6_000, refill_to_alice=1, refill_to_bob=1)
PULSES = 20_000
PATIENCE_S = 1.5  # Alice has a claim and a tag to write before her bases, on a loaded machine
SPOTS: list[Spot] = [
    *((BOB, Type.ALIGN_BB84, 0), (BOB, Type.ANNOUNCE_BB84, 0), (BOB, Type.TAG, 3)),
    *((ALICE, Type.BASES, 0), (ALICE, Type.TAG, 2), (BOB, Type.SAMPLE_BITS, 0)),
    *((ALICE, Type.ESTIMATE, 0), (ALICE, Type.SAMPLE, 0)),
]


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    folder = tmp_path_factory.mktemp("earlier")
    parties = make_parties(folder, parameters=PARAMETERS, tag_keys=20, pulses=PULSES)
    traffic = Traffic()
    assert run_session(parties, traffic=traffic).bob_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 1
    return Earlier(parties.later(), traffic)


@pytest.mark.parametrize("spot", SPOTS, ids=name)
@pytest.mark.parametrize("spoil", [flip, drop, duplicate, swap, truncate])
def test_a_spoilt_message_makes_no_key(
    earlier: Earlier, tmp_path: Path, spot: Spot, spoil: Spoil
) -> None:
    parties, _ = attack(earlier, tmp_path, spot, spoil, PATIENCE_S)
    assert compare(parties.alice_store, parties.bob_store).common == 1


@pytest.mark.parametrize("spot", SPOTS, ids=name)
def test_a_message_of_an_earlier_session_is_not_taken(
    earlier: Earlier, tmp_path: Path, spot: Spot
) -> None:
    sender, kind, number = spot
    old = earlier.traffic.bodies(sender, kind)[number]
    same: list[bool] = []

    def replay(spoiler: Spoiler, message: Message) -> list[Message]:
        same.append(message[1] == old)  # as Alice's seeds of a test are
        return [(kind, old)]

    parties, _ = attack(earlier, tmp_path, spot, replay, PATIENCE_S)
    assert compare(parties.alice_store, parties.bob_store).common == 1 + (same == [True])


@pytest.mark.parametrize(
    ("spot", "victim", "kept"),
    [
        ((BOB, Type.ANNOUNCE_BB84, 0), ALICE, Type.BASES),
        ((BOB, Type.TAG, 3), ALICE, Type.BASES),
        ((ALICE, Type.BASES, 0), BOB, Type.SAMPLE_BITS),
        ((ALICE, Type.TAG, 2), BOB, Type.SAMPLE_BITS),
    ],
)
def test_nothing_is_answered_to_what_no_tag_covers(
    tmp_path: Path, spot: Spot, victim: int, kept: Type
) -> None:
    """Neither Alice's bases to a changed announcement, nor Bob's bits to changed bases."""
    parties, traffic = make_parties(tmp_path, parameters=PARAMETERS, pulses=PULSES), Traffic()

    def wrap(channel: Spoiler) -> Spoiler:
        return Spoiler(channel, spot, flip)

    wraps = {"wrap_alice" if victim == ALICE else "wrap_bob": wrap}
    outcome = run_session(parties, traffic=traffic, reply_timeout_s=PATIENCE_S, **wraps)  # type: ignore[arg-type]
    error = outcome.alice_error if victim == ALICE else outcome.bob_error
    assert isinstance(error, AuthenticationError)
    assert traffic.bodies(victim, kept) == []
    settle(parties, traffic)
    assert compare(parties.alice_store, parties.bob_store).common == 0


@pytest.mark.parametrize("claimed", [0, 5, 40, 10_000])
def test_a_changed_number_of_test_errors_makes_no_key(
    earlier: Earlier, tmp_path: Path, claimed: int
) -> None:
    def change(spoiler: Spoiler, message: Message) -> list[Message]:
        return [(Type.ESTIMATE, encode_count(claimed))]

    parties, _ = attack(earlier, tmp_path, (ALICE, Type.ESTIMATE, 0), change, PATIENCE_S)
    assert compare(parties.alice_store, parties.bob_store).common == 1

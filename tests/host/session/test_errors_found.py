"""Sessions without a sample: abort rule and length go by the errors found, once verified."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    SMALL,
    Outcome,
    Traffic,
    make_parties,
    pools_agree,
    run_session,
    without_clicks,
)
from tests.host.session.test_tamper import Message, Spoiler

from hexkey.cli.display import summary
from hexkey.config import AliceSettings, load
from hexkey.errors import AuthenticationError, BlockDropped, ChannelError, ConfigurationError
from hexkey.keyrate import b92
from hexkey.session import block
from hexkey.session.block import BlockCounts, Session
from hexkey.session.bob import Bob
from hexkey.session.conversation import SENT
from hexkey.session.messages import Type, decode_count, encode_count
from hexkey.session.parameters import SessionParameters
from hexkey.session.replay import Line, ReplayConversation, TranscriptEnded
from hexkey.session.tally import Tally
from hexkey.store import Store, compare

UNSAMPLED = replace(SMALL, estimate_bits=0, qber_expected=0.04)


def blocks_of(outcome: Outcome) -> tuple[list[BlockCounts], list[BlockCounts]]:
    assert outcome.alice_error is outcome.bob_error is None
    assert outcome.alice is not None
    assert outcome.bob is not None
    return outcome.alice.blocks, outcome.bob.blocks


def test_both_sides_make_the_same_keys_and_disclose_no_sample(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, blocks=3, parameters=UNSAMPLED)
    traffic = Traffic()
    hers, his = blocks_of(run_session(parties, traffic=traffic))
    assert [asdict(counts) for counts in hers] == [asdict(counts) for counts in his]
    found = compare(parties.alice_store, parties.bob_store)
    assert (found.equal, found.common) == (True, 3)
    assert traffic.bodies(BOB, Type.SAMPLE_BITS) == traffic.bodies(ALICE, Type.ESTIMATE) == []
    assert {len(body) for body in traffic.bodies(ALICE, Type.SAMPLE)} == {33}
    for counts in his:
        assert counts.disclosed.estimate == counts.sample_errors == 0
        assert counts.estimated is None
        assert counts.secret_bits == b92.key_length_unproven(
            UNSAMPLED.block_bits,
            counts.errors / UNSAMPLED.block_bits,
            counts.disclosed.reconcile,
            UNSAMPLED.eps_pa,
            UNSAMPLED.eps_cor,
            verification_bits=counts.disclosed.verify,
        )


def test_correction_starts_from_what_both_sides_know(tmp_path: Path) -> None:
    """The parameter, then the last key's errors; after a dropped block, the abort rule's rate."""
    parties = make_parties(
        tmp_path, blocks=5, qber=(0.02, 0.03, 0.14, 0.0, 0.05), parameters=UNSAMPLED
    )
    outcome = run_session(parties)
    hers, his = blocks_of(outcome)
    assert [counts.block for counts in his] == [0, 1, 3, 4]
    expected = [0.04, his[0].qber, UNSAMPLED.qber_abort, 0.0]
    assert [counts.expected_qber for counts in his] == expected
    assert [counts.expected_qber for counts in hers] == expected
    for tally in outcome.tallies.values():
        assert tally.dropped == {"qber": 1}


@pytest.mark.parametrize(
    ("qber", "reasons"), [(0.12, {"qber"}), (0.3, {"qber"}), (0.5, {"qber", "reconciliation"})]
)
def test_blocks_with_too_many_errors_are_dropped_on_both_sides(
    tmp_path: Path, qber: float, reasons: set[str]
) -> None:
    parties = make_parties(tmp_path, blocks=2, qber=(qber, qber), parameters=UNSAMPLED)
    outcome = run_session(parties)
    assert blocks_of(outcome) == ([], [])
    for tally in outcome.tallies.values():
        assert set(tally.dropped) <= reasons
        assert tally.dropped.total() == 2
        assert tally.disclosed.reconcile > 0  # counted, though nothing came of it
    assert compare(parties.alice_store, parties.bob_store).common == 0
    assert pools_agree(parties)


def test_the_rule_waits_for_the_verification(tmp_path: Path) -> None:
    """Only VERIFIED tells Alice a number of errors, and a block dropped by the rule sent it."""
    parties = make_parties(tmp_path, qber=(0.12,), parameters=UNSAMPLED)
    traffic = Traffic()
    run_session(parties, traffic=traffic)
    [body] = traffic.bodies(BOB, Type.VERIFIED)
    assert decode_count(body, Type.VERIFIED) > 0.11 * UNSAMPLED.block_bits
    assert traffic.bodies(ALICE, Type.AMPLIFY) == []


@pytest.mark.parametrize("truly", [0.03, 0.12])
@pytest.mark.parametrize("claimed", [0, 100, 400, 500, 3_999])
def test_a_changed_number_of_errors_makes_no_key(
    tmp_path: Path, truly: float, claimed: int
) -> None:
    parties = make_parties(tmp_path, qber=(truly,), parameters=UNSAMPLED)

    def change(spoiler: Spoiler, message: Message) -> list[Message]:
        return [(Type.VERIFIED, encode_count(claimed))]

    run_session(
        parties,
        wrap_alice=lambda channel: Spoiler(channel, (BOB, Type.VERIFIED, 0), change),
        reply_timeout_s=0.4,
    )
    assert run_session(without_clicks(parties), nonce=b"p" * 16).alice_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 0
    assert pools_agree(parties)


def test_the_tag_covers_the_number_of_errors_before_any_key_is_final(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the length the same for any number of errors, the tag alone would tell."""
    monkeypatch.setattr(b92, "key_length_unproven", lambda *_, **__: 500)
    parties = make_parties(tmp_path, parameters=UNSAMPLED)

    def change(spoiler: Spoiler, message: Message) -> list[Message]:
        return [(Type.VERIFIED, encode_count(decode_count(message[1], Type.VERIFIED) - 1))]

    outcome = run_session(
        parties, wrap_alice=lambda channel: Spoiler(channel, (BOB, Type.VERIFIED, 0), change)
    )
    assert isinstance(outcome.alice_error, AuthenticationError)
    assert isinstance(outcome.bob_error, ChannelError)
    assert compare(parties.alice_store, parties.bob_store).common == 0


def test_a_recorded_session_without_a_sample_is_reproduced(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    parties = make_parties(tmp_path, blocks=2, parameters=UNSAMPLED)
    fresh = parties.copy(tmp_path / "copy")
    lines: list[Line] = []
    outcome = run_session(parties, witness=lambda *line: lines.append(line))
    assert outcome.bob is not None
    session = outcome.bob.session
    assert lines[0][0] == SENT
    with Store.open(fresh.bob_store) as store:
        bob = Bob(ReplayConversation(lines), session, store, Tally(session), lambda event: None)
        with pytest.raises(TranscriptEnded):
            bob.run(fresh.chunks)
    found = compare(parties.bob_store, fresh.bob_store)
    assert (found.equal, found.common) == (True, 2)


def test_the_report_of_a_session_without_a_sample(tmp_path: Path) -> None:
    outcome = run_session(make_parties(tmp_path, parameters=UNSAMPLED))
    assert outcome.bob is not None
    report = outcome.bob.report({})
    assert report["disclosed_bits"]["estimate"] == 0
    assert report["history"][0]["estimate"] is None
    assert 1.0 < report["efficiency"] < 1.4
    assert "estimate 0, " in dict(summary(report))["disclosed bits"]


def test_a_configuration_may_do_without_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "alice.toml"
    path.write_text("[session]\nestimate_bits = 0\nqber_expected = 0.065\n")
    files = {"alice_record": tmp_path / "record", "store": tmp_path / "store"}
    session = load(AliceSettings, path, files, {}).session
    assert (session.estimate_bits, session.qber_expected) == (0, 0.065)


def test_what_correction_starts_from_is_agreed_in_the_handshake(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, parameters=UNSAMPLED)
    outcome = run_session(parties, alice_parameters=replace(UNSAMPLED, qber_expected=0.05))
    assert "qber_expected is 0.05 at Alice and 0.04 at Bob" in str(outcome.bob_error)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"estimate_bits": 63},
            "estimate_bits must be 0, or from 64 to half of block_bits, not 63",
        ),
        ({"estimate_bits": -1}, "estimate_bits must be 0, or from 64 .*, not -1"),
        ({"qber_expected": 0.0}, "qber_expected must be above 0 and at most 0.25, not 0.0"),
        ({"qber_expected": 0.26}, "qber_expected must be above 0 and at most 0.25, not 0.26"),
    ],
)
def test_settings_out_of_range_are_refused(changed: dict[str, float], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{sentence}$"):
        SessionParameters(**changed)  # type: ignore[arg-type]


def test_the_rule_leaves_blocks_with_a_sample_to_the_sample() -> None:
    session = Session("s", SessionParameters(), ())
    counts = BlockCounts(0, 40_000, errors=20_000)
    block.judge_errors(session, counts)
    with pytest.raises(BlockDropped, match=r"verified block's QBER of 50\.00% is above"):
        block.judge_errors(Session("s", UNSAMPLED, ()), counts)

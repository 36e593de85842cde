"""Sessions of BB84: what is said when, what is counted, and what the key's length follows from."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    BOB_SAYS_BB84,
    OFFSET,
    SMALL_BB84,
    Outcome,
    Parties,
    Traffic,
    make_parties,
    pools_agree,
    run_session,
)

from hexkey.bits import pack_bits
from hexkey.errors import BlockDropped, ChannelError, ConfigurationError, InputError, StoreError
from hexkey.keyrate.bb84_single_observed import ObservedBlock, key_length
from hexkey.record import RecordReader
from hexkey.session.bb84 import RANGES, Bb84Counts, Bb84Terms, judge_test, observed_key, sift
from hexkey.session.block import BlockCounts
from hexkey.session.conversation import EPSILON_TAG
from hexkey.session.messages import Type
from hexkey.session.messages_bb84 import AlignBb84, AnnounceBb84, Bases
from hexkey.session.parameters import AliceStatement, SessionParameters
from hexkey.sift_bb84 import CROSS, KEY, TEST
from hexkey.store import DemonstrationKey, SecretKey, Store, compare

TERMS = Bb84Terms(0.7, 0.6, 0.0, 0.0)


def blocks_of(outcome: Outcome) -> tuple[list[BlockCounts], list[BlockCounts]]:
    assert outcome.alice_error is outcome.bob_error is None
    assert outcome.alice is not None
    assert outcome.bob is not None
    return outcome.alice.blocks, outcome.bob.blocks


def test_both_sides_store_equal_keys_and_equal_accounts(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, blocks=3, parameters=SMALL_BB84)
    outcome = run_session(parties)
    hers, his = blocks_of(outcome)
    assert [asdict(counts) for counts in hers] == [asdict(counts) for counts in his]
    assert outcome.tallies[ALICE].disclosed == outcome.tallies[BOB].disclosed
    found = compare(parties.alice_store, parties.bob_store)
    assert (found.equal, found.common) == (True, 3)
    assert found.bits == outcome.tallies[BOB].secret_bits > 0
    assert outcome.tallies[BOB].alignments[0].offset == OFFSET
    assert pools_agree(parties)


def test_messages_come_in_the_order_of_the_contract(tmp_path: Path) -> None:
    """Bob's bases before Alice's, both under tags; his test bits only then; no bit before."""
    crossed: list[Type] = []
    parties = make_parties(tmp_path, parameters=SMALL_BB84)
    run_session(parties, witness=lambda direction, kind, body: crossed.append(kind))
    order = [kind for kind in crossed if kind not in (Type.QUERY, Type.ANSWER)]
    assert order == [
        *(Type.HELLO, Type.TAG, Type.WELCOME, Type.TAG, Type.SETTLE, Type.TAG),
        *(Type.ALIGN_BB84, Type.TAG, Type.OFFSET, Type.TAG),
        *(Type.ANNOUNCE_BB84, Type.TAG, Type.BASES, Type.TAG, Type.SAMPLE_BITS, Type.ESTIMATE),
        *(Type.SAMPLE, Type.CORRECTED, Type.VERIFY, Type.VERIFIED, Type.AMPLIFY),
        *(Type.CONFIRM, Type.TAG, Type.CONFIRM, Type.TAG, Type.COMMIT, Type.TAG),
        Type.BYE,
    ]


def test_what_was_said_is_what_is_counted(tmp_path: Path) -> None:
    parties, traffic = make_parties(tmp_path, blocks=2, parameters=SMALL_BB84), Traffic()
    hers, his = blocks_of(run_session(parties, traffic=traffic))
    with RecordReader(parties.record) as record:
        assert record.statement.protocol == "bb84"
        align = AlignBb84.decode(traffic.bodies(BOB, Type.ALIGN_BB84)[0])
        before = int(align.pulses[-1]) + OFFSET + 1  # of Alice's, where the first block begins
        for number, counts in enumerate(his):
            found = counts.bb84
            assert found is not None
            announce = AnnounceBb84.decode(traffic.bodies(BOB, Type.ANNOUNCE_BB84)[number])
            body = traffic.bodies(ALICE, Type.BASES)[number]
            said = Bases.decode(body, SMALL_BB84.block_bits)
            at = announce.pulses + np.uint64(OFFSET)
            assert np.array_equal(said.bases, record.bases_at(at))
            end = int(at[-1]) + 1
            assert said.sent_key == found.sent_key == record.key_basis_pulses(before, end)
            assert said.sent_test == found.sent_test == end - before - said.sent_key
            before = end
            both = announce.bases == said.bases
            in_test = both & (announce.bases == TEST)
            disclosed = traffic.bodies(BOB, Type.SAMPLE_BITS)[number]
            mine = np.concatenate([chunk.bits for chunk in parties.chunks])
            places = np.searchsorted(
                np.concatenate([chunk.pulses for chunk in parties.chunks]), announce.pulses[in_test]
            )
            assert disclosed == pack_bits(mine[places])
            wrong = mine[places] != record.bits_at(at[in_test])
            assert found.test_errors == int(wrong.sum())
            assert found.test_bits == counts.disclosed.estimate == int(in_test.sum())
            assert found.test_ones == int(mine[places].sum())
            assert (
                found.key_bits == counts.sifted_bits == int((both & (announce.bases == KEY)).sum())
            )
            assert found.cross_clicks == int((announce.bases == CROSS).sum())
            split = found.key_clicks + found.test_clicks + found.cross_clicks
            assert split == found.clicks == SMALL_BB84.block_bits
    assert hers == his


def test_the_length_is_the_observed_one(tmp_path: Path) -> None:
    """From the counts of the report alone, by the formula for observed blocks."""
    parties = make_parties(tmp_path, parameters=SMALL_BB84)
    _, [counts] = blocks_of(run_session(parties))
    found = counts.bb84
    assert found is not None
    block = ObservedBlock(
        sent_key=found.sent_key,
        sent_test=found.sent_test,
        clicks_key=counts.sifted_bits,
        clicks_test=found.test_bits,
        errors_test=found.test_errors,
        multiphoton_upper=0.0,
        bob_key_bias=0.6,
        bob_test_bias=0.5,
        clicks=4_000,
        cross_clicks=found.cross_clicks,
        splitter_upper=0.6,
        ranges=RANGES,
    )
    key = key_length(
        block,
        counts.disclosed.reconcile,
        counts.disclosed.verify,
        SMALL_BB84.eps_smoothing,
        SMALL_BB84.eps_pa,
    )
    assert counts.secret_bits == key.bits > 0
    assert found.phase_error_upper == key.phase_error_upper < 0.5
    assert found.single_lower == key.single_lower < counts.sifted_bits
    assert counts.epsilon["sec"] == pytest.approx(4 * 1e-2 + 1e-10)


def test_a_source_of_several_photons_shortens_the_key(tmp_path: Path) -> None:
    lengths = []
    for number, upper in enumerate((0.0, 1e-5, 1e-2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        parties = make_parties(folder, parameters=SMALL_BB84)
        says = AliceStatement("r", "random", ("a test",), 0.7, upper, 1e-4)
        outcome = run_session(parties, alice_says=says)
        _, his = blocks_of(outcome)
        lengths.append(sum(counts.secret_bits for counts in his))
        if his:
            assert his[0].epsilon["source"] == 1e-4
            assert outcome.tallies[BOB].report({})["epsilon"]["source"] == 1e-4
    assert lengths[0] > lengths[1] > 0
    assert lengths[2] == 0


def test_every_tag_is_paid_for_on_both_sides(tmp_path: Path) -> None:
    parties, traffic = make_parties(tmp_path, blocks=2, parameters=SMALL_BB84), Traffic()
    outcome = run_session(parties, traffic=traffic)
    tags = len(traffic.tag_numbers(ALICE)) + len(traffic.tag_numbers(BOB))
    assert tags == 3 + 2 + 2 * 5
    for tally in outcome.tallies.values():
        assert tally.auth_bits_used == 256 * tags
        assert tally.epsilon["auth"] == pytest.approx(tags * EPSILON_TAG, rel=1e-12)
        assert tally.blocks[0].facts()["auth_bits"] == 5 * 256


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"qber_abort": 0.02}, "qber"), ({"eps_smoothing": 1e-40}, "length")],
)
def test_a_bad_block_is_dropped_before_anything_of_the_key_is_disclosed(
    tmp_path: Path, change: dict[str, float], reason: str
) -> None:
    parameters = replace(SMALL_BB84, **change)  # type: ignore[arg-type]
    parties, traffic = make_parties(tmp_path, qber=0.06, parameters=parameters), Traffic()
    outcome = run_session(parties, traffic=traffic)
    assert blocks_of(outcome) == ([], [])
    for tally in outcome.tallies.values():
        assert tally.dropped == {reason: 1}
        assert tally.disclosed.reconcile == 0
        assert tally.disclosed.estimate > 0
        tags = len(traffic.tag_numbers(ALICE)) + len(traffic.tag_numbers(BOB))
        assert tally.epsilon["auth"] == pytest.approx(tags * EPSILON_TAG, rel=1e-12)
    assert traffic.bodies(ALICE, Type.SAMPLE) == []
    assert compare(parties.alice_store, parties.bob_store).common == 0
    assert pools_agree(parties)


def test_the_abort_rule_holds_for_the_key_basis_too(tmp_path: Path) -> None:
    """A channel that turns the key basis alone: its errors are seen once it is verified."""
    parties = make_parties(tmp_path, qber=0.01, parameters=replace(SMALL_BB84, qber_abort=0.08))
    rng = np.random.default_rng(5)
    chunks = tuple(
        replace(
            chunk,
            bits=chunk.bits ^ ((chunk.bases == KEY) & (rng.random(len(chunk.bits)) < 0.12)),
        )
        for chunk in parties.chunks
    )
    outcome = run_session(replace(parties, chunks=chunks))
    assert blocks_of(outcome) == ([], [])
    for tally in outcome.tallies.values():
        assert tally.dropped == {"qber": 1}
        assert tally.disclosed.verify > 0


def test_correction_starts_from_the_test_basis_then_from_the_last_block(tmp_path: Path) -> None:
    """Far from `qber_expected`, which the first block of B92 would start from."""
    parameters = replace(SMALL_BB84, qber_expected=0.2)
    outcome = run_session(make_parties(tmp_path, blocks=2, qber=0.04, parameters=parameters))
    for first, second in blocks_of(outcome):
        assert first.bb84 is not None
        tested = first.bb84.test_bits
        assert first.expected_qber == (first.bb84.test_errors + 1) / (tested + 1)
        assert abs(first.expected_qber - 0.04) < 5 * (0.04 / tested) ** 0.5
        assert second.expected_qber == first.qber


def test_the_same_pulses_are_not_announced_twice(tmp_path: Path) -> None:
    """Neither their bases nor their bits are said a second time."""
    parties, traffic = make_parties(tmp_path, parameters=SMALL_BB84), Traffic()
    assert run_session(parties).bob_error is None
    again = run_session(parties, nonce=b"m" * 16, traffic=traffic)
    assert isinstance(again.alice_error, InputError)
    assert traffic.bodies(ALICE, Type.BASES) == []
    later = run_session(parties.later(), nonce=b"o" * 16)
    assert later.bob_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 2


def test_an_epoch_of_cross_clicks_is_passed_over(tmp_path: Path) -> None:
    """An offset is looked for in clicks that have a basis; the first ones may have none."""
    parties = make_parties(tmp_path, parameters=SMALL_BB84)
    first = parties.chunks[0]
    count = SMALL_BB84.offset_sample_bits
    crossed = replace(
        first,
        pulses=first.pulses[:count],
        bits=np.zeros(count, np.uint8),
        bases=np.full(count, CROSS, np.uint8),
    )
    outcome = run_session(replace(parties, chunks=(crossed, *parties.chunks[1:])))
    assert outcome.tallies[BOB].alignments[0].offset == OFFSET


def test_statements_without_their_probability_open_no_session(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, parameters=SMALL_BB84)
    outcome = run_session(parties, bob_says=replace(BOB_SAYS_BB84, key_basis_probability=0.0))
    assert "both statements of bb84 have a key_basis_probability" in str(outcome.alice_error)
    assert isinstance(outcome.bob_error, ChannelError)


# ---- kinds of keys -------------------------------------------------------------------------------


def secret_parties(folder: Path) -> tuple[Parties, AliceStatement]:
    parties = make_parties(folder, parameters=SMALL_BB84, kind="secret")
    return parties, AliceStatement("r", "random", (), 0.7, 1e-9, 1e-12)


def test_without_a_reason_against_it_keys_are_secret(tmp_path: Path) -> None:
    parties, says = secret_parties(tmp_path)
    outcome = run_session(parties, alice_says=says, bob_says=replace(BOB_SAYS_BB84, reasons=()))
    blocks_of(outcome)
    assert outcome.tallies[BOB].report({})["label"] == "secret"
    for path in (parties.alice_store, parties.bob_store):
        with Store.open(path, read_only=True) as store:
            [key] = store.keys()
        assert isinstance(key, SecretKey)
        assert key.reasons == ()
    assert compare(parties.alice_store, parties.bob_store).equal


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_stores_for_secrets_take_no_demonstration(tmp_path: Path, whose: str) -> None:
    """The session is refused, with the reason, before anything of a block is said."""
    parties, says = secret_parties(tmp_path)
    bob_says, why = replace(BOB_SAYS_BB84, reasons=()), ("the photons were simulated",)
    if whose == "alice":
        says = replace(says, reasons=why)
    else:
        bob_says = replace(bob_says, reasons=why)
    traffic = Traffic()
    outcome = run_session(parties, alice_says=says, bob_says=bob_says, traffic=traffic)
    assert isinstance(outcome.bob_error, ChannelError)
    assert "this session makes demonstrations: the photons were simulated" in str(outcome.bob_error)
    assert traffic.bodies(BOB, Type.ANNOUNCE_BB84) == []


def test_b92_never_opens_a_session_for_secrets(tmp_path: Path) -> None:
    from tests.host.session.harness import BOB_SAYS, SMALL

    parties = make_parties(tmp_path, parameters=SMALL, kind="secret")
    says = AliceStatement("r", "random", ())
    outcome = run_session(parties, alice_says=says, bob_says=replace(BOB_SAYS, reasons=()))
    assert "not a security proof" in str(outcome.bob_error)


def test_a_pool_for_demonstrations_makes_demonstrations(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, parameters=SMALL_BB84)
    says = AliceStatement("r", "random", (), 0.7, 1e-9, 1e-12)
    outcome = run_session(parties, alice_says=says, bob_says=replace(BOB_SAYS_BB84, reasons=()))
    blocks_of(outcome)
    with Store.open(parties.bob_store, read_only=True) as store:
        [key] = store.keys()
    assert isinstance(key, DemonstrationKey)
    assert key.reasons == ("the stores and their authentication pool are for demonstrations",)


def test_a_store_refuses_the_other_kind_of_key(tmp_path: Path) -> None:
    bits, name = np.ones(8, np.uint8), "0" * 8 + "-0000-4000-8000-" + "0" * 12
    secret = SecretKey.fresh(name, bits, {}, 0.0)
    demonstration = DemonstrationKey.fresh(name, bits, ("a test",), {}, 0.0)
    (tmp_path / "secret").mkdir()
    for folder, kind, wrong in (
        (tmp_path, "demonstration", secret),
        (tmp_path / "secret", "secret", demonstration),
    ):
        parties = make_parties(folder, parameters=SMALL_BB84, kind=kind)  # type: ignore[arg-type]
        with Store.open(parties.bob_store) as store:
            with pytest.raises(StoreError, match=f"holds {kind} keys, never"):
                store.put_pending(wrong, b"", b"")
            assert store.pending_ids() == []


# ---- pure functions ------------------------------------------------------------------------------


def test_sifting_keeps_what_both_chose() -> None:
    bob = np.array([KEY, KEY, TEST, TEST, CROSS, CROSS], np.uint8)
    alice = np.array([1, 0, 1, 0, 1, 0], np.uint8)
    counts = Bb84Counts(6)
    found = sift(counts, bob, alice, 100, 50)
    assert found.key.tolist() == [True, *[False] * 5]
    assert found.test.tolist() == [False, False, False, True, False, False]
    assert (counts.key_clicks, counts.test_clicks, counts.cross_clicks) == (2, 2, 2)
    assert (counts.key_bits, counts.test_bits) == (1, 1)
    assert (counts.sent_key, counts.sent_test) == (100, 50)


def test_cross_clicks_cost_key() -> None:
    """Each stands for pulses of several photons, which could all be Eve's."""
    parameters = SMALL_BB84
    counts = [
        Bb84Counts(40_000, 24_000, 16_000, crosses, 10**7, 10**7, 16_000, 4_000, 80)
        for crosses in (0, 20, 200)
    ]
    lengths = [observed_key(TERMS, parameters, one, 0, 0).bits for one in counts]
    assert lengths[0] > lengths[1] > lengths[2] > 0
    # 200 of 2 p (1 - p) = 0.48 stand for 417 on the average, and for more with confidence.
    assert 417 < 16_000 - counts[2].single_lower < 600


def test_a_block_without_a_test_basis_makes_no_key() -> None:
    counts = Bb84Counts(1_000, 1_000, 0, 0, 10**6, 10**6, 900, 0, 0)
    with pytest.raises(BlockDropped) as drop:
        judge_test(TERMS, SMALL_BB84, counts, 0)
    assert drop.value.reason == "length"


def test_bb84_takes_no_sample_beside_its_test_basis() -> None:
    with pytest.raises(ConfigurationError, match="estimate_bits must be 0 with bb84"):
        SessionParameters(protocol="bb84")
    with pytest.raises(ConfigurationError, match="use 'b92' or 'bb84'"):
        SessionParameters(protocol="e91")

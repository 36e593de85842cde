"""A session of BB84 with maps: what is disclosed, what Bob learns of it, what nobody does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    OFFSET,
    Traffic,
    make_parties,
    run_session,
)
from tests.host.session.map_parties import PARAMETERS_BB84 as PARAMETERS
from tests.host.session.map_parties import Mapped, make_mapped, with_maps

from hexkey.bits import packed_bytes, unpack_bits
from hexkey.claims import RecordClaims
from hexkey.placed import Bb84Clicks, MapClicks
from hexkey.record import RecordReader
from hexkey.session.messages import Type
from hexkey.session.messages_bb84 import AlignBb84, AnnounceBb84, Bases
from hexkey.session.messages_maps import OutsideSample
from hexkey.sift_bb84 import CROSS, KEY, TEST
from hexkey.store import compare

Found = dict[int, tuple[int, bool, bool]]  # by pulse: his basis, whether it is hers, and wrong


def by_pulse(clicks: MapClicks) -> Found:
    """Every phase is its pulse's."""
    assert isinstance(clicks, Bb84Clicks)
    columns = (clicks.phases, clicks.bases, clicks.matched, clicks.wrong)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    found = {pulse: (basis, matched, wrong) for pulse, basis, matched, wrong in rows}
    assert len(found) == len(rows)
    return found


def expected(mapped: Mapped, first: int, last: int) -> Found:
    """What every click after pulse `first` and up to `last` is, from the pair's own records."""
    found: Found = {}
    outside = mapped.outside
    parts = [(chunk.pulses, chunk.bits, chunk.bases) for chunk in mapped.parties.chunks]
    with RecordReader(mapped.parties.record) as record:
        for pulses, bits, bases in [*parts, (outside.pulses, outside.bits, outside.bases)]:
            at = pulses + np.uint64(OFFSET)
            matched = np.asarray(bases) == record.bases_at(at)
            wrong = matched & (bits != record.bits_at(at))
            columns = (pulses, np.asarray(bases), matched, wrong)
            for pulse, *what in zip(*(column.tolist() for column in columns), strict=True):
                if first < pulse <= last:
                    found[pulse] = tuple(what)
    return found


def ends(traffic: Traffic) -> list[int]:
    """The last pulse of the alignment, and of each block."""
    [align] = traffic.bodies(BOB, Type.ALIGN_BB84)
    blocks = traffic.bodies(BOB, Type.ANNOUNCE_BB84)
    lasts = [int(AnnounceBb84.decode(block).pulses[-1]) for block in blocks]
    return [int(AlignBb84.decode(align).pulses[-1]), *lasts]


def test_bob_learns_of_every_click_what_may_be_said(tmp_path: Path) -> None:
    parameters = replace(PARAMETERS, block_bits=5_000)
    mapped = make_mapped(tmp_path, parameters=parameters, blocks=2)
    traffic, clicks = Traffic(), list[MapClicks]()
    outcome = run_session(mapped.parties, traffic=traffic, clicks=clicks.append)
    assert outcome.alice_error is outcome.bob_error is None
    assert compare(mapped.parties.alice_store, mapped.parties.bob_store).common == 2
    edges, outside = ends(traffic), 0
    said = traffic.bodies(ALICE, Type.BASES)
    for number, each in enumerate(clicks):
        due = expected(mapped, edges[number], edges[number + 1])
        assert by_pulse(each) == due
        kinds = {(basis, matched, wrong) for basis, matched, wrong in due.values()}
        both = [(basis, *what) for basis in (KEY, TEST) for what in ((0, 0), (1, 0), (1, 1))]
        assert kinds == {*both, (CROSS, 0, 0)}
        assert isinstance(each, Bb84Clicks)
        assert each.pulses == edges[number + 1] - edges[number]
        bases = Bases.decode(said[number], parameters.block_bits)
        assert each.pulses == bases.sent_key + bases.sent_test
    for body in traffic.bodies(BOB, Type.OUTSIDE):
        outside += len(OutsideSample.decode(body, parameters.most_outside, bases=True))
    for tally in outcome.tallies.values():
        assert tally.disclosed.outside == outside > 0
        assert tally.report({})["disclosed_bits"]["outside"] == outside


def test_all_clicks_outside_are_disclosed_but_cross_clicks(tmp_path: Path) -> None:
    mapped = make_mapped(tmp_path, parameters=PARAMETERS)
    run_session(mapped.parties, traffic=(traffic := Traffic()))
    [body] = traffic.bodies(BOB, Type.OUTSIDE)
    said = OutsideSample.decode(body, PARAMETERS.most_outside, bases=True)
    first, last = ends(traffic)
    every = mapped.outside
    assert every.bases is not None
    there = every.take((every.pulses > first) & (every.pulses < last) & (every.bases != CROSS))
    assert said.pulses.tolist() == there.pulses.tolist()
    assert said.bits.tolist() == there.bits.tolist()
    assert np.asarray(said.bases).tolist() == np.asarray(there.bases).tolist()


def test_of_the_key_basis_in_the_gate_no_bit_is_said(tmp_path: Path) -> None:
    """Nor whether one is wrong: the verdicts are as many as there are bits of the test basis."""
    mapped = make_mapped(tmp_path, parameters=PARAMETERS)
    outcome = run_session(mapped.parties, traffic=(traffic := Traffic()))
    assert outcome.bob is not None
    counts = outcome.bob.blocks[0].bb84
    assert counts is not None
    [bits], [verdicts] = traffic.bodies(BOB, Type.SAMPLE_BITS), traffic.bodies(ALICE, Type.VERDICTS)
    assert len(bits) == packed_bytes(counts.test_bits)
    outside = outcome.bob.disclosed.outside
    assert len(verdicts) == packed_bytes(counts.test_bits + 2 * outside)
    [announced] = traffic.bodies(BOB, Type.ANNOUNCE_BB84)
    [told] = traffic.bodies(BOB, Type.OUTSIDE)
    pulses = OutsideSample.decode(told, PARAMETERS.most_outside, bases=True).pulses
    assert not np.isin(pulses, AnnounceBb84.decode(announced).pulses).any()


def test_alice_says_nothing_of_bits_in_another_basis(tmp_path: Path) -> None:
    mapped = make_mapped(tmp_path, parameters=PARAMETERS)
    run_session(mapped.parties, traffic=(traffic := Traffic()))
    [body] = traffic.bodies(ALICE, Type.VERDICTS)
    told = traffic.bodies(BOB, Type.OUTSIDE)[0]
    outside = len(OutsideSample.decode(told, PARAMETERS.most_outside, bases=True))
    [announced] = traffic.bodies(BOB, Type.ANNOUNCE_BB84)
    his = AnnounceBb84.decode(announced).bases
    [hers] = traffic.bodies(ALICE, Type.BASES)
    count = int(np.count_nonzero((his == TEST) & (Bases.decode(hers, len(his)).bases == TEST)))
    said = unpack_bits(body, count + 2 * outside).astype(bool)
    matched, wrong = said[count : count + outside], said[count + outside :]
    assert 0 < np.count_nonzero(matched) < outside
    assert not np.any(wrong & ~matched)


def test_what_is_disclosed_outside_costs_no_key(tmp_path: Path) -> None:
    lengths = []
    for name, outside in (("few", 40), ("many", 9_000)):
        folder = tmp_path / name
        folder.mkdir()
        outcome = run_session(make_mapped(folder, parameters=PARAMETERS, outside=outside).parties)
        assert outcome.bob is not None
        assert len(outcome.bob.blocks) == 1
        lengths.append((outcome.bob.secret_bits, outcome.bob.disclosed.reconcile))
    assert lengths[0] == lengths[1]


def test_the_key_is_that_of_a_session_without_maps(tmp_path: Path) -> None:
    """To the bit, by the same randomness of Alice: nothing of it depends on maps."""
    outcomes, stores = [], []
    for maps in (0, 1):
        folder = tmp_path / str(maps)
        folder.mkdir()
        mapped = make_mapped(folder, parameters=replace(PARAMETERS, maps=maps))
        outcomes.append(run_session(mapped.parties))
        stores.append(mapped.parties.bob_store)
    same = compare(*stores)
    assert (same.equal, same.common) == (True, 1)
    plain, with_maps = (outcome.tallies[BOB] for outcome in outcomes)
    assert plain.disclosed == replace(with_maps.disclosed, outside=0)
    assert (plain.secret_bits, plain.errors) == (with_maps.secret_bits, with_maps.errors)
    assert plain.report({})["bb84"] == with_maps.report({})["bb84"]


def test_without_maps_nothing_more_is_said(tmp_path: Path) -> None:
    traffic, clicks = Traffic(), list[MapClicks]()
    mapped = make_mapped(tmp_path, parameters=replace(PARAMETERS, maps=0))
    outcome = run_session(mapped.parties, traffic=traffic, clicks=clicks.append)
    assert outcome.alice_error is outcome.bob_error is None
    assert {Type.OUTSIDE, Type.VERDICTS}.isdisjoint(kind for _, kind, _ in traffic.sent)
    assert clicks == []


@pytest.mark.parametrize(("alice", "bob"), [(0, 1), (1, 0)])
def test_both_must_want_maps(tmp_path: Path, alice: int, bob: int) -> None:
    mapped = make_mapped(tmp_path, parameters=replace(PARAMETERS, maps=bob))
    outcome = run_session(mapped.parties, alice_parameters=replace(PARAMETERS, maps=alice))
    assert f"maps is {alice} at Alice and {bob} at Bob" in str(outcome.bob_error)


def test_pulses_that_she_answers_for_are_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those outside the gate as well, from the first on: another Alice may have made key of it."""
    claims: list[tuple[int, int]] = []
    kept = RecordClaims.claim_pulses

    def noted(self: RecordClaims, record_id: str, first: int, last: int) -> None:
        claims.append((first, last))
        kept(self, record_id, first, last)

    monkeypatch.setattr(RecordClaims, "claim_pulses", noted)
    traffic, blocks = Traffic(), 2
    made = make_parties(tmp_path, parameters=PARAMETERS, pulses=22_500, blocks=blocks)
    mapped = with_maps(made, 7_000)
    run_session(mapped.parties, traffic=traffic)
    firsts = []
    for number, body in enumerate(traffic.bodies(BOB, Type.OUTSIDE)):
        outside = OutsideSample.decode(body, 20_000, bases=True).pulses
        block = AnnounceBb84.decode(traffic.bodies(BOB, Type.ANNOUNCE_BB84)[number]).pulses
        first, last = min(outside[0], block[0]), block[-1]
        assert claims[number - blocks] == (int(first) + OFFSET, int(last) + OFFSET)
        firsts.append(bool(outside[0] < block[0]))
    assert any(firsts)

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
    run_session,
)
from tests.host.session.map_parties import PARAMETERS_BB84 as PARAMETERS
from tests.host.session.map_parties import Mapped, make_mapped

from hexkey.bits import unpack_bits
from hexkey.placed import DisclosedClicks, Silent
from hexkey.record import RecordReader
from hexkey.session.messages import Type
from hexkey.session.messages_bb84 import AlignBb84, AnnounceBb84, Bases
from hexkey.session.messages_maps import OutsideSample
from hexkey.sift_bb84 import CROSS, KEY, TEST
from hexkey.store import compare

Found = dict[int, tuple[str, bool | None]]  # by pulse: what the click is, and whether it is wrong


def by_pulse(clicks: DisclosedClicks) -> Found:
    """Every phase is its pulse's."""
    assert clicks.silent is not None
    found: Found = {
        pulse: ("tested", wrong)
        for pulse, wrong in zip(clicks.phases.tolist(), clicks.wrong.tolist(), strict=True)
    }
    for pulse, kind in zip(
        clicks.silent.phases.tolist(), clicks.silent.kinds.tolist(), strict=True
    ):
        assert pulse not in found
        found[pulse] = (Silent(kind).name, None)
    return found


def expected(mapped: Mapped, first: int, last: int) -> Found:
    """What every click after pulse `first` and up to `last` is, from the pair's own records."""
    parties, found = mapped.parties, dict[int, tuple[str, bool | None]]()
    with RecordReader(parties.record) as record:

        def add(pulses: list[int], bits: list[int], bases: list[int], *, inside: bool) -> None:
            for pulse, bit, basis in zip(pulses, bits, bases, strict=True):
                at = np.array([pulse + OFFSET], np.uint64)
                hers, sent = int(record.bases_at(at)[0]), int(record.bits_at(at)[0])
                if not first < pulse <= last:
                    continue
                if basis == CROSS:
                    found[pulse] = "CROSS", None
                elif basis == KEY and not inside:
                    found[pulse] = "KEY_OF_BOB", None
                elif basis != hers:
                    found[pulse] = "OTHER", None
                else:
                    found[pulse] = ("KEY", None) if hers == KEY else ("tested", sent != bit)

        for chunk in parties.chunks:
            bases = np.asarray(chunk.bases).tolist()
            add(chunk.pulses.tolist(), chunk.bits.tolist(), bases, inside=True)
        every = mapped.outside
        bases = np.asarray(every.bases).tolist()
        add(every.pulses.tolist(), every.bits.tolist(), bases, inside=False)
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
    traffic, clicks = Traffic(), list[DisclosedClicks]()
    outcome = run_session(mapped.parties, traffic=traffic, clicks=clicks.append)
    assert outcome.alice_error is outcome.bob_error is None
    assert compare(mapped.parties.alice_store, mapped.parties.bob_store).common == 2
    edges, outside = ends(traffic), 0
    said = traffic.bodies(ALICE, Type.BASES)
    for number, each in enumerate(clicks):
        due = expected(mapped, edges[number], edges[number + 1])
        assert by_pulse(each) == due
        kinds = {kind for kind, _ in due.values()}
        assert kinds == {"tested", "KEY", "KEY_OF_BOB", "CROSS", "OTHER"}
        assert each.silent is not None
        assert each.silent.pulses == edges[number + 1] - edges[number]
        bases = Bases.decode(said[number], parameters.block_bits)
        assert each.silent.pulses == bases.sent_key + bases.sent_test
        assert 0.1 < np.mean(each.wrong[-100:]) < 0.6  # outside the gate
    for body in traffic.bodies(BOB, Type.OUTSIDE):
        outside += len(OutsideSample.decode(body, parameters.block_bits))
    for tally in outcome.tallies.values():
        assert tally.disclosed.outside == outside > 0
        assert tally.report({})["disclosed_bits"]["outside"] == outside


def test_of_the_key_basis_nothing_is_disclosed_outside_either(tmp_path: Path) -> None:
    """All clicks of the test basis, no click of the key's, no cross click."""
    mapped = make_mapped(tmp_path, parameters=PARAMETERS)
    run_session(mapped.parties, traffic=(traffic := Traffic()))
    [body] = traffic.bodies(BOB, Type.OUTSIDE)
    said = OutsideSample.decode(body, PARAMETERS.block_bits)
    first, last = ends(traffic)
    every = mapped.outside
    there = (every.pulses > first) & (every.pulses < last) & (np.asarray(every.bases) == TEST)
    assert said.pulses.tolist() == every.pulses[there].tolist()
    assert said.bits.tolist() == every.bits[there].tolist()


def test_alice_says_nothing_of_bits_in_another_basis(tmp_path: Path) -> None:
    mapped = make_mapped(tmp_path, parameters=PARAMETERS)
    run_session(mapped.parties, traffic=(traffic := Traffic()))
    [body] = traffic.bodies(ALICE, Type.VERDICTS)
    outside = len(OutsideSample.decode(traffic.bodies(BOB, Type.OUTSIDE)[0], 10**6))
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


def test_a_dropped_block_feeds_no_map(tmp_path: Path) -> None:
    parameters = replace(PARAMETERS, block_bits=5_000)
    mapped = make_mapped(tmp_path, parameters=parameters, blocks=2, qber=(0.03, 0.4))
    traffic, clicks = Traffic(), list[DisclosedClicks]()
    outcome = run_session(mapped.parties, traffic=traffic, clicks=clicks.append)
    assert outcome.bob is not None
    assert outcome.bob.dropped == {"qber": 1}
    assert len(clicks) == 1
    assert len(traffic.bodies(BOB, Type.OUTSIDE)) == 2
    assert len(traffic.bodies(ALICE, Type.VERDICTS)) == 1  # nothing is said of a dropped block


def test_a_block_that_lacks_clicks_outside_feeds_no_map(tmp_path: Path) -> None:
    mapped = make_mapped(tmp_path, parameters=PARAMETERS)
    chunks = tuple(replace(chunk, phases=None, outside=None) for chunk in mapped.parties.chunks)
    clicks, traffic = list[DisclosedClicks](), Traffic()
    outcome = run_session(
        replace(mapped.parties, chunks=chunks), traffic=traffic, clicks=clicks.append
    )
    assert outcome.bob is not None
    assert (len(outcome.bob.blocks), clicks) == (1, [])
    assert traffic.bodies(BOB, Type.OUTSIDE) == [bytes(4)]


def test_without_maps_nothing_more_is_said(tmp_path: Path) -> None:
    traffic, clicks = Traffic(), list[DisclosedClicks]()
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

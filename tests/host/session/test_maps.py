"""A session with maps: what is disclosed, what Bob learns of it, and when he learns nothing."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    OFFSET,
    TINY,
    Traffic,
    make_parties,
    run_session,
)
from tests.host.session.map_parties import (
    PARAMETERS,
    PARAMETERS_BB84,
    PULSES,
    Mapped,
    make_mapped,
)

from hexkey.errors import ConfigurationError
from hexkey.placed import DisclosedClicks, MapClicks
from hexkey.record import RecordReader
from hexkey.session import messages
from hexkey.session.messages import Type
from hexkey.session.messages_maps import OutsideSample
from hexkey.session.parameters import SessionParameters
from hexkey.store import compare


def expected(mapped: Mapped, traffic: Traffic) -> list[tuple[int, bool]]:
    """Return phase and verdict of what crossed the channel, from the pair's own records."""
    found: list[tuple[int, bool]] = []
    parties = mapped.parties
    bits = {
        pulse: bit
        for chunk in parties.chunks
        for pulse, bit in zip(chunk.pulses.tolist(), chunk.bits.tolist(), strict=True)
    }
    announced = traffic.bodies(BOB, Type.ANNOUNCE)
    samples, outside = traffic.bodies(ALICE, Type.SAMPLE), traffic.bodies(BOB, Type.OUTSIDE)
    with RecordReader(parties.record) as record:
        for block, sample, beside in zip(announced, samples, outside, strict=True):
            pulses = messages.Announce.decode(block).pulses
            parameters = parties.parameters
            chosen = messages.Sample.decode(sample, len(pulses), parameters.estimate_bits).chosen
            for pulse in pulses[chosen != 0].tolist():
                sent = record.bits_at(np.array([pulse + OFFSET], np.uint64))[0]
                found.append((pulse, bool(sent != bits[pulse])))
            clicks = OutsideSample.decode(beside, parameters.block_bits)
            found += [(pulse, mapped.wrong[pulse]) for pulse in clicks.pulses.tolist()]
    return found


def pairs(clicks: list[MapClicks]) -> list[tuple[int, bool]]:
    return [
        pair
        for each in clicks
        if isinstance(each, DisclosedClicks)
        for pair in zip(each.phases.tolist(), each.wrong.tolist(), strict=True)
    ]


def test_bob_learns_of_what_was_disclosed_and_of_nothing_else(tmp_path: Path) -> None:
    mapped = make_mapped(tmp_path, blocks=3)
    traffic, clicks = Traffic(), list[MapClicks]()
    outcome = run_session(mapped.parties, traffic=traffic, clicks=clicks.append)
    assert outcome.alice_error is outcome.bob_error is None
    assert compare(mapped.parties.alice_store, mapped.parties.bob_store).common == 3
    found = pairs(clicks)
    assert found == expected(mapped, traffic)
    outside = [pair for pair in found if pair[0] in mapped.wrong]
    assert len(found) - len(outside) == 3 * PARAMETERS.estimate_bits
    assert 30 < sum(wrong for _, wrong in outside) < len(outside)
    # A tenth of the block is its sample, and so is a tenth of what came outside meanwhile.
    last = int(messages.Announce.decode(traffic.bodies(BOB, Type.ANNOUNCE)[-1]).pulses[-1])
    [align] = traffic.bodies(BOB, Type.ALIGN)
    first = int(messages.Align.decode(align).pulses[-1])
    there = np.count_nonzero((mapped.outside.pulses > first) & (mapped.outside.pulses < last))
    assert len(outside) == pytest.approx(there / 10, abs=3)
    for tally in outcome.tallies.values():
        assert tally.disclosed.outside == len(outside)
        assert tally.report({})["disclosed_bits"]["outside"] == len(outside)


def test_what_is_disclosed_outside_costs_no_key(tmp_path: Path) -> None:
    lengths = []
    for name, outside in (("few", 40), ("many", 9_000)):
        folder = tmp_path / name
        folder.mkdir()
        outcome = run_session(make_mapped(folder, outside=outside).parties)
        assert outcome.bob is not None
        lengths.append((outcome.bob.secret_bits, outcome.bob.disclosed.reconcile))
    assert lengths[0] == lengths[1]


@pytest.mark.parametrize("parameters", [PARAMETERS, replace(PARAMETERS_BB84, block_bits=5_000)])
def test_a_dropped_block_feeds_no_map(tmp_path: Path, parameters: SessionParameters) -> None:
    """The second block's errors are too many, in its sample or its test basis."""
    mapped = make_mapped(tmp_path, parameters=parameters, blocks=2, qber=(0.03, 0.4))
    traffic, clicks = Traffic(), list[MapClicks]()
    outcome = run_session(mapped.parties, traffic=traffic, clicks=clicks.append)
    assert outcome.bob is not None
    assert outcome.bob.dropped == {"qber": 1}
    assert len(clicks) == 1
    assert len(traffic.bodies(BOB, Type.OUTSIDE)) == 2
    assert len(traffic.bodies(ALICE, Type.VERDICTS)) == 1  # nothing is said of a dropped block


@pytest.mark.parametrize("parameters", [PARAMETERS, PARAMETERS_BB84])
def test_a_block_that_lacks_clicks_outside_feeds_no_map(
    tmp_path: Path, parameters: SessionParameters
) -> None:
    """Its clicks in the gate alone would make the gate count too much."""
    mapped = make_mapped(tmp_path, parameters=parameters)
    chunks = tuple(replace(chunk, phases=None, outside=None) for chunk in mapped.parties.chunks)
    clicks, traffic = list[MapClicks](), Traffic()
    outcome = run_session(
        replace(mapped.parties, chunks=chunks), traffic=traffic, clicks=clicks.append
    )
    assert outcome.bob is not None
    assert (len(outcome.bob.blocks), clicks) == (1, [])
    assert traffic.bodies(BOB, Type.OUTSIDE) == [bytes(4)]


def test_without_maps_nothing_more_is_said(tmp_path: Path) -> None:
    traffic = Traffic()
    clicks = list[MapClicks]()
    parties = make_parties(tmp_path, parameters=TINY, pulses=PULSES)
    outcome = run_session(parties, traffic=traffic, clicks=clicks.append)
    assert outcome.alice_error is outcome.bob_error is None
    assert {Type.OUTSIDE, Type.VERDICTS}.isdisjoint(kind for _, kind, _ in traffic.sent)
    assert "maps" not in json.loads(traffic.bodies(BOB, Type.HELLO)[0])["parameters"]
    assert clicks == []


@pytest.mark.parametrize(("alice", "bob"), [(0, 1), (1, 0)])
def test_both_must_want_maps(tmp_path: Path, alice: int, bob: int) -> None:
    parameters = replace(PARAMETERS, maps=bob)
    parties = make_parties(tmp_path, parameters=parameters, pulses=PULSES)
    outcome = run_session(parties, alice_parameters=replace(PARAMETERS, maps=alice))
    assert f"maps is {alice} at Alice and {bob} at Bob" in str(outcome.bob_error)


def test_maps_are_refused_where_there_can_be_none() -> None:
    with pytest.raises(ConfigurationError, match="maps need estimate_bits: without a sample"):
        SessionParameters(estimate_bits=0, maps=1)
    with pytest.raises(ConfigurationError, match="maps must be 0 or 1, not 2"):
        SessionParameters(maps=2)

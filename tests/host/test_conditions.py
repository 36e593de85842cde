"""Each condition for a secret key, broken alone: its sentence comes, and no other."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hexkey import conditions
from hexkey.conditions import (
    ALICE,
    BOB,
    CIRCUMSTANCES,
    RECORD,
    AliceFacts,
    BobFacts,
    Circumstances,
    Condition,
    RecordFacts,
    unmet,
)
from hexkey.config import AliceSettings, BobSettings, SourceSettings, load
from hexkey.errors import ConfigurationError
from hexkey.party import bob
from hexkey.party.alice import demonstration_reasons
from hexkey.randomness import OperatingSystem, Randomness, Seeded
from hexkey.record import RecordReader, RecordWriter, Statement
from hexkey.session.parameters import SessionParameters

HERE = Circumstances("bb84")
RECORDED = RecordFacts("random", "operating system", False)
HERS = AliceFacts(None, True)
HIS = BobFacts(
    simulated=False,
    seeded=None,
    double_clicks="random",
    holdoff_ps=50_000,
    dead_time_ps=24_000,
    efficiency_ratio=1.01,
    efficiency_ratio_limit=1.05,
)
BROKEN: dict[str, tuple[Sequence[Condition], Any, str]] = {
    "files": (CIRCUMSTANCES, replace(HERE, live=False), "distilled from files"),
    "maps": (CIRCUMSTANCES, replace(HERE, maps=True), "disclosed for maps"),
    "repeated": (RECORD, replace(RECORDED, randomness="repeated"), "are repeated, not random"),
    "expanded": (RECORD, replace(RECORDED, source="seeded simulation"), "seeded simulation"),
    "simulated source": (RECORD, replace(RECORDED, simulated=True), "photons were simulated"),
    "Alice's seed": (ALICE, replace(HERS, seeded="a seed"), "a seed"),
    "unknown source": (ALICE, replace(HERS, source_measured=False), "no bounds of Alice's source"),
    "simulated board": (BOB, replace(HIS, simulated=True), "photons were simulated"),
    "Bob's seed": (BOB, replace(HIS, seeded="a seed"), "a seed"),
    "double clicks": (BOB, replace(HIS, double_clicks="discard"), "of a basis were discarded"),
    "hold-off": (BOB, replace(HIS, holdoff_ps=20_000), "hold-off of 20000 ps does not outlast"),
    "dead time": (BOB, replace(HIS, dead_time_ps=0.0), "dead time of 0 ps"),
    "efficiencies": (BOB, replace(HIS, efficiency_ratio=None), "efficiencies .* are not stated"),
    "mismatch": (BOB, replace(HIS, efficiency_ratio=1.2), "differ by a factor of 1.200"),
}


def test_where_all_hold_nothing_is_said() -> None:
    for list_, facts in ((CIRCUMSTANCES, HERE), (RECORD, RECORDED), (ALICE, HERS), (BOB, HIS)):
        assert unmet("bb84", list_, facts) == ()


@pytest.mark.parametrize("name", BROKEN)
def test_a_condition_that_does_not_hold_is_the_only_reason(name: str) -> None:
    list_, facts, sentence = BROKEN[name]
    [reason] = unmet("bb84", list_, facts)
    assert re.search(sentence, reason)


def test_every_condition_of_bb84_is_broken_above() -> None:
    """But for those on the protocol itself, which B92 breaks."""
    every = [*CIRCUMSTANCES, *RECORD, *ALICE, *BOB]
    broken = [
        condition
        for condition in every
        for list_, facts, _ in BROKEN.values()
        if condition in list_ and not condition.holds(facts)
    ]
    left = [one for one in every if "bb84" in one.protocols and one not in broken]
    assert left == list(CIRCUMSTANCES[:2])
    assert len(unmet("b92", CIRCUMSTANCES, Circumstances("b92"))) == 2


def test_hardware_may_have_drawn_the_bits() -> None:
    assert unmet("bb84", RECORD, replace(RECORDED, source="hardware: a maker's model")) == ()


# ---- from settings and files to facts ------------------------------------------------------------

BOB_SETTINGS = BobSettings(
    port="",
    peer="",
    store=Path(),
    efficiency=(1.0, 1.01, 1.0, 1.0, 0.5, 0.5, 0.505, 0.5),
    session=SessionParameters(protocol="bb84", estimate_bits=0),
)
SOURCE = SourceSettings(mean_photons_upper=0.014, g2_upper=0.3, epsilon=1e-10)


@pytest.mark.parametrize(
    ("change", "simulated", "randomness", "count"),
    [
        ({}, False, OperatingSystem(), 0),
        ({}, True, OperatingSystem(), 1),
        ({}, False, Seeded(1), 1),
        ({"double_clicks": "discard"}, False, OperatingSystem(), 1),
        ({"efficiency": ()}, False, OperatingSystem(), 1),
        ({"efficiency": (1.0, 1.0, 1.0, 0.9)}, False, OperatingSystem(), 1),
        ({"efficiency": (1.0, 1.0, 1.0, 0.0)}, False, OperatingSystem(), 1),
        ({"dead_time_ns": 51.0}, False, OperatingSystem(), 1),
        ({"untrusted_transmission": 0.1}, False, OperatingSystem(), 0),
    ],
)
def test_bobs_reasons_follow_from_his_settings(
    change: dict[str, Any], simulated: bool, randomness: Randomness, count: int
) -> None:
    settings = replace(BOB_SETTINGS, **change)
    assert len(bob.demonstration_reasons(settings, simulated, randomness)) == count


@pytest.mark.parametrize(
    ("change", "source", "randomness", "count"),
    [
        ({}, SOURCE, OperatingSystem(), 0),
        ({"simulated": True}, SOURCE, OperatingSystem(), 1),
        ({"source": "a friend"}, SOURCE, OperatingSystem(), 1),
        ({"randomness": "repeated"}, SOURCE, OperatingSystem(), 1),
        ({}, SourceSettings(), OperatingSystem(), 1),
        ({}, SOURCE, Seeded(1), 1),
    ],
)
def test_alices_reasons_follow_from_her_record_and_settings(
    tmp_path: Path,
    change: dict[str, Any],
    source: SourceSettings,
    randomness: Randomness,
    count: int,
) -> None:
    statement = Statement(
        40_000_000,
        "random",
        "operating system",
        False,
        protocol="bb84",
        key_basis_probability=0.9,
    )
    path = tmp_path / "alice.record"
    RecordWriter(path, replace(statement, **change)).close()
    with RecordReader(path) as record:
        assert len(demonstration_reasons(record, randomness, source)) == count


def test_the_worst_time_makes_the_ratio() -> None:
    assert BOB_SETTINGS.efficiency_ratio == pytest.approx(1.01)
    assert replace(BOB_SETTINGS, efficiency=()).efficiency_ratio is None
    late = replace(BOB_SETTINGS, efficiency=(1.0, 1.0, 1.0, 1.0, 0.1, 0.2, 0.1, 0.1))
    assert late.efficiency_ratio == pytest.approx(2.0)
    dark = replace(BOB_SETTINGS, efficiency=(0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0))
    assert dark.efficiency_ratio == 1.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"key_basis_probability": 0.4}, "make the basis that gets more light the key's"),
        ({"key_basis_probability": 1.0}, "from 0.5 to below 1"),
        ({"double_clicks": "keep"}, "random or discard, not 'keep'"),
        ({"efficiency": (1.0, 1.0)}, "4 values for each time"),
        ({"efficiency": (1.0, 1.0, 1.0, -1.0)}, "none of them negative"),
        ({"efficiency_ratio_limit": 0.9}, "at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        replace(BOB_SETTINGS, **change)


@pytest.mark.parametrize(
    "values", [(0.01, 0.0, 1e-9), (0.01, 0.2, 0.0), (-0.01, 0.2, 1e-9), (2.0, 0.9, 1e-9)]
)
def test_a_source_is_stated_whole_or_not_at_all(values: tuple[float, float, float]) -> None:
    mean, g2, epsilon = values
    with pytest.raises(ConfigurationError, match=r"\[source\]"):
        SourceSettings(mean_photons_upper=mean, g2_upper=g2, epsilon=epsilon)


def test_a_source_is_read_from_its_table(tmp_path: Path) -> None:
    path = tmp_path / "alice.toml"
    path.write_text(
        'alice_record = "a.record"\nstore = "a.store"\n'
        "[source]\nmean_photons_upper = 0.014\ng2_upper = 0.3\nepsilon = 1e-10\n"
        '[session]\nprotocol = "bb84"\nestimate_bits = 0\n'
    )
    found = load(AliceSettings, path, {}, {})
    assert found.source == SOURCE
    assert found.source.multiphoton_upper == pytest.approx(0.3 * 0.014**2 / 2)
    path.write_text('alice_record = "a"\nstore = "b"\n[source]\nmu = 0.014\n')
    with pytest.raises(ConfigurationError, match=r"\[source\] in .* unknown key 'mu'"):
        load(AliceSettings, path, {}, {})


def test_every_condition_says_what_must_hold() -> None:
    for one in (*CIRCUMSTANCES, *RECORD, *ALICE, *BOB):
        assert one.must
        assert one.reason
    assert conditions.POOL

"""The catalogue says what the papers print, and what cannot be is refused by name."""

import dataclasses
from typing import Any

import pytest

from hexkey.catalogue import Experiment, Range, experiment, experiments, parse
from hexkey.errors import ConfigurationError, InputError
from hexkey.keyrate.model_inputs import LINKS
from hexkey.keyrate.repeater import Node

# Typed from the papers' tables and text, apart from the catalogue.
PRINTED: dict[str, dict[str, Any]] = {
    "tapsin:b92": {
        "pulse_rate_hz": 40e6,
        "qber": Range(0.0649, 0.0649),
        "sifted_bps": Range(17.5e3, 17.5e3),
        "secret_bps": Range(7e3, 7e3),
        "wavelength_nm": 626.0,
        "lifetime_ns": 4.58,
    },
    "tapsin:xingjian-2025": {"secret_bps": Range(247, 247), "loss_db": 4.0},
    "tapsin:samaner-2022": {"qber": Range(0.0895, 0.0895), "secret_bps": None},
    "tapsin:al-juboori-2023": {"pulse_rate_hz": 5e5, "qber": Range(0.06, 0.06)},
    "tapsin:murtaza-2023": {"active_encoding": False, "secret_kind": "asymptotic"},
    "tapsin:zhang-2024": {"pulse_rate_hz": None, "secret_bps": Range(82e3, 82e3), "loss_db": 15.2},
    "tapsin:yang-2024": {"distance_km": 80.0, "room_temperature": False},
    "tapsin:gao-2023": {"secret_bps": None, "qber": Range(0.0069, 0.0069)},
    "tapsin:repeater": {"pulse_rate_hz": None, "error_correction": 1.16},
    "vajner:waks-2002": {"mean_photons": 0.007, "wavelength_nm": 880.0, "max_loss_db": 28.0},
    "vajner:collins-2010": {"qber": Range(0.012, 0.219), "secret_bps": Range(8, 600)},
    "vajner:takemoto-2010": {"sifted_bps": Range(15, 386), "secret_bps": Range(3, 9)},
    "vajner:heindel-2012-nir": {"pulse_rate_hz": 182.6e6, "g2": Range(0.35, 0.49)},
    "vajner:takemoto-2015": {"secret_bps": Range(0.307, 0.307), "distance_km": 120.0},
    "vajner:dzurnak-2015": {"qber": None, "sifted_bps": Range(0.2, 0.2)},
    "vajner:schimpf-2021": {"protocol": "BBM92", "secret_bps": Range(86, 86)},
    "vajner:extrapolation": {"g2": Range(7.5e-5, 7.5e-5), "attenuation_db_per_km": 0.17},
}


@pytest.mark.parametrize("name", PRINTED)
def test_values_are_those_of_the_papers(name: str) -> None:
    found = experiment(name)
    assert {key: getattr(found, key) for key in PRINTED[name]} == PRINTED[name]


def test_every_row_of_every_table_is_there_once() -> None:
    rows = [(each.table, each.row) for each in experiments()]
    assert rows == [
        *(("T I", row) for row in range(1, 15)),
        ("T II", 1),
        ("T II", 2),
        ("T III", 1),
        *(("V 1", row) for row in range(1, 14)),
        ("V 3.2", 1),
    ]
    assert len({each.name for each in experiments()}) == len(rows)


def test_the_sources_are_those_of_the_models() -> None:
    for name, link in (("tapsin:baseline", "base"), ("tapsin:improved", "impr")):
        found = experiment(name)
        for field in dataclasses.fields(LINKS[link]):
            value = getattr(found, field.name)
            value = value.low if isinstance(value, Range) else value
            assert value == getattr(LINKS[link], field.name), field.name
        # as printed, to their digits: mean photon number = collection times transmission
        assert found.collection_efficiency is not None
        assert found.transmitter_efficiency is not None
        product = found.collection_efficiency * found.transmitter_efficiency
        assert product == pytest.approx(found.mean_photons, rel=2e-3)


def test_the_node_is_the_default_one_of_the_model() -> None:
    node = experiment("tapsin:repeater").node
    assert node is not None
    assert node.with_memory(5e-3) == Node(5e-3)


def test_values_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        experiment("tapsin:b92").row = 2  # type: ignore[misc]


def test_every_experiment_has_a_reference_or_says_why_not() -> None:
    for each in experiments():
        assert each.reference or "reference could not be read" in each.note, each.name


def test_an_unknown_name_lists_those_that_are_near() -> None:
    with pytest.raises(ConfigurationError, match=r"use tapsin:waks-2002, vajner:waks-2002$"):
        experiment("waks-2002")


ROW = '[[experiment]]\nname = "a"\ntable = "T I"\nrow = 1\nsource = "dot"\n'

NODE = """
preparation_efficiency = 0.7
preparation_s = 1e-6
coupling_efficiency = 0.7
detection_efficiency = 0.7
bell_ideality = 1.0
bell_success = 2
misalignment_alice = 0.01
misalignment_bob = 0.01
attenuation_length_km = 22.0
"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("format = 2", "format is 2, and only 1 is known"),
        ("format = ", "is not TOML"),
        ("format = 1\nextra = 1", "unknown key 'extra'"),
        ("format = 1\n" + ROW + "colour = 1", "experiment 'a' has an unknown key 'colour'"),
        ('format = 1\n[[experiment]]\nname = "a"', "experiment 'a' lacks 'table'"),
        ("format = 1\n" + ROW + "qber = 0.6", "qber must be from 0.0 to 0.5, not 0.6"),
        ("format = 1\n" + ROW + "qber = [0.1, 0.7]", "not 0.7"),
        ("format = 1\n" + ROW + "qber = [0.2, 0.1]", "a range must not fall"),
        ("format = 1\n" + ROW + "qber = nan", "qber of experiment 'a' cannot be"),
        ("format = 1\n" + ROW + "qber = '5 %'", "cannot be '5 %'"),
        ("format = 1\n" + ROW + "g2 = -0.1", "g2 must be from 0.0 to 2.0, not -0.1"),
        ("format = 1\n" + ROW + "mean_photons = true", "mean_photons of experiment 'a' cannot be"),
        ("format = 1\n" + ROW + "pulse_rate_hz = 0", "pulse_rate_hz must be"),
        ("format = 1\n" + ROW + "protocol = 'BB85'", "protocol must be one of"),
        ("format = 1\n" + ROW + "year = 2002.5", "cannot be 2002.5"),
        ("format = 1\n" + ROW + "[experiment.node]\nbell_success = 1", "node of experiment 'a'"),
        (
            f"format = 1\n{ROW}[experiment.node]\n{NODE}",
            "bell_success must be from 0 to 1, not 2.0",
        ),
        ("format = 1\n" + ROW + ROW, "two experiments have the name 'a'"),
        ("format = 1\n" + ROW + ROW.replace('"a"', '"b"'), "the table and row 'T I, 1'"),
    ],
)
def test_what_cannot_be_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(text)
    assert sentence in str(refused.value)


def test_least_and_most_may_be_one_number() -> None:
    (found,) = parse("format = 1\n" + ROW + "qber = [0.01, 0.02]\nsifted_bps = 5")
    assert found == Experiment(
        name="a", table="T I", row=1, source="dot", qber=Range(0.01, 0.02), sifted_bps=Range(5, 5)
    )

"""Predictions of published experiments: the model that fits, and what cannot be said."""

import pytest

from hexkey.catalogue import Experiment, Range, experiment, experiments
from hexkey.keyrate.entropy import binary_entropy
from hexkey.planning.predict import Prediction, predict


def value(found: Prediction, name: str) -> Range:
    (one,) = (each.value for each in found.values if each.name == name)
    return one


def test_b92_is_what_the_equations_give_and_no_proof() -> None:
    found = predict(experiment("tapsin:b92"))
    assert value(found, "secret, blocks of 1 s").low == pytest.approx(4282.1307, abs=1e-3)
    assert value(found, "secret, endless block").low == pytest.approx(5369.1217, abs=1e-3)
    assert value(found, "sifted, from the source").low == pytest.approx(45.5e3, rel=1e-3)
    assert found.values[0].reported == Range(7000, 7000)
    said = " ".join(found.unpredicted)
    assert "no security proof" in said
    assert "told apart" in said
    assert "no proof" in found.model


def test_table_ii_gives_the_paper_s_losses() -> None:
    found = predict(experiment("tapsin:baseline"))
    greatest = value(found, "greatest loss, endless block")
    assert greatest.low == pytest.approx(24.44337, abs=1e-4)
    assert found.values[0].reported == Range(24, 24)
    assert value(found, "greatest loss, 1 s").low == pytest.approx(17.6868, abs=1e-3)


def test_the_review_s_three_claims_hold() -> None:
    found = predict(experiment("vajner:extrapolation"))
    assert value(found, "secret at 0 km, endless block").low == pytest.approx(3_362_684.665)
    assert value(found, "secret at 200 km").low == pytest.approx(1169.247, rel=1e-6)
    assert value(found, "greatest distance").low == pytest.approx(253.331, abs=1e-3)


def test_the_node_has_both_units() -> None:
    found = predict(experiment("tapsin:repeater"))
    uses = [each.value.low for each in found.values if each.unit == "bit/use"]
    assert uses == pytest.approx([2.3554e-4, 4.503e-4], rel=1e-4)
    assert [each.unit for each in found.values].count("bit/s") == 2


def test_sifted_bits_and_errors_give_a_share() -> None:
    found = predict(experiment("vajner:schimpf-2021"))
    expected = 135 * (1 - 2.16 * binary_entropy(0.019))
    assert found.values[0].value == Range(expected, expected)
    assert found.values[0].reported == Range(86, 86)
    assert not any("several photons" in words for words in found.unpredicted)


def test_ranges_enclose_what_can_have_been() -> None:
    found = predict(experiment("vajner:takemoto-2010")).values[0].value
    assert found.low == pytest.approx(15 * (1 - 2.16 * binary_entropy(0.06)))
    assert found.high == pytest.approx(386 * (1 - 2.16 * binary_entropy(0.034)))


def test_errors_alone_give_a_share_and_what_the_report_takes() -> None:
    found = predict(experiment("tapsin:waks-2002"))
    share = 1 - 2.16 * binary_entropy(0.025)
    assert value(found, "secret") == Range(share, share)
    assert value(found, "sifted bits that the report takes").low == pytest.approx(25e3 / share)
    assert "the sifted rate is not printed" in found.unpredicted[0]


def test_what_was_assumed_is_said() -> None:
    assert "BB84: the protocol is not printed" in predict(experiment("tapsin:zhang-2024")).assumed
    assert "f = 1.16" not in predict(experiment("vajner:intallura-2009")).assumed
    chsh = "trusted devices, as in BBM92: the CHSH value is not printed"
    assert chsh in predict(experiment("vajner:basset-2021-fibre")).assumed


def test_errors_of_a_half_have_no_key_and_a_reason() -> None:
    row = Experiment(
        name="a",
        table="T I",
        row=1,
        source="dot",
        protocol="BB84",
        qber=Range(0.2, 0.2),
        sifted_bps=Range(100, 100),
    )
    found = predict(row)
    assert found.values[0].value == Range(0, 0)
    assert "cost all of it" in " ".join(found.unpredicted)


def test_every_row_is_predicted_or_says_why_not() -> None:
    for each in experiments():
        found = predict(each)
        assert found.values or found.unpredicted, each.name
        if not found.values:
            assert found.model == ""
    assert not predict(experiment("vajner:dzurnak-2015")).values

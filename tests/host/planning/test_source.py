"""Sources: those of the catalogue, changed at will, and refused by name where they cannot be."""

import pytest

from hexkey.catalogue import experiments
from hexkey.errors import ConfigurationError
from hexkey.keyrate.gllp import REVIEW, rate_bps
from hexkey.keyrate.model_inputs import LINKS
from hexkey.planning.source import (
    b92_sifted,
    complete_names,
    extrapolation,
    parse_source,
    source_of,
)


def test_presets_are_the_links_of_the_models() -> None:
    assert parse_source("tapsin:baseline").link == LINKS["base"]
    assert parse_source("tapsin:improved").link == LINKS["impr"]


def test_a_changed_source_keeps_the_rest_and_says_so() -> None:
    source = parse_source("tapsin:improved, g2=0.05, attenuation_db_per_km=0.17")
    assert source.link.g2 == 0.05
    assert source.link.mean_photons == LINKS["impr"].mean_photons
    assert source.attenuation_db_per_km == 0.17
    assert "g2=0.05" in source.name


def test_missing_values_can_be_given() -> None:
    with pytest.raises(ConfigurationError, match="vajner:waks-2002 does not say g2, misalign"):
        parse_source("vajner:waks-2002")
    found = parse_source(
        "vajner:waks-2002,g2=0.14,misalignment=0.025,dark_probability=1e-6,receiver_efficiency=0.2"
    )
    assert (found.link.mean_photons, found.link.g2) == (0.007, 0.14)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nobody", "no preset is called 'nobody'"),
        ("tapsin:improved,colour=2", "'colour=2' in the source .* cannot be set"),
        ("tapsin:improved,g2", "'g2' in the source .* cannot be set"),
        ("tapsin:improved,g2=low", "g2 in the source .* must be a number, not 'low'"),
        ("tapsin:improved,g2=-1", r"g2 must be from 0\.0 to 2\.0, not -1\.0"),
        ("tapsin:improved,mean_photons=nan", "mean_photons must be"),
        ("tapsin:improved,attenuation_db_per_km=0", "attenuation_db_per_km must be finite and ab"),
        ("tapsin:improved,sifting=2", "sifting must be from 0 to 1"),
    ],
)
def test_nonsense_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        parse_source(text)


def test_complete_sources_are_those_that_can_be_made() -> None:
    for each in experiments():
        if each.name in complete_names():
            assert source_of(each).link.pulse_rate_hz == each.pulse_rate_hz
        else:
            with pytest.raises(ConfigurationError, match="does not say"):
                source_of(each)
    assert len(complete_names()) == 4


def test_the_review_s_preset_is_the_review_s_model() -> None:
    made = extrapolation(parse_source("vajner:extrapolation"))
    assert float(rate_bps(200.0, made)) == pytest.approx(float(rate_bps(200.0, REVIEW)), rel=1e-12)


def test_b92_is_the_first_principles_model_of_the_experiment() -> None:
    found = b92_sifted(parse_source("tapsin:b92"))
    assert float(found.sifted_hz) == pytest.approx(45.5e3, rel=1e-3)
    assert float(found.qber) == pytest.approx(0.0343, rel=2e-3)
    with pytest.raises(ConfigurationError, match="add lifetime_ns"):
        b92_sifted(parse_source("tapsin:improved"))
    with pytest.raises(ConfigurationError, match="within the period"):
        b92_sifted(parse_source("tapsin:b92,gate_width_ns=30"))

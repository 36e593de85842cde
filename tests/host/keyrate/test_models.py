"""The models by name: a few values here, all of them where the shared folder is present."""

import json
import os
from pathlib import Path

import pytest

from hexkey.errors import ConfigurationError
from hexkey.keyrate.models import MODELS, answer, evaluate

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("HEXKEY_SHARED", ROOT.parent / "shared"))


@pytest.mark.parametrize(
    ("model", "inputs", "output"),
    [
        ("h2", {"x": 0.0649}, 0.34659652387827056),
        ("binom_ppf", {"eps": 1e-15, "n": 1000, "p": "0.95"}, 887),
        ("b92_leak_eq7", {"n": 17500, "Q": 0.0649, "eps_cor": 1e-15}, 7037.16260308046),
        ("b92_leak_eq7_tm", {"n": 17500, "Q": 0.0649, "eps_cor": 1e-15}, 7033.313772808113),
        (
            "b92_key_conservative",
            {
                "n": 17500000,
                "Q": 0.0649,
                "eps_pa": 1e-10,
                "eps_cor": 1e-15,
                "leak": "max(eq7,1.16 n h)",
            },
            4398536.129918051,
        ),
        ("b92_asym_fraction", {"Q": 0.0649}, 0.3068069522434589),
    ],
)
def test_values_computed_elsewhere(model: str, inputs: dict[str, object], output: float) -> None:
    assert evaluate(model, inputs) == pytest.approx(output, rel=1e-12)


def test_lists_among_the_inputs_give_lists() -> None:
    found = answer("bb84_asym_rate", {"link": "base", "loss_db": [0, 60]})
    assert found.output == [pytest.approx(0.004072353875907255), 0]
    assert found.reason == ["", "every click may come from a pulse of several photons"]


def test_a_link_may_be_given_in_full() -> None:
    link = {
        "pulse_rate_hz": 40e6,
        "mean_photons": 0.0131,
        "g2": 0.24,
        "misalignment": 0.0176,
        "dark_probability": 8e-7,
        "receiver_efficiency": 0.42,
    }
    for model in ("bb84_asym_rate", "bb84_asym_opt"):
        named, whole = (evaluate(model, {"link": x, "loss_db": 15}) for x in ("base", link))
        assert named == whole


def test_a_certified_rate_and_an_observed_key_by_name() -> None:
    assert evaluate("b92_certified", {"Q": 0.06}) == pytest.approx(0.122, abs=5e-4)
    block = {
        "sent_key": 8 * 10**8,
        "sent_test": 10**7,
        "clicks_key": 10**7,
        "clicks_test": 10**6,
        "errors_test": 10_000,
        "multiphoton_upper": 1e-3,
        "leak_bits": 10**6,
        "verification_bits": 128,
        "eps_smoothing": 1e-11,
        "eps_pa": 1e-10,
    }
    assert 7.2e6 < evaluate("bb84_observed_length", block) < 7.6e6


def test_every_reference_value_of_these_models() -> None:
    table = SHARED / "reference" / "keyrate.json"
    if not table.exists():
        pytest.skip(f"no reference values at {table}; HEXKEY_SHARED names their folder")
    entries = [entry for entry in json.loads(table.read_text()) if entry["model"] in MODELS]
    assert {entry["model"] for entry in json.loads(table.read_text())} <= set(MODELS)
    for entry in entries:
        tolerance = entry["tolerance"]
        expected = pytest.approx(
            entry["output"], rel=tolerance.get("rel", 0), abs=tolerance.get("abs", 0)
        )
        assert evaluate(entry["model"], entry["inputs"]) == expected, entry


@pytest.mark.parametrize(
    ("model", "inputs", "said"),
    [
        ("h3", {}, "binom_ppf"),
        ("h2", {}, "takes the inputs x"),
        ("h2", {"x": 0.1, "y": 2}, "takes the inputs x"),
        ("h2", {"x": 2}, "from 0 to 1"),
        ("binom_ppf", {"eps": 0.1, "n": 1.5, "p": "0.5"}, "integer"),
        ("binom_ppf", {"eps": 0.1, "n": 10, "p": "half"}, "half"),
        ("bb84_asym_opt", {"link": "best", "loss_db": 1}, "link must be one of 'base', 'impr'"),
        ("bb84_asym_rate", {"link": {"g2": 1}, "loss_db": 1}, "pulse_rate_hz"),
        ("bb84_asym_maxloss", {"link": "base", "reading": "printed"}, "reading must be one of"),
        ("luong", {"LA": 1, "LB": 1, "T2": 0.01, "out": "K"}, "out must be one of"),
        ("lim2014_length", {}, "takes the inputs mu1"),
        ("plob_bound", {"loss_db": "much"}, "loss_db must be a number"),
        ("b92_key_sound", {"n": 9, "Q": 0.1, "eps_pa": 0.1, "eps_cor": 0.1, "leak": "?"}, "eq7"),
    ],
)
def test_bad_inputs_are_told_in_a_sentence(
    model: str, inputs: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        evaluate(model, inputs)

"""``hexkey keyrate``: numbers for people and for programs, and refusals that name the value."""

import json
from pathlib import Path

import pytest
from tests.host.cli.conftest import Run

from hexkey.keyrate.models import MODELS


def _asked(run: Run, model: str, inputs: str, *options: str) -> str:
    done = run("keyrate", model, "--inputs", inputs, *options)
    assert done.code == 0, done.err
    return done.out


def test_json_has_the_number_and_the_reason(run: Run) -> None:
    report = json.loads(_asked(run, "bb84_asym_opt", '{"link": "impr", "loss_db": 20}', "--json"))
    assert report["output"] == pytest.approx(0.00034691272990854675, rel=1e-7)
    assert report["reason"] == ""
    report = json.loads(_asked(run, "gllp_review", '{"d_km": [0, 300]}', "--json"))
    assert report["output"][1] == 0
    assert report["reason"][0] == ""
    assert report["reason"][1] != ""
    assert json.loads(_asked(run, "plob_bound", '{"loss_db": 0}', "--json"))["output"] is None


def test_what_is_no_proof_says_so(run: Run) -> None:
    inputs = '{"n": 17500, "Q": 0.0649, "eps_pa": 1e-10, "eps_cor": 1e-15}'
    assert "no security proof" in _asked(run, "b92_key_sound", inputs)
    assert "collective attacks" in _asked(run, "b92_certified", '{"Q": 0.02}')
    assert "no key: " in _asked(run, "bbm92_fraction", '{"Q": 0.2}')


def test_a_model_without_inputs_says_which_it_takes(run: Run) -> None:
    for model in ("luong", "rusca2018_length"):
        done = run("keyrate", model)
        assert done.code == 2
        assert "takes the inputs" in done.err
    done = run("keyrate", "plob_bound", "--inputs", '{"loss_db": -1}')
    assert (done.code, "not -1.0" in done.err) == (2, True)


def test_every_model_is_in_the_documentation_and_the_help(run: Run) -> None:
    documented = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
    for text in (run("keyrate", "--help").out, documented):
        assert [model for model in MODELS if model not in text] == []

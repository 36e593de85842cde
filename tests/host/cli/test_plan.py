"""``hexkey plan``: curves and predictions on a terminal, as JSON, as files and pictures."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.cli.conftest import Run

from hexkey.catalogue import experiments
from hexkey.cli.units import quantity
from hexkey.planning.protocols import PROTOCOLS

QUICK = ("--protocol", "bb84", "--protocol", "repeater", "--points", "21")


def document(run: Run, *words: object) -> Any:
    done = run("plan", *words, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_curves_have_a_unit_an_end_and_crossings(run: Run) -> None:
    done = run("plan", *QUICK, "--per-pulse", "--block-s", "1", "--block-s", "inf")
    assert done.code == 0, done.err
    assert "bits a pulse (repeater: a channel use)" in done.out
    assert "24.44 dB" in done.out
    assert "From 21.9" in done.out
    assert "beats bb84 tapsin:improved ∞." in done.out
    assert "classical round trips" in done.out
    assert "bit/s" in run("plan", *QUICK).out


def test_json_has_everything(run: Run) -> None:
    found = document(run, *QUICK, "--block-s", "1", "--source", "tapsin:improved")
    assert found["unit"] == "bit/s"
    assert len(found["loss_db"]) == 21
    first = found["curves"][0]
    assert (first["label"], first["block_s"]) == ("bb84 tapsin:improved 1 s", 1.0)
    assert first["largest_loss_db"] == pytest.approx(25.3478, abs=2e-3)
    assert len(first["settings"]["basis_bias"]) == 21
    assert first["reason"][-1] != ""
    assert found["curves"][1]["goes_on"]
    assert {each["worse"] for each in found["crossings"]} == {"bb84 tapsin:improved 1 s"}
    ceiling = document(run, "--protocol", "plob", "--points", 2)
    assert ceiling["curves"][0]["rate"][0] is None  # infinite without loss


def test_each_curve_is_there_once(run: Run) -> None:
    words = [word for _ in range(2) for word in ("--protocol", "gllp", "--block-s", "5")]
    found = document(run, *words, "--source", "tapsin:improved", "--points", 2)
    assert [each["label"] for each in found["curves"]] == ["gllp tapsin:improved"]


def test_fibre_is_loss_at_its_attenuation(run: Run) -> None:
    words = ("--protocol", "bb84", "--source", "tapsin:baseline", "--points", 3)
    found = document(run, *words, "--fibre-km", "0:100", "--db-per-km", "0.17")
    assert found["loss_db"] == pytest.approx([0, 8.5, 17])
    shown = run("plan", *words, "--fibre-km", "0:200", "--db-per-km", "0.2").out
    assert "122.2 km" in shown  # 24.44 dB


def test_what_cannot_be_drawn_is_left_out_and_said(run: Run) -> None:
    words = ("--protocol", "b92-unproven", "--source", "tapsin:improved", "--points", 2)
    done = run("plan", *words)
    assert (done.code, "add lifetime_ns=…" in done.sentence) == (2, True)
    both = run("plan", *words, "--source", "tapsin:b92")
    assert "left out: b92-unproven needs lifetime_ns" in both.out
    assert "NO SECURITY PROOF" in both.out
    none = run("plan", "--protocol", "bb84", "--source", "tapsin:improved,misalignment=0.4")
    assert "no key" in none.out
    assert "has no key: " in none.out


def test_csv_has_the_rates(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    words = ("--protocol", "bb84", "--source", "tapsin:baseline", "--points", 3)
    found = document(run, *words, "--csv", path)
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["loss_db", "fibre_km", "bb84 tapsin:baseline ∞ (bit/s)"]
    assert [float(row[2]) for row in rows] == found["curves"][0]["rate"]
    assert [float(row[1]) for row in rows] == [0, 100, 200]
    done = run("plan", *words, "--csv", tmp_path / "none" / "curves.csv")
    assert (done.code, "cannot be written" in done.err) == (7, True)


def test_the_picture_shows_the_curves(run: Run, tmp_path: Path) -> None:
    from matplotlib import image

    pictures = []
    for name, source in (("one", "tapsin:baseline"), ("other", "tapsin:improved")):
        path = tmp_path / f"{name}.png"
        done = run("plan", "--protocol", "bb84", "--source", source, "--points", 9, "--plot", path)
        assert done.code == 0, done.err
        assert str(path) in done.out
        pictures.append(image.imread(path))
    assert pictures[0].shape == pictures[1].shape
    assert np.any(pictures[0] != pictures[1])
    done = run("plan", "--protocol", "bb84", "--points", 2, "--plot", tmp_path / "no" / "x.png")
    assert (done.code, "cannot be written" in done.err) == (7, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--protocol", "bb85"), "no protocol is called 'bb85': use bb84"),
        (("--block-s", "0"), "--block-s must be a time above 0, or inf, not '0'"),
        (("--block-s", "soon"), "not 'soon'"),
        (("--loss-db", "40:0"), "--loss-db must rise from 0 or more, not '40:0'"),
        (("--loss-db", "a:b"), "--loss-db must be FROM:TO, such as 0:40, not 'a:b'"),
        (("--fibre-km", "-1:5"), "--fibre-km must rise"),
        (("--fibre-km", "0:5", "--db-per-km", "0"), "--db-per-km must be above 0"),
        (("--protocol", "repeater", "--memory-ms", "0"), "--memory-ms must be above 0, not 0"),
        (("--source", "vajner:rau-2014"), "does not say mean_photons"),
        (("--preset", "nobody"), "no preset is called 'nobody'"),
        (
            ("--protocol", "b92-unproven", "--source", "tapsin:b92", "--block-s", "1e12"),
            "the curve b92-unproven tapsin:b92 1e+12 s cannot be computed: n must be",
        ),
        (("--protocol", "plob", "--loss-db", "5", "--plot", "x.png"), "needs a range of losses"),
        (("--all", "--list"), "exclude each other"),
        (("--protocol", "bb84", "--scheduler", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_one_sentence(run: Run, words: tuple[str, ...], sentence: str) -> None:
    done = run("plan", *words)
    assert done.code in (2, 5)
    assert sentence in done.sentence


def test_a_preset_has_its_values_and_its_prediction(run: Run) -> None:
    done = run("plan", "--preset", "tapsin:b92")
    for words in ("17.5 kbit/s", "4.282 kbit/s; reported 7 kbit/s", "no proof", "626"):
        assert words in done.out
    found = document(run, "--preset", "vajner:takemoto-2010")
    assert found["experiment"]["sifted_bps"] == [15, 386]
    assert found["values"][0]["reported"] == [3, 9]
    assert "g2" not in found["experiment"]  # not printed


def test_all_rows_stand_beside_their_reports(run: Run) -> None:
    done = run("plan", "--all")
    for each in experiments():
        assert each.name in done.out
    for words in ("4.282 kbit/s", "7 kbit/s", "24.44 dB", "24 dB", "What could not be predicted"):
        assert words in done.out
    assert len(document(run, "--all")) == len(experiments())


def test_the_list_has_presets_and_protocols(run: Run) -> None:
    shown = run("plan", "--list").out
    found = document(run, "--list")
    assert set(found["protocols"]) == set(PROTOCOLS)
    for name in (*found["presets"], *PROTOCOLS):
        assert name in shown
    assert "hexkey[certify]" in shown  # not taken for markup


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (4282.13, "bit/s", "4.282 kbit/s"),
        (7.387e6, "bit/s", "7.387 Mbit/s"),
        (80e6, "Hz", "80 MHz"),
        (0.307, "bit/s", "0.307 bit/s"),
        (2.3554e-4, "bit/use", "0.000236 bit/use"),
        (24.443, "dB", "24.44 dB"),
        (0.0649, "", "6.49%"),
        (float("inf"), "bit/s", "∞ bit/s"),
    ],
)
def test_quantities_are_for_people(value: float, unit: str, shown: str) -> None:
    assert quantity(value, unit) == shown

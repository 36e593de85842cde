"""The papers' figures from mathematics alone, and what is stated beside what is computed."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from hexkey.errors import StoreError
from hexkey.figures import decoys, fig4, fig5, review
from hexkey.figures.figure import Figure, markdown, write_page
from hexkey.figures.stated import Stated, stated_claims


@pytest.fixture(scope="module")
def claims() -> dict[str, Stated]:
    return {f"{each.claim} ({each.where})": each for each in stated_claims()}


def find(claims: dict[str, Stated], words: str) -> Stated:
    (one,) = (each for name, each in claims.items() if words in name)
    return one


@pytest.mark.parametrize(
    ("words", "follows", "computed"),
    [
        ("17.5 kbit/s sifted", False, "4.28 kbit/s in blocks of 1 s, at most 5.37 kbit/s"),
        ("proven against collective", False, "1.60 kbit/s if all loss is trusted"),
        ("window 0.5 to 10.5", False, "45.5 kbit/s, 3.43%"),
        ("loss of BB84, endless", True, "24.44 dB"),
        ("blocks of 100 s", True, "23.19 dB"),
        ("blocks of 1 s", True, "17.69 dB"),
        ("pulses in 100 s", True, "4·10⁹"),
        ("improved source ([T] text)", True, "7.39 Mbit/s"),
        ("weak coherent pulses", False, "0.80 times"),
        ("up to 25 dB, T2 = 5 ms", False, "1.15"),
        ("overtakes", True, "21.9 dB (5 ms) and 18.8 dB (10 ms)"),
        ("memory time", True, "2.1 ms"),
        ("best place", True, "19, 20, 18 km from Bob"),
        ("rate at short distance", True, "3.36 Mbit/s"),
        ("rate over 200 km", True, "1.17 kbit/s"),
        ("greatest distance", True, "253.3 km"),
    ],
)
def test_what_follows_and_what_does_not(
    claims: dict[str, Stated], words: str, follows: bool, computed: str
) -> None:
    found = find(claims, words)
    assert found.follows is follows
    assert computed in found.computed


def test_the_printed_reading_is_told_apart(claims: dict[str, Stated]) -> None:
    assert "18.46 dB" in find(claims, "loss of BB84, endless").note


@pytest.mark.parametrize("module", [fig4, fig5, review, decoys])
def test_figures_are_drawn_with_a_caption(module: object, tmp_path: Path) -> None:
    figure = module.draw_figure(tmp_path)  # type: ignore[attr-defined]
    pixels = image.imread(figure.path)
    assert min(pixels.shape[:2]) > 400
    ink = np.any(pixels[..., :3] < 0.9, axis=2).mean()
    assert 0.02 < ink < 0.9  # neither empty nor painted over
    for words in {
        fig4: ("24.44 dB", "does not follow", "18.8 dB", "[17]", "bits a second"),
        fig5: ("bits a second", "[17]"),
        review: ("3.36 Mbit/s", "1.17 kbit/s", "253.3 km", "follow"),
        decoys: ("never wins", "0.81 times", "planning, not keys"),
    }[module]:  # type: ignore[index]
        assert words in figure.caption


def test_captions_and_claims_are_a_page_and_a_document(tmp_path: Path) -> None:
    figure = Figure(tmp_path / "a.png", "A title", "A caption.")
    table = [
        Stated("one", "[T]", "1", "1", True),
        Stated("other", "[V]", "7", "4", False, "a reason"),
    ]
    page, values = write_page([figure], table, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "## A title\n\n![A title](a.png)\n\nA caption." in text
    assert "| other | [V] | 7 | 4; a reason | **no** |" in text
    assert markdown(table) in text
    found = json.loads(values.read_text(encoding="utf-8"))
    assert found["figures"] == [{"file": "a.png", "title": "A title", "caption": "A caption."}]
    assert [each["follows"] for each in found["claims"]] == [True, False]
    with pytest.raises(StoreError, match="cannot be written to"):
        write_page([figure], table, tmp_path / "none")


def test_the_repeater_beats_direct_links_only_where_they_end_in_seconds() -> None:
    from hexkey.keyrate import bb84_single
    from hexkey.keyrate.model_inputs import LINKS

    use, second = fig5.rates(np.array([1e-4, 5e-3, 1e-1]))
    improved = LINKS["impr"]
    end = bb84_single.largest_loss_db(improved)
    by_use = fig5.overtakes(use, improved, per_second=False)
    by_second = fig5.overtakes(second, improved, per_second=True)
    assert np.nanmin(by_use) < 15
    assert np.nanmin(by_second) == pytest.approx(end, abs=0.3)
    assert np.isnan(by_use[0])  # a memory of 0.1 ms never does

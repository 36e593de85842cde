"""``hexkey figures``: what is asked for is drawn, told and written beside the pictures."""

import json
from pathlib import Path

import pytest

from hexkey.errors import ConfigurationError, StoreError
from hexkey_sim.figures import NAMES, draw_figures


def test_fig_3_and_the_computed_figures_are_one_page(tmp_path: Path) -> None:
    told: list[str] = []
    folder = tmp_path / "deep" / "figures"
    drawn = draw_figures(folder, ["review", "fig3"], seconds=2.0, seed=1, progress=told.append)
    assert [figure.path.name for figure in drawn.figures] == ["fig3.png", "review.png"]
    assert all(path.stat().st_size > 1000 for path in drawn.files)
    page = (folder / "figures.md").read_text(encoding="utf-8")
    assert "(fig3.png)" in page
    assert "(review.png)" in page
    assert "7 kbit/s" in page
    found = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    assert [each["file"] for each in found["figures"]] == ["fig3.png", "review.png"]
    assert {each["where"] for each in found["claims"]} == {"[T] Fig. 3"}
    assert len(told) >= 2


def test_claims_alone_need_no_picture(tmp_path: Path) -> None:
    drawn = draw_figures(tmp_path, ["stated"], progress=lambda what: None)
    assert drawn.figures == ()
    assert [path.name for path in drawn.files] == ["figures.md", "figures.json"]
    assert any("7 kbit/s" in claim.stated and not claim.follows for claim in drawn.claims)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"'fig6': use {', '.join(NAMES)}"):
        draw_figures(tmp_path, ["fig6"], progress=lambda what: None)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written to"):
        draw_figures(tmp_path / "file" / "in", ["review"], progress=lambda what: None)

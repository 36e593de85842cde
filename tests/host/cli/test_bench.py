"""``hexkey bench``: some stages, as a table or as JSON, and the files that it leaves."""

import json
from pathlib import Path

from tests.host.cli.conftest import Run


def test_stage_is_measured_and_drawn(run: Run, tmp_path: Path) -> None:
    done = run("bench", "gf128", "--out", str(tmp_path / "here"))
    assert done.code == 0
    assert "ratio_to_plain" in done.out
    found = json.loads((tmp_path / "here" / "bench.json").read_text())
    assert list(found) == ["gf128"]
    assert (tmp_path / "here" / "ratios.png").exists()


def test_json_is_all_there_is_on_standard_output(run: Run) -> None:
    assert list(json.loads(run("bench", "gf128", "--json").out)) == ["gf128"]


def test_unknown_stage_is_a_sentence(run: Run) -> None:
    done = run("bench", "gf128", "warp")
    assert done.code == 2
    assert "no stage is called 'warp': use wire, sift," in done.sentence

"""The benchmarks' front page: every stage is there, and what they find is told, kept and drawn."""

import importlib
import json
from pathlib import Path

import pytest

from hexkey.bench import STAGES, Measures
from hexkey.bench.results import flat, ratios, write
from hexkey.errors import StoreError

MEASURES: Measures = {"rate_hz": 2.0, "a case": {"rate_hz": 3.0, "fast_ratio_to_c": 1.5}}


def test_every_stage_can_be_run() -> None:
    for name in STAGES:
        assert callable(importlib.import_module(name).run)


def test_cases_keep_their_names() -> None:
    assert list(flat(MEASURES)) == [
        ("rate_hz", 2.0),
        ("a case: rate_hz", 3.0),
        ("a case: fast_ratio_to_c", 1.5),
    ]
    assert list(ratios(MEASURES)) == [("a case: fast_ratio_to_c", 1.5)]


def test_results_are_kept_and_drawn(tmp_path: Path) -> None:
    files = write({"some": MEASURES}, tmp_path / "new")
    assert [path.name for path in files] == ["bench.json", "ratios.png"]
    assert json.loads(files[0].read_text()) == {"some": MEASURES}
    assert files[1].read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in write({"some": {"rate_hz": 1.0}}, tmp_path)] == ["bench.json"]


def test_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"benchmarks cannot be written to .*file: "):
        write({"some": MEASURES}, tmp_path / "file")

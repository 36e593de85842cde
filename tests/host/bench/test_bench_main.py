"""The benchmark's front page: every stage is there, and numbers grouped by case are told apart."""

import importlib

from hexkey.bench import STAGES, Measures
from hexkey.bench.__main__ import flat


def test_every_stage_can_be_run() -> None:
    for name in STAGES:
        assert callable(importlib.import_module(name).run)


def test_cases_keep_their_names() -> None:
    measures: Measures = {"rate_hz": 2.0, "a case": {"rate_hz": 3.0}}
    assert list(flat(measures)) == [("rate_hz", 2.0), ("a case: rate_hz", 3.0)]

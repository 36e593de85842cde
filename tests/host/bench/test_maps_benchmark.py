"""The benchmark of the maps runs, on gates as many as it says."""

import pytest

from hexkey.bench import maps
from hexkey.bench.sift import PERIOD_TICKS


def test_what_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(maps.STARTS) * len(maps.WIDTHS) == 41 * 91
    assert maps.WRAPPING_STARTS[0] + maps.WIDTHS[-1] > PERIOD_TICKS
    monkeypatch.setattr(maps, "CLICKS", 2000)
    assert all(value > 0 for value in maps.run().values())

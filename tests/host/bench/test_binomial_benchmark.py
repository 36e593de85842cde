"""The benchmark runs, and says what its keys promise."""

import pytest

from hexkey.bench import binomial


def test_reports_times_and_their_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binomial, "VALUES", 200)
    monkeypatch.setattr(binomial, "SCIPY_CASES", 5)
    monkeypatch.setattr(binomial, "OPEN_CASES", 3)
    result = binomial.run()
    assert 0 < result["c_median_us"] <= result["c_worst_us"]
    assert result["ratio_to_scipy"] == result["scipy_us"] / result["one_block_us"]
    assert result["ratio_to_scipy"] > 1

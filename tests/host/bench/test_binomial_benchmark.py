"""The benchmark runs, and says what its keys promise."""

import pytest

from hexkey.bench import binomial


def test_reports_times_and_their_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binomial, "REPETITIONS", 50)
    monkeypatch.setattr(binomial, "SCIPY_REPETITIONS", 5)
    result = binomial.run()
    assert result["c_us"] > 0
    assert result["ratio_to_scipy"] == result["c_us"] / result["scipy_us"]
    assert result["ratio_to_scipy"] < 1

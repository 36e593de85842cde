"""The benchmark of LDPC reconciliation runs, and says what its keys promise."""

import pytest

from hexkey.bench import ldpc


def test_reports_what_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldpc, "COMPARED", 1)
    (result,) = ldpc.run({(16_384, 0.05): 3}).values()
    assert 1 < result["efficiency"] < 1.3
    assert 0 < result["efficiency_pm"] < 0.3
    assert 0.9 < result["over_one_way_limit"] < result["efficiency"]
    assert result["megabits_per_second"] > 0
    assert result["ratio_to_plain_c"] > 0
    assert result["ratio_to_portable"] > 0
    assert result["dropped"] == result["wrong"] == 0
    assert result["sweeps"] > result["round_trips"] >= 1

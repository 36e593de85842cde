"""The benchmark of Cascade runs, and says what its keys promise."""

from hexkey.bench import cascade


def test_reports_what_it_measures() -> None:
    (result,) = cascade.run({"small": cascade.Case(4096, 0.05, 2, 3)}).values()
    assert 1 < result["efficiency"] < 1.3
    assert 0 < result["efficiency_pm"] < 0.3
    assert result["megabits_per_second"] > result["megabits_per_second_at_10_ms"] > 0
    assert result["ratio_to_plain_c"] > 0
    assert 1 < result["efficiency"] < result["plain_efficiency"] < 1.5
    assert result["failures"] == 0
    assert result["blocks"] == 6
    assert result["round_trips"] > 1
    assert 0 < result["query_bytes"] < 8

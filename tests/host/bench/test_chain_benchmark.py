"""The benchmark of the whole chain makes keys in a process of its own, and says what they cost."""

import pytest

from hexkey.bench import chain


def test_reports_what_a_block_costs() -> None:
    (result,) = chain.run({"small": (20_000, 0.03, 2)}).values()
    assert result["megabits_per_second"] > 0
    assert result["ratio_to_shuffles"] > 0
    assert 0 < result["peak_bytes_per_bit"] < 10_000
    assert 0.2 < result["secret_fraction"] < 0.8
    assert 1 < result["efficiency"] < 1.3
    assert result["auth_bits"] == 1024
    assert result["secret_bits_per_auth_bit"] > 5


def test_says_why_it_failed() -> None:
    with pytest.raises(RuntimeError, match=r"the chain failed: .*block_bits must be"):
        chain.run({"too small": (10, 0.03, 1)})

"""The benchmarks of hashing run, and compare what they time."""

from hexkey.bench import gf128, toeplitz


def test_toeplitz() -> None:
    result = toeplitz.run(sizes=(5_000,))
    assert result["fastest_mbit_per_s_5000"] > 0
    assert result["portable_ratio_to_fft_5000"] > 0


def test_gf128() -> None:
    result = gf128.run(message_bytes=10_000)
    assert result["portable_gbyte_per_s"] > 0
    assert result["fastest_ratio_to_python"] > 1

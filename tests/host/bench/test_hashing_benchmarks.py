"""The benchmarks of hashing run, and compare what they time."""

import numpy as np
import pytest

from hexkey.bench import gf2x, gf128, toeplitz


def test_toeplitz() -> None:
    result = toeplitz.run(sizes=(5_000,))
    measures = result["5000 bits"]
    assert isinstance(measures, dict)
    assert measures["portable_mbit_per_s"] > 0
    assert measures["ratio_to_plain"] > 0
    assert ("ratio_to_libgf2x" in measures) == bool(result["libgf2x_found"])


def test_toeplitz_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toeplitz, "by_fft", lambda bits, seed, length: np.ones(length, np.uint8))
    with pytest.raises(RuntimeError, match=r"^FFT and the fastest way disagree for 300 bits out$"):
        toeplitz.run(sizes=(1_000,))


@pytest.mark.skipif(gf2x.library() is None, reason="no libgf2x")
def test_libgf2x() -> None:
    found = gf2x.in_another_process(b"\x03", b"\x07")  # (x + 1) (x^2 + x + 1) = x^3 + 1
    assert found is not None
    assert found.product.rstrip(b"\0") == b"\x09"


def test_gf128() -> None:
    result = gf128.run(message_bytes=10_000)
    assert result["portable_gbyte_per_s"] > 0
    assert result["ratio_to_plain"] > 1

"""The constants of gf64.h, with Python integers."""

import re
from itertools import pairwise
from pathlib import Path

HEADER = (Path(__file__).parents[2] / "cext/gf64.h").read_text()
POLYNOMIAL = 1 << 64 | 1 << 4 | 1 << 3 | 1 << 1 | 1


def remainder(a: int, b: int) -> int:
    while a.bit_length() >= b.bit_length():
        a ^= b << (a.bit_length() - b.bit_length())
    return a


def square(a: int) -> int:
    return remainder(int(f"{a:b}", 4), POLYNOMIAL)


def test_polynomial_has_no_factors() -> None:
    # Rabin's test: x^(2^64) = x, and x^(2^32) - x shares no factor with it (2 is the only prime).
    power = 2
    for _ in range(32):
        power = square(power)
    a, b = POLYNOMIAL, power ^ 2
    while b:
        a, b = b, remainder(a, b)
    assert a == 1
    for _ in range(32):
        power = square(power)
    assert power == 2


def test_cantor_basis() -> None:
    basis = [int(digits, 16) for digits in re.findall(r"UINT64_C\((0x\w{16})\)", HEADER)]
    (count,) = re.findall(r"GF64_BASIS = (\d+)", HEADER)
    assert len(basis) == int(count)
    assert basis[0] == 1
    for below, element in pairwise(basis):
        assert square(element) ^ element == below

"""gf128.c: published GHASH values, and its Python twin."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey._native import lib
from hexkey.gf128 import absorb, multiply_reference

GHASH = json.loads((Path(__file__).parent.parent / "vectors" / "ghash.json").read_text())
PATHS = range(lib.HEXKEY_CLMUL_FASTEST, lib.HEXKEY_CLMUL_PORTABLE + 1)
elements = st.binary(min_size=16, max_size=16)


def twin(state: bytes, point: bytes, message: bytes) -> bytes:
    total = int.from_bytes(state, "little")
    for start in range(0, len(message), 16):
        total ^= int.from_bytes(message[start : start + 16], "little")
        total = multiply_reference(total, int.from_bytes(point, "little"))
    return total.to_bytes(16, "little")


def from_ghash(printed: str) -> bytes:
    """Bits within each byte in the opposite order."""
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in bytes.fromhex(printed))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("case", GHASH, ids=lambda case: f"test case {case['case']}")
def test_every_step_of_ghash_as_published(case: dict[str, list[str]], path: int) -> None:
    point = from_ghash(str(case["H"]))
    for count, result in enumerate(case["results"], start=1):
        message = b"".join(from_ghash(block) for block in case["blocks"][:count])
        assert absorb(bytes(16), point, message, path) == from_ghash(result)


@pytest.mark.parametrize("path", PATHS)
@given(state=elements, point=elements, message=st.binary(max_size=150))
def test_equals_python_twin(path: int, state: bytes, point: bytes, message: bytes) -> None:
    assert absorb(state, point, message, path) == twin(state, point, message)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 4607, 4608, 4609, 5137, 10_000])
def test_long_messages_by_each_path(size: int) -> None:
    # From 4096 bytes on, 512 are taken at once where the processor can.
    rng = random.Random(size)
    state, point, message = rng.randbytes(16), rng.randbytes(16), rng.randbytes(size)
    expected = twin(state, point, message)
    assert [absorb(state, point, message, path) for path in PATHS] == [expected] * len(PATHS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("bit", [0, 1, 63, 64, 120, 121, 126, 127])
def test_reduction_at_the_top(bit: int, path: int) -> None:
    # Single bits meet each of the reduction's shifts alone: x^bit · x^127.
    one_bit = (1 << bit).to_bytes(16, "little")
    top = (1 << 127).to_bytes(16, "little")
    assert absorb(bytes(16), one_bit, top, path) == twin(bytes(16), one_bit, top)


@pytest.mark.parametrize("path", PATHS)
@given(data=st.data(), point=elements, message=st.binary(min_size=16, max_size=400))
def test_continues_at_any_block(
    path: int, data: st.DataObject, point: bytes, message: bytes
) -> None:
    cut = 16 * data.draw(st.integers(0, len(message) // 16))
    first = absorb(bytes(16), point, message[:cut], path)
    assert absorb(first, point, message[cut:], path) == absorb(bytes(16), point, message, path)


def test_all_ones_carry_nowhere() -> None:
    # The densest operands are the hardest for multiplication with holes.
    ones = b"\xff" * 16
    portable = absorb(ones, ones, ones * 9, lib.HEXKEY_CLMUL_PORTABLE)
    assert portable == twin(ones, ones, ones * 9)

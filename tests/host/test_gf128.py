"""The polynomial hash: answers computed another way, lengths, padding."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.gf128 import (
    degree,
    polynomial_hash,
    polynomial_hash_of_parts,
    polynomial_hash_reference,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "hashing.json").read_text())
POINT = bytes(range(1, 17))


@pytest.mark.parametrize("case", VECTORS["polynomial_hash"], ids=lambda case: f"{case['n_bits']}")
def test_known_answers(case: dict[str, str]) -> None:
    packed, point = bytes.fromhex(case["packed"]), bytes.fromhex(case["point"])
    assert polynomial_hash(packed, point, int(case["n_bits"])).hex() == case["hash"]


@given(message=st.binary(max_size=200), point=st.binary(min_size=16, max_size=16))
def test_equals_reference(message: bytes, point: bytes) -> None:
    assert polynomial_hash(message, point) == polynomial_hash_reference(message, point)


@given(message=st.binary(max_size=60), zeros=st.integers(1, 40))
def test_padding_is_not_the_message(message: bytes, zeros: int) -> None:
    assert polynomial_hash(message, POINT) != polynomial_hash(message + bytes(zeros), POINT)


def test_bits_that_pad_a_byte_are_not_the_message() -> None:
    digests = {polynomial_hash(b"\x01", POINT, n_bits) for n_bits in range(1, 9)}
    assert len(digests) == 8


@pytest.mark.parametrize(("n_bits", "blocks"), [(0, 1), (1, 2), (128, 2), (129, 3), (10**6, 7814)])
def test_degree_counts_the_length_block(n_bits: int, blocks: int) -> None:
    assert degree(n_bits) == blocks


def test_wrong_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^point must be 16 bytes, not 15$"):
        polynomial_hash(b"", bytes(15))
    with pytest.raises(ValueError, match=r"^17 bits need 3 bytes, not 2$"):
        polynomial_hash(b"ab", POINT, 17)


def test_parts_but_the_last_are_of_whole_blocks() -> None:
    with pytest.raises(ValueError, match=r"^all parts but the last must be of whole blocks of 16"):
        polynomial_hash_of_parts([bytes(16), bytes(15), bytes(1)], POINT)
    assert polynomial_hash_of_parts([], POINT) == polynomial_hash(b"", POINT)

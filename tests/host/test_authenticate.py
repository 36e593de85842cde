"""Wegman–Carter tags: the construction, the mask, what a forger can do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.authenticate import KEY_BYTES, epsilon, tag, verify
from hexkey.gf128 import polynomial_hash

keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


@given(message=st.binary(max_size=200), key=keys)
def test_tag_is_the_hash_under_the_mask(message: bytes, key: bytes) -> None:
    made = tag(message, key)
    digest = polynomial_hash(message, key[:16])
    assert bytes(a ^ b for a, b in zip(digest, key[16:], strict=True)) == made
    assert verify(message, made, key)


@given(data=st.data(), message=st.binary(min_size=1, max_size=100), key=keys)
def test_one_flipped_bit_is_refused(data: st.DataObject, message: bytes, key: bytes) -> None:
    if not any(key[:16]):  # the point 0 is one of the roots that epsilon counts
        return
    made = tag(message, key)
    place = data.draw(st.integers(0, 8 * len(message) - 1))
    forged = (int.from_bytes(message, "little") ^ 1 << place).to_bytes(len(message), "little")
    assert not verify(forged, made, key)
    place = data.draw(st.integers(0, 127))
    other = (int.from_bytes(made, "little") ^ 1 << place).to_bytes(16, "little")
    assert not verify(message, other, key)


def test_tag_of_another_length_is_refused_quietly() -> None:
    key = bytes(range(32))
    made = tag(b"hello", key)
    assert not verify(b"hello", made[:15], key)
    assert not verify(b"hello", made + b"\0", key)
    assert not verify(b"hello", b"", key)


def test_other_point_or_other_mask_is_another_tag() -> None:
    key = bytes(range(32))
    assert tag(b"hello", b"\x80" + key[1:]) != tag(b"hello", key)
    assert tag(b"hello", key[:-1] + b"\x80") != tag(b"hello", key)


def test_wrong_key_length_names_both() -> None:
    with pytest.raises(ValueError, match=r"^key must be 32 bytes, not 31$"):
        tag(b"", bytes(31))
    with pytest.raises(ValueError, match=r"^key must be 32 bytes, not 33$"):
        verify(b"", bytes(16), bytes(33))


@pytest.mark.parametrize(
    ("message_bytes", "blocks"), [(0, 0), (1, 1), (16, 1), (17, 2), (2**20, 2**16)]
)
def test_epsilon(message_bytes: int, blocks: int) -> None:
    assert epsilon(message_bytes) == (blocks + 1) / 2**128


def test_epsilon_of_nonsense() -> None:
    with pytest.raises(ValueError, match="-1"):
        epsilon(-1)

"""Bodies: what is encoded comes back, and no bytes of a peer's raise anything but ProtocolError."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hexkey.bits import pack_bits
from hexkey.errors import ProtocolError
from hexkey.reconcile import Method
from hexkey.session import messages
from hexkey.session.messages import Type, encode_json
from hexkey.session.parameters import SessionParameters

u32 = st.integers(0, 2**32 - 1)
Bits = NDArray[np.uint8]


@st.composite
def rising(draw: st.DrawFn, most: int = 40) -> NDArray[np.uint64]:
    first = draw(st.integers(0, 2**62))
    steps = draw(st.lists(st.integers(1, 2**32 - 1), max_size=most))
    return first + np.cumsum([0, *steps], dtype=np.uint64)


def bits(size: int | st.SearchStrategy[int]) -> st.SearchStrategy[Bits]:
    sizes = st.just(size) if isinstance(size, int) else size
    return sizes.flatmap(
        lambda n: st.lists(st.integers(0, 1), min_size=n, max_size=n).map(
            lambda found: np.array(found, np.uint8)
        )
    )


def same(one: Any, other: Any) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in fields(one)
    )


@given(rising(), st.data(), u32)
def test_align_comes_back(pulses: NDArray[np.uint64], data: st.DataObject, epoch: int) -> None:
    sent = messages.Align(epoch, pulses, data.draw(bits(len(pulses))))
    assert same(messages.Align.decode(sent.encode()), sent)


@given(rising(), u32, u32)
def test_announce_comes_back(pulses: NDArray[np.uint64], block: int, epoch: int) -> None:
    sent = messages.Announce(block, epoch, pulses)
    assert same(messages.Announce.decode(sent.encode()), sent)


@given(
    st.booleans(),
    st.integers(-(2**62) + 1, 2**62 - 1),
    st.integers(0, 2**62),
    st.floats(0, 1),
)
def test_offset_comes_back(found: bool, offset: int, modulo: int, probability: float) -> None:
    sent = messages.Offset(found, offset, modulo, probability)
    assert same(messages.Offset.decode(sent.encode()), sent)


@given(
    st.sampled_from(Method),
    st.binary(min_size=32, max_size=32),
    bits(st.integers(1, 200)).filter(np.any),
)
def test_sample_comes_back(method: Method, seed: bytes, chosen: Bits) -> None:
    sent = messages.Sample(method, seed, chosen)
    assert same(messages.Sample.decode(sent.encode(), len(chosen), int(chosen.sum())), sent)
    with pytest.raises(ProtocolError):
        messages.Sample.decode(sent.encode(), len(chosen), int(chosen.sum()) + 1)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 200))
def test_a_seed_without_a_sample_comes_back(seed: bytes, block_bits: int) -> None:
    sent = messages.Sample(Method.LDPC, seed, np.zeros(0, np.uint8))
    encoded = sent.encode()
    assert encoded == b"\2" + seed
    assert same(messages.Sample.decode(encoded, block_bits, 0), sent)
    for body in (encoded[:-1], encoded + bytes(1), b"\0" + seed, b"\3" + seed):
        with pytest.raises(ProtocolError):
            messages.Sample.decode(body, block_bits, 0)


@given(st.binary(min_size=16, max_size=16), st.integers(0, 255), st.data())
def test_verify_comes_back(seed: bytes, width: int, data: st.DataObject) -> None:
    size = (width + 7) // 8
    sent = messages.Verify(seed, width, data.draw(st.binary(min_size=size, max_size=size)))
    assert same(messages.Verify.decode(sent.encode()), sent)


@given(u32, bits(st.integers(0, 200)))
def test_amplify_comes_back(length: int, seed: Bits) -> None:
    sent = messages.Amplify(length, pack_bits(seed))
    assert same(messages.Amplify.decode(sent.encode(), len(seed)), sent)


@given(u32, st.integers(0, 2**64 - 1), st.binary(min_size=16, max_size=16))
def test_counts_and_tags_come_back(count: int, index: int, tag: bytes) -> None:
    assert messages.decode_count(messages.encode_count(count), Type.ESTIMATE) == count
    assert messages.decode_tag(messages.encode_tag(index, tag)) == (index, tag)


DECODERS: dict[str, Callable[[bytes], Any]] = {
    "json": lambda body: messages.decode_json(body, Type.HELLO),
    "align": messages.Align.decode,
    "offset": messages.Offset.decode,
    "announce": messages.Announce.decode,
    "pulses": lambda body: messages.decode_pulses(body, Type.ANNOUNCE),
    "sample": lambda body: messages.Sample.decode(body, 20, 3),
    "no sample": lambda body: messages.Sample.decode(body, 20, 0),
    "bits": lambda body: messages.decode_bits(body, 13, Type.SAMPLE_BITS),
    "verify": messages.Verify.decode,
    "amplify": lambda body: messages.Amplify.decode(body, 33),
    "count": lambda body: messages.decode_count(body, Type.ESTIMATE),
    "tag": messages.decode_tag,
    "drop": messages.decode_drop,
}


@pytest.mark.parametrize("decoder", DECODERS.values(), ids=DECODERS.keys())
@given(body=st.binary(max_size=80))
def test_any_bytes_decode_or_raise_protocol_error(
    decoder: Callable[[bytes], Any], body: bytes
) -> None:
    with suppress(ProtocolError):
        decoder(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"1" * 60_000,
        b"[1]",
        b"\xff\xfe",
        b"",
    ],
    ids=["nested-lists", "nested-objects", "huge-number", "list", "not-text", "empty"],
)
def test_what_only_looks_like_json_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        messages.decode_json(body, Type.HELLO)


@pytest.mark.parametrize(
    ("first", "steps"),
    [(2**63, []), (2**63 - 1, [1]), (0, [0]), (5, [1, 0, 1]), (2**64 - 1, [2**32 - 1])],
)
def test_pulses_that_do_not_rise_or_leave_the_range_are_refused(
    first: int, steps: list[int]
) -> None:
    body = first.to_bytes(8, "little") + b"\4" + np.array(steps, "<u4").tobytes()
    with pytest.raises(ProtocolError, match="do not rise"):
        messages.decode_pulses(body, Type.ANNOUNCE)


@pytest.mark.parametrize(("most", "width"), [(255, 1), (256, 2), (65_535, 2), (65_536, 4)])
def test_steps_of_pulses_are_as_short_as_they_can_be(most: int, width: int) -> None:
    pulses = np.array([3, 4, 4 + most], np.uint64)
    body = messages.encode_pulses(pulses)
    assert len(body) == 9 + 2 * width
    assert np.array_equal(messages.decode_pulses(body, Type.ANNOUNCE), pulses)


@pytest.mark.parametrize(
    "body", [b"", bytes(8), bytes(9), bytes(8) + b"\3\1\0\0", bytes(8) + b"\2\1"]
)
def test_pulses_that_are_cut_are_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError, match="are cut"):
        messages.decode_pulses(body, Type.ANNOUNCE)


@pytest.mark.parametrize("pulses", [[], [3, 3], [3, 2], [0, 2**32]])
def test_pulses_that_cannot_be_written_are_the_callers_fault(pulses: list[int]) -> None:
    with pytest.raises(ValueError, match="must rise"):
        messages.encode_pulses(np.array(pulses, np.uint64))


def test_set_padding_is_refused() -> None:
    assert messages.decode_bits(b"\x07", 3, Type.SAMPLE_BITS).tolist() == [1, 1, 1]
    with pytest.raises(ProtocolError, match="padding"):
        messages.decode_bits(b"\x0f", 3, Type.SAMPLE_BITS)


def test_an_align_that_claims_more_bits_than_it_has_is_refused() -> None:
    body = messages.Align(0, np.array([1], np.uint64), np.array([1], np.uint8)).encode()
    with pytest.raises(ProtocolError):
        messages.Align.decode(body[:4] + b"\xff\xff\xff\xff" + body[8:])


def test_a_peers_words_are_shown_in_print_only() -> None:
    shown = messages.decode_sentence("wait\x1b[2J\nfailed: key \u202e leaked\xff".encode() * 100)
    assert shown.isprintable()
    assert len(shown) <= messages.SENTENCE_CHARACTERS


@pytest.mark.parametrize("kind", Type)
def test_every_type_has_a_limit_that_memory_bears(kind: Type) -> None:
    assert 0 <= messages.limit(kind) <= 16 << 20
    before_any_tag = kind in (Type.HELLO, Type.TAG, Type.REFUSE)
    assert not before_any_tag or messages.limit(kind) <= 64 << 10


def test_json_is_written_in_one_way() -> None:
    text = encode_json(SessionParameters().to_json())
    assert text == encode_json(json.loads(text))
    assert b" " not in text

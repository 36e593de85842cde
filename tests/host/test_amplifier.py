"""Privacy amplification in pieces: as in one call, whatever the pieces."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hexkey._native import lib
from hexkey.amplifier import Amplifier, amplify_pieces
from hexkey.amplify import amplify, amplify_reference, seed_bits
from hexkey.bits import pack_bits, unpack_bits

PATHS = range(lib.HEXKEY_CLMUL_FASTEST, lib.HEXKEY_CLMUL_PORTABLE + 1)


def draw(n: int, length: int, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(number)
    return rng.integers(0, 2, n, np.uint8), rng.integers(0, 2, seed_bits(n, length), np.uint8)


def run(amplifier: Amplifier, packed: bytes, seed: bytes, cuts: list[int]) -> NDArray[np.uint8]:
    edges = [0, *sorted(cuts), len(packed)]
    for start, stop in pairwise(edges):
        amplifier.update(packed[start:stop], seed[amplifier.window(stop - start)])
    return unpack_bits(amplifier.finish(), amplifier.length)


@pytest.mark.parametrize("path", PATHS)
def test_equals_dense_matrix_at_every_small_size(path: int) -> None:
    for n in range(1, 71, 1 if path == lib.HEXKEY_CLMUL_FASTEST else 6):
        bits, seed = draw(n, n, n)
        expected = amplify_reference(bits, seed, n)
        for length in range(1, n + 1):
            packed_seed = pack_bits(seed[: seed_bits(n, length)])
            out = run(Amplifier(n, length, path=path), pack_bits(bits), packed_seed, [n // 24])
            assert np.array_equal(out, expected[:length])


@pytest.mark.parametrize("path", PATHS)
@given(data=st.data(), n=st.integers(1, 60_000), number=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_equals_one_call(path: int, data: st.DataObject, n: int, number: int) -> None:
    length = data.draw(st.integers(1, n))
    bits, seed = draw(n, length, number)
    packed = pack_bits(bits)
    cuts = data.draw(st.lists(st.integers(0, len(packed)), max_size=4))
    plan = data.draw(st.sampled_from([None, 1, 1000, n]))
    out = run(Amplifier(n, length, plan, path), packed, pack_bits(seed), cuts)
    assert np.array_equal(out, amplify(bits, seed, length))


def test_a_seed_that_stays_in_its_file(tmp_path: Path) -> None:
    n, length = 500_003, 70_001
    bits, seed = draw(n, length, 5)
    file, packed = tmp_path / "seed", np.frombuffer(pack_bits(bits), np.uint8)
    file.write_bytes(pack_bits(seed))
    pieces = np.array_split(packed, 7)
    out = amplify_pieces(pieces, np.memmap(file, np.uint8, "r"), n, length)
    assert np.array_equal(unpack_bits(out, length), amplify(bits, seed, length))


def test_memory_depends_on_the_result_alone() -> None:
    short, long = Amplifier(10**8, 10**6), Amplifier(10**11, 10**6)
    assert short.memory_bytes == long.memory_bytes < 12 * 10**6


def test_surplus_bits_do_not_matter() -> None:
    n, length = 1003, 225
    bits, seed = draw(n, length, 9)
    packed, window = pack_bits(bits), pack_bits(seed)
    plain = run(Amplifier(n, length), packed, window, [])
    spoilt = packed[:-1] + bytes([packed[-1] | 0xFF << n % 8 & 0xFF])
    tail = bytes([window[-1] | 0xFF << seed.size % 8 & 0xFF])
    assert np.array_equal(run(Amplifier(n, length), spoilt, window[:-1] + tail, []), plain)


def test_nothing_out() -> None:
    assert amplify_pieces([b"abc", b"d"], b"", 30, 0) == b""


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^length must be between 0 and the 10 bits .*, not 11$"):
        Amplifier(10, 11)
    amplifier = Amplifier(100, 40)
    with pytest.raises(ValueError, match=r"^100 bits of input are left, not 14 bytes$"):
        amplifier.window(14)
    with pytest.raises(ValueError, match=r"^seed_window must be 10 bytes, not 8$"):
        amplifier.update(bytes(4), bytes(8))
    with pytest.raises(ValueError, match=r"^100 bits are missing$"):
        amplifier.finish()
    with pytest.raises(TypeError, match=r"^piece must be bytes, not 1-dimensional uint16$"):
        amplifier.update(np.zeros(4, np.uint16), bytes(10))
    amplifier.update(bytes(13), bytes(18))
    assert amplifier.finish() == bytes(5)
    with pytest.raises(ValueError, match=r"^finished already$"):
        amplifier.finish()
    with pytest.raises(ValueError, match=r"^the result has been taken"):
        amplifier.update(b"", b"")
    with pytest.raises(ValueError, match=r"^seed must be 18 bytes, not 17$"):
        amplify_pieces([bytes(13)], bytes(17), 100, 40)

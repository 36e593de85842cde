"""The LDPC kernels: every path against a slow decoder, number for number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.host.reconcile.reference_ldpc import Layer, decode

from hexkey._native import ffi, lib

MARGIN: int = lib.HEXKEY_LDPC_MARGIN
PATHS = {
    "portable": lib.HEXKEY_LDPC_PORTABLE,
    "avx2": lib.HEXKEY_LDPC_AVX2,
    "avx512": lib.HEXKEY_LDPC_AVX512,
}
Code = tuple[int, int, list[Layer]]  # columns, lifting, layers


def available(path: int) -> bool:
    return path <= int(lib.hexkey_ldpc_fastest())


@st.composite
def codes(draw: st.DrawFn, longest: int = 150) -> Code:
    """Draw a code of a few layers, some with a part of the lanes."""
    columns, lifting = draw(st.integers(1, 12)), draw(st.integers(1, longest))
    shift = st.integers(0, lifting - 1)
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        chosen = draw(st.lists(st.integers(0, columns - 1), min_size=1, unique=True))
        first = draw(st.integers(0, lifting - 1))
        edges = [(column, draw(shift)) for column in chosen]
        layers.append(Layer(edges, first, draw(st.integers(1, lifting - first))))
    return columns, lifting, layers


def c_layers(code: Code, after: int = 0) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    _, lifting, layers = code
    edges = [
        (column * (lifting + after), shift) for layer in layers for column, shift in layer.edges
    ]
    ends = np.cumsum([0, *(len(layer.edges) for layer in layers)])
    rows = [
        (start, len(layer.edges), layer.first_lane, layer.lanes)
        for start, layer in zip(ends, layers, strict=False)
    ]
    return np.array(rows, np.uint32), np.array(edges, np.uint32)


def pointer(kind: str, array: NDArray[np.generic]) -> object:
    return ffi.cast(kind + " *", ffi.from_buffer(array))


def native_decode(
    code: Code,
    syndrome: list[NDArray[np.uint8]],
    beliefs: NDArray[np.int16],
    sweeps: int,
    patience: int,
    path: int,
) -> tuple[int, NDArray[np.int16]]:
    """Run the kernel with arrays that end where the contract says."""
    layers, edges = c_layers(code, 2 * MARGIN)
    padded = np.concatenate([np.pad(s, (0, -len(s) % 64)) for s in syndrome])
    room = np.full(MARGIN + code[0] * (code[1] + 2 * MARGIN), 12345, np.int16)
    placed = room[MARGIN:].reshape(code[0], -1)[:, : code[1]]
    placed[:] = beliefs.reshape(code[0], -1)
    first = pointer("hexkey_ldpc_layer", layers)
    size = lib.hexkey_ldpc_message_bytes(first, len(layers))
    assert size == sum(len(e.edges) * (-(-e.lanes // 64) * 64) for e in code[2])
    messages = np.full(size, 77, np.int8)
    done = lib.hexkey_ldpc_decode(
        first,
        len(layers),
        pointer("hexkey_ldpc_edge", edges),
        code[1],
        pointer("int8_t", padded),
        pointer("int16_t", room[MARGIN:]),
        pointer("int8_t", messages),
        sweeps,
        patience,
        path,
    )
    return done, placed.ravel()


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=40, deadline=None)
@given(codes(), st.integers(0, 2**32), st.integers(1, 4), st.integers(0, 3), st.booleans())
def test_every_path_is_the_reference(
    path: str, code: Code, seed: int, sweeps: int, patience: int, solvable: bool
) -> None:
    if not available(PATHS[path]):
        pytest.skip(f"no {path} here")
    columns, lifting, layers = code
    generator = np.random.default_rng(seed)
    beliefs = generator.integers(-127, 128, columns * lifting).astype(np.int16)
    hidden = (beliefs < 0) ^ (generator.random(len(beliefs)) < 0.02)
    syndrome = [
        naive_sums(layer, lifting, hidden.astype(np.uint8))
        if solvable
        else generator.integers(0, 2, layer.lanes, dtype=np.uint8)
        for layer in layers
    ]
    known = [[int(bit) for bit in s] for s in syndrome]
    expected = decode(layers, lifting, known, [int(b) for b in beliefs], sweeps, patience)
    done, left = native_decode(code, syndrome, beliefs, sweeps, patience, PATHS[path])
    assert done == expected[0]
    assert left.tolist() == expected[1]


def naive_sums(layer: Layer, lifting: int, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    lanes = np.arange(layer.first_lane, layer.first_lane + layer.lanes)
    terms = [bits[c * lifting + (lanes + shift) % lifting] for c, shift in layer.edges]
    sums: NDArray[np.uint8] = np.bitwise_xor.reduce(np.array(terms), axis=0)
    return sums


@given(codes(longest=300), st.integers(0, 2**32))
def test_syndromes_are_sums(code: Code, seed: int) -> None:
    columns, lifting, layers = code
    bits = np.random.default_rng(seed).integers(0, 2, columns * lifting, dtype=np.uint8)
    rows, edges = c_layers(code)
    out = np.empty(sum(layer.lanes for layer in layers), np.uint8)
    lib.hexkey_ldpc_syndrome(
        pointer("hexkey_ldpc_layer", rows),
        len(rows),
        pointer("hexkey_ldpc_edge", edges),
        lifting,
        pointer("uint8_t", bits),
        pointer("uint8_t", out),
    )
    expected = [naive_sums(layer, lifting, bits) for layer in layers]
    assert np.array_equal(out, np.concatenate(expected))


def test_a_path_that_there_is_not_is_refused() -> None:
    code: Code = (1, 1, [Layer([(0, 0)], 0, 1)])
    done, _ = native_decode(code, [np.zeros(1, np.uint8)], np.ones(1, np.int16), 1, 1, 99)
    assert done == 0


def test_beliefs_beyond_a_byte_are_kept() -> None:
    """A bit on thirty checks that are sure of it: their sum is no byte, and nothing wraps."""
    layers = [Layer([(0, k), (1 + k, 0)], 0, 64) for k in range(30)]
    beliefs = np.full(31 * 64, 127, np.int16)
    done, left = native_decode(
        (31, 64, layers), [np.zeros(64, np.uint8)] * 30, beliefs, 3, 5, lib.HEXKEY_LDPC_FASTEST
    )
    assert done == 1
    assert left[:64].min() > 3000

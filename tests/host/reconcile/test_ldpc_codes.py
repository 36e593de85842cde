"""The codes: their files are refused if anything is wrong with them, and made again bit for bit."""

import hashlib
import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.reconcile.ldpc import code as code_module
from hexkey.reconcile.ldpc import plan
from hexkey.reconcile.ldpc.code import Code, checksums, decode, encode, load
from hexkey.reconcile.ldpc.design.__main__ import CODES, RECIPES, code_name, code_of, main
from hexkey.reconcile.ldpc.design.evolution import TOP, Evolution, check_side, concentrated
from hexkey.reconcile.ldpc.design.family import SIZES, counts, optimise, qber_of
from hexkey.reconcile.ldpc.design.growth import Stream, grow

RECIPE_LIST = json.loads(RECIPES.read_text())
DEGREES = [2] * 20 + [3] * 30 + [8] * 10


def test_there_is_a_code_for_every_recipe() -> None:
    names = [code_name(recipe) for recipe in RECIPE_LIST]
    assert list(checksums()) == names
    assert sorted(path.name for path in CODES.iterdir()) == sorted([*names, code_module.SUMS])
    assert {(r["columns"], r["rows"]) for r in RECIPE_LIST} == set(SIZES)
    shares = [r["rows"] / r["columns"] for r in RECIPE_LIST]
    assert shares == sorted(shares)


@pytest.mark.parametrize("name", checksums())
def test_codes_are_what_their_recipes_say(name: str) -> None:
    code = load(name)
    (recipe,) = (r for r in RECIPE_LIST if code_name(r) == name)
    assert (code.columns, code.rows) == (recipe["columns"], recipe["rows"])
    degrees = np.bincount(code.edges[:, 0].astype(np.int64), minlength=code.columns)
    found = {str(d): int(n) for d, n in enumerate(np.bincount(degrees)) if n}
    assert found == recipe["degrees"]
    assert code.sizes.max() - code.sizes.min() <= 7
    assert (np.abs(np.diff(code.halves.astype(np.int64), axis=1)) <= 2).all()
    # With 64 bits a column there is no room for the columns of many edges to be all apart.
    assert cycles_of_four(code, recipe["lifting"], degrees, 4 if code.columns > 512 else 99) == 0


def cycles_of_four(code: Code, lifting: int, degrees: NDArray[np.int64], below: int) -> int:
    """Count pairs of columns, both below a degree, that two rows join by like shifts."""
    ends = np.cumsum(code.sizes)[:-1]
    rows = [{int(c): int(s) for c, s in part} for part in np.split(code.edges, ends)]
    found = 0
    for a, b in itertools.combinations(rows, 2):
        steps: dict[int, int] = {}  # the least degree of the columns of each step
        for column in a.keys() & b.keys():
            step, degree = (a[column] - b[column]) % lifting, int(degrees[column])
            before = steps.get(step, 1 << 16)
            found += max(before, degree) < below
            steps[step] = min(before, degree)
    return found


def test_columns_of_degree_two_form_a_forest() -> None:
    for name in checksums():
        code = load(name)
        rows = np.repeat(np.arange(code.rows), code.sizes)
        tree = np.arange(code.rows)
        for column in range(code.columns):
            ends = rows[code.edges[:, 0] == column]
            if len(ends) == 2:
                assert tree[ends[0]] != tree[ends[1]]
                tree[tree == tree[ends[0]]] = tree[ends[1]]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the codes' folder that is used instead."""
    for path in CODES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(code_module, "FOLDER", tmp_path)
    load.cache_clear()
    return tmp_path


def test_a_corrupted_code_is_refused(elsewhere: Path) -> None:
    name = next(iter(checksums()))
    data = bytearray((elsewhere / name).read_bytes())
    data[-1] ^= 1
    (elsewhere / name).write_bytes(data)
    with pytest.raises(InputError, match=f"the LDPC code {name} has a wrong checksum"):
        load(name)
    load.cache_clear()


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "other magic": lambda data: b"\x00" + data[1:],
    "cut short": lambda data: data[:-4],
    "too long": lambda data: data + bytes(4),
    "a column too many": lambda data: data[:-4] + b"\xff\xff\x00\x00",
    "a half of another size": lambda data: data[:8] + bytes([data[8] + 1]) + data[9:],
    "an empty half": lambda data: data[:8] + bytes(2) + data[10:],
    "no columns": lambda data: data[:2] + bytes(2) + data[4:],
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_files_of_no_code_are_refused(spoil: str) -> None:
    data = encode(grow(20, DEGREES, 16, b"test"))
    with pytest.raises(InputError, match=r"odd (is|describes)"):
        decode(SPOILT[spoil](data), "odd")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_code_or_refused(data: bytes) -> None:
    for start in (data, b"\x31\x4c" + data):
        try:
            code = decode(start, "odd")
        except InputError:
            continue
        assert code.halves.sum() == len(code.edges) > 0


def test_files_are_read_as_written() -> None:
    code = grow(20, DEGREES, 16, b"test")
    again = decode(encode(code), "odd")
    assert (again.columns, again.rows) == (60, 20)
    assert np.array_equal(again.edges, code.edges)
    assert np.array_equal(again.halves, code.halves)


def test_growth_is_the_same_everywhere() -> None:
    """A known answer: whatever the machine and the version of numpy."""
    data = encode(grow(20, DEGREES, 16, b"test"))
    assert hashlib.sha256(data).hexdigest()[:16] == "520493e5d03b6e7d"
    assert data != encode(grow(20, DEGREES, 16, b"other"))


def test_streams_are_even() -> None:
    """6000 numbers below 6: χ² with 5 degrees of freedom is below 20.5 with probability 0.999."""
    stream = Stream(b"dice")
    found = np.bincount([stream.below(6) for _ in range(6000)], minlength=6)
    assert ((found - 1000) ** 2 / 1000).sum() < 20.5


@pytest.mark.long
def test_a_code_is_made_again_bit_for_bit() -> None:
    (recipe,) = (r for r in RECIPE_LIST if r["rows"] == 188)
    assert encode(code_of(recipe)) == (CODES / code_name(recipe)).read_bytes()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_all_codes_are_made_again_by_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["design", "codes", "--out", str(tmp_path)])
    main()
    for path in CODES.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_halves_add_up() -> None:
    """The two halves of a split check are the check, lane by lane."""
    code = load(next(iter(checksums())))
    split = 3 * 7 + 2
    layers = code.layers(7, split)
    assert layers[:, 3].sum() == code.rows * 7 + split
    assert layers[:, 1].min() > 0
    covered = np.zeros((len(code.edges), 7), int)
    for first_edge, degree, first_lane, lanes in layers.astype(np.int64):
        covered[first_edge : first_edge + degree, first_lane : first_lane + lanes] += 1
    assert (covered == 1).all()


def test_evolution_finds_the_threshold_of_a_regular_code() -> None:
    """(3, 6) on the binary symmetric channel: 0.084 (Richardson and Urbanke 2001, Table II)."""
    assert Evolution(0.0825, {3: 1.0}, {6: 1.0}).run(400)
    assert not Evolution(0.0855, {3: 1.0}, {6: 1.0}).run(400)


def test_check_side_of_certain_and_uncertain_messages() -> None:
    """Erasures, messages of size 0, spoil a check; certain ones do not: 1 - (1 - e)²."""
    messages = np.zeros(2 * TOP + 1)
    messages[TOP], messages[2 * TOP] = 0.3, 0.7
    out = check_side(messages, {3: 1.0})
    assert math.isclose(out[TOP], 1 - 0.7**2)
    assert math.isclose(out.sum(), 1)
    messages[TOP], messages[0] = 0, 0.3  # wrong instead: of two, one is
    out = check_side(messages, {3: 1.0})
    assert math.isclose(out[:TOP].sum(), 2 * 0.3 * 0.7)


def test_concentrated_degrees_have_their_mean() -> None:
    for mean in (6.0, 13.5, 50.25):
        shares = concentrated(mean)
        assert math.isclose(sum(shares.values()), 1)
        assert math.isclose(1 / sum(s / d for d, s in shares.items()), mean)


def test_optimising_lowers_the_redundancy() -> None:
    start = {2: 0.13, 3: 0.3, 7: 0.2, 20: 0.37}
    short = optimise(0.0649, 13.0, start, 20)
    assert short is not None
    assert 1 < short.efficiency < 1.12
    assert math.isclose(sum(short.shares.values()), 1)


def test_counts_fill_the_columns() -> None:
    found = counts({2: 0.2, 3: 0.5, 10: 0.3}, 100, 30)
    assert sum(found.values()) == 100
    assert found[2] <= 29


def test_error_rates_invert_the_entropy() -> None:
    assert math.isclose(qber_of(0.34678), 0.0649, rel_tol=1e-3)


def test_plans_use_the_code_that_needs_least() -> None:
    number, wanted = plan.first(65_536, 0.0649)
    assert wanted - plan.checks(number, 65_536) < 0.1 * wanted

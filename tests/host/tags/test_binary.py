"""qutools' and S-Fifteen's files, and which reader a file gets."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.host.tags import writers
from tests.host.tags.conftest import whole

from hexkey.errors import InputError
from hexkey.tags import Waiting, open_tags

DUMMY = 0x10


def test_qutag(tmp_path: Path) -> None:
    clicks = [(1, 3), (5, 2**62), (255, 4)]
    file = open_tags(writers.qutag(tmp_path / "x.bin", clicks))
    found = whole(file)
    assert list(zip(found.channel.tolist(), found.ticks.tolist(), strict=True)) == clicks
    assert (file.tick_ps, file.pulsed) == (Fraction(1), False)


def test_the_tick_of_a_qutau_is_given(tmp_path: Path) -> None:
    path = writers.qutag(tmp_path / "x.bin", [(1, 3)])
    assert open_tags(path, tick_ps=Fraction("80.955")).tick_ps == Fraction(80955, 1000)


def test_real_qutag(recording: Callable[[str], Path]) -> None:
    found = whole(open_tags(recording("eta/19_qutag_80MHz_HBT_sync_filtered.qutag")))
    counts = np.bincount(found.channel)
    assert {i: int(counts[i]) for i in np.flatnonzero(counts)} == {1: 79_314, 2: 94_287, 5: 94_200}


def test_records_of_another_length_are_refused(tmp_path: Path) -> None:
    path = writers.qutag(tmp_path / "x.bin", [(1, 3)])
    path.write_bytes(path.read_bytes() + b"\xff" * 10)
    with pytest.raises(InputError, match="not of ten bytes a record"):
        whole(open_tags(path))


@pytest.mark.parametrize("swapped", [False, True])
def test_sfifteen_in_both_orders(swapped: bool, tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    times = np.cumsum(generator.integers(1, 10**6, 500)).tolist()
    low = [1 << i % 4 if i % 7 else DUMMY for i in range(500)]
    low[1] = 0b1010
    file = open_tags(
        writers.sfifteen(tmp_path / "x", zip(times, low, strict=True), swapped=swapped)
    )
    found = whole(file)
    expected = [
        (detector + 1, time)
        for time, pattern in zip(times, low, strict=True)
        if pattern != DUMMY
        for detector in range(4)
        if pattern >> detector & 1
    ]
    assert list(zip(found.channel.tolist(), found.ticks.tolist(), strict=True)) == expected
    assert found.left_out == {"dummies": low.count(DUMMY)}
    assert file.tick_ps == 4
    assert ("swapped" in file.format) is swapped


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("lines", "name"), [(2, "a0"), (1, "a2")])
def test_sfifteen_in_hexadecimal_is_as_in_binary(
    lines: int, name: str, end: str, tmp_path: Path
) -> None:
    generator = np.random.default_rng(4)
    times = (np.cumsum(generator.integers(1, 10**6, 40_000)) + 2**50).tolist()
    records = [(time, 1 << place % 4 if place % 9 else DUMMY) for place, time in enumerate(times)]
    expected = whole(open_tags(writers.sfifteen(tmp_path / "binary", records)))
    path = writers.sfifteen_text(tmp_path / "text", records, lines=lines, end=end)
    file = open_tags(path)
    found = whole(file)
    assert file.format == f"S-Fifteen {name}"
    np.testing.assert_array_equal(found.ticks, expected.ticks)
    np.testing.assert_array_equal(found.channel, expected.channel)
    assert found.left_out == expected.left_out
    data = path.read_bytes()
    path.write_bytes(data[:-3])
    assert whole(open_tags(path)).left_out["cut"] > 0
    path.write_bytes(data[:-30] + b"x" + data[-29:])
    with pytest.raises(InputError, match=r"has lines that are not of the \d+ bytes a record"):
        whole(open_tags(path))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("lines", [2, 1])
def test_sfifteen_in_hexadecimal_may_leave_out_the_last_end_of_a_line(
    lines: int, end: str, tmp_path: Path
) -> None:
    records = [(1_000 * place, 1 << place % 4) for place in range(1_000)]
    path = writers.sfifteen_text(tmp_path / "text", records, lines=lines, end=end)
    data = path.read_bytes()
    for missing in range(1, len(end) + 1):
        path.write_bytes(data[:-missing])
        found = whole(open_tags(path))
        assert found.ticks.tolist() == [time for time, _ in records]
        assert found.channel.tolist() == [1 + place % 4 for place in range(1_000)]
        assert found.left_out == {}
    path.write_bytes(data[: -len(end) - 1])  # a digit is missing: no longer a whole record
    found = whole(open_tags(path))
    assert (len(found), list(found.left_out)) == (999, ["cut"])
    path.write_bytes(data[: -len(end)])
    waiting = Waiting(idle_s=0.0, poll_s=0.0)  # of a file that grows, more may come of the record
    assert sum(map(len, open_tags(path, waiting=waiting).chunks(follow=True))) == 999


def test_sfifteen_counter_turns_over(tmp_path: Path) -> None:
    times = [2**54 - 10 + i for i in range(9)] + [5, 2**53, 2**54 - 2, 7]
    unwrapped = [*times[:9], 2**54 + 5, 2**54 + 2**53, 2**55 - 2, 2**55 + 7]
    head = [(2**54 - 10**6 + 1000 * i, 1) for i in range(400)]
    path = writers.sfifteen(tmp_path / "x", [*head, *((time, 2) for time in times)])
    assert whole(open_tags(path)).ticks.tolist()[400:] == unwrapped


@pytest.mark.parametrize(
    ("name", "patterns", "doubles", "dummies"),
    [
        ("timestamp7_c1234.Aa1.ts", {1: 614, 2: 481, 3: 476, 4: 417}, 12, 0),
        ("timestamp7_c14_rollover.Aa1fX.ts", {1: 431, 4: 431}, 0, 138),
    ],
)
def test_real_sfifteen(
    name: str,
    patterns: dict[int, int],
    doubles: int,
    dummies: int,
    recording: Callable[[str], Path],
) -> None:
    found = whole(open_tags(recording(f"fpfind/{name}")))
    twin = np.zeros(len(found), np.bool_)
    twin[1:] = np.diff(found.ticks) == 0
    twin[:-1] |= twin[1:]
    counts = np.bincount(found.channel[~twin])
    assert {i: int(counts[i]) for i in np.flatnonzero(counts)} == patterns
    assert np.count_nonzero(twin) == 2 * doubles
    assert found.left_out.get("dummies", 0) == dummies


@pytest.mark.parametrize(
    "data", [b"\x00" * 4096, np.random.default_rng(1).bytes(65536), b"GIF89a" + b"\x01" * 90]
)
def test_what_nobody_knows_is_named(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "unknown"
    path.write_bytes(data)
    with pytest.raises(
        InputError, match=r"unknown is no recording that is known .*looked for were"
    ):
        open_tags(path)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "run.ptu"
    path.touch()
    with pytest.raises(InputError, match=r"run\.ptu is empty: record again"):
        open_tags(path)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.ptu cannot be read: No such file"):
        open_tags(tmp_path / "nothing.ptu")

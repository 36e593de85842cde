"""The file of tables: what is written is read again, anything else is refused by name."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.calibration.lines import BOARD, CLOCK_PS, a_density, a_line

from hexkey.calibration.line import calibrate
from hexkey.calibration.tables import BoardTables, folder, load, path_of, save, table_words
from hexkey.errors import InputError, StoreError


def some_tables() -> BoardTables:
    tables = BoardTables.none_of(BOARD, "D00123")
    for channel in (0, 4):
        density = a_density(a_line(channel), 10**6, np.random.default_rng(channel))
        counts = density.astype(np.float64)
        tables = tables.with_line(channel, counts, calibrate(counts, CLOCK_PS), BOARD)
    return tables


@pytest.fixture
def path(tmp_path: Path) -> Path:
    saved = tmp_path / "deeper" / "tables.json"
    save(some_tables(), saved)
    return saved


def test_what_is_saved_is_loaded(path: Path) -> None:
    wanted, found = some_tables(), load(path, BOARD)
    assert (found.board, found.firmware, found.unit) == (BOARD.board, BOARD.firmware, "D00123")
    assert found.clock_ps == CLOCK_PS
    assert set(found.channels) == {0, 4}
    for channel, table in found.channels.items():
        assert np.array_equal(table.density, wanted.channels[channel].density)
        assert np.array_equal(table.fine_ticks, wanted.channels[channel].fine_ticks)
        assert table.tap_ps == wanted.channels[channel].tap_ps
        assert table.made.startswith("20")
    assert list(path.parent.iterdir()) == [path]


def test_refreshed_table_is_kept_beside_the_one_it_came_from(path: Path) -> None:
    tables = load(path, BOARD)
    origin = tables.channels[0]
    assert origin.refreshed is None  # a file of a board that has not run yet
    assert origin.current is origin
    moved = replace(
        origin, made="2031-01-01T00:00:00+00:00", tap_ps=36.0, fine_ticks=origin.fine_ticks + 1
    )
    save(tables.with_refreshed(0, moved), path)
    found = load(path, BOARD).channels
    assert np.array_equal(found[0].fine_ticks, origin.fine_ticks)
    assert np.array_equal(found[0].density, origin.density)
    assert (found[0].current.made, found[0].current.tap_ps) == (moved.made, 36.0)
    assert np.array_equal(found[0].current.fine_ticks, moved.fine_ticks)
    assert found[4].refreshed is None
    again = calibrate(origin.density, CLOCK_PS)
    assert (
        load(path, BOARD).with_line(0, origin.density, again, BOARD).channels[0].refreshed is None
    )


def test_refreshed_table_of_another_length_is_refused(path: Path) -> None:
    tables = load(path, BOARD)
    origin = tables.channels[0]
    short = replace(origin, density=origin.density[:-1], fine_ticks=origin.fine_ticks[:-1])
    save(tables.with_refreshed(0, short), path)
    with pytest.raises(InputError, match="values that cannot be"):
        load(path, BOARD)


def test_refreshed_table_beyond_its_limits_is_refused(path: Path) -> None:
    tables = load(path, BOARD)
    origin = tables.channels[0]
    moved = replace(origin, fine_ticks=origin.fine_ticks + 3)  # 30 ps: too much for a young edge
    save(tables.with_refreshed(0, moved), path)
    with pytest.raises(InputError, match=r"code 0 would move by .*hexkey board calibrate"):
        load(path, BOARD)


def test_words_of_a_table_are_those_of_the_register() -> None:
    fine = np.array([3, 7, 499], np.uint16)
    assert table_words(4, fine) == [4 << 20 | 3, 4 << 20 | 1 << 10 | 7, 4 << 20 | 2 << 10 | 499]
    assert table_words(0, fine, [2]) == [2 << 10 | 499]


def test_each_board_and_bitstream_has_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert folder() == Path("/state/hexkey/calibration")
    assert path_of(BOARD, "").name == "ULX3S-85F_1.0-ab12cd34.json"
    others = [path_of(BOARD, "D1"), path_of(BOARD, "D2"), path_of(replace(BOARD, firmware="2"), "")]
    assert len({path_of(BOARD, ""), *others}) == 4
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/bob")
    assert folder() == Path("/home/bob/.local/state/hexkey/calibration")


def test_other_bitstream_is_refused(path: Path) -> None:
    with pytest.raises(InputError, match=r"firmware 1\.0 ab12cd34, the board is .* with 1\.1"):
        load(path, replace(BOARD, firmware="1.1"))


def change(path: Path, name: str, value: Any) -> None:
    content = json.loads(path.read_text())
    content[name] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("version", 2, "is of version 2, this hexkey knows version 1"),
        ("format", "gerber", "is no calibration"),
        ("clock_ps", 4000.0, "is damaged"),
        ("crc32", 1, "is damaged"),
        ("more", 1, "is damaged"),
    ],
)
def test_other_contents_are_refused(path: Path, name: str, value: Any, words: str) -> None:
    change(path, name, value)
    with pytest.raises(InputError, match=f"{words}.*hexkey board calibrate"):
        load(path, BOARD)


def test_what_is_no_file_of_ours_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"\xff\xfe")
    for path in (text, tmp_path / "missing", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            load(path, BOARD)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        save(some_tables(), tmp_path / "file" / "tables.json")

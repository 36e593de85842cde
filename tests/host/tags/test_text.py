"""CSV: columns and units are found, times are exact, a bad row is named; exports come back."""

from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tests.host.tags import writers
from tests.host.tags.conftest import whole

from hexkey.errors import ConfigurationError, InputError, StoreError
from hexkey.tags import open_tags, pieces
from hexkey.tags.export import export


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "ticks", "channels"),
    [
        ("time_ps,channel\n5,1\n7,2\n", [5, 7], [1, 2]),
        ("channel;time (ns)\n1;0.005\n2;7\n", [5, 7000], [1, 2]),
        (
            "# made by a tagger\nChannel\tTimestamp [us]\n1\t0.000005\n2\t7\n",
            [5, 7_000_000],
            [1, 2],
        ),
        ("Time [s], Detector\n1e-12, 3\n1.000000000001, 0\n", [1, 10**12 + 1], [3, 0]),
        ("time_ms,energy,ch\n1,0.3,4\n2,0.4,5", [10**9, 2 * 10**9], [4, 5]),
    ],
)
def test_columns_and_units_are_found(
    text: str, ticks: list[int], channels: list[int], tmp_path: Path
) -> None:
    file = open_tags(write(tmp_path / "x.txt", text))
    found = whole(file)
    assert (found.ticks.tolist(), found.channel.tolist()) == (ticks, channels)
    assert (file.tick_ps, file.pulsed) == (Fraction(1), False)


def test_columns_and_units_can_be_given(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "9,1,5\n9,2,7\n")
    file = open_tags(path, time_column="2", channel_column="1", time_unit="ns")
    assert whole(file).ticks.tolist() == [5000, 7000]
    file = open_tags(path, time_column="2", channel_column="1", tick_ps=Fraction(81))
    assert (whole(file).ticks.tolist(), file.tick_ps) == ([5, 7], Fraction(81))


def test_pieces_cut_anywhere_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{place % 5},{place * 1.25}" for place in range(300)]
    path = write(tmp_path / "x.csv", "\n".join(["channel,time_ns", *rows]))
    expected = [int(Decimal(row.split(",")[1]) * 1000) for row in rows]
    for size in (7, 64, 1 << 16):
        monkeypatch.setattr(pieces, "PIECE_BYTES", size)
        assert whole(open_tags(path)).ticks.tolist() == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,2\n3,4\n", "does not say the unit of its times: give it with --time-unit"),
        ("time_ps,colour\n1,2\n", "no column called channel or chan: name the columns"),
        ("time_ps,channel\n1,2\nx,3\n", r"line 3: 'x,3' is not a time and a channel"),
        ("time_ps,channel\n1,2\n1.5,3\n", r"line 3: '1.5,3' is finer than a tick"),
        ("time_ps,channel\n1,2\n\n5,-1\n", "line 4: -1 is no channel .* without overflow"),
        ("time_ps,channel\n1,2\n5,256\n", "line 3: 256 is no channel"),
        ("time_s,channel\n1,2\n9e9,1\n", "line 3: the time is beyond"),
        ("time_ps,channel\n1,2\n5\n", "line 3: '5' is not a time and a channel"),
    ],
)
def test_what_is_wrong_is_named(text: str, sentence: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(InputError, match=sentence):
        whole(open_tags(path))


def test_unknown_unit_and_column_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "1,2\n3,4\n")
    with pytest.raises(InputError, match="'fs' is no unit of time: use one of s, ms"):
        open_tags(path, time_unit="fs")
    with pytest.raises(InputError, match="no column 'when'; it has 1, 2"):
        open_tags(path, time_column="when", time_unit="ns")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("tick_s", [16e-12, 2.5e-13])
def test_exports_hold_every_detection(suffix: str, tick_s: float, tmp_path: Path) -> None:
    clicks = [(place % 3, 700 * place, place % 50) for place in range(400)]
    words = writers.hydra_t3(clicks)
    source = open_tags(
        writers.ptu(tmp_path / "x.ptu", writers.HYDRA2_T3, words, tick_s=tick_s, period_s=1.25e-8)
    )
    out = tmp_path / f"out{suffix}"
    assert export(source, out) == 400
    found = whole(source)
    tick_ps = source.tick_ps if source.tick_ps.denominator == 1 else Fraction(1)
    if suffix == ".parquet":
        assert out.stat().st_mode & 0o777 == 0o600  # detections may be those of a key
        table = import_module("pyarrow.parquet").read_table(out)
        time = "time_ps" if source.tick_ps.denominator == 1 else "ticks"
        assert table.column_names == ["pulse", time, "channel"]
        assert table["channel"].to_pylist() == found.channel.tolist()
        assert table[time].to_pylist() == (found.ticks * int(tick_ps)).tolist()
        assert float(table.schema.metadata[b"hexkey.sync_period_ps"]) == 12_500
        return
    file = open_tags(out)
    again = whole(file)
    assert file.pulsed
    assert file.sync_period_ps == 12_500
    assert again.pulse is not None
    assert found.pulse is not None
    np.testing.assert_array_equal(again.pulse, found.pulse)
    np.testing.assert_array_equal(again.channel, found.channel)
    assert file.tick_ps == source.tick_ps  # else every other bin of a histogram would be empty
    assert again.ticks.tolist() == found.ticks.tolist()
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_time_between_the_ticks_of_an_export_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "# tick_ps=16\ntime_ps,channel\n32,1\n40,2\n64,1\n")
    with pytest.raises(InputError, match=r"line 4: '40,2' is finer than a tick"):
        whole(open_tags(path))


def test_export_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    file = open_tags(write(tmp_path / "x.csv", "time_ps,channel\n1,2\n5,1\n"))
    with pytest.raises(ConfigurationError, match=r"must end in \.parquet or \.csv, not \.xls"):
        export(file, tmp_path / "out.xls")
    with pytest.raises(StoreError, match=r"x\.csv exists already"):
        export(file, tmp_path / "x.csv")
    with pytest.raises(StoreError, match=r"cannot be written: No such file"):
        export(file, tmp_path / "nowhere" / "out.csv")

"""PicoQuant's records: any words at all decode as `ptufile` does it, in pieces of any size."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import ptufile
import pytest
from numpy.typing import NDArray
from tests.host.tags import writers
from tests.host.tags.conftest import whole

from hexkey.errors import InputError
from hexkey.tags import open_tags, pieces
from hexkey.tags.ptu import LAYOUTS, picoseconds
from hexkey.tags.tttr import SYNC, Layout


def any_words(generator: np.random.Generator, count: int) -> NDArray[np.uint32]:
    """Return words of which many are overflows and markers, of all kinds of devices.

    Overflows of HydraHarp are of 127 turns at most: more, in T2, ptufile takes modulo 2³² ticks.
    """
    words = generator.integers(0, 1 << 32, count, dtype=np.uint32)
    kind = generator.integers(0, 8, count)
    words[kind == 0] = words[kind == 0] & 0x3FF | 0xFE000000  # HydraHarp: overflow
    words[kind == 1] = words[kind == 1] & 0x1FF | 0x80000000  # its sync, T2
    words[kind == 2] = 0xF0000000  # PicoHarp: overflow
    words[kind == 3] &= 0x0FFFFFFF
    words[kind == 4] = words[kind == 4] & 0x0FFFFFFF | 0x30000000
    words[kind == 5] = words[kind == 5] & 0x1FFFFFF | 0x86000000  # a marker
    words[words >> 25 == 0x7F] &= np.uint32(0xFE00007F)
    return words


def is_oddity(words: NDArray[np.uint32], layout: Layout) -> NDArray[np.bool_]:
    """Channels that PicoQuant says do not occur: ptufile gives them the number of some other."""
    if layout <= Layout.PICO_T3:
        channel = words >> 28
        none = (channel > 4) & (channel < 15) | (channel == 0) & layout.pulsed
        return np.asarray(none)
    channel = words >> 25 & 63
    none = (channel > 15) & (channel < 63) | (channel == 0) & layout.pulsed
    return np.asarray((words >> 31 == 1) & none)


@pytest.mark.parametrize("record_type", LAYOUTS)
@pytest.mark.parametrize("piece_bytes", [28, 1 << 19])
def test_any_words_are_those_of_ptufile(
    record_type: int, piece_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", piece_bytes)
    words = any_words(np.random.default_rng(record_type), 3000)
    path = writers.ptu(tmp_path / "any.ptu", record_type, words.tolist(), period_s=1e-9)
    found, layout = whole(open_tags(path)), LAYOUTS[record_type]
    with ptufile.PtuFile(path) as reference:
        records = reference.decode_records()
    kept = (records["channel"] >= 0) & ~is_oddity(words, layout)
    channel = np.where(found.channel == SYNC, 0, found.channel)  # ptufile knows no sync
    np.testing.assert_array_equal(channel, records["channel"][kept])
    if layout.pulsed:
        np.testing.assert_array_equal(found.pulse, records["time"][kept])
        np.testing.assert_array_equal(found.ticks, records["dtime"][kept])
    else:
        np.testing.assert_array_equal(found.ticks, records["time"][kept])
    assert len(found) + sum(found.left_out.values()) == len(words)


@pytest.mark.parametrize(
    "name", ["200213_HH400_T3_80MHz_HBT.timeres", "200204_HH400_T2_320MHz_HBT.timeres"]
)
def test_real_recordings_are_those_of_ptufile(name: str, recording: Callable[[str], Path]) -> None:
    path = recording(f"eta/{name}")
    file = open_tags(path)
    found = whole(file)
    with ptufile.PtuFile(path) as reference:
        records = reference.decode_records()
    photons = records[records["channel"] >= 0]
    np.testing.assert_array_equal(found.channel, photons["channel"])
    if file.pulsed:
        assert np.bincount(found.channel).tolist() == [160_953, 235_373]
        assert (file.tick_ps, file.seconds_stated) == (Fraction(16), 5.0)
        assert file.sync_period_ps == pytest.approx(12_495.52, abs=0.01)
        np.testing.assert_array_equal(found.pulse, photons["time"])
        np.testing.assert_array_equal(found.ticks, photons["dtime"])
    else:
        assert (len(found), file.tick_ps, file.trigger_channel) == (384_019, Fraction(1), None)
        np.testing.assert_array_equal(found.ticks, photons["time"])


def test_many_overflows_in_one_record_are_all_counted(tmp_path: Path) -> None:
    """A dark detector's: 1000 turns of 33.6 µs, beyond what 32 bits hold."""
    times = [(1, 1000 * 2**25 + 3), (0, 10**15)]
    path = writers.ptu(tmp_path / "t2", writers.HYDRA2_T2, writers.hydra_t2(times))
    assert whole(open_tags(path)).ticks.tolist() == [time for _, time in times]


def test_edges_of_the_sync_have_a_channel_of_their_own(tmp_path: Path) -> None:
    clicks = [(9, 5), (0, 6), (9, 2**26 + 7), (3, 2**27)]
    rate = [("TTResult_SyncRate", writers.INT, 1000)]
    words = writers.hydra_t2(clicks, sync=9)
    file = open_tags(writers.ptu(tmp_path / "t2", writers.HYDRA2_T2, words, more=rate))
    found = whole(file)
    assert found.channel.tolist() == [SYNC, 0, SYNC, 3]
    assert found.ticks.tolist() == [time for _, time in clicks]
    assert file.trigger_channel == SYNC
    assert file.sync_period_ps == 1e9


def test_header_without_a_count_reads_to_the_end(tmp_path: Path) -> None:
    words = writers.hydra_t3([(0, 5000 * i, i) for i in range(50)])
    file = open_tags(
        writers.ptu(tmp_path / "t3", writers.HYDRA2_T3, words, period_s=1e-8, stated=0)
    )
    assert file.records_stated is None
    assert whole(file).pulse is not None
    assert len(whole(file)) == 50


def test_records_behind_the_stated_ones_are_left_alone_and_told(tmp_path: Path) -> None:
    path = writers.ptu(tmp_path / "t2", writers.HYDRA2_T2, [1, 2, 3, 4, 5], stated=3)
    found = whole(open_tags(path))
    assert found.ticks.tolist() == [1, 2, 3]
    assert found.left_out == {"beyond": 2}


def test_half_a_record_is_told(tmp_path: Path) -> None:
    path = writers.ptu(tmp_path / "t2", writers.HYDRA2_T2, [1, 2, 3])
    path.write_bytes(path.read_bytes()[:-1])
    found = whole(open_tags(path))
    assert found.ticks.tolist() == [1, 2]
    assert found.left_out == {"cut": 3}


def test_overflows_beyond_all_time_are_refused(tmp_path: Path) -> None:
    path = writers.ptu(tmp_path / "t2", writers.HYDRA2_T2, [0xFFFFFFFF] * 5000)
    with pytest.raises(InputError, match=r"t2 has overflows that add up to more time than"):
        whole(open_tags(path))


def test_resolution_loses_what_floating_point_added() -> None:
    assert picoseconds(9.99999996004197e-13) == 1
    assert picoseconds(3.2000000000000003e-11) == 32
    assert picoseconds(2.5e-10) == 250
    assert picoseconds(81e-12 / 4) == Fraction(81, 4)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            (b"\x04\x02\x01\x01", b"\x99\x02\x01\x01"),
            "of the type 16843417 and 32 bits",
        ),
        ((b"MeasDesc_GlobalResolution", b"MeasDesc_GlobalResolutiox"), "has no time resolution"),
        ((b"Header_End", b"Header_Enx"), "its header is damaged"),
    ],
)
def test_damaged_header_is_a_sentence(
    change: tuple[bytes, bytes], sentence: str, tmp_path: Path
) -> None:
    path = writers.ptu(tmp_path / "bad.ptu", writers.HYDRA2_T2, [1, 2, 3])
    data = path.read_bytes()
    assert change[0] in data
    path.write_bytes(data.replace(*change))
    with pytest.raises(InputError, match=sentence):
        open_tags(path)

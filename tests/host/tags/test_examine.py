"""Every trap of a recording, made on purpose, is named; and sound files are left in peace."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.host.tags import writers

from hexkey.tags import open_tags, pieces
from hexkey.tags.examine import examine
from hexkey.tags.finding import MEASUREMENTS, Examination, Finding

PERIOD_PS = 12_500
RATE = [("TTResult_SyncRate", writers.INT, 80_000_000)]


def names(found: Examination) -> set[str]:
    return {finding.name for finding in found.findings}


def one(found: Examination, name: str) -> Finding:
    (finding,) = (finding for finding in found.findings if finding.name == name)
    return finding


def poisson(seed: int, rate_hz: float, seconds: float) -> NDArray[np.int64]:
    """Return times in ps of independent clicks."""
    generator = np.random.default_rng(seed)
    count = generator.poisson(rate_hz * seconds)
    return np.sort(generator.integers(0, int(seconds * 1e12), count))


def free_running(path: Path, channels: dict[int, NDArray[np.int64]], **more: Any) -> Path:
    """Write a T2 file of channels' times in ps."""
    clicks = sorted((int(time), ch) for ch, times in channels.items() for time in times.tolist())
    words = writers.hydra_t2([(ch, time) for time, ch in clicks], sync=more.pop("sync", None))
    return writers.ptu(path, writers.HYDRA2_T2, words, **more)


def pulsed(path: Path, seconds: float = 0.02, *, delays_ps: float = 4000, **more: Any) -> Path:
    """Write a T3 file at 80 MHz, 16 ps, of two detectors with decays of 1 ns."""
    generator = np.random.default_rng(7)
    times = poisson(8, 2e5, seconds)
    decay = np.minimum(generator.exponential(1000, len(times)), 8000)
    ticks = ((delays_ps + decay) / 16).astype(np.int64)
    channel = generator.integers(0, 2, len(times)).tolist()
    clicks = list(zip(channel, (times // PERIOD_PS).tolist(), ticks.tolist(), strict=True))
    words = more.pop("words", writers.hydra_t3(clicks))
    more = {"tick_s": 16e-12, "period_s": PERIOD_PS * 1e-12, **more}
    return writers.ptu(path, writers.HYDRA2_T3, words, **more)


def test_sound_files_have_no_findings(tmp_path: Path) -> None:
    stated = [
        ("TTResult_StopAfter", writers.INT, 20),
        ("TTResult_InputRate", writers.INT, [100_000, 100_000]),
    ]
    found = examine(open_tags(pulsed(tmp_path / "t3.ptu", more=[*RATE, *stated])))
    assert found.findings == ()
    assert all(found.refuses(what) is None for what in MEASUREMENTS)
    two = {0: poisson(1, 1e5, 0.05), 1: poisson(2, 1e5, 0.05)}
    found = examine(open_tags(free_running(tmp_path / "t2.ptu", two)))
    assert found.findings == ()
    assert found.detections == {channel: len(times) for channel, times in two.items()}
    assert found.seconds == pytest.approx(0.05, rel=1e-2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eta/200213_HH400_T3_80MHz_HBT.timeres", set()),
        ("eta/200204_HH400_T2_320MHz_HBT.timeres", set()),
        ("eta/19_qutag_80MHz_HBT_sync_filtered.qutag", {"sync_filtered", "unsorted"}),
        ("fpfind/timestamp7_c1234.Aa1.ts", set()),
        ("fpfind/timestamp7_c14_rollover.Aa1fX.ts", {"unsorted", "dummies"}),
        ("libpicoquant/v20.ht3", {"input_rate"}),
    ],
)
def test_real_recordings(name: str, expected: set[str], recording: Callable[[str], Path]) -> None:
    found = examine(open_tags(recording(name)))
    assert names(found) == expected
    assert all(found.refuses(what) is None for what in MEASUREMENTS)


def test_arrivals_beyond_the_period_refuse_what_needs_it(tmp_path: Path) -> None:
    found = examine(open_tags(pulsed(tmp_path / "x.ptu", delays_ps=40 * PERIOD_PS)))
    finding = one(found, "late_arrivals")
    assert finding.severity == "refused"
    assert finding.facts["longest_periods"] > 40
    assert {"histogram", "lifetime", "g2"} <= set(finding.refuses)
    assert found.refuses("g2") == finding.sentence


def test_single_late_arrivals_are_flagged(tmp_path: Path) -> None:
    words = writers.hydra_t3([(0, i, 1000 if i == 50 else 9) for i in range(3000)])
    found = examine(open_tags(pulsed(tmp_path / "x.ptu", words=words)))
    assert one(found, "late_arrivals").severity == "flagged"
    assert found.refuses("lifetime") is None


def test_a_sync_period_of_many_ticks_makes_no_time_late(tmp_path: Path) -> None:
    """300 µs in picoseconds: more ticks than a table of times has bins."""
    rows = ["# sync_period_ps=300000000", "pulse,time_ps,channel"]
    path = tmp_path / "slow.csv"
    times = np.random.default_rng(1).integers(0, 300_000_000, 3_000).tolist()
    lines = [f"{pulse},{time},0" for pulse, time in enumerate(times)]
    path.write_text("\n".join([*rows, *lines]) + "\n")
    assert names(examine(open_tags(path))) == set()
    lines[7] = "7,310000000,0"
    path.write_text("\n".join([*rows, *lines]) + "\n")
    finding = one(examine(open_tags(path)), "late_arrivals")
    assert finding.facts["late"] == 1
    assert finding.facts["longest_periods"] == pytest.approx(31 / 30)


@pytest.mark.parametrize("stated_ms", [10_000, 15])
def test_acquisition_time_that_cannot_be_refuses_rates(stated_ms: int, tmp_path: Path) -> None:
    stated = [("TTResult_StopAfter", writers.INT, stated_ms)]
    found = examine(open_tags(pulsed(tmp_path / "x.ptu", more=stated)))
    finding = one(found, "acquisition_time")
    assert finding.severity == "refused"
    assert finding.facts["seconds"] == pytest.approx(0.02, rel=1e-2)
    assert found.refuses("rates") is not None
    assert found.refuses("lifetime") is None


def test_light_that_stopped_early_is_flagged(tmp_path: Path) -> None:
    stated = [("TTResult_StopAfter", writers.INT, 30)]
    finding = one(examine(open_tags(pulsed(tmp_path / "x.ptu", more=stated))), "acquisition_time")
    assert finding.severity == "flagged"


def test_rates_of_the_header_are_held_against_the_counts(tmp_path: Path) -> None:
    stated = [("TTResult_InputRate", writers.INT, [100_000, 500_000, 40_000, 0])]
    found = examine(open_tags(pulsed(tmp_path / "x.ptu", more=stated)))
    assert one(found, "input_rate").facts["channel"] == 1
    assert one(found, "silent_channel").facts["channel"] == 2


@pytest.mark.parametrize(("swaps", "severity"), [(3, "flagged"), (800, "refused")])
def test_unsorted_detections(swaps: int, severity: str, tmp_path: Path) -> None:
    times = poisson(4, 1e5, 0.1).tolist()
    for place in range(10, 10 + 4 * swaps, 4):
        times[place], times[place + 1] = times[place + 1], times[place]
    path = writers.qutag(tmp_path / "x", [(1 + i % 7 % 2, time) for i, time in enumerate(times)])
    found = examine(open_tags(path))
    finding = one(found, "unsorted")
    assert finding.severity == severity
    assert finding.facts["descents"] == swaps
    steps = [a - b for a, b in pairwise(times) if a > b]
    assert finding.facts["largest_step_back_ps"] == max(steps)
    assert (found.refuses("g2") is None) is (severity == "flagged")


@pytest.mark.parametrize(("copies", "severity"), [(2, "flagged"), (60, "refused")])
def test_duplicates(copies: int, severity: str, tmp_path: Path) -> None:
    times = poisson(4, 1e5, 0.1).tolist()
    clicks = [(1, time) for time in sorted([*times, *times[:copies]])]
    found = examine(open_tags(writers.qutag(tmp_path / "x", clicks)))
    finding = one(found, "duplicates")
    assert (finding.severity, finding.facts["duplicates"]) == (severity, copies)


@pytest.mark.parametrize("rollover", [2**25, 33_552_000, 210_698_240])
def test_overflow_markers_left_in(rollover: int, tmp_path: Path) -> None:
    times = {1: poisson(1, 1e6, 0.02), 63: np.arange(1, 60) * rollover + 5}
    clicks = sorted((int(time), ch) for ch, column in times.items() for time in column)
    path = writers.qutag(tmp_path / "x", [(ch, time) for time, ch in clicks])
    found = examine(open_tags(path))
    finding = one(found, "rollovers_left_in")
    assert finding.facts == {"channel": 63, "records": 59, "spacing_ticks": rollover}
    assert found.refuses("histogram") is not None
    assert "rollovers_left_in" not in names(examine(open_tags(path, trigger_channel=63)))


def test_common_dead_time_is_told_from_antibunching(tmp_path: Path) -> None:
    """One converter behind a router: no second detection of any channel within 90 ns."""
    times = poisson(3, 1e6, 0.1)
    kept, last = [], -(10**9)
    for time in times.tolist():
        if time - last >= 90_000:
            kept.append(time)
            last = time
    channel = np.random.default_rng(1).integers(0, 2, len(kept)).tolist()
    path = writers.qutag(tmp_path / "x", zip(channel, kept, strict=True))
    found = examine(open_tags(path))
    finding = one(found, "dead_time_hole")
    assert finding.facts["hole_ns"] == pytest.approx(90, abs=1.5)
    assert found.refuses("g2") == finding.sentence
    assert found.refuses("dead_time") is None


@pytest.mark.parametrize("period_ps", [12_500, 1_000_000])
def test_real_antibunching_is_no_hole(period_ps: int, tmp_path: Path) -> None:
    """A perfect single-photon source, detectors of 50 ns dead time each: pairs in other pulses."""
    generator = np.random.default_rng(2)
    pulses = np.flatnonzero(generator.random(int(0.05e12 / period_ps)) < 2e6 * period_ps * 1e-12)
    detector = generator.integers(0, 2, len(pulses))
    last, clicks = {0: -(10**9), 1: -(10**9)}, []
    for pulse, channel in zip(pulses.tolist(), detector.tolist(), strict=True):
        time = pulse * period_ps + int(generator.exponential(1000))
        if time - last[channel] >= 50_000:
            last[channel] = time
            clicks.append((channel, time))
    found = examine(open_tags(writers.qutag(tmp_path / "x", clicks)))
    assert "dead_time_hole" not in names(found)


def test_continuous_antibunching_is_no_hole(tmp_path: Path) -> None:
    """Emission after an exponential wait for the excitation: g² rises from 0 in nanoseconds."""
    generator = np.random.default_rng(6)
    waits = generator.exponential(20_000, 40_000) + generator.exponential(5000, 40_000)
    times = np.cumsum(waits).astype(np.int64)
    channel = generator.integers(0, 2, len(times)).tolist()
    path = writers.qutag(tmp_path / "x", zip(channel, times.tolist(), strict=True))
    assert "dead_time_hole" not in names(examine(open_tags(path)))


@pytest.mark.parametrize("divider", [2, 8])
def test_divided_sync_of_t3_shows_in_the_decays(divider: int, tmp_path: Path) -> None:
    generator = np.random.default_rng(11)
    count, period = 4000, divider * PERIOD_PS
    delay = generator.integers(0, divider, count) * PERIOD_PS + generator.exponential(1000, count)
    pulse = np.sort(generator.integers(0, 10**6, count)).tolist()
    ticks = (delay / 16).astype(np.int64) % (period // 16)
    clicks = list(zip([0] * count, pulse, ticks.tolist(), strict=True))
    path = pulsed(tmp_path / "x.ptu", words=writers.hydra_t3(clicks), period_s=period * 1e-12)
    assert one(examine(open_tags(path)), "sync_divided").facts["divider"] == divider


def test_divided_sync_of_t2_shows_in_its_edges(tmp_path: Path) -> None:
    edges = np.arange(0, 2 * 10**10, 8 * PERIOD_PS)[:20_000]
    times = {0: poisson(1, 1e6, 0.002), 9: edges}
    path = free_running(tmp_path / "x.ptu", times, sync=9, more=RATE)
    finding = one(examine(open_tags(path)), "sync_divided")
    assert finding.facts["divider"] == 8
    assert "--trigger-divider 8" in finding.sentence


def test_filtered_sync_is_found_and_named(tmp_path: Path) -> None:
    """Only the first edge after an event is kept."""
    times = poisson(1, 3e5, 0.02)
    edges = np.unique(times // PERIOD_PS + 1) * PERIOD_PS
    channel = np.random.default_rng(9).integers(1, 3, len(times))
    of_times = zip(times.tolist(), channel.tolist(), strict=True)
    clicks = sorted([*of_times, *((edge, 5) for edge in edges.tolist())])
    path = writers.qutag(tmp_path / "x", [(channel, time) for time, channel in clicks])
    finding = one(examine(open_tags(path)), "sync_filtered")
    assert finding.facts["channel"] == 5
    assert "--trigger-channel 5" in finding.sentence
    again = one(examine(open_tags(path, trigger_channel=5)), "sync_filtered")
    assert "--trigger-channel" not in again.sentence


def test_a_triggers_channel_without_a_record_is_named(tmp_path: Path) -> None:
    path = writers.qutag(tmp_path / "x", [(1, time) for time in poisson(4, 1e5, 0.1).tolist()])
    assert "sync_absent" not in names(examine(open_tags(path)))
    finding = one(examine(open_tags(path, trigger_channel=7)), "sync_absent")
    assert finding.severity == "flagged"
    assert "channel 7 has no record" in finding.sentence


def test_truncated_file(tmp_path: Path) -> None:
    path = pulsed(tmp_path / "x.ptu", more=[("TTResult_StopAfter", writers.INT, 20)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 5 + 2])
    found = examine(open_tags(path))
    assert {"truncated", "cut_record"} <= names(found)
    assert all(found.refuses(what) is None for what in MEASUREMENTS)


def test_nothing_at_all_refuses_everything(tmp_path: Path) -> None:
    found = examine(open_tags(writers.qutag(tmp_path / "x", [])))
    assert names(found) == {"no_detections"}
    assert all(found.refuses(what) for what in MEASUREMENTS)


def test_pieces_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pulsed(tmp_path / "x.ptu", 0.005)
    whole = examine(open_tags(path))
    monkeypatch.setattr(pieces, "PIECE_BYTES", 44)
    assert examine(open_tags(path)) == whole


def test_what_people_and_programs_see(tmp_path: Path) -> None:
    found = examine(open_tags(pulsed(tmp_path / "x.ptu", delays_ps=40 * PERIOD_PS)))
    rows = dict(found.rows())
    assert rows["refused"].endswith("; refused: histogram, lifetime, g2, skew, jitter, rates.")
    (first, *_) = found.to_json()["findings"]
    assert (first["name"], first["severity"]) == ("late_arrivals", "refused")

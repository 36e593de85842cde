"""What is counted at Alice's source: of the last seconds, and never taken for good unseen."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexkey.config import SourceMonitorSettings
from hexkey.errors import DeviceError
from hexkey.party import source_monitor
from hexkey.party.source_monitor import FAR, SourceMonitor, Stretch
from hexkey.session.source import SourceCounts, judge
from hexkey.wire import G2, LAGS
from hexkey_sim.board_runner import VirtualBoardThread
from hexkey_sim.faults import parse_faults
from hexkey_sim.link import preset
from hexkey_sim.source_course import Change, ChangingSource
from hexkey_sim.virtual_board import VirtualBoard

RATE_HZ, LIMIT = 40_000_000, 0.5
PATIENCE_S = 60.0
GOOD, BAD = (20, 1_600), (90, 1_600)  # coincidences of a second: within a pulse, at FAR lags


def totals(pulses: int, within: int, far: int) -> G2:
    coincidences = np.zeros(len(LAGS), np.uint64)
    coincidences[-LAGS[0]] = within
    coincidences[np.flatnonzero(FAR)[0]] = far
    return G2(0, 1, pulses, coincidences)


class Counting:
    """A stretch that is told of one second after the other."""

    def __init__(self, seconds: float = 10.0) -> None:
        self.stretch = Stretch(seconds, RATE_HZ, LIMIT)
        self._sums = (0, 0, 0)

    def count(self, within: int, far: int, seconds: int = 1) -> str:
        pulses, old_within, old_far = self._sums
        self._sums = (pulses + seconds * RATE_HZ, old_within + within, old_far + far)
        assert self.stretch.take(totals(*self._sums))
        return self.word

    @property
    def word(self) -> str:
        return judge(self.stretch.counts(), LIMIT).word

    def again(self) -> bool:
        return self.stretch.take(totals(*self._sums))


def test_nothing_is_concluded_before_the_time_is_full() -> None:
    counting = Counting()
    assert [counting.count(*GOOD) for _ in range(12)] == ["waiting"] * 9 + ["single photons"] * 3


def test_after_bad_counts_all_is_counted_anew() -> None:
    """Good ones dilute bad ones after some seconds; that is waited for, and then as long again."""
    counting = Counting()
    course = [counting.count(*counts) for counts in 10 * [GOOD] + 10 * [BAD] + 30 * [GOOD]]
    last_bad = max(second for second, word in enumerate(course) if word == "degraded")
    assert 20 <= last_bad < 29
    first_bad = course.index("degraded")
    assert set(course[first_bad : last_bad + 1]) == {"degraded"}
    assert course[last_bad + 1 :][:9] == ["waiting"] * 9
    assert set(course[last_bad + 10 :]) == {"single photons"}


def test_a_second_look_counts_nothing() -> None:
    counting = Counting(2.0)
    counting.count(*GOOD)
    before = counting.stretch.counts()
    assert not any(counting.again() for _ in range(1_000))
    assert counting.stretch.counts() == before
    assert len(counting.stretch._totals) == 2


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from([GOOD, BAD, (0, 0), (0, 1_600), (40, 400)])),
        max_size=40,
    ),
    st.sampled_from([1.0, 2.5, 7.0]),
)
def test_it_is_what_a_list_of_all_counts_says(
    steps: list[tuple[int, tuple[int, int]]], seconds: float
) -> None:
    counting, every, degraded_at = Counting(seconds), [(0, 0, 0)], -1
    for length, (within, far) in steps:
        counting.count(within, far, length)
        now = (every[-1][0] + length, every[-1][1] + within, every[-1][2] + far)
        every.append(now)
        begin = max((one for one in every if now[0] - one[0] >= seconds), default=every[0])
        span = now[0] - begin[0]
        due = max(0.0, seconds - span)
        expected = SourceCounts(
            span * RATE_HZ, now[1] - begin[1], now[2] - begin[2], 16, float(span), due
        )
        if judge(expected, LIMIT).degraded:
            degraded_at = now[0]
        elif degraded_at >= 0:
            expected = replace(expected, needed_s=max(due, seconds - (now[0] - degraded_at), 0.0))
        assert counting.stretch.counts() == expected


def test_the_words_of_a_verdict() -> None:
    counts = SourceCounts(10**9, 200, 16_000, 16, 10.0, 0.0)
    assert judge(counts, LIMIT).good
    assert not judge(replace(counts, needed_s=0.1), LIMIT).good
    assert not judge(replace(counts, coincidences=900), LIMIT).good


# ---- with a board --------------------------------------------------------------------------


def tapped(
    monitored: Callable[[SourceMonitor, list[SourceCounts]], Any],
    *changes: Change,
    fault: str = "",
    on_counts: Callable[[SourceCounts], None] = lambda counts: None,
    progress: Callable[[dict[str, Any]], None] = lambda event: None,
) -> Any:
    """Count for 1 s at a time at a virtual tap; return what `monitored` does."""
    link = preset("table-ii").at_source(0.1).link(5)
    board = VirtualBoard(
        ChangingSource(link, changes), baud=None, faults=parse_faults([fault] if fault else [])
    )
    seen: list[SourceCounts] = []

    def heard(counts: SourceCounts) -> None:
        seen.append(counts)
        on_counts(counts)

    with VirtualBoardThread(board) as running:
        how = SourceMonitorSettings(port=running.name, seconds=1.0, g2_limit=LIMIT)
        with SourceMonitor(how, RATE_HZ, LIMIT, progress, heard) as monitor:
            return monitored(monitor, seen)


def test_who_waits_gets_a_verdict_of_a_whole_stretch() -> None:
    def wait(monitor: SourceMonitor, seen: list[SourceCounts]) -> SourceCounts:
        monitor.wait()
        return monitor.counts()

    counts = tapped(wait)
    assert counts.seconds >= 1.0
    assert judge(counts, LIMIT).good


def test_a_source_that_degrades_and_recovers() -> None:
    def watch(monitor: SourceMonitor, seen: list[SourceCounts]) -> list[str]:
        deadline = time.monotonic() + PATIENCE_S
        while sum(counts.pulses for counts in seen) < 12 * RATE_HZ:
            assert time.monotonic() < deadline, "the board counts no more"
            monitor.counts()
            time.sleep(0.05)
        return [judge(counts, LIMIT).word for counts in seen]

    words = tapped(watch, Change(3.5, 0.95), Change(6.5, 0.1))
    changes = [word for place, word in enumerate(words) if place == 0 or words[place - 1] != word]
    assert [word for word in changes if word != "waiting"] == [
        *("single photons", "degraded", "single photons")
    ], words


@pytest.mark.parametrize("fault", ["lose-trigger:at=3s,for=600s", "vanish:at=3s"])
def test_a_tap_that_counts_no_more_says_nothing_of_the_source(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Without a trigger the board goes on sending what it had: that is no verdict on what is."""

    def watch(monitor: SourceMonitor, seen: list[SourceCounts]) -> None:
        monitor.wait()
        monkeypatch.setattr(source_monitor, "SILENT_S", 3.0)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                monitor.counts()
            except DeviceError:
                break
            time.sleep(0.05)
        with pytest.raises(DeviceError, match="Alice's source is not counted any more"):
            monitor.counts()  # and so it stays
        assert seen

    tapped(watch, fault=fault)


def test_whatever_ends_the_counting_is_told_and_its_cause_here_alone() -> None:
    told: list[dict[str, Any]] = []

    def fail(counts: SourceCounts) -> None:
        raise ZeroDivisionError("of who watches")

    def watch(monitor: SourceMonitor, seen: list[SourceCounts]) -> None:
        with pytest.raises(DeviceError, match="her event 'source-lost' says why"):
            monitor.wait()

    tapped(watch, on_counts=fail, progress=told.append)
    assert {"event": "source-lost", "message": "ZeroDivisionError"} in told

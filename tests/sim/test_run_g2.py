"""g² over runs and epochs: what a run did not see is not counted, what an epoch ended is kept."""

import numpy as np

from hexkey.wire import LAGS
from hexkey_sim.golden.settings import FrontEndSettings
from hexkey_sim.run_g2 import RunG2

PERIOD_PS = 25_000
PAIR = 0 | 1 << 2


def push(g2: RunG2, clicks: list[tuple[int, int]], whole: int) -> None:
    """Clicks as (pulse, detector), in the middle of their pulses."""
    times = np.array([pulse * PERIOD_PS + PERIOD_PS // 2 for pulse, _ in clicks], np.int64)
    g2.push(times, np.array([detector for _, detector in clicks], np.uint8), whole * PERIOD_PS)


def at(g2: RunG2, lag: int) -> int:
    return int(g2.totals().coincidences[lag - LAGS[0]])


def test_coincidences_are_counted_by_their_distance() -> None:
    g2 = RunG2(FrontEndSettings(), PAIR)
    push(g2, [(100, 0), (100, 1), (103, 1), (50, 2)], whole=200)
    assert (at(g2, 0), at(g2, 3), at(g2, -3)) == (1, 1, 0)
    assert int(g2.totals().coincidences.sum()) == 2
    assert g2.totals().pulses == 200 - 32


def test_run_begins_at_zero_in_the_middle_of_an_epoch() -> None:
    g2 = RunG2(FrontEndSettings(), PAIR)
    push(g2, [(100, 0), (100, 1)], whole=1000)
    g2.begin_run()
    assert (g2.totals().pulses, at(g2, 0)) == (0, 0)
    push(g2, [(1500, 0), (1500, 1)], whole=2000)
    assert (g2.totals().pulses, at(g2, 0)) == (1000, 1)


def test_epochs_of_a_run_add_up() -> None:
    g2 = RunG2(FrontEndSettings(), PAIR)
    push(g2, [(100, 0), (100, 1)], whole=1000)
    g2.begin_epoch()
    push(g2, [(100, 0), (101, 1)], whole=1000)
    assert (g2.totals().pulses, at(g2, 0), at(g2, 1)) == (2 * (1000 - 32), 1, 1)


def test_another_pair_is_counted_from_zero() -> None:
    g2 = RunG2(FrontEndSettings(), PAIR)
    push(g2, [(100, 0), (100, 1)], whole=1000)
    g2.configure(FrontEndSettings(), 2 | 3 << 2)
    push(g2, [(1500, 2), (1500, 3), (1600, 0), (1600, 1)], whole=2000)
    assert (g2.totals().first, g2.totals().second) == (2, 3)
    assert (g2.totals().pulses, at(g2, 0)) == (1000, 1)


def test_delays_and_disabled_detectors_are_respected() -> None:
    delayed = FrontEndSettings(delay_ticks=(0, 2500, 0, 0), enable=(True, True, False, True))
    g2 = RunG2(delayed, PAIR)
    push(g2, [(100, 0), (100, 1)], whole=1000)
    assert (at(g2, 0), at(g2, 1)) == (0, 1)
    g2.configure(delayed, 2 | 0 << 2)
    push(g2, [(1500, 2), (1500, 0)], whole=2000)
    assert int(g2.totals().coincidences.sum()) == 0

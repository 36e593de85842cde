"""How well the sync tracker tracks: figures of the golden model, which the gateware equals.

The trigger's edges have a jitter of 50 ps rms and are rounded to ticks; the source is 50 ppm off
and drifts by 1 ppm a second. Run with ``-s`` to see the figures.
"""

import math
import random
from dataclasses import dataclass

import numpy as np
import pytest

from hexkey_gateware.slot import CLOCK_HZ, TICK_PS, TICKS_PER_CLOCK
from hexkey_sim.golden.tracker import Tracker
from hexkey_sim.golden.tracker_values import TrackerSettings

PERIOD_TICKS = 2500
JITTER_TICKS = 5  # 50 ps
DRIFT_PER_TICK = 1e-6 / (CLOCK_HZ * TICKS_PER_CLOCK)  # 1 ppm a second
STILL_TIME_CONSTANTS = 12
SIGMAS = 4  # one run in 30 000 is further off
OFFSETS = (50e-6, -50e-6)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run gave.

    Attributes
    ----------
    rms_ps, mean_ps : float
        Of the predicted beginnings of pulses against the true ones.
    error_ps : float
        Standard deviation of `rms_ps`, from the scatter between parts of the run.
    lock_us : float
        From the trigger's first edge to the first pulse of the epoch.
    """

    rms_ps: float
    mean_ps: float
    error_ps: float
    lock_us: float


def true_ticks(pulse: float, offset: float, period_ticks: int = PERIOD_TICKS) -> float:
    """Return when a pulse begins at a source that is off by a part, and drifts."""
    period = period_ticks * (1 + offset)
    return 1000.3 + period * pulse + DRIFT_PER_TICK * (period_ticks * pulse) ** 2 / 2


def run(
    divider: int,
    loop_shift: int,
    offset: float,
    edges: int,
    period_ticks: int = PERIOD_TICKS,
    seed: int = 1,
) -> Figures:
    """Track jittery edges; look at a pulse after each once the loop has settled."""
    generator = random.Random(seed)
    tracker = Tracker(TrackerSettings(period_ticks, divider, loop_shift))
    period = period_ticks * (1 + offset)
    errors: list[float] = []
    lock_ticks, settled = math.nan, edges
    for edge in range(edges):
        pulse = divider * edge
        time = round(true_ticks(pulse, offset, period_ticks) + generator.gauss(0, JITTER_TICKS))
        slot = -(-time // TICKS_PER_CLOCK)
        tracker.trigger(slot, slot * TICKS_PER_CLOCK - time)
        look = slot + generator.randrange(int(0.9 * divider * period_ticks / TICKS_PER_CLOCK))
        latest = tracker.latest(look)
        if latest is None:
            continue
        number, begins = latest
        if math.isnan(lock_ticks):
            lock_ticks = begins - number * period - true_ticks(0, offset, period_ticks)
            settled = edge + (STILL_TIME_CONSTANTS << loop_shift)
        if edge >= settled:
            behind = round(pulse + (begins - true_ticks(pulse, offset, period_ticks)) / period)
            errors.append(begins - true_ticks(behind, offset, period_ticks))
    assert (tracker.epoch, tracker.outliers, tracker.missing) == (1, 0, 0)
    squares = (TICK_PS * np.array(errors)) ** 2
    rms_ps = math.sqrt(squares.mean())
    parts = np.array([part.mean() for part in np.array_split(squares, 16)])
    error_ps = float(parts.std(ddof=1)) / math.sqrt(len(parts)) / (2 * rms_ps)
    return Figures(rms_ps, TICK_PS * float(np.mean(errors)), error_ps, lock_ticks * TICK_PS / 1e6)


def show(divider: int, loop_shift: int, offset: float, figures: Figures) -> None:
    print(
        f"1/{divider}, loop_shift {loop_shift}, {offset * 1e6:+.0f} ppm: "
        f"{figures.rms_ps:.2f} ± {figures.error_ps:.2f} ps rms, {figures.mean_ps:+.2f} ps of it "
        f"mean; locked after {figures.lock_us:.1f} us"
    )


def lag_ps(divider: int, loop_shift: int) -> float:
    """Return what a loop of second order stays behind a drift: its acceleration over its gain."""
    interval_ticks = divider * PERIOD_TICKS
    acceleration = DRIFT_PER_TICK * interval_ticks**2
    gain = divider / (1 << 2 * loop_shift + 2 + (divider - 1).bit_length())
    return TICK_PS * acceleration / gain


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(
    ("divider", "loop_shift", "rms_ps", "lock_us"),
    [(1, 6, 6.5, 13), (1000, 6, 13, 13_000), (1000, 5, 9, 6_500)],
)
def test_tracked_phase_and_lock_time(
    divider: int, loop_shift: int, rms_ps: float, lock_us: float, offset: float
) -> None:
    figures = run(divider, loop_shift, offset, 30_000)
    show(divider, loop_shift, offset, figures)
    assert figures.rms_ps + SIGMAS * figures.error_ps < rms_ps
    assert figures.lock_us < lock_us
    assert figures.mean_ps == pytest.approx(
        -lag_ps(divider, loop_shift), abs=SIGMAS * figures.error_ps
    )


@pytest.mark.long
@pytest.mark.parametrize("divider", [1, 1000])
@pytest.mark.parametrize("loop_shift", range(2, 11))
def test_tracked_phase_for_every_bandwidth(divider: int, loop_shift: int) -> None:
    for offset in OFFSETS:
        figures = run(divider, loop_shift, offset, 300_000)
        show(divider, loop_shift, offset, figures)
        assert figures.mean_ps == pytest.approx(
            -lag_ps(divider, loop_shift), abs=SIGMAS * figures.error_ps, rel=0.01
        )


@pytest.mark.parametrize("divider", [1, 1000])
@pytest.mark.parametrize("offset", [50e-6, 100e-6, 150e-6])
def test_source_of_99_99_mhz_may_be_50_ppm_off(divider: int, offset: float) -> None:
    """The period is set to two clocks, the shortest there is; no source can be faster than that."""
    figures = run(divider, 5, offset, 5_000, period_ticks=2 * TICKS_PER_CLOCK)
    show(divider, 5, offset, figures)
    assert figures.rms_ps < 15


def test_source_faster_than_half_the_clock_is_lost() -> None:
    with pytest.raises(AssertionError, match=r"== \(1, 0, 0\)"):  # epochs, and what was missed
        run(1, 5, -50e-6, 30_000, period_ticks=2 * TICKS_PER_CLOCK)

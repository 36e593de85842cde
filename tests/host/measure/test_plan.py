"""What a file's beginning says of the sync, whatever its times since the sync are."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.host.measure.light import pulse_file, pulsed

from hexkey.measure.report import measure_file
from hexkey.tags import open_tags

NO_FIT = {"lifetime": "not asked for here"}.get
MOST_BYTES = 256 << 20  # half of it is the histogram, of any period at most


def numbered_csv(path: Path, period_ps: int, time_ps: NDArray[np.int64]) -> Path:
    """Write clicks of two detectors, one a pulse."""
    rows = [f"{pulse},{time},{pulse % 2}" for pulse, time in enumerate(time_ps.tolist())]
    head = [f"# sync_period_ps={period_ps}", "pulse,time_ps,channel"]
    path.write_text("\n".join([*head, *rows, ""]))
    return path


def test_clicks_before_their_sync_are_outside(tmp_path: Path) -> None:
    time_ps = np.random.default_rng(1).integers(0, 25_000, 2_000)
    time_ps[::100] = -50
    path = numbered_csv(tmp_path / "x.csv", 25_000, time_ps)
    found = measure_file(open_tags(path), NO_FIT)
    assert found.arrivals is not None
    assert found.arrivals.outside == 20
    assert sum(counts.sum() for counts in found.arrivals.counts.values()) == 1_980


def test_clicks_before_a_divided_sync_are_outside() -> None:
    clicks = pulsed(np.random.default_rng(4), pulses=200_000, period_ps=12_500, g2=0.1, mean=0.2)
    file = pulse_file(clicks, 8 * 12_500, 1)
    [tags] = file.chunks()
    tags.ticks[::100] = -50
    found = measure_file(replace(file, read=lambda follow: iter([tags])), NO_FIT)
    assert found.arrivals is not None
    assert found.period_ps == 12_500
    assert found.arrivals.outside == len(tags.ticks[::100])


def test_memory_does_not_grow_with_the_period(tmp_path: Path) -> None:
    period_ps = 300_000_000
    time_ps = np.random.default_rng(2).integers(0, period_ps, 2_000)
    path = numbered_csv(tmp_path / "x.csv", period_ps, time_ps)
    tracemalloc.start()
    found = measure_file(open_tags(path), NO_FIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.period_ps == period_ps
    assert peak < MOST_BYTES, f"{peak >> 20} MiB"


@pytest.mark.parametrize(("period_ps", "divider"), [(12_500, 1), (12_500, 8), (37_500_000, 8)])
def test_a_divided_sync_is_told_in_a_period_of_any_length(period_ps: int, divider: int) -> None:
    clicks = pulsed(np.random.default_rng(3), pulses=200_000, period_ps=period_ps, g2=0.1, mean=0.2)
    found = measure_file(pulse_file(clicks, divider * period_ps, 1), NO_FIT)
    assert found.period_ps == period_ps

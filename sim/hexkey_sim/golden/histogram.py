"""Histogram of arrival phases: every enabled detector's clicks, before hold-off and gate."""

import numpy as np
from numpy.typing import NDArray

from hexkey.events import DETECTORS
from hexkey_sim.golden.settings import FrontEndSettings


class Histogram:
    """Counts clicks by phase, from the offset round the period; what passes the last bin is out."""

    def __init__(self, settings: FrontEndSettings) -> None:
        self._period_ticks = settings.period_ticks
        self._offset_ticks = settings.histogram_offset_ticks
        self._bin_ticks = settings.histogram_bin_ticks
        self._counts = np.zeros((DETECTORS, settings.histogram_bins), np.uint32)

    def add(self, phase_ticks: int, detector: int) -> None:
        index = (phase_ticks - self._offset_ticks) % self._period_ticks // self._bin_ticks
        if index < self._counts.shape[1]:
            self._counts[detector, index] += 1

    def add_many(self, phase_ticks: NDArray[np.int64], detector: NDArray[np.int64]) -> None:
        """Add clicks; both arrays have shape (n,)."""
        index = (phase_ticks - self._offset_ticks) % self._period_ticks // self._bin_ticks
        inside = index < self._counts.shape[1]
        flat = detector[inside] * self._counts.shape[1] + index[inside]
        added = np.bincount(flat, minlength=self._counts.size).astype(np.uint32)
        self._counts += added.reshape(self._counts.shape)

    def take(self) -> NDArray[np.uint32]:
        """Return the counts since the last call, shape (detectors, bins), and start at zero."""
        counts = self._counts
        self._counts = np.zeros_like(counts)
        return counts

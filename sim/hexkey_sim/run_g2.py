"""Pulsed g² over a run: epochs follow each other, and what was counted in them adds up."""

import numpy as np
from numpy.typing import NDArray

from hexkey.wire import G2, LAGS
from hexkey_sim.golden.g2 import G2 as EpochG2
from hexkey_sim.golden.settings import TICK_PS, FrontEndSettings


class RunG2:
    """Counts coincidences of the pair of detectors that a register names.

    Parameters
    ----------
    settings : FrontEndSettings
        For the period, and what is enabled and delayed.
    pair : int
        As in the register `g2_pair`.
    """

    def __init__(self, settings: FrontEndSettings, pair: int) -> None:
        self._settings = settings
        self._pair = (pair & 3, pair >> 2)
        self._before = (0, np.zeros(len(LAGS), np.int64))  # to be added: of the run's older epochs
        self._epoch = EpochG2(*self._pair)
        self._whole = 0  # pulses of the epoch that are complete

    def begin_run(self) -> None:
        """Count from zero."""
        self._before = (-self._epoch.pulses, -self._epoch.coincidences)

    def begin_epoch(self) -> None:
        """Number pulses from zero, and go on counting."""
        self._before = self._sums()
        self._epoch = EpochG2(*self._pair)
        self._whole = 0

    def configure(self, settings: FrontEndSettings, pair: int) -> None:
        """Take new settings; another pair is counted from zero."""
        self._settings = settings
        if (pair & 3, pair >> 2) != self._pair:
            self._pair = (pair & 3, pair >> 2)
            self._epoch = EpochG2(*self._pair)
            self._epoch.push(np.empty(0, np.int64), np.empty(0, np.int64), self._whole)
            self.begin_run()

    def push(
        self, time_ps: NDArray[np.int64], detector: NDArray[np.uint8], horizon_ps: int
    ) -> None:
        """Take clicks by the time since the epoch's pulse 0, as a front end does."""
        delays = np.array(self._settings.delay_ticks, np.int64)
        chosen = np.array(self._settings.enable, bool)[detector]
        chosen &= np.isin(detector, self._pair)
        channel = detector[chosen].astype(np.int64)
        ticks = time_ps[chosen] // TICK_PS + delays[channel]
        whole = horizon_ps // TICK_PS + int(delays.min())
        period = self._settings.period_ticks
        self._whole = max(self._whole, whole // period)
        self._epoch.push(ticks // period, channel, self._whole)

    def totals(self) -> G2:
        """Return what was counted in the run."""
        pulses, coincidences = self._sums()
        return G2(*self._pair, pulses, coincidences.astype(np.uint64))

    def _sums(self) -> tuple[int, NDArray[np.int64]]:
        pulses, coincidences = self._before
        return pulses + self._epoch.pulses, coincidences + self._epoch.coincidences

"""A detector's memory: dead time, and afterpulses, which are clicks like any other.

Nearly all arrivals concern nobody else: they come long after the previous one and leave no trapped
charge. Those are accepted in bulk. Only from an arrival that is close behind another, or that
traps a charge, does a walk go on event by event, until the detector is quiet again.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

from hexkey_sim.link.parameters import PS_PER_S
from hexkey_sim.link.receiver import Detector

LONG_AGO = -(1 << 62)
Times = NDArray[np.int64]


class DetectorState:
    """One detector in the course of time: feed it stretches of arrivals, it returns its clicks."""

    def __init__(self, detector: Detector, generator: np.random.Generator, start_ps: int) -> None:
        self._detector = detector
        self._generator = generator
        self._now_ps = start_ps
        self._last_ps = LONG_AGO  # the last click
        self._later: list[int] = []  # afterpulses, and arrivals beyond the last stretch

    def clicks_until(self, arrivals_ps: Times, end_ps: int) -> Times:
        """Return the clicks before `end_ps`, ascending.

        Parameters
        ----------
        arrivals_ps : (n,) int64
            Photons, in any order, none before the previous call's `end_ps`. Those from `end_ps` on
            are kept for later calls.
        """
        dark = self._generator.poisson(
            self._detector.dark_counts_hz * (end_ps - self._now_ps) / PS_PER_S
        )
        darks = self._generator.integers(self._now_ps, end_ps, dark)
        events = np.concatenate([arrivals_ps, darks, np.array(self._later, np.int64)])
        due = events < end_ps
        self._later = events[~due].tolist()
        self._now_ps = end_ps
        return self._resolve(np.sort(events[due]), end_ps)

    def _resolve(self, events: Times, end_ps: int) -> Times:
        if len(events) == 0:
            return events
        traps = self._generator.random(len(events)) < self._detector.afterpulse_probability
        gaps = np.diff(events, prepend=self._last_ps)
        walks = np.flatnonzero((gaps < self._detector.dead_time_ps) | traps)
        accepted = np.ones(len(events), bool)
        extra: list[int] = []
        resume = 0  # the first event no walk has decided on; those between walks are accepted
        for start in walks.tolist():
            if start < resume:
                continue
            if start > resume:
                self._last_ps = int(events[start - 1])
            resume = self._walk(events, traps, start, end_ps, accepted, extra)
        if resume < len(events):
            self._last_ps = int(events[-1])
        clicks = events[accepted]
        return np.sort(np.concatenate([clicks, np.array(extra, np.int64)])) if extra else clicks

    def _walk(
        self,
        events: Times,
        traps: NDArray[np.bool_],
        position: int,
        end_ps: int,
        accepted: NDArray[np.bool_],
        extra: list[int],
    ) -> int:
        """Decide event by event from `position` on; return the first event left undecided."""
        dead_ps = self._detector.dead_time_ps
        pending: list[int] = []
        first = True
        while position < len(events) or pending:
            following = int(events[position]) if position < len(events) else end_ps
            if pending and pending[0] <= following:
                time_ps, trap = heapq.heappop(pending), self._traps()
                if time_ps - self._last_ps < dead_ps:
                    continue
                extra.append(time_ps)
            else:
                time_ps, trap = following, bool(traps[position])
                dead = time_ps - self._last_ps < dead_ps
                if not (first or pending or dead):
                    break
                accepted[position] = not dead
                position += 1
                first = False
                if dead:
                    continue
            self._last_ps = time_ps
            if trap:
                self._trap(time_ps, end_ps, pending)
        return position

    def _traps(self) -> bool:
        return self._generator.random() < self._detector.afterpulse_probability

    def _trap(self, time_ps: int, end_ps: int, pending: list[int]) -> None:
        delay_ps = self._generator.exponential(self._detector.afterpulse_lifetime_ps)
        release_ps = time_ps + self._detector.dead_time_ps + int(delay_ps)
        if release_ps < end_ps:
            heapq.heappush(pending, release_ps)
        else:
            self._later.append(release_ps)

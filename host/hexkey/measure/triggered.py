"""Phases of free-running clicks from the trigger's edges among them, rather than from the light.

The light's own phase must be followed through its few clicks, whose noise widens every response; a
trigger has an edge for each of them and no width. `hexkey.tags.trigger` follows it.
"""

import numpy as np
from numpy.typing import NDArray

from hexkey.measure.clicks import Clicks, Times
from hexkey.measure.trigger import FIRST_EDGES, LEAST_EDGES, base_period
from hexkey.tags.trigger import TOLERANCE, Stretch, TriggerTracker

Phases = tuple[NDArray[np.uint8], NDArray[np.float64]]


def divider_of(edges: Times, period_ps: float) -> int | None:
    """Return how many of the light's periods an edge of the trigger stands for.

    None where there are too few edges, or they are no whole number of the light's periods apart.

    Parameters
    ----------
    edges : (n,) int64
        Of a file's beginning.
    period_ps : float
        Of the light, as found from its clicks.
    """
    time = np.sort(edges[:FIRST_EDGES])
    if len(time) < LEAST_EDGES or time[0] == time[-1]:
        return None
    ratio = base_period(time) / period_ps
    divider = round(ratio)
    return divider if divider >= 1 and abs(ratio - divider) < TOLERANCE * ratio else None


class TriggeredPhases:
    """Gives clicks their phases as soon as the edges around them are known.

    Parameters
    ----------
    period_ps : float
        Of the light.
    divider : int
        Of the trigger.

    Attributes
    ----------
    untriggered : int
        Clicks that no edges were near enough to.
    """

    def __init__(self, period_ps: float, divider: int) -> None:
        self._tracker = TriggerTracker(period_ps, divider)
        self._waiting = Clicks(np.zeros(0, np.uint8), np.zeros(0, np.int64))
        self.untriggered = 0

    def push(self, clicks: Clicks, edges: Times) -> Phases:
        """Take clicks and edges of one piece; return channels and phases (in periods, 0 to 1)."""
        self._waiting = Clicks(
            np.concatenate([self._waiting.channel, clicks.channel]),
            np.concatenate([self._waiting.time_ps, clicks.time_ps]),
        )
        latest = max((int(each.max()) for each in (clicks.time_ps, edges) if len(each)), default=0)
        return self._located(self._tracker.push(edges, latest))

    def finish(self) -> Phases:
        """Return the phases of the last clicks."""
        found = self._located(self._tracker.finish())
        self.untriggered += len(self._waiting)
        return found

    def _located(self, stretches: list[Stretch]) -> Phases:
        channels, phases = [np.zeros(0, np.uint8)], [np.zeros(0)]
        order = np.argsort(self._waiting.time_ps, kind="stable")
        channel, time = self._waiting.channel[order], self._waiting.time_ps[order]
        taken = 0
        for stretch in stretches:  # in order of time
            first, end = np.searchsorted(time, (stretch.first_ticks, stretch.end_ticks))
            self.untriggered += max(0, int(first) - taken)
            inside = slice(max(taken, int(first)), max(taken, int(end)))
            _, phase_ps = stretch.locate(time[inside])
            channels.append(channel[inside])
            phases.append(np.mod(phase_ps / self._tracker.period_ticks, 1.0))
            taken = inside.stop
        self._waiting = Clicks(channel[taken:], time[taken:])
        return np.concatenate(channels), np.concatenate(phases)

"""Where the detectors meet: clicks wait here until their pulse is complete.

Delays differ by up to 100 ns and gates wrap or do not, so one detector's clicks can reach an older
pulse than another's that came earlier. A pulse closes when no enabled detector can still deliver
into it.
"""

from fractions import Fraction

from hexkey.events import DETECTORS
from hexkey_sim.golden.delay import Delay
from hexkey_sim.golden.pulse_clock import PulseClock
from hexkey_sim.golden.settings import Click, FrontEndSettings


class Collector:
    """Holds the clicks of open pulses; releases closed pulses oldest first, clicks by phase."""

    def __init__(self) -> None:
        self._open: dict[int, list[Click]] = {}

    def put(self, click: Click) -> None:
        self._open.setdefault(click.pulse, []).append(click)

    def close_before(self, bound: int) -> list[tuple[int, list[Click]]]:
        """Return the pulses below `bound` that hold clicks, and forget them."""
        closed = sorted(pulse for pulse in self._open if pulse < bound)
        return [(pulse, sorted(self._open.pop(pulse))) for pulse in closed]


def open_pulses(
    settings: FrontEndSettings, horizon_ticks: int, period_ticks: Fraction | None = None
) -> tuple[int, int]:
    """Return the first pulse that is still open and the first that cannot hold a click yet.

    Parameters
    ----------
    settings : FrontEndSettings
    horizon_ticks : int
        Every click before this time at the pin has been delivered, and none at or after it.
    period_ticks : Fraction, optional
        Of the source, where it is not what the settings say.
    """
    delay, clock = Delay(settings), PulseClock(settings, period_ticks)
    detectors = [d for d in range(DETECTORS) if settings.enable[d]]
    if not detectors:
        boundary = -(-horizon_ticks // (period_ticks or settings.period_ticks))
        return boundary, boundary
    first_open = min(clock.attribute(delay.apply(horizon_ticks, d), d).pulse for d in detectors)
    latest = max(clock.attribute(delay.apply(horizon_ticks - 1, d), d).pulse for d in detectors)
    return first_open, latest + 1

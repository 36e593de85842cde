"""Per-detector delay: cancels cable lengths, so that a photon's phase is the same everywhere."""

from hexkey_sim.golden.settings import FrontEndSettings


class Delay:
    """Adds its detector's delay to a click's time; times are ticks since the epoch's pulse 0."""

    def __init__(self, settings: FrontEndSettings) -> None:
        self._delay_ticks = settings.delay_ticks

    def apply(self, time_ticks: int, detector: int) -> int:
        return time_ticks + self._delay_ticks[detector]

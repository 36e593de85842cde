"""From a time to a pulse and a phase, with an ideal trigger: pulse k's edge is at k periods.

A gate may reach past the period's end. What falls into that part belongs to the pulse in which the
gate opened, so it is attributed here, before hold-off and gate: both then mean the same pulse, and
a click late in a gate cannot leave the other detectors' next gate open.
"""

from hexkey_sim.golden.settings import Click, FrontEndSettings


class PulseClock:
    """Attributes delayed clicks to pulses; within one detector, pulses never go back in time."""

    def __init__(self, settings: FrontEndSettings) -> None:
        self._period_ticks = settings.period_ticks
        self._wrap_end_ticks = settings.wrap_end_ticks

    def raw_phase(self, time_ticks: int) -> int:
        """Return the time since the last trigger edge, which the histogram shows."""
        return time_ticks % self._period_ticks

    def attribute(self, time_ticks: int, detector: int) -> Click:
        pulse, phase_ticks = divmod(time_ticks, self._period_ticks)
        if phase_ticks < self._wrap_end_ticks[detector]:
            return Click(pulse - 1, phase_ticks + self._period_ticks, detector)
        return Click(pulse, phase_ticks, detector)

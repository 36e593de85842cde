"""From a time to a pulse and a phase, with an ideal trigger: pulse k's edge is at k periods.

A gate may reach past the period's end. What falls into that part belongs to the pulse in which the
gate opened, so it is attributed here, before hold-off and gate: both then mean the same pulse, and
a click late in a gate cannot leave the other detectors' next gate open.
"""

from fractions import Fraction

from hexkey_sim.golden.settings import Click, FrontEndSettings


class PulseClock:
    """Attributes delayed clicks to pulses; within one detector, pulses never go back in time.

    Parameters
    ----------
    settings : FrontEndSettings
    period_ticks : Fraction, optional
        Of the source, where it is not what the settings say. Phases are cut to the tick; what a
        gate wraps round is the period of the settings, a whole number.
    """

    def __init__(self, settings: FrontEndSettings, period_ticks: Fraction | None = None) -> None:
        self._wrap_ticks = settings.period_ticks
        self._period_ticks = period_ticks or settings.period_ticks
        self._wrap_end_ticks = settings.wrap_end_ticks

    def raw_phase(self, time_ticks: int) -> int:
        """Return the time since the last trigger edge, which the histogram shows."""
        return int(time_ticks % self._period_ticks)

    def attribute(self, time_ticks: int, detector: int) -> Click:
        pulse, phase_ticks = time_ticks // self._period_ticks, self.raw_phase(time_ticks)
        if phase_ticks < self._wrap_end_ticks[detector]:
            return Click(pulse - 1, phase_ticks + self._wrap_ticks, detector)
        return Click(pulse, phase_ticks, detector)

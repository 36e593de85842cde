"""The gate: half-open, to the tick, one per detector."""

from hexkey_sim.golden.settings import Click, FrontEndSettings


class Gate:
    """Lets a click pass if its phase is in its detector's [start, start + width).

    The pulse clock has moved the part past the period's end to the pulse in which the gate opened,
    so a phase may exceed the period here.

    Parameters
    ----------
    settings : FrontEndSettings
    first_pulse : int
        No gate opens before this pulse: pulse 0 of an epoch, or the first of a commit.
    blind : range
        Pulses in which no gate opens, either: a commit lets some pass before it takes effect.
    """

    def __init__(
        self, settings: FrontEndSettings, first_pulse: int = 0, blind: range = range(0)
    ) -> None:
        self._first_pulse = first_pulse
        self._blind = blind
        self._windows = [
            (start, start + width)
            for start, width in zip(
                settings.gate_start_ticks, settings.gate_width_ticks, strict=True
            )
        ]

    def passes(self, click: Click) -> bool:
        start, end = self._windows[click.detector]
        seen = click.pulse >= self._first_pulse and click.pulse not in self._blind
        return seen and start <= click.phase_ticks < end

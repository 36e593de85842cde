"""How tags become pulses: which channels are what, delays, hold-off and the trigger."""

from dataclasses import dataclass
from math import ceil

from hexkey.errors import ConfigurationError
from hexkey.events import DETECTORS
from hexkey.tags.trigger import HOLDOVER_PPM, TOLERANCE

CHANNELS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """How tags become pulses.

    Attributes
    ----------
    channels : tuple of int
        The tagger's channel of detector 0, of detector 1, and so on; at most four.
    period_ps : float
        Of a pulse of the source.
    trigger_channel : int or None
        Where the trigger's edges are; None for a file with pulse numbers (T3).
    trigger_divider : int
        Pulses for each edge of the trigger, or for each sync period of a T3 file.
    delay_ps : tuple of float
        Added to the times of each detector.
    holdoff_pulses : int
        Pulses in which every detector is ignored after any click.
    dead_time_ps : float
        The longest dead time of the detectors; a shorter hold-off is refused.
    tolerance, holdover_ppm : float
        As in `hexkey.tags.trigger.TriggerTracker`.

    Raises
    ------
    ConfigurationError
        Two inputs share a channel, a value makes no sense, or the hold-off is too short.
    """

    channels: tuple[int, ...]
    period_ps: float
    trigger_channel: int | None = None
    trigger_divider: int = 1
    delay_ps: tuple[float, ...] = (0.0,) * DETECTORS
    holdoff_pulses: int
    dead_time_ps: float
    tolerance: float = TOLERANCE
    holdover_ppm: float = HOLDOVER_PPM

    def __post_init__(self) -> None:
        used = [*self.channels, *([] if self.trigger_channel is None else [self.trigger_channel])]
        if not 1 <= len(self.channels) <= DETECTORS:
            raise ConfigurationError(
                f"there must be one to {DETECTORS} detectors, not {len(self.channels)}"
            )
        if len(set(used)) != len(used) or not all(0 <= one < CHANNELS - 1 for one in used):
            raise ConfigurationError(
                f"detectors and trigger must be on different channels from 0 to {CHANNELS - 2}, "
                f"not {', '.join(map(str, used))}"
            )
        if not self.period_ps >= 1 or self.trigger_divider < 1:
            raise ConfigurationError(
                f"the period of {self.period_ps:g} ps and the trigger's divider "
                f"{self.trigger_divider} must be at least 1"
            )
        if len(self.delay_ps) < len(self.channels):
            raise ConfigurationError(
                f"{len(self.channels)} detectors need as many delays, not {len(self.delay_ps)}"
            )
        # From a click to the next pulse that is accepted pass at least `holdoff_pulses` periods.
        needed = ceil(self.dead_time_ps / self.period_ps)
        if self.holdoff_pulses < needed:
            raise ConfigurationError(
                f"a hold-off of {self.holdoff_pulses} pulses is shorter than the longest dead time "
                f"of {self.dead_time_ps:g} ps: set it to at least {needed} pulses"
            )

    @property
    def period_ticks(self) -> int:
        """Of a pulse, in `TICK_PS`: the nearest whole number."""
        return round(self.period_ps)

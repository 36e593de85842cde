"""Delay lines with uneven taps, and a self-test's pulser: what a real board has at its pins."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.wire.channels import CHANNELS

CLOCK_PS = 5000.0 * (1 + 20e-6)  # the board's crystal is 20 ppm off
TICK_PS = 10
OSCILLATOR_CYCLES = 16  # between two edges of the calibration's source

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TaggerOptions:
    """What the lines and the oscillator are like.

    Attributes
    ----------
    taps : int
    tap_ps : float
        Mean; the clock is 5 ns.
    spread : float
        Of a tap, lognormal.
    cycle_ticks : int
        Of the free oscillator, which drives pulser and calibration.
    jitter_ps : float
        Of each edge that the pulser plays, rms.
    skew_ps : tuple of int
        Of each detector's way from the pulser, against the trigger's.
    locked_phases : int
        If not 0, the oscillator's edges fall on so many places of the clock alone.
    dead_channels : tuple of int
        Whose lines show nothing.
    seed : int
    """

    taps: int = 256
    tap_ps: float = 35.5
    spread: float = 0.3
    cycle_ticks: int = 660
    jitter_ps: float = 30.0
    skew_ps: tuple[int, ...] = (700, 400, 900, 550)
    locked_phases: int = 0
    dead_channels: tuple[int, ...] = ()
    seed: int = 1


@dataclass(frozen=True, slots=True)
class PulserSettings:
    """The registers of the pulser."""

    period_cycles: int
    delay_cycles: tuple[int, ...]
    probability: tuple[int, ...]


@dataclass(slots=True)
class SimulatedTagger:
    """Five delay lines with their tables, and the pulser before them."""

    options: TaggerOptions = field(default_factory=TaggerOptions)
    _generator: np.random.Generator = field(init=False)
    _ends_ps: list[NDArray[np.float64]] = field(init=False)
    _tables: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        options = self.options
        self._generator = generator = np.random.default_rng(options.seed)
        visible = options.taps * 7 // 8
        taps = options.tap_ps * np.exp(
            options.spread * generator.standard_normal((CHANNELS, visible)) - options.spread**2 / 2
        )
        self._ends_ps = list(np.cumsum(taps, axis=1))
        nominal = (np.arange(visible + 1) + 0.5) * options.tap_ps / TICK_PS
        self._tables = np.tile(np.minimum(nominal.astype(np.int64), 499), (CHANNELS, 1))

    @property
    def codes(self) -> int:
        return int(self._tables.shape[1])

    def write(self, word: int) -> None:
        """Take a value of the register `table_entry`."""
        code, channel = word >> 10 & 1023, word >> 20
        if code < self.codes:
            self._tables[channel, code] = min(word & 1023, 499)

    def stretch(self, factor: float) -> None:
        """Let all lines take so many times as long: another temperature."""
        self._ends_ps = [factor * ends for ends in self._ends_ps]

    def codes_of(self, channel: int, time_ps: Times) -> NDArray[np.uint32]:
        """Return how often each code comes of edges at these times."""
        if channel in self.options.dead_channels:
            time_ps = time_ps[:0]
        ages = np.asarray(-time_ps % CLOCK_PS, np.float64)
        codes = np.bincount(self._codes(channel, ages), minlength=self.codes)
        return codes.astype(np.uint32)

    def density(self, channel: int, hits: int) -> NDArray[np.uint32]:
        """Return how often each code comes in so many hits, uniform in time unless locked."""
        options = self.options
        if channel in options.dead_channels:
            hits = 0
        if options.locked_phases:
            ages = (np.arange(options.locked_phases) + 0.3) * CLOCK_PS / options.locked_phases
            codes = np.bincount(self._codes(channel, ages), minlength=self.codes)
            return (codes * (hits // options.locked_phases)).astype(np.uint32)
        ends = np.minimum(self._ends_ps[channel], CLOCK_PS)
        widths = np.diff(ends, prepend=0.0, append=CLOCK_PS)
        return self._generator.multinomial(hits, widths / CLOCK_PS).astype(np.uint32)

    def tag(self, time_ps: Times, channel: Times) -> Times:
        """Return the times that lines and tables make of edges."""
        ages = -time_ps % CLOCK_PS
        seen = np.empty_like(time_ps)
        for each in np.unique(channel).tolist():
            chosen = channel == each
            fine = self._tables[each, self._codes(each, ages[chosen])]
            seen[chosen] = np.rint(time_ps[chosen] + ages[chosen] - fine * TICK_PS)
        return seen

    def _codes(self, channel: int, ages_ps: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.searchsorted(self._ends_ps[channel], ages_ps, side="right").astype(np.int64)

    def pulser_interval_ps(self, settings: PulserSettings) -> int:
        return settings.period_cycles * self.options.cycle_ticks * TICK_PS

    def play(
        self, settings: PulserSettings, trigger: int, detector: int, start_ps: int, end_ps: int
    ) -> Times:
        """Return when the pulser plays a detector in the periods that begin in an interval.

        The trigger's pulse is the beginning of a period here: what counts is the difference.
        """
        period = self.pulser_interval_ps(settings)
        first, last = -(-start_ps // period), -(-end_ps // period)
        played = self._chance(settings.probability[detector], last - first) + first
        cycles = settings.delay_cycles[detector] - settings.delay_cycles[trigger]
        offset = cycles * self.options.cycle_ticks * TICK_PS + self.options.skew_ps[detector]
        jitter = self._generator.normal(0, self.options.jitter_ps, len(played))
        times: Times = played * period + offset % period + np.rint(jitter).astype(np.int64)
        return np.maximum(times, start_ps).astype(np.int64)

    def _chance(self, probability: int, periods: int) -> Times:
        """Return which of some periods have a pulse."""
        if probability == 65535:
            return np.arange(periods)
        if probability == 0 or periods <= 0:
            return np.empty(0, np.int64)
        share = probability / 65536
        drawn = int(periods * share + 8 * np.sqrt(periods * share)) + 16
        found: Times = np.cumsum(self._generator.geometric(share, drawn)) - 1
        return found[found < periods]

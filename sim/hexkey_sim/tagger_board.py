"""A virtual board with delay lines, a pulser and a trigger that has to be found: for its commands.

`hexkey board calibrate` and `selftest` work on it as on a real one. Its tracker is only so good as
these need: it locks at once, or not at all.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.wire import MAX_RECORDS, NARROW, WIDE, Identification, Kind, Marker, Tags, pack_tags
from hexkey.wire.channels import TRIGGER, Source
from hexkey.wire.registers import (
    MAX_PERIOD_TICKS,
    MIN_PERIOD_TICKS,
    PERIOD_FRACTION_BITS,
    Mode,
    TrackerState,
)
from hexkey.wire.tagger import CodeDensity
from hexkey_sim.click_source import ClickSource, SomeClicks
from hexkey_sim.golden.settings import TICK_PS, FrontEndSettings
from hexkey_sim.register_file import RegisterFile
from hexkey_sim.simulated_tagger import OSCILLATOR_CYCLES, PulserSettings, SimulatedTagger
from hexkey_sim.virtual_board import VirtualBoard

PERIOD_TOLERANCE_SHIFT = 7  # the trigger may be so far off the configured period, as in the tracker
STATUS_PER_S = 2  # while stopped
TAGS_PER_STEP = 20_000  # of a link without limit


class Clicks:
    """Clicks at the pins, as the board's front end takes them."""

    def __init__(self, time_ps: NDArray[np.int64], detector: NDArray[np.uint8]) -> None:
        self.time_ps = time_ps
        self.detector = detector


class TaggerBoard(VirtualBoard):
    """A `VirtualBoard` with a `SimulatedTagger` at its pins; other parameters as there.

    While stopped it still tells its status and the densities that it is asked for: whoever drives
    it says with `idle` that time passes.
    """

    def __init__(
        self, source: ClickSource, tagger: SimulatedTagger | None = None, **options: Any
    ) -> None:
        self._tagger = tagger or SimulatedTagger()
        self._idle_s = 0.0
        self._density_of = TRIGGER + 1  # nobody's
        self._pin_codes = np.zeros(self._tagger.codes, np.uint32)  # since its last density
        self._tags_dropped = 0
        self._markers = self._markers_due = 0
        super().__init__(source, **options)
        self._wanted_ticks = self._settings.period_ticks

    def mark(self) -> None:
        """Let the marker input rise, in the next step."""
        self._markers_due += 1

    def idle(self, seconds: float) -> None:
        """Let time pass while the board is stopped."""
        before, self._idle_s = self._idle_s, self._idle_s + seconds
        if int(before * STATUS_PER_S) != int(self._idle_s * STATUS_PER_S):
            self._report_status()
        if int(before) != int(self._idle_s):
            self._report_density()

    @property
    def wants_time(self) -> bool:
        """Whether somebody waits for densities."""
        return self._density_of <= TRIGGER

    # ---- what stands at the pins ------------------------------------------------------------

    def _source_of(self, channel: int) -> Source:
        return Source(self._registers.value("source", channel))

    def _pulser(self) -> PulserSettings:
        def five(name: str) -> tuple[int, ...]:
            return tuple(self._registers.value(name, channel) for channel in range(TRIGGER + 1))

        return PulserSettings(
            self._registers.value("pulser_period"), five("pulser_delay"), five("pulser_probability")
        )

    def _advance_light(self, pulses: int) -> SomeClicks:
        end = self.pulses * self._period_ps
        start = end - pulses * self._period_ps
        light = self._source.advance(pulses)
        at_pin = [self._source_of(channel) is Source.PIN for channel in range(TRIGGER)]
        seen = np.array(at_pin)[light.detector]
        times, channels = [light.time_ps[seen]], [light.detector[seen].astype(np.int64)]
        pulser = self._pulser()
        for detector in range(self._detectors):
            if self._source_of(detector) is Source.PULSER:
                played = self._tagger.play(pulser, TRIGGER, detector, start, end)
                times.append(played)
                channels.append(np.full(len(played), detector))
        self._count_codes(light)
        channel = np.concatenate(channels)
        time_ps = np.maximum(self._tagger.tag(np.concatenate(times), channel), start)
        if self._mode == Mode.RAW_TAGS:
            self._send_tags(time_ps, channel, start, end)
        self._send_markers()
        return Clicks(time_ps, channel.astype(np.uint8))

    def _count_codes(self, light: SomeClicks) -> None:
        """Count the codes of a detector's clicks; the trigger's edges are uniform anyway."""
        channel = self._density_of
        if channel < TRIGGER and self._source_of(channel) is Source.PIN:
            times = light.time_ps[light.detector == channel]
            self._pin_codes += self._tagger.codes_of(channel, times)

    def _choose_density(self, channel: int) -> None:
        """Begin at 0, if the channel is another one."""
        if channel != self._density_of:
            self._density_of = channel
            self._pin_codes[:] = 0

    def _trigger_interval_ps(self) -> int | None:
        """Return the time between two edges of the trigger, None if it has none."""
        match self._source_of(TRIGGER):
            case Source.PIN if super()._trigger_is_there():
                return self._period_ps * self._divider
            case Source.OSCILLATOR:
                return self._tagger.options.cycle_ticks * TICK_PS * OSCILLATOR_CYCLES
            case Source.PULSER if self._pulser().probability[TRIGGER]:
                return self._tagger.pulser_interval_ps(self._pulser())
        return None

    def _true_ticks(self) -> int | None:
        """Return the period that the trigger has, None if it has none of whole ticks."""
        interval = self._trigger_interval_ps()
        if interval is None or interval % (TICK_PS * self._divider):
            return None
        return interval // TICK_PS // self._divider

    def _trigger_is_there(self) -> bool:
        ticks = self._true_ticks()
        if ticks is None or not MIN_PERIOD_TICKS <= ticks <= MAX_PERIOD_TICKS:
            return False
        tolerance = self._wanted_ticks >> PERIOD_TOLERANCE_SHIFT
        enabled = self._registers.value("enable", TRIGGER)
        return bool(enabled) and abs(ticks - self._wanted_ticks) <= tolerance

    def _triggers_in(self, before: int, after: int) -> int:
        interval = self._trigger_interval_ps() or 1
        return after * self._period_ps // interval - before * self._period_ps // interval

    # ---- settings, and a lock that comes and goes -------------------------------------------

    def _commit(self, settings_id: int) -> None:
        period = self._registers.value("period_ticks")
        divider = self._registers.value("trigger_divider")
        if self._locked and (period, divider) == (self._wanted_ticks, self._divider):
            super()._commit(settings_id)
            return
        self._follow_trigger(present=False)
        self._uncommitted = settings_id
        self._wanted_ticks, self._divider = period, divider
        self._mode = Mode(self._registers.value("mode"))
        self._settings = self._read_settings()
        self._look_for_trigger()

    def _look_for_trigger(self, _: int = 0) -> None:
        self._follow_trigger(present=False)
        self._follow_trigger(self._trigger_is_there())

    def _read_settings(self) -> FrontEndSettings:
        return self._as_tracked(super()._read_settings())

    def _as_tracked(self, settings: FrontEndSettings) -> FrontEndSettings:
        """Return settings with the period that the trigger has, if it can be tracked."""
        ticks = self._true_ticks() if self._trigger_is_there() else None
        if ticks is None:
            return settings
        return replace(
            settings,
            period_ticks=ticks,
            gate_start_ticks=tuple(min(each, ticks - 1) for each in settings.gate_start_ticks),
            gate_width_ticks=tuple(min(each, ticks) for each in settings.gate_width_ticks),
        )

    def _begin_epoch(self) -> None:
        self._settings = self._as_tracked(self._settings)
        self._g2.configure(self._settings, self._registers.value("g2_pair"))
        ticks = self._settings.period_ticks
        layout = NARROW if 2 * ticks - 1 <= NARROW.limit("phase_ticks") else WIDE
        self._framer.rearrange(layout, max(1, 10**9 // ticks))
        super()._begin_epoch()
        period_ps = ticks * TICK_PS
        self._origin_ps = -(-self.pulses * self._period_ps // period_ps) * period_ps

    def _detect(
        self, time_ps: NDArray[np.int64], detector: NDArray[np.uint8], horizon_ps: int
    ) -> None:
        before = time_ps < 0  # the epoch's first pulse
        self._count_without_trigger(Clicks(time_ps[before], detector[before]))
        super()._detect(time_ps[~before], detector[~before], horizon_ps)

    # ---- frames -----------------------------------------------------------------------------

    def _identification(self) -> Identification:
        return replace(
            super()._identification(),
            taps=self._tagger.options.taps,
            period_ticks=self._wanted_ticks,
            board="virtual with tagger",
        )

    def _make_registers(self) -> RegisterFile:
        registers = super()._make_registers()
        again = ("pulser_period", "pulser_probability", "source")
        registers.extend(
            {
                "table_entry": self._tagger.write,
                "density_channel": self._choose_density,
                **dict.fromkeys(again, self._look_for_trigger),
            },
            {
                "tracker_state": self._tracker_state,
                "trigger_period": self._trigger_period,
                "tags_dropped": lambda: self._tags_dropped,
                "marker_count": lambda: self._markers,
            },
        )
        return registers

    def _tracker_state(self) -> int:
        if self._locked:
            return TrackerState.LOCKED
        there = self._trigger_interval_ps() is not None
        return TrackerState.MEASURING if there else TrackerState.NO_TRIGGER

    def _trigger_period(self) -> int:
        return self._settings.period_ticks << PERIOD_FRACTION_BITS if self._locked else 0

    def _begin_run(self, run: int) -> None:
        super()._begin_run(run)
        self._markers = self._tags_dropped = 0

    def _report_once_a_second(self) -> None:
        super()._report_once_a_second()
        self._report_density()

    def _report_density(self) -> None:
        channel = self._density_of
        if channel > TRIGGER:
            return
        source = self._source_of(channel)
        if channel < TRIGGER and source is Source.PIN:
            counts = self._pin_codes.copy()
            self._pin_codes[:] = 0
        else:
            counts = self._tagger.density(channel, int(self._edges_hz(channel, source)))
        self._transmitter.send(Kind.CODE_DENSITY, CodeDensity(channel, source, counts).encode())

    def _edges_hz(self, channel: int, source: Source) -> float:
        cycle_s = self._tagger.options.cycle_ticks * TICK_PS * 1e-12
        if source is Source.OSCILLATOR:
            return 1 / (OSCILLATOR_CYCLES * cycle_s)
        if source is Source.PULSER:
            return self._pulser().probability[channel] / 65536 / (8 * cycle_s)
        return self.rate_hz / self._divider if channel == TRIGGER else 0.0

    def _send_markers(self) -> None:
        while self._markers_due:
            self._markers_due -= 1
            self._markers += 1
            marker = Marker(self._framer.next_pulse, self._markers)
            self._transmitter.send(Kind.MARKER, marker.encode())

    def _send_tags(
        self, time_ps: NDArray[np.int64], detector: NDArray[np.int64], start_ps: int, end_ps: int
    ) -> None:
        enable = [self._registers.value("enable", channel) for channel in range(TRIGGER + 1)]
        interval = self._trigger_interval_ps() if enable[TRIGGER] else None
        edges = np.empty(0, np.int64)
        if interval is not None:
            edges = np.arange(-(-start_ps // interval), -(-end_ps // interval)) * interval
        times = np.concatenate([time_ps, edges]) // TICK_PS
        channels = np.concatenate([detector, np.full(len(edges), TRIGGER)])
        seen = np.array(enable, bool)[channels]
        order = np.argsort(times[seen], kind="stable")
        times, channels = times[seen][order], channels[seen][order]
        room = TAGS_PER_STEP
        if self.baud is not None:
            room = int(self.baud / 10 / 8.2 * (end_ps - start_ps) * 1e-12)
        self._tags_dropped += max(0, len(times) - room)
        for first in range(0, min(len(times), room), MAX_RECORDS):
            part = slice(first, min(first + MAX_RECORDS, room))
            tags = Tags(times[part].astype(np.uint64), channels[part].astype(np.uint8))
            self._transmitter.send(Kind.TAGS, pack_tags(tags), record_bytes=8)

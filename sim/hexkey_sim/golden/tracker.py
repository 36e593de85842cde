"""The sync tracker: numbers pulses and predicts when each begins, from the trigger's edges."""

from hexkey.wire.registers import TrackerState
from hexkey_gateware.tracking import constants as c
from hexkey_sim.golden.nco import Nco
from hexkey_sim.golden.tracker_values import Level, Place, TrackerSettings, View

NEVER = 1 << 100
DOUBT_OF_A_MISS = 2
UNREPORTED_BITS = c.FRACTION_BITS - c.REPORTED_FRACTION_BITS


class Tracker:
    """Takes the trigger's tags and says of any other tag in which pulse it lies.

    All calls come in the order of their slots; it jumps over the pulses between. What it says is
    what the gateware says, bit by bit.

    Parameters
    ----------
    settings : TrackerSettings
    ticks_per_clock : int
    silence_bits : int
        At least 8: a measurement is evaluated before the silence that follows it.

    Attributes
    ----------
    edges, outliers, missing : int
        Trigger edges that were taken, those that were not, due edges that did not come.
    epoch : int
        Epochs that have begun.
    """

    def __init__(
        self,
        settings: TrackerSettings,
        ticks_per_clock: int = 500,
        silence_bits: int = c.SILENCE_BITS,
    ) -> None:
        self._ticks_per_clock = ticks_per_clock
        self._slot_bits = (ticks_per_clock - 1).bit_length()
        self._silence = (1 << silence_bits) + 1
        self._settings = self._wanted = settings
        self._holdover, self._off_period = Level(), Level()
        self.edges = self.outliers = self.missing = self.epoch = 0
        self._last_tag = self._off_since = -NEVER
        self._reported = 0
        self._measured = (NEVER, 0)
        self._still_aligning = range(0)
        self._measure_from(0)

    def trigger(self, slot: int, fine: int) -> None:
        """Take a tag of the trigger; at most one a slot."""
        self._run_to(slot)
        if self._nco is not None:
            if slot >= self._first_slot:
                self._compare(self._nco, slot, fine)
        elif slot >= self._ready_from:
            if self._period:
                self._start(self._period, slot, fine)
            else:
                self._measure(slot, fine)
        self._last_tag = slot

    def locate(self, slot: int, fine: int) -> Place | None:
        """Return the place of a tag, None if the tracker is not locked in its slot."""
        self._run_to(slot)
        if self._nco is None or self._first is None:
            return None
        since, before = self._since(self._nco, slot)
        pulse = self._nco.index - self._first
        holdover = self._holdover.at(slot - 1)
        if fine <= since:
            return Place(self.epoch, pulse, since - fine, holdover)
        return Place(self.epoch, pulse - 1, before - fine, holdover)

    def latest(self, slot: int) -> tuple[int, float] | None:
        """Return a slot's latest pulse and when it began by the prediction, in exact ticks."""
        self._run_to(slot)
        if self._nco is None or self._first is None:
            return None
        return self._nco.index - self._first, self._nco.start / (1 << c.FRACTION_BITS)

    def view(self, slot: int) -> View:
        """Return what the tracker says of a slot."""
        self._run_to(slot)
        off, nco = self._off_period.at(slot), self._nco
        if nco is None:
            state = self._idle_state(slot)
            return View(False, 0, 0, False, False, False, state, off, self._reported_at(slot))
        since, before = self._since(nco, slot)
        locked = self._first is not None
        edge = locked and nco.slot == slot
        begin = edge and nco.index == self._first
        holdover = self._holdover.at(slot - 1) and locked
        state = (
            TrackerState.HOLDOVER
            if holdover
            else TrackerState.LOCKED
            if locked
            else TrackerState.PULLING_IN
        )
        period = self._reported_at(slot)
        return View(edge, since, before, locked, begin, holdover, state, off, period)

    def configure(self, slot: int, settings: TrackerSettings) -> None:
        """Change settings, as seen from a slot on; called before that slot's tag is given."""
        self._run_to(slot)
        old, self._wanted = self._wanted, settings
        restart = (old.period_ticks, old.trigger_divider) != (
            settings.period_ticks,
            settings.trigger_divider,
        )
        if restart and self._nco is not None:
            self._end_lock(slot + c.SETTING_LATENCY)
        elif restart:
            if self._measured[0] > slot + c.SETTING_LATENCY:
                self._measured = (NEVER, 0)
                self._off_period.cancel(slot + c.SETTING_LATENCY)
            measuring = not self._period and slot + c.SETTING_LATENCY > self._ready_from
            if self._period:
                self._still_aligning = range(self._ready_from, slot + c.SETTING_LATENCY)
            self._measure_from(slot + c.SETTING_LATENCY - measuring)
        elif self._settings is old:
            if self._nco is not None:
                self._change_drift(slot + 1, settings)
            self._settings = settings

    # While there is no oscillator: measure the period, then start one with an edge.

    def _measure_from(self, clock: int) -> None:
        self._settings = self._wanted
        self._nco: Nco | None = None
        self._first: int | None = None
        self._ready_from = clock
        self._period = 0
        self._intervals: list[int] = []

    def _measure(self, slot: int, fine: int) -> None:
        times = self._intervals
        if slot - self._last_tag >= self._silence:
            times.clear()
        times.append(slot * self._ticks_per_clock - fine)
        if len(times) <= c.MEASURED_INTERVALS:
            return
        total = times[-1] - times[0]
        period = (total << c.QUOTIENT_SHIFT) // self._settings.trigger_divider
        most = (1 << c.TICK_BITS + c.REPORTED_FRACTION_BITS) - 1
        self._reported_at(slot)  # the result before this one
        self._measured = (slot + c.REFUSED_LATENCY, min(period >> UNREPORTED_BITS, most))
        if self._is_configured(period >> c.FRACTION_BITS):
            self._period = period
            self._ready_from = slot + c.ALIGN_LATENCY
        else:
            self._set_off_period(slot + c.REFUSED_LATENCY)
            self._measure_from(slot + c.REFUSED_LATENCY)

    def _is_configured(self, period_ticks: int) -> bool:
        configured = self._settings.period_ticks
        tolerance = configured >> c.PERIOD_TOLERANCE_SHIFT
        least = c.short_period_ticks(self._ticks_per_clock) - c.SHORT_BY_TICKS
        return abs(period_ticks - configured) <= tolerance and period_ticks >= least

    def _start(self, period: int, slot: int, fine: int) -> None:
        divider = self._settings.trigger_divider
        nco = Nco(self._ticks_per_clock, slot, fine, period, divider)
        self._reported_at(slot)
        self._nco = nco
        self._measured = (NEVER, 0)
        self._first_slot = nco.slot
        self._period = 0
        self._lock_ends, self._ends_off_period = NEVER, False
        self._ready_at: int | None = None
        self._shift, self._edges_in_gear = self._settings.widest_shift, 0
        self._doubt = 0
        self._taken = False
        self._check_slot: int | None = None
        self._expect_edge(nco)
        self._trust(nco.slot)

    def _idle_state(self, slot: int) -> TrackerState:
        if slot >= self._last_tag + self._silence:
            return TrackerState.NO_TRIGGER
        aligning = (self._period and slot >= self._ready_from) or slot in self._still_aligning
        return TrackerState.PULLING_IN if aligning else TrackerState.MEASURING

    # While there is one: compare each edge with the pulse that it marks.

    def _compare(self, nco: Nco, slot: int, fine: int) -> None:
        """Take the edge if it is due and no further from its pulse than a quarter period."""
        due_now = self._check_slot == slot
        quarter = self._settings.quarter_ticks
        time = slot * nco.slot_length - (fine << c.FRACTION_BITS)
        error = time - nco.start >> c.FRACTION_BITS - c.ERROR_FRACTION_BITS
        if nco.place == 0 and -quarter < error >> c.ERROR_FRACTION_BITS < quarter:
            accept = not self._taken
            self._taken = True
            if due_now:
                self._check(slot)
        else:
            error = time - nco.next_start >> c.FRACTION_BITS - c.ERROR_FRACTION_BITS
            near = -quarter < error >> c.ERROR_FRACTION_BITS < quarter
            accept = near and nco.next_is_due and (due_now or not self._taken)
            if accept:
                if due_now:
                    self._check(slot)
                self._taken = True
        if accept:
            self._take(nco, slot, error)
        else:
            self.outliers += 1
            self._doubt += DOUBT_OF_A_MISS
        self._end_if_doubtful(slot)

    def _take(self, nco: Nco, slot: int, error: int) -> None:
        self.edges += 1
        shift = self._shift if self._unsettled else self._settings.last_shift
        phase = error << c.FRACTION_BITS - c.ERROR_FRACTION_BITS >> shift
        change = (
            error
            << c.FRACTION_BITS - c.ERROR_FRACTION_BITS - 2
            >> 2 * shift + self._settings.divider_shift
        )
        nco.correct(slot, nco.newest_period + change, phase)
        clock = slot + c.STATE_LATENCY
        if self._holdover.last:
            self._holdover.set(clock, False)
        if self._uncertain_at >= clock:
            self._trust(clock)
        self._doubt -= self._doubt > 0
        if self._unsettled:
            self._shift_gear(nco, slot)

    @property
    def _unsettled(self) -> bool:
        return self._ready_at is None and self._first is None

    def _shift_gear(self, nco: Nco, slot: int) -> None:
        self._edges_in_gear += 1
        if not self._edges_in_gear >> self._shift + c.GEAR_EDGES_SHIFT:
            return
        self._edges_in_gear = 0
        if self._shift < self._settings.last_shift:
            self._shift += 1
            return
        clock = slot + c.STATE_LATENCY
        least = c.short_period_ticks(self._ticks_per_clock) << c.FRACTION_BITS
        least -= 1 << c.FRACTION_BITS - c.SHORT_BY_SHIFT
        if nco.period_at(clock - 2) < least:
            self._end_lock(clock + c.LOSS_LATENCY, off_period=True)
        self._ready_at = clock + 1

    def _trust(self, clock: int) -> None:
        """From a clock on, what the prediction may be off grows from the start again."""
        self._anchor = (
            clock,
            c.START_UNCERTAINTY_TICKS << c.uncertainty_fraction_bits(self._slot_bits),
        )
        self._foresee_uncertainty(self._settings)

    def _change_drift(self, clock: int, settings: TrackerSettings) -> None:
        if self._uncertain_at <= clock:
            return
        since, uncertainty = self._anchor
        if since < clock:
            uncertainty += (clock - since) * self._settings.holdover_drift
            self._anchor = (clock, uncertainty)
        self._foresee_uncertainty(settings)

    def _foresee_uncertainty(self, settings: TrackerSettings) -> None:
        since, uncertainty = self._anchor
        limit = settings.quarter_ticks << c.uncertainty_fraction_bits(self._slot_bits)
        drift = settings.holdover_drift
        left = max(0, limit - uncertainty)
        self._uncertain_at = since + -(-left // drift) if drift else NEVER

    def _end_if_doubtful(self, slot: int) -> None:
        if self._doubt >= c.DOUBT_LIMIT:
            self._end_lock(slot + c.DOUBT_LATENCY + c.LOSS_LATENCY)

    def _end_lock(self, clock: int, *, off_period: bool = False) -> None:
        """Lock ends in a clock, if it does not end before."""
        if clock < self._lock_ends:
            self._lock_ends, self._ends_off_period = clock, off_period
        elif clock == self._lock_ends:
            self._ends_off_period |= off_period

    def _set_off_period(self, clock: int) -> None:
        self._off_period.set(clock, True)
        self._off_since = clock

    # Time goes on: pulses begin, edges turn out to be missing, lock ends.

    def _reported_at(self, slot: int) -> int:
        """Return the period that can be read in a clock: as tracked, or as measured last."""
        if self._nco is not None and slot > self._first_slot:
            self._reported = self._nco.period_at(slot - 1) >> UNREPORTED_BITS
        elif slot >= self._measured[0]:
            self._reported = self._measured[1]
        return self._reported

    def _run_to(self, slot: int) -> None:
        while self._nco is not None:
            end = self._follow(self._nco, slot)
            if slot < end:
                return
            self._reported_at(end)
            if self._ends_off_period and end == self._lock_ends:
                self._set_off_period(end)
            self._holdover.clear()
            self._measure_from(end)
            self._off_since = max(self._off_since, end)
        if self._off_period.last:
            silent = max(self._last_tag + self._silence, self._off_since) + 1
            if slot >= silent - 1:  # a tag of the slot itself may end the silence
                self._off_period.set(silent, False)

    def _follow(self, nco: Nco, slot: int) -> int:
        """Go on to a slot, or to the end of lock; return the clock in which that comes.

        A due edge may still come in the slot itself, so that it is not yet missing there.
        """
        while True:
            end = min(self._lock_ends, self._uncertain_at + 1 + c.LOSS_LATENCY)
            last = min(slot, end - 1)
            if self._check_slot is not None:
                if self._check_slot > (last if slot >= end else last - 1):
                    return end
                missed = self._check_slot
                self._check(missed)
                self._end_if_doubtful(missed)
            elif nco.next_slot > last:
                return end
            else:
                self._advance(nco, last)

    def _advance(self, nco: Nco, slot: int) -> None:
        """Go on by a pulse, or by several in which nothing happens."""
        divider = self._settings.trigger_divider
        pulses = nco.steps_to(slot) if self._ready_at is None else 0
        overdue = self._first is not None and self._holdover.last
        if not overdue:
            pulses = min(pulses, divider - nco.place)
        if pulses > 1:
            passed = (nco.place + pulses) // divider
            nco.skip(pulses)
            if overdue:
                self.missing += passed - (passed > 0 and nco.place == 0)
        else:
            nco.step()
            late = nco.slot * nco.slot_length - nco.start
            if late >= c.behind_ticks(self._ticks_per_clock) << c.FRACTION_BITS:
                self._end_lock(nco.slot + c.BEHIND_LATENCY + c.LOSS_LATENCY, off_period=True)
        self._expect_edge(nco)
        if self._ready_at is not None and nco.slot > self._ready_at:
            self._ready_at = None
            self._first = nco.index
            self.epoch += 1
            self._off_period.set(nco.slot + 1, False)

    def _expect_edge(self, nco: Nco) -> None:
        """After a due pulse, look a quarter period later whether its edge came."""
        if nco.place == 0:
            until = nco.start + (self._settings.quarter_ticks << c.FRACTION_BITS)
            self._check_slot = max(nco.slot, -(-until // nco.slot_length))

    def _check(self, slot: int) -> None:
        """Count the due edge as missing if it has not come up to a slot."""
        if not self._taken:
            self.missing += 1
            if not self._holdover.last:
                self._holdover.set(slot + c.STATE_LATENCY, True)
            if self._first is None:
                self._doubt += DOUBT_OF_A_MISS
        self._taken = False
        self._check_slot = None

    @staticmethod
    def _since(nco: Nco, slot: int) -> tuple[int, int]:
        end = slot * nco.slot_length
        return end - nco.start >> c.FRACTION_BITS, end - nco.last_start >> c.FRACTION_BITS

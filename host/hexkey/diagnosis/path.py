"""The self-test's light through the real path, from the delay lines to the events at the host."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hexkey.board_settings import DetectorSettings
from hexkey.diagnosis.pulser import Pulser, Scene, open_settings
from hexkey.diagnosis.run import Run, clicks_in, run_for
from hexkey.events import Events
from hexkey.wire.registers import DoubleClick

Result = tuple[str, bool | None, str]

EVENTS_HZ = 40_000
"""That all detectors together shall make: a serial line of 3 Mbaud carries 55 000."""

PERIOD_CYCLES = 8
SKEW_TICKS = 600
"""By so much the ways from the pulser to the detectors may differ from that to the trigger."""

JITTER_TICKS = 25
"""RMS, of the oscillator over the cycles from trigger to click, and of the delay lines."""

MOVE_TICKS = 12
"""A delay of one cycle moves the phase by one, but for what the delay lines are not linear by."""

AGREEMENT = 0.01
"""Of the period that was counted with the one that is tracked; counters come on time to 1 ms."""

HOLDOFF = 3
CLICK_CHANCE = 1 / 64
IN_FLIGHT_S = 1e-3
"""Counters are read one after the other, while clicks go on."""


class PathTest:
    """Plays scenes one after the other, and compares what comes with what was played.

    Parameters
    ----------
    pulser : Pulser
    seconds : float
        Of each run.
    """

    def __init__(self, pulser: Pulser, seconds: float) -> None:
        self._pulser = pulser
        self._board = pulser.board
        self._seconds = seconds
        self._detectors = pulser.detectors

    def results(self) -> Iterator[Result]:
        """Yield name, verdict and detail of each check."""
        yield self._lock()
        run, phases = self._play_delays(2)
        yield from self._counts(run)
        yield self._link(run)
        yield self._phases(phases, 2)
        _, later = self._play_delays(3)
        yield self._moves(phases, later)
        yield self._gate(phases)
        free, held = self._hold(0), self._hold(HOLDOFF)
        yield self._hold_off(free, held)
        if self._detectors > 1:
            yield self._doubles(free)
            yield self._discards()
        yield self._markers(run)

    # ---- lock and period --------------------------------------------------------------------

    def _lock(self) -> Result:
        difference = self._pulser.measure(self._seconds)
        tick_ns = float(self._board.identification.tick_ps) / 1000
        cycle_ns = self._pulser.cycle_ticks * tick_ns
        detail = (
            f"oscillator {1000 / cycle_ns:.2f} MHz; counted and tracked periods differ by "
            f"{difference:+.2%}"
        )
        return "trigger locks", abs(difference) < AGREEMENT, detail

    # ---- counts, link, phases ---------------------------------------------------------------

    def _play_delays(self, first: int) -> tuple[Run, list[NDArray[np.float64]]]:
        """Play each detector a cycle later than the one before; return phases of each."""
        scene = Scene(
            PERIOD_CYCLES,
            tuple(first + detector for detector in range(self._detectors)),
            (self._share(PERIOD_CYCLES),) * self._detectors,
        )
        self._pulser.play(scene, open_settings(self._detectors))
        run = run_for(self._board, self._seconds)
        return run, [phases_of(run.events, detector) for detector in range(self._detectors)]

    def _share(self, cycles: int) -> float:
        tick_s = float(self._board.identification.tick_ps) * 1e-12
        period_s = cycles * self._pulser.cycle_ticks * tick_s
        share = EVENTS_HZ * period_s / self._detectors
        return round(65536 * share) / 65536  # as the pulser has it

    def _counts(self, run: Run) -> Iterator[Result]:
        share = self._share(PERIOD_CYCLES)
        for detector in range(self._detectors):
            clicks, expected = run.total.clicks[detector], run.total.triggers * share
            passed = agrees(clicks, expected, slack=EVENTS_HZ * IN_FLIGHT_S)
            detail = f"{clicks:,} in {run.total.triggers:,} pulses, {expected:,.0f} were played"
            yield f"clicks of detector {detector}", passed, detail
        yield self._accounted("every click accounted for", run)

    def _accounted(self, name: str, run: Run) -> Result:
        total = run.total
        kept = clicks_in(run.events)
        elsewhere = total.ignored_holdoff + total.outside_gate + total.repeats
        missing = sum(total.clicks) - kept - elsewhere
        slack = 10 + sum(total.clicks) / max(self._seconds, 0.1) * IN_FLIGHT_S
        detail = f"{sum(total.clicks):,} clicks: {kept:,} in events, {elsewhere:,} counted out"
        return name, abs(missing) <= slack, f"{detail}, {missing:,} elsewhere"

    def _link(self, run: Run) -> Result:
        lost = sum(run.link.values()) + run.total.fifo_dropped
        rate = len(run.events) / max(run.seconds, 0.1)
        detail = f"{len(run.events):,} events at {rate / 1000:.0f} k/s, {lost} lost or damaged"
        whole = len(run.events) == run.total.events and run.epochs == 1
        return "link carries all", whole and not lost, detail

    def _phases(self, phases: list[NDArray[np.float64]], first: int) -> Result:
        cycle = self._pulser.cycle_ticks
        offsets, spreads = [], []
        for detector, found in enumerate(phases):
            if not len(found):
                return "phases", False, f"detector {detector} has no events"
            middle, spread = around(found, PERIOD_CYCLES * cycle)
            offset = middle - (first + detector) * cycle
            offsets.append(wrapped(offset, PERIOD_CYCLES * cycle))
            spreads.append(spread)
        passed = max(map(abs, offsets)) < SKEW_TICKS and max(spreads) < JITTER_TICKS
        detail = f"off by {_ns(offsets)} ns from the delays played, {10 * max(spreads):.0f} ps rms"
        return "phases", passed, detail

    def _moves(self, before: list[NDArray[np.float64]], after: list[NDArray[np.float64]]) -> Result:
        cycle = self._pulser.cycle_ticks
        period = PERIOD_CYCLES * cycle
        errors = [
            wrapped(around(late, period)[0] - around(early, period)[0] - cycle, period)
            for early, late in zip(before, after, strict=True)
            if len(early) and len(late)
        ]
        passed = len(errors) == self._detectors and max(map(abs, errors)) < MOVE_TICKS
        return (
            "phases follow delays",
            passed,
            f"one cycle later is {cycle / 100:.2f} ns later, to {10 * max(map(abs, errors)):.0f} ps"
            if errors
            else "there are no events",
        )

    # ---- gate -------------------------------------------------------------------------------

    def _gate(self, phases: list[NDArray[np.float64]]) -> Result:
        """Open a gate of few ticks in the middle of each detector's clicks."""
        gates = []
        for found in phases:
            if not len(found):
                return "gate", False, "there are no events"
            middle, _ = around(found, PERIOD_CYCLES * self._pulser.cycle_ticks)
            gates.append(DetectorSettings(max(0, round(middle) - 1), 3))
        scene = Scene(
            PERIOD_CYCLES,
            tuple(2 + detector for detector in range(self._detectors)),
            (self._share(PERIOD_CYCLES),) * self._detectors,
        )
        settings = replace(open_settings(self._detectors), detectors=tuple(gates))
        self._pulser.play(scene, settings)
        run = run_for(self._board, self._seconds)
        outside, empty = 0, 0
        for detector, gate in enumerate(gates):
            found = phases_of(run.events, detector) - gate.gate_start_ticks
            outside += int(np.count_nonzero((found < 0) | (found >= 3)))
            empty += not len(found)
        _, accounted, detail = self._accounted("", run)
        passed = not outside and not empty and run.total.outside_gate > 0 and bool(accounted)
        return "gate exact to the tick", passed, f"3 ticks wide; {outside} events outside; {detail}"

    # ---- hold-off and doubles ---------------------------------------------------------------

    def _slow(self, chance: float) -> Scene:
        """Return a scene with few pulses, so that they may hold many clicks."""
        cycles = self._pulser.longest_cycles()
        first_two = [chance if detector < 2 else 0.0 for detector in range(self._detectors)]
        return Scene(cycles, (2,) * self._detectors, tuple(first_two))

    def _hold(self, pulses: int) -> Run:
        settings = replace(open_settings(self._detectors), holdoff_pulses=pulses)
        self._pulser.play(self._slow(CLICK_CHANCE), settings)
        return run_for(self._board, self._seconds)

    def _hold_off(self, free: Run, held: Run) -> Result:
        distances = np.diff(held.events.pulse.astype(np.int64))
        short = int(np.count_nonzero((distances <= HOLDOFF) & (distances > 0)))
        pulses = free.events.pulse.astype(np.int64)
        share = float(np.mean(np.diff(pulses, prepend=-HOLDOFF) > HOLDOFF)) if len(pulses) else 0
        rate = len(pulses) / max(free.total.triggers, 1)
        expected = held.total.triggers * rate * share
        # Both runs have their own chance.
        passed = agrees(len(held.events), expected, slack=6 * float(np.sqrt(expected)))
        _, accounted, _ = self._accounted("", held)
        detail = (
            f"of {HOLDOFF} pulses: {short} events too soon, {len(held.events):,} accepted, "
            f"{expected:,.0f} expected"
        )
        return "hold-off", passed and not short and bool(accounted) and expected > 0, detail

    def _doubles(self, free: Run) -> Result:
        doubles = int(np.count_nonzero(free.events.mask == 3))
        expected = free.total.triggers * CLICK_CHANCE**2
        counted = free.total.double_pulses, free.pairs.counts[0]
        passed = counted == (doubles, doubles) and agrees(doubles, expected)
        detail = f"{doubles:,} seen, {counted[0]:,} counted, {expected:,.0f} played"
        return "double clicks", passed, detail

    def _discards(self) -> Result:
        """Let both detectors click in every pulse, and discard them: nothing must come."""
        settings = replace(open_settings(self._detectors), double_click=DoubleClick.DISCARD)
        self._pulser.play(self._slow(1.0), settings)
        run = run_for(self._board, self._seconds)
        total = run.total
        # The first pulse of an epoch is in hold-off; others begin or end between the counters.
        slack = 10 + total.triggers / max(self._seconds, 0.1) * 2 * IN_FLIGHT_S
        dark = total.outside_gate + total.ignored_holdoff
        passed = (
            total.events == len(run.events) == 0
            and total.double_pulses > 0
            and abs(total.triggers - total.double_pulses - dark / 2) <= slack
        )
        detail = f"{total.double_pulses:,} of {total.triggers:,} pulses, {total.events} events"
        return "double clicks discarded", passed, detail

    def _markers(self, run: Run) -> Result:
        count = self._board.read("marker_count")
        return "marker input", None, f"{run.markers} seen in a run, {count} in the last"


def agrees(count: float, expected: float, slack: float = 0.0) -> bool:
    """Whether a count is within six standard deviations of its mean, and a slack."""
    return bool(abs(count - expected) <= 6 * np.sqrt(max(expected, 1.0)) + slack)


def phases_of(events: Events, detector: int) -> NDArray[np.float64]:
    """Return the phases of the events that a detector has for itself."""
    alone = events.mask == 1 << detector
    return np.asarray(events.phase_ticks[alone], np.float64)


def around(phases: NDArray[np.float64], period: float) -> tuple[float, float]:
    """Return the middle and the rms spread of phases, which may lie around the period's end."""
    turns = np.exp(2j * np.pi * phases / period)
    middle = float(np.angle(turns.mean())) / (2 * np.pi) * period % period
    beside = (phases - middle + period / 2) % period - period / 2
    return middle + float(beside.mean()), float(beside.std())


def wrapped(phase: float, period: float) -> float:
    """Return a difference of phases as the nearest to 0."""
    return (phase + period / 2) % period - period / 2


def _ns(ticks: list[float]) -> str:
    return " ".join(f"{each / 100:+.2f}" for each in ticks)

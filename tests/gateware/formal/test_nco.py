"""The tracker's oscillator numbers no pulse twice, and leaves none out in silence.

Beside it steps a model that knows no pipeline: the time since the latest pulse began, in 2^-40
ticks, in one number of 61 bits, and the steps to the next two pulses. It is proved by induction, so
for all time and at full widths, that while it runs

* a pulse begins in a slot when and only when the model's time, a clock on, is at or past the next
  pulse, and none has begun in the slot before (then it begins in this one): `wrap`, `edge`;
* where one begins, the model's time is less by just the step to it; else it is more by a clock. Its
  whole ticks are `since`, and those of the pulse before `since_before`, from the second pulse on;
  the latter modulo 2^18. `fraction` is that of the time;
* a step is the period as it stood a clock before the pulse two before began, or, once, the same
  with the correction that was announced last: none is lost and none is used twice;
* `due` and `next_due` count pulses by the trigger divider, and `behind` tells of pulses that were
  late by 1.25 slots or more.

`tracker.py` passes `since` and `since_before` on as they are, and `edge` where it is locked.

Assumed is what the tracker does: it loads a period twice and then waits for an edge (`Driven`);
period and divider hold still until it runs; no step is longer than 1.25 times the longest period.
And it ends its lock before a pulse is late by four slots: it does so four clocks after the slot of
one that is late by 1.25. Otherwise periods, corrections and edges may be anything in each clock.

The steps of the induction are proved in parts: each assumes all parts in the clock before, and
proves its own: three clocks are known, four in the set-up. Mutants are refuted from the start on.
"""

from functools import reduce
from operator import and_
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from tests.gateware.formal.conftest import needs_prover
from tests.gateware.formal.inside import implies, signals

from hexkey_gateware.pipeline import delayed
from hexkey_gateware.slot import MAX_PERIOD_TICKS, PHASE_BITS, TICKS_PER_CLOCK
from hexkey_gateware.tracking.constants import ERROR_FRACTION_BITS, FRACTION_BITS, behind_ticks
from hexkey_gateware.tracking.nco import PERIOD_BITS, PHASE, Nco
from hexkey_sim.formal import prove

pytestmark = needs_prover

EXACT = signed(PHASE_BITS + FRACTION_BITS + 3)
"""Time in 2^-40 ticks, with room to spare."""

CLOCK = TICKS_PER_CLOCK << FRACTION_BITS
LONGEST = MAX_PERIOD_TICKS * 5 // 4 << FRACTION_BITS
LATEST = 4 * CLOCK

# Clocks of the tracker's way to a running oscillator, and where it waits; before that it stands.
LOAD, CLEAR, LOAD_AGAIN, ALIGN, STARTED, RUN = 1, 3, 4, 9, 10, 11
STANDS = 4  # clocks, at the least


class Driven(wiring.Component):
    """An oscillator that gets what a tracker may give it, and the model beside it.

    `begin` starts, with a `period`, and an `edge` while it waits for one; `stop` ends it anywhere.
    """

    edge: In(1)
    fine: In(range(TICKS_PER_CLOCK))
    begin: In(1)
    stop: In(1)
    period: In(PERIOD_BITS)
    corrected: In(PERIOD_BITS)
    correcting: In(1)
    last_place: In(16)

    def __init__(self, nco: Nco) -> None:
        super().__init__()
        self._nco = nco

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.nco = inner = self._nco.elaborate(platform)
        self._drive(m)
        self._step(m)
        facts = self._promised(m)
        self._conclude(m, inner, facts)
        return m

    def _conclude(self, m: Module, inner: Module, facts: list[Value]) -> None:
        m.d.comb += [Assert(fact) for fact in facts]

    def _drive(self, m: Module) -> None:
        """Go the tracker's way: from standing over the set-up and an edge to running."""
        nco = self._nco
        stage = self._stage = Signal(range(RUN + 1))
        rest = self._rest = Signal(range(STANDS + 1))
        with m.If(self.stop):
            m.d.sync += stage.eq(0)
        with m.Elif(stage == 0):
            m.d.sync += stage.eq(Mux(self.begin & (rest == STANDS), LOAD, 0))
        with m.Elif((stage != RUN) & ((stage != ALIGN) | self.edge)):
            m.d.sync += stage.eq(stage + 1)
        with m.If(stage != 0):
            m.d.sync += rest.eq(0)
        with m.Elif(rest != STANDS):
            m.d.sync += rest.eq(rest + 1)
        period_before, place_before = Signal(PERIOD_BITS), Signal(16)
        m.d.sync += [period_before.eq(self.period), place_before.eq(self.last_place)]
        m.d.comb += [
            Assume((self.period <= LONGEST) & (self.corrected <= LONGEST)),
            Assume(self.fine < TICKS_PER_CLOCK),
            Assume((stage <= LOAD) | (stage == RUN) | (self.period == period_before)),
            Assume((stage == 0) | (self.last_place == place_before)),
            nco.trigger.valid.eq(self.edge),
            nco.trigger.payload.fine.eq(self.fine),
            nco.align.eq((stage == ALIGN) | (stage == STARTED)),
            nco.tracking.eq(stage == RUN),
            nco.load.eq((stage == LOAD) | (stage == LOAD_AGAIN)),
            nco.clear_fraction.eq(stage == CLEAR),
            nco.period.eq(self.period),
            nco.corrected.eq(self.corrected),
            nco.correcting.eq(self.correcting),
            nco.last_place.eq(self.last_place),
        ]
        self._period_before = period_before

    def _step(self, m: Module) -> None:
        """The model: time since the latest pulse, in one number, and the steps to the next two."""
        stage = self._stage
        self._since, self._before = Signal(EXACT), Signal(EXACT)
        self._step_0, self._step_1 = Signal(PERIOD_BITS), Signal(PERIOD_BITS)
        self._began, self._second = Signal(), Signal()
        self._waits = Signal()  # a correction
        self._place = Signal(16)
        corrected_before, announced = Signal(PERIOD_BITS), Signal()
        m.d.sync += [corrected_before.eq(self.corrected), announced.eq(self.correcting)]
        passed, begins = Signal(EXACT), Signal()
        m.d.comb += passed.eq(self._since + CLOCK - self._step_0)
        runs = stage == RUN
        m.d.comb += begins.eq(Mux(runs, (passed >= 0) & ~self._began, stage == STARTED))
        m.d.sync += [
            self._since.eq(Mux(begins, passed, self._since + CLOCK)),
            self._before.eq(Mux(begins, self._since, self._before) + CLOCK),
            self._began.eq(begins),
            self._waits.eq(runs & (announced | (self._waits & ~begins))),
        ]
        with m.If(begins):
            m.d.sync += [
                self._step_0.eq(self._step_1),
                self._step_1.eq(Mux(self._waits, corrected_before, self._period_before)),
                self._second.eq(runs),
                self._place.eq(Mux(self._place == self.last_place, 0, self._place + 1)),
            ]
        with m.If((stage == ALIGN) & self.edge):
            # The edge is pulse 0.
            m.d.sync += [
                self._since.eq((self.fine << FRACTION_BITS) + CLOCK),
                self._step_0.eq(self.period),
                self._step_1.eq(self.period),
                self._second.eq(0),
                self._place.eq(0),
            ]
        self._begins = begins
        m.d.comb += Assume(~(runs & self._began & (self._since >= LATEST)))  # lock would have ended

    def _promised(self, m: Module) -> list[Value]:
        """Return what must be true of the outputs."""
        nco, runs = self._nco, self._stage == RUN
        came = delayed(m, self._begins & runs, 1, reset_less=False)
        is_late = came & (_whole(self._since) >= behind_ticks(TICKS_PER_CLOCK))
        was_too_late = delayed(m, is_late, 2, reset_less=False)
        fraction = self._since[FRACTION_BITS - ERROR_FRACTION_BITS : FRACTION_BITS]
        is_last = self._place == self.last_place
        return [
            implies(runs, nco.wrap == self._begins),
            implies(runs, nco.edge == came),
            implies(runs, nco.since == _whole(self._since)),
            implies(runs, nco.fraction == fraction),
            implies(runs, nco.due == (self._place == 0)),
            implies(runs, nco.behind == was_too_late),
            implies(runs, nco.next_due == delayed(m, is_last, 1)),
            implies(runs & self._second, nco.since_before == _whole(self._before)[:PHASE_BITS]),
        ]


class Step(Driven):
    """A step of the induction, from all that is known in some clocks to a part of it in the next.

    Parameters
    ----------
    part : str
        One of `PARTS`.
    """

    PARTS = ("outputs", "set-up", "pulses", "time", "move", "next move")

    def __init__(self, nco: Nco, part: str) -> None:
        super().__init__(nco)
        self._part = part

    def _conclude(self, m: Module, inner: Module, facts: list[Value]) -> None:
        self._named = signals(inner)
        self._phase_fraction = next(
            signal
            for signal in inner._driving
            if signal.name == "fraction" and len(signal) == FRACTION_BITS
        )
        self._to_next = Signal(EXACT)
        m.d.comb += self._to_next.eq(self._since - self._step_0)
        known = {
            "outputs": facts,
            "set-up": self._of_set_up(m),
            "pulses": self._of_pulses(),
            "time": self._of_time(),
            "move": self._of_move(m),
            "next move": self._of_next_move(m),
        }
        before = Signal(init=1)
        m.d.sync += before.eq(reduce(and_, (fact for part in known.values() for fact in part)))
        m.d.comb += Assume(before)
        m.d.comb += [Assert(fact) for fact in known[self._part]]

    def _of_set_up(self, m: Module) -> list[Value]:
        """Say how it stands, and how the first steps get ready."""
        nco, stage, rest, named = self._nco, self._stage, self._rest, self._named
        fraction, coming = self._phase_fraction, named["coming"]
        low, less_one = _parts_of_step(m, self._period_before, "first_less_one")
        fine = delayed(m, self.fine, 1)
        move = less_one + (low == 0)
        ahead = move + less_one

        def within(first: int, last: int) -> Value:
            return (stage >= first) & (stage <= last)

        stands = ((stage == 0) & (rest >= 3)) | within(LOAD, ALIGN)
        stood = ((stage == 0) & (rest >= 4)) | within(LOAD, STARTED)
        wraps = (stage == LOAD + 1) | (stage == LOAD_AGAIN + 1) | (stage == STARTED)
        started_right = (
            (self._since == (fine << FRACTION_BITS) + CLOCK)
            & (self._step_0 == self._period_before)
            & (self._step_1 == self._period_before)
            & (self._place == 0)
        )
        return [
            stage <= RUN,
            implies(stage == LOAD, rest == STANDS),
            implies(within(LOAD + 1, STARTED), rest == 0),
            named["stays"] == ~nco.wrap,
            implies(stands, nco._standing & ~nco.started),
            implies(stage == STARTED, ~nco._standing & nco.started),
            implies(stage == RUN, ~nco._standing & ~nco.started),
            implies(stood | stands, nco.wrap == wraps),
            implies(stood, (nco.since == TICKS_PER_CLOCK)),
            implies(stood, nco._until_next == 2 * TICKS_PER_CLOCK),
            implies(within(LOAD, STARTED) | ((stage == 0) & (rest >= 2)), ~named["armed"]),
            implies(within(4, STARTED), nco._less_one == less_one),
            implies(within(4, STARTED), nco._less == less_one + 1),
            implies(within(4, 5), fraction == 0),
            implies(stage == 5, coming == (-low)[: len(coming)]),
            implies(within(6, STARTED), fraction == (-low)[:FRACTION_BITS]),
            implies(within(6, STARTED), named["first_move"] == move),
            implies(within(7, STARTED), coming == (fraction - low)[: len(coming)]),
            implies(within(8, STARTED), named["ahead_base"] == ahead),
            implies(stage == STARTED, nco._move == move + fine),
            implies(stage == STARTED, named["ahead"] == ahead + fine),
            implies(stage == STARTED, started_right),
        ]

    def _of_pulses(self) -> list[Value]:
        left, stage = self._named["left"], self._stage
        runs = stage == RUN
        return [
            implies((stage >= LOAD_AGAIN) & ~runs, left == self.last_place - 1),
            implies(runs, left == self.last_place - 1 - self._place),
            implies(runs, self._place <= self.last_place),
        ]

    def _of_time(self) -> list[Value]:
        """Say how far the next pulse is, and that there is room for it."""
        runs, ahead = self._stage == RUN, self._to_next + 2 * CLOCK
        return [
            implies(runs, self._nco._until_next == _whole(self._to_next) + 2 * TICKS_PER_CLOCK),
            implies(runs, (ahead < 7 * CLOCK) & (ahead >= -(1 << PHASE_BITS + FRACTION_BITS))),
            implies(runs, (self._step_0 <= LONGEST) & (self._step_1 <= LONGEST)),
            implies(runs, self._since >= -LONGEST),
        ]

    def _of_move(self, m: Module) -> list[Value]:
        """Say that the step to the next pulse is ready."""
        runs = self._stage == RUN
        move = Signal(EXACT)
        m.d.comb += move.eq(_whole(self._to_next) + TICKS_PER_CLOCK - _whole(self._since))
        return [
            implies(runs, self._phase_fraction == self._to_next[:FRACTION_BITS]),
            implies(runs, self._named["first_move"] == move),
            implies(runs & ~self._began, self._nco._move == move),
        ]

    def _of_next_move(self, m: Module) -> list[Value]:
        """Say that the step after that is, two clocks after a pulse has begun."""
        nco, named, fraction = self._nco, self._named, self._phase_fraction
        runs, coming = self._stage == RUN, named["coming"]
        settled = runs & ~self._began
        low, less_one = _parts_of_step(m, self._step_1, "less_one")
        return [
            implies(settled, nco._less_one == less_one),
            implies(settled, nco._less == less_one + 1),
            implies(settled, coming == (fraction - low)[: len(coming)]),
            implies(runs, named["ahead_base"] == less_one),
            implies(settled, named["ahead"] == less_one),
            implies(runs, named["armed"] == self._waits),
        ]


def _parts_of_step(m: Module, step: Value, name: str) -> tuple[Value, Signal]:
    """Return the fraction of a step, and the ticks of a clock less its whole ones, less one."""
    less_one = Signal(PHASE, name=name)
    m.d.comb += less_one.eq(TICKS_PER_CLOCK - 1 - step[FRACTION_BITS:])
    return step[:FRACTION_BITS], less_one


def _whole(time: Value) -> Value:
    return time >> FRACTION_BITS


@pytest.mark.parametrize("part", Step.PARTS)
def test_pulses_are_numbered_once(part: str, tmp_path: Path) -> None:
    proof = prove(Step(Nco(TICKS_PER_CLOCK), part), tmp_path, depth=4 if part == "set-up" else 3)
    assert proof.holds, proof.log


class DropsTheCarry(Nco):
    """Lets the fractions go round without telling the ticks."""

    def _prepare_step(self, m: Module) -> None:
        super()._prepare_step(m)
        m.d.comb += self._borrow.eq(0)


class BeginsTwice(Nco):
    """Does not wait until a pulse that has begun is subtracted."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.tracking & ~self._until_next[-1]):
            m.d.comb += signals(m)["wraps"].eq(1)
        return m


class ComesLate(Nco):
    """Lets a pulse that begins just with a slot's end wait for the next."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        with m.If(self.tracking & (self._until_next == 0)):
            m.d.comb += signals(m)["wraps"].eq(0)
        return m


class CorrectsTwice(Nco):
    """Uses a correction for each pulse to come."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        armed = signals(m)["armed"]
        with m.If(armed):
            m.d.sync += armed.eq(self.tracking)
        return m


class OnePeriod(Driven):
    """Few inputs, so that the search is short."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        period = 4995 << FRACTION_BITS - 2  # 2.5 clocks less 1.25 ticks
        m.d.comb += [
            Assume(self.begin & self.edge & ~self.stop),
            Assume((self.period == period) & (self.corrected == period + CLOCK // 8)),
            Assume(self.last_place == 0),
        ]
        return m


@pytest.mark.parametrize("mutant", [DropsTheCarry, BeginsTwice, ComesLate, CorrectsTwice])
def test_proof_sees_a_wrong_pulse(mutant: type[Nco], tmp_path: Path) -> None:
    proof = prove(OnePeriod(mutant(TICKS_PER_CLOCK)), tmp_path, mode="bmc", depth=36)
    assert proof.refuted, proof.log

"""The loop filter: what an edge's error changes in period and phase."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.pipeline import delayed
from hexkey_gateware.tracking.constants import (
    CORRECTION_LATENCY,
    DECISION_LATENCY,
    ERROR_FRACTION_BITS,
    FRACTION_BITS,
    MAX_LOOP_SHIFT,
)
from hexkey_gateware.tracking.nco import PERIOD_BITS
from hexkey_gateware.tracking.phase_detector import ERROR

MAX_DIVIDER_SHIFT = 16
LATENCY = CORRECTION_LATENCY - DECISION_LATENCY - 1  # one is the NCO's
LOW_BITS = PERIOD_BITS // 2
LESS_FRACTION_BITS = FRACTION_BITS - ERROR_FRACTION_BITS


class LoopFilter(wiring.Component):
    """Adds error / 2^shift to the phase, once, and error / 2^(2 shift + 2 + divider shift) to P.

    With the divider between 2^divider_shift / 2 and 2^divider_shift the loop is damped critically
    or more. Up to shift 10 and divider 1024 nothing is rounded off.

    Sums are made in two halves, the upper one a clock later.

    Latency 6 clocks from `taken` to `period`, 7 to `corrected`; throughput an error a clock.

    Members
    -------
    taken, error : :py:`In(...)`
        Of the phase detector.
    shift : :py:`In(4)`
    divider_shift : :py:`In(5)`
    clear : :py:`In(1)`
        The period is 0 in the next clock.
    load, measured : :py:`In(...)`
        The period, while it is 0, is `measured` 3 clocks later.
    period : :py:`Out(58)`
        Ticks with 40 fraction bits.
    correcting, corrected : :py:`Out(...)`
        A clock after `correcting` the period with the correction of the phase is there.
    """

    taken: In(1)
    error: In(ERROR)
    shift: In(range(MAX_LOOP_SHIFT + 1))
    divider_shift: In(range(MAX_DIVIDER_SHIFT + 1))
    clear: In(1)
    load: In(1)
    measured: In(PERIOD_BITS)
    period: Out(PERIOD_BITS)
    correcting: Out(1)
    corrected: Out(PERIOD_BITS)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        valid = Signal(LATENCY - 1)  # bit i: of the error i + 1 clocks ago
        changing, carry, correction_carry = Signal(2), Signal(), Signal()
        low = Signal(LOW_BITS)
        high = Signal(PERIOD_BITS - LOW_BITS)
        low_sum, correction_sum = Signal(LOW_BITS + 1), Signal(LOW_BITS + 1)
        corrected_high = Signal.like(high, reset_less=True)
        change, phase = self._shift_change(m), self._shift_phase(m)
        change_high, phase_high = (delayed(m, each >> LOW_BITS, 1) for each in (change, phase))
        correction_low = delayed(m, correction_sum[:-1], 1)
        corrected_low = Signal.like(low, reset_less=True)
        m.d.comb += [
            self.correcting.eq(valid[-1]),
            low_sum.eq(low + change[:LOW_BITS]),
            correction_sum.eq(low + phase[:LOW_BITS]),
            self.period.eq(Cat(delayed(m, low, 1), high)),
            self.corrected.eq(Cat(corrected_low, corrected_high)),
        ]
        m.d.sync += [
            valid.eq(Cat(self.taken, valid)),
            changing.eq(Cat(valid[2] | self.load, changing)),
            carry.eq(low_sum[-1]),
            correction_carry.eq(correction_sum[-1]),
        ]
        with m.If(changing[0]):
            m.d.sync += low.eq(low_sum)
        with m.If(changing[1]):
            m.d.sync += high.eq(high + change_high + carry)
        with m.If(self.clear):
            m.d.sync += [low.eq(0), high.eq(0)]
        with m.If(self.correcting):
            m.d.sync += corrected_low.eq(correction_low)
            m.d.sync += corrected_high.eq(high + phase_high + correction_carry)
        return m

    def _shift_change(self, m: Module) -> Value:
        """Return the period's change, 4 clocks after its error.

        The shifters do two bits of a shift a clock. First zeros are put behind what they shift, so
        that none of it is lost.
        """
        shift = _register(m, Cat(Const(0, 1), self.shift) + self.divider_shift)
        value = _register(m, _append(self.error, LESS_FRACTION_BITS - 2))
        for clock in range(2):
            value = _register(m, _shifted(value, shift, 2 * clock))
            shift = _register(m, shift)
        change = Signal(signed(PERIOD_BITS), reset_less=True)
        m.d.sync += change.eq(Mux(self.load, self.measured, _shifted(value, shift, 4)))
        return change

    def _shift_phase(self, m: Module) -> Value:
        """Return the phase's correction, 5 clocks after its error."""
        shift = _register(m, self.shift)
        value = _register(m, _append(self.error, MAX_LOOP_SHIFT))
        for clock in range(LATENCY - 3):
            value = _register(m, _shifted(value, shift, 2 * clock) if clock < 2 else value)
            shift = _register(m, shift)
        return _append(value, LESS_FRACTION_BITS - MAX_LOOP_SHIFT)


def _register(m: Module, value: Value) -> Signal:
    register = Signal(value.shape(), reset_less=True)
    m.d.sync += register.eq(value)
    return register


def _append(value: Value, zeros: int) -> Value:
    """Return a signed value with zeros behind it."""
    return Cat(Const(0, zeros), value).as_signed()


def _shifted(value: Signal, shift: Signal, bit: int) -> Value:
    """Return a signed value after two bits of a shift, from one on."""
    by = shift[bit : bit + 2]
    two = Mux(by[0], value >> (1 << bit), value)
    three = Mux(by[0], value >> (3 << bit), value >> (2 << bit))
    return Mux(by[1], three, two)

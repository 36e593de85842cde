"""The self-test's light: a pulser that plays trigger and detectors, and the calibration's clock.

It runs on an oscillator of its own, which is not locked to the tagger's clock, so that its edges
fall everywhere in a slot.
"""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import CHANNELS

PERIOD_BITS = 16
DELAY_BITS = 8
PROBABILITY_BITS = 16

OSCILLATOR_CYCLES = 16  # of the calibration's edges: about 10 MHz of them, 50 ns high and low

PULSER_SETTINGS = data.StructLayout(
    {
        "period": PERIOD_BITS,
        "delays": data.ArrayLayout(DELAY_BITS, CHANNELS),
        "probabilities": data.ArrayLayout(PROBABILITY_BITS, CHANNELS),
    }
)


@dataclass(frozen=True, slots=True)
class ShiftRegister:
    """One that repeats after 2^bits - 1 steps: x^bits + x^tap + 1 is primitive.

    Attributes
    ----------
    bits, tap : int
    steps : int
        In a period, at most `tap`: what is fed back was there before the first of them.
    multiplier : int
        Chooses where each channel starts, far from the others.
    """

    bits: int
    tap: int
    steps: int
    multiplier: int

    def seed(self, channel: int) -> int:
        return pow(self.multiplier, channel + 1, 1 << self.bits)

    def stepped(self, state: Signal) -> Value:
        """Return the state a period later."""
        bits: list[Value] = [state[place] for place in range(self.bits)]
        for _ in range(self.steps):
            bits = [bits[self.bits - 1] ^ bits[self.tap - 1], *bits[:-1]]
        return Cat(*bits)


SHIFT_REGISTERS = (ShiftRegister(31, 28, 19, 0x2545F491), ShiftRegister(29, 27, 23, 0x1B873593))
"""Random numbers are the sums of both, bit by bit. Of one register alone, small numbers would
follow small numbers: bits that lie near each other depend. Of both, with so many steps, no bits of
two numbers do, nor those of three within 24 periods."""


class Pulser(wiring.Component):
    """Plays a pulse in each period, or in some of them, to each channel.

    In the period that begins with cycle 0, channel c plays its pulse in cycle `delays` [c] + 3, two
    cycles high where the period is longer than 6 and one otherwise, if its random number is below
    `probabilities` [c]; the highest probability is every period. A delay may exceed the period: up
    to three pulses are under way for each channel, no more. Two random numbers are independent, of
    one channel or of two; see `SHIFT_REGISTERS`.

    Settings may come from any clock domain; after a change some periods are unlike both old and new
    ones.

    Members
    -------
    settings : :py:`In(PULSER_SETTINGS)`
    pulses : :py:`Out(5)`
        What is played, a bit for each channel; registered, free of glitches.
    oscillator : :py:`Out(1)`
        The clock divided by `OSCILLATOR_CYCLES`, registered.
    """

    settings: In(PULSER_SETTINGS)
    pulses: Out(CHANNELS)
    oscillator: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        settings = Signal(PULSER_SETTINGS)
        m.submodules += FFSynchronizer(self.settings.as_value(), settings.as_value())
        place = Signal(PERIOD_BITS)
        begins = Signal(init=1)  # place is 0
        last = Signal()
        m.d.sync += begins.eq(last)
        penultimate = Signal(PERIOD_BITS)
        m.d.sync += penultimate.eq(settings.period - 2)
        m.d.sync += last.eq((place >= penultimate) & ~last)
        m.d.sync += place.eq(Mux(last, 0, place + 1))

        divider = Signal(range(OSCILLATOR_CYCLES))
        m.d.sync += divider.eq(divider + 1)
        m.d.sync += self.oscillator.eq(divider[-1])

        long = Signal()
        m.d.sync += long.eq(settings.period > 6)
        for channel in range(CHANNELS):
            plays = self._chance(m, channel, settings.probabilities[channel], begins)
            starts = self._delay(m, settings.delays[channel], plays)
            second = Signal()
            m.d.sync += second.eq(starts & long)
            m.d.sync += self.pulses[channel].eq(starts | second)
        return m

    def _chance(self, m: Module, channel: int, probability: Value, begins: Value) -> Value:
        """Return whether the period that begins in this clock has a pulse."""
        number = Signal(PROBABILITY_BITS)
        m.d.sync += number.eq(self._number(m, channel, begins))
        below = Signal()
        every = probability == (1 << PROBABILITY_BITS) - 1
        m.d.sync += below.eq((number < probability) | every)
        plays = Signal()
        m.d.sync += plays.eq(begins & below)
        return plays

    def _number(self, m: Module, channel: int, begins: Value) -> Value:
        """Return a random number, another one in each period."""
        sums = Const(0, PROBABILITY_BITS)
        for register in SHIFT_REGISTERS:
            state = Signal(register.bits, init=register.seed(channel))
            with m.If(begins):
                m.d.sync += state.eq(register.stepped(state))
            sums = sums ^ state[:PROBABILITY_BITS]
        return sums

    def _delay(self, m: Module, delay: Value, plays: Value) -> Value:
        """Return `plays` so many cycles later, for up to three at a time."""
        under_way = 3
        left = [Signal(DELAY_BITS, name=f"left_{index}") for index in range(under_way)]
        busy = [Signal(name=f"busy_{index}") for index in range(under_way)]
        delays = Signal()
        starts = Signal()
        m.d.sync += delays.eq(delay != 0)
        taken = plays & delays
        ends: list[Value] = []
        for counter, counting in zip(left, busy, strict=True):
            with m.If(counting):
                m.d.sync += counter.eq(counter - 1)
                with m.If(counter == 1):
                    m.d.sync += counting.eq(0)
            with m.If(taken & ~counting):
                m.d.sync += [counter.eq(delay), counting.eq(1)]
            ends.append(counting & (counter == 1))
            taken = taken & counting
        m.d.sync += starts.eq((plays & ~delays) | Cat(ends).any())
        return starts

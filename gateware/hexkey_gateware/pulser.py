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
PERIODS_UNDER_WAY = 3

OSCILLATOR_CYCLES = 16  # of the calibration's edges: about 10 MHz of them, 50 ns high and low

PULSER_SETTINGS = data.StructLayout(
    {
        "period": PERIOD_BITS,
        "delays": data.ArrayLayout(DELAY_BITS, CHANNELS),
        "probabilities": data.ArrayLayout(PROBABILITY_BITS, CHANNELS),
    }
)


QUARTER_BITS = 4  # of a random number: what is made and compared in one cycle


@dataclass(frozen=True, slots=True)
class ShiftRegister:
    """One that repeats after 2^bits - 1 steps: x^bits + x^tap + 1 is primitive.

    Attributes
    ----------
    bits, tap : int
    steps : int
        From a quarter of a number to the next, at most `tap`: what is fed back was there before the
        first of them.
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
        """Return the state a quarter later."""
        bits: list[Value] = [state[place] for place in range(self.bits)]
        for _ in range(self.steps):
            bits = [bits[self.bits - 1] ^ bits[self.tap - 1], *bits[:-1]]
        return Cat(*bits)


SHIFT_REGISTERS = (ShiftRegister(31, 28, 4, 0x2545F491), ShiftRegister(29, 27, 5, 0x1B873593))
"""Random numbers are the sums of both, bit by bit. Of one register alone, small numbers would
follow small numbers: bits that lie near each other depend. Of both, with these steps, no bits of
two numbers do, nor those of three within 24 periods."""


class Pulser(wiring.Component):
    """Plays a pulse in each period, or in some of them, to each channel.

    In the period that begins with cycle 0, channel c plays its pulse in cycle `delays` [c] + 3, two
    cycles high where the period is longer than 6 and one otherwise, if its random number is below
    `probabilities` [c]; the highest probability is every period. A delay may exceed the period: up
    to three pulses are under way for each channel, no more. Two random numbers are independent, of
    one channel or of two; see `SHIFT_REGISTERS`.

    A period's random numbers are made in the period before, in the four cycles which the shortest
    has.

    Settings may come from any clock domain; after a change some periods are unlike both old and new
    ones.

    Members
    -------
    settings : :py:`In(PULSER_SETTINGS)`
        Periods of 4 cycles or more.
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
        self._last, self._begins = Signal(), Signal(init=1)  # a period's last cycle, its first
        self._count_period(m, settings.period)
        self._count_quarters(m)
        passed = self._count_passed(m)

        divider = Signal(range(OSCILLATOR_CYCLES))
        m.d.sync += divider.eq(divider + 1)
        m.d.sync += self.oscillator.eq(divider[-1])

        long = Signal()
        m.d.sync += long.eq(settings.period[:3].all() | settings.period[3:].any())  # more than 6
        for channel in range(CHANNELS):
            plays = self._chance(m, channel, settings.probabilities[channel])
            starts = self._delay(m, settings.delays[channel], plays, passed)
            second = Signal()
            m.d.sync += second.eq(starts & long)
            m.d.sync += self.pulses[channel].eq(starts | second)
        return m

    def _count_period(self, m: Module, period: Value) -> None:
        """Count from the period's complement, so that the end is always the same number."""
        end = (1 << PERIOD_BITS) - 2
        place = Signal(PERIOD_BITS, init=end - 8)  # near, as no setting has come yet
        m.d.sync += [self._last.eq(place == end - 1), self._begins.eq(self._last)]
        m.d.sync += place.eq(Mux(self._last, ~period, place + 1))

    def _count_quarters(self, m: Module) -> None:
        """Say in a period's first four cycles that numbers are made, and which part is next."""
        self._next_quarter = Signal(range(PROBABILITY_BITS // QUARTER_BITS))
        with m.If(self._last):
            m.d.sync += self._next_quarter.eq(1)
        with m.Elif(self._next_quarter != 0):
            m.d.sync += self._next_quarter.eq(self._next_quarter + 1)
        fourth = Signal()
        m.d.sync += fourth.eq(self._next_quarter == 3)
        self._makes = (self._next_quarter != 0) | fourth

    def _count_passed(self, m: Module) -> list[Value]:
        """Return the cycles since this period began, and the two before; 256 is that or more."""
        passed = [
            Signal(DELAY_BITS + 1, name=f"passed_{back}") for back in range(PERIODS_UNDER_WAY)
        ]
        following: Value = Const(0, DELAY_BITS + 1)
        for cycles in passed:
            counted = Signal.like(cycles)
            m.d.comb += counted.eq(cycles + ~cycles[-1])
            m.d.sync += cycles.eq(Mux(self._last, following, counted))
            following = counted
        return list(passed)

    def _chance(self, m: Module, channel: int, probability: Value) -> Value:
        """Return whether the next period has a pulse, while this one begins."""
        quarter = Signal(QUARTER_BITS)
        m.d.sync += quarter.eq(probability.word_select(self._next_quarter, QUARTER_BITS))
        below, every = Signal(), Signal()
        less = below & ~self._begins
        for number, limit in zip(self._number(m, channel), quarter, strict=True):
            less = (limit & ~number) | (~(limit ^ number) & less)
        with m.If(self._makes):
            m.d.sync += below.eq(less)
            m.d.sync += every.eq(quarter.all() & (every | self._begins))
        return below | every

    def _number(self, m: Module, channel: int) -> Value:
        """Return a quarter of a random number, from the least to the most significant."""
        sums = Const(0, QUARTER_BITS)
        for register in SHIFT_REGISTERS:
            state = Signal(register.bits, init=register.seed(channel))
            with m.If(self._makes):
                m.d.sync += state.eq(register.stepped(state))
            sums = sums ^ state[:QUARTER_BITS]
        return sums

    def _delay(self, m: Module, delay: Value, plays: Value, passed: list[Value]) -> Value:
        """Return when so many cycles have passed of a period that has a pulse."""
        starts = []
        chosen = plays
        for back, cycles in enumerate(passed):
            played = Signal(name=f"played_{back}")
            with m.If(self._begins):
                m.d.sync += played.eq(chosen)
            chosen = played
            due = Signal(name=f"due_{back}")
            m.d.sync += due.eq(cycles[:DELAY_BITS] == delay)
            with m.If(cycles[DELAY_BITS]):
                m.d.sync += due.eq(0)
            starts.append(due & played)
        start = Signal()
        m.d.sync += start.eq(Cat(starts).any())
        return start

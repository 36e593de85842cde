"""The self-test's light: a pulser that plays trigger and detectors, and the calibration's clock.

It runs on an oscillator of its own, which is not locked to the tagger's clock, so that its edges
fall everywhere in a slot.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import CHANNELS

PERIOD_BITS = 16
DELAY_BITS = 8
PROBABILITY_BITS = 16

LFSR_BITS = 31
LFSR_TAP = 28  # x^31 + x^28 + 1 is primitive: the register repeats after 2^31 - 1 steps
OSCILLATOR_CYCLES = 16  # of the calibration's edges: about 10 MHz of them, 50 ns high and low

PULSER_SETTINGS = data.StructLayout(
    {
        "period": PERIOD_BITS,
        "delays": data.ArrayLayout(DELAY_BITS, CHANNELS),
        "probabilities": data.ArrayLayout(PROBABILITY_BITS, CHANNELS),
    }
)


def lfsr_seed(channel: int) -> int:
    """Return where a channel's shift register starts: far from the others'."""
    return (0x2545F491 * (channel + 1)) % (1 << LFSR_BITS)


class Pulser(wiring.Component):
    """Plays a pulse in each period, or in some of them, to each channel.

    In the period that begins with cycle 0, channel c plays its pulse in cycle `delays` [c] + 3, two
    cycles high where the period is longer than 6 and one otherwise, if its random number is below
    `probabilities` [c]; the highest probability is every period. A delay may exceed the period: up
    to three pulses are under way for each channel, no more. Random numbers are the states of shift
    registers, which step 16 bits a period.

    Settings may come from any clock domain; after a change some periods are unlike both old and new
    ones.

    Parameters
    ----------
    seeds : sequence of int
        Of the channels' shift registers, not 0.

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
        state = Signal(LFSR_BITS, init=lfsr_seed(channel))
        with m.If(begins):
            m.d.sync += state.eq(_stepped(state))
        below = Signal()
        every = probability == (1 << PROBABILITY_BITS) - 1
        m.d.sync += below.eq((state[:PROBABILITY_BITS] < probability) | every)
        plays = Signal()
        m.d.sync += plays.eq(begins & below)
        return plays

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


def _stepped(state: Signal) -> Value:
    """Return the state after as many steps as a random number has bits."""
    bits: list[Value] = [state[place] for place in range(LFSR_BITS)]
    for _ in range(PROBABILITY_BITS):
        bits = [bits[LFSR_BITS - 1] ^ bits[LFSR_TAP - 1], *bits[:-1]]
    return Cat(*bits)

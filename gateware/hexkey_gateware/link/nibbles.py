"""Wide numbers, a nibble at a time: few gates, where there are many clocks.

A number of 64 bits as a `Ring` takes flip-flops and no gates, and to add to it takes an adder of
four bits and sixteen clocks.
"""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

NIBBLE_BITS = 4


def part(m: Module, value: Value, place: Value, bits: int) -> Value:
    """Return the part of a value at a place, counted in parts of so many bits.

    As `word_select`, of which tools make a shifter where not every place is one of the value's.
    """
    found = Signal(bits)
    value = Value.cast(value)
    with m.Switch(place):
        for at in range(-(-len(value) // bits)):
            with m.Case(at):
                m.d.comb += found.eq(value[at * bits : (at + 1) * bits])
    return found


class Ring(wiring.Component):
    """A number of which one nibble is seen, the lowest first.

    Parameters
    ----------
    nibbles : int
        In the number: after as many turns it stands as before.
    init : int

    Members
    -------
    turn : :py:`In(1)`
        `i` takes the place of the nibble that is seen, and the next one is seen.
    clear : :py:`In(1)`
        All become 0.
    i, o : :py:`In(4), Out(4)`
    """

    turn: In(1)
    clear: In(1)
    i: In(NIBBLE_BITS)
    o: Out(NIBBLE_BITS)

    def __init__(self, nibbles: int, *, init: int = 0) -> None:
        super().__init__()
        self.bits = Signal(NIBBLE_BITS * nibbles, init=init)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.eq(self.bits)
        with m.If(self.turn):
            m.d.sync += self.bits.eq(Cat(self.bits[NIBBLE_BITS:], self.i))
        with m.If(self.clear):
            m.d.sync += self.bits.eq(0)
        return m


class Adder(wiring.Component):
    """Adds two numbers that go by.

    Latency 0.

    Members
    -------
    begin : :py:`In(1)`
        The lowest nibbles come in the next clock.
    step : :py:`In(1)`
        The next ones do.
    a, b : :py:`In(4)`
    sum : :py:`Out(4)`
    carry : :py:`Out(1)`
        Of the nibbles before.
    """

    begin: In(1)
    step: In(1)
    a: In(NIBBLE_BITS)
    b: In(NIBBLE_BITS)
    sum: Out(NIBBLE_BITS)
    carry: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # One addition, as tools make two of three summands.
        total = Signal(NIBBLE_BITS + 2)
        m.d.comb += total.eq(Cat(self.carry, self.a) + Cat(self.carry, self.b))
        m.d.comb += self.sum.eq(total[1:])
        with m.If(self.step):
            m.d.sync += self.carry.eq(total[-1])
        with m.If(self.begin):
            m.d.sync += self.carry.eq(0)
        return m

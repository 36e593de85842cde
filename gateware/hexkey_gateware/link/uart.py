"""The serial port: 8 bits, no parity, one stop bit, with the host's RTS.

A bit is seldom a whole number of clocks (50 MHz / 3 Mbaud is 16 2/3). Both ends count in fractions
of a clock, exactly: with p/q clocks a bit, each clock adds q to a *phase*, and p of it are a bit.
"""

from fractions import Fraction
from itertools import pairwise

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

SHORTEST_BIT_CLOCKS = 4
DATA_BITS = 8
FRAME_BITS = DATA_BITS + 2  # with start and stop


def bit_clocks(clock_hz: int, baud: int) -> Fraction:
    """Return the clocks of a bit, exactly; ValueError for fewer than 4."""
    clocks = Fraction(clock_hz, baud)
    if clocks < SHORTEST_BIT_CLOCKS:
        raise ValueError(
            f"a bit must have at least {SHORTEST_BIT_CLOCKS} clocks, not {float(clocks):.3g}: "
            f"{baud} baud are too fast for a clock of {clock_hz} Hz"
        )
    return clocks


class _BitTimer:
    """Says when a bit ends, or its middle is reached.

    Attributes
    ----------
    tick : Signal
        In the last clock of each bit. The n-th comes within half a clock of n bits after the timer
        began to run.
    """

    def __init__(self, clock_hz: int, baud: int) -> None:
        bit = bit_clocks(clock_hz, baud)
        self._bit, self._step = bit.numerator, bit.denominator
        self._phase = Signal(range(self._bit))
        self.tick = Signal()

    def add(self, m: Module, running: Value, early: Fraction = Fraction(0)) -> None:
        """Count while `running`; the first tick comes a part `early` of a bit before its time."""
        start = int(early * self._bit) + self._step // 2
        grown = self._phase + self._step
        m.d.comb += self.tick.eq(running & (grown >= self._bit))
        with m.If(running):
            m.d.sync += self._phase.eq(Mux(self.tick, grown - self._bit, grown))
        with m.Else():
            m.d.sync += self._phase.eq(start)


class UartTransmitter(wiring.Component):
    """Sends bytes while the host is ready to take them.

    Latency: the start bit begins 1 clock after a byte was taken. Throughput: a byte takes 10 bits,
    without a pause between bytes; edges are within half a clock of where they ideally are.
    Back-pressure: ``i`` is ready for one clock at the end of each byte, and while nothing is sent.
    Once the host withdraws its RTS, seen 2 clocks later, the byte that is under way is finished and
    no other begun.

    Parameters
    ----------
    clock_hz, baud : int
        At least 4 clocks a bit.
    rts_active : {0, 1}
        Level of `ready_to_send` at which the host takes bytes: 0 at the pins of USB adapters.

    Members
    -------
    i : :py:`In(stream.Signature(8))`
    tx : :py:`Out(1)`
    ready_to_send : :py:`In(1)`
        The host's RTS, not synchronised.
    """

    i: In(stream.Signature(unsigned(8)))
    tx: Out(1, init=1)
    ready_to_send: In(1)

    def __init__(self, clock_hz: int, baud: int, rts_active: int = 0) -> None:
        super().__init__()
        self._timer = _BitTimer(clock_hz, baud)
        self._rts_active = rts_active

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ready_to_send = Signal()
        m.submodules.synchronizer = FFSynchronizer(
            self.ready_to_send, ready_to_send, init=1 - self._rts_active
        )
        bits = Signal(DATA_BITS + 1)  # still to be sent, stop bit included
        left = Signal(range(FRAME_BITS + 1))  # bits that have not ended
        tick = self._timer.tick
        self._timer.add(m, left != 0)

        with m.If(tick):
            m.d.sync += left.eq(left - 1)
            m.d.sync += self.tx.eq(bits[0])
            m.d.sync += bits.eq((bits >> 1) | (1 << DATA_BITS))
        free = (left == 0) | (tick & (left == 1))
        m.d.comb += self.i.ready.eq(free & self._host_is_ready(ready_to_send))
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += left.eq(FRAME_BITS)
            m.d.sync += self.tx.eq(0)
            m.d.sync += bits.eq(self.i.payload | (1 << DATA_BITS))
        return m

    def _host_is_ready(self, ready_to_send: Value) -> Value:
        return ready_to_send == self._rts_active


class UartReceiver(wiring.Component):
    """Receives bytes, also from a sender whose clock is off by 2 %.

    The line passes a synchroniser and a majority of three clocks, which swallows what is shorter
    than a clock; what is shorter than half a bit begins no byte. A byte without a stop bit is
    dropped with `framing_error`, and the next can begin once the line was high.

    Latency: a byte is valid 5 clocks after the middle of its stop bit. Throughput: a byte each 9.5
    bits. Back-pressure: the line cannot wait; a byte that ends while the one before has not been
    taken is dropped with `overrun`.

    Parameters
    ----------
    clock_hz, baud : int
        At least 4 clocks a bit.

    Members
    -------
    rx : :py:`In(1)`
        Not synchronised.
    o : :py:`Out(stream.Signature(8))`
    framing_error, overrun : :py:`Out(1)`
        High for a clock for each byte dropped.
    """

    rx: In(1, init=1)
    o: Out(stream.Signature(unsigned(8)))
    framing_error: Out(1)
    overrun: Out(1)

    SAMPLED_AT = Fraction(1, 2)  # of a bit

    def __init__(self, clock_hz: int, baud: int) -> None:
        super().__init__()
        self._timer = _BitTimer(clock_hz, baud)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = self._filtered(m)
        receiving = Signal()
        middle = self._timer.tick
        self._timer.add(m, receiving, early=1 - self.SAMPLED_AT)
        # A one at the bottom of the byte to come arrives there with the byte's last bit.
        byte = Signal(DATA_BITS + 1)

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(~line):
                    m.next = "START"

            with m.State("START"):
                m.d.comb += receiving.eq(1)
                m.d.sync += byte.eq(1 << DATA_BITS)
                with m.If(middle):
                    m.next = "DATA"
                    with m.If(line):
                        m.next = "IDLE"

            with m.State("DATA"):
                m.d.comb += receiving.eq(1)
                with m.If(middle):
                    m.d.sync += byte.eq((byte >> 1) | (line << DATA_BITS))
                    with m.If(byte[0]):
                        m.next = "IDLE"
                        self._end(m, byte[1:], line)
                        with m.If(~line):
                            m.next = "BREAK"

            with m.State("BREAK"):
                with m.If(line):
                    m.next = "IDLE"
        return m

    def _filtered(self, m: Module) -> Value:
        samples = [Signal(init=1, name=f"sample_{age}") for age in range(3)]
        m.submodules.synchronizer = FFSynchronizer(self.rx, samples[0], init=1)
        m.d.sync += [older.eq(newer) for newer, older in pairwise(samples)]
        first, second, third = samples
        line = Signal(init=1)
        m.d.sync += line.eq((first & second) | (second & third) | (first & third))
        return line

    def _end(self, m: Module, byte: Value, line: Value) -> None:
        """Publish a byte at its stop bit, or say why not."""
        with m.If(~line):
            m.d.comb += self.framing_error.eq(1)
        with m.Elif(self.o.valid & ~self.o.ready):
            m.d.comb += self.overrun.eq(1)
        with m.Else():
            m.d.sync += self.o.valid.eq(1)
            m.d.sync += self.o.payload.eq(byte)

"""The uplink in full use: events at a steady pace, readouts of full length, the serial line."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from hexkey.wire import Identification
from hexkey_gateware.link.uart import UartTransmitter
from hexkey_gateware.link.uplink import Uplink
from hexkey_gateware.words import EVENT_VALUE, WORD

BINS = 2048
CODES = 257
CLOCKS_PER_BIT = 4
BAUD = 3_000_000
CLOCK_HZ = CLOCKS_PER_BIT * BAUD
FIFO_WORDS = 4096


class UplinkLine(wiring.Component):
    """An uplink with all around it that takes part in how fast it is.

    Members
    -------
    clocks_per_event : :py:`In(16)`
        0: an event whenever the FIFO has room.
    running : :py:`In(1)`
    made, dropped : :py:`Out(32)`
        Events, and those for which the FIFO had no room.
    most_waiting : :py:`Out(16)`
        Words in the FIFO, at most.
    byte : :py:`Out(8)`
        Sent last, while `sent`.
    sent : :py:`Out(1)`
        For one clock with each byte.
    """

    clocks_per_event: In(16)
    running: In(1)
    made: Out(32)
    dropped: Out(32)
    most_waiting: Out(16)
    byte: Out(8)
    sent: Out(1)

    def __init__(self, identification: Identification) -> None:
        super().__init__()
        self._identification = identification

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=WORD.size, depth=FIFO_WORDS)
        m.submodules.uplink = uplink = Uplink(self._identification, CLOCK_HZ // 10, CODES)
        m.submodules.uart = uart = UartTransmitter(CLOCK_HZ, BAUD)
        noise = Signal(32, init=1)  # Marsaglia's xorshift
        steps: Value = noise
        steps = (steps ^ (steps << 13))[:32]
        steps = (steps ^ (steps >> 17))[:32]
        steps = (steps ^ (steps << 5))[:32]
        m.d.sync += noise.eq(steps)

        m.d.comb += uplink.words.payload.eq(fifo.r_stream.payload)
        m.d.comb += uplink.words.valid.eq(fifo.r_stream.valid)
        m.d.comb += fifo.r_stream.ready.eq(uplink.words.ready)
        m.d.comb += [uplink.level.eq(fifo.level), uplink.running.eq(self.running)]
        m.d.comb += [uplink.density.channel.eq(0), uplink.period_ticks.eq(2500)]
        m.d.comb += uplink.drained.eq(1)
        with m.If(fifo.level > self.most_waiting):
            m.d.sync += self.most_waiting.eq(fifo.level)
        self._make_events(m, fifo, noise)
        self._answer(m, uplink, noise)

        m.d.comb += [
            uart.i.payload.eq(uplink.bytes.payload),
            uart.i.valid.eq(uplink.bytes.valid),
            uplink.bytes.ready.eq(uart.i.ready),
        ]
        m.d.sync += self.sent.eq(uart.i.valid & uart.i.ready)
        with m.If(uart.i.ready):
            m.d.sync += self.byte.eq(uart.i.payload)
        return m

    def _make_events(self, m: Module, fifo: SyncFIFOBuffered, noise: Signal) -> None:
        """Make events some 730 pulses apart, as 55 000 a second of a source at 40 MHz are."""
        waited = Signal(16)
        word, event = Signal(WORD), Signal(EVENT_VALUE)
        fields = data.View(EVENT_VALUE, event)
        m.d.comb += [
            fields.phase_ticks.eq(noise[:12]),
            fields.flags.eq(noise[12:14] & noise[14:16]),
            fields.advance.eq(noise[16:26] + noise[26:31] + 1),
            word.value.eq(event),
            word.kind.eq(Mux(noise[31], 1, 2)),
            fifo.w_stream.payload.eq(word),
        ]
        due = waited + 1 >= self.clocks_per_event
        full = ~fifo.w_stream.ready
        m.d.comb += fifo.w_stream.valid.eq(self.running & due)
        m.d.sync += waited.eq(Mux(due, 0, waited + 1))
        with m.If(self.running & due & ((self.clocks_per_event != 0) | ~full)):
            m.d.sync += self.made.eq(self.made + 1)
            m.d.sync += self.dropped.eq(self.dropped + full)

    def _answer(self, m: Module, uplink: Uplink, noise: Signal) -> None:
        """Answer for totals and memories: small numbers, as most of them are."""
        asked = Signal()
        m.d.comb += uplink.totals.index.ready.eq(~asked)
        m.d.comb += uplink.totals.value.valid.eq(asked)
        m.d.comb += uplink.totals.value.payload.eq(noise[:24])
        with m.If(asked):
            m.d.sync += asked.eq(~uplink.totals.value.ready)
        with m.Else():
            m.d.sync += asked.eq(uplink.totals.index.valid)
        for ports, length in ((uplink.histogram, BINS), (uplink.g2, 68), (uplink.density, CODES)):
            left = Signal(range(BINS + 1))
            m.d.comb += [
                ports.start.ready.eq(left == 0),
                ports.words.valid.eq(left != 0),
                ports.words.payload.eq(Cat(noise[:9], noise[9:32] & 0, left == 1)),
            ]
            with m.If(ports.start.valid & ports.start.ready):
                m.d.sync += left.eq(length)
            with m.Elif(ports.words.valid & ports.words.ready):
                m.d.sync += left.eq(left - 1)
        m.d.comb += [uplink.histogram.bins.eq(BINS), uplink.histogram.bin_ticks.eq(2)]

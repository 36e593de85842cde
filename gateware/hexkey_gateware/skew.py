"""Skew: adds a channel's delay to its tags, in whole slots and in ticks."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import TICKS_PER_CLOCK, lane, tag_layout

MAX_DELAY_TICKS = 5_000
MOST_SLOTS = MAX_DELAY_TICKS // TICKS_PER_CLOCK
RING_SLOTS = 32


class Skew(wiring.Component):
    """Adds `delay_ticks` to the time of each tag.

    A delay is a number of slots, which a ring of memory waits, and a rest that is less than a slot
    and taken off `fine`; a `fine` below zero ends in the next slot. There it may meet that slot's
    own tag, which is then the later of the two, less than a clock after the other: it is dropped.

    Latency `LATENCY` clocks, whatever the delay: a tag that moves from slot n to slot m leaves in
    the clock m + `LATENCY`, if n is the clock in which a tag of slot n comes in. Throughput 1 tag a
    clock, no back-pressure. A new delay holds `SETTLE_CLOCKS` after it was set; around that time
    tags may be lost or come twice.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    i, o : :py:`stream.Signature(tag_layout(ticks_per_clock), always_ready=True)`
        Lanes.
    delay_ticks : :py:`In(signed(14))`
        Setting, -5000 to 5000.
    collided : :py:`Out(1)`
        Strobe: a tag was dropped because an earlier one had its slot.
    """

    LATENCY = MOST_SLOTS + 4
    SETTLE_CLOCKS = 1 + 2 * (2 * MOST_SLOTS + 4) + 2 * LATENCY

    def __init__(self, ticks_per_clock: int = TICKS_PER_CLOCK) -> None:
        if ticks_per_clock < TICKS_PER_CLOCK:
            raise ValueError(f"a clock must have at least {TICKS_PER_CLOCK} ticks")
        self._ticks_per_clock = ticks_per_clock
        tag = tag_layout(ticks_per_clock)
        super().__init__(
            {
                "i": In(lane(tag)),
                "o": Out(lane(tag)),
                "delay_ticks": In(signed(14)),
                "collided": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._slots = Signal(range(RING_SLOTS))
        self._rest = Signal(range(self._ticks_per_clock), reset_less=True)
        self._split(m)
        self._move(m, *self._wait(m))
        return m

    def _split(self, m: Module) -> None:
        """Divide the delay by a slot, over and over: slots, counted from -`MOST_SLOTS`, and rest.

        It subtracts a slot a clock, and a clock after it has one too many it sees that, when it has
        subtracted another. So a delay takes 24 clocks at most.
        """
        ticks = self._ticks_per_clock
        whole = range(2 * MOST_SLOTS * ticks + 1)
        start = Signal(whole, reset_less=True)
        left = Signal(signed(len(start) + 1), reset_less=True)
        slots = Signal.like(self._slots, reset_less=True)
        is_over = Signal()
        m.d.sync += [
            start.eq(self.delay_ticks + MOST_SLOTS * ticks),
            left.eq(Mux(is_over, start, left - ticks)),
            slots.eq(Mux(is_over, -2, slots + 1)),
            is_over.eq(left[-1] & ~is_over),
        ]
        with m.If(is_over):
            m.d.sync += self._slots.eq(slots)
            m.d.sync += self._rest.eq(left + 2 * ticks)

    def _wait(self, m: Module) -> tuple[Signal, Signal]:
        """Return valid and fine of what came in 2 clocks and that many slots ago."""
        m.submodules.ring = ring = memory.Memory(
            shape=1 + len(self.i.payload.fine), depth=RING_SLOTS, init=[]
        )
        write, read = ring.write_port(), ring.read_port(domain="comb")
        now = Signal(range(RING_SLOTS))
        m.d.sync += now.eq(now + 1)
        m.d.comb += [
            write.en.eq(1),
            write.addr.eq(now),
            write.data.eq(Cat(self.i.valid, self.i.payload.fine)),
        ]
        address, waited = Signal.like(now), Signal.like(read.data, reset_less=True)
        m.d.sync += address.eq(now - self._slots)  # at 0 slots: what the clock before wrote
        m.d.comb += read.addr.eq(address)
        m.d.sync += waited.eq(read.data)
        return waited[0], waited[1:]

    def _move(self, m: Module, valid: Signal, fine: Signal) -> None:
        """Take the rest off `fine`; what falls below zero leaves a clock later, in its new slot."""
        taken_off = Signal(signed(len(fine) + 1), reset_less=True)
        there = Signal()
        late = Signal()
        late_fine = Signal(len(fine), reset_less=True)
        m.d.sync += [
            there.eq(valid),
            taken_off.eq(fine - self._rest),
            late.eq(there & (taken_off < 0)),
            late_fine.eq(taken_off + self._ticks_per_clock),
            self.o.valid.eq(late | (there & (taken_off >= 0))),
            self.collided.eq(late & there & (taken_off >= 0)),
        ]
        with m.If(late):
            m.d.sync += self.o.payload.fine.eq(late_fine)
        with m.Else():
            m.d.sync += self.o.payload.fine.eq(taken_off)

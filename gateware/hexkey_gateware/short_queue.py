"""A queue of a few items, short enough for distributed RAM, which answers within the fast clock."""

from amaranth.hdl import Cat, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


class ShortQueue(wiring.Component):
    """Evens out bursts.

    No path leads from `ready` to the memory: it is read into a spare register while the one at
    ``o`` must wait. How many items are in it is a row of bits that grows and shrinks at its end,
    and not a number: each question of it is a bit. Items that come are in it a clock late, as is
    ``i.ready`` behind it, which costs two places.

    Latency: 3 clocks. Throughput: an item a clock. Back-pressure: ``i`` may be not ready from
    `depth` - 2 items in memory on, beside one or two at ``o``.

    Parameters
    ----------
    shape : ShapeLike
    depth : int
        Items; a power of two. 16 cost a look-up table for two bits.

    Members
    -------
    i : :py:`In(stream.Signature(shape))`
    o : :py:`Out(stream.Signature(shape))`
    holds : :py:`Out(depth)`
        Bit i: there are more than i items in memory, without one that came in the clock before.
    """

    LATENCY = 3

    def __init__(self, shape: ShapeLike, depth: int = 16) -> None:
        if depth < 4 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two from 4 on, not {depth}")
        self._shape, self._depth = shape, depth
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "holds": Out(depth),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self._shape, depth=self._depth, init=[])
        write, read = memory.write_port(), memory.read_port(domain="comb")
        put = Signal()
        came = Signal()
        get = Signal()
        spare = Signal(self._shape, reset_less=True)
        spare_valid, spare_free = Signal(), Signal(init=1)  # two, as much hangs on either
        m.d.comb += [
            put.eq(self.i.valid & self.i.ready),
            get.eq(self.holds[0] & spare_free),
            write.data.eq(self.i.payload),
            write.en.eq(put),
        ]
        m.d.sync += [self.i.ready.eq(self._has_room()), came.eq(put)]
        with m.If(put):
            m.d.sync += write.addr.eq(write.addr + 1)
        with m.If(get):
            m.d.sync += read.addr.eq(read.addr + 1)
        with m.If(came ^ get):
            m.d.sync += self.holds.eq(Mux(came, Cat(1, self.holds), self.holds[1:]))
        with m.If(~spare_valid):
            m.d.sync += spare.eq(read.data)
        moves = ~self.o.valid | self.o.ready
        with m.If(moves):
            m.d.sync += [
                self.o.valid.eq(spare_valid | get),
                self.o.payload.eq(Mux(spare_valid, spare, read.data)),
            ]
        m.d.sync += [
            spare_valid.eq(~moves & (spare_valid | self.holds[0])),
            spare_free.eq(moves | (spare_free & ~self.holds[0])),
        ]
        return m

    def _has_room(self) -> Value:
        return ~self.holds[self._depth - 3]

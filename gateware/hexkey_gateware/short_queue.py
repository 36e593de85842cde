"""A queue of a few items, short enough for distributed RAM, which answers within the fast clock."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


class ShortQueue(wiring.Component):
    """Evens out bursts.

    Latency: 2 clocks. Throughput: an item a clock. Back-pressure: ``i`` is not ready while `depth`
    items wait in memory, beside the one at ``o``.

    Parameters
    ----------
    shape : ShapeLike
    depth : int
        Items; a power of two. 16 cost a look-up table for two bits.

    Members
    -------
    i : :py:`In(stream.Signature(shape))`
    o : :py:`Out(stream.Signature(shape))`
    level : :py:`Out(...)`
        Items in memory.
    """

    def __init__(self, shape: ShapeLike, depth: int = 16) -> None:
        if depth < 2 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two from 2 on, not {depth}")
        self._shape, self._depth = shape, depth
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "level": Out(range(depth + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self._shape, depth=self._depth, init=[])
        write, read = memory.write_port(), memory.read_port(domain="comb")
        put, get = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(~self.level[-1]),
            put.eq(self.i.valid & self.i.ready),
            get.eq((self.level != 0) & (~self.o.valid | self.o.ready)),
            write.data.eq(self.i.payload),
            write.en.eq(put),
        ]
        m.d.sync += [
            write.addr.eq(write.addr + put),
            read.addr.eq(read.addr + get),
        ]
        # Both sums are there before it is known which is wanted.
        with m.If(put & ~get):
            m.d.sync += self.level.eq(self.level + 1)
        with m.Elif(get & ~put):
            m.d.sync += self.level.eq(self.level - 1)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [self.o.valid.eq(get), self.o.payload.eq(read.data)]
        return m

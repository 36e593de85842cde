"""Codes of a delay line become times, by a table that calibration writes."""

from itertools import pairwise

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.block_ram import BlockRam
from hexkey_gateware.slot import TICK_PS, TICKS_PER_CLOCK, lane, tag_layout
from hexkey_gateware.tagger.encoder import code_layout

FINE_BITS = 10  # of an entry as it is written: room for a clock of 100 MHz


def table_write(codes: int) -> wiring.Signature:
    """Return the port that writes a table: `code` shall mean `fine` ticks."""
    code = (codes - 1).bit_length()
    return wiring.Signature({"enable": Out(1), "code": Out(code), "fine": Out(FINE_BITS)})


class Table(wiring.Component):
    """Looks up how long before its slot's end an edge fell.

    Latency `LATENCY` clocks, throughput one code a clock, no back-pressure. An entry is written two
    clocks after it was given; a code that is looked up in that very clock may come out wrong. Until
    it is written, an entry is the middle of its bin in a line of equal taps.

    Parameters
    ----------
    codes : int
    tap_ps : float
        What a tap is expected to take.
    ticks_per_clock : int

    Members
    -------
    i : :py:`In(lane(code_layout(codes)))`
    o : :py:`Out(lane(tag_layout(ticks_per_clock)))`
    write : :py:`In(table_write(codes))`
        More than a clock's ticks are taken as the most there can be.
    """

    LATENCY = BlockRam.LATENCY

    def __init__(
        self, codes: int, *, tap_ps: float, ticks_per_clock: int = TICKS_PER_CLOCK
    ) -> None:
        self._codes, self._last = codes, ticks_per_clock - 1
        self._init = [self._clamp(int((code + 0.5) * tap_ps / TICK_PS)) for code in range(codes)]
        super().__init__(
            {
                "i": In(lane(code_layout(codes))),
                "o": Out(lane(tag_layout(ticks_per_clock))),
                "write": In(table_write(codes)),
            }
        )

    def _clamp(self, ticks: int) -> int:
        return min(ticks, self._last)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fine = self.o.payload.fine
        m.submodules.ram = ram = BlockRam(len(fine), self._codes, self._init)
        m.d.comb += [ram.read_address.eq(self.i.payload.code), fine.eq(ram.read_data)]
        self._write(m, ram)
        valid = [self.i.valid, *(Signal() for _ in range(self.LATENCY - 1)), self.o.valid]
        m.d.sync += [later.eq(earlier) for earlier, later in pairwise(valid)]
        return m

    def _write(self, m: Module, ram: BlockRam) -> None:
        # Entries come from far away on the chip: first a register, then the comparison.
        fine = [self.write.fine, *(Signal(FINE_BITS, reset_less=True) for _ in range(2))]
        code = [self.write.code, *(Signal(len(self.write.code), reset_less=True) for _ in range(2))]
        enable, beyond = [self.write.enable, Signal(), Signal()], Signal(reset_less=True)
        for stages in (fine, code, enable):
            m.d.sync += [later.eq(earlier) for earlier, later in pairwise(stages)]
        m.d.sync += beyond.eq(fine[1] > self._last)
        m.d.comb += [
            ram.write.enable.eq(enable[2]),
            ram.write.address.eq(code[2]),
            ram.write.data.eq(Mux(beyond, self._last, fine[2])),
        ]

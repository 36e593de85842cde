"""The event FIFO: where words wait for the link, and where they cross to its clock."""

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hexkey_gateware.words import WORD

LEVEL = unsigned(16)


class EventFifo(wiring.Component):
    """A block RAM with a write port in one clock domain and a read port in another.

    Each side passes its pointer to the other in Gray code. amaranth's `AsyncFIFO` does the same,
    but finds out in a single clock whether it is full, which 5 ns are too short for; here that is
    known 2 clocks late, so `ready` falls 2 words early. The memory is read in the slower domain
    only: a block RAM of an ECP5 takes 5.8 ns to answer. What it says goes through a register, since
    whoever reads it has much to do with it.

    Latency: a word is at ``o`` after 2 clocks of the writer and 7 of the reader. Throughput: a word
    a clock on either side. Back-pressure: ``i`` may be not ready from `depth` - 2 words on that
    wait or are not yet known to have left; ``o`` waits for as long as it must.

    Both domains must be reset together.

    Parameters
    ----------
    depth : int
        Words of memory; a power of two.
    reserve : int
        Places that events may not take: for what is said of events, and of their loss.
    slack : int
        Events that may still come once ``full_for_events`` is set.
    group : int
        Places that must be free for words that belong together; a power of two.
    write_domain, read_domain : str

    Members
    -------
    i : :py:`In(stream.Signature(WORD))`
        In the write domain.
    full_for_events : :py:`Out(1)`
        In the write domain, counted in sixteenths of `depth`. It falls when a quarter of what
        events may take is free again: else a full FIFO would spend its room on loss reports.
    full_for_groups : :py:`Out(1)`
        In the write domain: at most `group` places are free.
    o : :py:`Out(stream.Signature(WORD))`
        In the read domain, like ``level``.
    level : :py:`Out(16)`
        Words that wait, as far as the reader knew a clock ago.
    """

    i: In(stream.Signature(WORD))
    full_for_events: Out(1)
    full_for_groups: Out(1)
    o: Out(stream.Signature(WORD))
    level: Out(LEVEL)

    HEADROOM = 2  # words that may be taken before `ready` falls; a power of two

    def __init__(
        self,
        depth: int,
        *,
        reserve: int = 64,
        slack: int = 32,
        group: int = 32,
        write_domain: str = "fast",
        read_domain: str = "sync",
    ) -> None:
        if depth < 8 or depth & (depth - 1) or depth > 1 << 15:
            raise ValueError(f"depth must be a power of two from 8 to 32768, not {depth}")
        if depth <= reserve + slack:
            raise ValueError(f"depth must exceed reserve and slack, {reserve + slack}, not {depth}")
        self.depth = depth
        self._unit = max(1, depth // 16)
        self._full_at = (depth - reserve - slack) // self._unit
        self._free_at = self._full_at - max(1, self._full_at // 4)
        self._group_bits = exact_log2(group)
        self._write_domain, self._read_domain = write_domain, read_domain
        pointer = unsigned(
            depth.bit_length()
        )  # one bit more than the address, so that full ≠ empty
        self._accepted = Signal(pointer)
        self._word, self._place, self._arrives = Signal(WORD), Signal(range(depth)), Signal()
        self._written_gray = Signal(pointer)
        self._written_gray_there = Signal(pointer)
        self._written_half_there = Signal(pointer)
        self._written_there = Signal(pointer)
        self._waiting = Signal(pointer)
        self._there = Signal()  # a word stands at the memory's output
        self._at_output = Signal(WORD)
        self._fetched = Signal(pointer)
        self._fetched_gray = Signal(pointer)
        self._fetched_gray_there = Signal(pointer)
        self._fetched_half_there = Signal(pointer)
        self._fetched_there = Signal(pointer)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = self._memory = Memory(shape=WORD, depth=self.depth, init=[])
        self._cross(m, self._written_gray, self._written_gray_there, self._read_domain)
        self._cross(m, self._fetched_gray, self._fetched_gray_there, self._write_domain)
        self._write(m)
        self._read(m)
        return m

    def _cross(self, m: Module, here: Signal, there: Signal, domain: str) -> None:
        m.submodules += FFSynchronizer(here, there, o_domain=domain)

    def _write(self, m: Module) -> None:
        port = self._memory.write_port(domain=self._write_domain)
        domain = m.d[self._write_domain]
        waiting = self._waiting
        taken = Signal()
        m.d.comb += taken.eq(self.i.valid & self.i.ready)

        # The word is in memory in the clock in which its pointer leaves for the reader; before, it
        # is in a register, as the memory's cells are all over the chip.
        word, place, arrives = self._word, self._place, self._arrives
        domain += self._accepted.eq(self._accepted + taken)
        domain += [word.eq(self.i.payload), place.eq(self._accepted), arrives.eq(taken)]
        m.d.comb += [port.data.eq(word), port.addr.eq(place), port.en.eq(arrives)]
        domain += self._written_gray.eq(_to_gray(self._accepted))

        # `waiting` is a clock late, `ready` another: that of 2 words before. Then a third is taken.
        domain += self._fetched_half_there.eq(_half_from_gray(self._fetched_gray_there))
        domain += self._fetched_there.eq(_from_half(self._fetched_half_there))
        domain += waiting.eq(self._accepted - self._fetched_there)
        domain += self.i.ready.eq(~_fewer_free(waiting, exact_log2(self.HEADROOM)))
        domain += self.full_for_groups.eq(_fewer_free(waiting, self._group_bits))
        units = waiting[exact_log2(self._unit) :]  # few bits, so that they are compared in time
        full, free = Signal(), Signal()
        domain += [full.eq(units >= self._full_at), free.eq(units < self._free_at)]
        domain += self.full_for_events.eq(full | (self.full_for_events & ~free))

    def _read(self, m: Module) -> None:
        port = self._memory.read_port(domain=self._read_domain)
        domain = m.d[self._read_domain]
        fetch, move = Signal(), Signal()
        there = self._there
        domain += self._written_half_there.eq(_half_from_gray(self._written_gray_there))
        domain += self._written_there.eq(_from_half(self._written_half_there))
        domain += self._fetched_gray.eq(_to_gray(self._fetched))
        m.d.comb += move.eq(~self.o.valid | self.o.ready)
        m.d.comb += fetch.eq(self._any_there() & (~there | move))

        m.d.comb += port.addr.eq(self._fetched)
        m.d.comb += port.en.eq(fetch)  # what it gave stays while nothing is fetched
        m.d.comb += self._at_output.eq(port.data)
        domain += self._fetched.eq(self._fetched + fetch)
        with m.If(~there | move):
            domain += there.eq(fetch)
        with m.If(move):
            domain += [self.o.valid.eq(there), self.o.payload.eq(self._at_output)]
        left = (self._written_there - self._fetched).as_unsigned()[: len(self._fetched)]
        domain += self.level.eq(left + there + self.o.valid)

    def _any_there(self) -> Value:
        return self._written_there != self._fetched


def _fewer_free(waiting: Value, bits: int) -> Value:
    """Return whether at most ``2 ** bits`` places are free."""
    return waiting[-1] | waiting[bits:-1].all()


def _to_gray(binary: Value) -> Value:
    return binary ^ (binary >> 1)


def _half_from_gray(gray: Value) -> Value:
    """Return what is between Gray code and binary: each step takes one look-up table."""
    return gray ^ (gray >> 1) ^ (gray >> 2) ^ (gray >> 3)


def _from_half(half: Value) -> Value:
    """Return the binary number, of at most 16 bits."""
    return half ^ (half >> 4) ^ (half >> 8) ^ (half >> 12)

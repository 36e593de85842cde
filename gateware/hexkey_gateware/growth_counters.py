"""Narrow counters that are emptied one after the other, in turn for ever."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.block_ram import BlockRam
from hexkey_gateware.slot import CHANNELS, OPEN_PULSES

TAPS = {2: 1, 3: 2, 4: 3, 5: 3, 6: 5, 7: 6, 9: 5, 10: 7}
"""By bits of a shift register: with its last bit, the one that makes its cycle the longest."""

MERGED = 4  # words that are merged into one in a clock


def growth(width: int, clocks: int) -> int:
    """Return by how much a total can grow in so many clocks, with increments of so many bits.

    In each by no more than its increment can hold; and as all increments are of tags, or of what
    takes tags, by no more than one for each channel in the long run. What is saved up are the
    clicks of the open pulses, each no more than an increment can hold.
    """
    most = (1 << width) - 1
    return min(most * clocks, OPEN_PULSES * most + CHANNELS * clocks)


def merge_clocks(count: int) -> int:
    """Return the clocks in which so many words are merged."""
    return 0 if count <= 1 else 1 + merge_clocks(-(-count // MERGED))


def way_clocks(count: int) -> int:
    """Return the clocks from an increment to its growth at most, but for the wait for a take."""
    return 4 + merge_clocks(count) + BlockRam.LATENCY


def shift_states(bits: int) -> list[int]:
    """Return the states of a shift register that counts, in their order, from 0 on."""
    states, state = [0], 0
    while state := _shifted(state, bits):
        states.append(state)
    return states


def _shifted(state: int, bits: int) -> int:
    new = ~(state >> bits - 1 ^ state >> TAPS[bits] - 1) & 1
    return (state << 1 | new) & (1 << bits) - 1


class GrowthCounters(wiring.Component):
    """Counts what each total grows by, and says how much that was in its visit.

    Each total is visited once in a round. Some clocks before, its counter is taken: a copy goes on
    its way, and the counter begins again with what comes in that clock. Copies are 0 but in the
    clock after they were taken, so their OR is the one that was.

    Where an increment is one bit, the counter is a shift register with feedback: its next state
    takes one look-up table whatever its length. A memory says which number a state stands for.
    Other counters are plain, and are taken later by the time which that memory takes.

    *No counter overflows.* Between two takes lie `round_clocks`, always; the constructor checks
    that each counter has room for its `growth` in that time.

    Latency: what comes in a clock is in the growth told at most ``way_clocks + round_clocks``
    later. Throughput: all increments in every clock. No back-pressure.

    Parameters
    ----------
    widths : sequence of int
        Bits of each total's increments.
    visit_clocks : int
        From a visit to the next.
    round_clocks : int

    Attributes
    ----------
    bits : int
        Of a growth.

    Members
    -------
    increments : :py:`In(data.StructLayout({"0": widths[0], "1": …}))`
    ignore : :py:`In(1)`
        Increments that come in this clock count for nothing.
    place : :py:`In(round_clocks)`
        One bit is set, in each clock the next; bit ``visit_clocks * n`` in the visit of total n.
    growth : :py:`Out(bits)`
        Of the total whose visit begins; else 0.
    """

    def __init__(self, widths: Sequence[int], visit_clocks: int, round_clocks: int) -> None:
        if not widths or min(widths) < 1:
            raise ValueError(f"each total must grow by at least a bit, not {list(widths)}")
        if visit_clocks < 2:  # in the clock after a copy was taken it is emptied
            raise ValueError(f"a visit must take at least 2 clocks, not {visit_clocks}")
        if round_clocks < visit_clocks * len(widths):
            raise ValueError(f"{len(widths)} visits take more than {round_clocks} clocks")
        self._widths = tuple(widths)
        self._visit_clocks, self._round_clocks = visit_clocks, round_clocks
        most = self._growth(1)
        self._shift_bits = min(bits for bits in TAPS if most < len(shift_states(bits)))
        assert most < len(shift_states(self._shift_bits)), "a counter would overflow"
        self._bits = [self._growth(width).bit_length() for width in widths]
        for width, bits in zip(widths, self._bits, strict=True):
            assert self._growth(width) < 1 << bits, "a counter would overflow"
        self.bits = max(self._bits)
        super().__init__(
            {
                "increments": In(
                    data.StructLayout({str(index): width for index, width in enumerate(widths)})
                ),
                "ignore": In(1),
                "place": In(round_clocks),
                "growth": Out(self.bits),
            }
        )

    def _growth(self, width: int) -> int:
        """Return by how much a counter can grow until it is taken again."""
        return growth(width, self._round_clocks)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shifting = [index for index, width in enumerate(self._widths) if width == 1]
        plain = [index for index, width in enumerate(self._widths) if width > 1]
        told: Value = Const(0)
        if shifting:
            ahead = 2 + merge_clocks(len(shifting)) + BlockRam.LATENCY
            copies = [self._counter(m, index, ahead, shifts=True) for index in shifting]
            told |= self._decoded(m, _merged(m, copies))
        if plain:
            ahead = 2 + merge_clocks(len(plain))
            copies = [self._counter(m, index, ahead, shifts=False) for index in plain]
            told |= _merged(m, copies)
        m.d.sync += self.growth.eq(told)
        return m

    def _counter(self, m: Module, index: int, ahead: int, *, shifts: bool) -> Signal:
        """Return the copy of a counter that is taken so many clocks ahead of its visit."""
        at = self._visit_clocks * index - ahead
        take, emptied = (self.place[clock % self._round_clocks] for clock in (at, at + 1))
        increment = Signal(self._widths[index], name=f"increment_{index}", reset_less=True)
        # As a gate: of a choice synthesis would make a reset, and the way to that is long.
        counts = ~self._ignored().replicate(len(increment))
        m.d.sync += increment.eq(self.increments[str(index)] & counts)

        bits = self._shift_bits if shifts else self._bits[index]
        counter = Signal(bits, name=f"counter_{index}")
        # Both are the reset of most bits, not a choice before them: no look-up table more.
        restarted = self._restarted(counter, increment)
        if shifts:
            following = Cat(~(counter[-1] ^ counter[TAPS[bits] - 1]), counter[:-1])
            with m.If(take):
                m.d.sync += counter.eq(restarted)
            with m.Elif(increment):
                m.d.sync += counter.eq(following)
        else:
            m.d.sync += counter.eq(Mux(take, restarted, counter + increment))

        copy = Signal(bits, name=f"copy_{index}", reset_less=True)
        with m.If(emptied):
            m.d.sync += copy.eq(0)
        with m.Elif(take):
            m.d.sync += copy.eq(counter)
        return copy

    def _ignored(self) -> Value:
        return self.ignore

    def _restarted(self, counter: Signal, increment: Signal) -> Value:
        """Return what is in a counter when it was taken: what came in that clock.

        That is right for a shift register too, which is 1 after a step from 0.
        """
        return increment

    def _decoded(self, m: Module, state: Value) -> Value:
        """Return how many steps from 0 a shift register's state is."""
        numbers = [0] * (1 << self._shift_bits)
        for number, known in enumerate(shift_states(self._shift_bits)):
            numbers[known] = number
        m.submodules.numbers = memory = BlockRam(self._shift_bits, len(numbers), numbers)
        m.d.comb += memory.read_address.eq(state)
        return memory.read_data


def _merged(m: Module, words: Sequence[Value]) -> Value:
    """Return the OR of words as it was some clocks ago: few are merged in a clock."""
    while len(words) > 1:
        groups = [words[first : first + MERGED] for first in range(0, len(words), MERGED)]
        words = []
        for group in groups:
            merged = Signal(max(map(len, group)), reset_less=True)
            m.d.sync += merged.eq(reduce(or_, group))
            words.append(merged)
    return words[0]

"""64-bit totals in block RAM: each grows once in a round, and one more is told of."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware import growth_counters
from hexkey_gateware.block_ram import BlockRam
from hexkey_gateware.growth_counters import GrowthCounters
from hexkey_gateware.pipeline import delayed

TOTAL_BITS = 64
HALVES = 2  # of a total, a row each: a clock has time to add up one
ROW_BITS = TOTAL_BITS // HALVES

LEAST_TOTALS = 3
"""With fewer, a row would be read again before it was written."""

READ, WRITE = -1 - BlockRam.LATENCY, 2
"""Clocks from the begin of a visit until the block RAM reads its first row, and writes it.

A block RAM must not read a row in the clock in which it is written. Rows are read and written so
many clocks apart that in the clock in which one half of a total is written, the other half of some
total is read.
"""
assert (WRITE - READ) % HALVES


def round_clocks(count: int) -> int:
    """Return the clocks in which so many totals are visited, and what a question is about."""
    return HALVES * (count + 1)


def way_clocks(count: int) -> int:
    """Return the clocks after which an increment is in its row, but for the wait for a visit."""
    return growth_counters.way_clocks(count) + HALVES + WRITE


def answer_clocks(count: int) -> int:
    """Return the clocks in which a question is answered, at most."""
    return round_clocks(count) + HALVES - READ + 1


def question_layout(count: int, *, copies: bool) -> data.StructLayout:
    """Return what can be asked.

    Members
    -------
    index : :py:`unsigned(...)`
        Of a total; with `copies` of a row, low halves at even ones.
    wanted : :py:`unsigned(1)`
        Without it the value stays as it is: somebody wants to know only that time has passed.
    moves : :py:`unsigned(1)`
        With `copies`: of a copy that is made now.
    """
    rows = count * HALVES if copies else count
    return data.StructLayout({"index": max(1, (rows - 1).bit_length()), "wanted": 1, "moves": 1})


class TotalRows(wiring.Component):
    """Adds up what each total grows by.

    Each total has a narrow counter and two rows of a block RAM. All are visited in turn, one after
    the other, and what a counter grew by since its last visit is added to the rows, low half first.
    An increment is in its counter or on its way or in its rows, and in one of them only. In every
    round there is a visit more, to the rows that a question is about.

    *Copies.* Where totals are to be read as of one time, there are two banks of rows. At a question
    that `moves`, totals move: for one round they are read from their bank and written to the other.
    What they were stays behind, and all questions are about that. Each total is so as of its last
    visit, less than a round ago.

    Latency: an increment is in its rows after at most a round and `way_clocks`; a question is
    answered within `answer_clocks`. Throughput: all increments in every clock; a question a round.
    No back-pressure.

    Parameters
    ----------
    widths : sequence of int
        Bits of each total's increments.
    copies : bool
        Whether questions are about copies, and about one row each.

    Members
    -------
    increments : :py:`In(data.StructLayout({"0": widths[0], "1": …}))`
        What each total grows by in this clock.
    ignore : :py:`In(1)`
        From the clock after, increments do not count.
    clear : :py:`In(1)`
        The same, and all that is written meanwhile is 0: after two rounds all totals are. Copies
        stay.
    asks : :py:`In(1)`
        Changes with each question. That may come a clock after it.
    question : :py:`In(question_layout(len(widths), copies))`
        Holds still until it is answered.
    answers : :py:`Out(1)`
        As `asks` when the question was asked that was answered last.
    value : :py:`Out(64)`
        What was wanted last; with `copies` it has 32 bits.
    """

    def __init__(self, widths: Sequence[int], *, copies: bool = False) -> None:
        if len(widths) < LEAST_TOTALS:
            raise ValueError(f"there must be at least {LEAST_TOTALS} totals, not {len(widths)}")
        self._count, self._copies = len(widths), copies
        self._counters = self._counting(widths, round_clocks(len(widths)))
        super().__init__(
            {
                "increments": In(self._counters.increments.shape()),
                "ignore": In(1),
                "clear": In(1),
                "asks": In(1),
                "question": In(question_layout(len(widths), copies=copies)),
                "answers": Out(1),
                "value": Out(unsigned(ROW_BITS if copies else TOTAL_BITS)),
            }
        )
        # In the first clock total 0 is visited, and rows further on are asked for.
        self._place = Signal(round_clocks(len(widths)), init=1)
        self._walk = Signal(range(round_clocks(len(widths))), init=-READ)
        self._answering = Signal()
        self._bank = Signal()  # to which totals are written

    def _counting(self, widths: Sequence[int], clocks: int) -> GrowthCounters:
        return GrowthCounters(widths, HALVES, clocks)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = 1 << len(self._walk) + len(self._of_bank(self._bank))
        m.submodules.rows = rows = BlockRam(ROW_BITS, depth, self._first_rows())
        m.d.sync += [self._place.eq(self._place.rotate_left(1)), self._walk.eq(self._walk + 1)]
        with m.If(self._in(READ - 1)):
            m.d.sync += self._walk.eq(0)
        self._add(m, rows)
        self._ask(m, rows)
        return m

    def _in(self, clock: int) -> Value:
        """Return whether this is that clock of a round."""
        return self._place[clock % len(self._place)]

    def _first_rows(self) -> list[int]:
        return []

    def _add(self, m: Module, rows: BlockRam) -> None:
        m.submodules.counters = counters = self._counters
        ignore = Signal()
        m.d.sync += ignore.eq(self.ignore | self.clear)
        m.d.comb += [
            counters.increments.eq(self.increments.as_value()),
            counters.ignore.eq(ignore),
            counters.place.eq(self._place),
        ]
        # A block RAM is far from most adders: a clock for the way there, and one for the way back.
        was = delayed(m, rows.read_data, 1)
        # The carry of a low half is added to the high half, which is next. That of a high half is
        # always 0, as is the growth of whatever is told of.
        carried_sum = Signal(1 + ROW_BITS + 1, reset_less=True)
        carry = self._carry(carried_sum)
        m.d.sync += carried_sum.eq(Cat(1, was) + Cat(carry, counters.growth))
        with m.If(self.clear):
            m.d.sync += carried_sum.eq(0)
        m.d.comb += [
            rows.write.enable.eq(1),  # in the visit that is told of to rows that nobody reads
            rows.write.address.eq(
                delayed(m, Cat(self._walk, self._of_bank(self._bank)), WRITE - READ)
            ),
            rows.write.data.eq(delayed(m, carried_sum[1 : 1 + ROW_BITS], 1)),
        ]

    def _carry(self, carried_sum: Signal) -> Value:
        return carried_sum[-1]

    def _of_bank(self, bank: Value) -> Value:
        """Return the address bits that choose a bank, if there are two."""
        return bank if self._copies else Const(0, 0)

    def _ask(self, m: Module, rows: BlockRam) -> None:
        """Read the rows of totals, and in the last visit of a round those that are asked for."""
        last = HALVES * self._count
        is_last, read_bank = Signal(), Signal()
        m.d.sync += is_last.eq(self._in(last + READ - 1) | self._in(last + READ))
        asked = Signal.like(self._walk)
        index = self.question.index
        m.d.comb += asked.eq(index if self._copies else Cat(self._walk[0], index))
        with m.If(is_last):
            m.d.comb += rows.read_address.eq(Cat(asked, self._of_bank(~self._bank)))
        with m.Else():
            m.d.comb += rows.read_address.eq(Cat(self._walk, self._of_bank(read_bank)))

        with m.If(self._in(last + READ - 1)):
            m.d.sync += [
                self._answering.eq(self.asks != self.answers),
                read_bank.eq(self._bank),
                self._bank.eq(self._bank ^ (self._moves() & (self.asks != self.answers))),
            ]
        wanted = self._answering & self.question.wanted
        for row, value in enumerate(self._value_rows()):
            taken = Signal(name=f"taken_{row}")  # a register: its way to a whole row is long
            m.d.sync += taken.eq(self._in(last - 2 + row) & wanted)
            with m.If(taken):
                m.d.sync += value.eq(rows.read_data)
        with m.If(self._in(last + HALVES - 2) & self._answering):
            m.d.sync += self.answers.eq(~self.answers)

    def _moves(self) -> Value:
        return self.question.moves if self._copies else Const(0)

    def _value_rows(self) -> list[Value]:
        return [self.value[at : at + ROW_BITS] for at in range(0, len(self.value), ROW_BITS)]

"""64-bit totals of what the front end counts, kept in the link's clock domain."""

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hexkey_gateware.handover import Handover
from hexkey_gateware.slot import CHANNELS, OPEN_PULSES

FAST, SYNC = "fast", "sync"
TOTAL_BITS = 64
SHOWN_BITS = 32

FAST_PER_SYNC = (2, 5)
"""A clock of `sync` lasts at least and at most as long as so many of `fast`."""

TAKE_CLOCKS = 2  # of `fast`, from the begin of a step until the counter is taken
SYNC_CLOCKS = 6  # of `sync`, in a step, with a value that is asked for just before
GATHERED = 4  # counters that are chosen from in one clock


def levels(count: int) -> int:
    """Return the clocks in which one of so many counters is chosen."""
    return 0 if count == 1 else 1 + levels(-(-count // GATHERED))


def step_clocks(count: int) -> int:
    """Return the clocks of `fast` in which one of so many counters is taken, at most."""
    return _fast_clocks(count) + SYNC_CLOCKS * FAST_PER_SYNC[1]


def settle_clocks(count: int) -> int:
    """Return the clocks of `sync` after which nothing is on its way any more."""
    return (count + 1) * (SYNC_CLOCKS + -(-_fast_clocks(count) // FAST_PER_SYNC[0]))


def _fast_clocks(count: int) -> int:
    return TAKE_CLOCKS + levels(count) + 2 + Handover.BACK_CLOCKS


class Totals(wiring.Component):
    """Adds up what each total grows by in each clock, for as long as there is electricity.

    Each total has a narrow counter in `fast`. One after the other they are taken, which sets them
    to 0, handed over to `sync`, and added to a 64-bit total in memory there. An increment is in its
    counter or on its way or in its total, and in one of them only.

    *No counter overflows.* A step, which takes one counter, lasts at most `step_clocks`: 2 clocks
    until it is taken, one for each level of the choice among counters, 6 until the next may follow;
    and 6 of `sync`, 2 of them for a value that is asked for. So a counter fills for at most
    ``n * step_clocks`` clocks. In each it grows by no more than its increment can hold; and as all
    increments are of tags, or of what takes tags, by no more than one for each channel in the long
    run: what is saved up are the clicks of the three open pulses, each no more than an increment
    can hold. `counter_bits` is wide enough for the smaller of both, which the constructor checks.

    *Clear.* While it goes on, increments are ignored; for all totals alike it begins with one clock
    and ends with one. What was on its way is thrown away.

    Latency: an increment is in its total after at most `settle_clocks` of `sync`; a value is there
    2 to 4 clocks after it was asked for; a clear takes at most `settle_clocks` and 10 more.
    Throughput: all increments in every clock; one value at a time. Back-pressure: a `value` that
    waits holds up `index`, and nothing else.

    Both domains must be reset together.

    Parameters
    ----------
    widths : sequence of int
        Bits of each total's increments.
    shown : sequence of int
        Totals that can be seen at any time.

    Attributes
    ----------
    step_clocks : int
        Of `fast`.
    settle_clocks : int
        Of `sync`: so long after the last increment all totals are exact.

    Members
    -------
    increments : :py:`In(data.StructLayout({"0": widths[0], "1": …}))`
        In `fast`: what each total grows by in this clock.
    index : :py:`In(stream.Signature(...))`
        In `sync`, as all below: asks for a total.
    value : :py:`Out(stream.Signature(64))`
        Each that was asked for.
    clear : :py:`In(1)`
        All totals are to be 0; held until `cleared`.
    cleared : :py:`Out(1)`
        They are, or were before the increments that came since it rose. Falls behind `clear`.
    shown : :py:`Out(data.ArrayLayout(32, len(shown)))`
        Low half of those totals.
    """

    def __init__(self, widths: Sequence[int], shown: Sequence[int] = ()) -> None:
        if not widths or min(widths) < 1:
            raise ValueError(f"each total must grow by at least a bit, not {list(widths)}")
        if wrong := [index for index in shown if not 0 <= index < len(widths)]:
            raise ValueError(f"shown must be of the {len(widths)} totals, not {wrong}")
        self._widths, self._shown = tuple(widths), tuple(shown)
        self.step_clocks = step_clocks(len(widths))
        self.settle_clocks = settle_clocks(len(widths))
        self.counter_bits = [self._growth(width).bit_length() for width in widths]
        for width, bits in zip(self._widths, self.counter_bits, strict=True):
            assert self._growth(width) < 1 << bits, "a counter would overflow"
        self._index = unsigned(max(1, (len(widths) - 1).bit_length()))
        super().__init__(
            {
                "increments": In(
                    data.StructLayout({str(index): width for index, width in enumerate(widths)})
                ),
                "index": In(stream.Signature(self._index)),
                "value": Out(stream.Signature(unsigned(TOTAL_BITS))),
                "clear": In(1),
                "cleared": Out(1),
                "shown": Out(data.ArrayLayout(SHOWN_BITS, len(shown))),
            }
        )

    def _growth(self, width: int) -> int:
        """Return by how much a counter can grow until it is taken again."""
        clocks, most = len(self._widths) * self.step_clocks, (1 << width) - 1
        return min(most * clocks, OPEN_PULSES * most + CHANNELS * clocks)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        growth = max(self.counter_bits)
        word = data.StructLayout({"index": self._index, "growth": growth})
        m.submodules.handover = self._handover = Handover(word, from_domain=FAST, to_domain=SYNC)
        self._ignore = Signal()  # in `sync`: increments
        self._ignored = Signal()  # in `fast`
        m.submodules.ignore = FFSynchronizer(self._ignore, self._ignored, o_domain=FAST)
        self._take(m)
        self._add(m)
        self._clear(m)
        return m

    def _take(self, m: Module) -> None:
        """Count, and hand over one counter after the other."""
        free, word = self._handover.i.ready, self._handover.i.payload
        last = len(self._widths) - 1
        at, busy, begin = Signal(self._index, init=last), Signal(), Signal()
        since_begin = Signal(
            TAKE_CLOCKS + levels(len(self._widths))
        )  # bit n: it was n + 1 clocks ago
        takes, valid = since_begin[TAKE_CLOCKS - 2], since_begin[-1]
        m.d.comb += begin.eq(free & ~busy)
        m.d[FAST] += since_begin.eq(Cat(begin, since_begin))
        # What follows is found out long before it is needed.
        is_last, following = Signal(), Signal.like(at)
        m.d[FAST] += [is_last.eq(at == last), following.eq(Mux(is_last, 0, at + 1))]
        with m.If(begin):
            m.d[FAST] += [at.eq(following), busy.eq(1)]
        with m.Elif(valid):
            m.d[FAST] += busy.eq(0)

        ignored = self._heeds(self._ignored)
        counters: list[Value] = []
        for index, bits in enumerate(self.counter_bits):
            increment = Signal(self._widths[index], name=f"increment_{index}", reset_less=True)
            counter = Signal(bits, name=f"counter_{index}")
            take = Signal(name=f"take_{index}")
            m.d[FAST] += [
                increment.eq(Mux(ignored, 0, self.increments[str(index)])),
                take.eq(takes & (at == index)),
                counter.eq(Mux(take, self._kept(counter), counter) + self._new(increment, take)),
            ]
            counters.append(counter)
        m.d.comb += [
            self._handover.i.valid.eq(valid),
            word.index.eq(at),
            word.growth.eq(self._gathered(m, counters, at)),
        ]

    def _heeds(self, ignored: Signal) -> Value:
        """Return whether increments are ignored."""
        return ignored

    def _kept(self, counter: Value) -> Value | int:
        """Return what is left in a counter that is taken."""
        return 0

    def _new(self, increment: Signal, take: Signal) -> Value:
        """Return what comes into a counter, also while it is taken."""
        return increment

    def _gathered(self, m: Module, counters: list[Value], at: Value) -> Value:
        """Return the counter `at` as it was some clocks ago: few are chosen from in a clock."""
        for level in range(levels(len(self._widths))):
            of_four = at[2 * level : 2 * level + 2]
            groups = [
                counters[first : first + GATHERED] for first in range(0, len(counters), GATHERED)
            ]
            counters = []
            for index, group in enumerate(groups):
                chosen = Signal(
                    max(map(len, group)), name=f"chosen_{level}_{index}", reset_less=True
                )
                m.d[FAST] += chosen.eq(Array(group)[of_four])
                counters.append(chosen)
        return counters[0]

    def _add(self, m: Module) -> None:
        """Add what comes to its total; in between say what totals are."""
        m.submodules.memory = memory = Memory(
            shape=unsigned(TOTAL_BITS), depth=len(self._widths), init=self._first_totals()
        )
        read, write = memory.read_port(domain=SYNC), memory.write_port(domain=SYNC)
        came, total = self._handover.o, Signal(TOTAL_BITS)
        m.d.comb += [
            read.addr.eq(came.payload.index),
            total.eq(Mux(self._ignore, 0, read.data + came.payload.growth)),
            write.addr.eq(came.payload.index),
            write.data.eq(total),
        ]
        with m.If(self.value.ready):
            m.d[SYNC] += self.value.valid.eq(0)

        with m.FSM(domain=SYNC):
            with m.State("IDLE"):
                with m.If(came.valid):
                    m.next = "ADD"
                with m.Elif(self.index.valid & ~self.value.valid):
                    m.d.comb += [read.addr.eq(self.index.payload), self.index.ready.eq(1)]
                    m.next = "SAY"

            with m.State("ADD"):
                m.d.comb += [write.en.eq(1), came.ready.eq(1)]
                for place, index in enumerate(self._shown):
                    with m.If(came.payload.index == index):
                        m.d[SYNC] += self.shown[place].eq(total)
                m.next = "IDLE"

            with m.State("SAY"):
                m.d[SYNC] += [self.value.payload.eq(read.data), self.value.valid.eq(1)]
                m.next = "IDLE"

    def _first_totals(self) -> list[int]:
        return []

    def _clear(self, m: Module) -> None:
        """Ignore increments until all counters were thrown away, one of them maybe twice."""
        ignored, left = Signal(), Signal(range(len(self._widths) + 2))
        m.submodules.ignored = FFSynchronizer(self._ignored, ignored, o_domain=SYNC)
        came = self._handover.o
        with m.FSM(domain=SYNC):
            with m.State("IDLE"):
                with m.If(self.clear):
                    m.d[SYNC] += self._ignore.eq(1)
                    m.next = "STOP"

            with m.State("STOP"):
                # The counter that is on its way now may be from before.
                m.d[SYNC] += left.eq(len(self._widths) + 1)
                with m.If(ignored):
                    m.next = "EMPTY"

            with m.State("EMPTY"):
                with m.If(came.valid & came.ready):
                    m.d[SYNC] += left.eq(left - 1)
                with m.If(left == 0):
                    m.d[SYNC] += self._ignore.eq(0)
                    m.next = "START"

            with m.State("START"):
                with m.If(~ignored):
                    m.next = "CLEARED"

            with m.State("CLEARED"):
                m.d.comb += self.cleared.eq(1)
                with m.If(~self.clear):
                    m.next = "IDLE"

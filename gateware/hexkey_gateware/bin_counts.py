"""Counts in block RAM: one of them grows in any clock, another clock domain reads and clears them.

Counting takes a row's way through memory: read, add, write. Two that want the same row at nearly
the same time would overtake each other, so the later one is *merged* into the earlier before that
has added anything: the one grows its row by two, the other ends. A row is read out by going the
same way, with the order to *take* the count and write 0; it is merged like the others, and so no
count is lost and none is taken twice.
"""

from amaranth.hdl import Cat, DomainRenamer, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from hexkey_gateware.block_ram import BlockRam
from hexkey_gateware.link.sources import READOUT
from hexkey_gateware.pipeline import count_ones, delayed
from hexkey_gateware.slot import lane

FAST, SYNC = "fast", "sync"

MEET = 2
"""Place on the way through memory where two visits of a row meet: that many clocks after a visit
was told of, it is known which of those before it are for the same row."""

QUIET_BITS = 3
"""``2 ** QUIET_BITS`` clocks after all rows were cleared there are no visits: what is counted then
would be merged into them, and be lost."""

LEAST_ROWS = 1 << (QUIET_BITS + 1)

PATIENCE_BITS = 5
"""A readout waits ``2 ** PATIENCE_BITS`` clocks for one in which nothing is counted."""


def row_layout(rows: int) -> data.StructLayout:
    """Return a place among so many rows, at least `LEAST_ROWS`."""
    if rows < LEAST_ROWS:
        raise ValueError(f"counts have at least {LEAST_ROWS} rows, not {rows}")
    return data.StructLayout({"row": (rows - 1).bit_length()})


def visit_layout(rows: int) -> data.StructLayout:
    """Return what is done to a row.

    Members
    -------
    row : :py:`unsigned(...)`
    add : :py:`unsigned(1)`
        Its count grows by one.
    take : :py:`unsigned(1)`
        It is 0 afterwards.
    tell : :py:`unsigned(1)`
        With `take`: somebody wants to know the count.
    """
    return data.StructLayout({**row_layout(rows).members, "add": 1, "take": 1, "tell": 1})


def clear_clocks(rows: int) -> int:
    """Return how many clocks pass until counts that are cleared count again."""
    return (1 << (rows - 1).bit_length()) + (1 << QUIET_BITS) + 1


class CountMemory(wiring.Component):
    """Visits a row in each clock, whatever rows follow each other.

    Each visit finds what those before have left. Only what is told of one that takes may include
    visits of that row up to `window` clocks behind it. A count grows to ``2 ** count_bits`` and a
    little more, and stays there: its highest bit says that it is full.

    Latency `latency` clocks until `told`, throughput a visit a clock, no back-pressure.

    Parameters
    ----------
    rows : int
        Memory has the next power of two, in banks of what a block RAM can have.
    count_bits : int

    Members
    -------
    i : :py:`In(lane(visit_layout(rows)))`
    told : :py:`Out(lane(StructLayout({"count": count_bits + 1})))`
        For each visit with `tell`.
    """

    BANK_ROWS = 2048

    def __init__(self, rows: int, count_bits: int = 32) -> None:
        self._bits = count_bits + 1
        self._address_bits = (rows - 1).bit_length()
        self._bank_bits = min(self._address_bits, (self.BANK_ROWS - 1).bit_length())
        # Places: what is at one is at the next a clock later. From the bank's data on there is a
        # place for each choice between two banks, then the operands, the sum, and what is written.
        to_count = BlockRam.LATENCY + self._address_bits - self._bank_bits
        self.window = to_count + 3  # so that who is further behind reads what was written
        self._read = MEET + self.window  # so that all is merged when it is added up
        self._count = self._read + to_count
        self._sum, self._write = self._count + 2, self._count + 3
        self.latency = 1 + self._sum
        assert self.window <= 1 << QUIET_BITS
        super().__init__(
            {
                "i": In(lane(visit_layout(rows))),
                "told": Out(lane(data.StructLayout({"count": self._bits}))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows = [delayed(m, self.i.payload.row, 1)]
        for _ in range(self._write):
            rows.append(delayed(m, rows[-1], 1))
        live, merges = self._meet(m, rows)
        growth, take, tell = self._merge(m, merges, live[self._count + 1])

        written = Signal(self._bits, reset_less=True)
        was = self._remember(m, rows, live[self._sum], written)
        # What is full grows no more.
        operands = delayed(m, was, 1), delayed(m, Mux(was[-1], 0, growth), 1)
        total = delayed(m, sum(operands)[: self._bits], 1)
        m.d.sync += written.eq(total)
        with m.If(take):
            m.d.sync += written.eq(0)
        m.d.comb += [self.told.valid.eq(tell), self.told.payload.count.eq(total)]
        return m

    def _meet(self, m: Module, rows: list[Signal]) -> tuple[dict[int, Signal], list[Value]]:
        """Return what is a visit still, by place, and with which before it one at `MEET` merges."""
        valid = [delayed(m, self.i.valid, 1, reset_less=False)]
        for _ in range(MEET):
            valid.append(delayed(m, valid[-1], 1, reset_less=False))
        live = {place: Signal(name=f"live_{place}") for place in range(MEET + 1, self._write)}
        merges = [
            _same(m, valid[0], rows[0], rows[distance]) & live[MEET + distance]
            for distance in range(1, self.window + 1)
        ]
        places = Cat(live.values())
        m.d.sync += places.eq(Cat(valid[MEET] & ~Cat(merges).any(), places))
        return live, merges

    def _merge(self, m: Module, merges: list[Value], live: Value) -> tuple[Value, Value, Value]:
        """Return by how much a row grows, at `_count`; take and tell, at `_sum`."""
        visit = self.i.payload
        adds, takes, tells = (
            delayed(m, each, 1 + MEET) for each in (visit.add, visit.take, visit.tell)
        )
        # The first of two goes on from place to place while those that may meet it come to `MEET`.
        grows, take, tell = (delayed(m, each, 1) for each in (adds, takes, tells))
        for merge in merges:
            grows = delayed(m, Cat(grows, merge & adds), 1)
            take = delayed(m, take | (merge & takes), 1)
            tell = delayed(m, tell | (merge & tells), 1)
        waits = self._count - self._read - 1
        growth = delayed(m, count_ones(grows), waits)
        take, tell = (delayed(m, delayed(m, each, waits + 1) & live, 1) for each in (take, tell))
        return growth, take, tell

    def _remember(self, m: Module, rows: list[Signal], live: Value, written: Signal) -> Value:
        """Return what the row at `_read` was, at `_count`."""
        banks: list[Value] = []
        for bank in range(1 << (self._address_bits - self._bank_bits)):
            chosen = live & (rows[self._write - 1][self._bank_bits :] == bank)
            m.submodules[f"bank_{bank}"] = ram = self._ram(self._bits, 1 << self._bank_bits)
            m.d.comb += [
                ram.read_address.eq(rows[self._read]),
                ram.write.address.eq(rows[self._write]),
                ram.write.data.eq(written),
                ram.write.enable.eq(delayed(m, chosen, 1, reset_less=False)),
            ]
            banks.append(ram.read_data)
        place = self._read + BlockRam.LATENCY
        for bit in range(self._bank_bits, self._address_bits):
            pairs = zip(banks[::2], banks[1::2], strict=True)
            banks = [delayed(m, Mux(rows[place][bit], odd, even), 1) for even, odd in pairs]
            place += 1
        return banks[0]

    def _ram(self, bits: int, rows: int) -> BlockRam:
        return BlockRam(bits, rows)


class BinCounts(wiring.Component):
    """Counts rows in one clock domain, and gives the counts out in another.

    A row is taken once the word before has been: read and set to 0 in one step, while counting goes
    on. That needs a clock in which nothing is counted; if none comes for 32 clocks, it takes one.
    No count is lost otherwise, nor told twice. A count stops at its highest value.

    `clear` sets all rows to 0, which takes `clear_clocks(rows)`: as many as there are rows (the
    next power of two) and a few more. In that time nothing is counted, and a readout gives zeros;
    so does one that had begun before, up to its end. No readout has counts of before and behind.

    Latency: some 3 clocks of `sync` and 20 of `fast` from `start`, or from the word before, to a
    word. Throughput: an `add` a clock; one readout at a time.
    Back-pressure: `start` is taken when the words before are.

    Parameters
    ----------
    rows : int
        At least 16.
    count_bits : int
        At most 32.

    Members
    -------
    add : :py:`In(lane(row_layout(rows)))`
        In `fast`: this row's count grows by one.
    dropped : :py:`Out(1)`
        In `fast`: the `add` of the clock before was not counted, for a readout.
    clear : :py:`In(1)`
        In `fast`: what comes from the next clock on is not counted, until all is 0. While it is
        held, clearing begins over and over.
    start : :py:`In(stream.Signature(range(rows)))`
        In `sync`: read out, from this row on.
    length : :py:`In(range(rows + 1))`
        In `sync`, with `start`: how many rows, at least 1.
    words : :py:`Out(stream.Signature(READOUT))`
        In `sync`.
    """

    def __init__(self, rows: int, count_bits: int = 32) -> None:
        if not 0 < count_bits <= 32:
            raise ValueError(f"a word has room for counts of 1 to 32 bits, not {count_bits}")
        self._count_bits = count_bits
        self._memory: CountMemory = self._make_memory(rows, count_bits)
        row = row_layout(rows)["row"].shape
        super().__init__(
            {
                "add": In(lane(row_layout(rows))),
                "dropped": Out(1),
                "clear": In(1),
                "start": In(stream.Signature(row)),
                "length": In(range(rows + 1)),
                "words": Out(stream.Signature(READOUT)),
            }
        )
        # A readout asks by the change of `ask`, and is answered by that of `answered`.
        self._ask, self._answered = Signal(), Signal()
        self._row = Signal(row)  # asked for; holds still from then on
        self._first = Signal()  # it is a readout's first
        self._count = Signal(count_bits + 1, reset_less=True)  # answered
        self._clearing, self._counting = Signal(), Signal(init=1)  # two, as much hangs on either
        self._asks = Signal()  # for a row that has not set out yet
        self._sets_out = Signal()
        self._void = Signal()  # a row is answered with 0, unseen

    def _make_memory(self, rows: int, count_bits: int) -> CountMemory:
        return CountMemory(rows, count_bits)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = DomainRenamer(FAST)(self._memory)
        self._read_out(m)
        self._hear(m)
        self._visit(m)
        self._answer(m)
        return m

    def _read_out(self, m: Module) -> None:
        """Ask for row after row."""
        answered, left = Signal(), Signal.like(self.length)
        m.submodules.answered = FFSynchronizer(self._answered, answered, o_domain=SYNC)
        words, domain = self.words, m.d[SYNC]
        with m.FSM(domain=SYNC):
            with m.State("IDLE"):
                m.d.comb += self.start.ready.eq(1)
                domain += [self._row.eq(self.start.payload), left.eq(self.length)]
                with m.If(self.start.valid):
                    domain += [self._ask.eq(~self._ask), self._first.eq(1)]
                    m.next = "AWAIT"

            with m.State("AWAIT"):
                domain += words.payload.data.eq(self._count[:-1])
                with m.If(self._count[-1]):
                    domain += words.payload.data.eq((1 << self._count_bits) - 1)
                domain += words.payload.last.eq(left == 1)
                with m.If(answered == self._ask):
                    domain += words.valid.eq(1)
                    m.next = "GIVE"

            with m.State("GIVE"):
                with m.If(words.ready):
                    domain += [words.valid.eq(0), left.eq(left - 1)]
                    m.next = "IDLE"
                    with m.If(~words.payload.last):
                        domain += [self._row.eq(self._row + 1), self._first.eq(0)]
                        domain += self._ask.eq(~self._ask)
                        m.next = "AWAIT"

    def _hear(self, m: Module) -> None:
        """Take in that a row is asked for; say whether it may be looked at."""
        domain = m.d[FAST]
        ask, asked, heard = Signal(), Signal(), Signal()
        m.submodules.ask = FFSynchronizer(self._ask, ask, o_domain=FAST)
        void = Signal()  # the readout began before the latest `clear` was over
        domain += [asked.eq(ask), heard.eq(ask ^ asked), self._void.eq(0)]
        with m.If(self._clearing):
            domain += void.eq(1)
        with m.Elif((ask ^ asked) & self._first):
            domain += void.eq(0)
        with m.If((heard | self._asks) & self._is_void(void)):
            domain += [self._asks.eq(0), self._void.eq(1)]
        with m.Elif(heard):
            domain += self._asks.eq(1)
        with m.Elif(self._sets_out):
            domain += self._asks.eq(0)

    def _is_void(self, void: Value) -> Value:
        return void | self._clearing

    def _visit(self, m: Module) -> None:
        """Send a row through memory: one that is cleared, read out, or counted."""
        domain, visit = m.d[FAST], self._memory.i
        row, waited = Signal(len(self._row) + 1), Signal(PATIENCE_BITS + 1)
        with m.If(self.clear):
            domain += [self._clearing.eq(1), self._counting.eq(0), row.eq(0)]
        with m.Elif(self._clearing):
            domain += row.eq(row + 1)
            is_over = row[-1] & row[QUIET_BITS]
            domain += [self._clearing.eq(~is_over), self._counting.eq(is_over)]
        domain += waited.eq(Mux(self._asks, waited + 1, 0))
        m.d.comb += self._sets_out.eq(self._asks & ~self._clearing & (~self.add.valid | waited[-1]))
        domain += self.dropped.eq(self._sets_out & self.add.valid)

        takes = self._clearing | self._sets_out
        row_to_take = Mux(self._counting, self._row, row[:-1])
        m.d.comb += [
            visit.valid.eq(Mux(self._clearing, ~row[-1], self._asks | self.add.valid)),
            visit.payload.row.eq(Mux(takes, row_to_take, self.add.payload.row)),
            visit.payload.add.eq(~takes),
            visit.payload.take.eq(takes),
            visit.payload.tell.eq(self._sets_out),
        ]

    def _answer(self, m: Module) -> None:
        domain, told = m.d[FAST], self._memory.told
        with m.If(told.valid):
            domain += self._count.eq(told.payload.count)
        with m.If(self._void):
            domain += self._count.eq(0)
        with m.If(told.valid | self._void):
            domain += self._answered.eq(~self._answered)


def _same(m: Module, valid: Value, row: Value, other: Value) -> Value:
    """Return whether a valid row is the other, 2 clocks later."""
    parts = [row[bit : bit + 2] == other[bit : bit + 2] for bit in range(0, len(row), 2)]
    return delayed(m, delayed(m, valid, 1) & delayed(m, Cat(parts), 1).all(), 1)

"""Raw tags: every tag with its full time, as words for the event FIFO."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.block_ram import BlockRam
from hexkey_gateware.pipeline import count_ones
from hexkey_gateware.short_queue import ShortQueue
from hexkey_gateware.slot import CHANNELS, TICKS_PER_CLOCK, lane, tag_layout
from hexkey_gateware.words import CONTROL_VALUE, NUMBER_BITS, WORD, Code

LOW_BITS = 32
ROW_TIME_BITS = LOW_BITS + 1
CODE_BITS = CONTROL_VALUE.size - NUMBER_BITS

MOST_DROPPED = 2 * CHANNELS + 1
"""In a clock: those of a slot that finds no room, those of another that is thrown away, and one."""


class RawTags(wiring.Component):
    """Buffers slots with tags, and writes their tags one after the other.

    A slot with tags is a row of a block RAM: the lanes, and the low 33 bits of the time at which it
    ends. Of a tag's time all but 32 bits is said once, before the first tag and whenever it has
    changed. The 33rd bit tells a tag from before such a change from one behind it: tags wait for
    less than the 43 s from one to the next. At each of them all is said again.

    A tag's time is that of its edge since the clock's start, plus a constant. Each channel's tags
    come in order; those of a slot in the order of channels, behind those of all slots before.

    Latency: 15 clocks from a tag to its word, 1 less to the word with the upper bits. Throughput: a
    tag every 2 clocks, a slot every 4; 1000 slots wait. Back-pressure: none for `tags`. Tags for
    which there is no room are dropped and counted. While `full`, and when `on` has fallen, those
    that wait are, too, a slot every 3 clocks; up to 16 words may still come behind `full`.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    tags : :py:`In(lane(tag_layout(ticks_per_clock))).array(5)`
        Detectors 0 to 3 and the trigger, all of one slot, delays applied.
    on : :py:`In(1)`
        Words are tags now. Tags that come in while it is not set are not wanted.
    full : :py:`In(1)`
        The FIFO is full for events.
    o : :py:`Out(stream.Signature(WORD))`
        Only while `on`; what waits when that falls is taken back.
    dropped : :py:`Out(range(12))`
        Tags that were dropped in this clock.
    """

    LATENCY = 15
    START_TICKS = 0  # since the clock's start
    SLOTS = 1024
    IN_FLIGHT = 8  # words that may be on their way to the queue when it fills
    QUEUE = 16

    def __init__(self, ticks_per_clock: int = TICKS_PER_CLOCK) -> None:
        self._ticks_per_clock = ticks_per_clock
        tag = tag_layout(ticks_per_clock)
        self._row = data.StructLayout(
            {
                "time": ROW_TIME_BITS,
                "fine": data.ArrayLayout(tag["fine"].width, CHANNELS),
                "valid": CHANNELS,
            }
        )
        super().__init__(
            {
                "tags": In(lane(tag)).array(CHANNELS),
                "on": In(1),
                "full": In(1),
                "o": Out(stream.Signature(WORD)),
                "dropped": Out(range(MOST_DROPPED + 1)),
            }
        )
        now, high = self.START_TICKS + ticks_per_clock, self.START_TICKS >> LOW_BITS
        self._now = Signal(ROW_TIME_BITS, init=now % (1 << ROW_TIME_BITS))
        self._next = Signal(ROW_TIME_BITS, init=(now + ticks_per_clock) % (1 << ROW_TIME_BITS))
        self._turns = Signal(init=(now >> LOW_BITS) - high)  # `high` is one too low for `now`
        self._high = Signal(NUMBER_BITS, init=high)  # the bits above 32, a clock late
        self._before = Signal(NUMBER_BITS, init=(high - 1) % (1 << NUMBER_BITS))
        self._keep = Signal()  # the next row, to be written
        self._throw = Signal()  # it, to be dropped
        # The row that is being written.
        self._left = Signal(CHANNELS)  # tags that are not yet
        self._free = Signal(init=1)  # there are none
        self._fine = Signal(self._row["fine"].shape, reset_less=True)
        self._time = Signal(ROW_TIME_BITS, reset_less=True)
        self._go = Signal()  # there is room for the words that are on their way to ``o``

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += [
            self._next.eq(self._next + self._ticks_per_clock),
            self._now.eq(self._next),
            self._turns.eq(self._next[LOW_BITS] ^ self._now[LOW_BITS]),
        ]
        m.submodules.ram = ram = BlockRam(self._row.size, self.SLOTS)
        m.submodules.queue = queue = ShortQueue(WORD, self.QUEUE)
        denied = self._buffer(m, ram)
        row = data.View(self._row, ram.read_data)
        self._write(m, queue, *self._pick(m, row))
        m.d.sync += self._go.eq(~queue.holds[self.QUEUE - 2 - self.IN_FLIGHT - 1])
        m.d.comb += [
            self.o.payload.eq(queue.o.payload),
            self.o.valid.eq(queue.o.valid & self.on),
            queue.o.ready.eq(self.o.ready | ~self.on),
        ]
        thrown_row = Signal(self._row["valid"].shape)
        thrown = Signal(range(CHANNELS + 1))
        taken_back = Signal()
        m.d.sync += [
            thrown_row.eq(Mux(self._throw, row.valid, 0)),
            thrown.eq(self._tags_in(thrown_row)),
            taken_back.eq(queue.o.valid & ~self.on & (queue.o.payload.kind != 0)),
            self.dropped.eq(denied + thrown + taken_back),
        ]
        return m

    def _buffer(self, m: Module, ram: BlockRam) -> Signal:
        """Write rows and read them again; return how many tags found no room."""
        row = Signal(self._row, reset_less=True)
        put = Signal()
        valid = Cat(tag.valid for tag in self.tags)
        m.d.sync += [
            put.eq(valid.any() & self.on),
            row.eq(Cat(self._now, *(t.payload.fine for t in self.tags), valid)),
        ]
        written = Signal(self._row, reset_less=True)
        # What is in memory, a clock late, and what follows from it, another.
        level = Signal(range(self.SLOTS + 1))
        room = Signal()
        some = Signal()
        came = Signal()
        taken = Signal()
        denied = Signal(range(CHANNELS + 1))
        m.d.sync += [
            came.eq(put & room),
            written.eq(row),
            room.eq(~(level[-1] | level[2:-1].all())),
            some.eq(level != 0),
            denied.eq(Mux(put & ~room, count_ones(row.valid), 0)),
            ram.write.address.eq(ram.write.address + ram.write.enable),
            ram.read_address.eq(ram.read_address + taken),
        ]
        m.d.comb += [ram.write.enable.eq(came), ram.write.data.eq(written)]
        with m.If(came & ~taken):
            m.d.sync += level.eq(level + 1)
        with m.Elif(taken & ~came):
            m.d.sync += level.eq(level - 1)

        # Once a row is taken it takes 2 clocks until it is known whether there is another, and that
        # one is then what the memory shows. States are a flip-flop each, for speed.
        look = Signal(init=1)
        wait = Signal()
        throwing = Signal()
        finds = look & some & (self._free | throwing)
        m.d.sync += [
            throwing.eq(self.full | ~self.on),
            self._keep.eq(look & some & self._free & ~throwing),
            self._throw.eq(look & some & throwing),
            taken.eq(finds),
            wait.eq(taken),
            look.eq(wait | (look & ~finds)),
        ]
        return denied

    def _pick(self, m: Module, row: data.View) -> tuple[Value, Value, Value]:
        """Take tags off the row, one after the other: whether there is one, its kind, its time."""
        picks = Signal()
        picked = Signal(2)
        chosen = Signal(CHANNELS)
        kind = Signal(WORD["kind"].width, reset_less=True)
        fine = Signal(self._row["fine"].shape.elem_shape, reset_less=True)
        time = Signal(ROW_TIME_BITS, reset_less=True)
        others = Cat(self._left[:channel].any() for channel in range(CHANNELS))
        m.d.sync += [
            picks.eq(self._left.any() & self._go & ~picks),  # two words may come of a tag
            chosen.eq(self._left & ~others),
            # The row stays for these two clocks: the next is not even looked for before.
            kind.eq(_any_of(chosen, range(1, CHANNELS + 1))),
            fine.eq(_any_of(chosen, self._fine)),
            time.eq(self._time - fine),
            picked.eq(Cat(picks, picked)),
        ]
        with m.If(picks):
            m.d.sync += self._left.eq(self._left & others)
            m.d.sync += self._free.eq(~(self._left & others).any())
        with m.If(self._keep):
            m.d.sync += [
                self._left.eq(row.valid),
                self._free.eq(0),
                self._fine.eq(row.fine),
                self._time.eq(row.time),
            ]
        later = Signal()
        later_kind = Signal.like(kind, reset_less=True)
        m.d.sync += [later.eq(picked[1]), later_kind.eq(kind)]
        return later, later_kind, time

    def _write(self, m: Module, queue: ShortQueue, valid: Value, kind: Value, time: Value) -> None:
        """Write the words of a tag: its upper bits if need be, and a clock later the lower ones."""
        said = Signal()  # the lowest bit of what was said last
        known = Signal()  # which was `high` or `before`
        with m.If(self._turns):
            m.d.sync += [self._high.eq(self._high + 1), self._before.eq(self._high)]
        word = Signal(WORD, reset_less=True)
        word_valid = Signal()
        tag = Signal(WORD, reset_less=True)
        tag_follows = Signal()
        upper_bit = time[LOW_BITS]
        number = self._upper_bits(upper_bit)
        m.d.sync += [
            tag_follows.eq(valid),
            tag.eq(Cat(time[:LOW_BITS], kind)),
            word_valid.eq(tag_follows | (valid & self._is_new(upper_bit, said, known))),
            word.eq(Mux(tag_follows, tag, Cat(number, Const(Code.TIME_HIGH, 4 + CODE_BITS)))),
        ]
        with m.If(valid):
            m.d.sync += [said.eq(upper_bit), known.eq(1)]
        with m.If(self._turns | ~self.on):
            m.d.sync += known.eq(0)
        m.d.comb += [queue.i.valid.eq(word_valid), queue.i.payload.eq(word)]

    def _is_new(self, bit: Value, said: Value, known: Value) -> Value:
        """Whether the upper bits of a tag are not those that were said last."""
        return ~known | (said != bit)

    def _upper_bits(self, bit: Value) -> Value:
        """Return the upper bits of a tag, of which the lowest is known."""
        return Mux(bit == self._high[0], self._high, self._before)

    def _tags_in(self, valid: Value) -> Value:
        return count_ones(valid)


def _any_of(chosen: Value, values: Iterable[ValueLike]) -> Value:
    """Return the value whose bit is set in `chosen`."""
    masked = (Mux(bit, value, 0) for bit, value in zip(chosen, values, strict=True))
    return reduce(or_, masked)

"""The packer: makes words of pulses, and says so where it had to drop events."""

from enum import IntEnum
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey.wire.registers import Mode
from hexkey_gateware.short_queue import ShortQueue
from hexkey_gateware.slot import CONTROL, EVENT, PHASE_BITS, lane
from hexkey_gateware.words import (
    ADVANCE_BITS,
    CONTROL_VALUE,
    EVENT_VALUE,
    NUMBER_BITS,
    SETTINGS_NUMBER,
    WORD,
    Code,
)

MARK_BITS = 24
DISTANCE_BITS = 2 * NUMBER_BITS
CODE_BITS = CONTROL_VALUE.size - NUMBER_BITS

_ITEM = data.StructLayout(
    {
        "mask": DETECTORS,
        "phase_ticks": PHASE_BITS,
        "flags": 2,
        "control": CONTROL,
        "gap": MARK_BITS,  # pulses since the item before
        "far": 1,  # more than an advance can say
        "is_event": 1,
        "has_control": 1,
    }
)


_GROUP_STATES = ("add", "look", "plan", "write", "finish")


class _Step(IntEnum):
    """The words that can be written at one pulse, in their order."""

    LATE_BEGIN = 0
    FIRST_HIGH = 1
    FIRST = 2
    LAST_HIGH = 3
    LAST = 4
    COUNT = 5
    BEGIN = 6
    SKIP_HIGH = 7
    SKIP = 8
    SETTINGS = 9
    MARKER = 10
    RECORD = 11


class Packer(wiring.Component):
    """Writes a word for each event, and control words in their place between them.

    Of all pulses, those with an event (in the mode of gated events), with control flags, and one
    every `mark_pulses` are *items*; they wait in a queue with their distance to the item before.
    *Here* is the pulse that a reader of the words has reached; `behind` is how far beyond it the
    last item was, if that was dropped. An item that is an event in reach of an advance is one word;
    any other is a *group*: the losses not told of yet, a skip, control words, the event.

    While the FIFO is full for events, events and marks are dropped, and control words use its
    reserve. While that is used up, too (`full_for_groups`), markers are dropped, which the next
    one's count shows; a new epoch and settings wait for room and then are said late: nothing but
    lost events can lie between. The losses of an epoch whose end had to wait are told of in the
    next, from its pulse 0 on. A loss counts at most 2²⁷ events; `dropped` counts all.

    Latency: 6 clocks from ``i`` to an event's word, 9 to a group's first. Throughput: an event a
    clock; a group takes 6 clocks more than its words, at most 12. The queue holds 16 items. Should
    groups follow each other too fast, the last 4 places are for control, and events without a place
    are dropped and counted, but their pulses not told of. Back-pressure: none for ``i``, which may
    have a pulse every 2 clocks; all waits for ``o``, which the FIFO keeps ready as long as its
    `full_…` are heeded.

    Members
    -------
    i : :py:`In(stream.Signature(EVENT, always_ready=True))`
        Every pulse, in order.
    tags : :py:`In(stream.Signature(WORD))`
        What to write between the others; taken while `raw_tags`.
    mode, settings_id : :py:`In(2), In(8)`
        Setting, and the commit's id; taken over with the pulse that carries `settings`.
    marker_count : :py:`In(28)`
        Taken with the pulse that carries `marker`.
    mark_pulses : :py:`In(24)`
        About 10 ms of pulses; from 1 on.
    full_for_events, full_for_groups : :py:`In(1)`
        Of the FIFO.
    o : :py:`Out(stream.Signature(WORD))`
    raw_tags : :py:`Out(1)`
        `SETTINGS` said that words are tags now.
    dropped : :py:`Out(2)`
        How many events were dropped in this clock.
    idle : :py:`Out(1)`
        Nothing is left to write; it knows of a pulse 2 clocks later.
    """

    i: In(lane(EVENT))
    tags: In(stream.Signature(WORD))
    mode: In(2)
    settings_id: In(8)
    marker_count: In(NUMBER_BITS)
    mark_pulses: In(MARK_BITS)
    full_for_events: In(1)
    full_for_groups: In(1)
    o: Out(stream.Signature(WORD))
    raw_tags: Out(1)
    dropped: Out(2)
    idle: Out(1)

    QUEUE = 16
    CONTROL_PLACES = 4  # of these
    IN_FLIGHT = 8  # more than the words that may be on their way to `o` when it stops

    def __init__(self) -> None:
        super().__init__()
        self._settings = Signal(SETTINGS_NUMBER)  # of the last commit
        self._marker = Signal(NUMBER_BITS)
        self._turned_away = Signal()  # an event found no place in the queue
        # The group that is being written, and what is written of it next.
        self._work = Signal(_ITEM)
        self._said_settings = Signal()
        self._todo = Signal(len(_Step))
        self._chosen, self._choosing = Signal(len(_Step)), Signal()
        self._record = Signal(WORD)
        self._word, self._word_valid = Signal(WORD), Signal()
        self._at_idle = Signal(init=1)  # an item may be taken
        self._go = Signal()  # there is room for the words that are on their way to ``o``
        # Distances from here.
        self._behind = Signal(DISTANCE_BITS)
        self._first, self._last = Signal(DISTANCE_BITS), Signal(DISTANCE_BITS)
        self._at_here = Signal(init=1)  # `behind` is 0
        # What is not told of yet.
        self._owing = Signal()  # any of the following
        self._lost = Signal()
        self._count = Signal(NUMBER_BITS)
        self._late = Signal(data.StructLayout({"begin": 1, "settings": 1}))
        # Of the item that was taken last.
        self._gap = Signal(MARK_BITS)
        self._adding, self._noting, self._note_next = Signal(), Signal(), Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = ShortQueue(_ITEM, self.QUEUE)
        self._choose_items(m, queue)
        self._keep_distances(m)  # what the states say of the same registers comes after it
        self._write(m)
        m.submodules.out = out = ShortQueue(WORD, 2 * self.IN_FLIGHT)
        m.d.comb += [out.i.valid.eq(self._word_valid), out.i.payload.eq(self._word)]
        wiring.connect(m, out.o, wiring.flipped(self.o))
        m.d.sync += self._go.eq(out.level < self.IN_FLIGHT)
        m.d.sync += self.idle.eq(
            self._at_idle & ~queue.o.valid & (queue.level == 0) & ~self._owing & ~self._choosing
        )
        # One flip-flop for each state: what follows from it has no time for more.
        add, look, plan, write, finish = (Signal(name=f"at_{name}") for name in _GROUP_STATES)
        m.d.sync += [add.eq(0), look.eq(add), plan.eq(look), finish.eq(0)]
        with m.If(self._at_idle & self._go):
            self._take(m, queue, add)
        with m.If(add & self._work.control.begin):
            m.d.sync += self._behind.eq(0)
        with m.If(look):
            self._look(m)
        with m.If(plan):
            self._plan(m, write)
        with m.If(write & self._go):
            lowest = self._todo & -self._todo
            m.d.sync += [self._chosen.eq(lowest), self._choosing.eq(self._todo != 0)]
            m.d.sync += self._todo.eq(self._todo & ~lowest)
            m.d.sync += [write.eq(self._todo != 0), finish.eq(self._todo == 0)]
        with m.If(finish):
            self._finish(m)
            m.d.sync += self._at_idle.eq(1)
        return m

    # ---- which pulses are items -----------------------------------------------------------------

    def _choose_items(self, m: Module, queue: ShortQueue) -> None:
        pulse = Signal(EVENT)
        valid, is_event, has_control = Signal(), Signal(), Signal()
        mode = Mux(self.i.payload.control.settings, self.mode, self._settings.mode)
        has_mask = self.i.payload.mask.any()
        m.d.sync += [
            valid.eq(self.i.valid),
            pulse.eq(self.i.payload),
            is_event.eq(self.i.valid & has_mask & self._events_pass(mode)),
            has_control.eq(self.i.valid & self.i.payload.control.as_value().any()),
        ]
        with m.If(self.i.valid & self.i.payload.control.settings):
            m.d.sync += [self._settings.id.eq(self.settings_id), self._settings.mode.eq(self.mode)]
        with m.If(self.i.valid & self.i.payload.control.marker):
            m.d.sync += self._marker.eq(self.marker_count)

        # `due` and `far` are of `gap` a clock ago: no pulse comes right after another.
        gap = Signal(MARK_BITS, init=1)  # what this pulse has, or the next one
        due, far = Signal(), Signal()
        m.d.sync += due.eq((gap >= self.mark_pulses) | gap[-1])
        m.d.sync += far.eq(gap[ADVANCE_BITS:].any())

        room = Signal()
        m.d.sync += room.eq(queue.level < self.QUEUE - self.CONTROL_PLACES)
        m.d.comb += queue.i.valid.eq(has_control | ((is_event | (valid & due)) & room))
        with m.If(valid):
            m.d.sync += gap.eq(Mux(queue.i.valid, 1, gap + 1))
        m.d.sync += self._turned_away.eq(is_event & ~room)
        item = queue.i.payload
        m.d.comb += [
            *(item[name].eq(pulse[name]) for name in ("mask", "phase_ticks", "flags", "control")),
            item.gap.eq(gap),
            item.far.eq(far),
            item.is_event.eq(is_event & room),
            item.has_control.eq(has_control),
        ]

    def _events_pass(self, mode: Value) -> Value:
        return mode == Mode.EVENTS

    # ---- what becomes of an item ----------------------------------------------------------------

    def _take(self, m: Module, queue: ShortQueue, add: Signal) -> None:
        """Take the next item: write it, drop it, or begin its group."""
        item = queue.o.payload
        reached = self._at_here & ~self._owing & ~item.far
        m.d.comb += queue.o.ready.eq(1)
        m.d.sync += [self._work.eq(item), self._gap.eq(item.gap)]
        self._load_record(m, item, Mux(reached & ~item.has_control, item.gap, 0))
        with m.If(queue.o.valid):
            with m.If(self.full_for_events & ~item.has_control):
                m.d.sync += [self._adding.eq(1), self._at_here.eq(0)]
                self._drop(m, item.is_event, added=False)
            with m.Elif(item.is_event & ~item.has_control & reached):
                m.d.sync += [self._chosen.eq(1 << _Step.RECORD), self._choosing.eq(1)]
            with m.Else():
                m.d.sync += self._adding.eq(~item.control.begin)
                m.d.sync += [add.eq(1), self._at_idle.eq(0)]
        with m.Elif(self._owing & ~self.full_for_events):
            m.d.sync += [self._work.eq(0), add.eq(1), self._at_idle.eq(0)]
        with m.Else():
            m.d.comb += self.tags.ready.eq(self.raw_tags)
            with m.If(self.tags.valid & self.raw_tags):
                m.d.sync += [self._chosen.eq(1 << _Step.RECORD), self._choosing.eq(1)]
                m.d.sync += self._record.eq(self.tags.payload)

    def _load_record(self, m: Module, item: data.View, advance: Value) -> None:
        value = data.View(EVENT_VALUE, self._record.value)
        m.d.sync += [
            self._record.kind.eq(item.mask),
            value.phase_ticks.eq(item.phase_ticks),
            value.flags.eq(item.flags),
            value.advance.eq(advance),
        ]

    def _look(self, m: Module) -> None:
        """Find out, a clock before the words are planned, which of them are needed."""
        m.d.sync += self._todo.eq(
            Cat(
                self._late.begin,
                self._lost & self._first[NUMBER_BITS:].any(),
                self._lost,
                self._lost & self._last[NUMBER_BITS:].any(),
                self._lost,
                self._lost,
                self._work.control.begin,
                self._behind[NUMBER_BITS:].any(),
                self._behind[:NUMBER_BITS].any(),
                self._work.control.settings | self._late.settings,
                self._work.control.marker,
                self._work.is_event & ~self.full_for_events,
            )
        )

    def _plan(self, m: Module, write: Signal) -> None:
        """Write the group, or, where no room is for it, keep what must be said."""
        control = self._work.control
        with m.If(self.full_for_groups):
            m.d.sync += [self._todo.eq(0), self._at_here.eq(0)]
            m.d.sync += self._late.begin.eq(self._late.begin | control.begin)
            m.d.sync += self._late.settings.eq(self._late.settings | control.settings)
            with m.If(control.begin):
                m.d.sync += [self._first.eq(0), self._last.eq(0)]
            with m.If(control.begin | control.settings):
                m.d.sync += self._owing.eq(1)
            self._drop(m, self._work.is_event, added=True)
            m.d.sync += self._at_idle.eq(1)
        with m.Else():
            m.d.sync += self._said_settings.eq(self._todo[_Step.SETTINGS])
            # Whether the event goes with the group was decided a clock before.
            m.d.sync += self._work.is_event.eq(self._work.is_event & ~self._todo[_Step.RECORD])
            m.d.sync += write.eq(1)

    def _finish(self, m: Module) -> None:
        """The group's last word is on its way: here is the item's pulse."""
        m.d.sync += [self._behind.eq(0), self._at_here.eq(1)]
        m.d.sync += [self._lost.eq(0), self._count.eq(0), self._late.eq(0), self._owing.eq(0)]
        with m.If(self._said_settings):
            m.d.sync += self.raw_tags.eq(self._settings.mode == Mode.RAW_TAGS)
        self._drop(m, self._work.is_event, added=True)

    # ---- distances and losses -------------------------------------------------------------------

    def _drop(self, m: Module, is_event: Value, *, added: bool) -> None:
        """Note an event as lost, at `behind`: now, or when the item's gap has been added."""
        m.d.sync += (self._noting if added else self._note_next).eq(is_event)
        with m.If(is_event):
            m.d.sync += self._owing.eq(1)

    def _keep_distances(self, m: Module) -> None:
        """Add gaps, and note losses."""
        m.d.sync += [self._adding.eq(0), self._note_next.eq(0), self._noting.eq(self._note_next)]
        with m.If(self._adding):
            m.d.sync += self._behind.eq(self._behind + self._gap)
        with m.If(self._noting):
            m.d.sync += [self._last.eq(self._behind), self._lost.eq(1)]
            m.d.sync += self._count.eq(self._count + ~self._count[-1])
            with m.If(~self._lost):
                m.d.sync += self._first.eq(self._behind)
        m.d.sync += self.dropped.eq(self._noting + self._turned_away)

    # ---- words ----------------------------------------------------------------------------------

    def _write(self, m: Module) -> None:
        """Make the word that was chosen a clock ago."""
        numbers: dict[_Step, tuple[Code, ValueLike]] = {
            _Step.LATE_BEGIN: (Code.BEGIN, 0),
            _Step.FIRST_HIGH: (Code.LOSS_HIGH, self._first[NUMBER_BITS:]),
            _Step.FIRST: (Code.LOSS_FIRST, self._first[:NUMBER_BITS]),
            _Step.LAST_HIGH: (Code.LOSS_HIGH, self._last[NUMBER_BITS:]),
            _Step.LAST: (Code.LOSS_LAST, self._last[:NUMBER_BITS]),
            _Step.COUNT: (Code.LOSS_COUNT, self._count),
            _Step.BEGIN: (Code.BEGIN, 0),
            _Step.SKIP_HIGH: (Code.SKIP_HIGH, self._behind[NUMBER_BITS:]),
            _Step.SKIP: (Code.SKIP, self._behind[:NUMBER_BITS]),
            _Step.SETTINGS: (Code.SETTINGS, self._settings.as_value()),
            _Step.MARKER: (Code.MARKER, self._marker),
        }
        words = [Mux(self._chosen[_Step.RECORD], self._record.as_value(), 0)]
        for step, (code, number) in numbers.items():
            word = Cat(Value.cast(number) | Const(0, NUMBER_BITS), Const(code, CODE_BITS))
            words.append(Mux(self._chosen[step], word, 0))
        m.d.sync += [self._word_valid.eq(self._choosing), self._word.eq(reduce(or_, words))]
        m.d.sync += [self._choosing.eq(0), self._chosen.eq(0)]

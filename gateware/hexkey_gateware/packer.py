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
        "is_event": 1,
        "has_control": 1,
        "plain": 1,  # an event, no control, not far
    }
)

_HIDDEN_CLOCKS = 4  # at least: in these an item, or a word of it, is between two registers
_WORDS_AT_ONCE = 3
_PARTS = 4  # of half a distance
_GROUP_STATES = ("settle", "add", "look", "list", "plan", "write", "finish")
_NEEDS = data.StructLayout({"first_high": 1, "last_high": 1})
"""Words for the upper halves of distances that are not 0."""


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

    Latency: 11 clocks from ``i`` to an event's word, 17 to a group's first. Throughput: an event a
    clock; a group takes 8 clocks more than its words, at most 12. Some 10 items wait in the queue.
    Should groups follow each other too fast, the places beyond are for epochs and settings, which
    come too seldom to fill them; events without a place are dropped and counted, but their pulses
    not told of. Of markers one can wait: those that come before it was told are left out, too.
    Back-pressure: none for ``i``, which may have a pulse every 2 clocks; all waits for ``o``, which
    the FIFO keeps ready as long as its `full_…` are heeded.

    Members
    -------
    i : :py:`In(stream.Signature(EVENT, always_ready=True))`
        Every pulse, in order.
    tags : :py:`In(stream.Signature(WORD))`
        What to write between the others; taken while `raw_tags`.
    mode, settings_id : :py:`In(2), In(8)`
        Setting, and the commit's id; taken over with the pulse that carries `settings`, 250 clocks
        behind the one before or more.
    marker_count : :py:`In(28)`
        Taken with the pulse that carries `marker`.
    mark_pulses : :py:`In(24)`
        About 10 ms of pulses; from 2 on.
    full_for_events, full_for_groups : :py:`In(1)`
        Of the FIFO.
    o : :py:`Out(stream.Signature(WORD))`
    raw_tags : :py:`Out(1)`
        `SETTINGS` said that words are tags now.
    dropped : :py:`Out(2)`
        How many events were dropped in this clock.
    idle : :py:`Out(1)`
        Nothing is left to write; it knows of a pulse 4 clocks later.
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

    LATENCY = 11  # of an event's word
    GROUP_LATENCY = 17  # of a group's first word
    QUEUE = 16
    CONTROL_PLACES = 6  # of these
    IN_FLIGHT = 8  # more than the words that may be on their way to `o` when it stops

    def __init__(self) -> None:
        super().__init__()
        self._settings = Signal(SETTINGS_NUMBER)  # of the last commit
        self._marker = Signal(NUMBER_BITS)  # of the one that waits to be told
        self._marker_waits = Signal()
        self._turned_away = Signal()  # an event found no place in the queue
        # The group that is being written, and what is written of it next.
        self._work = Signal(_ITEM)
        self._said_settings = Signal()
        self._needs = Signal(_NEEDS)
        self._planned = Signal(len(_Step))
        self._todo = Signal(len(_Step))
        self._chosen = Signal(len(_Step))
        self._choosing = Signal()
        self._record = Signal(WORD)
        self._recording = Signal()
        self._word = Signal(WORD)
        self._word_valid = Signal()
        self._idle_next = Signal()
        self._at_idle = Signal(init=1)  # no group is being written
        self._takes = Signal()  # nor is `go` unset: an item may be taken
        self._go = Signal()  # there is room for the words that are on their way to ``o``
        # Distances from here.
        self._behind = Signal(DISTANCE_BITS)
        self._first = Signal(DISTANCE_BITS)
        self._last = Signal(DISTANCE_BITS)
        # Where they are not 0, of `behind` a clock late; so it is known in no time how many words
        # a number takes.
        parts = len(_parts(self._first))
        self._first_parts, self._last_parts, self._behind_parts = (Signal(parts) for _ in range(3))
        self._at_here = Signal(init=1)  # `behind` is 0, and nothing is owing
        self._full = Signal()  # for events; then it is not `at_here` either
        # What is not told of yet.
        self._lost = Signal()
        self._count = Signal(NUMBER_BITS)
        self._late = Signal(data.StructLayout({"begin": 1, "settings": 1}))
        self._owing = self._lost | self._late.begin | self._late.settings
        self._owes = Signal()  # the same a clock later, but not once a group has told it
        # Of the item that was taken last, a clock after each other.
        self._took = Signal()
        self._dropping = Signal()
        self._gap = Signal(MARK_BITS)
        self._adding = Signal()
        self._note_next = Signal()
        self._noting = Signal()
        self._takes_tags = Signal()
        self._anew = Signal()  # losses count from pulse 0

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = ShortQueue(_ITEM, self.QUEUE)
        self._choose_items(m, queue)
        self._keep_distances(m)  # what the states say of the same registers comes after it
        self._write(m)
        m.submodules.out = out = ShortQueue(WORD, 2 * self.IN_FLIGHT)
        m.d.comb += [out.i.valid.eq(self._word_valid), out.i.payload.eq(self._word)]
        wiring.connect(m, out.o, wiring.flipped(self.o))
        m.d.sync += self._go.eq(~out.holds[self.IN_FLIGHT - 1])
        m.d.comb += self._idle_next.eq(self._at_idle)
        m.d.sync += self._at_idle.eq(self._idle_next)
        m.d.sync += self._takes.eq(self._idle_next & ~out.holds[self.IN_FLIGHT - 1])
        self._tell_idle(m, queue, out)
        # One flip-flop for each state: what follows from it has no time for more.
        settle, add, look, listing, plan, write, finish = (
            Signal(name=f"at_{name}") for name in _GROUP_STATES
        )
        m.d.sync += [settle.eq(0), add.eq(settle), look.eq(add), listing.eq(look)]
        m.d.sync += [plan.eq(listing), finish.eq(0)]
        with m.If(self._takes):
            self._take(m, queue, settle)
        with m.If(settle):  # the group itself leads to the pulse of its event
            m.d.sync += data.View(EVENT_VALUE, self._record.value).advance.eq(0)
        is_here = Signal()  # `add` at a group that begins an epoch, or `finish`
        m.d.sync += is_here.eq(settle & self._work.control.begin)
        with m.If(is_here):
            m.d.sync += self._behind.eq(0)
        self._look(m)
        with m.If(listing):
            self._list(m)
        behind_others = Cat(self._todo[:step].any() for step in _Step)
        m.d.sync += self._chosen.eq(self._todo & ~behind_others)
        with m.If(write & self._go):
            m.d.sync += self._todo.eq(self._todo & behind_others)
            m.d.sync += [write.eq(self._todo != 0), finish.eq(self._todo == 0)]
            m.d.sync += is_here.eq(self._todo == 0)
            m.d.sync += self._choosing.eq(self._todo != 0)
        with m.If(plan):
            self._plan(m, write)
        with m.If(finish):
            self._finish(m)
            m.d.comb += self._idle_next.eq(1)
        m.d.sync += [self._full.eq(self.full_for_events), self._owes.eq(self._owing & ~finish)]
        with m.If(self.full_for_events):
            m.d.sync += self._at_here.eq(0)
        return m

    def _tell_idle(self, m: Module, queue: ShortQueue, out: ShortQueue) -> None:
        """Say that nothing is left: for some clocks nothing was where everything comes through."""
        busy = Signal()
        quiet = Signal(_HIDDEN_CLOCKS)
        waiting = queue.i.valid | queue.holds[0] | queue.o.valid
        leaving = self._word_valid | out.holds[0] | out.o.valid
        m.d.sync += busy.eq(waiting | ~self._at_idle | self._owing | self._note_next | leaving)
        m.d.sync += quiet.eq(Mux(busy, 0, Cat(1, quiet)))
        m.d.comb += self.idle.eq(quiet[-1])

    # ---- which pulses are items -----------------------------------------------------------------

    def _choose_items(self, m: Module, queue: ShortQueue) -> None:
        pulse = Signal(EVENT)
        valid = Signal()
        is_event = Signal()
        marker = Signal()
        wanted = Signal()  # either
        must_tell = Signal()
        has_marker = self.i.payload.control.marker & ~self._marker_waits
        mode = Mux(self.i.payload.control.settings, self.mode, self._settings.mode)
        has_event = self.i.payload.mask.any() & self._events_pass(mode)
        m.d.sync += [
            valid.eq(self.i.valid),
            pulse.eq(self.i.payload),
            is_event.eq(self.i.valid & has_event),
            wanted.eq(self.i.valid & (has_event | has_marker)),
            marker.eq(self.i.valid & has_marker),
            must_tell.eq(
                self.i.valid & (self.i.payload.control.begin | self.i.payload.control.settings)
            ),
        ]
        with m.If(self.i.valid & self.i.payload.control.settings):
            m.d.sync += [self._settings.id.eq(self.settings_id), self._settings.mode.eq(self.mode)]
        with m.If(self.i.valid & has_marker):
            m.d.sync += self._marker.eq(self.marker_count)

        # `due` and `far` are found out in a clock in which `gap` may still be that of the pulse
        # before, which was an item then: no pulse comes right after another.
        gap = Signal(MARK_BITS, init=1)  # what this pulse has, or the next one
        due = Signal()
        far = Signal()
        item_valid = Signal()
        enough = (gap >= self.mark_pulses) | gap[-1]
        m.d.sync += due.eq(self.i.valid & enough & ~item_valid)
        m.d.sync += far.eq(gap[ADVANCE_BITS:].any() & ~item_valid)
        with m.If(item_valid):
            m.d.sync += gap.eq(1)
        with m.Elif(valid):
            m.d.sync += gap.eq(gap + 1)

        room = Signal()
        m.d.sync += room.eq(~queue.holds[self.QUEUE - self.CONTROL_PLACES - 1])
        with m.If(marker & room):
            m.d.sync += self._marker_waits.eq(1)
        is_item = must_tell | ((wanted | due) & room)
        m.d.sync += self._turned_away.eq(is_event & ~room)
        item = Signal(_ITEM)
        m.d.sync += [
            item_valid.eq(is_item),
            *(item[name].eq(pulse[name]) for name in ("mask", "phase_ticks", "flags", "control")),
            item.control.marker.eq(marker & room),
            item.gap.eq(gap),
            item.is_event.eq(is_event & room),
            item.has_control.eq(must_tell | (marker & room)),
            item.plain.eq(is_event & room & ~far & ~must_tell & ~marker),
        ]
        m.d.comb += [queue.i.valid.eq(item_valid), queue.i.payload.eq(item)]

    def _events_pass(self, mode: Value) -> Value:
        return mode == Mode.EVENTS

    # ---- what becomes of an item ----------------------------------------------------------------

    def _take(self, m: Module, queue: ShortQueue, settle: Signal) -> None:
        """Take the next item: write it, drop it, or begin its group.

        What comes of its gap, and of its loss, is found out behind it, in `_keep_distances`.
        """
        item, full = queue.o.payload, self._full
        m.d.comb += queue.o.ready.eq(1)
        m.d.sync += [self._took.eq(queue.o.valid), self._dropping.eq(full & ~item.has_control)]
        m.d.sync += self._work.eq(item)
        self._load_record(m, item)
        with m.If(queue.o.valid):
            with m.If(item.plain & self._at_here):
                m.d.sync += self._recording.eq(1)
            with m.Elif(~full | item.has_control):
                m.d.sync += settle.eq(1)
                m.d.comb += self._idle_next.eq(0)
        with m.Else():
            m.d.sync += [self._work.control.eq(0), self._work.is_event.eq(0)]
            m.d.sync += self._record.eq(self.tags.payload)
            m.d.comb += self.tags.ready.eq(self._takes_tags)
            m.d.sync += self._recording.eq(self.tags.valid & self._takes_tags)
            with m.If(self._owes & ~full):
                m.d.sync += settle.eq(1)
                m.d.comb += self._idle_next.eq(0)

    def _load_record(self, m: Module, item: data.View) -> None:
        value = data.View(EVENT_VALUE, self._record.value)
        m.d.sync += [
            self._record.kind.eq(item.mask),
            value.phase_ticks.eq(item.phase_ticks),
            value.flags.eq(item.flags),
            value.advance.eq(item.gap),
        ]

    def _look(self, m: Module) -> None:
        """Find out, in `look`, how many words the numbers take."""
        m.d.sync += [
            self._needs.first_high.eq(self._first_parts[_PARTS:].any()),
            self._needs.last_high.eq(self._last_parts[_PARTS:].any()),
            self._behind_parts.eq(_parts(self._behind)),
        ]

    def _list(self, m: Module) -> None:
        """Find out, a clock before it is known whether there is room, which words are needed."""
        control, needs, lost = self._work.control, self._needs, self._lost
        planned = {
            _Step.LATE_BEGIN: self._late.begin,
            _Step.FIRST_HIGH: lost & needs.first_high,
            _Step.FIRST: lost,
            _Step.LAST_HIGH: lost & needs.last_high,
            _Step.LAST: lost,
            _Step.COUNT: lost,
            _Step.BEGIN: control.begin,
            _Step.SKIP_HIGH: self._behind_parts[_PARTS:].any(),
            _Step.SKIP: self._behind_parts[:_PARTS].any(),
            _Step.SETTINGS: control.settings | self._late.settings,
            _Step.MARKER: control.marker,
            _Step.RECORD: self._work.is_event & ~self._full,
        }
        m.d.sync += self._planned.eq(Cat(planned[step] for step in _Step))

    def _plan(self, m: Module, write: Signal) -> None:
        """Write the group, or, where no room is for it, keep what must be said."""
        control, says_settings = self._work.control, self._planned[_Step.SETTINGS]
        m.d.sync += self._todo.eq(self._planned)
        with m.If(self.full_for_groups):
            m.d.comb += self._idle_next.eq(1)
            m.d.sync += self._at_here.eq(0)
            m.d.sync += self._late.begin.eq(self._late.begin | control.begin)
            m.d.sync += self._late.settings.eq(says_settings)
            m.d.sync += self._anew.eq(control.begin)
            self._let_marker_in(m)
            self._drop(m, self._work.is_event)
        with m.Else():
            m.d.sync += [write.eq(1), self._said_settings.eq(says_settings)]
            # What is still an event when the group is finished did not go with it.
            m.d.sync += self._work.is_event.eq(self._work.is_event & ~self._planned[_Step.RECORD])

    def _finish(self, m: Module) -> None:
        """The group's last word is on its way: here is the item's pulse."""
        m.d.sync += self._at_here.eq(~self._work.is_event)
        m.d.sync += [self._lost.eq(0), self._count.eq(0), self._late.eq(0)]
        with m.If(self._said_settings):
            m.d.sync += self.raw_tags.eq(self._settings.mode == Mode.RAW_TAGS)
        self._let_marker_in(m)
        self._drop(m, self._work.is_event)

    def _let_marker_in(self, m: Module) -> None:
        """Let another marker come once this one was told, or left out."""
        with m.If(self._work.control.marker):
            m.d.sync += self._marker_waits.eq(0)

    # ---- distances and losses -------------------------------------------------------------------

    def _drop(self, m: Module, is_event: Value) -> None:
        """Note an event of the group as lost, at `behind`."""
        m.d.sync += self._noting.eq(is_event)

    def _keep_distances(self, m: Module) -> None:
        """Add gaps, and note losses."""
        told = self._recording
        m.d.sync += [
            self._took.eq(0),
            self._gap.eq(self._work.gap),
            self._adding.eq(self._took & ~told & ~self._work.control.begin),
            self._note_next.eq(self._took & self._dropping & self._work.is_event),
            self._noting.eq(self._note_next),
            # Late enough for no tag to slip in behind a group that ends raw tags.
            self._takes_tags.eq(self.raw_tags & self._at_idle & ~self._owing),
        ]
        m.d.sync += self._anew.eq(0)
        with m.If(self._adding):
            m.d.sync += self._behind.eq(self._behind + self._gap)
        with m.If(self._noting):
            parts = _parts(self._behind)
            m.d.sync += [self._last.eq(self._behind), self._last_parts.eq(parts), self._lost.eq(1)]
            with m.If(~self._lost):
                m.d.sync += [self._first.eq(self._behind), self._first_parts.eq(parts)]
            with m.If(~self._count[-1]):
                m.d.sync += self._count.eq(self._count + 1)
        with m.If(self._anew):
            m.d.sync += [self._first.eq(0), self._last.eq(0)]
            m.d.sync += [self._first_parts.eq(0), self._last_parts.eq(0)]
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
        words = []
        for step, (code, number) in numbers.items():
            word = Cat(Value.cast(number) | Const(0, NUMBER_BITS), Const(code, CODE_BITS))
            words.append(Mux(self._chosen[step], word, 0))
        # In two clocks, as the choice is among many.
        any_word = Signal()
        is_record = Signal()
        record = Signal(WORD.size, reset_less=True)
        partial_words = []
        for first in range(_WORDS_AT_ONCE):
            partial = Signal(WORD.size, name=f"word_{first}", reset_less=True)
            m.d.sync += partial.eq(reduce(or_, words[first::_WORDS_AT_ONCE]))
            partial_words.append(partial)
        m.d.sync += [
            any_word.eq(self._choosing | self._recording),
            is_record.eq(self._recording | self._chosen[_Step.RECORD]),
            record.eq(self._record),
            self._word_valid.eq(any_word),
            self._word.eq(Mux(is_record, record, reduce(or_, partial_words))),
        ]
        m.d.sync += [self._choosing.eq(0), self._recording.eq(0)]


def _parts(distance: Value) -> Value:
    """Return which parts of a distance are not 0: first of its lower half, then of the upper."""
    lower, upper = distance[:NUMBER_BITS], distance[NUMBER_BITS:]
    size = NUMBER_BITS // _PARTS
    return Cat(
        half[at : at + size].any() for half in (lower, upper) for at in range(0, NUMBER_BITS, size)
    )

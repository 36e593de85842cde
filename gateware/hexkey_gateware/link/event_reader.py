"""From the words of the event FIFO to the bodies of frames."""

from enum import IntEnum

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire import MAX_RECORDS, Kind, LossCause
from hexkey.wire.registers import Mode
from hexkey_gateware.link.framer import numbers
from hexkey_gateware.link.frames import KIND, frame_source
from hexkey_gateware.link.nibbles import NIBBLE_BITS, Adder, Ring, part
from hexkey_gateware.link.records import NARROW_RECORD, TAG_RECORD, WIDE_RECORD
from hexkey_gateware.words import CONTROL_VALUE, EVENT_VALUE, NUMBER_BITS, WORD, Code
from hexkey_gateware.words import SETTINGS_NUMBER as SETTINGS

PULSE_NIBBLES, NUMBER_NIBBLES = 16, 8
"""Of pulses as they are added up and sent, and of other numbers in bodies."""

WORD_NUMBER_NIBBLES = NUMBER_BITS // NIBBLE_BITS


def _check_layouts() -> None:
    """Raise ValueError if a record has not the fields that `EventReader` sends."""
    ends = {
        "narrow": (NARROW_RECORD, (13, 15, 28, 32)),
        "wide": (WIDE_RECORD, (24, 28, 60, 64)),
        "tag": (TAG_RECORD, (4, 64)),
        "event": (EVENT_VALUE, (18, 20, 32)),
        "control": (CONTROL_VALUE, (28, 32)),
    }
    for name, (layout, expected) in ends.items():
        found = tuple(field.offset + field.width for _, field in layout)
        if found != expected:
            raise ValueError(f"fields of {name!r} end at {found}; the gateware must be adapted")


_check_layouts()


class _Part(IntEnum):
    """The parts of a body without records: all end with a pulse and a number."""

    CAUSE = 3
    FIRST = 2
    LAST = 1
    COUNT = 0


class EventReader(wiring.Component):
    """Adds up the pulses and makes EVENTS, TAGS, SETTINGS, MARKER and LOSS frames.

    A frame of records is begun when `MAX_RECORDS` words wait, or its first record has waited for
    10 ms, or `flush` is set. It ends with `MAX_RECORDS` records, before any word that is neither a
    record nor a skip, or where no word waits: what is not here yet never holds up the link. Skips
    between the events of a frame are added to the next event's advance; where that has no room for
    them they become a long advance. All other words are taken as they come up.

    The first pulse numbering after a reset is epoch 0. Each `BEGIN` after the first sends a LOSS
    of the trigger at the last pulse known, in the old epoch, and then begins a new one.

    Numbers are handled a nibble at a time, as the link takes a byte in 40 clocks at the least: the
    word that waits is looked at for what it leads to, taken (its pulses added) and sent, each from
    the lowest nibble to the highest. It leaves the FIFO when it was sent.

    Latency: a word that asks for a frame does so at most 17 clocks after it came up. Throughput: a
    narrow record takes 36 clocks, a wide one or a tag 48, a word that is only added 17, or 24 in
    a frame. Back-pressure: `words` waits while a frame does, and while `numbers` must hold still.

    Parameters
    ----------
    clocks_per_10_ms : int

    Members
    -------
    words : :py:`In(stream.Signature(WORD))`
        `LOSS_FIRST`, `LOSS_LAST` and `LOSS_COUNT` follow each other.
    level : :py:`In(16)`
        Words that wait, at least; it may lag behind.
    wide : :py:`In(1)`
        Whether the committed period needs wide records. Followed until the first `SETTINGS` word,
        then taken over with each.
    settings_id : :py:`In(32)`
        The id of the last commit: its upper 24 bits go into SETTINGS frames.
    flush : :py:`In(1)`
        Do not wait for frames to fill.
    hold : :py:`In(1)`
        Let `numbers` stand still.
    begin_run : :py:`In(1)`
        Count the events that are sent from 0; only while no frame is sent.
    idle : :py:`Out(1)`
        No word waits, no frame is being made.
    numbers : :py:`Out(numbers())`
        For the headers of all frames that begin now, of this source and of others.
    o : :py:`Out(frame_source())`
    """

    words: In(stream.Signature(WORD))
    level: In(16)
    wide: In(1)
    settings_id: In(32)
    flush: In(1)
    hold: In(1)
    begin_run: In(1)
    idle: Out(1)
    numbers: Out(numbers())
    o: Out(frame_source())

    def __init__(self, clocks_per_10_ms: int) -> None:
        super().__init__()
        self._patience = clocks_per_10_ms
        word = self.words.payload
        control = data.View(CONTROL_VALUE, word.value)
        self._is_record = word.kind != 0
        self._number = control.number
        self._code = control.code
        self._of_loss = self._says(Code.LOSS_FIRST, Code.LOSS_LAST, Code.LOSS_COUNT)
        # The board's state as far as words told it.
        self._begun = Signal()
        self._tags = Signal()  # the mode is raw tags
        self._wide = Signal()
        self._committed = Signal()  # a SETTINGS word was there
        self._long = self._tags | self._wide  # records of 8 bytes
        # The frame in the making.
        self._kind = Signal(KIND)
        self._of_records = Signal()
        self._telling = Signal()  # a frame without records
        self._part = Signal(_Part)
        self._room = Signal(range(MAX_RECORDS + 1))  # for records
        self._first = Signal()  # no record of it was sent
        self._more = Signal()  # another record or part follows
        self._skips = Signal()  # the record is a long advance
        self._seen = Signal()  # the word was there when it was begun to be looked at
        self._was_event = Signal()  # the record before, not yet in the tally
        self._byte = Signal(8)
        # The pass over a number's nibbles.
        self._place = Signal(range(PULSE_NIBBLES))
        self._restart = Signal()
        self._looks, self._takes, self._sends = Signal(), Signal(), Signal()
        self._nibble = Signal(NIBBLE_BITS)  # of the word's value
        self._addend = Signal(NIBBLE_BITS)  # of the pulses that the word adds
        self._beyond = Signal()  # the advance is too long for a narrow record
        # Pulses, events sent, pulses skipped since the last record (or the high part of a loss),
        # the next record's advance, the high part of times.
        self._pulse, self._tally = Ring(PULSE_NIBBLES), Ring(NUMBER_NIBBLES)
        self._gap, self._advance = Ring(NUMBER_NIBBLES), Ring(NUMBER_NIBBLES)
        self._time = Ring(WORD_NUMBER_NIBBLES)
        self._pulse_sum, self._tally_sum, self._gap_sum = Adder(), Adder(), Adder()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name in ("pulse", "tally", "gap", "advance", "time"):
            m.submodules[name] = getattr(self, f"_{name}")
        moves = self._looks | self._takes | self._sends
        for name in ("pulse_sum", "tally_sum", "gap_sum"):
            m.submodules[name] = adder = getattr(self, f"_{name}")
            m.d.comb += [adder.begin.eq(self._restart), adder.step.eq(moves)]
        with m.If(moves):
            m.d.sync += self._place.eq(self._place + 1)
        with m.If(self._restart):
            m.d.sync += self._place.eq(0)
        self._pick(m)
        self._add_up(m)
        m.d.comb += [
            self.o.kind.eq(self._kind),
            self.o.record_bytes.eq(Mux(self._of_records, Mux(self._long, 8, 4), 0)),
            self.o.body.payload.data.eq(self._byte),
            self.o.body.payload.last.eq(~self._more),
        ]

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(~self.words.valid), self._restart.eq(1)]
                with m.If(~self._committed):
                    m.d.sync += self._wide.eq(self.wide)
                with m.If(self.words.valid & ~self.hold):
                    with m.If(self._is_record):
                        self._begin_records(m)
                    with m.Else():
                        self._take_control(m)

            with m.State("TAKE"):
                m.d.comb += [self._takes.eq(1), self.numbers.moving.eq(1)]
                with m.If(self._place == PULSE_NIBBLES - 1):
                    self._have_taken(m)

            with m.State("ASK"):
                m.d.comb += [self.o.asks.eq(1), self._restart.eq(1)]
                with m.If(self.o.begun):
                    m.next = "SEND"

            with m.State("SEND"):
                m.d.comb += self._sends.eq(1)
                m.d.sync += self._byte.eq(Cat(self._byte[NIBBLE_BITS:], self._sent(m)))
                with m.If(self._place[0]):
                    m.next = "WAIT"
                    with m.If(self._ends()):
                        self._have_sent(m)

            with m.State("WAIT"):  # for a byte to be taken, but not a part's last
                m.d.comb += self.o.body.valid.eq(1)
                m.d.comb += self.o.body.payload.last.eq(0)
                with m.If(self.o.body.ready):
                    m.next = "SEND"

            with m.State("LOOK"):  # whether the record that was sent is the body's last
                m.d.comb += self._looks.eq(1)
                with m.If(self._place == 0):
                    m.d.sync += self._seen.eq(self.words.valid)
                with m.If(self._place == NUMBER_NIBBLES - 1):
                    self._have_looked(m)

            with m.State("FINISH"):
                m.d.comb += [self.o.body.valid.eq(1), self._restart.eq(1)]
                with m.If(self.o.body.ready):
                    self._go_on(m)

            with m.State("LOAD"):  # the next part
                m.d.comb += self._restart.eq(1)
                with m.If(self.words.valid):
                    m.next = "SEND"
                    with m.If(self._code == Code.LOSS_HIGH):
                        m.next = "TAKE"
        return m

    def _says(self, *codes: Code) -> Value:
        return ~self._is_record & self._code.matches(*codes)

    # ---- what the word that waits means -----------------------------------------------------

    def _pick(self, m: Module) -> None:
        """Pick the nibble of the word, in a pass that adds or one that sends."""
        offset = Signal(3)  # to the nibble from the place
        with m.If(self._is_record & self._sends):
            m.d.comb += offset.eq(Mux(self._tags, -1, 0))  # behind the channel
        with m.Elif(self._is_record):
            m.d.comb += offset.eq(5)  # the advance
        with m.Elif(self._code == Code.SKIP_HIGH):
            m.d.comb += offset.eq(-WORD_NUMBER_NIBBLES)
        index = (self._place + offset)[:3]
        m.d.comb += self._nibble.eq(part(m, self.words.payload.value, index, NIBBLE_BITS))

    def _add_up(self, m: Module) -> None:
        """Add the word to the pulse, and to the gap since the last record."""
        low = self._place < WORD_NUMBER_NIBBLES
        high = ~low & (self._place < 2 * WORD_NUMBER_NIBBLES)
        with m.If(self._is_record):
            with m.If((self._place < 3) & ~self._tags & ~self._skips):
                m.d.comb += self._addend.eq(self._nibble)
        with m.Elif(self._of_loss):
            with m.If(low):
                m.d.comb += self._addend.eq(self._nibble)
            with m.Elif(high):
                m.d.comb += self._addend.eq(self._gap.o)
        with m.Elif(self._code == Code.SKIP_HIGH):
            with m.If(high):
                m.d.comb += self._addend.eq(self._nibble)
        with m.Elif(self._code.matches(Code.SKIP, Code.LOSS_HIGH)):
            with m.If(low):
                m.d.comb += self._addend.eq(self._nibble)

        says_high, says_time = self._says(Code.LOSS_HIGH), self._says(Code.TIME_HIGH)
        within, last = self._place < NUMBER_NIBBLES, self._place == PULSE_NIBBLES - 1
        passes = self._looks | (self._takes & within)
        m.d.comb += [
            self._pulse_sum.a.eq(self._pulse.o),
            self._pulse_sum.b.eq(self._addend),
            self._pulse.i.eq(Mux(self._takes & ~says_high, self._pulse_sum.sum, self._pulse.o)),
            self._gap_sum.a.eq(self._gap.o),
            self._gap_sum.b.eq(self._addend),
            self._advance.i.eq(self._gap_sum.sum),
            self._advance.turn.eq(passes | (self._sends & self._sends_advance())),
            self._gap.i.eq(self._gap.o),
            self._gap.turn.eq(passes | (self._sends & self._sends_pulse() & ~low & ~last)),
            self._time.i.eq(Mux(self._takes & says_time, self._nibble, self._time.o)),
            self._time.turn.eq(
                (self._takes & says_time & low) | (self._sends & self._sends_time())
            ),
        ]
        with m.If(self._takes & (says_high | (self._of_records & self._says(Code.SKIP)))):
            m.d.comb += self._gap.i.eq(self._gap_sum.sum)
        surplus = Mux(self._place[2], self._gap_sum.sum.any(), self._gap_sum.sum[1:].any())
        with m.If(self._looks & (self._place >= 3) & surplus):
            m.d.sync += self._beyond.eq(1)
        with m.If(self._restart):
            m.d.sync += self._beyond.eq(0)

        m.d.comb += [
            self._tally_sum.a.eq(self._tally.o),
            self._tally_sum.b.eq(self._was_event & (self._place == 0)),
            self._tally.i.eq(self._tally_sum.sum),
            self._tally.turn.eq(self._looks | self.numbers.turn_tally),
            self._tally.clear.eq(self.begin_run),
            self._pulse.turn.eq(
                self._takes | (self._sends & self._sends_pulse()) | self.numbers.turn_pulse
            ),
            self.numbers.pulse.eq(self._pulse.o),
            self.numbers.tally.eq(self._tally.o),
        ]

    def _pop(self, m: Module) -> None:
        m.d.comb += self.words.ready.eq(1)

    # ---- what is sent of it -----------------------------------------------------------------

    def _sends_pulse(self) -> Value:
        return ~self._of_records & self._part.matches(_Part.FIRST, _Part.LAST)

    def _sends_advance(self) -> Value:
        at = self._place
        narrow = self._skips | ((at >= 4) & (at < 7))
        return self._of_records & Mux(self._wide, (at >= 7) & ~at.all(), narrow)

    def _sends_time(self) -> Value:
        return self._of_records & self._tags & (self._place > NUMBER_NIBBLES)

    def _sent(self, m: Module) -> Value:
        """Return the nibble of the body whose turn it is."""
        nibble = Signal(NIBBLE_BITS)
        with m.If(~self._of_records):
            self._send_part(m, nibble)
        with m.Elif(self._tags):
            self._send_tag(m, nibble)
        with m.Elif(self._wide):
            self._send_wide(m, nibble)
        with m.Else():
            self._send_narrow(m, nibble)
        return nibble

    def _send_narrow(self, m: Module, nibble: Value) -> None:
        event = data.View(EVENT_VALUE, self.words.payload.value)
        advance = self._advance.bits
        with m.If(self._skips):
            with m.If(self._place != NUMBER_NIBBLES - 1):
                m.d.comb += nibble.eq(self._advance.o)
        with m.Else():
            with m.Switch(self._place[:3]):
                with m.Case(0, 1, 2):
                    m.d.comb += nibble.eq(self._nibble)
                with m.Case(3):
                    m.d.comb += nibble.eq(Cat(event.phase_ticks[12], event.flags, advance[0]))
                with m.Case(4, 5, 6):
                    m.d.comb += nibble.eq(advance[1 : 1 + NIBBLE_BITS])
                with m.Case(7):
                    m.d.comb += nibble.eq(self.words.payload.kind)

    def _send_wide(self, m: Module, nibble: Value) -> None:
        event = data.View(EVENT_VALUE, self.words.payload.value)
        with m.Switch(self._place):
            with m.Case(0, 1, 2, 3):
                m.d.comb += nibble.eq(self._nibble)
            with m.Case(4):
                m.d.comb += nibble.eq(event.phase_ticks[16:])
            with m.Case(5):
                m.d.comb += nibble.eq(0)
            with m.Case(6):
                m.d.comb += nibble.eq(event.flags)
            with m.Case(15):
                m.d.comb += nibble.eq(self.words.payload.kind)
            with m.Default():
                m.d.comb += nibble.eq(self._advance.o)

    def _send_tag(self, m: Module, nibble: Value) -> None:
        with m.If(self._place == 0):
            m.d.comb += nibble.eq(self.words.payload.kind - 1)
        with m.Elif(self._place <= NUMBER_NIBBLES):
            m.d.comb += nibble.eq(self._nibble)
        with m.Else():
            m.d.comb += nibble.eq(self._time.o)

    def _send_part(self, m: Module, nibble: Value) -> None:
        with m.Switch(self._part):
            with m.Case(_Part.CAUSE):
                lost = Mux(self._code == Code.BEGIN, LossCause.TRIGGER_LOST, LossCause.FIFO_FULL)
                m.d.comb += nibble.eq(Mux(self._place == 0, lost, 0))
            with m.Case(_Part.FIRST, _Part.LAST):
                m.d.comb += nibble.eq(self._pulse_sum.sum)
            with m.Case(_Part.COUNT):
                with m.If(self._code == Code.SETTINGS):
                    whole = Cat(self._number[:8], self.settings_id[8:])
                    m.d.comb += nibble.eq(part(m, whole, self._place[:3], NIBBLE_BITS))
                with m.Elif(self._place != NUMBER_NIBBLES - 1):
                    m.d.comb += nibble.eq(self._nibble)

    def _ends(self) -> Value:
        """Whether this is the last nibble of the record or part."""
        is_short = Mux(self._of_records, ~self._long, ~self._sends_pulse())
        return self._place[:3].all() & (self._place[3] | is_short)

    def _have_sent(self, m: Module) -> None:
        """Go on behind all of a record or part but its last byte."""
        m.d.comb += self._restart.eq(1)
        with m.If(self._of_records):
            m.d.comb += [self.words.ready.eq(~self._skips), self._gap.clear.eq(1)]
            m.d.sync += [
                self._room.eq(self._room - 1),
                self._was_event.eq(~self._tags & ~self._skips),
                self._skips.eq(0),
                self._first.eq(0),
            ]
            m.next = "LOOK"
        with m.Else():
            m.d.sync += [self._more.eq(self._part != _Part.COUNT), self._part.eq(self._part - 1)]
            m.d.comb += self._gap.clear.eq(self._sends_pulse())
            with m.If((self._part == _Part.COUNT) | (self._sends_pulse() & self._of_loss)):
                self._pop(m)
            with m.If((self._part == _Part.COUNT) & (self._code == Code.BEGIN)):
                m.d.comb += [self.numbers.begin_epoch.eq(1), self._pulse.clear.eq(1)]
            m.next = "FINISH"

    # ---- frames of records ------------------------------------------------------------------

    def _begin_records(self, m: Module) -> None:
        """Begin a frame with the record that waits, once there is reason to."""
        waited = Signal(range(self._patience + 1))
        with m.If(self.flush | (self.level >= MAX_RECORDS) | (waited == self._patience)):
            m.d.sync += [waited.eq(0), self._of_records.eq(1), self._first.eq(1)]
            m.d.sync += self._kind.eq(Mux(self._tags, Kind.TAGS, Kind.EVENTS))
            m.d.sync += [self._room.eq(MAX_RECORDS), self._skips.eq(0)]
            m.next = "TAKE"
        with m.Else():
            m.d.sync += waited.eq(waited + 1)

    def _have_looked(self, m: Module) -> None:
        """Find out whether another record follows in this frame, taking the skips before it."""
        m.d.comb += self._restart.eq(1)
        m.d.sync += self._was_event.eq(0)
        fits = self._long | ~(self._beyond | self._gap_sum.carry)
        skip_fits = ~self._gap_sum.carry
        room = self._room[1:].any() | (fits & self._room[0])
        m.d.sync += self._skips.eq(~fits)
        m.d.sync += self._more.eq(self.words.valid & self._is_record & room)
        m.next = "FINISH"
        with m.If(self.words.valid & ~self._seen):
            m.next = "LOOK"
        with m.Elif(self._says(Code.TIME_HIGH) | (self._says(Code.SKIP) & skip_fits)):
            with m.If(self.words.valid):
                m.next = "TAKE"

    def _have_taken(self, m: Module) -> None:
        """Send the record that was taken, or go on behind a word that was only added."""
        m.d.comb += self._restart.eq(1)
        with m.If(self._is_record):
            m.next = "SEND"
            with m.If(self._first):
                m.d.comb += self._advance.clear.eq(1)  # it is the base that the others count from
                m.next = "ASK"
        with m.Else():
            self._pop(m)
            m.next = "IDLE"
            with m.If(self._of_records):
                m.next = "LOOK"
            with m.Elif(self._telling):
                m.next = "LOAD"

    def _go_on(self, m: Module) -> None:
        """Go on behind the last byte of a record or part."""
        with m.If(~self._more):
            m.d.sync += [self._of_records.eq(0), self._telling.eq(0)]
            m.d.comb += self._gap.clear.eq(1)
            m.next = "IDLE"
        with m.Elif(self._of_records):
            m.next = "TAKE"
        with m.Else():
            m.next = "LOAD"

    # ---- all other words --------------------------------------------------------------------

    def _take_control(self, m: Module) -> None:
        """Take a word between frames, or begin the frame that it asks for and let it wait."""
        with m.Switch(self._code):
            with m.Case(Code.SKIP, Code.SKIP_HIGH, Code.TIME_HIGH, Code.LOSS_HIGH):
                m.next = "TAKE"
            with m.Case(Code.BEGIN):
                with m.If(self._begun):
                    self._tell(m, Kind.LOSS, _Part.CAUSE)
                with m.Else():
                    self._pop(m)
                    m.d.comb += self._pulse.clear.eq(1)
                    m.d.sync += self._begun.eq(1)
            with m.Case(Code.LOSS_FIRST):
                self._tell(m, Kind.LOSS, _Part.CAUSE)
            with m.Case(Code.SETTINGS):
                self._take_over(m)
                self._tell(m, Kind.SETTINGS, _Part.LAST)
            with m.Case(Code.MARKER):
                self._tell(m, Kind.MARKER, _Part.LAST)
            with m.Default():
                self._pop(m)

    def _take_over(self, m: Module) -> None:
        """Take over what changes with a commit."""
        number = data.View(SETTINGS, self._number[: SETTINGS.size])
        m.d.sync += [
            self._committed.eq(1),
            self._wide.eq(self.wide),
            self._tags.eq(number.mode == Mode.RAW_TAGS),
            self.numbers.settings.eq(number.id),
        ]

    def _tell(self, m: Module, kind: Kind, part: _Part) -> None:
        m.d.sync += [self._telling.eq(1), self._kind.eq(kind), self._part.eq(part)]
        m.next = "ASK"

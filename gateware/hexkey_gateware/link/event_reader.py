"""From the words of the event FIFO to the bodies of frames."""

from enum import IntEnum

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire import MAX_PULSE, MAX_RECORDS, NARROW, Kind, LossCause
from hexkey.wire.registers import Mode
from hexkey_gateware.link.frames import KIND, frame_source
from hexkey_gateware.link.records import NARROW_RECORD, TAG_RECORD, WIDE_RECORD
from hexkey_gateware.words import CONTROL_VALUE, EVENT_VALUE, NUMBER_BITS, WORD, Code
from hexkey_gateware.words import SETTINGS_NUMBER as SETTINGS

PULSE_BITS = MAX_PULSE.bit_length()
PULSE_BYTES, NUMBER_BYTES = 8, 4  # of the parts that a body is sent in


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
    them they become a long advance. All other words are taken as soon as they come up.

    The first pulse numbering after a reset is epoch 0. Each `BEGIN` after the first sends a LOSS
    of the trigger at the last pulse known, in the old epoch, and then begins a new one.

    Latency: a word that asks for a frame does so 1 clock after it came up. Throughput: a narrow
    record takes 6 clocks, a wide one or a tag 10, a word that is only added 1. Back-pressure:
    `words` waits while a frame does, and while `hold` is set.

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
        Let `pulse`, `epoch` and `settings` stand still.
    idle : :py:`Out(1)`
        No word waits, no frame is being made.
    pulse, epoch, settings : :py:`Out(63), Out(32), Out(8)`
        For the headers of all frames that begin now, of this source and of others.
    event_sent : :py:`Out(1)`
        With the last byte of each event's record.
    o : :py:`Out(frame_source())`
    """

    words: In(stream.Signature(WORD))
    level: In(16)
    wide: In(1)
    settings_id: In(32)
    flush: In(1)
    hold: In(1)
    idle: Out(1)
    pulse: Out(PULSE_BITS)
    epoch: Out(32)
    settings: Out(8)
    event_sent: Out(1)
    o: Out(frame_source())

    def __init__(self, clocks_per_10_ms: int) -> None:
        super().__init__()
        self._patience = clocks_per_10_ms
        word = self.words.payload
        self._is_record = word.kind != 0
        self._event = data.View(EVENT_VALUE, word.value)
        self._number = data.View(CONTROL_VALUE, word.value).number
        self._code = data.View(CONTROL_VALUE, word.value).code
        # The board's state as far as words told it.
        self._begun = Signal()
        self._tags = Signal()  # the mode is raw tags
        self._wide = Signal()
        self._committed = Signal()  # a SETTINGS word was there
        self._time_high = Signal(NUMBER_BITS)
        self._loss_high = Signal(NUMBER_BITS)
        # The frame in the making.
        self._kind = Signal(KIND)
        self._of_records = Signal()
        self._long = self._tags | self._wide  # records of 8 bytes
        self._records = Signal(range(MAX_RECORDS + 1))
        self._gap = Signal(NARROW.max_skip.bit_length())  # skipped since the last record
        # The part of its body that is being sent.
        self._shift = Signal(8 * PULSE_BYTES)
        self._left = Signal(range(PULSE_BYTES + 1))
        self._part = Signal(_Part)
        self._is_event = Signal()
        self._more = Signal()  # another part follows
        # Where the word that waits would lead.
        self._target = Signal(PULSE_BITS)
        self._gap_then = Signal(len(self._gap) + 1)
        self._fits = Signal()
        self._record = Signal(8 * PULSE_BYTES)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._add_up(m)
        m.d.comb += [
            self.o.kind.eq(self._kind),
            self.o.record_bytes.eq(Mux(self._of_records, Mux(self._long, 8, 4), 0)),
            self.o.body.payload.data.eq(self._shift[:8]),
        ]
        first = Signal()
        self._make_record(m, first)

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(~self.words.valid), first.eq(1)]
                with m.If(~self._committed):
                    m.d.sync += self._wide.eq(self.wide)
                with m.If(self.words.valid & ~self.hold):
                    with m.If(self._is_record):
                        self._begin_records(m)
                    with m.Else():
                        self._take_control(m)

            with m.State("SEND"):  # all bytes of a part but its last
                m.d.comb += self.o.body.valid.eq(1)
                with m.If(self.o.body.ready):
                    self._next_byte(m)
                    with m.If(self._left == 2):
                        m.next = "DECIDE"

            with m.State("DECIDE"):  # whether the part's last byte is the body's
                with m.If(self._of_records):
                    self._look_for_record(m)
                with m.Else():
                    m.d.sync += self._more.eq(self._part != _Part.COUNT)
                    m.next = "FINISH"

            with m.State("FINISH"):
                m.d.comb += self.o.body.valid.eq(1)
                m.d.comb += self.o.body.payload.last.eq(~self._more)
                with m.If(self.o.body.ready):
                    m.d.comb += self.event_sent.eq(self._of_records & self._is_event)
                    with m.If(self._more):
                        m.next = "LOAD"
                    with m.Else():
                        m.next = "IDLE"

            with m.State("LOAD"):
                with m.If(self._of_records):
                    self._load_record(m)
                with m.Else():
                    self._load_part(m)
        return m

    # ---- what the word that waits means -----------------------------------------------------

    def _add_up(self, m: Module) -> None:
        """Say to which pulse the word leads, and how far that is from the last record."""
        low, high = Signal(NUMBER_BITS), Signal(NUMBER_BITS)
        with m.If(self._is_record):
            m.d.comb += low.eq(self._event.advance)
        with m.Elif(self._code == Code.SKIP_HIGH):
            m.d.comb += high.eq(self._number)
        with m.Else():
            m.d.comb += [low.eq(self._number), high.eq(self._loss_high)]
        m.d.comb += self._target.eq(self.pulse + Cat(low, high))
        m.d.comb += self._gap_then.eq(self._gap + low)

    def _make_record(self, m: Module, first: Signal) -> None:
        """Make the record of an event or tag; a frame's first event is its base."""
        narrow, wide, tag = Signal(NARROW_RECORD), Signal(WIDE_RECORD), Signal(TAG_RECORD)
        advance = Mux(first, 0, self._gap_then)
        for record in (narrow, wide):
            m.d.comb += [
                record.phase_ticks.eq(self._event.phase_ticks),
                record.flags.eq(self._event.flags),
                record.advance.eq(advance),
                record.mask.eq(self.words.payload.kind),
            ]
        m.d.comb += tag.channel.eq(self.words.payload.kind - 1)
        m.d.comb += tag.time_ticks.eq(Cat(self.words.payload.value, self._time_high))
        within = self._gap_then <= NARROW.limit("advance")
        m.d.comb += self._fits.eq(self._tags | self._long | within)
        m.d.comb += self._record.eq(Mux(self._tags, tag, Mux(self._wide, wide, narrow)))

    def _pop(self, m: Module) -> None:
        m.d.comb += self.words.ready.eq(1)

    def _advance(self, m: Module) -> None:
        """Take the word: here is where it leads."""
        self._pop(m)
        m.d.sync += self.pulse.eq(self._target)

    # ---- frames of records ------------------------------------------------------------------

    def _begin_records(self, m: Module) -> None:
        """Begin a frame with the record that waits, once there is reason to."""
        waited = Signal(range(self._patience + 1))
        with m.If(self.flush | (self.level >= MAX_RECORDS) | (waited == self._patience)):
            m.d.sync += [waited.eq(0), self._of_records.eq(1)]
            m.d.sync += self._kind.eq(Mux(self._tags, Kind.TAGS, Kind.EVENTS))
            self._take_record(m)
            m.d.sync += self._records.eq(1)
        with m.Else():
            m.d.sync += waited.eq(waited + 1)

    def _look_for_record(self, m: Module) -> None:
        """Find out whether another record follows in this frame, taking the skips before it."""
        room = self._records + Mux(self._fits, 1, 2) <= MAX_RECORDS
        with m.If(self.words.valid & ~self._is_record & (self._code == Code.TIME_HIGH)):
            self._take_time(m)
        with m.Elif(self._is_skip_in_frame()):
            self._advance(m)
            m.d.sync += self._gap.eq(self._gap_then)
        with m.Else():
            m.d.sync += self._more.eq(self.words.valid & self._is_record & room)
            m.next = "FINISH"

    def _is_skip_in_frame(self) -> Value:
        """Whether the word is a skip that the next record can still make up for."""
        is_skip = self.words.valid & ~self._is_record & (self._code == Code.SKIP)
        return is_skip & ~self._gap_then[-1]

    def _load_record(self, m: Module) -> None:
        """Send the record that waits, or the long advance before it."""
        with m.If(self._fits):
            self._take_record(m)
        with m.Else():
            m.d.sync += [self._gap.eq(0), self._is_event.eq(0)]
            self._send(m, self._gap, Mux(self._wide, 8, 4))
        m.d.sync += self._records.eq(self._records + 1)

    def _take_record(self, m: Module) -> None:
        self._pop(m)
        with m.If(~self._tags):
            m.d.sync += self.pulse.eq(self._target)
        m.d.sync += [self._gap.eq(0), self._is_event.eq(~self._tags)]
        self._send(m, self._record, Mux(self._long, 8, 4))

    # ---- all other words --------------------------------------------------------------------

    def _take_control(self, m: Module) -> None:
        """Take a word between frames, or begin the frame that it asks for and let it wait."""
        with m.Switch(self._code):
            with m.Case(Code.SKIP, Code.SKIP_HIGH):
                self._advance(m)
            with m.Case(Code.TIME_HIGH):
                self._take_time(m)
            with m.Case(Code.LOSS_HIGH):
                self._take_loss_high(m)
            with m.Case(Code.BEGIN):
                with m.If(self._begun):
                    self._begin_loss(m, LossCause.TRIGGER_LOST)
                with m.Else():
                    self._pop(m)
                    m.d.sync += [self._begun.eq(1), self.pulse.eq(0)]
            with m.Case(Code.LOSS_FIRST):
                self._begin_loss(m, LossCause.FIFO_FULL)
            with m.Case(Code.SETTINGS):
                self._take_over(m)
                self._begin_at_last(m, Kind.SETTINGS)
            with m.Case(Code.MARKER):
                self._begin_at_last(m, Kind.MARKER)
            with m.Default():
                self._pop(m)

    def _take_time(self, m: Module) -> None:
        self._pop(m)
        m.d.sync += self._time_high.eq(self._number)

    def _take_loss_high(self, m: Module) -> None:
        self._pop(m)
        m.d.sync += self._loss_high.eq(self._number)

    def _take_over(self, m: Module) -> None:
        """Take over what changes with a commit."""
        number = data.View(SETTINGS, self._number[: SETTINGS.size])
        m.d.sync += [
            self._committed.eq(1),
            self._wide.eq(self.wide),
            self._tags.eq(number.mode == Mode.RAW_TAGS),
            self.settings.eq(number.id),
        ]

    def _begin_loss(self, m: Module, cause: LossCause) -> None:
        m.d.sync += [self._of_records.eq(0), self._kind.eq(Kind.LOSS), self._part.eq(_Part.CAUSE)]
        self._send(m, cause, NUMBER_BYTES)

    def _begin_at_last(self, m: Module, kind: Kind) -> None:
        m.d.sync += [self._of_records.eq(0), self._kind.eq(kind), self._part.eq(_Part.LAST)]
        self._send(m, self.pulse, PULSE_BYTES)

    def _load_part(self, m: Module) -> None:
        """Send the next part; those of a loss come from words of their own."""
        of_loss = self._code.matches(Code.LOSS_FIRST, Code.LOSS_LAST, Code.LOSS_COUNT)
        with m.If(self.words.valid & (self._code == Code.LOSS_HIGH)):
            self._take_loss_high(m)
        with m.Elif(self.words.valid & (self._part == _Part.LAST)):
            m.d.sync += self._part.eq(_Part.COUNT)
            self._load_count(m)
        with m.Elif(self.words.valid):
            m.d.sync += self._part.eq(Mux(self._part == _Part.CAUSE, _Part.FIRST, _Part.LAST))
            m.d.sync += self._loss_high.eq(0)
            m.d.comb += self.words.ready.eq(of_loss)
            self._send(m, Mux(of_loss, self._target, self.pulse), PULSE_BYTES)

    def _load_count(self, m: Module) -> None:
        self._pop(m)
        is_settings = self._code == Code.SETTINGS
        settings_id = Cat(self._number[:8], self.settings_id[8:])
        self._send(m, Mux(is_settings, settings_id, self._number), NUMBER_BYTES)
        with m.If(self._code == Code.BEGIN):
            m.d.sync += [self.epoch.eq(self.epoch + 1), self.pulse.eq(0)]

    # ---- parts of a body --------------------------------------------------------------------

    def _send(self, m: Module, part: ValueLike, size: ValueLike) -> None:
        m.d.sync += [self._shift.eq(part), self._left.eq(size)]
        m.next = "SEND"

    def _next_byte(self, m: Module) -> None:
        m.d.sync += [self._shift.eq(self._shift >> 8), self._left.eq(self._left - 1)]

"""A zero, the delimiter, leaves as the last byte of each frame and nowhere else.

Proved of `CobsEncoder` by induction over 1 clock, so for all time, whatever the bytes (of full
width) and stalls, for a ring of 16 bytes (not 512) and runs of 6 (not 254): packets still go round
the ring and over full runs. A zero follows a packet's last byte, no other byte is zero, and a
decoder gets back each byte. `test_frame.py` has what makes the packets.

The ring is long for a prover. What is said of its bytes is said of one place, whichever (`place`
may have each value), and notes are taken of what was written where. Since it is proved of each
place, it may be assumed of all, the one that is read too, in the clock before. The steps of the
induction are proved in parts: each assumes all parts in the clock before, and proves its own.
Mutants have a ring of 8 bytes and runs of 2, and are refuted within 20 clocks.
"""

from enum import IntEnum
from functools import reduce
from operator import and_
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In
from tests.gateware.formal.conftest import needs_prover
from tests.gateware.formal.inside import implies, in_state, signals

from hexkey_gateware.cobs import BYTE, CobsEncoder
from hexkey_sim.formal import hold, prove

pytestmark = needs_prover


class Small(CobsEncoder):
    LONGEST_RUN = 6
    RING_BYTES = 16


class FramesEndWithZeros(wiring.Component):
    """Payload bytes are numbered as they go in, and as a decoder finds them in what comes out.

    Numbers go to twice the ring's bytes. One stands for any (`tracked` may have each value): the
    byte that is decoded under it is the one that went in under it, and the byte that leaves next is
    zero if that was the last of its packet, and only then.
    """

    def __init__(self, encoder: CobsEncoder, *, longest_run: int) -> None:
        self._encoder = encoder
        self._full = longest_run + 1  # the code of a run with no zero behind it
        self._ring_bytes = encoder.RING_BYTES
        self._number = unsigned(self._ring_bytes.bit_length())
        super().__init__(
            {
                "valid": In(1),
                "byte": In(BYTE),
                "ready": In(1),
                "tracked": In(self._number),
                "place": In(range(self._ring_bytes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        encoder = self._encoder
        m.submodules.encoder = inner = encoder.elaborate(platform)
        hold(m, self.tracked)
        m.d.comb += [
            encoder.i.valid.eq(self.valid),
            encoder.i.payload.eq(self.byte),
            encoder.o.ready.eq(self.ready),
        ]
        self._take(m)
        self._conclude(m, inner, self._decode(m))
        return m

    def _conclude(self, m: Module, inner: Module, facts: list[Value]) -> None:
        m.d.comb += [Assert(fact) for fact in facts]

    def _take(self, m: Module) -> None:
        """Number what goes in, and keep what is tracked."""
        encoder = self._encoder
        self._taken = Signal(self._number)
        self._seen, self._expected = Signal(), Signal(BYTE)
        with m.If(encoder.i.valid & encoder.i.ready):
            m.d.sync += self._taken.eq(self._taken + 1)
            with m.If(self._taken == self.tracked):
                m.d.sync += [self._seen.eq(1), self._expected.eq(encoder.i.payload)]

    def _decode(self, m: Module) -> list[Value]:
        """Decode what comes out; return what must be true of a byte when it is offered."""
        encoder, tracked = self._encoder, self.tracked
        layout = data.StructLayout({"left": 8, "implies": 1, "fresh": 1, "number": self._number})
        now = Signal(layout, init={"fresh": 1})  # no payload byte of this frame was found yet
        then = Signal(layout)  # behind the byte that is offered
        byte, in_run = encoder.o.payload, now.left != 0
        is_zero = byte == 0
        finds = in_run | (~is_zero & now.implies)
        m.d.comb += [
            then.left.eq(Mux(in_run, now.left, byte) - (in_run | ~is_zero)),
            then.implies.eq(Mux(in_run, now.implies, ~is_zero & (byte != self._full))),
            then.fresh.eq(~finds & (now.fresh | is_zero)),
            then.number.eq(now.number + finds),
        ]
        with m.If(encoder.o.valid & encoder.o.ready):
            m.d.sync += now.eq(then)
        self._reader = Signal(layout)  # behind all that has left the ring
        m.d.comb += self._reader.eq(Mux(encoder.o.valid, then, now))

        inside = self._distance(self._taken, now.number)
        equal = self._seen & (self._expected.data == Mux(in_run, byte, 0))
        ended = self._seen & self._expected.last & ~now.fresh
        return [
            inside <= self._ring_bytes + 1,
            implies(encoder.o.valid & is_zero, ~in_run),
            implies(encoder.o.valid & finds, inside != 0),
            implies(encoder.o.valid & finds & (now.number == tracked), equal),
            implies(encoder.o.valid & self._follows_tracked(now.number), is_zero == ended),
        ]

    def _distance(self, one: Value, other: Value) -> Value:
        return (one - other)[: self._number.width]

    def _follows_tracked(self, number: Value) -> Value:
        return self._distance(number, self.tracked) == 1


class Role(IntEnum):
    """What is at a place of the ring."""

    CODE = 0
    DATA = 1
    DELIMITER = 2


class Step(FramesEndWithZeros):
    """A step of the induction, from all that is known in a clock to a part of it in the next.

    Parameters
    ----------
    part : str
        One of `PARTS`.
    """

    PARTS = ("output", "registers", "place", "run", "read")

    def __init__(self, encoder: CobsEncoder, part: str) -> None:
        super().__init__(encoder, longest_run=Small.LONGEST_RUN)
        self._part = part
        self._bits = (self._ring_bytes - 1).bit_length()
        self._note = data.StructLayout(
            {
                "role": 2,
                "implied": 1,  # a code: the run before ends with a zero
                "fresh": 1,  # no payload byte of its packet before it
                "number": self._number,  # of the payload byte that it stands for, or the next
            }
        )

    def _conclude(self, m: Module, inner: Module, facts: list[Value]) -> None:
        hold(m, self.place)
        self._find(m, inner)
        self._take_notes(m)
        self._look(m, inner)
        known = {
            "output": facts,
            "registers": self._of_registers(),
            "place": self._of_place(),
            "run": self._of_run(),
        }
        here_known = reduce(and_, (fact for part in known.values() for fact in part))
        read_right = self._agrees(self._note_read) & self._fits(
            self._note_read, self._byte_read, Const(0), self._closed != 0
        )
        # Of one place: what is read from it is what the decoder expects.
        known["read"] = [implies(self.place == self._to_send, read_right)]
        before = Signal(init=1)
        m.d.sync += before.eq(here_known & read_right)
        m.d.comb += Assume(before)
        if self._part == "read":
            m.d.comb += Assume(here_known)  # as the other parts prove for this clock, too
        m.d.comb += [Assert(fact) for fact in known[self._part]]

    def _find(self, m: Module, inner: Module) -> None:
        """Name registers, and what follows from them alone."""
        encoder, named = self._encoder, signals(inner)
        self._to_send = named["to_send"]
        self._last, self._begun = named["last"], named["begun"]
        self._fills, self._codes, self._ends = (
            in_state(inner, state) for state in ("FILL", "CODE", "DELIMITER")
        )
        self._closed, self._far = (Signal(self._bits, name=name) for name in ("closed", "far"))
        self._occupied = Signal(self._bits + 1)
        m.d.comb += [
            self._closed.eq(encoder._code_place - self._to_send),
            self._far.eq(self.place - self._to_send),
            self._occupied.eq(self._closed + encoder._code),
        ]
        self._is_closed = self._far < self._closed
        self._is_code_place = self._far == self._closed
        self._is_open = (self._far > self._closed) & (self._far < self._occupied)

    def _take_notes(self, m: Module) -> None:
        """Note what is written, at each place and once more at the one that is looked at."""
        encoder, note = self._encoder, self._note
        at_code = self._at_code = Signal(note, init={"fresh": 1})
        next_code, appended = Signal(note), Signal(note)
        m.d.comb += [
            next_code.role.eq(Mux(self._codes & self._last, Role.DELIMITER, Role.CODE)),
            next_code.implied.eq(self._fills),
            next_code.fresh.eq(~self._begun | self._ends),
            next_code.number.eq(self._taken),
            appended.role.eq(Role.DATA),
            appended.fresh.eq(~self._begun),
            appended.number.eq(self._taken),
        ]
        written = encoder._write
        closes = written.en & (written.addr == encoder._code_place)
        m.submodules.notes = self._notes = Memory(shape=note, depth=self._ring_bytes, init=[])
        port = self._notes.write_port()
        m.d.comb += [
            port.en.eq(written.en),
            port.addr.eq(written.addr),
            port.data.eq(Mux(closes, at_code, appended)),
        ]
        self._here = Signal(note, init={"fresh": 1})
        self._behind = Signal(self._bits, init=1)  # the code of its run, or that of the run before
        with m.If(closes):
            m.d.sync += at_code.eq(next_code)
        with m.If(written.en & (encoder._place == self.place)):
            m.d.sync += self._behind.eq(self.place - encoder._code_place)
            m.d.sync += self._here.eq(Mux(closes, next_code, appended))

    def _look(self, m: Module, inner: Module) -> None:
        """Look into the ring and at the notes: at what is read next, at the place, at its code."""
        start = Signal(self._bits)
        m.d.comb += start.eq(self.place - self._behind)
        found = []
        for memory in (inner.submodules.ring, self._notes):
            for at in (self._to_send, self.place, start):
                port = memory.read_port(domain="comb")
                m.d.comb += port.addr.eq(at)
                found.append(port.data)
        self._byte_read, self._byte_here, self._byte_start = found[:3]
        note_read, self._note_here, self._note_start = found[3:]
        self._note_read = Signal(self._note)
        m.d.comb += self._note_read.eq(Mux(self._closed == 0, self._at_code, note_read))

    def _of_registers(self) -> list[Value]:
        encoder, note, code = self._encoder, self._at_code, self._encoder._code
        tracked = self._seen & (self._expected.last == (~self._fills & self._last))
        counted = note.number + note.implied + code - 1
        return [
            self._fills | self._codes | self._ends,
            (encoder._place - encoder._code_place)[: self._bits] == code,
            self._occupied <= self._ring_bytes,
            (code != 0) & (code <= self._full),
            implies(self._fills, code < self._full),
            implies(self._codes, self._last | (code == self._full)),
            implies(self._ends, self._last & (code == 1) & ~note.implied),
            self._fills | self._begun,
            note.role == Mux(self._ends, Role.DELIMITER, Role.CODE),
            self._begun == ~(note.fresh & ~note.implied & (code == 1)),
            self._distance(counted, self._taken) == 0,
            implies(self._begun & self._follows_tracked(self._taken), tracked),
        ]

    def _of_place(self) -> list[Value]:
        is_known = self._is_closed | self._is_code_place | self._is_open
        fits = self._fits(self._here, self._byte_here, self._far, ~self._is_code_place)
        return [
            implies(is_known, fits),
            implies(self._is_closed | self._is_open, self._note_here == self._here),
            implies(self._is_code_place, self._here == self._at_code),
        ]

    def _of_run(self) -> list[Value]:
        """Say how a place is reached from the code of its run, or from the run before."""
        here, behind, reader = self._here, self._behind, self._reader
        is_start, is_code = here.role != Role.DATA, here.role == Role.CODE
        in_sight = self._is_closed | self._is_code_place
        was_read = in_sight & (behind > self._far)
        note, byte = self._note_start, self._byte_start
        behind_run = in_sight & ~was_read & (note.role == Role.CODE)
        behind_end = in_sight & ~was_read & ~behind_run
        first = ~here.implied & here.fresh & (here.number == note.number)
        number = reader.number + self._far
        return [
            implies(self._is_open, ~is_start & (behind == self._far - self._closed)),
            implies(self._is_open, self._counts_from(self._at_code)),
            implies(in_sight, behind != 0),
            implies(was_read, Mux(is_start, reader.left == self._far, reader.left > self._far)),
            implies(was_read, self._distance(number, here.number) == 0),
            implies(was_read, here.fresh == (reader.fresh & (self._far == 0))),
            implies(was_read & is_code, reader.implies == here.implied),
            implies(behind_run, Mux(is_start, byte == behind, byte > behind)),
            implies(behind_run, (byte <= self._full) & self._counts_from(note)),
            implies(behind_run & is_code, here.implied == (byte != self._full)),
            implies(behind_end, (note.role == Role.DELIMITER) & (byte == 0) & (behind == 1)),
            implies(behind_end, is_code & first),
        ]

    def _counts_from(self, note: data.View) -> Value:
        """Return whether what is noted of the place follows from what is noted of its code."""
        number = note.number + note.implied + self._behind - 1
        fresh = note.fresh & ~note.implied & (self._behind == 1)
        return (self._distance(number, self._here.number) == 0) & (fresh == self._here.fresh)

    def _fits(self, note: data.View, byte: Value, far: Value, is_written: Value) -> Value:
        """Return whether a note can be one of a byte so far behind what is read."""
        is_data, is_end = note.role == Role.DATA, note.role == Role.DELIMITER
        is_code = note.role == Role.CODE
        gives = is_data | (is_code & note.implied)
        inside = self._distance(self._taken, note.number)
        equal = self._seen & (self._expected.data == Mux(is_data, byte, 0))
        ends = self._seen & (self._expected.last == is_end)
        return (
            (is_data | is_code | is_end)
            & (inside <= self._occupied - far)
            & implies(gives, inside != 0)
            & implies(gives & (note.number == self.tracked), equal)
            & implies(self._follows_tracked(note.number) & ~note.fresh, ends)
            & implies(is_end, ~note.fresh)
            & implies(is_written, (byte == 0) == is_end)
            & implies(is_written & ~is_data, byte <= self._full)
        )

    def _agrees(self, note: data.View) -> Value:
        """Return whether the decoder expects what is noted."""
        reader = self._reader
        return (
            ((reader.left == 0) == (note.role != Role.DATA))
            & implies(note.role == Role.CODE, reader.implies == note.implied)
            & (reader.number == note.number)
            & (reader.fresh == note.fresh)
        )


@pytest.mark.parametrize("part", Step.PARTS)
def test_frames_end_with_zeros(part: str, tmp_path: Path) -> None:
    proof = prove(Step(Small(), part), tmp_path, depth=1)
    assert proof.holds, proof.log


class Tiny(CobsEncoder):
    LONGEST_RUN = 2
    RING_BYTES = 8


class ForgetsLastZero(Tiny):
    def _end_with_zero(self, m: Module) -> None:
        m.next = "DELIMITER"


class KeepsLoneZeros(Tiny):
    """Leaves a zero as it is where the run before it is empty."""

    def _close(self, m: Module, code: Value | int) -> None:
        super()._close(m, Mux(Value.cast(code) == 1, 0, code))


class SendsTheOpenRun(Tiny):
    """Does not hold back what is behind the place left for a code."""

    def _append(self, m: Module, byte: Value) -> None:
        super()._append(m, byte)
        m.d.sync += self._code_place.eq(self._code_place + (self._code == 2))


@pytest.mark.parametrize("mutant", [ForgetsLastZero, KeepsLoneZeros, SendsTheOpenRun])
def test_proof_sees_a_wrong_byte(mutant: type[CobsEncoder], tmp_path: Path) -> None:
    broken = FramesEndWithZeros(mutant(), longest_run=Tiny.LONGEST_RUN)
    proof = prove(broken, tmp_path, mode="bmc", depth=16)
    assert proof.refuted, proof.log


class LongRun(Tiny):
    LONGEST_RUN = Tiny.LONGEST_RUN + 1


class LongerThanCodes(LongRun):
    """Is to codes of two bits what a run of 255 is to bytes: its code is zero."""

    def _close(self, m: Module, code: Value | int) -> None:
        super()._close(m, Value.cast(code) & LongRun.LONGEST_RUN)


class OnlyOnes(FramesEndWithZeros):
    """There is nothing but ones to stuff, and nobody stalls: the search is short."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += Assume(self.valid & self.ready & (self.byte.data == 1))
        return m


@pytest.mark.parametrize("mutant", [LongRun, LongerThanCodes])
def test_proof_sees_a_long_run(mutant: type[CobsEncoder], tmp_path: Path) -> None:
    broken = OnlyOnes(mutant(), longest_run=Tiny.LONGEST_RUN)
    proof = prove(broken, tmp_path, mode="bmc", depth=20)
    assert proof.refuted, proof.log

"""The registers: requests are carried out, and answered, as the register map says."""

from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hexkey.wire import RegisterOperation, RegisterStatus
from hexkey.wire.registers import Register, address
from hexkey_gateware.link.frames import REPLY
from hexkey_gateware.link.limits import (
    ADDRESS_BITS,
    INSTANCES,
    ROW,
    Bank,
    Comparison,
    Limits,
    rows,
)
from hexkey_gateware.link.requests import REQUEST
from hexkey_gateware.register_layouts import LIVE, SETTINGS, VALUES, resets
from hexkey_gateware.settings import setting_shape

ACTIONS = ("control", "run", "commit", "identify", "table_entry")
"""Registers whose writing sets something off."""


class RegisterFile(wiring.Component):
    """Answers each request: reads or writes a register, or says why not.

    The request after one, if it has the same id, gets the same reply and does nothing: it is a
    repetition. A write that is refused changes nothing. Limits that depend on the period go by what
    was written to `period_ticks` last.

    All values, limits and resets are rows of one block RAM, which the states walk through; what the
    board works with is in flip-flops beside. The rows are set in the 256 clocks after a reset.

    Latency: a reply is valid 5 clocks after its request was taken, or up to 74 if a value has to be
    compared with limits and kept; an action delays it. One request at a time: no other is taken
    before the reply is. So while an action is done, values and settings hold still.

    Parameters
    ----------
    period_ticks : int
        After a reset.
    limits : dict of str to (int, int)
        Where this board takes less than the table says.

    Members
    -------
    i : :py:`In(stream.Signature(REQUEST))`
    o : :py:`Out(stream.Signature(REPLY))`
    settings : :py:`Out(SETTINGS)`
        As written; they take effect at a commit.
    values : :py:`Out(VALUES)`
    live : :py:`In(LIVE)`
        Registers that can only be read.
    actions : :py:`Out(Signature)`
        For each register of `ACTIONS` a stream of what is written to it. It is in `values` before;
        the reply waits until it is taken.
    """

    def __init__(self, period_ticks: int, limits: Limits | None = None) -> None:
        self._init = rows(period_ticks, limits or {})
        actions = {name: Out(stream.Signature(setting_shape(name))) for name in ACTIONS}
        super().__init__(
            {
                "i": In(stream.Signature(REQUEST)),
                "o": Out(stream.Signature(REPLY)),
                "settings": Out(SETTINGS, init=resets(SETTINGS, period_ticks)),
                "values": Out(VALUES, init=resets(VALUES, period_ticks)),
                "live": In(LIVE),
                "actions": Out(wiring.Signature(actions)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=ROW, depth=len(self._init), init=self._init)
        self._write, self._read = memory.write_port(), memory.read_port()
        self._word = Signal(32)  # to be written
        self._writes = Signal()
        self._known = Signal()  # there was a request
        self._keep = Signal()  # the word becomes the register's value
        self._place = self._decoded(m)
        m.submodules.comparison = self._comparison = self._compare()
        m.d.comb += [
            self._comparison.word.eq(self._word),
            self._comparison.limit.eq(self._read.data),
            self._comparison.period_ticks.eq(self.settings.period_ticks),
        ]
        m.d.comb += self._write.addr.eq(self._row(Bank.VALUE))
        # Never both at once: for a row that is read while it is written, where a cell promises
        # nothing, Yosys would put registers and multiplexers around it.
        m.d.comb += self._read.en.eq(~self._write.en)

        with m.FSM():
            self._restore(m)
            self._take(m)
            self._check(m)
            self._act(m)
            self._answer(m)
        self._hold_values(m)
        return m

    def _decoded(self, m: Module) -> Callable[[int], Value]:
        """Return what says whether an address is the request's, decoded in two parts."""
        low, high = Signal(16), Signal(1 << (ADDRESS_BITS - 4))
        m.d.comb += low.eq(1 << self.o.payload.address[:4])
        m.d.comb += high.eq(1 << self.o.payload.address[4:ADDRESS_BITS])
        return lambda place: low[place % 16] & high[place // 16]

    def _restore(self, m: Module) -> None:
        """Write the resets of all addresses, one after the other."""
        at = self.o.payload.address
        with m.State("FETCH RESET"):
            self._fetch(m, Bank.RESET)
            m.next = "RESTORE"

        with m.State("RESTORE"):
            m.d.comb += self._write.en.eq(1)
            m.d.comb += self._write.data.word.eq(self._read.data.word)
            m.d.sync += at.eq(at + 1)
            m.next = "FETCH RESET"
            with m.If(at == (1 << ADDRESS_BITS) - 1):
                m.next = "IDLE"

    def _take(self, m: Module) -> None:
        request, reply = self.i.payload, self.o.payload
        with m.State("IDLE"):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                with m.If(self._known & self._repeats(request.id)):
                    m.next = "ANSWER"
                with m.Else():
                    m.d.sync += [
                        reply.id.eq(request.id),
                        reply.address.eq(request.address),
                        self._word.eq(request.value),
                        self._writes.eq(request.op == RegisterOperation.WRITE),
                        self._known.eq(1),
                    ]
                    m.next = "FETCH MINIMUM"

    def _check(self, m: Module) -> None:
        reply, row, comparison = self.o.payload, self._read.data, self._comparison
        with m.State("FETCH MINIMUM"):
            self._fetch(m, Bank.MINIMUM)
            m.next = "LOOK UP"

        with m.State("LOOK UP"):
            self._fetch(m, Bank.MINIMUM)
            m.d.sync += reply.status.eq(RegisterStatus.OK)
            m.next = "FETCH VALUE"
            with m.If(self._is_unknown(row.exists)):
                m.d.sync += reply.status.eq(RegisterStatus.NO_SUCH_REGISTER)
                m.d.sync += reply.value.eq(0)
                m.next = "ANSWER"
            with m.Elif(self._writes & row.read_only):
                m.d.sync += reply.status.eq(RegisterStatus.READ_ONLY)
            with m.Elif(self._writes):
                m.next = "COMPARE WITH MINIMUM"

        for bank, following in ((Bank.MINIMUM, "FETCH MAXIMUM"), (Bank.MAXIMUM, "KEEP")):
            with m.State(f"COMPARE WITH {bank.name}"):
                self._fetch(m, bank)
                m.d.comb += comparison.go.eq(1)
                m.d.comb += comparison.swap.eq(bank == Bank.MAXIMUM)
                with m.If(comparison.done):
                    m.next = following
                    with m.If(comparison.less):
                        m.d.sync += reply.status.eq(RegisterStatus.OUT_OF_RANGE)
                        m.next = "FETCH VALUE"

        with m.State("FETCH MAXIMUM"):
            self._fetch(m, Bank.MAXIMUM)
            m.next = "COMPARE WITH MAXIMUM"

    def _act(self, m: Module) -> None:
        with m.State("KEEP"):
            m.d.comb += self._keep.eq(1)
            m.d.comb += self._write.en.eq(1)
            m.d.comb += self._write.data.word.eq(self._word)
            m.next = "ACT"

        with m.State("ACT"):
            done = Signal(init=1)
            for name in ACTIONS:
                action = getattr(self.actions, name)
                m.d.comb += action.payload.eq(self._word)
                with m.If(self._place(address(name))):
                    m.d.comb += action.valid.eq(1)
                    m.d.comb += done.eq(action.ready)
            with m.If(done):
                m.next = "FETCH VALUE"

    def _answer(self, m: Module) -> None:
        reply = self.o.payload
        with m.State("FETCH VALUE"):
            self._fetch(m, Bank.VALUE)
            m.next = "VALUE"

        with m.State("VALUE"):
            m.d.sync += reply.value.eq(self._read.data.word)
            with m.Switch(reply.address[:ADDRESS_BITS]):
                for place, (row, channel) in INSTANCES.items():
                    if row.name in LIVE.members:
                        with m.Case(place):
                            m.d.sync += reply.value.eq(_field(self.live, row, channel))
            m.next = "ANSWER"

        with m.State("ANSWER"):
            m.d.comb += self.o.valid.eq(1)
            with m.If(self.o.ready):
                m.next = "IDLE"

    def _hold_values(self, m: Module) -> None:
        """Keep the word where the board works with it."""
        for place, (row, channel) in INSTANCES.items():
            for structure in (self.settings, self.values):
                if row.name in structure.shape().members:
                    with m.If(self._keep & self._place(place)):
                        m.d.sync += _field(structure, row, channel).eq(self._word)

    def _compare(self) -> Comparison:
        return Comparison()

    def _fetch(self, m: Module, bank: Bank) -> None:
        m.d.comb += self._read.addr.eq(self._row(bank))

    def _row(self, bank: Bank) -> Value:
        return Cat(self.o.payload.address[:ADDRESS_BITS], Const(bank, 2))

    def _is_unknown(self, exists: Value) -> Value:
        return ~exists | self.o.payload.address[ADDRESS_BITS:].any()

    def _repeats(self, request_id: Value) -> Value:
        return request_id == self.o.payload.id


def _field(structure: data.View, row: Register, channel: int | None) -> Value:
    return structure[row.name] if channel is None else structure[row.name][channel]

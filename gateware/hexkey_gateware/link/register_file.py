"""The registers: requests are carried out, and answered, as the register map says."""

from collections.abc import Mapping
from enum import IntEnum

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hexkey.wire import RegisterOperation, RegisterStatus
from hexkey.wire.registers import REGISTERS, Bound, Period, Register, address, bound
from hexkey_gateware.link.frames import REPLY
from hexkey_gateware.link.requests import REQUEST
from hexkey_gateware.register_layouts import LIVE, SETTINGS, VALUES, resets
from hexkey_gateware.settings import setting_shape

ACTIONS = ("control", "run", "commit", "identify", "table_entry")
"""Registers whose writing sets something off."""

Limits = Mapping[str, tuple[int, int]]
"""Name of a register to the least and the greatest value that this board takes."""

_INSTANCES = {address(row.name, each): (row, each) for row in REGISTERS for each in row.instances}
ADDRESS_BITS = max(_INSTANCES).bit_length()


class _Bank(IntEnum):
    """What the memory's rows are, one of each for every address."""

    VALUE = 0  # as written last
    MINIMUM = 1
    MAXIMUM = 2
    RESET = 3


_ROW = data.StructLayout(
    {
        "word": 32,
        "relative": 1,  # to the period
        "signed": 1,
        "read_only": 1,
        "exists": 1,
    }
)


class RegisterFile(wiring.Component):
    """Answers each request: reads or writes a register, or says why not.

    The request after one, if it has the same id, gets the same reply and does nothing: it is a
    repetition. A write that is refused changes nothing. Limits that depend on the period go by what
    was written to `period_ticks` last.

    All values, limits and resets are rows of one block RAM, which the states walk through; what the
    board works with is in flip-flops beside. The rows are set in the 256 clocks after a reset.

    Latency: a reply is valid 4 to 7 clocks after its request was taken, with an action 7 after the
    action was done. One request at a time: no other is taken before the reply is. So while an
    action is done, values and settings hold still.

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
        self._init = _rows(period_ticks, limits or {})
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
        m.submodules.memory = memory = Memory(shape=_ROW, depth=len(self._init), init=self._init)
        self._write, self._read = memory.write_port(), memory.read_port()
        self._word = Signal(32)  # to be written
        self._writes = Signal()
        self._known = Signal()  # there was a request
        self._store = Signal()

        with m.FSM():
            self._restore(m)
            self._take(m)
            self._check(m)
            self._act(m)
            self._answer(m)
        self._keep(m)
        return m

    def _restore(self, m: Module) -> None:
        """Write the resets of all addresses, one after the other."""
        at = self.o.payload.address
        with m.State("FETCH RESET"):
            self._fetch(m, _Bank.RESET)
            m.next = "RESTORE"

        with m.State("RESTORE"):
            m.d.comb += self._store.eq(1)
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
        reply, row = self.o.payload, self._read.data
        with m.State("FETCH MINIMUM"):
            self._fetch(m, _Bank.MINIMUM)
            m.next = "MINIMUM"

        with m.State("MINIMUM"):
            self._fetch(m, _Bank.MAXIMUM)
            m.next = "FETCH VALUE"
            with m.If(self._is_unknown(row.exists)):
                m.d.sync += reply.status.eq(RegisterStatus.NO_SUCH_REGISTER)
                m.d.sync += reply.value.eq(0)
                m.next = "ANSWER"
            with m.Elif(~self._writes):
                m.d.sync += reply.status.eq(RegisterStatus.OK)
            with m.Elif(row.read_only):
                m.d.sync += reply.status.eq(RegisterStatus.READ_ONLY)
            with m.Elif(self._word_as(row) < self._limit(row)):
                m.d.sync += reply.status.eq(RegisterStatus.OUT_OF_RANGE)
            with m.Else():
                m.next = "MAXIMUM"

        with m.State("MAXIMUM"):
            with m.If(self._word_as(row) > self._limit(row)):
                m.d.sync += reply.status.eq(RegisterStatus.OUT_OF_RANGE)
                m.next = "FETCH VALUE"
            with m.Else():
                m.d.comb += self._store.eq(1)
                m.d.comb += self._write.data.word.eq(self._word)
                m.d.sync += reply.status.eq(RegisterStatus.OK)
                m.next = "ACT"

    def _act(self, m: Module) -> None:
        with m.State("ACT"):
            done = Signal(init=1)
            for name in ACTIONS:
                action = getattr(self.actions, name)
                m.d.comb += action.payload.eq(self._word)
                with m.If(self._is_at(address(name))):
                    m.d.comb += action.valid.eq(1)
                    m.d.comb += done.eq(action.ready)
            with m.If(done):
                m.next = "FETCH VALUE"

    def _answer(self, m: Module) -> None:
        reply = self.o.payload
        with m.State("FETCH VALUE"):
            self._fetch(m, _Bank.VALUE)
            m.next = "VALUE"

        with m.State("VALUE"):
            m.d.sync += reply.value.eq(self._read.data.word)
            for place, (row, channel) in _INSTANCES.items():
                if row.name in LIVE.members:
                    with m.If(self._is_at(place)):
                        m.d.sync += reply.value.eq(_field(self.live, row, channel))
            m.next = "ANSWER"

        with m.State("ANSWER"):
            m.d.comb += self.o.valid.eq(1)
            with m.If(self.o.ready):
                m.next = "IDLE"

    def _keep(self, m: Module) -> None:
        """Store a value, in the memory and where the board works with it."""
        m.d.comb += self._write.addr.eq(self._place(_Bank.VALUE))
        m.d.comb += self._write.en.eq(self._store)
        for place, (row, channel) in _INSTANCES.items():
            for structure in (self.settings, self.values):
                if row.name in structure.shape().members:
                    with m.If(self._store & self._is_at(place)):
                        m.d.sync += _field(structure, row, channel).eq(self._write.data.word)

    def _fetch(self, m: Module, bank: _Bank) -> None:
        m.d.comb += self._read.addr.eq(self._place(bank))

    def _place(self, bank: _Bank) -> Value:
        return Cat(self.o.payload.address[:ADDRESS_BITS], Value.cast(bank)[:2])

    def _is_at(self, place: int) -> Value:
        return self.o.payload.address[:ADDRESS_BITS] == place

    def _is_unknown(self, exists: Value) -> Value:
        return ~exists | self.o.payload.address[ADDRESS_BITS:].any()

    def _repeats(self, request_id: Value) -> Value:
        return request_id == self.o.payload.id

    def _word_as(self, row: data.View) -> Value:
        return _extended(self._word, row.signed)

    def _limit(self, row: data.View) -> Value:
        of_period = self.settings.period_ticks + row.word.as_signed()
        return Mux(row.relative, of_period, _extended(row.word, row.signed))


def _extended(word: Value, signed: Value) -> Value:
    return Cat(word, signed & word[-1]).as_signed()


def _field(structure: data.View, row: Register, channel: int | None) -> Value:
    return structure[row.name] if channel is None else structure[row.name][channel]


def _rows(period_ticks: int, limits: Limits) -> list[dict[str, int]]:
    """Return the memory's rows at the start; the values are filled in from the resets."""
    rows = [dict.fromkeys(_ROW.members, 0) for _ in range(len(_Bank) << ADDRESS_BITS)]
    for place, (row, _) in _INSTANCES.items():
        minimum, maximum = limits.get(row.name, (row.minimum, row.maximum))
        flags = {"signed": row.signed, "read_only": row.access == "ro", "exists": 1}
        bounds = {_Bank.MINIMUM: minimum, _Bank.MAXIMUM: maximum}
        for bank, value in {**bounds, _Bank.RESET: bound(row.reset, period_ticks)}.items():
            rows[(bank << ADDRESS_BITS) + place] = {**_bound(value), **flags}
    return rows


def _bound(value: Bound) -> dict[str, int]:
    relative = isinstance(value, Period)
    return {"word": bound(value, 0) & 0xFFFFFFFF, "relative": relative}

"""The virtual board's registers: answers requests, and says what the board has to do."""

from collections.abc import Callable

from hexkey.events import DETECTORS
from hexkey.wire import RegisterOperation, RegisterReply, RegisterRequest, RegisterStatus
from hexkey.wire.registers import REGISTERS as ROWS
from hexkey.wire.registers import Mode, Register, bound, find, from_word, in_range
from hexkey.wire.registers import address as address_of
from hexkey_sim.golden.settings import FrontEndSettings

Action = Callable[[int], None]
Reading = Callable[[], int]


class RegisterFile:
    """Holds every register's value; writes to some call an action of the board.

    It takes no period but its own, since the light that is simulated has only that one, and no raw
    tags; both only until it is extended for a board with a tagger.

    Parameters
    ----------
    period_ticks : int
    actions : dict of str to callable
        Register name to what a write to it sets off, called with the value. The value is stored
        before, and a repeated request does not call it again.
    readings : dict of str to callable
        Name of a register that can only be read to what it reads now.
    """

    def __init__(
        self, period_ticks: int, actions: dict[str, Action], readings: dict[str, Reading]
    ) -> None:
        self._period_ticks = period_ticks
        self._actions = actions
        self._readings = readings
        self._has_tagger = False
        self._last: tuple[int, RegisterReply] | None = None
        self._values = {
            address_of(row.name, channel): bound(row.reset, period_ticks)
            for row in ROWS
            for channel in row.instances
        }

    def extend(self, actions: dict[str, Action], readings: dict[str, Reading]) -> None:
        """Add what a board with a tagger can do."""
        self._has_tagger = True
        self._actions |= actions
        self._readings |= readings

    def answer(self, request: RegisterRequest) -> RegisterReply:
        """Carry a request out; one with the id of the last gets its reply and does nothing."""
        if self._last is not None and self._last[0] == request.id:
            return self._last[1]
        status = self._carry_out(request)
        value = self._now(request.address)
        reply = RegisterReply(request.id, status, request.address, value & 0xFFFFFFFF)
        self._last = (request.id, reply)
        return reply

    def value(self, name: str, channel: int | None = None) -> int:
        return self._values[address_of(name, channel)]

    def front_end_settings(self) -> FrontEndSettings:
        """Return the shadowed settings as they stand."""

        def four(name: str) -> tuple[int, ...]:
            return tuple(self.value(name, detector) for detector in range(DETECTORS))

        return FrontEndSettings(
            period_ticks=self.value("period_ticks"),
            enable=tuple(bool(value) for value in four("enable")),
            gate_start_ticks=four("gate_start_ticks"),
            gate_width_ticks=four("gate_width_ticks"),
            delay_ticks=four("delay_ticks"),
            holdoff_pulses=self.value("holdoff_pulses"),
            discard_double=bool(self.value("double_click")),
            histogram_offset_ticks=self.value("histogram_offset_ticks"),
            histogram_bin_ticks=self.value("histogram_bin_ticks"),
            histogram_bins=self.value("histogram_bins"),
        )

    def _carry_out(self, request: RegisterRequest) -> RegisterStatus:
        found = find(request.address)
        if found is None:
            return RegisterStatus.NO_SUCH_REGISTER
        if request.op == RegisterOperation.READ:
            return RegisterStatus.OK
        row, _ = found
        if row.access == "ro":
            return RegisterStatus.READ_ONLY
        value = from_word(row, request.value)
        if not self._takes(row, value):
            return RegisterStatus.OUT_OF_RANGE
        self._values[request.address] = value
        if row.name in self._actions:
            self._actions[row.name](value)
        return RegisterStatus.OK

    def _now(self, address: int) -> int:
        found = find(address)
        if found is not None and found[0].name in self._readings:
            return self._readings[found[0].name]()
        return self._values.get(address, 0)

    def _takes(self, row: Register, value: int) -> bool:
        if self._has_tagger:
            return in_range(row, value, self.value("period_ticks"))
        if row.name == "mode" and value == Mode.RAW_TAGS:
            return False
        if row.name == "period_ticks":
            return value == self._period_ticks
        return in_range(row, value, self._period_ticks)

"""The host's side of a board: opening it, its registers, and the frames that it streams."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Self, TypeVar

from hexkey.board_settings import BoardSettings, check_settings, register_values
from hexkey.errors import ConfigurationError, DeviceError, HexkeyError, InputError
from hexkey.source import Source, open_source
from hexkey.wire import (
    Frame,
    Gap,
    Header,
    Identification,
    Kind,
    RegisterOperation,
    RegisterReply,
    RegisterRequest,
    RegisterStatus,
    SettingsChange,
    StreamParser,
    StreamStatistics,
    encode_frame,
)
from hexkey.wire.registers import address, bound, from_word, in_range, register, to_word

REPLY_TIMEOUT_S = 0.5  # a full transmitter of 35 kB takes 0.12 s at 3 Mbaud
TRIES = 5
QUIET_S = 0.05  # a stopped board that was silent for this long has nothing left to say
DRAIN_S = 2.0
READ_BYTES = 1 << 16
BURST = 16  # requests that are sent before the first answer has come

Body = TypeVar("Body")
OnBytes = Callable[[bytes], None]


class Board:
    """An open board; use `Board.open`.

    Requests are numbered and repeated until they are answered; a board carries each out once. The
    stream goes on meanwhile, and its frames wait for `frames`.

    Attributes
    ----------
    name : str
        Of the source.
    identification : Identification
    """

    identification: Identification

    def __init__(
        self, source: Source, on_bytes: OnBytes | None = None, patience: float = 1.0
    ) -> None:
        self.name = source.name
        self._source = source
        self._on_bytes = on_bytes
        self._patience = patience
        self._parser = StreamParser()
        self._waiting: list[Frame] = []
        # A random start: the board would take the number of its last request for a repetition.
        self._request_id = secrets.randbelow(1 << 16)
        self._requests = 0
        self._settings_id = 0

    @classmethod
    def open(
        cls,
        source: Source | str,
        *,
        baud: int | None = None,
        on_bytes: OnBytes | None = None,
        patience: float = 1.0,
    ) -> Self:
        """Open a board, stop it, drain what it still had to say, and ask what it is.

        Parameters
        ----------
        source : Source or str
            A string is opened with `hexkey.source.open_source`.
        baud : int, optional
            Of a serial port.
        on_bytes : callable, optional
            Called with every chunk of bytes as it was read: a capture.
        patience : float
            How many times as long as usual to wait for it: more for a simulation of a board.

        Raises
        ------
        DeviceError
            If there is no board, or one that cannot be understood.
        """
        if isinstance(source, str):
            source = open_source(source) if baud is None else open_source(source, baud=baud)
        board = cls(source, on_bytes, patience)
        try:
            board.stop()
            board._drain()
            board.identification = board._identify()
            board._waiting = []
        except BaseException:
            source.close()
            raise
        return board

    def write(self, name: str, value: int, channel: int | None = None) -> None:
        """Write a register.

        Raises
        ------
        ConfigurationError
            If the board refuses the value.
        DeviceError
            If it does not answer.
        """
        row = register(name)
        try:
            word = to_word(row, value)
        except ValueError:
            raise self._refused(name, value) from None
        reply = self._request(RegisterOperation.WRITE, address(name, channel), word)
        if reply.status is not RegisterStatus.OK:
            raise self._refused(name, value, reply.status)

    def write_table(self, words: Sequence[int]) -> None:
        """Write `table_entry` with one word after the other, many requests on their way at once.

        Raises
        ------
        ConfigurationError, DeviceError
            As `write`.
        """
        at = address("table_entry")
        for first in range(0, len(words), BURST):
            burst = [
                self._next_request(RegisterOperation.WRITE, at, word)
                for word in words[first : first + BURST]
            ]
            for request in burst:
                self._send(request)
            missing = {request.id: request.value for request in burst}
            self._await(partial(_settles, missing=missing))
            for word in missing.values():  # refused, or the board was busy
                self.write("table_entry", word)

    def read(self, name: str, channel: int | None = None) -> int:
        """Return a register's value; of a shadowed one, what was written last."""
        reply = self._request(RegisterOperation.READ, address(name, channel), 0)
        if reply.status is not RegisterStatus.OK:
            raise DeviceError(
                f"the board at {self.name} has no register {name!r}: its firmware is of another "
                "version than this hexkey"
            )
        return from_word(register(name), reply.value)

    def configure(self, settings: BoardSettings) -> SettingsChange:
        """Write all settings, let them take effect together, and return from which pulse on.

        Raises
        ------
        ConfigurationError
            If the board cannot work so, or must not (`check_settings`).
        DeviceError
            If it does not answer.
        """
        self.prepare(settings)
        return self.take_effect()

    def take_effect(self) -> SettingsChange:
        """Let written settings take effect together, and return from which pulse on.

        Raises
        ------
        DeviceError
            If it does not answer.
        """
        for _ in range(TRIES):
            self.commit()
            frame = self._await(self._is_commit)
            if frame is not None:
                return self._decode(SettingsChange.decode, frame)
        raise DeviceError(
            f"the board at {self.name} does not carry out new settings: check its trigger, with "
            "`hexkey board status`"
        )

    def prepare(self, settings: BoardSettings) -> None:
        """Write all settings, for the next `commit`; raises as `configure` does."""
        check_settings(settings, self.identification)
        period = settings.period_on(self.identification)
        values = list(register_values(settings, self.identification))
        for name, _, value in values:  # nothing is written unless all of it can be
            if not in_range(register(name), value, period):
                raise self._refused(name, value, period_ticks=period)
        for name, channel, value in values:
            self.write(name, value, channel)
        self.identification = replace(self.identification, period_ticks=period)

    def commit(self) -> None:
        """Let the settings take effect, with the next pulse; wait for none."""
        self._settings_id += 1
        self.write("commit", self._settings_id)

    def arm(self, run: int) -> None:
        """Start the stream under a run id from 1 to 2**32 - 1."""
        if not 0 < run < 1 << 32:
            raise ValueError(f"a run id is from 1 to 2**32 - 1, not {run}")
        self.write("run", run)
        self.write("control", 1)

    def stop(self) -> None:
        """Stop the stream. What the board still had is in its frames, counters last."""
        self.write("control", 0)

    def frames(self, timeout_s: float) -> list[Frame]:
        """Return the frames that arrived since the last call, waiting for some if there are none.

        Raises
        ------
        DeviceError
            If the board is gone or cannot be understood any more.
        """
        if not self._waiting:
            self._pump(timeout_s)
        frames, self._waiting = self._waiting, []
        return [frame for frame in frames if frame.header.kind is not Kind.REGISTER_REPLY]

    @property
    def statistics(self) -> StreamStatistics:
        """What came over the link since the board was opened, and what did not."""
        return self._parser.statistics

    def take_gaps(self) -> list[Gap]:
        """Return the stretches of pulses with missing frames, found since the last call."""
        return self._parser.take_gaps()

    def close(self) -> None:
        """Stop the board if it still answers, and release its port."""
        try:
            self._send(self._next_request(RegisterOperation.WRITE, address("control"), 0))
        except DeviceError:
            pass  # it is gone already
        finally:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- requests ---------------------------------------------------------------------------

    def _request(self, op: RegisterOperation, at: int, word: int) -> RegisterReply:
        for _ in range(TRIES):
            request = self._next_request(op, at, word)
            reply = self._answer_to(request)
            wanted = word if op is RegisterOperation.WRITE else reply.value
            refused = reply.status is not RegisterStatus.OK
            if reply.address == at and (refused or reply.value == wanted):
                return reply
            # The board knew this number from another host's last request: take the next one.
        raise DeviceError(f"the board at {self.name} gives answers to other requests: reset it")

    def _next_request(self, op: RegisterOperation, at: int, word: int) -> RegisterRequest:
        self._request_id = (self._request_id + 1) % (1 << 16)
        return RegisterRequest(self._request_id, op, at, word)

    def _answer_to(self, request: RegisterRequest) -> RegisterReply:
        before = self._parser.statistics
        for _ in range(TRIES):
            self._send(request)
            frame = self._await(lambda frame: _answers(frame, request))
            if frame is not None:
                return self._decode(RegisterReply.decode, frame)
        raise self._unanswered(before)

    def _send(self, request: RegisterRequest) -> None:
        header = Header(Kind.REGISTER_REQUEST, 0, 0, 0, 0, self._requests, 0, 0)
        self._requests = (self._requests + 1) % (1 << 32)
        # A zero first: whatever the board has of a broken request ends there.
        self._source.write(b"\0" + encode_frame(header, request.encode()))

    def _identify(self) -> Identification:
        for _ in range(TRIES):
            self.write("identify", 1)
            frame = self._await(lambda frame: frame.header.kind is Kind.IDENTIFICATION)
            if frame is not None:
                return self._decode(Identification.decode, frame)
        raise DeviceError(f"the board at {self.name} does not say what it is: reset it")

    # ---- the stream -------------------------------------------------------------------------

    def _await(self, wanted: Callable[[Frame], bool]) -> Frame | None:
        """Return the first frame that is wanted, or None in time; all of them stay for `frames`."""
        deadline = time.monotonic() + self._patience * REPLY_TIMEOUT_S
        seen = 0
        while True:
            for frame in self._waiting[seen:]:
                if wanted(frame):
                    return frame
            seen = len(self._waiting)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            self._pump(remaining)

    def _is_commit(self, frame: Frame) -> bool:
        header = frame.header  # the id in the body is the one that the header has modulo 256
        return header.kind is Kind.SETTINGS and header.settings == self._settings_id % 256

    def _pump(self, timeout_s: float) -> int:
        """Read once; return how many bytes came."""
        data = self._source.read(READ_BYTES, timeout_s)
        if data and self._on_bytes is not None:
            self._on_bytes(data)
        try:
            self._waiting += self._parser.feed(data)
        except InputError as error:
            raise self._unintelligible(error) from None
        return len(data)

    def _drain(self) -> None:
        deadline = time.monotonic() + self._patience * DRAIN_S
        while time.monotonic() < deadline and self._pump(self._patience * QUIET_S):
            pass

    def _decode(self, decode: Callable[[bytes], Body], frame: Frame) -> Body:
        try:
            return decode(frame.body)
        except InputError as error:
            raise self._unintelligible(error) from None

    # ---- what is said when it goes wrong ----------------------------------------------------

    def _unintelligible(self, error: HexkeyError) -> DeviceError:
        return DeviceError(f"the board at {self.name} cannot be understood: {error}")

    def _unanswered(self, before: StreamStatistics) -> DeviceError:
        now = self._parser.statistics
        if now.frames > before.frames:
            why = "sends frames but answers no request: check the cable's way to it, or reset it"
        elif now.bytes > before.bytes:
            why = (
                "sends bytes but no hexkey frame: check that it is a hexkey board, and that its "
                "firmware has the same baud rate"
            )
        else:
            why = "does not answer: check that it is a hexkey board and that it has power"
        return DeviceError(f"the device at {self.name} {why}")

    def _refused(
        self,
        name: str,
        value: int,
        status: RegisterStatus = RegisterStatus.OUT_OF_RANGE,
        period_ticks: int | None = None,
    ) -> ConfigurationError:
        if status is RegisterStatus.NO_SUCH_REGISTER:
            why = "its firmware is of another version than this hexkey"
        elif status is RegisterStatus.READ_ONLY:
            why = "the register can only be read"
        else:
            why = f"give {self._limits(name, value, period_ticks)}"
        return ConfigurationError(
            f"the board at {self.name} does not take {value} for {name}: {why}"
        )

    def _limits(self, name: str, value: int, period_ticks: int | None) -> str:
        row = register(name)
        known: Identification | None = getattr(self, "identification", None)
        if known is None:
            return f"{row.minimum} to {row.maximum}"
        period = known.period_ticks if period_ticks is None else period_ticks
        low, high = (bound(limit, period) for limit in (row.minimum, row.maximum))
        if name == "period_ticks" and low <= value <= high:
            return f"{known.period_ticks}, the period of its source that it cannot change"
        return f"{low} to {high}"


def _answers(frame: Frame, request: RegisterRequest) -> bool:
    if frame.header.kind is not Kind.REGISTER_REPLY:
        return False
    return int.from_bytes(frame.body[:2], "little") == request.id


def _settles(frame: Frame, missing: dict[int, int]) -> bool:
    """Take the request that a frame answers from those that wait; whether none is left."""
    if frame.header.kind is Kind.REGISTER_REPLY:
        ident, status = int.from_bytes(frame.body[:2], "little"), frame.body[2:3]
        if status == bytes([RegisterStatus.OK]):
            missing.pop(ident, None)
    return not missing

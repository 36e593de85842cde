"""Runs a virtual board in real time, or as fast as its host reads, behind a port."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from hexkey.errors import ConfigurationError
from hexkey.record import RecordWriter
from hexkey_sim.faults import Faults
from hexkey_sim.link import Clicks, OpticalLink, extend_record, record_statement
from hexkey_sim.ports import Port, PseudoTerminal, TcpPort
from hexkey_sim.source_course import Change, ChangingSource
from hexkey_sim.virtual_board import FIFO_DEPTH, STEPS_PER_S, VirtualBoard

TURN_S = 0.01  # how often a paced board looks at the clock
MAX_LAG_S = 1.0  # a machine that is slower for longer makes the link slow; nothing is lost by it
LINGER_S = 10.0
IDLE_S = 0.2  # that pass in a turn of a stopped board without a clock


class RecordedLink:
    """A link that writes Alice's record; it is ahead of every click that is handed out."""

    def __init__(self, link: OpticalLink, record: RecordWriter) -> None:
        self._link = link
        self._record = record

    def advance(self, pulses: int) -> Clicks:
        clicks = self._link.advance(pulses)
        extend_record(self._record, self._link)
        return clicks


def serve(
    board: VirtualBoard,
    port: Port,
    stop: threading.Event,
    *,
    duration_s: float | None = None,
    until_host_leaves: bool = False,
) -> None:
    """Run the board until `stop` is set, its light has lasted for `duration_s`, or it vanishes.

    After `duration_s` it still answers, so that the host can take what is left and stop it; it
    waits for that at most 10 s. A board with a duration that was stopped waits for as long to be
    armed again. (A terminal does not show whether there is a host.)
    """
    clock = _Paced(board) if board.baud is not None else _Unpaced(board)
    give_up_at = None
    while not (stop.is_set() or board.vanished):
        if until_host_leaves and port.hosts_gone:
            return
        board.receive(port.read())
        dark = duration_s is not None and board.time_s >= duration_s
        if dark and not (board.running or board.outgoing):
            return
        if dark or (duration_s is not None and board.pulses and not board.running):
            give_up_at = give_up_at or time.monotonic() + LINGER_S
            if time.monotonic() > give_up_at:
                return
        else:
            give_up_at = None
        clock.turn(port, light=not dark)


class _Paced:
    """Pulses pass with the wall clock; bytes leave at the baud rate, ten bits each."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        self._bytes_per_s = (board.baud or 0) / 10
        self._last = time.monotonic()
        self._allowance = 0.0  # bytes that the link could have carried by now
        self._lag_s = 0.0

    def turn(self, port: Port, *, light: bool) -> None:
        now = time.monotonic()
        passed, self._last = now - self._last, now
        if light:
            self._advance(passed)
        if not self._board.running:
            self._board.idle(passed)
        self._allowance = min(
            self._allowance + passed * self._bytes_per_s, MAX_LAG_S * self._bytes_per_s
        )
        ready = self._board.outgoing[: int(self._allowance)]
        sent = port.write(ready) if ready else 0
        self._board.sent(sent)
        self._allowance = self._allowance - sent if self._board.outgoing else 0.0
        late = light and self._lag_s >= 1 / STEPS_PER_S
        port.wait(0.0 if late else TURN_S, for_room=sent < len(ready))

    def _advance(self, passed_s: float) -> None:
        step_s = 1 / STEPS_PER_S
        self._lag_s = min(self._lag_s + passed_s, MAX_LAG_S) if self._board.running else 0.0
        if self._lag_s >= step_s:
            self._board.advance(self._board.rate_hz // STEPS_PER_S)
            self._lag_s -= step_s


class _Unpaced:
    """Pulses pass when the host has read what the pulses before gave: nothing is ever lost."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board

    def turn(self, port: Port, *, light: bool) -> None:
        outgoing = self._board.outgoing
        if outgoing:
            sent = port.write(outgoing)
            self._board.sent(sent)
            if not sent:
                port.wait(TURN_S, for_room=True)
        elif light and self._board.running:
            self._board.advance(self._board.rate_hz // STEPS_PER_S)
        else:
            if self._board.wants_time:
                self._board.idle(IDLE_S)
            port.wait(TURN_S, for_room=False)


class VirtualBoardThread:
    """A virtual board that runs beside the caller, for the length of a ``with`` block.

    An error in the thread is raised at the end of the block.

    Attributes
    ----------
    name : str
        What the host opens.
    """

    def __init__(
        self, board: VirtualBoard, port: Port | None = None, *, duration_s: float | None = None
    ) -> None:
        self.board = board
        self._port = port or PseudoTerminal()
        self._duration_s = duration_s
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="virtual board", daemon=True)
        self.name = self._port.name

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _run(self) -> None:
        try:
            serve(self.board, self._port, self._stop, duration_s=self._duration_s)
        except BaseException as error:
            self._error = error
        finally:
            self._port.close()


@dataclass(frozen=True, slots=True)
class BoardOptions:
    """How the virtual board is run.

    Attributes
    ----------
    port : str
        "pty" for a pseudo-terminal, "tcp" or "tcp:4000" for a port on loopback.
    mode : {"fast", "exact"}
    baud : int or None
        Of the link; None runs as fast as the host reads.
    fifo_depth : int
    faults : Faults
    seed : int
        Of the faults' chance.
    duration_s : float, optional
        How long there is light; without end if not given.
    record : Path, optional
        Where Alice's record is written.
    changes : tuple of Change
        Of the source's g²; a board that writes no record can have them.
    """

    port: str = "pty"
    mode: Literal["fast", "exact"] = "fast"
    baud: int | None = 3_000_000
    fifo_depth: int = FIFO_DEPTH
    faults: Faults = field(default_factory=Faults)
    seed: int = 0
    duration_s: float | None = None
    record: Path | None = None
    changes: tuple[Change, ...] = ()


def run_virtual_board(
    link: OpticalLink, options: BoardOptions, announce: Callable[[str], None]
) -> VirtualBoard:
    """Run a virtual board until its duration is over, Ctrl-C, or its (TCP) host leaves.

    Parameters
    ----------
    link : OpticalLink
    options : BoardOptions
    announce : callable
        Called once with the name that the host has to open, when it can be opened.

    Returns
    -------
    VirtualBoard
        As it was at the end.

    Raises
    ------
    ConfigurationError
        An option that cannot be used.
    InputError
        Alice's record exists already, or cannot be written.
    """
    record = RecordWriter(options.record, record_statement(link)) if options.record else None
    try:
        board = VirtualBoard(
            RecordedLink(link, record) if record else ChangingSource(link, options.changes),
            period_ps=link.parameters.period_ps,
            detectors=len(link.parameters.detectors),
            mode=options.mode,
            baud=options.baud,
            fifo_depth=options.fifo_depth,
            faults=options.faults,
            seed=options.seed,
        )
        port = _open_port(options.port)
        try:
            announce(port.name)
            leaves = isinstance(port, TcpPort)
            serve(
                board,
                port,
                threading.Event(),
                duration_s=options.duration_s,
                until_host_leaves=leaves,
            )
        except KeyboardInterrupt:
            pass  # the usual way to end it
        finally:
            port.close()
        return board
    finally:
        if record is not None:
            record.close()


def _open_port(spec: str) -> Port:
    kind, _, number = spec.partition(":")
    if spec == "pty":
        return PseudoTerminal()
    if kind == "tcp" and (not number or number.isdecimal()):
        return TcpPort(int(number or 0))
    raise ConfigurationError(f"the port {spec!r} is unknown: use pty, tcp or tcp:4000")

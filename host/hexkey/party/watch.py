"""Watch a board without a session: arrivals, rates, trigger, and a gate that may be moved."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from hexkey.board import Board
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.calibration.refresher import Refresher
from hexkey.errors import ConfigurationError, DeviceError
from hexkey.events import DETECTORS
from hexkey.gate import Gate
from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.monitor.snapshot import GateView, MapView, Snapshot
from hexkey.monitor.state import MonitorState
from hexkey.monitor.views import About
from hexkey.party.live_maps import NARROW, RecordedMaps
from hexkey.party.setup import histogram_grid, open_board
from hexkey.randomness import OperatingSystem
from hexkey.receiver import Receiver, new_run_id, stream_facts
from hexkey.record import RecordReader
from hexkey.session.tally import Progress
from hexkey.window import window_in_ticks

READ_S = 0.05
PUBLISH_EVERY_S = 0.125
MAPS_EVERY_S = 1.0
RETRY_S = 1.0
SINGLE_PHOTONS = 0.5  # g² below it: more than half of the light is of one emitter


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What to watch.

    Attributes
    ----------
    port : str
    gate_start_ns, gate_width_ns : float, optional
        The board keeps the gate that it has if neither is given.
    holdoff_pulses : int
    refresh : bool
        Let the tables of the delay lines follow meanwhile.
    control : bool
        Whether commands to change the gate are carried out.
    alice_record : Path, optional
        Alice's record, for maps; without a gate given the board's is then the whole period.
    """

    port: str
    gate_start_ns: float | None = None
    gate_width_ns: float | None = None
    holdoff_pulses: int = 2
    refresh: bool = True
    control: bool = False
    alice_record: Path | None = None


def watch(settings: WatchSettings, hub: Hub, progress: Progress, stop: threading.Event) -> None:
    """Publish snapshots of a board until `stop` is set; wait for a board that is gone.

    Raises
    ------
    ConfigurationError
        The board cannot work with these settings.
    InputError
        Its tables, what it sends, or Alice's record cannot be used.
    """
    if (settings.gate_start_ns is None) != (settings.gate_width_ns is None):
        raise ConfigurationError("--gate-start-ns and --gate-width-ns go together: give both")
    gate: Gate | None = None  # as moved last: a board that comes back has forgotten it
    state = MonitorState(About(settings.port, control=settings.control))
    told = False
    while not stop.is_set():
        watched = _Watched(settings, hub, progress, gate, state.losses)
        try:
            watched.run(stop)
        except DeviceError as error:
            if watched.state is not None:  # it was there meanwhile: a new absence
                state, gate, told = watched.state, watched.gate, False
            hub.take_command()  # nobody moves a gate of a board that is not there
            state.board_gone(str(error))
            hub.publish(state.snapshot())
            if not told:
                progress({"event": "board-gone", "message": str(error)})
                told = True
            stop.wait(RETRY_S)


class _Watched:
    """One connection to the board."""

    def __init__(
        self,
        settings: WatchSettings,
        hub: Hub,
        progress: Progress,
        gate: Gate | None,
        earlier: Mapping[str, int],
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._progress = progress
        self.gate = gate
        self._earlier = earlier
        self.state: MonitorState | None = None  # once the board is set up
        self._maps: RecordedMaps | None = None
        self._shown_maps: MapView | None = None
        self._maps_due = 0.0

    def run(self, stop: threading.Event) -> None:
        with ExitStack() as stack:
            board = stack.enter_context(open_board(self._settings.port, self._progress))
            ident = board.identification
            self._set(board, self.gate or self._first_gate(board))
            run = new_run_id(OperatingSystem())
            protocol: str | None = None
            if self._settings.alice_record is not None:
                record = stack.enter_context(RecordReader(self._settings.alice_record))
                executor = stack.enter_context(ThreadPoolExecutor(1, "maps"))
                self._maps = RecordedMaps(record, ident, run, executor)
                protocol = record.statement.protocol
            whole = Gate(0, ident.period_ticks)  # the board has gated already
            receiver = Receiver(run, (whole,) * DETECTORS, ident.period_ticks)
            refresher = Refresher.of(board, self._progress) if self._settings.refresh else None
            about = About(
                f"{ident.board} at {self._settings.port}",
                protocol=protocol,
                tick_ps=float(ident.tick_ps),
                period_ps=float(ident.period_ticks * ident.tick_ps),
                g2_limit=SINGLE_PHOTONS,
                control=self._settings.control,
            )
            self.state = MonitorState(about, self._shown(board), self._earlier)
            board.arm(run)
            self._progress({"event": "watching", "board": about.board})
            try:
                self._read(board, receiver, refresher, self.state, stop)
            finally:
                if refresher is not None:
                    refresher.save()
            board.stop()

    def _read(
        self,
        board: Board,
        receiver: Receiver,
        refresher: Refresher | None,
        state: MonitorState,
        stop: threading.Event,
    ) -> None:
        due = time.monotonic()
        while not stop.is_set():
            frames = board.frames(READ_S)
            receiver.push(frames)
            if self._maps is not None and self._open(board):
                self._maps.push(frames)
            if refresher is not None:
                refresher.take(frames)
            self._obey(board, state)
            now = time.monotonic()
            if now >= due:
                due = now + PUBLISH_EVERY_S
                state.board(receiver, stream_facts(board.statistics), now)
                self._hub.publish(self._mapped(state.snapshot(), board, receiver, now))
        if refresher is not None:
            refresher.rest()

    def _first_gate(self, board: Board) -> Gate:
        """Return the gate that was given, or the one that the board has."""
        settings, ident = self._settings, board.identification
        if settings.gate_start_ns is not None and settings.gate_width_ns is not None:
            return window_in_ticks(
                settings.gate_start_ns, settings.gate_width_ns, ident.tick_ps, ident.period_ticks
            ).gate
        if settings.alice_record is not None:
            return Gate(0, ident.period_ticks)
        return _read_gate(board)

    def _open(self, board: Board) -> bool:
        return self.gate == Gate(0, board.identification.period_ticks)

    def _mapped(
        self, snapshot: Snapshot, board: Board, receiver: Receiver, now_s: float
    ) -> Snapshot:
        """Add the maps, which are drawn anew less often than the rest."""
        if self._maps is None:
            return snapshot
        if not self._open(board):
            return replace(snapshot, maps=self._shown_maps, message=NARROW)
        if now_s >= self._maps_due:
            self._maps_due = now_s + MAPS_EVERY_S
            self._shown_maps = self._maps.view(receiver)
        said = snapshot.message or self._maps.message
        return replace(snapshot, maps=self._shown_maps, message=said)

    def _obey(self, board: Board, state: MonitorState) -> None:
        """Move the board's gate, if that was asked for; at once, since no block is open."""
        command = self._hub.take_command()
        if command is None or not self._settings.control:
            return
        try:
            self._set(board, nearest_gate(command, board))
        except ConfigurationError as error:
            self._progress({"event": "gate-refused", "message": str(error)})
            state.gate(replace(self._shown(board), refused=str(error)))
            return
        shown = self._shown(board)
        state.gate(shown)
        self._progress({"event": "gate", "start_ps": shown.start_ps, "width_ps": shown.width_ps})

    def _set(self, board: Board, gate: Gate) -> None:
        """Set the board up with a gate, and keep what it says it has."""
        ident = board.identification
        bin_ticks, bins = histogram_grid(ident.period_ticks)
        gated = DetectorSettings(gate.start_ticks, gate.width_ticks)
        board.configure(
            BoardSettings(
                detectors=(gated,) * ident.detectors,
                holdoff_pulses=self._settings.holdoff_pulses,
                g2_pair=(0, min(1, ident.detectors - 1)),
                histogram_bin_ticks=bin_ticks,
                histogram_bins=bins,
            )
        )
        self.gate = _read_gate(board)

    def _shown(self, board: Board) -> GateView:
        assert self.gate is not None
        tick_ps = board.identification.tick_ps
        return GateView(
            float(self.gate.start_ticks * tick_ps), float(self.gate.width_ticks * tick_ps)
        )


def _read_gate(board: Board) -> Gate:
    return Gate(board.read("gate_start_ticks", 0), board.read("gate_width_ticks", 0))


def nearest_gate(command: ChangeGate, board: Board) -> Gate:
    """Return the gate in whole ticks that is nearest to the one asked for, one tick at least."""
    tick_ns = float(board.identification.tick_ps) / 1000
    period = board.identification.period_ticks
    start = round(command.start_ns / tick_ns) % period
    return Gate(start, min(period, max(1, round(command.width_ns / tick_ns))))

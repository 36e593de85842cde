"""g² counted at Alice's source while it runs: a tap, two detectors and a board of her own.

The board counts, ungated and without hold-off, in how many pulses both detectors clicked, and in
how many they did some pulses apart. Nothing is subtracted. Coincidences are compared with those of
the farther half of the lags, so that blinking of up to eight pulses does not flatter the source.

One monitor outlasts the sessions of a process, and with them what it has seen.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Self

import numpy as np

from hexkey.board import Board
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.config import SourceMonitorSettings
from hexkey.errors import DeviceError, HexkeyError
from hexkey.party.setup import open_board, period_in_ticks
from hexkey.randomness import OperatingSystem
from hexkey.receiver import new_run_id
from hexkey.session.source import SourceCounts, judge
from hexkey.session.tally import Progress
from hexkey.window import to_ticks
from hexkey.wire import G2, LAGS, Kind
from hexkey.wire.registers import Mode

READ_S = 0.1
SILENT_S = 10.0  # a board sends g² each second, with or without a trigger
FAR = np.array([abs(lag) > LAGS[-1] // 2 for lag in LAGS])


class Stretch:
    """The counts of the last seconds, out of totals since the run began.

    Once they show a degraded source, what was counted until then is good for nothing more: it
    takes as many seconds again, all of them later, before anything else is concluded. So nobody
    comes to a key by waiting until bad counts are diluted by good ones, nor by connecting anew.

    Parameters
    ----------
    seconds : float
        How long a stretch is looked at.
    pulse_rate_hz : int
    limit : float
        What g² is judged by.
    """

    def __init__(self, seconds: float, pulse_rate_hz: int, limit: float) -> None:
        self._seconds = seconds
        self._rate_hz = pulse_rate_hz
        self._limit = limit
        self._totals: deque[tuple[int, int, int]] = deque([(0, 0, 0)])
        self._degraded_at: int | None = None  # pulses that had been counted by then

    def take(self, found: G2) -> bool:
        """Take new totals; return whether anything was counted since the last ones."""
        if found.pulses <= self._totals[-1][0]:
            return False
        within = int(found.coincidences[-LAGS[0]])
        self._totals.append((found.pulses, within, int(found.coincidences[FAR].sum())))
        while self._seconds_since(self._totals[1][0]) >= self._seconds:
            self._totals.popleft()
        if judge(self._sums(), self._limit).degraded:
            self._degraded_at = found.pulses
        return True

    def counts(self) -> SourceCounts:
        sums, at = self._sums(), self._degraded_at
        if at is None or at == self._totals[-1][0]:
            return sums
        left_s = max(0.0, self._seconds - self._seconds_since(at))
        return replace(sums, needed_s=max(sums.needed_s, left_s))

    def _sums(self) -> SourceCounts:
        (pulses, within, others), last = self._totals[0], self._totals[-1]
        seconds = self._seconds_since(pulses)
        return SourceCounts(
            last[0] - pulses,
            last[1] - within,
            last[2] - others,
            int(FAR.sum()),
            seconds,
            max(0.0, self._seconds - seconds),
        )

    def _seconds_since(self, pulses: int) -> float:
        return (self._totals[-1][0] - pulses) / self._rate_hz


class SourceMonitor:
    """Counts in a thread of its own, for the length of a ``with`` block.

    Raises
    ------
    DeviceError
        There is no board, or it cannot count coincidences.
    """

    def __init__(
        self,
        settings: SourceMonitorSettings,
        pulse_rate_hz: int,
        limit: float,
        progress: Progress,
        on_counts: Callable[[SourceCounts], None],
    ) -> None:
        self._settings = settings
        self._rate_hz = pulse_rate_hz
        self._on_counts = on_counts
        self._progress = progress
        self._stretch = Stretch(settings.seconds, pulse_rate_hz, limit)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._board = open_board(settings.port, progress, baud=settings.baud)
        self._thread = threading.Thread(target=self._read, name="source", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._configure(self._board)
            self._run = new_run_id(OperatingSystem())
            self._board.arm(self._run)
        except BaseException:
            self._board.close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._board.close()

    def counts(self) -> SourceCounts:
        """Return what was counted in the last seconds.

        Raises
        ------
        DeviceError
            The board is gone: what is not counted any more is not known to be good.
        """
        with self._lock:
            error = self._error
            if error is not None:  # Bob is told this, too: not what the cause names of her machine
                raise DeviceError(
                    "Alice's source is not counted any more; her event 'source-lost' says why"
                ) from error
            return self._stretch.counts()

    def wait(self) -> None:
        """Return once enough was counted for a verdict, whatever it is.

        Raises
        ------
        DeviceError
            As `counts`.
        """
        left_s = self.counts().needed_s
        if left_s:
            self._progress({"event": "source-counting", "seconds": left_s})
        while self.counts().needed_s:
            time.sleep(READ_S)

    def _configure(self, board: Board) -> None:
        ident = board.identification
        if not ident.statistics or ident.detectors < 2:
            raise DeviceError(
                f"the board at {board.name} counts no coincidences of two detectors: give "
                "[source_monitor] one that does"
            )
        detectors = tuple(
            DetectorSettings(delay_ticks=to_ticks(delay, ident.tick_ps, "delay_ns"))
            for delay in self._settings.delay_ns
        )
        board.configure(
            BoardSettings(
                detectors=detectors,
                mode=Mode.HISTOGRAM_ONLY,
                period_ticks=period_in_ticks(self._rate_hz, ident),
                trigger_divider=self._settings.trigger_divider,
            )
        )

    def _read(self) -> None:
        counted_s = time.monotonic()
        try:
            while not self._stop.is_set():
                for frame in self._board.frames(READ_S):
                    if frame.header.kind is Kind.G2 and frame.header.run == self._run:
                        counted_s = self._take(G2.decode(frame.body), counted_s)
                if time.monotonic() - counted_s > SILENT_S:
                    raise DeviceError(
                        f"its board counted nothing for {SILENT_S:g} s: check its cable and its "
                        "trigger"
                    )
            self._board.stop()
        except Exception as error:  # told where a block asks for the counts, whatever it is
            with self._lock:
                self._error = error
            why = str(error) if isinstance(error, HexkeyError) else type(error).__name__
            self._progress({"event": "source-lost", "message": why})

    def _take(self, found: G2, counted_s: float) -> float:
        """Take totals and tell of them; return when anything was counted last."""
        with self._lock:
            rose = self._stretch.take(found)
        if not rose:  # without a trigger a board goes on sending what it had
            return counted_s
        self._on_counts(self.counts())
        return time.monotonic()

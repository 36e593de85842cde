"""A live board as an iterable of sifted bits: a thread reads, the session takes."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from hexkey.board import Board
from hexkey.calibration.refresher import Refresher
from hexkey.receiver import Receiver, SiftedChunk
from hexkey.session.tally import Progress

READ_S = 0.05
REPORT_EVERY_S = 0.5


class LiveEvents:
    """Reads a board in a thread of its own, so that a slow peer never makes the board's FIFO fill.

    Iterating yields sifted bits until `seconds` have passed since the board was armed (0: no end)
    or `stop` is set. An error of the board is raised where the session takes its next bits.

    With a refresher the tables of the board's delay lines follow meanwhile; it may be slow, since
    what the board sends is read while it waits for an answer.

    `each` is called in that thread whenever the board was read.
    """

    def __init__(
        self,
        board: Board,
        receiver: Receiver,
        run: int,
        seconds: float,
        progress: Progress,
        stop: threading.Event,
        refresher: Refresher | None = None,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        self._board = board
        self._receiver = receiver
        self._run = run
        self._seconds = seconds
        self._progress = progress
        self._ready: queue.SimpleQueue[SiftedChunk | BaseException | None] = queue.SimpleQueue()
        self._stop = stop
        self._over = threading.Event()  # this run, whatever `stop` says
        self._each = each
        self._refresher = refresher
        self._thread = threading.Thread(target=self._read, name="board", daemon=True)

    def __enter__(self) -> Iterator[SiftedChunk]:
        self._board.arm(self._run)
        self._thread.start()
        return self._chunks()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self._refresher is not None:
            self._refresher.save()

    def end(self) -> None:
        """End the run; what the board still had is yielded before the iteration ends."""
        self._over.set()

    def _chunks(self) -> Iterator[SiftedChunk]:
        while True:
            item = self._ready.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _read(self) -> None:
        began = time.monotonic()
        last_report = began
        try:
            while not (self._stop.is_set() or self._over.is_set()):
                now = time.monotonic()
                if self._seconds and now - began >= self._seconds:
                    break
                frames = self._board.frames(READ_S)
                for chunk in self._receiver.push(frames):
                    self._ready.put(chunk)
                if self._refresher is not None:
                    self._refresher.take(frames)
                self._each()
                if now - last_report >= REPORT_EVERY_S:
                    self._progress(self._status(now - began))
                    last_report = now
            if self._refresher is not None:
                self._refresher.rest()
            self._board.stop()
            # Stopped, the board has sent all that it had: those frames wait, counters last.
            rest = self._receiver.push(self._board.frames(0.0))
            for chunk in rest + self._receiver.finish():
                self._ready.put(chunk)
            self._progress(self._status(time.monotonic() - began))
            self._ready.put(None)
        except BaseException as error:  # carried over to the session's thread, never swallowed
            self._ready.put(error)

    def _status(self, seconds: float) -> dict[str, Any]:
        counts = self._receiver.counts
        return {
            "event": "receiving",
            "seconds": round(seconds, 2),
            "events": counts.events,
            "sifted_bits": counts.sifted_bits,
            "counted": self._receiver.counted,
            "lost_events": counts.board_lost + self._board.statistics.events_missed,
            "tap_ps": None if self._refresher is None else round(self._refresher.tap_ps, 3),
        }

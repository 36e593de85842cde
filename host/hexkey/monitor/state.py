"""A run's state as one value: events, frames and accounts in, snapshots out. It does no I/O.

Two threads feed it: the one that reads the board (`board`, `snapshot`) and the one that distils
(`event`, `accounts`).
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from statistics import median
from typing import Any

from hexkey.errors import HexkeyError
from hexkey.monitor.alarms import OF_A_SESSION, Alarms, View, findings
from hexkey.monitor.arrivals import Arrivals
from hexkey.monitor.rates import Rates
from hexkey.monitor.snapshot import Alarm, BlockView, G2View, GateView, MapView, Snapshot
from hexkey.monitor.views import About, Seen, bad_block, covers, good_block, source_view
from hexkey.receiver import Receiver
from hexkey.session.source import SourceCounts

SHOWN_BLOCKS = 100
FIRST_BLOCK_DUE_S = 600.0
OVERDUE = 5.0  # times as long as blocks took


@dataclass(slots=True)
class _Session:
    """What the events of a session told."""

    label: str | None = None
    blocks: deque[BlockView] = field(default_factory=lambda: deque(maxlen=SHOWN_BLOCKS))
    ok: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    began_s: float | None = None
    block_began_s: float | None = None
    last: BlockView | None = None  # of this session
    durations_s: deque[float] = field(default_factory=lambda: deque(maxlen=SHOWN_BLOCKS))
    skew: str | None = None
    message: str | None = None
    source: G2View | None = None
    source_limit: float = 0.0
    epsilon: float | None = None
    keys: dict[str, int] = field(default_factory=dict)
    tag_keys: int | None = None
    reserve: int = 0


class MonitorState:
    """What is known of a run by now.

    Parameters
    ----------
    about : About
    gate : GateView, optional
    earlier : dict, optional
        Losses by cause, of a connection to the board before this one.
    """

    def __init__(
        self,
        about: About,
        gate: GateView | None = None,
        earlier: Mapping[str, int] | None = None,
    ) -> None:
        self._about = about
        self._lock = threading.Lock()
        self._began_s = time.monotonic()
        self._session = _Session()
        self._gate = gate
        self._maps: MapView | None = None
        self._state = "starting"
        self._ended: str | None = None
        self._rates = Rates()
        self._arrivals = Arrivals(about.period_ps)
        self._alarms = Alarms()
        self._receiver = Seen()
        self._of: Receiver | None = None  # whose that is
        self._earlier = Counter(earlier)  # and of the runs before this one
        self._clicked: tuple[int, ...] = ()  # of each detector, in these

    # ---- what comes in ----------------------------------------------------------------------

    def event(self, event: Mapping[str, Any], now_s: float | None = None) -> None:
        """Take an event of a role's progress; those that mean nothing here are left alone."""
        now_s = time.monotonic() if now_s is None else now_s
        with self._lock:
            self._take(event, now_s)

    def accounts(
        self,
        *,
        epsilon: float | None = None,
        keys: Mapping[str, int] | None = None,
        tag_keys: int | None = None,
        reserve: int = 0,
    ) -> None:
        """Take what the tally and the store say: the epsilon so far, and what is left."""
        with self._lock:
            session = self._session
            session.epsilon = epsilon
            session.keys = dict(keys or {})
            session.tag_keys, session.reserve = tag_keys, reserve

    def board(self, receiver: Receiver, losses: Mapping[str, int], now_s: float) -> None:
        """Take what a receiver has by now; called by the thread that feeds it."""
        with self._lock:
            self._state = "receiving"
            if receiver is not self._of:  # another run, which counts from zero
                self._earlier.update(self._receiver.lost)
                self._clicked = self._totals()
                self._rates = Rates()
                self._of = receiver
            self._receiver = Seen.of(receiver, losses, self._about)
            if receiver.counters is not None:
                self._rates.take(receiver.counters, now_s)
            whole = self._receiver.histogram
            if whole is not None and receiver.histogram is not None and covers(whole):
                self._arrivals.take(receiver.histogram[2])

    def source(self, counts: SourceCounts, limit: float) -> None:
        """Take what was counted at Alice's source, to be judged by `limit`."""
        with self._lock:
            self._session.source_limit = limit
            self._session.source = source_view(counts, limit)

    def gate(self, gate: GateView) -> None:
        """Take the gate as the board has it, and the one that was asked for."""
        with self._lock:
            self._gate = gate

    def maps(self, maps: MapView) -> None:
        """Take the maps as they are now."""
        with self._lock:
            self._maps = maps

    def board_gone(self, why: str) -> None:
        with self._lock:
            self._state, self._session.message = "board gone", why

    def ended(self, error: HexkeyError | None) -> None:
        """Take the end of the run, and what ended it before its time."""
        with self._lock:
            self._state = "ended"
            self._ended = self._session.message = None if error is None else str(error)

    # ---- what goes out ----------------------------------------------------------------------

    @property
    def losses(self) -> dict[str, int]:
        """What was lost by now, by cause: of all runs and connections, so that it never falls."""
        with self._lock:
            return self._losses()

    def _losses(self) -> dict[str, int]:
        seen = {cause: self._earlier[cause] + n for cause, n in self._receiver.losses.items()}
        return {**self._earlier, **seen}

    def _totals(self) -> tuple[int, ...]:
        """Clicks of each detector: one that is blind stays so in the next run."""
        return tuple(map(sum, zip_longest(self._clicked, self._receiver.totals, fillvalue=0)))

    def snapshot(self, now_s: float | None = None) -> Snapshot:
        """Return the run at this moment; `now_s` is of the monotonic clock."""
        now_s = time.monotonic() if now_s is None else now_s
        unix_s = time.time()
        with self._lock:
            view = self._view(now_s, unix_s)
            alarms = self._alarms.update(list(findings(view)), now_s, unix_s)
            return replace(view.snapshot, alarms=alarms)

    def _view(self, now_s: float, unix_s: float) -> View:
        about, session, seen = self._about, self._session, self._receiver
        recent = self._rates.recent(now_s) if self._state == "receiving" else None
        good = [block for block in session.blocks if block.dropped is None]
        span_s = _span(session, good)
        centre = self._arrivals.now
        shown = Snapshot(
            time_unix_s=unix_s,
            state=self._state,
            makes_key=about.block_bits > 0,
            seconds=now_s - self._began_s,
            board=about.board,
            protocol=about.protocol,
            label=session.label,
            message=session.message,
            clicks_hz=recent.clicks_hz if recent else None,
            events_hz=recent.events_hz if recent else None,
            losses=self._losses(),
            trigger={**seen.trigger, "phase_ps": centre.ps if centre else None}
            if seen.trigger and self._state == "receiving"
            else {},  # of a board that is gone nothing is known
            histogram=seen.histogram,
            gate=self._gate,
            blocks=tuple(session.blocks),
            blocks_ok=session.ok,
            blocks_dropped=dict(session.dropped),
            qber=good[-1].qber if good else None,
            qber_abort=about.qber_abort,
            sifted_hz=sum(block.sifted_bits for block in good) / span_s if span_s else None,
            secret_hz=sum(block.secret_bits for block in good) / span_s if span_s else None,
            epsilon=session.epsilon,
            epsilon_limit=about.epsilon_limit,
            g2=tuple(one for one in (session.source, seen.g2) if one is not None),
            keys=session.keys,
            maps=self._maps,
            control=about.control,
        )
        began_s = session.block_began_s
        receiving = self._state == "receiving" or not about.board
        return View(
            shown,
            recent,
            self._totals(),
            seen.stuck,
            about.dead_time_ps,
            self._arrivals.moved_ps,
            session.skew,
            session.tag_keys,
            session.reserve,
            now_s - began_s if began_s is not None and receiving else None,
            _due(session),
            self._ended,
            session.last,
        )

    # ---- events -----------------------------------------------------------------------------

    def _take(self, event: Mapping[str, Any], now_s: float) -> None:
        session = self._session
        match event["event"]:
            case "session":
                session.label = event["label"]
                session.began_s = session.block_began_s = now_s
                session.message = session.skew = session.last = None
                self._alarms.forget(OF_A_SESSION)
                if not self._about.board:
                    self._state = "receiving"
            case "aligned":
                session.block_began_s = now_s
            case "block":
                session.ok += 1
                self._add(good_block(event, now_s - self._began_s), now_s)
            case "dropped":
                session.dropped[event["reason"]] += 1
                self._add(bad_block(event, now_s - self._began_s, self._about.block_bits), now_s)
            case "skew":
                session.skew = event["message"]
            case "failed":
                session.message = event["error"]
            case "epsilon-limit":
                session.message = "the session's epsilon limit is reached"
            case _:
                pass

    def _add(self, block: BlockView, now_s: float) -> None:
        session = self._session
        session.blocks.append(block)
        session.last = block
        if session.block_began_s is not None:
            session.durations_s.append(now_s - session.block_began_s)
        session.block_began_s = now_s


def _span(session: _Session, good: list[BlockView]) -> float | None:
    """Return how long the blocks that are shown took."""
    if not good or not session.durations_s:
        return None
    return sum(session.durations_s)


def _due(session: _Session) -> float | None:
    if session.block_began_s is None:
        return None
    if not session.durations_s:
        return FIRST_BLOCK_DUE_S
    return max(30.0, OVERDUE * median(session.durations_s))


def stopping(alarms: tuple[Alarm, ...], stop: tuple[str, ...]) -> Alarm | None:
    """Return the first critical alarm of those that are set to stop distillation."""
    return next((one for one in alarms if one.name in stop and one.severity == "critical"), None)

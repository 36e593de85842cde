"""What watches a role while it makes key: its state, its alarms, and who asks for another gate."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from hexkey.errors import AlarmError, ConfigurationError
from hexkey.gate import Gate
from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.monitor.snapshot import Alarm, GateView, Snapshot
from hexkey.monitor.state import MonitorState, stopping
from hexkey.party.session_maps import SessionMaps
from hexkey.receiver import Receiver
from hexkey.session.source import SourceCounts
from hexkey.session.tally import Progress, Tally
from hexkey.store import RESERVE, Store
from hexkey.window import Window, checked_window

PUBLISH_EVERY_S = 0.2
LEAST_SESSION_S = 5.0  # before another gate ends it: a dragged gate is one session more, not fifty
RENEWAL_TAGS = 4  # Bob's: two of a handshake, an alignment's, and the one that begins a block
ACCOUNTED = ("session", "aligned", "block", "dropped")


@dataclass(slots=True)
class Watching:
    """Passes events on, keeps the state, and says when an alarm ends distillation.

    Parameters
    ----------
    state : MonitorState
    progress : callable
        Where events go on to.
    stop : tuple of str
        Alarms that end distillation.
    store : Store
        Asked by the session's thread alone.
    hub : Hub, optional
        Where snapshots go, and commands come from.
    maps : SessionMaps, optional
        Where the session has maps.
    """

    state: MonitorState
    progress: Progress
    stop: tuple[str, ...]
    store: Store
    hub: Hub | None = None
    maps: SessionMaps | None = None
    tally: Tally | None = field(default=None, init=False)
    tag_keys: int | None = field(default=None, init=False)  # left to send with, when last asked
    _stopped: Alarm | None = field(default=None, init=False)  # of this session: it may be over
    _alarms: dict[str, Alarm] = field(default_factory=dict, init=False)
    _published_s: float = field(default=0.0, init=False)

    def heard(self, event: dict[str, Any]) -> None:
        """Take an event of the session, and pass it on."""
        self.state.event(event)
        if event["event"] == "session":
            self._stopped = None
        if event["event"] in ACCOUNTED:
            self._account()
        if event["event"] == "source" and self.tally is not None:
            counts = SourceCounts(**{name: event[name] for name in SourceCounts.__slots__})
            self.state.source(counts, self.tally.session.g2_limit)
        self.progress(event)
        if self.hub is None:  # nothing else looks
            self.look()

    def look(self) -> Snapshot:
        """Return the run by now; tell of alarms that came, became critical, and went."""
        shown = self._shown()
        now = {alarm.name: alarm for alarm in shown.alarms}
        for name, alarm in now.items():
            before = self._alarms.get(name)
            if before is None or (before.severity, alarm.severity) == ("warning", "critical"):
                self.progress({"event": "alarm", **asdict(alarm)})
        for name in self._alarms.keys() - now.keys():
            self.progress({"event": "alarm-over", "name": name})
        self._alarms = now
        return shown

    def publish(self) -> None:
        """Look, and show; called often, and does so a few times a second."""
        if time.monotonic() - self._published_s >= PUBLISH_EVERY_S:
            self._published_s = time.monotonic()
            shown = self.look()
            if self.hub is not None:
                self.hub.publish(shown)

    def draw_maps(self, receiver: Receiver) -> None:
        """Draw the maps anew, if there are any and it is time.

        The last ones stay while a new session waits for its first histogram.
        """
        if self.maps is not None and self.maps.due():
            view = self.maps.view(receiver)
            if view is not None:
                self.state.maps(view)

    def check(self) -> None:
        """Raise AlarmError if an alarm that ends distillation was raised in this session.

        It may be over by now: what came while it lasted is in the block at hand.
        """
        self._shown()
        if (alarm := self._stopped) is not None:
            raise AlarmError(alarm.name, f"the alarm {alarm.name!r} ended it: {alarm.message}")

    def _shown(self) -> Snapshot:
        shown = self.state.snapshot()
        found = stopping(shown.alarms, self.stop)
        if found is not None:  # never the other way: two threads look
            self._stopped = found
        return shown

    def _account(self) -> None:
        self.tag_keys = self.store.remaining()[0]
        self.state.accounts(
            epsilon=None if self.tally is None else self.tally.epsilon_total,
            keys=self.store.level(),
            tag_keys=self.tag_keys,
            reserve=RESERVE,
        )


@dataclass(slots=True)
class GateControl:
    """The gate of a session, and the one that somebody asks for.

    A session's window is under its handshake's tags, so another gate is another session: asked for,
    it ends this one, and the next begins on the same connection. Of the gates that are asked for
    before this session has lasted for a while the last one counts, of those that come afterwards
    the last one waits for the next session; it costs tag keys, so it is refused where these run
    out.
    """

    window: Window
    watching: Watching
    allowed: bool = True  # not while a recording is made, which is of one session
    asked: Window | None = field(default=None, init=False)  # has ended this session
    _wanted: Window | None = field(default=None, init=False)
    _refused: str | None = field(default=None, init=False)
    _began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._began_s = time.monotonic()

    def show(self) -> None:
        """Tell the state which gate there is, which was asked for, and why one was refused."""
        asked = None if self._wanted is None else _in_ps(self._wanted)
        self.watching.state.gate(GateView(*_in_ps(self.window), asked, self._refused))

    def poll(self, end: Callable[[], None]) -> None:
        """Take a command if there is one, and call `end` once the session ends for it."""
        hub = self.watching.hub
        if hub is None or self.asked is not None:
            return
        command = hub.take_command()
        if command is not None:
            self._take(command)
        if self._wanted is not None and time.monotonic() - self._began_s >= LEAST_SESSION_S:
            self.asked = self._wanted
            end()

    def _take(self, command: ChangeGate) -> None:
        self._wanted, self._refused = None, None
        tick_ns = float(self.window.tick_ps) / 1000
        gate = Gate(round(command.start_ns / tick_ns), round(command.width_ns / tick_ns))
        try:
            window = checked_window(gate, self.window.tick_ps, self.window.period_ticks)
        except ConfigurationError as error:
            self._refused = str(error)
        else:
            self._refused = self._barred()
            # One that stands would be a session more, and tag keys spent, for nothing.
            if self._refused is None and window != self.window:
                self._wanted = window
                start_ns, width_ns = window.in_ns(gate.start_ticks), window.in_ns(gate.width_ticks)
                asked = {"event": "gate-asked", "start_ns": start_ns, "width_ns": width_ns}
                self.watching.progress(asked)
        if self._refused is not None:
            self.watching.progress({"event": "gate-refused", "message": self._refused})
        self.show()

    def _barred(self) -> str | None:
        """Return why no other gate can be had by now."""
        if not self.allowed:
            return "a recording is of one gate: end it first"
        left = self.watching.tag_keys
        if left is not None and left < RESERVE + RENEWAL_TAGS:
            return f"{left} tag keys are left, {RESERVE} of them kept for settling"
        return None


def _in_ps(window: Window) -> tuple[float, float]:
    gate = window.gate
    return float(gate.start_ticks * window.tick_ps), float(gate.width_ticks * window.tick_ps)

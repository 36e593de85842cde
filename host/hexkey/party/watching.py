"""What watches a role while it makes key: its state, its alarms, and who asks for another gate."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from hexkey.errors import AlarmError, ConfigurationError
from hexkey.monitor.hub import Hub
from hexkey.monitor.snapshot import Alarm, GateView, Snapshot
from hexkey.monitor.state import MonitorState, stopping
from hexkey.party.session_maps import SessionMaps
from hexkey.receiver import Receiver
from hexkey.session.source import SourceCounts
from hexkey.session.tally import Progress, Tally
from hexkey.store import RESERVE, Store
from hexkey.window import Window, window_in_ticks

PUBLISH_EVERY_S = 0.2
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
    _alarms: dict[str, Alarm] = field(default_factory=dict, init=False)
    _published_s: float = field(default=0.0, init=False)

    def heard(self, event: dict[str, Any]) -> None:
        """Take an event of the session, and pass it on."""
        self.state.event(event)
        if event["event"] in ACCOUNTED:
            self._account()
        if event["event"] == "source" and self.tally is not None:
            counts = SourceCounts(**{name: event[name] for name in SourceCounts.__slots__})
            self.state.source(counts, self.tally.session.g2_limit)
        self.progress(event)

    def look(self) -> Snapshot:
        """Return the run by now; tell of alarms that came and went."""
        shown = self.state.snapshot()
        now = {alarm.name: alarm for alarm in shown.alarms}
        for name in now.keys() - self._alarms.keys():
            self.progress({"event": "alarm", **asdict(now[name])})
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
        """Raise AlarmError if an alarm is raised that ends distillation."""
        alarm = stopping(self.state.snapshot().alarms, self.stop)
        if alarm is not None:
            raise AlarmError(alarm.name, f"the alarm {alarm.name!r} ended it: {alarm.message}")

    def _account(self) -> None:
        self.state.accounts(
            epsilon=None if self.tally is None else self.tally.epsilon_total,
            keys=self.store.level(),
            tag_keys=self.store.remaining()[0],
            reserve=RESERVE,
        )


@dataclass(slots=True)
class GateControl:
    """The gate of a session, and the one that somebody asks for.

    A session's window is under its handshake's tags, so another gate is another session: asked for,
    it ends this one, and the next begins on the same connection.
    """

    window: Window
    watching: Watching
    allowed: bool = True  # not while a recording is made, which is of one session
    asked: Window | None = field(default=None, init=False)

    def show(self) -> None:
        """Tell the state which gate there is."""
        asked = None if self.asked is None else _in_ps(self.asked)
        self.watching.state.gate(GateView(*_in_ps(self.window), asked))

    def poll(self, end: Callable[[], None]) -> None:
        """Take a command if there is one, and then call `end`."""
        hub = self.watching.hub
        command = hub.take_command() if hub is not None else None
        if command is None or self.asked is not None or not self.allowed:
            return
        tick_ps, period = self.window.tick_ps, self.window.period_ticks
        start, width = (
            float(round(1000 * value / float(tick_ps)) * tick_ps / 1000)
            for value in (command.start_ns, command.width_ns)
        )
        try:
            window = window_in_ticks(start, width, tick_ps, period)
        except ConfigurationError as error:
            self.watching.progress({"event": "gate-refused", "message": str(error)})
            return
        if window == self.window:
            return  # it stands: a session more would spend authentication keys for nothing
        self.asked = window
        self.show()
        self.watching.progress({"event": "gate-asked", "start_ns": start, "width_ns": width})
        end()


def _in_ps(window: Window) -> tuple[float, float]:
    gate = window.gate
    return float(gate.start_ticks * window.tick_ps), float(gate.width_ticks * window.tick_ps)

"""Runs to be watched: frames of a board that a test makes up, and events of a session."""

from dataclasses import replace
from typing import Any

import numpy as np

from hexkey.gate import Gate
from hexkey.monitor.state import MonitorState
from hexkey.monitor.views import About
from hexkey.receiver import Receiver
from hexkey.wire import G2, LAGS, Counters, Frame, Header, Histogram, Kind, Status

PERIOD_PS, TICK_PS, BINS = 25_000.0, 10.0, 250
ABOUT = About(
    "bench", "bb84", TICK_PS, PERIOD_PS, 24_000.0, 0.11, 1e-6, 4_000, g2_limit=0.5, control=True
)
QUIET = Counters(*[0] * 12)
LOCKED = Status(0, 0, trigger_locked=True, running=True)


class Bench:
    """A receiver and the state of its run, on a clock that the test moves."""

    LOOK_S = 0.125

    def __init__(self, about: About = ABOUT) -> None:
        self.state = MonitorState(about)
        self.receiver = Receiver(1, (Gate(50, 1000),) * 4, 2_500)
        self.now_s = 1_000.0
        self.counters = QUIET
        self._sequence = 0

    def frame(self, kind: Kind, body: bytes) -> None:
        self._sequence += 1
        self.receiver.push([Frame(Header(kind, 0, 0, 1, 0, self._sequence, 0, 0), body)])

    def pass_time(
        self, seconds: float = 1.0, clicks: tuple[int, ...] = (5_000,) * 4, **counts: int
    ) -> None:
        """Let the board count on, and the state look."""
        old = self.counters
        clicked = {f"clicks_{i}": old.clicks[i] + clicks[i] for i in range(4)}
        added = {name: getattr(old, name) + count for name, count in counts.items()}
        self.counters = replace(old, **clicked, **added, events=old.events + sum(clicks) // 2)
        self.now_s += seconds
        self.frame(Kind.COUNTERS, self.counters.encode())
        self.frame(Kind.STATUS, LOCKED.encode())
        self.look()

    def status(self, **flags: Any) -> None:
        self.frame(Kind.STATUS, replace(LOCKED, **flags).encode())
        self.now_s += 0.5
        self.look()

    def arrive(self, centre_ps: float, clicks: int = 20_000, seed: int = 1) -> None:
        """Let clicks arrive about a time after the trigger, in every detector alike."""
        rng = np.random.default_rng(seed)
        for detector in range(4):
            times = (centre_ps + 300 * rng.standard_normal(clicks // 4)) % PERIOD_PS
            counts = np.histogram(times, BINS, (0, PERIOD_PS))[0].astype(np.uint32)
            self.frame(Kind.HISTOGRAM, Histogram(detector, 0, 10, counts).encode())
        self.look()

    def coincide(self, within: int, beside: int) -> None:
        counts = np.full(len(LAGS), beside, np.uint64)
        counts[-LAGS[0]] = within
        self.frame(Kind.G2, G2(0, 2, 40_000_000, counts).encode())
        self.look()

    def look(self) -> None:
        self.state.board(self.receiver, {"events_missed": 0}, self.now_s)

    def look_on(self, seconds: float, name: str) -> list[bool]:
        """Let time pass with nothing new; return whether an alarm stood, look by look."""
        stood = []
        for _ in range(round(seconds / self.LOOK_S)):
            stood.append(name in self.raised())
            self.now_s += self.LOOK_S
        return stood

    def renew(self) -> None:
        """Begin another run, as another gate does: its receiver and the board count from zero."""
        self.receiver = Receiver(1, (Gate(100, 600),) * 4, 2_500)
        self.counters = QUIET

    def reconnect(self) -> None:
        """Let the board go and come back: another state, which knows what was lost before."""
        self.state = MonitorState(ABOUT, earlier=self.state.losses)
        self.renew()

    def raised(self) -> dict[str, str]:
        """The alarms of this moment: name and severity."""
        return {one.name: one.severity for one in self.state.snapshot(self.now_s).alarms}

    def message(self, name: str) -> str:
        alarms = {one.name: one.message for one in self.state.snapshot(self.now_s).alarms}
        return alarms[name]


def block(number: int = 0, **said: Any) -> dict[str, Any]:
    """A block that made a key."""
    disclosed = {"offset": 0, "estimate": 200, "reconcile": 900, "verify": 60}
    return {
        **{"event": "block", "block": number, "sifted_bits": 4_000, "qber": 0.03},
        **{"disclosed_bits": disclosed, "secret_bits": 1_500, "refill_bits": 512, **said},
    }


def dropped(number: int = 0, reason: str = "qber", qber: float | None = 0.2) -> dict[str, Any]:
    return {"event": "dropped", "block": number, "reason": reason, "message": "", "qber": qber}

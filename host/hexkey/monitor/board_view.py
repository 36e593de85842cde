"""What a board without a session shows: rates, arrivals, losses, trigger and g² as a snapshot.

Pure of I/O; sums over detectors only.
"""

import math
from collections import deque
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.measure.g2_counts import g2_band, seconds_until
from hexkey.monitor.snapshot import Alarm, G2View, GateView, Histogram, Snapshot
from hexkey.receiver import Receiver
from hexkey.wire import LAGS, Status, StreamStatistics

RATE_S = 2.0  # rates are of this long: steady to three digits at usual rates, and still lively
CENTRE_S = 5.0
SINGLE_PHOTONS = 0.5  # below it more than half of the light is of one emitter
CONFIDENCE = 0.95
SIGMAS = 5.0  # a direction that chance makes once in 10^6 looks


class BoardView:
    """A run of one board as it goes on.

    Parameters
    ----------
    board : str
        What it calls itself, and its port.
    receiver : Receiver
        Gets the run's frames; asked for its sums alone.
    tick_ps : Fraction
    period_ticks : int
    began_s : float
        Of the monotonic clock.
    """

    def __init__(
        self, board: str, receiver: Receiver, tick_ps: Fraction, period_ticks: int, began_s: float
    ) -> None:
        self._board = board
        self._receiver = receiver
        self._tick_ps = tick_ps
        self._period_ticks = period_ticks
        self._began_s = began_s
        self._totals: deque[tuple[float, int, int]] = deque()
        self._arrivals: deque[tuple[float, NDArray[np.int64]]] = deque()
        self._unlocked_since: float | None = None

    def snapshot(
        self,
        now_s: float,
        unix_s: float,
        link: StreamStatistics,
        gate: GateView,
        *,
        control: bool,
        message: str | None = None,
    ) -> Snapshot:
        """Return what is to be seen `now_s` of the monotonic clock, `unix_s` of the wall clock."""
        clicks_hz, events_hz = self._rates(now_s)
        status = self._receiver.status
        return Snapshot(
            time_unix_s=unix_s,
            state="receiving",
            makes_key=False,
            seconds=now_s - self._began_s,
            board=self._board,
            message=message,
            clicks_hz=clicks_hz,
            events_hz=events_hz,
            losses=self._losses(link),
            trigger=self._trigger(status, now_s),
            histogram=self._histogram(),
            gate=gate,
            g2=self._g2(now_s - self._began_s),
            alarms=self._alarms(status, unix_s),
            control=control,
        )

    def _rates(self, now_s: float) -> tuple[float | None, float | None]:
        counters = self._receiver.counters
        if counters is None:
            return None, None
        # The board counts since the run began, so that lost frames do not lower a rate.
        self._totals.append((now_s, sum(counters.clicks), counters.events))
        while self._totals[0][0] < now_s - RATE_S:
            self._totals.popleft()
        then_s, clicks, events = self._totals[0]
        if now_s <= then_s:
            return None, None
        last = self._totals[-1]
        return (last[1] - clicks) / (now_s - then_s), (last[2] - events) / (now_s - then_s)

    def _losses(self, link: StreamStatistics) -> dict[str, int]:
        counts, counters = self._receiver.counts, self._receiver.counters
        losses = {
            "frames_missed": link.frames_missed,
            "events_missed": link.events_missed,
            "bad_frames": link.bad_frames,
            "board_lost": counts.board_lost,
            "trigger_losses": counts.trigger_losses,
        }
        if counters is not None:
            for name in ("outside_gate", "ignored_holdoff", "repeats", "double_pulses"):
                losses[name] = getattr(counters, name)
        return losses

    def _trigger(self, status: Status | None, now_s: float) -> dict[str, object]:
        if status is None:
            return {}
        return {
            "locked": status.trigger_locked,
            "holdover": status.holdover,
            "no_trigger": status.no_trigger,
            "off_period": status.off_period,
            "phase_ps": self._centre_ps(now_s),
        }

    def _centre_ps(self, now_s: float) -> float | None:
        found = self._receiver.histogram
        if found is None:
            return None
        offset, width, counts = found
        self._arrivals.append((now_s, counts))
        while self._arrivals[0][0] < now_s - CENTRE_S:
            self._arrivals.popleft()
        earlier = self._arrivals[0][1]
        recent = counts - earlier if earlier.shape == counts.shape else counts
        turn = centre_of(recent if recent.any() else counts)
        if turn is None:
            return None
        reach_ps = float(width * len(counts) * self._tick_ps)
        return float(offset * self._tick_ps) + turn * reach_ps

    def _histogram(self) -> Histogram | None:
        found = self._receiver.histogram
        if found is None:
            return None
        offset, width, counts = found
        return Histogram(
            float(offset * self._tick_ps),
            float(width * self._tick_ps),
            float(self._period_ticks * self._tick_ps),
            counts.tolist(),
        )

    def _g2(self, seconds: float) -> tuple[G2View, ...]:
        """Return g² of the board's own pair of detectors: a diagnostic, part of no bound."""
        g2 = self._receiver.g2
        if g2 is None:
            return ()
        within = int(g2.coincidences[-LAGS[0]])
        others, lags = int(g2.coincidences.sum()) - within, len(LAGS) - 1
        band = g2_band(within, others, lags, CONFIDENCE)
        needed = seconds_until(
            within, others, lags, seconds, confidence=CONFIDENCE, threshold=SINGLE_PHOTONS
        )
        verdict = "waiting"
        if band.high < SINGLE_PHOTONS:
            verdict = "single photons"
        elif band.low > SINGLE_PHOTONS:
            verdict = "degraded"
        value, high = (_finite(number) for number in (band.value, band.high))
        return (G2View("bob", value, band.low, high, within, needed, verdict),)

    def _alarms(self, status: Status | None, unix_s: float) -> tuple[Alarm, ...]:
        """Return the trigger's alarm: without it no click belongs to a pulse."""
        if status is None or (status.trigger_locked and not status.holdover):
            self._unlocked_since = None
            return ()
        if self._unlocked_since is None:
            self._unlocked_since = unix_s
        what = "the trigger is missing" if status.no_trigger else "the trigger is not locked"
        if status.off_period:
            what = "the trigger is not of the period that was configured"
        message = f"{what}: check its cable, its level and the source's repetition rate"
        severity = "warning" if status.holdover else "critical"
        return (Alarm("trigger", severity, self._unlocked_since, message),)


def board_gone(
    port: str, why: str, unix_s: float, since_unix_s: float, last: Snapshot | None, *, control: bool
) -> Snapshot:
    """Return what is shown while a board does not answer: the alarm, and what was seen last."""
    alarm = Alarm("board", "critical", since_unix_s, f"{why}; hexkey tries again each second")
    return Snapshot(
        time_unix_s=unix_s,
        state="board gone",
        makes_key=False,
        seconds=last.seconds if last else 0.0,
        board=last.board if last else port,
        message="waiting for the board",
        losses=last.losses if last else {},
        histogram=last.histogram if last else None,
        gate=last.gate if last else None,
        alarms=(alarm,),
        control=control,
    )


def centre_of(counts: NDArray[np.int64]) -> float | None:
    """Return the circular mean of arrivals as a share of the period, 0 to 1.

    It heeds neither a constant background nor where the period begins. None where chance alone
    could make it.

    Parameters
    ----------
    counts : (bins,) int64
        Over a whole period.
    """
    phases = 2 * np.pi * (np.arange(len(counts)) + 0.5) / len(counts)
    vector = complex(np.sum(counts * np.exp(1j * phases)))
    if abs(vector) < SIGMAS * math.sqrt(max(1, int(counts.sum()))):
        return None
    return math.atan2(vector.imag, vector.real) / (2 * math.pi) % 1.0


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None

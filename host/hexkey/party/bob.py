"""Bob as a process: the board on one side, Alice on the other."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, cast

from hexkey import conditions
from hexkey.authenticate import KEY_BITS
from hexkey.board import Board
from hexkey.calibration.refresher import Refresher
from hexkey.conditions import BobFacts, unmet
from hexkey.config import BobSettings
from hexkey.errors import ConfigurationError, HexkeyError
from hexkey.events import DETECTORS
from hexkey.live import LiveEvents
from hexkey.monitor.hub import Hub
from hexkey.monitor.state import MonitorState
from hexkey.monitor.views import About
from hexkey.party.session_maps import SessionMaps
from hexkey.party.setup import configure, open_board, settings_for
from hexkey.party.skew_watch import skew_facts, watched
from hexkey.party.watching import GateControl, Watching
from hexkey.randomness import Randomness, Witnessed, choose_randomness
from hexkey.receiver import Receiver, new_run_id, stream_facts
from hexkey.recording import RecordingWriter, describe_run, describe_session
from hexkey.rule import B92Rule, Bb84Rule, Rule
from hexkey.session.bob import Bob, MapFeed
from hexkey.session.channel import SocketChannel, connect
from hexkey.session.conversation import BOB, LiveConversation
from hexkey.session.handshake import bob_handshake
from hexkey.session.parameters import BobStatement
from hexkey.session.tally import Progress, Tally, what_keys_are
from hexkey.sift_bb84 import DoubleClicks
from hexkey.store import Store
from hexkey.window import Window


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session's report, and what ended it before its time, if anything did."""

    report: dict[str, Any]
    ended_by: HexkeyError | None


def run(
    settings: BobSettings, progress: Progress, stop: threading.Event, hub: Hub | None = None
) -> Outcome:
    """Run Bob's side; `stop` ends it after the block at hand.

    Snapshots go to `hub`, which a page can be served from, and commands come from it.

    Raises
    ------
    HexkeyError
        No session was opened: there is nothing to report.
    """
    randomness = choose_randomness(settings.seed, settings.random_device)
    recording = RecordingWriter(settings.recording) if settings.recording else None
    try:
        outcome = _run(settings, randomness, recording, progress, stop, hub or Hub())
    except BaseException:
        if recording:
            recording.close()
        raise
    if recording:
        recording.close(None if outcome.ended_by else outcome.report)
    return outcome


def _run(
    settings: BobSettings,
    randomness: Randomness,
    recording: RecordingWriter | None,
    progress: Progress,
    stop: threading.Event,
    hub: Hub,
) -> Outcome:
    with (
        Store.open(settings.store) as store,
        open_board(
            settings.port,
            progress,
            baud=settings.baud,
            on_bytes=recording.wire if recording else None,
        ) as board,
    ):
        if store.role != "bob":
            raise ConfigurationError(f"{settings.store} is Alice's store: give Bob his own")
        if settings.session.protocol == "bb84" and board.identification.detectors < DETECTORS:
            raise ConfigurationError(
                f"bb84 takes {DETECTORS} detectors, and the board has "
                f"{board.identification.detectors}"
            )
        window = configure(board, settings)
        refresher = Refresher.of(board, progress) if settings.refresh_tables else None
        maps = None
        if settings.session.maps:
            maps = SessionMaps(window.tick_ps, window.period_ticks, settings.session)
        with served(settings, hub, progress), connect(settings.peer) as channel:
            watching = Watching(
                MonitorState(_about(settings, board, window)),
                progress,
                settings.alarms.stop,
                store,
                hub,
                maps,
            )
            setting = Setting(
                settings, board, store, channel, watching, randomness, recording, refresher
            )
            return _sessions(setting, window, stop)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the sessions of a run have in common."""

    settings: BobSettings
    board: Board
    store: Store
    channel: SocketChannel
    watching: Watching
    randomness: Randomness
    recording: RecordingWriter | None
    refresher: Refresher | None


def _sessions(setting: Setting, window: Window, stop: threading.Event) -> Outcome:
    """Run one session, and another for each gate that is asked for meanwhile."""
    settings, watching = setting.settings, setting.watching
    began, epsilon, earlier = time.monotonic(), 0.0, list[dict[str, Any]]()
    while True:
        left_s = max(settings.seconds - (time.monotonic() - began), 1e-3)
        control = GateControl(window, watching, setting.recording is None)
        control.show()
        try:
            if earlier:
                gate = settings_for(settings, setting.board.identification, window)
                setting.board.configure(gate)
            outcome, tally, renewed = _session(
                setting, control, left_s if settings.seconds else 0.0, epsilon, stop
            )
        except HexkeyError as error:  # it did not open; what the ones before made is reported
            if not earlier:
                raise
            outcome, renewed = Outcome({**earlier.pop(), "ended": str(error)}, error), False
        if not renewed or control.asked is None:
            watching.state.ended(outcome.ended_by)
            watching.look()
            if earlier:
                outcome.report["renewed"] = earlier
            return outcome
        earlier.append(outcome.report)
        watching.progress({"event": "renewed", "report": outcome.report})
        window = control.asked
        epsilon = tally.epsilon_total


def _session(
    setting: Setting,
    control: GateControl,
    seconds: float,
    epsilon_before: float,
    stop: threading.Event,
) -> tuple[Outcome, Tally, bool]:
    """Run one session with the gate that the board has.

    Its run id is its own: what the board still sends of an earlier run, and of another gate, is
    left alone.

    Returns
    -------
    outcome, tally
    renewed : bool
        Whether Alice was told that another session follows.
    """
    settings, board, store = setting.settings, setting.board, setting.store
    randomness, recording, watching = setting.randomness, setting.recording, setting.watching
    bb84, window = settings.session.protocol == "bb84", control.window
    run_id = new_run_id(randomness)
    statement = BobStatement(
        run_id,
        str(window.tick_ps),
        window.gate.start_ticks,
        window.gate.width_ticks,
        settings.holdoff_pulses,
        demonstration_reasons(settings, board.identification.simulated, randomness),
        settings.key_basis_probability if bb84 else 0.0,
    )
    drawn = Witnessed(randomness, recording.drawn) if recording else randomness
    rule = rule_of(settings, drawn)
    receiver = Receiver(run_id, (window.gate,) * DETECTORS, window.period_ticks, rule)
    talk = LiveConversation(setting.channel, store, BOB, recording.message if recording else None)
    greeting = bob_handshake(talk, store, settings.session, statement, randomness.bytes(16))
    session = greeting.session
    if recording:
        recording.meta(
            {
                **describe_run(run_id, window, settings.bit_of_detector),
                **describe_session(session, settings.double_clicks),
            }
        )
    tally = Tally(
        session, auth_bits_used=KEY_BITS * talk.auth_keys_used, epsilon_before=epsilon_before
    )
    watching.tally = tally
    watching.heard(
        {
            "event": "session",
            "settled": greeting.settled,
            "run": run_id,
            **what_keys_are(session),
        }
    )

    def each() -> None:
        watching.state.board(receiver, stream_facts(board.statistics), time.monotonic())
        watching.draw_maps(receiver)
        watching.publish()
        control.poll(events.end)

    events = LiveEvents(
        board, receiver, run_id, seconds, watching.progress, stop, setting.refresher, each
    )
    feed: MapFeed | None = None
    if (maps := watching.maps) is not None:
        feed = MapFeed(drawn, lambda clicks: maps.add(clicks, session.bb84))
    ended_by: HexkeyError | None = None
    renewed = False
    try:
        with events as chunks:
            seen = watched(chunks, receiver, window.tick_ps, watching.heard, secret=session.secret)
            renewed = Bob(
                talk,
                session,
                store,
                tally,
                watching.heard,
                watching.check,
                lambda: control.asked is not None and not stop.is_set(),
                feed,
            ).run(seen)
    except HexkeyError as error:
        ended_by = error
    report = {
        **tally.report({**receiver.facts(), **stream_facts(board.statistics)}),
        "ended": None if ended_by is None else str(ended_by),
        "window": asdict(window.gate) | {"tick_ps": str(window.tick_ps)},
        "period_ticks": window.period_ticks,
        "histogram": receiver.histogram_facts(),
        "g2": receiver.g2_facts(),
        "skew": skew_facts(receiver.skews(window.tick_ps)),
        "calibration": setting.refresher.facts() if setting.refresher else None,
        "mismatch": _mismatch(settings) if bb84 else None,
    }
    return Outcome(report, ended_by), tally, renewed


def _about(settings: BobSettings, board: Board, window: Window) -> About:
    parameters = settings.session
    return About(
        board.identification.board,
        parameters.protocol,
        float(window.tick_ps),
        float(window.period_ticks * window.tick_ps),
        1000 * settings.dead_time_ns,
        parameters.qber_abort,
        parameters.epsilon_limit,
        parameters.block_bits,
        settings.alarms.g2_limit,
        bool(settings.control),
    )


@contextmanager
def served(settings: BobSettings, hub: Hub, progress: Progress) -> Iterator[None]:
    """Serve the page, if the settings say so; it ends with the run."""
    if not settings.monitor:
        yield
        return
    from hexkey.monitor import serve  # only now are their libraries needed
    from hexkey.monitor.metrics import metrics_text

    token, control = settings.monitor_token or None, bool(settings.control)
    with serve(hub, settings.monitor, token, control, metrics_text) as address:
        progress({"event": "monitor", "address": address})
        yield


def rule_of(settings: BobSettings, randomness: Randomness) -> Rule:
    """Return what clicks mean with these settings; `randomness` gives bits for double clicks."""
    if settings.session.protocol == "bb84":
        rule = cast(DoubleClicks, settings.double_clicks)
        return Bb84Rule(randomness, rule, places=bool(settings.session.maps))
    return B92Rule(settings.bit_of_detector, places=bool(settings.session.maps))


def _facts(settings: BobSettings, simulated: bool, randomness: Randomness) -> BobFacts:
    return BobFacts(
        simulated,
        randomness.reason_for_demonstration,
        settings.untrusted_transmission,
        settings.double_clicks,
        settings.holdoff_pulses * 1e12 / settings.session.pulse_rate_hz,
        1000 * settings.dead_time_ns,
        settings.efficiency_ratio,
        settings.efficiency_ratio_limit,
    )


def _mismatch(settings: BobSettings) -> dict[str, Any]:
    """Return how far the configured efficiencies are from equal: nothing of the clicks."""
    ratio = settings.efficiency_ratio
    return {
        "efficiency_ratio": ratio if ratio is None or isfinite(ratio) else "infinite",
        "limit": settings.efficiency_ratio_limit,
    }


def demonstration_reasons(
    settings: BobSettings, simulated: bool, randomness: Randomness
) -> tuple[str, ...]:
    """Why keys made on Bob's side are demonstrations; empty if nothing there forbids secrets."""
    return unmet(settings.session.protocol, conditions.BOB, _facts(settings, simulated, randomness))

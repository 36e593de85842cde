"""Bob as a process: the board on one side, Alice on the other."""

import threading
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, cast

from hexkey import conditions
from hexkey.authenticate import KEY_BITS
from hexkey.calibration.refresher import Refresher
from hexkey.conditions import BobFacts, unmet
from hexkey.config import BobSettings
from hexkey.errors import ConfigurationError, HexkeyError
from hexkey.events import DETECTORS
from hexkey.live import LiveEvents
from hexkey.party.setup import configure, open_board
from hexkey.party.skew_watch import skew_facts, watched
from hexkey.randomness import Randomness, Witnessed, choose_randomness
from hexkey.receiver import Receiver, new_run_id, stream_facts
from hexkey.recording import RecordingWriter, describe_run, describe_session
from hexkey.rule import B92Rule, Bb84Rule, Rule
from hexkey.session.bob import Bob
from hexkey.session.channel import connect
from hexkey.session.conversation import BOB, LiveConversation
from hexkey.session.handshake import bob_handshake
from hexkey.session.parameters import BobStatement
from hexkey.session.tally import Progress, Tally, what_keys_are
from hexkey.sift_bb84 import DoubleClicks
from hexkey.store import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session's report, and what ended it before its time, if anything did."""

    report: dict[str, Any]
    ended_by: HexkeyError | None


def run(settings: BobSettings, progress: Progress, stop: threading.Event) -> Outcome:
    """Run one session of Bob's; `stop` ends it after the block at hand.

    Raises
    ------
    HexkeyError
        No session was opened: there is nothing to report.
    """
    randomness = choose_randomness(settings.seed, settings.random_device)
    recording = RecordingWriter(settings.recording) if settings.recording else None
    try:
        outcome = _run(settings, randomness, recording, progress, stop)
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
) -> Outcome:
    bb84 = settings.session.protocol == "bb84"
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
        if bb84 and board.identification.detectors < DETECTORS:
            raise ConfigurationError(
                f"bb84 takes {DETECTORS} detectors, and the board has "
                f"{board.identification.detectors}"
            )
        window = configure(board, settings)
        refresher = Refresher.of(board, progress) if settings.refresh_tables else None
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
        with connect(settings.peer) as channel:
            witness = recording.message if recording else None
            talk = LiveConversation(channel, store, BOB, witness)
            greeting = bob_handshake(talk, store, settings.session, statement, randomness.bytes(16))
            session = greeting.session
            if recording:
                recording.meta(
                    {
                        **describe_run(run_id, window, settings.bit_of_detector),
                        **describe_session(session, settings.double_clicks),
                    }
                )
            progress(
                {
                    "event": "session",
                    "settled": greeting.settled,
                    "run": run_id,
                    **what_keys_are(session),
                }
            )
            tally = Tally(session, auth_bits_used=KEY_BITS * talk.auth_keys_used)
            ended_by: HexkeyError | None = None
            try:
                with LiveEvents(
                    board, receiver, run_id, settings.seconds, progress, stop, refresher
                ) as chunks:
                    seen = watched(
                        chunks, receiver, window.tick_ps, progress, secret=session.secret
                    )
                    Bob(talk, session, store, tally, progress).run(seen)
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
            "calibration": refresher.facts() if refresher else None,
            "mismatch": _mismatch(settings) if bb84 else None,
        }
        return Outcome(report, ended_by)


def rule_of(settings: BobSettings, randomness: Randomness) -> Rule:
    """Return what clicks mean with these settings; `randomness` gives bits for double clicks."""
    if settings.session.protocol == "bb84":
        return Bb84Rule(randomness, cast(DoubleClicks, settings.double_clicks))
    return B92Rule(settings.bit_of_detector)


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

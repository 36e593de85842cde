"""Alice as a process: listens, and serves one session after another."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from hexkey.authenticate import KEY_BITS
from hexkey.claims import RecordClaims
from hexkey.conditions import ALICE, AliceFacts, unmet
from hexkey.config import AliceSettings, SourceSettings
from hexkey.errors import (
    AuthenticationError,
    ChannelError,
    ConfigurationError,
    HexkeyError,
)
from hexkey.monitor.state import MonitorState
from hexkey.monitor.views import About
from hexkey.party.source_monitor import SourceMonitor
from hexkey.party.watching import Watching
from hexkey.randomness import Randomness, choose_randomness
from hexkey.record import RecordReader
from hexkey.session import conversation
from hexkey.session.alice import Alice
from hexkey.session.channel import SocketChannel, listen
from hexkey.session.conversation import LiveConversation
from hexkey.session.handshake import alice_handshake
from hexkey.session.messages import Type
from hexkey.session.parameters import AliceStatement, SessionParameters
from hexkey.session.source import SourceCounts
from hexkey.session.tally import Progress, Tally, what_keys_are
from hexkey.store import Store

REFUSAL_TIMEOUT_S = 5.0


def serve(settings: AliceSettings, progress: Progress) -> list[dict[str, Any]]:
    """Serve sessions until the number asked for is done; return their reports.

    Raises
    ------
    HexkeyError
        The last session that was asked for failed; earlier failures go to `progress` as events
        ``failed`` and the next peer is awaited.
    """
    randomness = choose_randomness(settings.seed, settings.random_device)
    reports = []
    with (
        Store.open(settings.store) as store,
        RecordReader(settings.alice_record) as record,
        _watched(settings, store, progress) as watch,
        _listening(settings, store, record, watch) as server,
    ):
        host, port = server.getsockname()[:2]
        progress({"event": "listening", "address": f"{host}:{port}"})
        served = 0
        while settings.sessions == 0 or served < settings.sessions:
            connected, peer = server.accept()
            served += 1
            try:
                reports.append(_session(connected, store, record, randomness, settings, watch))
            except HexkeyError as error:
                progress({"event": "failed", "peer": str(peer[0]), "error": str(error)})
                if served == settings.sessions:
                    raise
    return reports


def _listening(
    settings: AliceSettings, store: Store, record: RecordReader, watch: "Watch"
) -> socket.socket:
    """Listen once everything is there: settings that fit, and a verdict on the source."""
    if store.role != "alice":
        raise ConfigurationError(f"{settings.store} is Bob's store: give Alice her own")
    check_protocol(record, settings.session)
    if watch.source is not None:
        watch.source.wait()
    return listen(settings.listen)


@dataclass(frozen=True, slots=True)
class Watch:
    """What watches Alice's side."""

    watching: Watching
    source: SourceMonitor | None

    @property
    def progress(self) -> Progress:
        return self.watching.progress


@contextmanager
def _watched(settings: AliceSettings, store: Store, progress: Progress) -> Iterator[Watch]:
    """Keep Alice's state, and count at her source, if the settings say so."""
    parameters = settings.session
    about = About(
        "",
        parameters.protocol,
        qber_abort=parameters.qber_abort,
        epsilon_limit=parameters.epsilon_limit,
        block_bits=parameters.block_bits,
    )
    watching = Watching(MonitorState(about), progress, settings.alarms.stop, store)
    if not settings.source_monitor.port:
        yield Watch(watching, None)
        return

    limit = settings.g2_limit

    def counted(counts: SourceCounts) -> None:
        watching.state.source(counts, limit)
        watching.look()

    rate_hz = parameters.pulse_rate_hz
    with SourceMonitor(settings.source_monitor, rate_hz, limit, progress, counted) as source:
        yield Watch(watching, source)


def _session(
    connected: socket.socket,
    store: Store,
    record: RecordReader,
    randomness: Randomness,
    settings: AliceSettings,
    watch: "Watch",
) -> dict[str, Any]:
    with SocketChannel(connected) as channel:
        wait_s = store.seconds_until_next_attempt()
        if wait_s > 0:
            sentence = f"too many attempts failed; try again in {wait_s:.0f} s"
            for _ in ("HELLO", "TAG"):  # heard out, so that closing does not cut off the answer
                channel.receive(REFUSAL_TIMEOUT_S)
            channel.send(Type.REFUSE, sentence.encode())
            raise ChannelError(f"a peer was refused: {sentence}")
        epsilon, renewed = 0.0, True
        while renewed:  # Bob's gate may change: that ends a session and begins another
            tally, renewed = _distil(channel, store, record, randomness, settings, watch, epsilon)
            epsilon = tally.epsilon_total
            report = tally.report({})
            watch.progress({"event": "report", "report": report})
        return report


def _distil(
    channel: SocketChannel,
    store: Store,
    record: RecordReader,
    randomness: Randomness,
    settings: AliceSettings,
    watch: Watch,
    epsilon_before: float,
) -> tuple[Tally, bool]:
    """Serve one session; return its tally, and whether another follows on the channel."""
    talk = LiveConversation(channel, store, conversation.ALICE)
    statement = AliceStatement(
        record.statement.record_id,
        record.statement.randomness,
        demonstration_reasons(record, randomness, settings.source),
        record.statement.key_basis_probability or 0.0,
        settings.source.multiphoton_upper,
        settings.source.epsilon,
        settings.g2_limit,
    )
    try:
        greeting = alice_handshake(talk, channel, store, settings.session, statement, randomness)
    except AuthenticationError:
        store.record_failure()
        raise
    store.clear_failures()
    tally = Tally(
        greeting.session,
        auth_bits_used=KEY_BITS * talk.auth_keys_used,
        epsilon_before=epsilon_before,
    )
    watch.watching.tally = tally
    watch.watching.heard(
        {
            "event": "session",
            "settled": greeting.settled,
            "bob": asdict(greeting.bob),
            **what_keys_are(greeting.session),
        }
    )
    claims = RecordClaims(record.path, store)
    alice = Alice(
        talk,
        greeting.session,
        record,
        store,
        claims,
        randomness,
        tally,
        watch.watching.heard,
        watch.watching.check,
        watch.source.counts if watch.source else None,
    )
    return tally, alice.serve()


def check_protocol(record: RecordReader, parameters: SessionParameters) -> None:
    """Raise ConfigurationError unless the record is of the session's protocol."""
    if record.statement.protocol != parameters.protocol:
        raise ConfigurationError(
            f"Alice's record {record.path} is of {record.statement.protocol}, and the session of "
            f"{parameters.protocol}: set [session] protocol to what she sends"
        )


def demonstration_reasons(
    record: RecordReader, randomness: Randomness, source: SourceSettings
) -> tuple[str, ...]:
    """Why keys made on Alice's side are demonstrations; empty if nothing there forbids secrets."""
    facts = AliceFacts(randomness.reason_for_demonstration, source.measured)
    return (*record.statement.reasons, *unmet(record.statement.protocol, ALICE, facts))

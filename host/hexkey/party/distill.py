"""Distil recordings: the live keys once more, or fresh ones between two local roles."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hexkey.conditions import CIRCUMSTANCES, Circumstances, unmet
from hexkey.errors import ChannelError, ConfigurationError, HexkeyError, InputError
from hexkey.events import DETECTORS
from hexkey.gate import Gate
from hexkey.party.alice import check_protocol
from hexkey.party.tag_source import Tagger, TagPlayback
from hexkey.randomness import OperatingSystem, Randomness, Recorded
from hexkey.receiver import Receiver, SiftedChunk, stream_facts
from hexkey.record import RecordReader
from hexkey.recording import Recording, has_maps, read_recording
from hexkey.rule import B92Rule, Bb84Rule, Rule
from hexkey.session.alice import Alice
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.block import Session
from hexkey.session.bob import Bob, MapFeed
from hexkey.session.channel import SocketChannel, local_pair
from hexkey.session.conversation import ALICE, BOB, LiveConversation
from hexkey.session.parameters import SessionParameters
from hexkey.session.replay import ReplayConversation, TranscriptEnded
from hexkey.session.tally import Progress, Tally
from hexkey.store import Store, compare, create_pair
from hexkey.store.database import remove
from hexkey.tags.stream import TagFile
from hexkey.wire import StreamParser

LOCAL_TAG_KEYS = 256


@dataclass(slots=True)
class Playback:
    """A recording's wire as sifted bits, through the same code as a live board."""

    recording: Recording
    window: dict[str, Any]
    parser: StreamParser
    receiver: Receiver
    randomness: Randomness

    def chunks(self) -> Iterator[SiftedChunk]:
        for data in self.recording.wire:
            yield from self.receiver.push(self.parser.feed_decoded(data))
        yield from self.receiver.finish()

    def losses(self) -> dict[str, Any]:
        return {**self.receiver.facts(), **stream_facts(self.parser.statistics)}

    def facts(self) -> dict[str, Any]:
        """Return what a report says of the recording."""
        return {
            "damage": self.recording.damage,
            "window": self.window,
            "period_ticks": self.recording.meta["period_ticks"],
            "histogram": self.receiver.histogram_facts(),
            "g2": self.receiver.g2_facts(),
        }


def play_back(recording: Recording, randomness: Randomness | None = None) -> Playback:
    """Return the wire of a recording, sifted anew.

    `randomness` gives the bits of double clicks; those that were drawn then, if there is none.
    """
    meta = recording.meta
    drawn = randomness or Recorded(recording.drawn)
    with described(recording):
        gate = Gate(**meta["gate"])
        rule: Rule = B92Rule(tuple(meta["bit_of_detector"]), places=has_maps(meta))
        if bb84 := meta.get("bb84"):
            rule = Bb84Rule(drawn, bb84["double_clicks"], places=has_maps(meta))
        receiver = Receiver(meta["run"], (gate,) * DETECTORS, meta["period_ticks"], rule)
        window = asdict(gate) | {"tick_ps": str(meta["tick_ps"])}
    return Playback(recording, window, StreamParser(), receiver, drawn)


@contextmanager
def described(recording: Recording) -> Iterator[None]:
    """Turn a description that another program wrote differently into an `InputError`."""
    try:
        yield
    except (ConfigurationError, KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"recording {recording.path} describes its run in an unknown way ({what}): distil it "
            "with the version of hexkey that made it"
        ) from None


def replay(path: Path, out: Path, progress: Progress) -> dict[str, Any]:
    """Reproduce the live keys of a recorded session into the store ``out/bob.store``.

    Raises
    ------
    InputError
        The recording has no session in it.
    """
    recording = read_recording(path)
    if not recording.transcript:
        raise InputError(
            f"recording {path} holds no session; give Alice's record to distil it afresh"
        )
    meta = recording.meta
    if meta.get("secret"):
        raise InputError(
            f"recording {path} is of a session that made secret keys: they are in Bob's store, and "
            "are not made a second time"
        )
    playback = play_back(recording)
    with described(recording):
        parameters = SessionParameters(**meta["parameters"])
        session = Session(
            meta["session_id"], parameters, tuple(meta["reasons"]), _terms(recording, parameters)
        )
    tally = Tally(session)
    unused, mine = _new_stores(out)
    remove(unused)  # Alice's keys cannot be reproduced: nobody recorded her side
    with Store.open(mine) as store:
        try:
            talk = ReplayConversation(recording.transcript)
            feed = MapFeed(playback.randomness)
            Bob(talk, session, store, tally, progress, maps=feed).run(playback.chunks())
        except TranscriptEnded:
            pass
        except InputError as error:
            # What was reproduced before the damage stands; the rest is named, not guessed.
            recording.damage.append(str(error))
        for key_id in store.pending_ids():
            store.drop(key_id)
    return _report(tally, playback, "replayed")


def distill(path: Path, alice_record: Path, out: Path, progress: Progress) -> dict[str, Any]:
    """Make fresh demonstration keys from a recording and Alice's record.

    The stores ``out/alice.store`` and ``out/bob.store`` are created.

    Raises
    ------
    InputError
        A file is unusable, or the two do not belong together.
    """
    recording = read_recording(path)
    randomness = OperatingSystem()
    playback = play_back(recording, randomness)
    with described(recording):
        parameters = SessionParameters(**recording.meta.get("parameters", {}))
        terms = _terms(recording, parameters)
        reasons = tuple(recording.meta.get("reasons", ()))
    with RecordReader(alice_record) as record:
        return _between_two(playback, record, parameters, terms, reasons, out, progress)


def distill_tags(
    file: TagFile, tagger: Tagger, alice_record: Path, out: Path, progress: Progress
) -> dict[str, Any]:
    """Make fresh demonstration keys from a time tagger's file and Alice's record.

    The stores ``out/alice.store`` and ``out/bob.store`` are created.

    Raises
    ------
    InputError
        A file is unusable, or the two do not belong together.
    ConfigurationError
        The tagger's settings do not suit the file.
    """
    with RecordReader(alice_record) as record:
        playback = TagPlayback(file, tagger, record, OperatingSystem())
        parameters, terms = playback.parameters(), playback.terms(record)
        return _between_two(playback, record, parameters, terms, playback.reasons, out, progress)


def _between_two(
    playback: Playback | TagPlayback,
    record: RecordReader,
    parameters: SessionParameters,
    terms: Bb84Terms | None,
    reasons: tuple[str, ...],
    out: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Hold a session between two local roles; Bob's reasons are given, Alice's in her record."""
    check_protocol(record, parameters)
    here = Circumstances(parameters.protocol, live=False, maps=bool(parameters.maps))
    every = (
        *unmet(parameters.protocol, CIRCUMSTANCES, here),
        *reasons,
        *record.statement.reasons,
    )
    session = Session(
        OperatingSystem().bytes(32).hex(), parameters, tuple(dict.fromkeys(every)), terms
    )
    paths = _new_stores(out)
    tally = _two_roles(session, playback.chunks(), record, paths, progress)
    return {**_report(tally, playback, "fresh"), "equal": compare(*paths).equal}


def _terms(recording: Recording, parameters: SessionParameters) -> Bb84Terms | None:
    if parameters.protocol != "bb84":
        return None
    return Bb84Terms(**recording.meta["bb84"]["terms"])


def _new_stores(out: Path) -> tuple[Path, Path]:
    out.mkdir(parents=True, exist_ok=True)
    paths = out / "alice.store", out / "bob.store"
    if any(path.exists() for path in paths):
        raise ConfigurationError(f"{out} holds key stores already: give another folder with --out")
    create_pair(*paths, LOCAL_TAG_KEYS, OperatingSystem())
    return paths


def _report(tally: Tally, playback: Playback | TagPlayback, mode: str) -> dict[str, Any]:
    return {**tally.report(playback.losses()), "mode": mode, **playback.facts()}


class LocalAlice(threading.Thread):
    """Alice as a thread beside Bob. Her error, if any, is raised by `finish`."""

    def __init__(
        self, channel: SocketChannel, session: Session, record: RecordReader, store_path: Path
    ) -> None:
        super().__init__(name="alice", daemon=True)
        self._channel = channel
        self._session = session
        self._record = record
        self._store_path = store_path
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            with self._channel, Store.open(self._store_path) as store:
                talk = LiveConversation(self._channel, store, ALICE)
                # The store's claims are enough: nothing is said on a channel.
                Alice(
                    talk,
                    self._session,
                    self._record,
                    store,
                    store,
                    OperatingSystem(),
                    Tally(self._session),
                    lambda event: None,
                ).serve()
        except BaseException as error:  # carried over to Bob's thread
            self._error = error

    def finish(self) -> None:
        self.join()
        if self._error is not None:
            raise self._error


def _two_roles(
    session: Session,
    chunks: Iterator[SiftedChunk],
    record: RecordReader,
    stores: tuple[Path, Path],
    progress: Progress,
) -> Tally:
    ours, theirs = local_pair()
    alice = LocalAlice(theirs, session, record, stores[0])
    alice.start()
    tally = Tally(session)
    with ours, Store.open(stores[1]) as store:
        try:
            talk = LiveConversation(ours, store, BOB)
            feed = MapFeed(OperatingSystem())
            Bob(talk, session, store, tally, progress, maps=feed).run(chunks)
        except HexkeyError as error:
            ours.close()
            try:
                alice.finish()  # the cause may be Alice's: hers is then the sentence to show
            except ChannelError:  # or hers is that Bob is gone
                if isinstance(error, ChannelError):
                    raise
            raise
    alice.finish()
    return tally

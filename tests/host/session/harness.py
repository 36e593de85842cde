"""Two parties with real stores, a real record and a real socket; sifted bits from a seed.

The channel can be wrapped, so that a test can spoil, copy, swap or cut what crosses it.
"""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexkey.claims import RecordClaims
from hexkey.placed import MapClicks
from hexkey.randomness import OperatingSystem, Seeded
from hexkey.receiver import SiftedChunk
from hexkey.record import RecordReader, RecordWriter, Statement
from hexkey.session.alice import Alice
from hexkey.session.bob import Bob, MapFeed
from hexkey.session.channel import Channel, SocketChannel, local_pair
from hexkey.session.conversation import REPLY_TIMEOUT_S, SENT, LiveConversation, Witness
from hexkey.session.guard import Check, nothing_is_wrong
from hexkey.session.handshake import alice_handshake, bob_handshake
from hexkey.session.messages import Type, decode_tag
from hexkey.session.parameters import AliceStatement, BobStatement, SessionParameters
from hexkey.session.source import SourceCounts
from hexkey.session.tally import Progress, Tally
from hexkey.sift_bb84 import CROSS, KEY
from hexkey.store import Store, create_pair
from hexkey.store.pair import Kind

ALICE, BOB = 0, 1
SMALL = SessionParameters(
    block_bits=4_000,
    offset_sample_bits=256,
    estimate_bits=200,
    refill_to_alice=0,
    refill_to_bob=0,
    reconciler="cascade",  # not chosen by how busy the machine is
)
BOB_SAYS = BobStatement(7, "10", 50, 1000, 2, ("the board simulates its photons",))
BOB_SAYS_BB84 = replace(BOB_SAYS, key_basis_probability=0.6)
TINY = replace(SMALL, block_bits=1_000, estimate_bits=64)
SMALL_BB84 = replace(
    SMALL,
    protocol="bb84",
    offset_sample_bits=512,  # only bits of equal bases count
    estimate_bits=0,
    qber_expected=0.03,
    eps_smoothing=1e-2,  # so that thousands of clicks make a key
    epsilon_limit=0.9,
)
ALICE_KEY, BOB_KEY, CROSSES = 0.7, 0.6, 0.002  # of BB84: probabilities of the key basis, of a cross
OFFSET = 12_345

Wrap = Callable[[Channel], Channel]
Talks = Callable[..., LiveConversation]  # a party's conversation; a test may let it lie
Clicks = Callable[[MapClicks], None]


@dataclass(frozen=True)
class Parties:
    """Files of a pair, and what Bob sifted."""

    folder: Path
    chunks: tuple[SiftedChunk, ...]
    parameters: SessionParameters = SMALL
    pulses: int = 0  # of a session: `later` moves on by so many

    @property
    def alice_store(self) -> Path:
        return self.folder / "alice.store"

    @property
    def bob_store(self) -> Path:
        return self.folder / "bob.store"

    @property
    def record(self) -> Path:
        return self.folder / "alice.record"

    def later(self) -> "Parties":
        """The same pair with sifted bits of later pulses of the same record."""
        shift = np.uint64(self.pulses)
        rng = np.random.default_rng(int(self.chunks[0].pulses[0]))
        chunks = []
        with RecordReader(self.record) as record:
            for chunk in self.chunks:
                pulses = chunk.pulses + shift
                at = pulses + np.uint64(OFFSET)
                bits = record.bits_at(at) ^ (rng.random(len(at)) < LATER_QBER)
                if chunk.bases is not None:
                    bits = measured(rng, bits, record.bases_at(at), chunk.bases)
                chunks.append(SiftedChunk(chunk.epoch, pulses, bits, chunk.bases))
        return replace(self, chunks=tuple(chunks))

    def copy(self, folder: Path) -> "Parties":
        """The same pair in another folder, so that each test has its own."""
        for path in (self.alice_store, self.bob_store, self.record):
            shutil.copy(path, folder / path.name)
        return replace(self, folder=folder)


PULSES_PER_SESSION = 400_000
LATER_QBER = 0.03


def make_parties(
    folder: Path,
    *,
    blocks: int = 1,
    qber: float | tuple[float, ...] = 0.03,
    parameters: SessionParameters = SMALL,
    tag_keys: int = 40,
    kind: Kind = "demonstration",
    seed: int = 1,
    pulses: int = PULSES_PER_SESSION,
) -> Parties:
    """Create stores and record, and sift `blocks` blocks with errors.

    A tuple gives each block an error rate of its own; the offset's sample is then without errors.
    """
    rng = np.random.default_rng(seed)
    source = Seeded(seed) if kind == "demonstration" else OperatingSystem()
    create_pair(folder / "alice.store", folder / "bob.store", tag_keys, source, kind)
    bb84 = parameters.protocol == "bb84"
    statement = Statement(
        40_000_000,
        "random",
        "seeded simulation",
        True,
        protocol="bb84" if bb84 else "b92",
        key_basis_probability=ALICE_KEY if bb84 else None,
    )
    length = OFFSET + 4 * pulses + 64
    bits = rng.integers(0, 2, length, dtype=np.uint8)
    bases = (rng.random(length) < ALICE_KEY).astype(np.uint8) if bb84 else None
    with RecordWriter(folder / "alice.record", statement) as writer:
        writer.append_bits(bits, bases)
    sifted = parameters.offset_sample_bits + blocks * parameters.block_bits + 100
    clicked = np.sort(rng.choice(pulses, sifted, replace=False)).astype(np.uint64)
    rate = qber if isinstance(qber, float) else _rates(parameters, qber, sifted)
    at = clicked.astype(np.int64) + OFFSET
    theirs = (bits[at] ^ (rng.random(sifted) < rate)).astype(np.uint8)
    halves = np.array_split(np.arange(sifted), 3)
    if bases is None:
        chunks = tuple(SiftedChunk(0, clicked[half], theirs[half]) for half in halves)
    else:
        chosen = (rng.random(sifted) < BOB_KEY).astype(np.uint8) * np.uint8(KEY)
        chosen[rng.random(sifted) < CROSSES] = CROSS
        theirs = measured(rng, theirs, bases[at], chosen)
        chunks = tuple(SiftedChunk(0, clicked[h], theirs[h], chosen[h]) for h in halves)
    return Parties(folder, chunks, parameters, pulses)


def measured(
    rng: np.random.Generator,
    bits: NDArray[np.uint8],
    alice: NDArray[np.uint8],
    bob: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """In another basis than hers his bit is anything; a cross click has none."""
    other = rng.integers(0, 2, len(bits), dtype=np.uint8)
    return np.where(bob == CROSS, 0, np.where(alice == bob, bits, other)).astype(np.uint8)


def _rates(
    parameters: SessionParameters, qber: tuple[float, ...], sifted: int
) -> NDArray[np.float64]:
    rates = np.zeros(sifted)
    body = np.repeat(qber, parameters.block_bits)
    rates[parameters.offset_sample_bits :][: len(body)] = body
    return rates


def without_clicks(parties: Parties) -> Parties:
    """The same pair, to shake hands and say goodbye."""
    return replace(parties, chunks=())


def pools_agree(parties: Parties) -> bool:
    """Whether the tag keys that both parties still have are the same, and end at one number."""
    pools = []
    for path in (parties.alice_store, parties.bob_store):
        with closing(sqlite3.connect(path)) as connection:
            keys = connection.execute("SELECT direction, number, secret FROM tag_key").fetchall()
            ends = connection.execute("SELECT name, end FROM direction ORDER BY name").fetchall()
        pools.append(({(name, number): secret for name, number, secret in keys}, ends))
    (hers, her_ends), (his, his_ends) = pools
    return her_ends == his_ends and all(his[key] == hers[key] for key in hers.keys() & his.keys())


@dataclass
class Traffic:
    """Everything that either party sent, in the order in which each sent it."""

    sent: list[tuple[int, Type, bytes]] = field(default_factory=list)

    def witness(self, sender: int) -> Witness:
        def note(direction: int, kind: Type, body: bytes) -> None:
            if direction == SENT:
                self.sent.append((sender, kind, body))

        return note

    def bodies(self, sender: int, kind: Type) -> list[bytes]:
        return [body for who, what, body in self.sent if (who, what) == (sender, kind)]

    def tag_numbers(self, sender: int) -> list[int]:
        """The tag keys that a party used."""
        return [decode_tag(body)[0] for body in self.bodies(sender, Type.TAG)]


@dataclass
class Outcome:
    """What became of each side: its tally, or the error that ended it."""

    alice: Tally | None = None
    bob: Tally | None = None
    alice_error: BaseException | None = None
    bob_error: BaseException | None = None
    tallies: dict[int, Tally] = field(default_factory=dict)  # of a session that broke off, too


def alice_side(
    parties: Parties,
    channel: Channel,
    parameters: SessionParameters | None = None,
    witness: Witness | None = None,
    reply_timeout_s: float = REPLY_TIMEOUT_S,
    tallies: dict[int, Tally] | None = None,
    talks: Talks = LiveConversation,
    alice_says: AliceStatement | None = None,
    source: Callable[[], SourceCounts] | None = None,
    check: Check = nothing_is_wrong,
) -> Tally:
    parameters = parameters or parties.parameters
    with Store.open(parties.alice_store) as store, RecordReader(parties.record) as record:
        talk = talks(channel, store, ALICE, witness, reply_timeout_s)
        says = alice_says or AliceStatement(
            record.statement.record_id,
            "random",
            ("Alice's bits were seeded",),
            record.statement.key_basis_probability or 0.0,
        )
        greeting = alice_handshake(talk, channel, store, parameters, says, Seeded(11))
        tally = Tally(greeting.session)
        if tallies is not None:
            tallies[ALICE] = tally
        claims = RecordClaims(record.path, store)
        Alice(
            talk,
            greeting.session,
            record,
            store,
            claims,
            Seeded(12),
            tally,
            lambda event: None,
            check,
            source,
        ).serve()
        return tally


def bob_side(
    parties: Parties,
    channel: Channel,
    chunks: Iterable[SiftedChunk] | None = None,
    witness: Witness | None = None,
    nonce: bytes = b"n" * 16,
    reply_timeout_s: float = REPLY_TIMEOUT_S,
    tallies: dict[int, Tally] | None = None,
    talks: Talks = LiveConversation,
    bob_says: BobStatement | None = None,
    heard: Progress = lambda event: None,
    check: Check = nothing_is_wrong,
    clicks: Clicks = lambda clicks: None,
) -> Tally:
    bob_says = bob_says or (BOB_SAYS_BB84 if parties.parameters.protocol == "bb84" else BOB_SAYS)
    with Store.open(parties.bob_store) as store:
        talk = talks(channel, store, BOB, witness, reply_timeout_s)
        greeting = bob_handshake(talk, store, parties.parameters, bob_says, nonce)
        tally = Tally(greeting.session)
        if tallies is not None:
            tallies[BOB] = tally
        found = parties.chunks if chunks is None else chunks
        feed = MapFeed(Seeded(13), clicks)
        Bob(talk, greeting.session, store, tally, heard, check, maps=feed).run(found)
        return tally


def run_session(
    parties: Parties,
    *,
    wrap_alice: Wrap = lambda channel: channel,
    wrap_bob: Wrap = lambda channel: channel,
    alice_parameters: SessionParameters | None = None,
    witness: Witness | None = None,
    traffic: Traffic | None = None,
    nonce: bytes = b"n" * 16,
    reply_timeout_s: float = REPLY_TIMEOUT_S,
    alice_talks: Talks = LiveConversation,
    bob_talks: Talks = LiveConversation,
    alice_says: AliceStatement | None = None,
    bob_says: BobStatement | None = None,
    source: Callable[[], SourceCounts] | None = None,
    heard: Progress = lambda event: None,
    alice_check: Check = nothing_is_wrong,
    bob_check: Check = nothing_is_wrong,
    clicks: Clicks = lambda clicks: None,
) -> Outcome:
    """Run both sides in threads over a socket pair; never raises what they raise."""
    outcome = Outcome()
    alice_channel, bob_channel = local_pair()
    alice_witness = traffic.witness(ALICE) if traffic else None
    if traffic:
        witness = traffic.witness(BOB)

    def alice(channel: SocketChannel) -> None:
        try:
            with channel:
                outcome.alice = alice_side(
                    parties,
                    wrap_alice(channel),
                    alice_parameters,
                    alice_witness,
                    reply_timeout_s,
                    outcome.tallies,
                    alice_talks,
                    alice_says,
                    source,
                    alice_check,
                )
        except BaseException as error:  # the test looks at it
            outcome.alice_error = error

    thread = threading.Thread(target=alice, args=(alice_channel,))
    thread.start()
    try:
        with bob_channel:
            outcome.bob = bob_side(
                parties,
                wrap_bob(bob_channel),
                witness=witness,
                nonce=nonce,
                reply_timeout_s=reply_timeout_s,
                tallies=outcome.tallies,
                talks=bob_talks,
                bob_says=bob_says,
                heard=heard,
                check=bob_check,
                clicks=clicks,
            )
    except BaseException as error:  # the test looks at it
        outcome.bob_error = error
    thread.join()
    return outcome

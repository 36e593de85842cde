"""Two parties with real stores, a real record and a real socket; sifted bits from a seed.

The channel can be wrapped, so that a test can spoil, copy, swap or cut what crosses it.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hexkey.randomness import Seeded
from hexkey.receiver import SiftedChunk
from hexkey.record import RecordReader, RecordWriter, Statement
from hexkey.session.alice import run_alice
from hexkey.session.bob import run_bob
from hexkey.session.channel import Channel, SocketChannel, local_pair
from hexkey.session.conversation import LiveConversation
from hexkey.session.handshake import alice_handshake, bob_handshake
from hexkey.session.parameters import AliceStatement, BobStatement, SessionParameters
from hexkey.session.tally import Tally
from hexkey.store import Store, create_pair

ALICE, BOB = 0, 1
SMALL = SessionParameters(
    block_bits=4_000,
    offset_sample_bits=256,
    estimate_bits=200,
    refill_to_alice=0,
    refill_to_bob=0,
)
BOB_SAYS = BobStatement(7, "10", 50, 1000, 2, ("the board simulates its photons",))
OFFSET = 12_345

Wrap = Callable[[Channel], Channel]


@dataclass(frozen=True)
class Parties:
    """Files of a pair, and what Bob sifted."""

    folder: Path
    chunks: tuple[SiftedChunk, ...]
    parameters: SessionParameters = SMALL

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
        shift = np.uint64(PULSES_PER_SESSION)
        record = RecordReader(self.record)
        chunks = []
        for chunk in self.chunks:
            pulses = chunk.pulses + shift
            bits = record.bits_at(pulses + np.uint64(OFFSET))
            chunks.append(SiftedChunk(chunk.epoch, pulses, bits))
        return replace(self, chunks=tuple(chunks))


PULSES_PER_SESSION = 400_000


def make_parties(
    folder: Path,
    *,
    blocks: int = 1,
    qber: float = 0.03,
    parameters: SessionParameters = SMALL,
    tag_keys: int = 40,
    seed: int = 1,
) -> Parties:
    """Create stores and record, and sift `blocks` blocks with errors."""
    rng = np.random.default_rng(seed)
    create_pair(folder / "alice.store", folder / "bob.store", tag_keys, Seeded(seed))
    statement = Statement(40_000_000, "random", "seeded simulation", True)
    length = OFFSET + 3 * PULSES_PER_SESSION + 64
    bits = rng.integers(0, 2, length, dtype=np.uint8)
    with RecordWriter(folder / "alice.record", statement) as writer:
        writer.append(np.packbits(bits, bitorder="little"), length)
    sifted = parameters.offset_sample_bits + blocks * parameters.block_bits + 100
    pulses = np.sort(rng.choice(PULSES_PER_SESSION, sifted, replace=False)).astype(np.uint64)
    theirs = bits[pulses.astype(np.int64) + OFFSET] ^ (rng.random(sifted) < qber)
    halves = np.array_split(np.arange(sifted), 3)
    chunks = tuple(SiftedChunk(0, pulses[half], theirs[half].astype(np.uint8)) for half in halves)
    return Parties(folder, chunks, parameters)


@dataclass
class Outcome:
    """What became of each side: its tally, or the error that ended it."""

    alice: Tally | None = None
    bob: Tally | None = None
    alice_error: BaseException | None = None
    bob_error: BaseException | None = None
    events: tuple[dict[str, object], ...] = ()


def alice_side(
    parties: Parties, channel: Channel, parameters: SessionParameters | None = None
) -> Tally:
    parameters = parameters or parties.parameters
    with Store.open(parties.alice_store) as store, RecordReader(parties.record) as record:
        talk = LiveConversation(channel, store, ALICE)
        says = AliceStatement(record.statement.record_id, "random", ("Alice's bits were seeded",))
        greeting = alice_handshake(talk, channel, store, parameters, says, Seeded(11))
        tally = Tally(greeting.session)
        run_alice(talk, greeting.session, record, store, Seeded(12), tally, lambda event: None)
        return tally


def bob_side(
    parties: Parties,
    channel: Channel,
    chunks: Iterable[SiftedChunk] | None = None,
    witness: Callable[..., None] | None = None,
    nonce: bytes = b"n" * 16,
) -> Tally:
    with Store.open(parties.bob_store) as store:
        talk = LiveConversation(channel, store, BOB, witness)
        greeting = bob_handshake(talk, store, parties.parameters, BOB_SAYS, nonce)
        tally = Tally(greeting.session)
        found = parties.chunks if chunks is None else chunks
        run_bob(talk, greeting.session, found, store, tally, lambda event: None)
        return tally


def run_session(
    parties: Parties,
    *,
    wrap_alice: Wrap = lambda channel: channel,
    wrap_bob: Wrap = lambda channel: channel,
    alice_parameters: SessionParameters | None = None,
    witness: Callable[..., None] | None = None,
    nonce: bytes = b"n" * 16,
) -> Outcome:
    """Run both sides in threads over a socket pair; never raises what they raise."""
    outcome = Outcome()
    alice_channel, bob_channel = local_pair()

    def alice(channel: SocketChannel) -> None:
        try:
            with channel:
                outcome.alice = alice_side(parties, wrap_alice(channel), alice_parameters)
        except BaseException as error:  # the test looks at it
            outcome.alice_error = error

    thread = threading.Thread(target=alice, args=(alice_channel,))
    thread.start()
    try:
        with bob_channel:
            outcome.bob = bob_side(parties, wrap_bob(bob_channel), witness=witness, nonce=nonce)
    except BaseException as error:  # the test looks at it
        outcome.bob_error = error
    thread.join()
    return outcome

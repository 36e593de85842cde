"""Alice's loop: answer alignments and blocks until Bob says goodbye."""

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import BlockDropped, InputError, PoolError, ProtocolError
from hexkey.randomness import Randomness
from hexkey.record import RecordReader
from hexkey.session.align import Alignment, alice_align, claim, refusing
from hexkey.session.block import BlockCounts, Disclosed, Session
from hexkey.session.block_alice import alice_block, receive_announcement
from hexkey.session.bob import Progress, epsilon_exhausted
from hexkey.session.conversation import Conversation
from hexkey.session.messages import Type
from hexkey.session.tally import Tally
from hexkey.store import RESERVE, Store

IDLE_TIMEOUT_S = 600.0  # Bob may need long to fill a block at a low rate
RECORD_TIMEOUT_S = 20.0  # how far Alice's record may lag behind Bob's clicks


def run_alice(
    talk: Conversation,
    session: Session,
    record: RecordReader,
    store: Store,
    randomness: Randomness,
    tally: Tally,
    progress: Progress,
) -> None:
    """Serve one session; returns at Bob's goodbye.

    Raises
    ------
    InputError
        Her record does not match, or does not reach as far as Bob's pulses.
    ChannelError, AuthenticationError
        The session is over; `tally` holds what was done until then.
    """
    alignment: Alignment | None = None
    number = 0
    while True:
        talk.begin(session.session_id)
        kind, body = talk.expect(Type.ALIGN, Type.ANNOUNCE, Type.BYE, timeout_s=IDLE_TIMEOUT_S)
        if kind is Type.BYE:
            return
        if kind is Type.ALIGN:
            try:
                alignment = alice_align(talk, session, record, store, body)
            finally:
                sample = Disclosed(offset=session.parameters.offset_sample_bits)
                tally.spent(sample, talk.auth_keys_used)
            tally.aligned(alignment)
            progress({"event": "aligned", **asdict(alignment)})
            continue
        if alignment is None:
            raise ProtocolError("the peer announced a block before an alignment; session ended.")
        if epsilon_exhausted(session, tally):
            raise ProtocolError("the peer went on past the session's epsilon limit; session ended.")
        _distil(talk, session, number, body, alignment, record, store, randomness, tally, progress)
        number += 1


def _distil(
    talk: Conversation,
    session: Session,
    number: int,
    body: bytes,
    alignment: Alignment,
    record: RecordReader,
    store: Store,
    randomness: Randomness,
    tally: Tally,
    progress: Progress,
) -> None:
    counts = BlockCounts(number, session.parameters.block_bits)
    try:
        announce = receive_announcement(talk, session, number, body)
        if announce.epoch != alignment.epoch:
            raise ProtocolError("the peer announced pulses of another epoch; session ended.")
        counts.first_pulse, counts.last_pulse = int(announce.pulses[0]), int(announce.pulses[-1])
        with refusing(talk):
            _keep_reserve(store)
            bits = _bits_of_pulses(record, store, announce.pulses, alignment)
        alice_block(talk, session, bits, randomness, store, counts)
    except BlockDropped as drop:
        tally.dropped_block(drop)
        progress({"event": "dropped", "block": number, "reason": drop.reason})
    else:
        tally.finished(counts)
        progress({"event": "block", **counts.facts()})
    finally:
        tally.spent(counts.disclosed, talk.auth_keys_used)


def _bits_of_pulses(
    record: RecordReader,
    store: Store,
    pulses: NDArray[np.uint64],
    alignment: Alignment,
) -> NDArray[np.uint8]:
    """Return Alice's bits, once only: pulses at or below an earlier claim are refused.

    Pulses are claimed only when the record has them: a claim beyond its end would bar later ones.
    """
    first, last = int(pulses[0]) + alignment.offset, int(pulses[-1]) + alignment.offset
    if first < 0:
        raise InputError(
            f"Alice's record {record.path} begins after pulse {first}, which Bob announced."
        )
    record.wait_for(last, RECORD_TIMEOUT_S)
    bits = record.bits_at((pulses.astype(np.int64) + alignment.offset).astype(np.uint64))
    claim(store, record, int(pulses[0]), int(pulses[-1]), alignment.offset)
    return bits


def _keep_reserve(store: Store) -> None:
    """Begin nothing that the pool cannot finish and settle; Bob's announcement sees to his."""
    if store.remaining()[0] <= RESERVE:
        raise PoolError(
            f"Alice's authentication pool is down to the {RESERVE} keys kept for settling blocks: "
            "create a new pair of stores."
        )

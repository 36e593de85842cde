"""Bob's loop: sifted bits in, blocks out, until the bits or the epsilon run out."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from hexkey.errors import BlockDropped
from hexkey.receiver import SiftedChunk
from hexkey.session.align import bob_align
from hexkey.session.block import (
    BlockCounts,
    Disclosed,
    KeySink,
    Session,
    epsilon_of_block,
)
from hexkey.session.block_bob import SiftedBlock, bob_block
from hexkey.session.builder import BlockBuilder
from hexkey.session.conversation import Conversation
from hexkey.session.messages import Type
from hexkey.session.tally import Tally

Progress = Callable[[dict[str, Any]], None]


def run_bob(
    talk: Conversation,
    session: Session,
    chunks: Iterable[SiftedChunk],
    keys: KeySink,
    tally: Tally,
    progress: Progress,
) -> None:
    """Distil all of `chunks`; returns when they end or the epsilon limit is reached.

    Raises
    ------
    InputError, ChannelError, AuthenticationError
        The session is over; `tally` holds what was done until then.
    """
    builder = BlockBuilder()
    aligned = False
    number = 0
    for chunk in chunks:
        if builder.push(chunk):
            aligned = False
        while True:
            wanted = (
                session.parameters.block_bits if aligned else session.parameters.offset_sample_bits
            )
            block = builder.take(wanted, number)
            if block is None:
                break
            if not aligned:
                try:
                    alignment = bob_align(talk, session, block)
                finally:
                    tally.spent(Disclosed(offset=len(block.bits)), talk.auth_keys_used)
                tally.aligned(alignment)
                progress({"event": "aligned", **asdict(tally.alignments[-1])})
                aligned = True
                continue
            if epsilon_exhausted(session, tally):
                progress({"event": "epsilon-limit"})
                return _goodbye(talk, session, tally, builder)
            _distil(talk, session, block, keys, tally, progress)
            number += 1
    _goodbye(talk, session, tally, builder)
    return None


def _distil(
    talk: Conversation,
    session: Session,
    block: SiftedBlock,
    keys: KeySink,
    tally: Tally,
    progress: Progress,
) -> None:
    counts = BlockCounts(block.number, len(block.bits), int(block.pulses[0]), int(block.pulses[-1]))
    try:
        bob_block(talk, session, block, keys, counts)
    except BlockDropped as drop:
        tally.dropped_block(drop)
        progress({"event": "dropped", "block": block.number, "reason": drop.reason})
    finally:
        tally.spent(counts.disclosed, talk.auth_keys_used)
        if counts.final:  # even where the word of it did not reach Alice: she settles it later
            tally.finished(counts)
            progress({"event": "block", **counts.facts()})


def epsilon_exhausted(session: Session, tally: Tally) -> bool:
    """Whether one more block would pass the session's epsilon limit."""
    after = sum(tally.epsilon.values()) + sum(epsilon_of_block(session.parameters).values())
    return after > session.parameters.epsilon_limit


def _goodbye(talk: Conversation, session: Session, tally: Tally, builder: BlockBuilder) -> None:
    tally.unused_sifted_bits = len(builder) + builder.discarded_bits
    talk.begin(session.session_id)
    talk.send(Type.BYE)

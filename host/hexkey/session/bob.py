"""Bob's loop: sifted bits in, blocks out, until the bits or the epsilon run out."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import BlockDropped
from hexkey.session.align import bob_align
from hexkey.session.block import BlockCounts, KeySink, Session, epsilon_of_block
from hexkey.session.block_bob import SiftedBlock, bob_block
from hexkey.session.conversation import Conversation
from hexkey.session.messages import Type
from hexkey.session.tally import Tally

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class SiftedChunk:
    """Sifted bits as they come, in order of pulses within an epoch."""

    epoch: int
    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8]


class BlockBuilder:
    """Cuts the stream of sifted bits into pieces of exact size.

    A new epoch throws the open piece away: its pulses cannot be numbered together with later ones.
    """

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.discarded_bits = 0
        self._pulses = np.empty(0, np.uint64)
        self._bits = np.empty(0, np.uint8)

    def push(self, chunk: SiftedChunk) -> bool:
        """Add a chunk; True if it began a new epoch."""
        renewed = chunk.epoch != self.epoch
        if renewed:
            self.discarded_bits += len(self._bits)
            self.epoch, self._pulses, self._bits = chunk.epoch, chunk.pulses, chunk.bits
        else:
            self._pulses = np.concatenate((self._pulses, chunk.pulses))
            self._bits = np.concatenate((self._bits, chunk.bits))
        return renewed

    def take(self, count: int, number: int) -> SiftedBlock | None:
        """Return the oldest `count` bits as a block, or None while there are fewer."""
        if self.epoch is None or len(self._bits) < count:
            return None
        block = SiftedBlock(number, self.epoch, self._pulses[:count], self._bits[:count])
        self._pulses, self._bits = self._pulses[count:], self._bits[count:]
        return block

    def __len__(self) -> int:
        return len(self._bits)


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
            wanted = session.parameters.block_bits if aligned else session.parameters.offset_sample_bits
            block = builder.take(wanted, number)
            if block is None:
                break
            if not aligned:
                tally.aligned(bob_align(talk, session, block))
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
    counts = BlockCounts(
        block.number, len(block.bits), int(block.pulses[0]), int(block.pulses[-1])
    )
    used_before = talk.auth_keys_used
    try:
        bob_block(talk, session, block, keys, counts)
    except BlockDropped as drop:
        tally.dropped_block(counts, drop)
        progress({"event": "dropped", "block": block.number, "reason": drop.reason})
    else:
        tally.finished(counts)
        progress({"event": "block", **counts.facts()})
    finally:
        tally.auth_bits_used += 256 * (talk.auth_keys_used - used_before)


def epsilon_exhausted(session: Session, tally: Tally) -> bool:
    """Whether one more block would pass the session's epsilon limit."""
    after = sum(tally.epsilon.values()) + sum(epsilon_of_block(session.parameters).values())
    return after > session.parameters.epsilon_limit


def _goodbye(talk: Conversation, session: Session, tally: Tally, builder: BlockBuilder) -> None:
    tally.unused_sifted_bits = len(builder) + builder.discarded_bits
    talk.begin(session.session_id)
    talk.send(Type.BYE)

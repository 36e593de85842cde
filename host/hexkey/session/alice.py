"""Alice's side of an open session: answer alignments and blocks until Bob says goodbye."""

from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.claims import PulseClaims
from hexkey.errors import BlockDropped, InputError, PoolError, ProtocolError
from hexkey.randomness import Randomness
from hexkey.record import RecordReader
from hexkey.session.align import Alignment, alice_align, claim, refusing
from hexkey.session.block import BlockCounts, Disclosed, Session, expected_qber
from hexkey.session.block_alice import alice_block, receive_announcement
from hexkey.session.conversation import Conversation
from hexkey.session.messages import Type
from hexkey.session.tally import Progress, Tally
from hexkey.store import RESERVE, Store

IDLE_TIMEOUT_S = 600.0  # Bob may need long to fill a block at a low rate
RECORD_TIMEOUT_S = 20.0  # how far Alice's record may lag behind Bob's clicks


@dataclass(slots=True)
class Alice:
    """Alice after the handshake; `serve` is the session. `tally` holds what was done, at any time.

    `claims` remembers which pulses of the record were used: no pulse makes key twice.
    """

    talk: Conversation
    session: Session
    record: RecordReader
    store: Store
    claims: PulseClaims
    randomness: Randomness
    tally: Tally
    progress: Progress
    _alignment: Alignment | None = field(default=None, init=False)
    _number: int = field(default=0, init=False)
    _last: BlockCounts | None = field(default=None, init=False)

    def serve(self) -> None:
        """Serve the session; returns at Bob's goodbye.

        Raises
        ------
        InputError
            Her record does not match, or does not reach as far as Bob's pulses.
        ChannelError, AuthenticationError
            The session is over.
        """
        while True:
            self.talk.begin(self.session.session_id)
            kind, body = self.talk.expect(
                Type.ALIGN, Type.ANNOUNCE, Type.BYE, timeout_s=IDLE_TIMEOUT_S
            )
            if kind is Type.BYE:
                return
            if kind is Type.ALIGN:
                self._align(body)
            else:
                self._distil(body)

    def _align(self, body: bytes) -> None:
        try:
            self._alignment = alice_align(self.talk, self.session, self.record, self.claims, body)
        finally:
            sample = Disclosed(offset=self.session.parameters.offset_sample_bits)
            self.tally.spent(sample, self.talk.auth_keys_used)
        self.tally.aligned(self._alignment)
        self.progress({"event": "aligned", **asdict(self._alignment)})

    def _distil(self, body: bytes) -> None:
        if self._alignment is None:
            raise ProtocolError(
                "the peer announced a block before an alignment; the session was ended"
            )
        if self.tally.epsilon_exhausted:
            raise ProtocolError(
                "the peer went on past the session's epsilon limit; the session was ended"
            )
        parameters = self.session.parameters
        expected = expected_qber(parameters, self._last)
        counts = BlockCounts(self._number, parameters.block_bits, expected_qber=expected)
        self._last = counts
        self._number += 1
        try:
            bits = self._announced_bits(body, counts, self._alignment)
            alice_block(self.talk, self.session, bits, self.randomness, self.store, counts)
        except BlockDropped as drop:
            self.tally.dropped_block(drop)
            self.progress({"event": "dropped", "block": counts.block, "reason": drop.reason})
        else:
            self.tally.finished(counts)
            self.progress({"event": "block", **counts.facts()})
        finally:
            self.tally.spent(counts.disclosed, self.talk.auth_keys_used)

    def _announced_bits(
        self, body: bytes, counts: BlockCounts, alignment: Alignment
    ) -> NDArray[np.uint8]:
        """Return Alice's bits at the announced pulses, once Bob's tag has verified."""
        announce = receive_announcement(self.talk, self.session, counts.block, body)
        if announce.epoch != alignment.epoch:
            raise ProtocolError("the peer announced pulses of another epoch; the session was ended")
        counts.first_pulse, counts.last_pulse = int(announce.pulses[0]), int(announce.pulses[-1])
        with refusing(self.talk):
            _keep_reserve(self.store)
            return self._claimed_bits(announce.pulses, alignment.offset)

    def _claimed_bits(self, pulses: NDArray[np.uint64], offset: int) -> NDArray[np.uint8]:
        """Return the record's bits, once only: pulses at or below an earlier claim are refused.

        Pulses are claimed only when the record has them: a claim beyond its end would bar later
        ones.
        """
        first, last = int(pulses[0]), int(pulses[-1])
        if first + offset < 0:
            raise InputError(
                f"Alice's record {self.record.path} begins after pulse {first + offset}, which Bob "
                "announced"
            )
        self.record.wait_for(last + offset, RECORD_TIMEOUT_S)
        bits = self.record.bits_at((pulses.astype(np.int64) + offset).astype(np.uint64))
        claim(self.claims, self.record, first, last, offset)
        return bits


def _keep_reserve(store: Store) -> None:
    """Begin nothing that the pool cannot finish and settle; Bob's announcement sees to his."""
    if store.remaining()[0] <= RESERVE:
        raise PoolError(
            f"Alice's authentication pool is down to the {RESERVE} keys kept for settling blocks: "
            "create a new pair of stores"
        )

"""Alice's side of an open session: answer alignments and blocks until Bob says goodbye."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.claims import PulseClaims
from hexkey.errors import (
    AlarmError,
    BlockDropped,
    ChannelError,
    DeviceError,
    InputError,
    PoolError,
    ProtocolError,
)
from hexkey.randomness import Randomness
from hexkey.record import RecordReader
from hexkey.session.align import Alignment, alice_align, claim, refusing
from hexkey.session.bb84 import RECORD_PULSES
from hexkey.session.block import BlockCounts, Disclosed, KeySink, Session, new_counts
from hexkey.session.block_alice import (
    Announced,
    Sent,
    alice_block,
    alice_block_bb84,
    receive_announcement,
    receive_announcement_bb84,
)
from hexkey.session.conversation import Conversation
from hexkey.session.guard import (
    Check,
    GuardedKeys,
    dropped_event,
    nothing_is_wrong,
    refusal,
)
from hexkey.session.messages import Type
from hexkey.session.outside import SentOutside
from hexkey.session.source import SourceCounts
from hexkey.session.tally import Progress, Tally
from hexkey.store import RESERVE, Store

RENEWAL_TAGS = 3  # hers: of a handshake, an alignment, and what keeps the reserve for a block
GREETING_TIMEOUT_S = 5.0  # of a peer that greets again at once
IDLE_TIMEOUT_S = 600.0  # Bob may need long to fill a block at a low rate
RECORD_TIMEOUT_S = 20.0  # how far Alice's record may lag behind Bob's clicks
UNITS = {  # how Bob may begin a unit
    "b92": (Type.ALIGN, Type.ANNOUNCE),
    "bb84": (Type.ALIGN_BB84, Type.ANNOUNCE_BB84),
}


@dataclass(slots=True)
class Alice:
    """Alice after the handshake; `serve` is the session. `tally` holds what was done, at any time.

    `claims` remembers which pulses of the record were used: no pulse makes key twice. `check`
    raises `AlarmError` where no more key shall be made. `source` returns the coincidences counted
    at her source by now; needed where the session has a `g2_limit`.
    """

    talk: Conversation
    session: Session
    record: RecordReader
    store: Store
    claims: PulseClaims
    randomness: Randomness
    tally: Tally
    progress: Progress
    check: Check = nothing_is_wrong
    source: Callable[[], SourceCounts] | None = None
    _alignment: Alignment | None = field(default=None, init=False)
    _number: int = field(default=0, init=False)
    _last: BlockCounts | None = field(default=None, init=False)
    _next_pulse: int = field(default=0, init=False)  # of hers, the first that is in no unit yet

    def serve(self) -> bool:
        """Serve the session; returns at Bob's goodbye, whether another is to follow.

        Raises
        ------
        InputError
            Her record does not match, or does not reach as far as Bob's pulses.
        ChannelError, AuthenticationError, AlarmError
            The session is over.
        DeviceError
            So it is, since her source is not counted any more.
        """
        try:
            return self._serve()
        except (AlarmError, DeviceError) as error:  # before anything is pending here
            with suppress(ChannelError):
                self.talk.send(Type.REFUSE, refusal(error))
            raise

    def _serve(self) -> bool:
        align, announce = UNITS[self.session.parameters.protocol]
        while True:
            self.talk.begin(self.session.session_id)
            kind, body = self.talk.expect(
                align, announce, Type.BYE, Type.RENEW, timeout_s=IDLE_TIMEOUT_S
            )
            if kind is Type.BYE:
                return False
            if kind is Type.RENEW:
                self._allow_another()
                return True
            if kind is align:
                self._align(kind, body)
            else:
                self._distil(body)

    def _allow_another(self) -> None:
        """Refuse another session that would find no keys, however often Bob may renew."""
        try:
            with refusing(self.talk):
                _keep_reserve(self.store, RENEWAL_TAGS)
        except PoolError:
            with suppress(ChannelError):  # closing on what he has sent could cost him the reason
                for kind in (Type.HELLO, Type.TAG):
                    self.talk.expect(kind, timeout_s=GREETING_TIMEOUT_S)
            raise

    def _align(self, kind: Type, body: bytes) -> None:
        disclosed = self.session.parameters.offset_sample_bits  # or less: what is said of it fails
        try:
            self._alignment = alice_align(
                self.talk, self.session, self.record, self.claims, kind, body
            )
            disclosed = self._alignment.disclosed_bits
        finally:
            self.tally.spent(Disclosed(offset=disclosed), self.talk.auth_keys_used)
        self._next_pulse = self._alignment.last_pulse + self._alignment.offset + 1
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
        counts = new_counts(self._number, parameters, self._last)
        self._last = counts
        self._number += 1
        distil = self._distil_b92 if counts.bb84 is None else self._distil_bb84
        try:
            distil(body, counts, self._alignment)
        except BlockDropped as drop:
            self.tally.dropped_block(drop)
            self.progress(dropped_event(counts, drop))
        else:
            self.tally.finished(counts)
            self.progress({"event": "block", **counts.facts()})
        finally:
            self.tally.spent(counts.disclosed, self.talk.auth_keys_used)

    @property
    def _keys(self) -> KeySink:
        return GuardedKeys(self.store, self.check)

    def _distil_b92(self, body: bytes, counts: BlockCounts, alignment: Alignment) -> None:
        after = self._next_pulse - alignment.offset - 1
        announce = receive_announcement(self.talk, self.session, counts.block, body, after)
        outside = announce.outside
        counts.disclosed.outside += len(outside)
        pulses = self._claimed(announce, counts, alignment)
        bits = self.record.bits_at(pulses)
        wrong: NDArray[np.bool_] | None = None
        if self.session.parameters.maps:
            wrong = self.record.bits_at(_hers(outside.pulses, alignment)) != outside.bits
        alice_block(self.talk, self.session, bits, self.randomness, self._keys, counts, wrong)

    def _distil_bb84(self, body: bytes, counts: BlockCounts, alignment: Alignment) -> None:
        """All pulses since the last unit count as sent, whether they arrived or not."""
        first = self._next_pulse
        after = first - alignment.offset - 1
        announce = receive_announcement_bb84(self.talk, self.session, counts.block, body, after)
        counts.disclosed.outside += len(announce.outside)
        pulses = self._claimed(announce, counts, alignment)
        stop = self._next_pulse
        sent_key = self.record.key_basis_pulses(first, stop)
        outside: SentOutside | None = None
        if self.session.parameters.maps:
            hers = _hers(announce.outside.pulses, alignment)
            bits, bases = self.record.bits_at(hers), self.record.bases_at(hers)
            outside = SentOutside.of(bits, bases, announce.outside)
        sent = Sent(
            self.record.bits_at(pulses),
            self.record.bases_at(pulses),
            announce.bases,
            sent_key,
            stop - first - sent_key,
            outside,
        )
        alice_block_bb84(self.talk, self.session, sent, self.randomness, self._keys, counts)

    def _claimed(
        self, announce: Announced, counts: BlockCounts, alignment: Alignment
    ) -> NDArray[np.uint64]:
        """Return the announced pulses in Alice's count, to be used once only.

        Bob's tag has verified. Pulses at or below an earlier claim are refused, and claimed only
        when the record has them: a claim beyond its end would bar later ones. With them all earlier
        pulses are used up; those of clicks outside the gate are claimed themselves, since she
        answers for them.
        """
        pulses, outside = announce.pulses, announce.outside.pulses
        if announce.epoch != alignment.epoch:
            raise ProtocolError("the peer announced pulses of another epoch; the session was ended")
        counts.first_pulse, counts.last_pulse = int(pulses[0]), int(pulses[-1])
        self.check()
        if self.session.g2_limit and self.source is not None:
            counts.source = self.source()
        with refusing(self.talk):
            _keep_reserve(self.store)
            first = min([counts.first_pulse, *outside[:1].tolist()])
            self._claim(first, counts.last_pulse, alignment.offset)
        self._next_pulse = counts.last_pulse + alignment.offset + 1
        return _hers(pulses, alignment)

    def _claim(self, first: int, last: int, offset: int) -> None:
        if first + offset < 0:
            raise InputError(
                f"Alice's record {self.record.path} begins after pulse {first + offset}, which Bob "
                "announced"
            )
        if not self.record.wait_for(last + offset, RECORD_TIMEOUT_S):
            raise InputError(
                f"Alice's record {self.record.path} has not grown to pulse {last + offset}, which "
                "Bob announced"
            )
        if last + offset - self.record.first_pulse >= RECORD_PULSES:
            raise InputError(
                f"Alice's record {self.record.path} has become too long: begin a new one"
            )
        claim(self.claims, self.record, first, last, offset)


def _hers(pulses: NDArray[np.uint64], alignment: Alignment) -> NDArray[np.uint64]:
    """Return Bob's pulses in Alice's count."""
    return (pulses.astype(np.int64) + alignment.offset).astype(np.uint64)


def _keep_reserve(store: Store, tags: int = 1) -> None:
    """Begin nothing that the pool cannot finish and settle; Bob's announcement sees to his."""
    if store.remaining()[0] < RESERVE + tags:
        raise PoolError(
            f"Alice's authentication pool is down to the {RESERVE} keys kept for settling blocks: "
            "create a new pair of stores"
        )

"""The alignment unit: find by how many pulses Bob's count is behind Alice's.

    Bob → Alice   ALIGN, TAG      sifted bits he discloses, with their pulses
                  (ALIGN_BB84)    with their bases, too
    Alice → Bob   OFFSET, TAG     the offset, and the chance that it is a false match

Both drop the disclosed pulses, and with BB84 the cross clicks among them. Once for each epoch:
after a loss of the trigger the count starts anew and nothing is known about it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.align import find_offset_in_record
from hexkey.claims import PulseClaims
from hexkey.errors import ChannelError, InputError, PoolError, ProtocolError
from hexkey.record import RecordReader
from hexkey.session.block import Session
from hexkey.session.block_bob import SiftedBlock
from hexkey.session.conversation import Conversation
from hexkey.session.messages import Align, Offset, Type
from hexkey.session.messages_bb84 import AlignBb84
from hexkey.sift_bb84 import CROSS

SEARCH_S = 10  # ± this many seconds of pulses
SEARCH_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Alignment:
    """Alice's bit for Bob's pulse p is at ``p + offset`` of her record.

    `last_pulse` is the sample's last one, in Bob's count.

    `modulo` is 0 where the offset is unique, or the period of a public pattern, up to which alone
    it is known.
    """

    epoch: int
    offset: int
    modulo: int
    false_match_probability: float
    disclosed_bits: int
    last_pulse: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """What Bob discloses to find an epoch's offset; `bases` (1 for the key's) with BB84 alone."""

    epoch: int
    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8]
    bases: NDArray[np.uint8] | None = None

    @staticmethod
    def of(block: SiftedBlock) -> "Sample":
        if block.bases is None:
            return Sample(block.epoch, block.pulses, block.bits)
        one = block.bases != CROSS
        return Sample(block.epoch, block.pulses[one], block.bits[one], block.bases[one])

    def encode(self) -> tuple[Type, bytes]:
        if self.bases is None:
            return Type.ALIGN, Align(self.epoch, self.pulses, self.bits).encode()
        message = AlignBb84(self.epoch, self.pulses, self.bits, self.bases)
        return Type.ALIGN_BB84, message.encode()

    @staticmethod
    def decode(kind: Type, body: bytes, most: int) -> "Sample":
        """Return a peer's sample of `most` bits; with BB84 less the cross clicks among as many."""
        if kind is Type.ALIGN_BB84:
            found = AlignBb84.decode(body)
            sample = Sample(found.epoch, found.pulses, found.bits, found.bases)
            agreed = 0 < len(found.bits) <= most
        else:
            plain = Align.decode(body)
            sample = Sample(plain.epoch, plain.pulses, plain.bits)
            agreed = len(plain.bits) == most
        if not agreed:
            raise ProtocolError(
                f"the peer discloses {len(sample.bits)} bits for the offset where {most} were "
                "agreed; the session was ended"
            )
        return sample


def bob_align(talk: Conversation, session: Session, sample: Sample) -> Alignment:
    """Disclose `sample` and learn the offset.

    Raises
    ------
    InputError
        Alice's record holds no match: another run, too short, or too many errors.
    """
    talk.begin(session.session_id)
    talk.send(*sample.encode())
    talk.send_tag()
    _, body = talk.expect(Type.OFFSET, timeout_s=SEARCH_TIMEOUT_S)
    talk.expect_tag()
    found = Offset.decode(body)
    if not found.found:
        raise InputError(
            "Alice's record does not match the sifted bits at any offset within "
            f"±{SEARCH_S} s: it is of another run, or too short, the error rate is too high, "
            "or bit_of_detector is the wrong way round"
        )
    return Alignment(
        sample.epoch,
        found.offset,
        found.modulo,
        found.false_match_probability,
        len(sample.bits),
        int(sample.pulses[-1]),
    )


def alice_align(
    talk: Conversation,
    session: Session,
    record: RecordReader,
    claims: PulseClaims,
    kind: Type,
    announced: bytes,
) -> Alignment:
    """Search her record for Bob's sample and answer the offset alone.

    The disclosed pulses are claimed, so that no later session can announce them for a key.
    """
    sample = Sample.decode(kind, announced, session.parameters.offset_sample_bits)
    talk.expect_tag()
    record.refresh()
    try:
        reach = SEARCH_S * session.parameters.pulse_rate_hz
        match = find_offset_in_record(sample.pulses, sample.bits, record, reach, sample.bases)
    except InputError as error:
        talk.send(Type.OFFSET, Offset(False, 0, 0, 0.0).encode())
        talk.send_tag()
        raise InputError(f"Alice's record {record.path}: {error}") from None
    with refusing(talk):
        claim(claims, record, int(sample.pulses[0]), int(sample.pulses[-1]), match.offset)
    probability = min(1.0, match.false_match_probability)
    talk.send(Type.OFFSET, Offset(True, match.offset, match.modulo or 0, probability).encode())
    with refusing(talk):
        talk.send_tag()
    return Alignment(
        sample.epoch,
        match.offset,
        match.modulo or 0,
        probability,
        len(sample.bits),
        int(sample.pulses[-1]),
    )


@contextmanager
def refusing(talk: Conversation) -> Iterator[None]:
    """Tell Bob why the session ends here, without what only Alice's own message may name."""
    try:
        yield
    except (InputError, PoolError) as error:
        cause = "record does not serve these pulses"
        if isinstance(error, PoolError):
            cause = "authentication pool has no keys for this"
        with suppress(ChannelError):
            talk.send(Type.REFUSE, f"Alice's {cause}; her own message says why".encode())
        raise


def claim(claims: PulseClaims, record: RecordReader, first: int, last: int, offset: int) -> None:
    """Claim Bob's pulses `first` to `last` of a record whose bits are secret.

    Raises
    ------
    InputError
        Pulses at or below an earlier claim: their bits may be known already.
    """
    if record.statement.pattern is None:
        claims.claim_pulses(record.statement.record_id, first + offset, last + offset)

"""Alice's half of a block. Lay it beside `block_bob`: every send there is an expect here.

Alice answers nothing that depends on her bits before the tag of Bob's announcement has verified:
in B92 an attacker who chose the pulses would choose the conclusive ones, and in BB84 one who knew
her bases in time would measure in them.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.amplify import amplify_modified, modified_seed_bits
from hexkey.errors import BlockDropped, ProtocolError
from hexkey.estimate import part_sample
from hexkey.placed import Outside
from hexkey.randomness import Randomness, random_packed_bits, random_subset
from hexkey.reconcile import Method
from hexkey.reconcile.method import answering, choose, speed
from hexkey.session import messages
from hexkey.session.bb84 import judge_test, sift, test_rate
from hexkey.session.block import (
    BlockCounts,
    Harvest,
    KeySink,
    Session,
    Uncorrected,
    harvest,
    judge_errors,
    judge_sample,
    judge_source,
    key_length,
    refill_bits,
)
from hexkey.session.conversation import Conversation
from hexkey.session.messages import Announce, Type
from hexkey.session.messages_bb84 import AnnounceBb84, Bases
from hexkey.session.messages_bb84 import announce_bytes as announce_bytes_bb84
from hexkey.session.messages_maps import OutsideSample, Verdicts
from hexkey.session.outside import SentOutside, check_outside
from hexkey.verify import tag_bits, verification_tag


def alice_block(
    talk: Conversation,
    session: Session,
    bits: NDArray[np.uint8],
    randomness: Randomness,
    keys: KeySink,
    counts: BlockCounts,
    outside_wrong: NDArray[np.bool_] | None = None,
) -> None:
    """Distil one block with Bob, from her bits at the pulses of his verified announcement.

    With maps `outside_wrong` says which bits of its clicks outside the gate are not hers.

    Raises
    ------
    BlockDropped
        The block ended without a key, on both sides; the session may go on.
    ChannelError, AuthenticationError
        The session is over. If the key is pending, the next handshake settles it.
    """
    send_source(talk, counts)
    judge_source(session, counts)
    start, sample_wrong = _estimate(talk, session, bits, randomness, counts)
    if outside_wrong is not None:
        talk.send(Type.VERDICTS, Verdicts(sample_wrong, outside_wrong).encode())
    _distil(talk, session, start, randomness, keys, counts)


@dataclass(frozen=True, slots=True)
class Sent:
    """What Alice sent in the pulses of a verified announcement of BB84, and what Bob said of them.

    Attributes
    ----------
    bits, bases : (n,) uint8
        Hers.
    bob_bases : (n,) uint8
        Of `hexkey.sift_bb84`.
    sent_key, sent_test : int
        Pulses in either basis since the last block or alignment, to the last announced one.
    outside : SentOutside or None
        With maps.
    """

    bits: NDArray[np.uint8] = field(repr=False)
    bases: NDArray[np.uint8] = field(repr=False)
    bob_bases: NDArray[np.uint8]
    sent_key: int
    sent_test: int
    outside: SentOutside | None = None


def alice_block_bb84(
    talk: Conversation,
    session: Session,
    sent: Sent,
    randomness: Randomness,
    keys: KeySink,
    counts: BlockCounts,
) -> None:
    """Distil one block of BB84 with Bob, from what she sent at the pulses of his announcement.

    Raises
    ------
    BlockDropped, ChannelError, AuthenticationError
        As `alice_block`.
    """
    start = _begin_bb84(talk, session, sent, randomness, counts)
    _distil(talk, session, start, randomness, keys, counts)


def _distil(
    talk: Conversation,
    session: Session,
    start: Uncorrected,
    randomness: Randomness,
    keys: KeySink,
    counts: BlockCounts,
) -> None:
    bits = _correct(talk, session, start, randomness, counts)
    length = key_length(session, counts, len(bits))
    amplified = _amplify(talk, bits, length, randomness)
    _confirm(talk, harvest(session, counts, amplified), keys, counts)


@dataclass(frozen=True, slots=True)
class Announced:
    """Bob's verified announcement of a block, and with maps his clicks outside the gate.

    `bases` are those of BB84, of `hexkey.sift_bb84`; there are none with B92.
    """

    epoch: int
    pulses: NDArray[np.uint64]
    bases: NDArray[np.uint8]
    outside: OutsideSample


def receive_announcement(
    talk: Conversation, session: Session, number: int, announced: bytes, after: int
) -> Announced:
    """Check and authenticate an announcement; its pulses may be used from here on.

    Clicks outside the gate lie beyond pulse `after`, the last one of the unit before.
    """
    if len(announced) > messages.announce_bytes(session.parameters.block_bits):
        raise ProtocolError(
            f"the peer announces more than the {session.parameters.block_bits} pulses of a block; "
            "the session was ended"
        )
    announce = Announce.decode(announced)
    _check_block(session, number, announce.block, len(announce.pulses))
    outside = _receive_outside(talk, session, after, announce.pulses)
    return Announced(announce.epoch, announce.pulses, np.zeros(0, np.uint8), outside)


def receive_announcement_bb84(
    talk: Conversation, session: Session, number: int, announced: bytes, after: int
) -> Announced:
    """Do the same for BB84: only now may her bases of these pulses be said."""
    if len(announced) > announce_bytes_bb84(session.parameters.block_bits):
        raise ProtocolError(
            f"the peer announces more than the {session.parameters.block_bits} pulses of a block; "
            "the session was ended"
        )
    announce = AnnounceBb84.decode(announced)
    _check_block(session, number, announce.block, len(announce.pulses))
    outside = _receive_outside(talk, session, after, announce.pulses)
    return Announced(announce.epoch, announce.pulses, announce.bases, outside)


def _receive_outside(
    talk: Conversation, session: Session, after: int, announced: NDArray[np.uint64]
) -> OutsideSample:
    """Receive with maps the clicks outside the gate, and the tag of all that was announced."""
    outside, parameters = OutsideSample.of(Outside.concatenate([])), session.parameters
    if parameters.maps:
        _, body = talk.expect(Type.OUTSIDE)
        bases = parameters.protocol == "bb84"
        outside = OutsideSample.decode(body, parameters.most_outside, bases=bases)
        check_outside(outside, after, announced)
    talk.expect_tag()
    return outside


def _check_block(session: Session, number: int, announced: int, pulses: int) -> None:
    if announced != number or pulses != session.parameters.block_bits:
        raise ProtocolError(
            f"the peer announces block {announced} with {pulses} pulses where "
            f"block {number} with {session.parameters.block_bits} was due; the session was ended"
        )


def send_source(talk: Conversation, counts: BlockCounts) -> None:
    """Say what was counted at the source, where it is counted.

    The next tag of hers covers it: with BB84 that of her bases, with B92 that of her confirmation.
    """
    if counts.source is not None:
        talk.send(Type.SOURCE, counts.source.encode())


def alice_correct(
    talk: Conversation,
    session: Session,
    bits: NDArray[np.uint8],
    randomness: Randomness,
    counts: BlockCounts,
) -> NDArray[np.uint8]:
    """Estimate, reconcile and verify: return her bits without the disclosed sample."""
    start, _ = _estimate(talk, session, bits, randomness, counts)
    return _correct(talk, session, start, randomness, counts)


def _correct(
    talk: Conversation,
    session: Session,
    start: Uncorrected,
    randomness: Randomness,
    counts: BlockCounts,
) -> NDArray[np.uint8]:
    _reconcile(talk, start, counts)
    _verify(talk, session, start.bits, randomness, counts)
    return start.bits


def _begin_bb84(
    talk: Conversation,
    session: Session,
    sent: Sent,
    randomness: Randomness,
    counts: BlockCounts,
) -> Uncorrected:
    """Announce her bases, count the errors of the test basis; the key's bits enter."""
    assert counts.bb84 is not None
    assert session.bb84 is not None
    send_source(talk, counts)
    talk.send(Type.BASES, Bases(sent.sent_key, sent.sent_test, sent.bases).encode())
    talk.send_tag()
    judge_source(session, counts)
    sifting = sift(counts.bb84, sent.bob_bases, sent.bases, sent.sent_key, sent.sent_test)
    counts.sifted_bits = counts.bb84.key_bits
    _, body = talk.expect(Type.SAMPLE_BITS)
    mine = sent.bits[sifting.test]
    theirs = messages.decode_bits(body, len(mine), Type.SAMPLE_BITS)
    wrong = theirs != mine
    counts.disclosed.estimate += len(theirs)
    counts.bb84.test_ones = int(theirs.sum())
    counts.bb84.test_errors = int(np.count_nonzero(wrong))
    talk.send(Type.ESTIMATE, messages.encode_count(counts.bb84.test_errors))
    parameters = session.parameters
    judge_test(session.bb84, parameters, counts.bb84, refill_bits(parameters))
    if sent.outside is not None:
        verdicts = Verdicts(wrong, sent.outside.wrong, sent.outside.matched)
        talk.send(Type.VERDICTS, verdicts.encode())
    counts.expected_qber = counts.expected_qber or test_rate(counts.bb84)
    method, seed = _method(talk, session, counts), randomness.bytes(32)
    talk.send(Type.SAMPLE, messages.Sample(method, seed, np.zeros(0, np.uint8)).encode())
    return Uncorrected(sent.bits[sifting.key], counts.expected_qber, method, seed)


def _estimate(
    talk: Conversation,
    session: Session,
    bits: NDArray[np.uint8],
    randomness: Randomness,
    counts: BlockCounts,
) -> tuple[Uncorrected, NDArray[np.bool_]]:
    """Return what is to be corrected, and which bits of the sample are wrong."""
    sample_bits = session.parameters.estimate_bits
    method = _method(talk, session, counts)
    if not sample_bits:
        seed = randomness.bytes(32)
        talk.send(Type.SAMPLE, messages.Sample(method, seed, np.zeros(0, np.uint8)).encode())
        return Uncorrected(bits, counts.expected_qber, method, seed), np.zeros(0, bool)
    chosen = np.zeros(len(bits), np.uint8)
    chosen[random_subset(randomness, len(bits), sample_bits)] = 1
    seed = randomness.bytes(32)
    talk.send(Type.SAMPLE, messages.Sample(method, seed, chosen).encode())
    _, body = talk.expect(Type.SAMPLE_BITS)
    theirs = messages.decode_bits(body, sample_bits, Type.SAMPLE_BITS)
    counts.disclosed.estimate += sample_bits
    sample, rest = part_sample(bits, chosen)
    wrong = theirs != sample
    counts.sample_errors = int(np.count_nonzero(wrong))
    talk.send(Type.ESTIMATE, messages.encode_count(counts.sample_errors))
    return Uncorrected(rest, judge_sample(session, counts, len(rest)), method, seed), wrong


def _method(talk: Conversation, session: Session, counts: BlockCounts) -> Method:
    """Choose how to reconcile, by how fast the peer answers, unless the parameters say it."""
    parameters = session.parameters
    if parameters.reconciler != "auto":
        return Method[parameters.reconciler.upper()]
    begin_s, end_s = counts.seconds(parameters.pulse_rate_hz)
    return choose(
        counts.sifted_bits, counts.expected_qber, talk.round_trip_s, end_s - begin_s, speed()
    )


def _reconcile(talk: Conversation, start: Uncorrected, counts: BlockCounts) -> None:
    counts.reconciler = start.method.name.lower()
    reconciler = answering(start.method, start.bits, start.qber, start.seed)
    while True:
        kind, body = _expect_or_drop(talk, Type.QUERY, Type.CORRECTED)
        if kind is Type.CORRECTED:
            return
        answer = reconciler.answer(body)
        counts.disclosed.reconcile = reconciler.disclosed_bits
        counts.round_trips += 1
        talk.send(Type.ANSWER, answer)


def _expect_or_drop(talk: Conversation, *kinds: Type) -> tuple[Type, bytes]:
    """Receive one of `kinds`, or Bob's word that he drops the block.

    Nowhere else is he heard on this: a drop carries no tag, and one forged while the key is pending
    would let the session go on over a block that Bob holds as final.
    """
    kind, body = talk.expect(*kinds, Type.DROP)
    if kind is Type.DROP:
        reason = messages.decode_drop(body)
        raise BlockDropped(reason, f"the peer dropped the block: {reason}")
    return kind, body


def _verify(
    talk: Conversation,
    session: Session,
    bits: NDArray[np.uint8],
    randomness: Randomness,
    counts: BlockCounts,
) -> None:
    """The hash seed is drawn now, when the correction can no longer depend on it."""
    seed = randomness.bytes(16)
    width = tag_bits(len(bits), session.parameters.eps_cor)
    counts.disclosed.verify += width
    tag = verification_tag(bits, seed, width)
    talk.send(Type.VERIFY, messages.Verify(seed, width, tag).encode())
    _, body = _expect_or_drop(talk, Type.VERIFIED)
    errors = messages.decode_count(body, Type.VERIFIED)
    if not counts.sample_errors <= errors <= counts.sample_errors + len(bits):
        raise ProtocolError("the peer's number of errors is impossible; the session was ended")
    counts.errors = errors
    judge_errors(session, counts)


def _amplify(
    talk: Conversation, bits: NDArray[np.uint8], length: int, randomness: Randomness
) -> NDArray[np.uint8]:
    """The seed is fresh, and drawn only after positions, bits and length are fixed."""
    seed = random_packed_bits(randomness, modified_seed_bits(len(bits), length))
    talk.send(Type.AMPLIFY, messages.Amplify(length, seed).encode())
    return amplify_modified(bits, seed, length)


def _confirm(talk: Conversation, crop: Harvest, keys: KeySink, counts: BlockCounts) -> None:
    """Pending once Bob's tag over the transcript verified; final once he says that his key is."""
    key = crop.key
    talk.expect(Type.CONFIRM)
    talk.expect_tag()
    keys.put_pending(key, crop.refill_to_bob, crop.refill_to_alice)
    talk.send(Type.CONFIRM)
    talk.send_tag(use_reserve=True)
    talk.expect(Type.COMMIT)
    talk.expect_tag()
    keys.commit(key.key_id)
    counts.final = True

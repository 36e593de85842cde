"""Bob's half of a block. Lay it beside `block_alice`: every send there is an expect here.

Announce → (bases →) estimate → reconcile → verify → length → amplify → confirm. Nothing is final
before the last tag, and nothing Bob says after the announcement depends on his bits but the
disclosed sample and the reconciler's questions, which are counted.
"""

import hmac
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.amplify import amplify_modified, modified_seed_bits
from hexkey.bits import pack_bits
from hexkey.errors import BlockDropped, ProtocolError
from hexkey.estimate import part_sample
from hexkey.placed import Bb84Clicks, DisclosedClicks, MapClicks, Outside
from hexkey.reconcile.method import asking
from hexkey.session import messages
from hexkey.session.bb84 import Sifting, judge_test, sift, test_rate
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
from hexkey.session.messages import Type
from hexkey.session.messages_bb84 import AnnounceBb84, Bases
from hexkey.session.messages_maps import OutsideSample, Verdicts
from hexkey.session.outside import with_a_bit
from hexkey.session.source import SourceCounts
from hexkey.sift_bb84 import CROSS
from hexkey.verify import tag_bits, verification_tag


@dataclass(frozen=True, slots=True)
class SiftedBlock:
    """Bob's sifted bits of one block: a bit for each pulse he will announce.

    For maps the phases of their clicks, and the clicks outside the gate that he will disclose, but
    for BB84's cross clicks: None where there are none to be had.
    """

    number: int
    epoch: int
    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8] = field(repr=False)
    bases: NDArray[np.uint8] | None = None  # with bb84: of `hexkey.sift_bb84`
    phases: NDArray[np.uint32] | None = field(default=None, repr=False)
    outside: Outside | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a block's clicks for maps before correction tells of the key basis.

    `pulses` were sent for it; of the clicks outside the verdicts are on those `with_a_bit`.
    """

    sifting: Sifting
    bases: NDArray[np.uint8]
    phases: NDArray[np.uint32] = field(repr=False)
    outside: Outside
    verdicts: Verdicts
    pulses: int

    def clicks(self, key_wrong: NDArray[np.bool_]) -> Bb84Clicks:
        """Return all of them, where these bits of the key basis were wrong."""
        assert self.outside.bases is not None
        assert self.verdicts.matched is not None
        inside, beside = len(self.bases), len(self.outside)
        wrong = np.zeros(inside + beside, np.bool_)
        wrong[:inside][self.sifting.key] = key_wrong
        wrong[:inside][self.sifting.test] = self.verdicts.sample
        matched = np.concatenate((self.sifting.key | self.sifting.test, np.zeros(beside, np.bool_)))
        told = inside + np.flatnonzero(self.outside.bases != CROSS)
        matched[told], wrong[told] = self.verdicts.matched, self.verdicts.outside
        return Bb84Clicks(
            np.concatenate((self.phases, self.outside.phases)),
            np.concatenate((self.bases, self.outside.bases)),
            matched,
            wrong,
            self.pulses,
        )


def bob_block(
    talk: Conversation, session: Session, block: SiftedBlock, keys: KeySink, counts: BlockCounts
) -> MapClicks | None:
    """Distil one block with Alice and store its key; `counts` tells how it went.

    Returns
    -------
    MapClicks or None
        What maps are made of, under Alice's last tag; None where the session or the block has none.

    Raises
    ------
    BlockDropped
        The block ended without a key, on both sides; the session may go on.
    ChannelError, AuthenticationError
        The session is over. If the key is pending, the next handshake settles it.
    """
    talk.begin(session.session_id)
    clicks: MapClicks | None = None
    if block.bases is None:
        start, clicks = _begin_b92(talk, session, block, counts)
        bits = _correct(talk, session, start, counts)
    else:
        start, seen = _begin_bb84(talk, session, block, block.bases, counts)
        bits = _correct(talk, session, start, counts)
        clicks = None if seen is None else seen.clicks(bits != start.bits)
    length = key_length(session, counts, len(bits))
    amplified = _amplify(talk, bits, length)
    _confirm(talk, harvest(session, counts, amplified), keys, counts)
    return clicks


def bob_correct(
    talk: Conversation, session: Session, bits: NDArray[np.uint8], counts: BlockCounts
) -> NDArray[np.uint8]:
    """Estimate, reconcile and verify: return Alice's bits, without the disclosed sample."""
    start, _ = _estimate(talk, session, bits, counts)
    return _correct(talk, session, start, counts)


def _correct(
    talk: Conversation, session: Session, start: Uncorrected, counts: BlockCounts
) -> NDArray[np.uint8]:
    corrected = _reconcile(talk, start, counts)
    _verify(talk, session, corrected, counts)
    return corrected


def _begin_b92(
    talk: Conversation, session: Session, block: SiftedBlock, counts: BlockCounts
) -> tuple[Uncorrected, DisclosedClicks | None]:
    """Announce pulses, and nothing else of them; all of their bits enter, but for the sample.

    Clicks outside the gate are disclosed under the same tag: Alice answers nothing of them before.
    """
    talk.send(Type.ANNOUNCE, messages.Announce(block.number, block.epoch, block.pulses).encode())
    outside = _disclose_outside(talk, session, block.outside, counts)
    talk.send_tag()
    _expect_source(talk, session, counts)
    judge_source(session, counts)
    start, chosen = _estimate(talk, session, block.bits, counts)
    if not session.parameters.maps:
        return start, None
    _, body = talk.expect(Type.VERDICTS)
    sample_bits = session.parameters.estimate_bits
    verdicts = Verdicts.decode(body, sample_bits, counts.sample_errors, outside)
    if block.phases is None or block.outside is None:
        return start, None  # without those outside the gate, clicks inside would count too much
    phases = np.concatenate((block.phases[chosen != 0], block.outside.phases))
    return start, DisclosedClicks(phases, np.concatenate((verdicts.sample, verdicts.outside)))


def _disclose_outside(
    talk: Conversation, session: Session, clicks: Outside | None, counts: BlockCounts
) -> int:
    """Disclose clicks outside the gate, where the session has maps; return how many."""
    if not session.parameters.maps:
        return 0
    if clicks is None:
        clicks = Outside.concatenate([])
    sample = OutsideSample.of(clicks)
    talk.send(Type.OUTSIDE, sample.encode())
    counts.disclosed.outside += len(sample)
    return len(sample)


def _expect_source(talk: Conversation, session: Session, counts: BlockCounts) -> None:
    if session.g2_limit:
        _, body = talk.expect(Type.SOURCE)
        counts.source = SourceCounts.decode(body)


def _begin_bb84(
    talk: Conversation,
    session: Session,
    block: SiftedBlock,
    bases: NDArray[np.uint8],
    counts: BlockCounts,
) -> tuple[Uncorrected, Seen | None]:
    """Announce pulses and bases, learn Alice's, disclose the test basis; the key's bits enter.

    Clicks outside the gate are disclosed under the tag of the announcement.
    """
    assert counts.bb84 is not None
    assert session.bb84 is not None
    announce = AnnounceBb84(block.number, block.epoch, block.pulses, bases)
    talk.send(Type.ANNOUNCE_BB84, announce.encode())
    beside = None if block.outside is None else with_a_bit(block.outside)
    outside = _disclose_outside(talk, session, beside, counts)
    talk.send_tag()
    _expect_source(talk, session, counts)
    _, body = talk.expect(Type.BASES)
    talk.expect_tag()
    judge_source(session, counts)
    theirs = Bases.decode(body, len(bases))
    if theirs.sent_key + theirs.sent_test <= int(block.pulses[-1] - block.pulses[0]):
        raise ProtocolError("the peer sent fewer pulses than a block spans; the session was ended")
    sifting = sift(counts.bb84, bases, theirs.bases, theirs.sent_key, theirs.sent_test)
    counts.sifted_bits = counts.bb84.key_bits
    disclosed = block.bits[sifting.test]
    talk.send(Type.SAMPLE_BITS, pack_bits(disclosed))
    counts.disclosed.estimate += len(disclosed)
    counts.bb84.test_ones = int(disclosed.sum())
    _, body = talk.expect(Type.ESTIMATE)
    counts.bb84.test_errors = messages.decode_count(body, Type.ESTIMATE)
    if counts.bb84.test_errors > len(disclosed):
        raise ProtocolError(
            "the peer counts more errors than disclosed bits; the session was ended"
        )
    parameters = session.parameters
    judge_test(session.bb84, parameters, counts.bb84, refill_bits(parameters))
    seen: Seen | None = None
    if parameters.maps:
        _, body = talk.expect(Type.VERDICTS)
        verdicts = Verdicts.decode(
            body, len(disclosed), counts.bb84.test_errors, outside, bases=True
        )
        if block.phases is not None and block.outside is not None:
            pulses = theirs.sent_key + theirs.sent_test
            seen = Seen(sifting, bases, block.phases, block.outside, verdicts, pulses)
    counts.expected_qber = counts.expected_qber or test_rate(counts.bb84)
    _, body = talk.expect(Type.SAMPLE)
    how = _agreed(session, messages.Sample.decode(body, 0, 0))
    start = Uncorrected(block.bits[sifting.key], counts.expected_qber, how.method, how.seed)
    return start, seen


def _estimate(
    talk: Conversation, session: Session, bits: NDArray[np.uint8], counts: BlockCounts
) -> tuple[Uncorrected, NDArray[np.uint8]]:
    """Return what is to be corrected, and 1 for each bit that was disclosed."""
    sample_bits = session.parameters.estimate_bits
    _, body = talk.expect(Type.SAMPLE)
    sample = _agreed(session, messages.Sample.decode(body, len(bits), sample_bits))
    if not sample_bits:
        start = Uncorrected(bits, counts.expected_qber, sample.method, sample.seed)
        return start, np.zeros(len(bits), np.uint8)
    disclosed, rest = part_sample(bits, sample.chosen)
    talk.send(Type.SAMPLE_BITS, pack_bits(disclosed))
    counts.disclosed.estimate += sample_bits
    _, body = talk.expect(Type.ESTIMATE)
    counts.sample_errors = messages.decode_count(body, Type.ESTIMATE)
    if counts.sample_errors > sample_bits:
        raise ProtocolError(
            "the peer counts more errors than disclosed bits; the session was ended"
        )
    qber = judge_sample(session, counts, len(rest))
    return Uncorrected(rest, qber, sample.method, sample.seed), sample.chosen


def _agreed(session: Session, sample: messages.Sample) -> messages.Sample:
    agreed = session.parameters.reconciler
    if agreed not in ("auto", sample.method.name.lower()):
        raise ProtocolError(
            f"the peer reconciles by {sample.method.name.lower()} where {agreed} was agreed; the "
            "session was ended"
        )
    return sample


def _reconcile(talk: Conversation, start: Uncorrected, counts: BlockCounts) -> NDArray[np.uint8]:
    counts.reconciler = start.method.name.lower()
    reconciler = asking(start.method, start.bits, start.qber, start.seed)
    query: bytes | None = reconciler.start()
    while query is not None:
        counts.disclosed.reconcile = reconciler.asked_bits
        talk.send(Type.QUERY, query)
        _, answer = talk.expect(Type.ANSWER)
        try:
            query = reconciler.receive(answer)
        except BlockDropped as drop:
            talk.send(Type.DROP, drop.reason.encode())
            raise
    talk.send(Type.CORRECTED)
    corrected = reconciler.bits
    errors = int(np.count_nonzero(corrected != start.bits))
    counts.errors = counts.sample_errors + errors  # counts only once it is verified
    counts.round_trips = reconciler.round_trips
    return corrected


def _verify(
    talk: Conversation, session: Session, bits: NDArray[np.uint8], counts: BlockCounts
) -> None:
    _, body = talk.expect(Type.VERIFY)
    verify = messages.Verify.decode(body)
    counts.disclosed.verify += verify.tag_bits
    if verify.tag_bits != tag_bits(len(bits), session.parameters.eps_cor):
        raise ProtocolError(
            "the peer's verification tag is of another length; the session was ended"
        )
    tag = verification_tag(bits, verify.seed, verify.tag_bits)
    if not hmac.compare_digest(tag, verify.tag):
        talk.send(Type.DROP, b"verification")
        raise BlockDropped("verification", "the corrected bits differ from the peer's")
    talk.send(Type.VERIFIED, messages.encode_count(counts.errors))
    judge_errors(session, counts)


def _amplify(talk: Conversation, bits: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    _, body = talk.expect(Type.AMPLIFY)
    order = messages.Amplify.decode(body, modified_seed_bits(len(bits), length))
    if order.length != length:
        raise ProtocolError(
            f"the peer fixes {order.length} bits where the counts give {length}; the session was "
            "ended"
        )
    return amplify_modified(bits, order.seed, length)


def _confirm(talk: Conversation, crop: Harvest, keys: KeySink, counts: BlockCounts) -> None:
    """Pending before it is confirmed, final only once Alice's tag over the transcript verified."""
    key = crop.key
    keys.put_pending(key, crop.refill_to_bob, crop.refill_to_alice)
    talk.send(Type.CONFIRM)
    talk.send_tag(use_reserve=True)
    talk.expect(Type.CONFIRM)
    talk.expect_tag()
    keys.commit(key.key_id)
    counts.final = True
    talk.send(Type.COMMIT)
    talk.send_tag(use_reserve=True)

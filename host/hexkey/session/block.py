"""What both halves of a block share: the count of disclosed bits, the length, the key.

The halves themselves are `block_bob` and `block_alice`; lay them side by side.
"""

import hashlib
import math
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hexkey.authenticate import KEY_BITS
from hexkey.bits import pack_bits
from hexkey.errors import BlockDropped
from hexkey.estimate import Estimate, estimate_qber
from hexkey.keyrate import b92
from hexkey.reconcile import Method
from hexkey.session.bb84 import Bb84Counts, Bb84Terms, observed_key, secrecy
from hexkey.session.conversation import EPSILON_TAG
from hexkey.session.parameters import SessionParameters
from hexkey.session.source import SourceCounts, judge
from hexkey.store import DemonstrationKey, Key, SecretKey

ANNOUNCING_TAGS = {"b92": 1, "bb84": 2}  # Bob's announcement, and with bb84 Alice's bases
CONFIRMING_TAGS = 3  # both confirmations, Bob's commit


@dataclass(slots=True)
class Disclosed:
    """Bits said in public, added where each is sent or received."""

    offset: int = 0
    estimate: int = 0
    reconcile: int = 0
    verify: int = 0
    outside: int = 0  # of pulses that make no key: nothing is subtracted for them

    def add(self, other: "Disclosed") -> None:
        self.offset += other.offset
        self.estimate += other.estimate
        self.reconcile += other.reconcile
        self.verify += other.verify
        self.outside += other.outside


class KeySink(Protocol):
    """Where keys go: a `hexkey.store.Store`."""

    def put_pending(
        self, key: Key, refill_alice_to_bob: bytes, refill_bob_to_alice: bytes
    ) -> None: ...

    def commit(self, key_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Session:
    """What every block of a session has in common on one side."""

    session_id: str
    parameters: SessionParameters
    reasons: tuple[str, ...]
    bb84: Bb84Terms | None = None  # what else is agreed with that protocol
    secret: bool = False  # every condition of hexkey.conditions holds; then there are no reasons
    g2_limit: float = 0.0  # of the g² counted at Alice's source; 0 where none is counted

    def __post_init__(self) -> None:
        if (self.bb84 is not None) != (self.parameters.protocol == "bb84"):
            raise ValueError("bb84 has terms, and no other protocol")
        if self.secret and (self.reasons or self.bb84 is None):
            raise ValueError("only BB84 without a reason for a demonstration makes secret keys")

    @property
    def tags_per_block(self) -> int:
        return ANNOUNCING_TAGS[self.parameters.protocol] + CONFIRMING_TAGS

    @property
    def auth_bits_per_block(self) -> int:
        """Bits of the pool that a block takes, whatever its size."""
        return KEY_BITS * self.tags_per_block


@dataclass(frozen=True, slots=True)
class Uncorrected:
    """What reconciliation starts from: the block without its sample, and how to go about it."""

    bits: NDArray[np.uint8] = field(repr=False)
    qber: float
    method: Method
    seed: bytes


@dataclass(slots=True)
class BlockCounts:
    """How a block is going; complete once the block is."""

    block: int
    sifted_bits: int
    first_pulse: int = 0
    last_pulse: int = 0
    expected_qber: float = 0.0  # correction starts from it where no sample is disclosed
    disclosed: Disclosed = field(default_factory=Disclosed)
    sample_errors: int = 0
    estimated: Estimate | None = None
    errors: int = 0  # in sample and rest; known only after verification
    reconciler: str = ""
    round_trips: int = 0
    secret_bits: int = 0
    refill_bits: int = 0
    epsilon: dict[str, float] = field(default_factory=dict)
    final: bool = False  # the key is committed here
    auth_bits: int = 0
    bb84: Bb84Counts | None = None  # then sifted_bits and errors are of the key's basis
    source: SourceCounts | None = None  # as counted at Alice; a tag may not cover it yet
    source_failed: bool = False  # in this block or an earlier one of the session

    @property
    def qber(self) -> float:
        return self.errors / self.sifted_bits if self.sifted_bits else 0.0

    def seconds(self, pulse_rate_hz: int) -> tuple[float, float]:
        """Return when the block's pulses began and ended, in seconds of the epoch."""
        return self.first_pulse / pulse_rate_hz, (self.last_pulse + 1) / pulse_rate_hz

    def facts(self) -> dict[str, Any]:
        """Return what may be said of the block: public statistics only."""
        return {
            "block": self.block,
            "sifted_bits": self.sifted_bits,
            "errors": self.errors,
            "qber": self.qber,
            "disclosed_bits": asdict(self.disclosed),
            "secret_bits": self.secret_bits,
            "refill_bits": self.refill_bits,
            "auth_bits": self.auth_bits,
            "reconciler": self.reconciler,
            "round_trips": self.round_trips,
            "estimate": asdict(self.estimated) if self.estimated else None,
            "bb84": self.bb84.facts() if self.bb84 else None,
            "source": asdict(self.source) if self.source else None,
            "epsilon": self.epsilon,
        }

    def seen_qber(self) -> float | None:
        """Return what both sides know of the error rate of a block that was dropped, if anything.

        Public, but not authenticated: for people.
        """
        if self.bb84 is not None:
            bits = self.bb84.test_bits
            return self.bb84.test_errors / bits if bits else None
        return self.estimated.qber if self.estimated else None


def key_length(session: Session, counts: BlockCounts, remaining_bits: int) -> int:
    """Return the length that amplification may keep, from the bits disclosed as counted.

    Both sides compute it from the same numbers.

    Raises
    ------
    BlockDropped
        With reason ``length`` if nothing would be left after the pool's refill.
    """
    if session.parameters.protocol == "bb84":
        length = _length_bb84(session, counts)
    else:
        length = _length_b92(session.parameters, counts, remaining_bits)
    if length <= refill_bits(session.parameters):
        raise BlockDropped(
            "length",
            "after error correction too few bits are left for a key and the pool's refill",
        )
    return length


def _length_b92(parameters: SessionParameters, counts: BlockCounts, remaining_bits: int) -> int:
    """Return the length by Eq. 5 of Tapşın et al. with what was counted.

    The leak is counted bit by bit, the error rate is that of the verified bits, and the
    verification tag's bits are in place of ``log2(2/eps_cor)``.
    """
    errors_left = counts.errors - counts.sample_errors
    return b92.key_length_unproven(
        remaining_bits,
        errors_left / remaining_bits,
        counts.disclosed.reconcile,
        parameters.eps_pa,
        parameters.eps_cor,
        verification_bits=counts.disclosed.verify,
    )


def _length_bb84(session: Session, counts: BlockCounts) -> int:
    """From the test basis' errors and the bounds on pulses of several photons."""
    assert session.bb84 is not None
    assert counts.bb84 is not None
    disclosed = counts.disclosed
    return observed_key(
        session.bb84, session.parameters, counts.bb84, disclosed.reconcile, disclosed.verify
    ).bits


def judge_sample(session: Session, counts: BlockCounts, remaining_bits: int) -> float:
    """Estimate the QBER from the disclosed sample; drop the block if the abort rule says so.

    The rule (sample's error rate above `qber_abort`) depends on disclosed numbers alone, so both
    sides come to the same without another message. Returns the estimate for the reconciler.
    """
    parameters = session.parameters
    counts.estimated = estimate_qber(
        parameters.estimate_bits, counts.sample_errors, remaining_bits, parameters.eps_pa
    )
    if counts.estimated.qber > parameters.qber_abort:
        raise BlockDropped(
            "qber",
            f"the sample's QBER of {counts.estimated.qber:.2%} is above the limit of "
            f"{parameters.qber_abort:.2%}",
        )
    return counts.estimated.qber


def judge_errors(session: Session, counts: BlockCounts) -> None:
    """Drop a block without a sample if more errors were found than the abort rule allows.

    Only once the block is verified: before, the number is Bob's guess. Alice has it from a message
    that no tag covers yet. A changed number parts the two sides here or in the key length, and ends
    the session; no key is pending before a tag over it has verified.

    Raises
    ------
    BlockDropped
        With reason ``qber``.
    """
    parameters = session.parameters
    if not parameters.estimate_bits and counts.qber > parameters.qber_abort:
        raise BlockDropped(
            "qber",
            f"the verified block's QBER of {counts.qber:.2%} is above the limit of "
            f"{parameters.qber_abort:.2%}",
        )


def judge_source(session: Session, counts: BlockCounts) -> None:
    """Drop a block, and all that follow, once Alice's source is not shown to be what was stated.

    Both sides come to the same from the counts that she sent.

    Raises
    ------
    BlockDropped
        With reason ``source``.
    """
    if counts.source is None:
        return
    verdict = judge(counts.source, session.g2_limit)
    counts.source_failed |= verdict.degraded
    if counts.source_failed:
        raise BlockDropped(
            "source",
            f"the upper bound {verdict.high or math.inf:.3g} of the g² counted at Alice's source, "
            "or an earlier one of this session, is above the "
            f"{session.g2_limit:.3g} that her keys count on: "
            "look at the source, or count for longer ([source_monitor] seconds)",
        )
    if not verdict.good:
        raise BlockDropped(
            "source",
            f"g² at Alice's source is counted for {verdict.needed_s:.3g} s more before it is known "
            "to be what her keys count on",
        )


def new_counts(block: int, parameters: SessionParameters, last: BlockCounts | None) -> BlockCounts:
    """Return the counts that a block begins with, the same on both sides."""
    counts = BlockCounts(
        block, parameters.block_bits, expected_qber=expected_qber(parameters, last)
    )
    counts.source_failed = last is not None and last.source_failed
    if parameters.protocol == "bb84":
        counts.sifted_bits = 0  # until Alice's bases are known
        counts.bb84 = Bb84Counts(parameters.block_bits)
    return counts


def expected_qber(parameters: SessionParameters, last: BlockCounts | None) -> float:
    """Return what correction starts from where no sample is disclosed; the same on both sides.

    It is `qber_expected` for a session's first block, and the error rate of the last block where
    that one's key is final: its number of errors was under the last tags. After a block that was
    dropped it is `qber_abort`. Of such a block nothing is authenticated, and what it was dropped
    for may be that too few errors were expected; with that rate any block that may make a key can
    be corrected. It has no part in the key's length. With BB84 it is 0 in these two cases, until
    the block's own test basis tells (`hexkey.session.bb84.test_rate`).
    """
    if last is not None and last.final:
        return last.qber
    if parameters.protocol == "bb84":
        return 0.0
    return parameters.qber_expected if last is None else parameters.qber_abort


def refill_bits(parameters: SessionParameters) -> int:
    return KEY_BITS * (parameters.refill_to_alice + parameters.refill_to_bob)


def epsilon_of_block(session: Session) -> dict[str, float]:
    """Return what each block adds to the session's epsilon, by its role.

    The one measurement of Alice's source stands behind all blocks; counted for each, it is counted
    in excess, and every key carries it.
    """
    parameters = session.parameters
    roles = {
        "sec": parameters.eps_pa,
        "cor": parameters.eps_cor,
        "auth": session.tags_per_block * EPSILON_TAG,
    }
    if session.bb84 is not None:
        roles |= {"sec": secrecy(parameters), "source": session.bb84.source_epsilon}
    return roles


@dataclass(frozen=True, slots=True)
class Harvest:
    """A block's amplified bits, divided: the pool's refill first, then the key."""

    key: Key
    refill_to_bob: bytes = field(repr=False)
    refill_to_alice: bytes = field(repr=False)


def harvest(session: Session, counts: BlockCounts, amplified: NDArray[np.uint8]) -> Harvest:
    """Divide the amplified bits and label the key. Completes `counts`."""
    parameters = session.parameters
    cut_bob = KEY_BITS * parameters.refill_to_bob
    cut = refill_bits(parameters)
    counts.refill_bits = cut
    counts.secret_bits = len(amplified) - cut
    counts.epsilon = epsilon_of_block(session)
    counts.auth_bits = session.auth_bits_per_block
    name, bits = key_id(session, counts.block), amplified[cut:]
    facts, epsilon = counts.facts(), sum(counts.epsilon.values())
    key: Key
    if session.secret:
        key = SecretKey.fresh(name, bits, facts, epsilon)
    else:
        key = DemonstrationKey.fresh(name, bits, session.reasons, facts, epsilon)
    return Harvest(key, pack_bits(amplified[:cut_bob]), pack_bits(amplified[cut_bob:cut]))


def key_id(session: Session, block: int) -> str:
    """Name a block's key: both sides derive the same public identifier."""
    name = f"{session.session_id}/{block}".encode()
    return str(uuid.UUID(bytes=hashlib.sha256(name).digest()[:16]))

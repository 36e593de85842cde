"""What BB84 adds to a session and to a block: its terms, its counts, and the key they leave."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import BlockDropped
from hexkey.keyrate.bb84_single_observed import ObservedBlock, ObservedKey, key_length, secrecy_of
from hexkey.session.parameters import SessionParameters
from hexkey.sift_bb84 import CROSS, KEY, TEST

RECORD_PULSES = 2.0**50  # as many as a record may have (a year at 40 MHz): a block's end is in it
RANGES = RECORD_PULSES**2 / 2  # stretches of pulses that a block could have been


@dataclass(frozen=True, slots=True)
class Bb84Terms:
    """What both parties know of source and splitter, from the statements of the handshake.

    Attributes
    ----------
    alice_key_probability : float
        p_X of Alice.
    bob_key_probability : float
        Upper bound of p_X of Bob, from 1/2: the splitter's share.
    multiphoton_upper, source_epsilon : float
        Upper bound of the probability that a pulse has several photons, measured inside Alice, and
        the chance that it is wrong. Both 0 without a measurement: then only demonstrations.
    """

    alice_key_probability: float
    bob_key_probability: float
    multiphoton_upper: float
    source_epsilon: float

    def to_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(slots=True)
class Bb84Counts:
    """What a block of BB84 is made of; all of it is said in public.

    Attributes
    ----------
    clicks : int
        Announced pulses: in Bob's key basis, in his test basis, and cross clicks.
    key_clicks, test_clicks, cross_clicks : int
        These three.
    sent_key, sent_test : int
        Pulses that Alice sent in either basis since the last block, whatever became of them.
    key_bits, test_bits : int
        Clicks in either basis of Bob's which is Alice's, too.
    test_errors, test_ones : int
        Wrong bits among those of the test basis, and ones among Bob's: their bias is public.
    single_lower : int
        Bits of the key basis that are of single photons, at least; 0 before it is known.
    phase_error_upper : float
        Their errors in the other basis, at most.
    """

    clicks: int
    key_clicks: int = 0
    test_clicks: int = 0
    cross_clicks: int = 0
    sent_key: int = 0
    sent_test: int = 0
    key_bits: int = 0
    test_bits: int = 0
    test_errors: int = 0
    test_ones: int = 0
    single_lower: int = 0
    phase_error_upper: float = 0.5

    def facts(self) -> dict[str, Any]:
        """Return what may be said: all of it, and the test basis' QBER and share of ones."""
        bits = self.test_bits
        return {
            **asdict(self),
            "test_qber": self.test_errors / bits if bits else None,
            "test_ones_share": self.test_ones / bits if bits else None,
        }


@dataclass(frozen=True, slots=True)
class Sifting:
    """Which announced pulses serve what, once both parties' bases are known: (n,) bool each."""

    key: NDArray[np.bool_]
    test: NDArray[np.bool_]


def sift(
    counts: Bb84Counts,
    bob_bases: NDArray[np.uint8],
    alice_bases: NDArray[np.uint8],
    sent_key: int,
    sent_test: int,
) -> Sifting:
    """Keep the pulses whose bases match, and count all of them. Both sides come to the same."""
    key = (bob_bases == KEY) & (alice_bases == KEY)
    test = (bob_bases == TEST) & (alice_bases == TEST)
    counts.key_clicks = int(np.count_nonzero(bob_bases == KEY))
    counts.test_clicks = int(np.count_nonzero(bob_bases == TEST))
    counts.cross_clicks = int(np.count_nonzero(bob_bases == CROSS))
    counts.sent_key, counts.sent_test = sent_key, sent_test
    counts.key_bits = int(np.count_nonzero(key))
    counts.test_bits = int(np.count_nonzero(test))
    return Sifting(key, test)


def secrecy(parameters: SessionParameters) -> float:
    """Return the ε of secrecy of a block."""
    return secrecy_of(parameters.eps_smoothing, parameters.eps_pa, passive=True)


def observed_key(
    terms: Bb84Terms,
    parameters: SessionParameters,
    counts: Bb84Counts,
    reconcile_bits: int,
    verification_bits: int,
) -> ObservedKey:
    """Return the key that the counts leave; completes them with its bounds.

    A dark count picks one of the four detectors: it falls into either basis with 1/2, which bounds
    the test basis' share for pulses without a photon, and the splitter's share (1/2 at least) the
    key basis' one.
    """
    block = ObservedBlock(
        sent_key=counts.sent_key,
        sent_test=counts.sent_test,
        clicks_key=counts.key_bits,
        clicks_test=counts.test_bits,
        errors_test=counts.test_errors,
        multiphoton_upper=terms.multiphoton_upper,
        bob_key_bias=terms.bob_key_probability,
        bob_test_bias=0.5,
        clicks=counts.clicks,
        cross_clicks=counts.cross_clicks,
        splitter_upper=terms.bob_key_probability,
        ranges=RANGES,
    )
    key = key_length(
        block,
        reconcile_bits,
        verification_bits,
        parameters.eps_smoothing,
        parameters.eps_pa,
    )
    counts.single_lower, counts.phase_error_upper = key.single_lower, key.phase_error_upper
    return key


def test_rate(counts: Bb84Counts) -> float:
    """Return what correction starts from where no earlier block tells: the test basis' QBER.

    One error more than was seen, so that it is never 0. It has no part in the key's length.
    """
    return min(0.25, (counts.test_errors + 1) / (counts.test_bits + 1))


def judge_test(
    terms: Bb84Terms, parameters: SessionParameters, counts: Bb84Counts, least_bits: int
) -> None:
    """Drop a block by what its test basis shows, before anything of its key basis is disclosed.

    Both sides come to the same from disclosed numbers alone.

    Raises
    ------
    BlockDropped
        ``qber``: more errors than the abort rule allows; ``length``: even if correction disclosed
        nothing, no more than `least_bits` would be left.
    """
    if counts.test_errors > parameters.qber_abort * counts.test_bits:
        raise BlockDropped(
            "qber",
            f"the test basis' QBER of {counts.test_errors / counts.test_bits:.2%} is above the "
            f"limit of {parameters.qber_abort:.2%}",
        )
    key = observed_key(terms, parameters, counts, 0, 0)
    if key.bits <= least_bits:
        raise BlockDropped("length", f"the block can make no key: {key.reason or 'too few bits'}")

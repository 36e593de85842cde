"""What a pulse is with BB84: a bit of either basis, right, wrong or drawn, a cross click, or none.

The rules are those of `hexkey.sift_bb84`. A double click within a basis gets a random bit, which is
wrong half the time: it counts as half an error, the mean over what might have been drawn.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate
from hexkey.maps.count import Kinds, KindTable, Windows
from hexkey.maps.reading import Sample
from hexkey.party.tag_source import BLOCK_CLICKS_BB84
from hexkey.record import RecordReader
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters
from hexkey.sift import Sifter
from hexkey.sift_bb84 import KEY

KEY_MASK, TEST_SHIFT = 0b0011, 2  # detectors of the bases
KEY_SYMBOL = 2  # of what Alice sent: her bit, and this in the key's basis

Counts = NDArray[np.int64]
Halves = NDArray[np.float64]


class Kind(IntEnum):
    """Of a pulse with a click. The first six are of Alice's basis."""

    KEY_RIGHT = 0
    KEY_WRONG = 1
    KEY_DOUBLE = 2
    TEST_RIGHT = 3
    TEST_WRONG = 4
    TEST_DOUBLE = 5
    CROSS = 6
    OTHER = 7
    OTHER_DOUBLE = 8


@dataclass(frozen=True, slots=True)
class Bb84WindowCounts:
    """What each gate of a grid gives, as a session counts it (`hexkey.session.bb84.Bb84Counts`).

    Attributes
    ----------
    windows : Windows
    clicks, crosses : (S, W) int64
        Pulses that Bob announces, and the cross clicks among them.
    key_bits, test_bits : (S, W) int64
        Clicks in either basis of Bob's which is Alice's, too.
    key_errors, test_errors : (S, W) float64
        Wrong bits among them, those of double clicks as halves.
    doubles : (S, W) int64
        Double clicks within a basis, whatever became of them.
    """

    windows: Windows
    clicks: Counts
    crosses: Counts
    key_bits: Counts
    key_errors: Halves
    test_bits: Counts
    test_errors: Halves
    doubles: Counts

    @staticmethod
    def of_kinds(windows: Windows, kinds: Kinds, *, discard: bool = False) -> "Bb84WindowCounts":
        """Return what counts of BB84's kinds mean; ValueError for those of another protocol.

        With `discard` double clicks are dropped, which is a rule for demonstrations.
        """
        if kinds.shape[-1] != len(Kind):
            raise ValueError(f"BB84 has {len(Kind)} kinds of pulses, not {kinds.shape[-1]}")
        of = {kind: kinds[..., kind] for kind in Kind}
        doubles = of[Kind.KEY_DOUBLE] + of[Kind.TEST_DOUBLE] + of[Kind.OTHER_DOUBLE]
        drawn = 0 if discard else 1
        key, test = drawn * of[Kind.KEY_DOUBLE], drawn * of[Kind.TEST_DOUBLE]
        return Bb84WindowCounts(
            windows,
            kinds.sum(axis=-1) - (1 - drawn) * doubles,
            of[Kind.CROSS],
            of[Kind.KEY_RIGHT] + of[Kind.KEY_WRONG] + key,
            of[Kind.KEY_WRONG] + key / 2,
            of[Kind.TEST_RIGHT] + of[Kind.TEST_WRONG] + test,
            of[Kind.TEST_WRONG] + test / 2,
            doubles,
        )


@dataclass(frozen=True, slots=True)
class Stated:
    """What is known of a setup besides what a recording says of it; None where nothing is.

    Attributes
    ----------
    multiphoton_upper, source_epsilon, bob_key_probability : float
        As in `hexkey.session.bb84.Bb84Terms`.
    discard : bool
        Double clicks are dropped, not drawn.
    parameters : SessionParameters
    """

    multiphoton_upper: float | None = None
    source_epsilon: float | None = None
    bob_key_probability: float | None = None
    discard: bool | None = None
    parameters: SessionParameters | None = None


@dataclass(frozen=True, slots=True)
class Bb84Reading:
    """A recording of BB84, and the terms of the session that it is tuned for.

    Attributes
    ----------
    terms : Bb84Terms
    parameters : SessionParameters
    discard : bool
        Double clicks are dropped, not drawn.
    """

    terms: Bb84Terms
    parameters: SessionParameters
    discard: bool = False
    wrong = (Kind.KEY_WRONG, Kind.TEST_WRONG)

    @staticmethod
    def of_record(record: RecordReader, pulse_rate_hz: float) -> "Bb84Reading":
        """Return that of an even splitter, and of a source of which nothing is known."""
        parameters = SessionParameters(
            protocol="bb84",
            pulse_rate_hz=round(pulse_rate_hz),
            block_bits=BLOCK_CLICKS_BB84,
            estimate_bits=0,
        )
        alice = record.statement.key_basis_probability or 0.0
        return Bb84Reading(Bb84Terms(alice, 0.5, 0.0, 0.0), parameters)

    def with_stated(self, stated: Stated) -> "Bb84Reading":
        """Return what holds where something is stated besides."""
        names = ("multiphoton_upper", "source_epsilon", "bob_key_probability")
        told = {name: getattr(stated, name) for name in names if getattr(stated, name) is not None}
        return Bb84Reading(
            replace(self.terms, **told),
            stated.parameters or self.parameters,
            self.discard if stated.discard is None else stated.discard,
        )

    @property
    def table(self) -> KindTable:
        kind = [[_kind(mask, sent) for sent in range(4)] for mask in range(1 << DETECTORS)]
        return KindTable(np.array(kind, np.uint8), len(Kind))

    def sent(self, record: RecordReader, pulses: NDArray[np.uint64]) -> NDArray[np.uint8]:
        bits, bases = record.bits_at(pulses), record.bases_at(pulses)
        return np.asarray(bits | bases * np.uint8(KEY_SYMBOL))

    def sample(self, events: Events, gate: Gate, period_ticks: int) -> Sample:
        """Return the pulses with one click alone."""
        found = Sifter.of_masks((gate,) * DETECTORS, period_ticks).push_last(events)
        single = found.bit & (found.bit - np.uint8(1)) == 0
        mask = found.bit[single]
        bits = ((mask == 0b0010) | (mask == 0b1000)).astype(np.uint8)
        bases = np.where(mask & KEY_MASK, KEY, 0).astype(np.uint8)
        return Sample(found.pulse[single], bits, bases)


def _kind(mask: int, sent: int) -> int:
    """Return what detectors make of a pulse in which Alice sent a bit, and `KEY_SYMBOL` or not."""
    in_key, in_test = mask & KEY_MASK, mask >> TEST_SHIFT
    if not mask:
        return len(Kind)
    if in_key and in_test:
        return Kind.CROSS
    clicked = in_key or in_test
    double = clicked == KEY_MASK
    if bool(in_key) != bool(sent & KEY_SYMBOL):
        return Kind.OTHER_DOUBLE if double else Kind.OTHER
    first = Kind.KEY_RIGHT if in_key else Kind.TEST_RIGHT
    if double:
        return first + 2
    return first + ((clicked == 0b10) != bool(sent & 1))

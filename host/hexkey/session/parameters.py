"""What the two parties agree on before the first block, and what Bob and Alice each state."""

from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from hexkey.errors import ConfigurationError
from hexkey.reconcile.method import RECONCILERS

# 1 had no SOURCE and no RENEW, 2 no OUTSIDE, no VERDICTS, 3 none with bb84; 4 amplified by a plain
# Toeplitz matrix and cut keys into shorter Cascade blocks.
SESSION_VERSION = 5
PROTOCOLS = ("b92", "bb84")
LEAST_EPS_COR = 1e-30  # a tag of 128 bits over a block of a million
MOST_BLOCK_BITS = 4_000_000  # whose pulses fit into a message
MOST_OUTSIDE = 1_000_000  # clicks outside the gate that are disclosed with a block, in a message


@dataclass(frozen=True, slots=True)
class SessionParameters:
    """Settings that must be the same on both sides; they are under the handshake's tags.

    Attributes
    ----------
    protocol : {"b92", "bb84"}
    pulse_rate_hz : int
        Rate of the source.
    block_bits : int
        With b92 sifted bits in a block, the estimation sample included. With bb84 pulses with a
        click, in either basis or in both: a number that does not depend on any basis (C. Pfister et
        al., New J. Phys. 18, 053001 (2016), on what else an eavesdropper makes of it).
    offset_sample_bits : int
        Sifted bits (with bb84 pulses) Bob discloses, and both drop, to find the pulse-number offset
        of an epoch.
    estimate_bits : int
        Sifted bits of each block disclosed to estimate the QBER. 0 discloses none: the errors found
        in correcting are counted instead, once the block is verified. Always 0 with bb84, which
        discloses its test basis.
    qber_expected : float
        What correction of the first block starts from where no sample is disclosed. Later blocks
        start from the last one's errors (`hexkey.session.block.expected_qber`).
    qber_abort : float
        A block whose sample, or whose verified bits where there is none, shows more errors than
        this is dropped; with bb84 the test basis and the verified bits of the key's.
    eps_pa, eps_cor : float
        Failure probabilities of privacy amplification and of correctness, for each block.
    eps_smoothing : float
        With bb84: each bound of a block fails with its square (`bb84_single_observed`).
    epsilon_limit : float
        The session stops before its accumulated epsilon passes this.
    reconciler : {"auto", "cascade", "ldpc"}
        How errors are corrected; ``auto`` lets Alice choose for each block.
    refill_to_alice, refill_to_bob : int
        Tag keys (256 bits each) that every block puts back into the pool, for the direction
        Bob to Alice and Alice to Bob.
    maps : int
        1 lets maps of the gates grow. The board's gate is then the whole period, the session's is
        the host's, and clicks outside are disclosed: with b92 as large a share as of those inside,
        with bb84 all of them (docs/security.md).
    """

    protocol: str = "b92"
    pulse_rate_hz: int = 40_000_000
    block_bits: int = 40_000
    offset_sample_bits: int = 512
    estimate_bits: int = 1_600
    qber_expected: float = 0.05
    qber_abort: float = 0.11
    eps_pa: float = 1e-10
    eps_cor: float = 1e-15
    eps_smoothing: float = 1e-10
    epsilon_limit: float = 1e-6
    reconciler: str = "auto"
    refill_to_alice: int = 4
    refill_to_bob: int = 2
    maps: int = 0

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ConfigurationError(
                f"protocol {self.protocol!r} cannot be distilled in a session: use "
                f"{' or '.join(map(repr, PROTOCOLS))}"
            )
        if self.protocol == "bb84" and self.estimate_bits:
            raise ConfigurationError(
                "estimate_bits must be 0 with bb84, which estimates from its test basis, not "
                f"{self.estimate_bits}"
            )
        if self.maps not in (0, 1):
            raise ConfigurationError(f"maps must be 0 or 1, not {self.maps}")
        if self.maps and self.protocol == "b92" and not self.estimate_bits:
            raise ConfigurationError(
                "maps need estimate_bits: without a sample no bit of the gate is disclosed; give 64"
                " or more, or set maps to 0"
            )
        if self.reconciler not in RECONCILERS:
            raise ConfigurationError(
                f"reconciler {self.reconciler!r} is unknown: use {', '.join(RECONCILERS)}"
            )
        if self.pulse_rate_hz <= 0:
            raise ConfigurationError(f"pulse_rate_hz must be positive, not {self.pulse_rate_hz}")
        if not 1_000 <= self.block_bits <= MOST_BLOCK_BITS:
            raise ConfigurationError(
                f"block_bits must be between 1000 and {MOST_BLOCK_BITS}, not {self.block_bits}"
            )
        if self.estimate_bits and not 64 <= self.estimate_bits <= self.block_bits // 2:
            raise ConfigurationError(
                "estimate_bits must be 0, or from 64 to half of block_bits, not "
                f"{self.estimate_bits}"
            )
        if not 128 <= self.offset_sample_bits <= 8_191:
            raise ConfigurationError(
                f"offset_sample_bits must be between 128 and 8191, not {self.offset_sample_bits}"
            )
        for name in ("qber_expected", "qber_abort"):
            if not 0 < getattr(self, name) <= 0.25:
                raise ConfigurationError(
                    f"{name} must be above 0 and at most 0.25, not {getattr(self, name)}"
                )
        for name in ("eps_pa", "eps_cor", "eps_smoothing", "epsilon_limit"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigurationError(
                    f"{name} must be between 0 and 1, not {getattr(self, name)}"
                )
        if self.eps_cor < LEAST_EPS_COR:
            raise ConfigurationError(
                f"eps_cor must be at least {LEAST_EPS_COR}, not {self.eps_cor}: the verification "
                "tag has 128 bits at most"
            )
        for name in ("refill_to_alice", "refill_to_bob"):
            if not 0 <= getattr(self, name) <= 1_000:
                raise ConfigurationError(
                    f"{name} must be between 0 and 1000 tag keys, not {getattr(self, name)}"
                )

    @property
    def most_outside(self) -> int:
        """How many clicks outside the gate may be disclosed with a block."""
        if not self.maps:
            return 0
        return MOST_OUTSIDE if self.protocol == "bb84" else min(self.block_bits, MOST_OUTSIDE)

    def to_json(self) -> dict[str, Any]:
        """Return what is said of them; of maps nothing where there are none."""
        said = asdict(self)
        if not self.maps:
            del said["maps"]
        return said

    def differences(self, other: dict[str, Any]) -> str:
        """Say where Bob's parameters differ from these, Alice's; empty if they do not."""
        mine, other = asdict(self), {"maps": 0, **other}
        names = sorted(set(mine) | set(other))
        return "; ".join(
            f"{name} is {mine.get(name, 'unknown')} at Alice and "
            f"{other.get(name, 'unknown')} at Bob"
            for name in names
            if mine.get(name) != other.get(name)
        )


@dataclass(frozen=True, slots=True)
class BobStatement:
    """What Bob says of his side, under the handshake's tag.

    `run` names the board's run; the window (`gate_start_ticks`, `gate_width_ticks`, ticks of
    `tick_ps`) is fixed for the session: another gate is another session. `key_basis_probability`
    is, with BB84, an upper bound of the splitter's share that goes to the key's basis, from 1/2;
    0 with B92.
    """

    run: int
    tick_ps: str
    gate_start_ticks: int
    gate_width_ticks: int
    holdoff_pulses: int
    reasons: tuple[str, ...]
    key_basis_probability: float = 0.0

    def __post_init__(self) -> None:
        if self.key_basis_probability and not 0.5 <= self.key_basis_probability < 1:
            raise ValueError("key_basis_probability must be from 0.5 to below 1")


@dataclass(frozen=True, slots=True)
class AliceStatement:
    """What Alice says of her side: which record, how its bits came about, and its labels.

    With BB84 `key_basis_probability` is hers, `multiphoton_upper` bounds the probability that a
    pulse has several photons, with confidence 1 − `source_epsilon` (both 0 where she has no bound);
    all three are 0 with B92.

    `g2_limit` is what the g² that she counts at her source while it runs must stay below for a
    block to make a key; 0 where she counts none.
    """

    record_id: str
    randomness: str
    reasons: tuple[str, ...]
    key_basis_probability: float = 0.0
    multiphoton_upper: float = 0.0
    source_epsilon: float = 0.0
    g2_limit: float = 0.0

    def __post_init__(self) -> None:
        for name in ("key_basis_probability", "multiphoton_upper", "source_epsilon", "g2_limit"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1")


STATED_CHARACTERS = 400  # of what a peer states and people read

Statement = TypeVar("Statement", BobStatement, AliceStatement)


def statement_from_json(kind: type[Statement], found: Any) -> Statement:
    """Build a statement from a peer's JSON; raises ValueError when fields or types are off."""
    names = {field.name for field in fields(kind)}
    if not isinstance(found, dict) or set(found) != names:
        raise ValueError(f"the fields of {kind.__name__} must be {sorted(names)}")
    for field in fields(kind):
        if field.type in (int, float, str) and type(found[field.name]) is not field.type:
            raise ValueError(f"{field.name} is of the wrong type")
        if field.type is str and not _is_a_sentence(found[field.name]):
            raise ValueError(f"{field.name} is not printable, or too long")
    reasons = found["reasons"]
    if not isinstance(reasons, list) or not all(map(_is_a_sentence, reasons)):
        raise ValueError("reasons must be a list of sentences")
    return kind(**{**found, "reasons": tuple(reasons)})


def _is_a_sentence(found: Any) -> bool:
    """Whether a terminal and a report can bear it."""
    return isinstance(found, str) and found.isprintable() and len(found) <= STATED_CHARACTERS

"""The values that stores keep: one block's key with everything public about it.

A `SecretKey` and a `DemonstrationKey` are different types, in different stores: nothing turns one
into the other.
"""

import math
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import pack_bits, packed_bytes


@dataclass(frozen=True, slots=True)
class DemonstrationKey:
    """A key that demonstrates the chain and protects nothing; its bits stay out of `repr`.

    Attributes
    ----------
    key_id : str
        UUID in its canonical text form, the same at both parties.
    bits : bytes
        ``ceil(length_bits / 8)`` bytes, first bit in the least significant place, zeros after the
        last one.
    length_bits : int
        Number of key bits.
    reasons : tuple of str
        Why this is a demonstration; at least one.
    facts : dict
        Public statistics of the block, of JSON's types.
    epsilon : float
        What this block adds to the session's cumulative epsilon.
    created : str
        ISO 8601 time, in UTC.

    Raises
    ------
    ValueError
        A field breaks what is written above.
    """

    key_id: str
    bits: bytes = field(repr=False)
    length_bits: int
    reasons: tuple[str, ...]
    facts: dict[str, Any] = field(hash=False)
    epsilon: float
    created: str

    def __post_init__(self) -> None:
        _check(self)
        if not self.reasons or not all(self.reasons):
            raise ValueError("reasons must say at least once why the key is a demonstration")

    @property
    def label(self) -> Literal["demonstration"]:
        return "demonstration"

    @classmethod
    def fresh(
        cls,
        key_id: str,
        bits: NDArray[np.uint8],
        reasons: tuple[str, ...],
        facts: dict[str, Any],
        epsilon: float,
    ) -> "DemonstrationKey":
        """Return the key of `bits`, shape (n,) of 0 and 1, created now."""
        return cls(key_id, pack_bits(bits), len(bits), reasons, facts, epsilon, _now())


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key for which every condition of `hexkey.conditions` held; its bits stay out of `repr`.

    Attributes
    ----------
    key_id, bits, length_bits, facts, epsilon, created
        As of a `DemonstrationKey`.

    Raises
    ------
    ValueError
        A field breaks what is written there.
    """

    key_id: str
    bits: bytes = field(repr=False)
    length_bits: int
    facts: dict[str, Any] = field(hash=False)
    epsilon: float
    created: str

    def __post_init__(self) -> None:
        _check(self)

    @property
    def label(self) -> Literal["secret"]:
        return "secret"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Nothing is the matter with it."""
        return ()

    @classmethod
    def fresh(
        cls, key_id: str, bits: NDArray[np.uint8], facts: dict[str, Any], epsilon: float
    ) -> "SecretKey":
        """Return the key of `bits`, shape (n,) of 0 and 1, created now."""
        return cls(key_id, pack_bits(bits), len(bits), facts, epsilon, _now())


Key = DemonstrationKey | SecretKey


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check(key: Key) -> None:
    check_key_id(key.key_id)
    _check_bits(key.bits, key.length_bits)
    if not (math.isfinite(key.epsilon) and key.epsilon >= 0):
        raise ValueError(f"epsilon must be finite and not negative, not {key.epsilon!r}")
    if datetime.fromisoformat(key.created).utcoffset() != timedelta(0):
        raise ValueError(f"created must be an ISO 8601 time in UTC, not {key.created!r}")


def check_key_id(key_id: str) -> None:
    """Raise ValueError unless `key_id` is a UUID in canonical text form."""
    try:
        canonical = str(uuid.UUID(key_id))
    except ValueError:
        canonical = ""
    if canonical != key_id:
        raise ValueError(f"key_id must be a UUID in canonical form, not {key_id!r}")


def _check_bits(bits: bytes, length_bits: int) -> None:
    if length_bits < 1 or len(bits) != packed_bytes(length_bits):
        raise ValueError(f"{length_bits} bits do not pack into {len(bits)} bytes")
    if length_bits % 8 and bits[-1] >> (length_bits % 8):
        raise ValueError("bits must be padded with zeros")

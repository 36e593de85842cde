"""The value that a store keeps: one block's key with everything public about it.

There is no secret key in this version, and nothing turns a demonstration key into one.
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
        check_key_id(self.key_id)
        _check_bits(self.bits, self.length_bits)
        if not self.reasons or not all(self.reasons):
            raise ValueError("reasons must say at least once why the key is a demonstration")
        if not (math.isfinite(self.epsilon) and self.epsilon >= 0):
            raise ValueError(f"epsilon must be finite and not negative, not {self.epsilon!r}")
        if datetime.fromisoformat(self.created).utcoffset() != timedelta(0):
            raise ValueError(f"created must be an ISO 8601 time in UTC, not {self.created!r}")

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
        packed = pack_bits(bits)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(key_id, packed, len(bits), reasons, facts, epsilon, created)


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

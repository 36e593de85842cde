"""What Alice's record says about its bits: the header of the file (`docs/alice-record.md`)."""

import json
import struct
import uuid
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from hexkey.conditions import RECORD, RecordFacts, unmet
from hexkey.errors import ConfigurationError, InputError

MAGIC = b"HEXALICE"
VERSION = 1
ENDLESS = 1 << 63  # pulses that a pattern can answer for
MAX_STATEMENT_BYTES = 1 << 20

_HEAD = struct.Struct("<8sHI")  # magic, version, length of the JSON
_CRC = struct.Struct("<I")

Kind = Literal["random", "repeated", "public"]
Protocol = Literal["b92", "bb84"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What Alice says about her bits.

    Attributes
    ----------
    pulse_rate_hz : int
    randomness : str
        "random": each bit drawn once; "repeated": a random pattern played again and again;
        "public": a pattern that everybody knows.
    source : str
        Where the bits came from. "operating system" and texts that begin with "hardware" may make
        secret keys; anything else ("seeded simulation") makes demonstrations.
    simulated : bool
        Whether the photons were simulated.
    pattern : str, optional
        Zeros and ones, the first pulse's first: required when public, allowed when repeated; such
        a record has no chunks.
    first_pulse : int
        Number of the first pulse recorded; a pattern begins there.
    protocol : {"b92", "bb84"}
        What a pulse has: with b92 a bit, with bb84 a bit and a basis.
    record_id : str
    key_basis_probability : float, optional
        p_X, with which Alice picks the key's basis; for bb84 alone, and then required.

    Raises
    ------
    ConfigurationError
        For values outside of these.
    """

    pulse_rate_hz: int
    randomness: Kind
    source: str
    simulated: bool
    pattern: str | None = None
    first_pulse: int = 0
    protocol: Protocol = "b92"
    record_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    key_basis_probability: float | None = None

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise ConfigurationError(f"the statement of Alice's record is unusable: {problem}")

    @property
    def planes(self) -> int:
        """Bits that a chunk holds of each pulse: its bit, and with bb84 its basis."""
        return 2 if self.protocol == "bb84" else 1

    @property
    def reason_for_demonstration(self) -> str | None:
        """Why keys made from this record are demonstrations; None if they may be secret."""
        return "; ".join(self.reasons) or None

    @property
    def reasons(self) -> tuple[str, ...]:
        """The same, one by one."""
        facts = RecordFacts(self.randomness, self.source, self.simulated)
        return unmet(self.protocol, RECORD, facts)


def _problem(statement: Statement) -> str | None:
    def integer(value: object, low: int, high: int) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value < high

    pattern = statement.pattern
    if statement.randomness not in get_args(Kind):
        return f"randomness must be one of {', '.join(get_args(Kind))}"
    if not integer(statement.pulse_rate_hz, 1, 10**12):
        return "pulse_rate_hz must be a whole number of hertz, 1 to 10^12"
    if not integer(statement.first_pulse, 0, ENDLESS):
        return "first_pulse must be a whole number from 0"
    if not isinstance(statement.simulated, bool):
        return "simulated must be true or false"
    if not isinstance(statement.source, str):
        return "source must be a text"
    try:
        uuid.UUID(hex=statement.record_id)
    except (ValueError, TypeError, AttributeError):
        return "record_id must be a UUID in hexadecimal"
    if statement.protocol not in get_args(Protocol):
        return f"protocol must be one of {', '.join(get_args(Protocol))}"
    if statement.protocol == "bb84":
        return _bb84_problem(statement)
    if statement.key_basis_probability is not None:
        return "key_basis_probability is for bb84 alone"
    if pattern is None:
        return "a public pattern must be given" if statement.randomness == "public" else None
    if statement.randomness == "random":
        return "random bits have no pattern"
    if not isinstance(pattern, str) or not pattern or set(pattern) - {"0", "1"}:
        return "pattern must be zeros and ones, such as '10'"
    return None


def _bb84_problem(statement: Statement) -> str | None:
    probability = statement.key_basis_probability
    if not isinstance(probability, float) or not 0 < probability < 1:
        return "key_basis_probability must be a number between 0 and 1"
    if statement.pattern is not None or statement.randomness == "public":
        return "bb84 has no pattern: its bases and bits are in chunks, random or repeated"
    return None


def pack_header(statement: Statement) -> bytes:
    """Return the header of a record."""
    body = json.dumps(asdict(statement), sort_keys=True).encode()
    return _HEAD.pack(MAGIC, VERSION, len(body)) + body + _CRC.pack(zlib.crc32(body))


def parse_header(path: Path, data: bytes) -> tuple[Statement, int] | None:
    """Return the statement and the header's length, or None if `data` ends within the header.

    Raises
    ------
    InputError
        If `data` is not the beginning of a record of a known version; `path` is named.
    """
    if data[: len(MAGIC)] != MAGIC[: len(data)]:
        raise InputError(f"{path} is not a record of Alice's (it does not begin HEXALICE)")
    if len(data) < _HEAD.size:
        return None
    _, version, length = _HEAD.unpack_from(data)
    if version != VERSION:
        raise InputError(
            f"Alice's record {path} has version {version}; this hexkey reads version {VERSION}"
        )
    if length > MAX_STATEMENT_BYTES:
        raise InputError(f"Alice's record {path} has a damaged header: impossible length")
    size = _HEAD.size + length + _CRC.size
    if len(data) < size:
        return None
    return _parse(path, data[_HEAD.size : size - _CRC.size], data[size - _CRC.size : size]), size


def _parse(path: Path, body: bytes, crc: bytes) -> Statement:
    if zlib.crc32(body) != _CRC.unpack(crc)[0]:
        raise InputError(f"Alice's record {path} has a damaged header: its checksum is wrong")
    try:
        fields: dict[str, Any] = json.loads(body)
        return Statement(**fields)
    except (ValueError, TypeError, ConfigurationError) as error:
        raise InputError(
            f"Alice's record {path} makes a statement that cannot be used: {error}"
        ) from None

"""Pulse-number offset: which of Alice's pulses Bob's pulse 0 was.

Bob's board counts pulses from the start of an epoch, Alice's record from a start of her own. Bob
discloses a sample of conclusive events, pulse numbers and bits; Alice looks for the offset d at
which her bit of pulse + d equals his, for all but a few of them, and answers d alone. The sample's
bits are public from then on: both sides take them out of the block.

A wrong offset compares the sample with bits that have nothing to do with it, so that each agrees
with probability 1/2. With c candidates, S bits and at most T mismatches accepted, the chance that
any wrong one is accepted is at most c · P[Bin(S, 1/2) ≤ T]. With BB84 he discloses bases, too, and
only bits of equal bases are compared.

Time: with a vector unit of AVX2 or better, a few seconds for ±4·10⁸ offsets and 512 bits. A sample
from a short stretch of the block (10⁷ pulses or less) is searched about twice as fast as one from
all of it, since its reads of the record stay in the processor's cache.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from hexkey._native import ffi, lib
from hexkey.bits import packed_bytes
from hexkey.errors import InputError
from hexkey.keyrate.entropy import binary_entropy
from hexkey.record import RecordReader

SEARCH_PULSES = 4 * 10**8  # ±10 s at 40 MHz
MAX_SAMPLE_BITS = 2**lib.HEXKEY_OFFSET_SAMPLE_BITS - 1


@dataclass(frozen=True, slots=True)
class Alignment:
    """The offset and how sure it is.

    Attributes
    ----------
    offset : int
        Alice's pulse number is Bob's plus `offset`. In [0, modulo) if that is set.
    mismatches : int
        Sample bits that differ there.
    sample_bits : int
        Bits that Bob disclosed.
    candidates : int
        Offsets that were compared.
    false_match_probability : float
        Bound on the chance that a sample that has nothing to do with the record is accepted.
    modulo : int or None
        Period of Alice's pattern, where it is periodic.
    """

    offset: int
    mismatches: int
    sample_bits: int
    candidates: int
    false_match_probability: float
    modulo: int | None


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A sample as the kernel takes it: `position` is in the record, for the candidate `first`."""

    record: NDArray[np.uint8]
    position: NDArray[np.uint64]
    bits: NDArray[np.uint8]
    first: int
    candidates: int


def find_offset(
    sample_pulses: ArrayLike,
    sample_bits: ArrayLike,
    alice_packed: bytes | NDArray[np.uint8],
    alice_first_pulse: int,
    alice_n: int,
    search: tuple[int, int] = (-SEARCH_PULSES, SEARCH_PULSES),
    max_mismatch_fraction: float = 0.25,
    period: int | None = None,
    max_false_match: float = 1e-6,
) -> Alignment:
    """Find the offset of Bob's pulse numbers in Alice's record.

    Parameters
    ----------
    sample_pulses : (S,) uint64
        Bob's pulse numbers, distinct, in any order.
    sample_bits : (S,) of 0 and 1
        His bits there.
    alice_packed : bytes or (ceil(alice_n / 8),) uint8
        Alice's bits, first one in the least significant place.
    alice_first_pulse : int
        Alice's number of the pulse of her first bit.
    alice_n : int
        Number of Alice's bits. A pattern that is repeated must be given as sent, not as one period.
    search : (int, int)
        Smallest and largest offset to try, in pulses. Only offsets at which the whole sample falls
        inside the record are candidates.
    max_mismatch_fraction : float
        Largest share of mismatches of an offset that is accepted, below 1/2.
    period : int, optional
        Period in pulses of a repeated or public pattern. Only one period is searched.
    max_false_match : float
        Refuse a sample too small for this bound on a false match.

    Raises
    ------
    InputError
        The sample falls outside the record everywhere, is too small, matches nowhere, or matches at
        more than one offset.
    """
    limit_fraction = _checked_fraction(max_mismatch_fraction)
    comparison = _prepare(
        _checked_pulses(sample_pulses),
        _checked_bits(sample_bits),
        _checked_record(alice_packed, alice_n),
        alice_first_pulse,
        alice_n,
        search,
        period,
    )
    samples = len(comparison.bits)
    limit = math.floor(limit_fraction * samples)
    log_false_match = log_false_match_bound(comparison.candidates, samples, limit)
    if log_false_match > math.log(max_false_match):
        enough = sample_size_for(comparison.candidates, limit_fraction, max_false_match)
        raise InputError(
            f"a sample of {samples} bits is too small to tell {comparison.candidates} offsets "
            f"apart; disclose {enough}"
        )
    return _only_match(comparison, limit, log_false_match, period)


def find_offset_of_bases(
    sample_pulses: ArrayLike,
    sample_bits: ArrayLike,
    sample_bases: ArrayLike,
    alice_bits: NDArray[np.uint8],
    alice_bases: NDArray[np.uint8],
    alice_first_pulse: int,
    alice_n: int,
    key_basis_probability: float,
    search: tuple[int, int] = (-SEARCH_PULSES, SEARCH_PULSES),
    max_false_match: float = 1e-6,
) -> Alignment:
    """Find the offset of Bob's pulse numbers in Alice's record of BB84.

    A bit of the sample is a mismatch where both bases are equal and the bits differ. At a wrong
    offset that has half the probability that Alice picks the sample's basis, independently for
    each; a third of the mismatches expected there are accepted, which is a QBER of a sixth.

    Parameters
    ----------
    sample_pulses, sample_bits, sample_bases : (S,)
        Bob's pulse numbers, distinct, his bits, and his bases (1 for the key's).
    alice_bits, alice_bases : (ceil(alice_n / 8),) uint8
        Packed, first pulse in the least significant place.
    key_basis_probability : float
        p_X, with which Alice picks the key's basis.
    alice_first_pulse, alice_n, search, max_false_match
        As `find_offset`.

    Raises
    ------
    InputError
        As `find_offset`.
    """
    pulses, bits = _checked_pulses(sample_pulses), _checked_bits(sample_bits)
    bases = _checked_bits(sample_bases)
    if len(bases) != len(pulses):
        raise ValueError("sample_pulses and sample_bases must have the same length")
    planes = _wrong_planes(
        _checked_record(alice_bits, alice_n), _checked_record(alice_bases, alice_n)
    )
    comparison = _prepare(
        pulses, bits, np.concatenate(planes), alice_first_pulse, alice_n, search, None
    )
    # Each bit of the sample looks into the plane that has ones where Alice's contradicts it.
    plane_bits = 8 * len(planes[0])
    plane = (2 * bases + bits).astype(np.uint64)
    comparison = replace(
        comparison,
        position=comparison.position + plane * np.uint64(plane_bits),
        bits=np.zeros_like(bits),
    )
    in_key = int(bases.sum())
    chances = [(in_key, key_basis_probability / 2)]
    chances += [(len(bases) - in_key, (1 - key_basis_probability) / 2)]
    limit = math.floor(sum(count * chance for count, chance in chances) / 3)
    tail = _at_most(chances, limit)
    log_false_match = math.log(comparison.candidates) + (math.log(tail) if tail else -700.0)
    if log_false_match > math.log(max_false_match):
        raise InputError(
            f"a sample of {len(bits)} bits is too small to tell {comparison.candidates} offsets "
            "apart; disclose a larger one (offset_sample_bits)"
        )
    return _only_match(comparison, limit, log_false_match, None)


def _wrong_planes(bits: NDArray[np.uint8], bases: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return, for Bob's (basis, bit) of 00, 01, 10 and 11, where Alice's bit is wrong."""
    return [~bases & bits, ~bases & ~bits, bases & bits, bases & ~bits]


def _at_most(chances: list[tuple[int, float]], limit: int) -> float:
    """Return P[X + Y ≤ limit] for two independent binomial numbers, rounded upwards."""
    from scipy import stats  # half a second to import, for every command

    (first, p), (second, q) = chances
    of_first = np.arange(min(first, limit) + 1)
    each = stats.binom.pmf(of_first, first, p) * stats.binom.cdf(limit - of_first, second, q)
    return min(1.0, float(each.sum()) * (1 + 1e-9))


def _only_match(
    comparison: _Comparison, limit: int, log_false_match: float, period: int | None
) -> Alignment:
    matches = _search(comparison, limit, capacity=2)
    if not matches:
        raise _no_match(comparison)
    (offset, mismatches), *others = matches
    if others:
        raise InputError(
            f"the sample matches Alice's record at offset {offset} and again at {others[0][0]}; "
            "if her pattern repeats, say its period, else disclose a larger sample"
        )
    return Alignment(
        offset=offset if period is None else offset % period,
        mismatches=mismatches,
        sample_bits=len(comparison.bits),
        candidates=comparison.candidates,
        false_match_probability=min(1.0, math.exp(log_false_match)),
        modulo=period,
    )


def find_offset_in_record(
    pulses: NDArray[np.uint64],
    bits: NDArray[np.uint8],
    record: RecordReader,
    reach: int,
    bases: NDArray[np.uint8] | None = None,
) -> Alignment:
    """Find a sample's offset within ±`reach` in Alice's record, be that of bits or of a pattern.

    With BB84 the sample's `bases` are needed, too.

    Raises
    ------
    InputError
        As `find_offset`.
    """
    if bases is not None:
        return find_offset_of_bases(
            pulses,
            bits,
            bases,
            record.packed_view(),
            record.packed_bases_view(),
            record.first_pulse,
            record.pulses,
            record.statement.key_basis_probability or 0.0,
            search=(-reach, reach),
        )
    pattern = record.statement.pattern
    if pattern is None:
        return find_offset(
            pulses,
            bits,
            record.packed_view(),
            record.first_pulse,
            record.pulses,
            search=(-reach, reach),
        )
    # A pattern has no end, and only the place in it counts: the sample's pulses move together, one
    # a period, and a stretch of the pattern that holds them holds one offset of each kind.
    period = len(pattern)
    places = np.arange(len(pulses), dtype=np.uint64) * np.uint64(period)
    count = (len(pulses) + 1) * period
    return find_offset(
        places + pulses % np.uint64(period),
        bits,
        record.packed(record.first_pulse, count),
        record.first_pulse,
        count,
        search=(-reach, reach),
        period=period,
    )


def log_false_match_bound(candidates: int, samples: int, limit: int) -> float:
    """Return ln(candidates · P[Bin(samples, 1/2) ≤ limit]), safe far below the smallest double."""
    k = np.arange(limit + 1)
    # ln of (samples over k)
    terms = -special.betaln(k + 1, samples - k + 1) - math.log(samples + 1)
    return math.log(candidates) + float(special.logsumexp(terms)) - samples * math.log(2)


def sample_size_for(candidates: int, qber_max: float, false_match: float) -> int:
    """Return a number of sample bits that keeps the chance of a false match below `false_match`.

    Parameters
    ----------
    candidates : int
        Offsets to be searched.
    qber_max : float
        Largest share of mismatches to be accepted (`find_offset`'s ``max_mismatch_fraction``).
    false_match : float
        Allowed probability.

    Notes
    -----
    From P[Bin(S, 1/2) ≤ qS] ≤ 2^(−S (1 − h(q))), so that any larger sample does as well.
    """
    q = _checked_fraction(qber_max)
    size = math.ceil(math.log2(candidates / false_match) / (1 - binary_entropy(q)))
    if size > MAX_SAMPLE_BITS:
        raise ValueError(f"that needs {size} sample bits, more than {MAX_SAMPLE_BITS}")
    return max(1, size)


def _prepare(
    pulses: NDArray[np.uint64],
    bits: NDArray[np.uint8],
    record: NDArray[np.uint8],
    first_pulse: int,
    n: int,
    search: tuple[int, int],
    period: int | None,
) -> _Comparison:
    if len(pulses) != len(bits):
        raise ValueError("sample_pulses and sample_bits must have the same length")
    earliest, latest = int(pulses.min()), int(pulses.max())
    low = max(search[0], first_pulse - earliest)
    high = min(search[1], first_pulse + n - 1 - latest)
    if period is not None:
        low, high = _one_period(low, high, period)
        _check_period(record, n, period)
    if low > high:
        raise InputError(
            f"Alice's record of {n} pulses holds the whole sample (pulses {earliest} to {latest}) "
            f"at no offset from {search[0]} to {search[1]}; use a longer record or a sample from a "
            "shorter time"
        )
    position = pulses - np.uint64(earliest) + np.uint64(earliest + low - first_pulse)
    return _Comparison(record, position, bits, low, high - low + 1)


def _one_period(low: int, high: int, period: int) -> tuple[int, int]:
    """Return one period of offsets within [low, high]; an empty range if it does not fit."""
    if period < 1:
        raise ValueError(f"period must be positive, not {period}")
    return (low, low + period - 1) if low + period - 1 <= high else (low, low - 1)


def _check_period(record: NDArray[np.uint8], n: int, period: int) -> None:
    """Refuse a record that does not repeat: its offset would be reported modulo a wrong number."""
    step = math.lcm(period, 8) // 8  # bytes after which a periodic record repeats
    whole = n // 8
    head = np.unpackbits(record[: step + packed_bytes(period)], bitorder="little")[:n]
    tail_bits = np.unpackbits(record[whole:], bitorder="little")[: n - 8 * whole]
    tail_at = np.arange(8 * whole, n) % period
    if (
        np.any(record[step:whole] != record[: max(0, whole - step)])
        or np.any(head[period:] != head[: max(0, len(head) - period)])
        or np.any(tail_bits != head[tail_at])
    ):
        raise InputError(
            f"Alice's record does not repeat after {period} pulses; correct the period or leave it "
            "out"
        )


def _search(comparison: _Comparison, limit: int, capacity: int) -> list[tuple[int, int]]:
    """Return (offset, mismatches) of the first `capacity` offsets within the limit, ascending."""
    match = np.empty(capacity, np.uint64)
    mismatches = np.empty(capacity, np.uint32)
    found = lib.hexkey_offset_search(
        ffi.from_buffer("uint8_t[]", comparison.record),
        len(comparison.record),
        ffi.from_buffer("uint64_t[]", comparison.position),
        ffi.from_buffer("uint8_t[]", comparison.bits),
        len(comparison.bits),
        comparison.candidates,
        limit,
        ffi.from_buffer("uint64_t[]", match),
        ffi.from_buffer("uint32_t[]", mismatches),
        capacity,
    )
    return [(comparison.first + int(match[i]), int(mismatches[i])) for i in range(found)]


def _no_match(comparison: _Comparison) -> InputError:
    """Look for the best offset, each search going on behind the last with a lower limit."""
    samples, rest, best = len(comparison.bits), comparison, len(comparison.bits)
    while rest.candidates and best:
        found = _search(rest, best - 1, capacity=1)
        if not found:
            break
        offset, best = found[0]
        done = offset + 1 - rest.first
        rest = _Comparison(
            rest.record,
            rest.position + np.uint64(done),
            rest.bits,
            offset + 1,
            rest.candidates - done,
        )
    last = comparison.first + comparison.candidates - 1
    return InputError(
        f"the sample matches Alice's record at no offset from {comparison.first} to {last} (best: "
        f"{best / samples:.1%} mismatches); check that the record is of this run, or search wider"
    )


def _checked_fraction(fraction: float) -> float:
    if not 0 <= fraction < 0.5:
        raise ValueError(f"the fraction of mismatches must be at least 0 and below 1/2: {fraction}")
    return fraction


def _checked_pulses(pulses: ArrayLike) -> NDArray[np.uint64]:
    checked = np.ascontiguousarray(pulses, dtype=np.uint64)
    if checked.ndim != 1 or not 1 <= len(checked) <= MAX_SAMPLE_BITS:
        raise ValueError(f"sample_pulses must have shape (S,) with S from 1 to {MAX_SAMPLE_BITS}")
    if len(np.unique(checked)) != len(checked):
        raise InputError("the offset sample names a pulse twice; disclose distinct pulses")
    return checked


def _checked_bits(bits: ArrayLike) -> NDArray[np.uint8]:
    checked = np.asarray(bits)
    if checked.ndim != 1 or np.any((checked != 0) & (checked != 1)):
        raise ValueError("sample_bits must have shape (S,) and hold 0 and 1")
    return np.ascontiguousarray(checked, dtype=np.uint8)


def _checked_record(packed: bytes | NDArray[np.uint8], n: int) -> NDArray[np.uint8]:
    record = packed if isinstance(packed, np.ndarray) else np.frombuffer(packed, dtype=np.uint8)
    if record.dtype != np.uint8 or record.ndim != 1 or n < 1 or len(record) < packed_bytes(n):
        raise ValueError("alice_packed must hold alice_n bits in an array of uint8 of shape (m,)")
    return np.ascontiguousarray(record[: packed_bytes(n)])

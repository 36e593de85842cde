"""The pulser's random numbers as sums of bits of one channel's first state: who depends on whom.

A bit of any number, of any channel, is the sum (modulo 2) of some of the 60 bits at which channel 0
starts. Bits whose sums have full rank are independent: over the whole period of the registers each
combination of them comes equally often, but for the state of nothing but zeros.
"""

from collections.abc import Iterable, Iterator

from hexkey_sim.golden.pulser import PROBABILITY_BITS, QUARTER_BITS, REGISTERS

Number = list[int]
"""Bits of a random number, the lowest first: which bits of the first state each is the sum of."""


def numbers_of(channel: int, periods: int) -> list[Number]:
    """Return the first numbers of a channel."""
    sums = [[0] * PROBABILITY_BITS for _ in range(periods)]
    place = 0
    for bits, tap, steps, seed in REGISTERS:
        seeds = seed % (1 << bits), pow(seed, channel + 1, 1 << bits)
        state = _in_terms_of(*seeds, bits, tap)
        for number in sums:
            for bit in range(PROBABILITY_BITS):
                number[bit] ^= state[bit % QUARTER_BITS] << place
                if bit % QUARTER_BITS == QUARTER_BITS - 1:
                    for _ in range(steps):
                        state = [state[bits - 1] ^ state[tap - 1], *state[:-1]]
        place += bits
    return sums


def first_state() -> int:
    """Return the bits at which channel 0 starts."""
    state = place = 0
    for bits, _, _, seed in REGISTERS:
        state |= seed % (1 << bits) << place
        place += bits
    return state


def value(number: Number, state: int) -> int:
    """Return a number for a first state."""
    return sum((mask & state).bit_count() % 2 << bit for bit, mask in enumerate(number))


def rank(sums: Iterable[int]) -> int:
    """Return how many of some sums are independent."""
    return len(_echelon((each, 0) for each in sums))


def _in_terms_of(first: int, other: int, bits: int, tap: int) -> list[int]:
    """Return the bits of another state as sums of those of the first.

    It is a sum of states that the register has after the first one; the same sum of later states
    leads from any state to one as far behind.
    """
    later = [*zip(range(bits), _states(first, bits, tap), strict=False)]
    echelon = _echelon((state, 1 << index) for index, state in later)
    taken = 0
    while other:
        state, made_of = echelon[other.bit_length()]
        other, taken = other ^ state, taken ^ made_of
    rows = [0] * bits
    for column in range(bits):
        for index, state in zip(range(bits), _states(1 << column, bits, tap), strict=False):
            if taken >> index & 1:
                rows = [row ^ (state >> bit & 1) << column for bit, row in enumerate(rows)]
    return rows


def _states(state: int, bits: int, tap: int) -> Iterator[int]:
    """Yield a state and those that follow."""
    while True:
        yield state
        fed_back = (state >> bits - 1 ^ state >> tap - 1) & 1
        state = (state << 1 | fed_back) % (1 << bits)


def _echelon(sums: Iterable[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Return independent ones by their highest bit, each with which were added to it."""
    found: dict[int, tuple[int, int]] = {}
    for each, made_of in sums:
        while each and each.bit_length() in found:
            known, known_of = found[each.bit_length()]
            each, made_of = each ^ known, made_of ^ known_of
        if each:
            found[each.bit_length()] = each, made_of
    return found

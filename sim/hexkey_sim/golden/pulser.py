"""The pulser: which pulses it plays, as a list."""

from collections.abc import Iterator

BITS = 31
TAP = 28
PROBABILITY_BITS = 16


def random_numbers(channel: int) -> Iterator[int]:
    """Yield a channel's random numbers from 0 to 65535, one for each period."""
    state = (0x2545F491 * (channel + 1)) % (1 << BITS)
    while True:
        yield state % (1 << PROBABILITY_BITS)
        for _ in range(PROBABILITY_BITS):
            bit = state >> (BITS - 1) & 1 ^ state >> (TAP - 1) & 1
            state = (state << 1 | bit) % (1 << BITS)


def played(period: int, delay: int, probability: int, channel: int, periods: int) -> list[int]:
    """Return the cycles in which a channel's pulses start, counted from the first period's start.

    Parameters
    ----------
    period, delay : int
        In cycles of the oscillator; at most three pulses may be under way, ``delay < 3 * period``.
    probability : int
        In units of 2^-16; 65535 is every period.
    channel, periods : int
    """
    numbers = random_numbers(channel)
    every = probability == (1 << PROBABILITY_BITS) - 1
    chosen = [next(numbers) < probability or every for _ in range(periods)]
    return [number * period + delay for number, plays in enumerate(chosen) if plays]

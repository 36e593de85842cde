"""The pulser: which pulses it plays, as a list."""

from collections.abc import Iterator

REGISTERS = ((31, 28, 4, 0x2545F491), (29, 27, 5, 0x1B873593))  # bits, tap, steps, seed
PROBABILITY_BITS = 16
QUARTER_BITS = 4  # taken from the registers at a time


def random_numbers(channel: int) -> Iterator[int]:
    """Yield a channel's random numbers from 0 to 65535, one for each period."""
    states = [pow(seed, channel + 1, 1 << bits) for bits, _, _, seed in REGISTERS]
    while True:
        number = 0
        for place in range(0, PROBABILITY_BITS, QUARTER_BITS):
            number |= (states[0] ^ states[1]) % (1 << QUARTER_BITS) << place
            for index, (bits, tap, steps, _) in enumerate(REGISTERS):
                # All steps at once: what is fed back was there before the first of them.
                state = states[index]
                new = (state >> bits - steps ^ state >> tap - steps) % (1 << steps)
                states[index] = (state << steps | new) % (1 << bits)
        yield number


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

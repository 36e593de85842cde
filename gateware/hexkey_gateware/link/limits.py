"""The rows of the registers' memory, and whether a word is within the limits in them."""

from collections.abc import Mapping
from enum import IntEnum

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire.registers import REGISTERS, Bound, Period, address, bound
from hexkey_gateware.settings import setting_shape

WORD_BITS = 32

INSTANCES = {address(row.name, each): (row, each) for row in REGISTERS for each in row.instances}
"""Address to register and channel."""

ADDRESS_BITS = max(INSTANCES).bit_length()

Limits = Mapping[str, tuple[int, int]]
"""Name of a register to the least and the greatest value that a board takes."""


class Bank(IntEnum):
    """What the memory's rows are, one of each for every address."""

    VALUE = 0  # as written last
    MINIMUM = 1
    MAXIMUM = 2
    RESET = 3


ROW = data.StructLayout(
    {
        "word": WORD_BITS,
        "relative": 1,  # to the period
        "signed": 1,
        "read_only": 1,
        "exists": 1,
    }
)


def rows(period_ticks: int, limits: Limits) -> list[dict[str, int]]:
    """Return the memory's rows at the start; values are filled in from the resets."""
    filled = [dict.fromkeys(ROW.members, 0) for _ in range(len(Bank) << ADDRESS_BITS)]
    for place, (row, _) in INSTANCES.items():
        minimum, maximum = limits.get(row.name, (row.minimum, row.maximum))
        flags = {"signed": row.signed, "read_only": row.access == "ro", "exists": 1}
        bounds = {Bank.MINIMUM: minimum, Bank.MAXIMUM: maximum}
        for bank, value in {**bounds, Bank.RESET: bound(row.reset, period_ticks)}.items():
            filled[(bank << ADDRESS_BITS) + place] = {**_bound(value), **flags}
    return filled


def _bound(value: Bound) -> dict[str, int]:
    return {"word": bound(value, 0) % (1 << WORD_BITS), "relative": isinstance(value, Period)}


class Comparison(wiring.Component):
    """Compares a word with a limit, bit by bit: that takes few gates, and there is time.

    Latency 33 clocks. `word`, `limit` and `period_ticks` must hold still in them.

    Members
    -------
    word : :py:`In(32)`
    limit : :py:`In(ROW)`
        A number of its own or, if `relative`, to be added to the period.
    period_ticks : :py:`In(...)`
    go : :py:`In(1)`
        Held from the first clock to `done`.
    swap : :py:`In(1)`
        Whether the limit is less, and not the word.
    done : :py:`Out(1)`
        In the last clock.
    less : :py:`Out(1)`
        With `done`: the word is less than the limit, both signed if the limit is.
    """

    word: In(WORD_BITS)
    limit: In(ROW)
    period_ticks: In(setting_shape("period_ticks"))
    go: In(1)
    swap: In(1)
    done: Out(1)
    less: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        place = Signal(range(WORD_BITS + 1))
        carry, less_so_far = Signal(), Signal()
        is_sign = place == WORD_BITS
        word_bit = Mux(is_sign, self._sign(self.word), _bit(self.word, place))
        offset, period = _bit(self.limit.word, place), self._period_bit(place)
        sign = self._sign(self.limit.word) & ~self.limit.relative
        limit_bit = Mux(is_sign, sign, offset ^ period ^ carry)

        # The highest bits that differ decide; of two signs, the set one is of the lesser number.
        m.d.comb += self.less.eq(less_so_far)
        with m.If(word_bit ^ limit_bit):
            m.d.comb += self.less.eq(limit_bit ^ is_sign ^ self.swap)
        m.d.comb += self.done.eq(is_sign)

        m.d.sync += [place.eq(0), carry.eq(0), less_so_far.eq(0)]
        with m.If(self.go & ~is_sign):
            m.d.sync += place.eq(place + 1)
            m.d.sync += carry.eq((offset & period) | (period & carry) | (offset & carry))
            m.d.sync += less_so_far.eq(self.less)
        return m

    def _period_bit(self, place: Value) -> Value:
        return _bit(self.period_ticks, place) & self.limit.relative

    def _sign(self, word: Value) -> Value:
        return word[-1] & self.limit.signed


def _bit(word: Value, place: Value) -> Value:
    return word.bit_select(place[:-1], 1)

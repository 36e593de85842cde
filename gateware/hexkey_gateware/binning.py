"""Which bin of a histogram a click falls into: a division a clock."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey_gateware.pipeline import delayed
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.slot import PHASE_BITS, lane

SETTINGS = ("period_ticks", "histogram_offset_ticks", "histogram_bin_ticks", "histogram_bins")

DETECTOR = (DETECTORS - 1).bit_length()

PHASE = data.StructLayout({"phase_ticks": PHASE_BITS, "detector": DETECTOR})


def bin_layout(bins: int) -> data.StructLayout:
    """Return a bin of one detector.

    Members
    -------
    bin : :py:`unsigned(...)`
        Below `bins`.
    detector : :py:`unsigned(2)`
    """
    return data.StructLayout({"bin": (bins - 1).bit_length(), "detector": DETECTOR})


class Binning(wiring.Component):
    """Divides the time since the histogram's offset, round the period, by the width of a bin.

    The division goes bit by bit from the highest on: where the divisor, so far to the left, is not
    more than what is left of the dividend, the bin has that bit, and it is taken off. A bit takes
    two clocks, one to subtract and one to choose. The highest bit is one more than bins have: it
    only says that a click lies behind all of them.

    Latency `latency` clocks, throughput one click a clock, no back-pressure. Settings act
    `latency` clocks late at most.

    Parameters
    ----------
    bins : int
        A power of two.

    Members
    -------
    i : :py:`In(lane(PHASE))`
        Phases are below two periods.
    o : :py:`Out(lane(bin_layout(bins)))`
        Each click of `i` that falls into one of `histogram_bins`.
    period_ticks, histogram_offset_ticks, histogram_bin_ticks, histogram_bins : :py:`In(...)`
        Settings, within the limits of the register map; `histogram_bins` is at most `bins`.
    """

    def __init__(self, bins: int) -> None:
        if bins < 2 or bins & (bins - 1):
            raise ValueError(f"a histogram has a power of two of bins, not {bins}")
        self._bin_bits = (bins - 1).bit_length()
        self.latency = 5 + 2 * (self._bin_bits + 1) + 1
        super().__init__(
            {
                "i": In(lane(PHASE)),
                "o": Out(lane(bin_layout(bins))),
                **{name: In(setting_shape(name)) for name in SETTINGS},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # They come from far away on the chip.
        period, offset, width, bins = (delayed(m, getattr(self, name), 1) for name in SETTINGS)
        time = self._since_offset(m, period, offset)
        above = Cat(reversed(self._divide(m, time, width)))  # bins above, up to the highest number
        click = delayed(m, self.i.valid, self.latency - 1, reset_less=False)
        least = delayed(m, Const((1 << self._bin_bits) - 1) - bins, 1)
        inside = click & above[-1] & (least - above[:-1])[-1]
        m.d.comb += [
            self.o.valid.eq(delayed(m, inside, 1, reset_less=False)),
            self.o.payload.bin.eq(delayed(m, ~above[:-1], 1)),
            self.o.payload.detector.eq(delayed(m, self.i.payload.detector, self.latency)),
        ]
        return m

    def _since_offset(self, m: Module, period: Signal, offset: Signal) -> Signal:
        """Return the ticks since the offset, below a period, 5 clocks later."""
        phase = self.i.payload.phase_ticks
        before, phase = delayed(m, phase - period, 1), delayed(m, phase, 1)
        phase = delayed(m, Mux(before[-1], phase, before)[: len(period)], 1)
        since = delayed(m, phase - offset, 1)
        # As a gate: of a choice synthesis would make a reset, and the way to that is long.
        round_ = delayed(m, period & since[-1].replicate(len(period)), 1)
        return delayed(m, (delayed(m, since, 1) + round_)[: len(period)], 1)

    def _divide(self, m: Module, left: Signal, divisor: Signal) -> list[Signal]:
        """Return the inverse of the quotient's bits, the highest first, all in the same clock."""
        bits: list[Signal] = []
        for place in reversed(range(self._bin_bits + 1)):
            # A divisor for each place, each a copy of the one beside it: short ways on the chip.
            divisor = delayed(m, divisor, 1)
            bits_above = len(left) - place
            too_wide = delayed(m, divisor[bits_above:].any(), 1)
            rest = delayed(m, left[place:] - divisor[:bits_above], 1)
            left, bits = delayed(m, left, 1), [delayed(m, bit, 2) for bit in bits]
            too_much = rest[-1] | too_wide
            high = Mux(too_much, left[place:], rest)[:bits_above]
            left = delayed(m, Cat(left[:place], high), 1)
            bits.append(delayed(m, too_much, 1))  # an inverter would tear their long way in two
        return bits

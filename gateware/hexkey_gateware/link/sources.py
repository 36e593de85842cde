"""Where reports come from: the ports of totals, memories and state, as their reader has them."""

from amaranth.hdl import Shape, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire.bodies import COUNTERS, PAIRS
from hexkey.wire.frame import MAX_HISTOGRAM_BINS
from hexkey_gateware.slot import CHANNELS, MAX_PERIOD_TICKS

INDEX = unsigned((len(COUNTERS) + len(PAIRS) - 1).bit_length())
"""Of a total: its place in `COUNTERS`, or in `PAIRS` counted on from there."""

READOUT = data.StructLayout({"data": 32, "last": 1})
"""A word of a memory that is read out: a bin, or half of a 64-bit total, low half first."""

TICKS = unsigned(MAX_PERIOD_TICKS.bit_length())


def totals() -> wiring.Signature:
    """Return the ports to the counters.

    Members
    -------
    index : :py:`Out(stream.Signature(INDEX))`
        Asks for a total.
    value : :py:`In(stream.Signature(64))`
        It, once for each that was asked for.
    """
    return wiring.Signature(
        {"index": Out(stream.Signature(INDEX)), "value": In(stream.Signature(unsigned(64)))}
    )


def readout(what: Shape, **about: Shape | int) -> wiring.Signature:
    """Return the ports to a memory that is read out as a whole.

    Members
    -------
    start : :py:`Out(stream.Signature(what))`
        Asks for a readout. Where there is but one, the payload means nothing.
    words : :py:`In(stream.Signature(READOUT))`
        All its words, none before it was asked for.
    about : :py:`In(...)`
        What was counted, as it is when the readout is asked for.
    """
    return wiring.Signature(
        {
            "start": Out(stream.Signature(what)),
            "words": In(stream.Signature(READOUT)),
            **{name: In(shape) for name, shape in about.items()},
        }
    )


def histogram() -> wiring.Signature:
    """Return the ports to the histograms; `start` takes the detector, `words` are the `bins`."""
    bins = unsigned(MAX_HISTOGRAM_BINS.bit_length())
    return readout(unsigned(2), bins=bins, offset_ticks=TICKS, bin_ticks=unsigned(16))


def g2() -> wiring.Signature:
    """Return the ports to g²: its register `pair`; two words for each total.

    The first total is of the pulses counted, the others of the lags from -16 to 16.
    """
    return readout(unsigned(1), pair=unsigned(4))


def density() -> wiring.Signature:
    """Return the ports to the code density: the channel, its register `source`; a word a code."""
    return readout(unsigned(1), channel=unsigned(3), source=unsigned(2))


def status() -> wiring.Signature:
    """Return the ports of the board's state.

    Members
    -------
    levels : :py:`In(5)`
        Inputs that are high.
    stuck : :py:`In(5)`
        Inputs that were high since `taken`.
    flags : :py:`In(8)`
        As in STATUS; bit 1 is not looked at.
    taken : :py:`Out(1)`
        In this clock the others are taken for a STATUS.
    """
    return wiring.Signature(
        {"levels": In(CHANNELS), "stuck": In(CHANNELS), "flags": In(8), "taken": Out(1)}
    )

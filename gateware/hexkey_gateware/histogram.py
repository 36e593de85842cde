"""Histograms of arrival phases: every detector's clicks, before hold-off and gate."""

from amaranth.hdl import Cat, Const, DomainRenamer, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey_gateware.bin_counts import LEAST_ROWS, BinCounts
from hexkey_gateware.binning import PHASE, SETTINGS, Binning
from hexkey_gateware.link.sources import READOUT
from hexkey_gateware.pipeline import count_ones, delayed
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.short_queue import ShortQueue
from hexkey_gateware.slot import CLICK, PHASE_BITS, lane

FAST = DomainRenamer("fast")

QUEUE_SLOTS = 16

SLOT_CLICKS = data.StructLayout(
    {
        "clicked": DETECTORS,
        "more": DETECTORS - 1,  # as many ones as there are clicks but one
        "phases_ticks": data.ArrayLayout(PHASE_BITS, DETECTORS),
    }
)
"""The clicks of a slot that has some."""


class OneByOne(wiring.Component):
    """Puts the clicks of all detectors into one lane.

    Slots with clicks wait in a queue; those of a slot leave one after the other. So bursts of up to
    14 slots pass whatever they hold, and a click a clock in the mean.

    Latency: 5 clocks or more. Back-pressure: none; a slot that finds the queue full is dropped.

    Members
    -------
    raw : :py:`In(lane(CLICK)).array(4)`
    o : :py:`Out(lane(PHASE))`
    dropped : :py:`Out(range(5))`
        Clicks dropped, a clock later.
    """

    raw: In(lane(CLICK)).array(DETECTORS)
    o: Out(lane(PHASE))
    dropped: Out(range(DETECTORS + 1))

    MOST_CLOCKS = DETECTORS * (QUEUE_SLOTS + 4)
    """That a click can take: while it comes into the queue, the slots in it and two more leave."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = ShortQueue(SLOT_CLICKS, QUEUE_SLOTS)
        clicked = Cat(click.valid for click in self.raw)
        clicks = count_ones(clicked)
        m.d.comb += [
            queue.i.valid.eq(clicked.any()),
            queue.i.payload.clicked.eq(clicked),
            queue.i.payload.more.eq(Cat(clicks > 1, clicks > 2, clicks > 3)),
            *(
                queue.i.payload.phases_ticks[detector].eq(click.payload.phase_ticks)
                for detector, click in enumerate(self.raw)
            ),
        ]
        m.d.sync += self.dropped.eq(Mux(queue.i.ready, 0, clicks))

        left, more = Signal(DETECTORS), Signal(DETECTORS - 1)  # of those in `phases`
        phases = Signal(SLOT_CLICKS["phases_ticks"].shape, reset_less=True)
        m.d.comb += queue.o.ready.eq(~more[0])
        m.d.sync += [left.eq(left & (left - 1)[:DETECTORS]), more.eq(more >> 1)]
        with m.If(~more[0]):
            m.d.sync += left.eq(Mux(queue.o.valid, queue.o.payload.clicked, 0))
            m.d.sync += more.eq(Mux(queue.o.valid, queue.o.payload.more, 0))
            m.d.sync += phases.eq(queue.o.payload.phases_ticks)

        lower = delayed(m, Mux(left[0], phases[0], phases[1]), 1)
        upper = delayed(m, Mux(left[2], phases[2], phases[3]), 1)
        in_upper = delayed(m, ~left[:2].any(), 1)
        second = delayed(m, Mux(left[:2].any(), ~left[0], ~left[2]), 1)
        m.d.comb += [
            self.o.valid.eq(delayed(m, left.any(), 2, reset_less=False)),
            self.o.payload.eq(
                Cat(
                    delayed(m, Mux(in_upper, upper, lower), 1), delayed(m, Cat(second, in_upper), 1)
                )
            ),
        ]
        return m


class Histogram(wiring.Component):
    """Counts the clicks of each detector by their phase, in bins from an offset on.

    A bin is ``((phase - offset) mod period) // width``; clicks behind the last of `histogram_bins`
    are not counted. All detectors share one division and one memory: together they can bring a
    click a clock in the mean, and more in bursts.

    `clear` belongs to a change of settings: all histograms begin anew. Clicks that are under way,
    and those of the next `CLEARING_CLOCKS` and `clear_clocks` of the memory, are not counted; it
    says there what a readout gives meanwhile.

    Parameters
    ----------
    bins : int
        Of each detector; a power of two, at least 2.
    detectors : int

    Members
    -------
    raw : :py:`In(lane(CLICK)).array(4)`
        In `fast`: clicks of numbered pulses, with phases below two periods. `before` is not looked
        at.
    period_ticks, histogram_offset_ticks, histogram_bin_ticks, histogram_bins : :py:`In(...)`
        Settings, in `fast`, within the limits of the register map. `histogram_bins` is at most
        `bins`; it holds still when a readout begins, or a `clear` is not over.
    clear : :py:`In(1)`
        In `fast`, for a clock: settings may be others from the next one on.
    dropped : :py:`Out(range(6))`
        In `fast`: clicks for which there was no time, some clocks ago.
    start : :py:`In(stream.Signature(2))`
        In `sync`: read out this detector.
    words : :py:`Out(stream.Signature(READOUT))`
        In `sync`, `histogram_bins` of them.
    """

    CLEARING_CLOCKS = 128  # a power of two, in which all that is under way has passed

    def __init__(self, bins: int, detectors: int = DETECTORS) -> None:
        self._bin_bits, self._detectors = (bins - 1).bit_length(), detectors
        self._detector_bits = (detectors - 1).bit_length()
        super().__init__(
            {
                "raw": In(lane(CLICK)).array(DETECTORS),
                **{name: In(setting_shape(name)) for name in SETTINGS},
                "clear": In(1),
                "dropped": Out(range(DETECTORS + 2)),
                "start": In(stream.Signature(unsigned(2))),
                "words": Out(stream.Signature(READOUT)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes, binning = OneByOne(), Binning(1 << self._bin_bits)
        rows = 1 << (self._bin_bits + self._detector_bits)
        m.submodules.counts = counts = BinCounts(max(rows, LEAST_ROWS))
        m.submodules.lanes, m.submodules.binning = FAST(lanes), FAST(binning)
        assert OneByOne.MOST_CLOCKS + binning.latency < self.CLEARING_CLOCKS

        for click, there in list(zip(self.raw, lanes.raw, strict=True))[: self._detectors]:
            wiring.connect(m, wiring.flipped(click), there)
        wiring.connect(m, lanes.o, binning.i)
        m.d.comb += [getattr(binning, name).eq(getattr(self, name)) for name in SETTINGS]
        detector = binning.o.payload.detector[: self._detector_bits]
        m.d.comb += [
            counts.add.valid.eq(binning.o.valid),
            counts.add.payload.row.eq(Cat(binning.o.payload.bin, detector)),
        ]

        clearing = Signal(range(2 * self.CLEARING_CLOCKS))
        m.d.fast += clearing.eq(clearing + clearing[-1])
        with m.If(self.clear):
            m.d.fast += clearing.eq(self.CLEARING_CLOCKS)
        m.d.comb += counts.clear.eq(clearing[-1])
        m.d.fast += self.dropped.eq(lanes.dropped + counts.dropped)

        first = Cat(Const(0, self._bin_bits), self.start.payload[: self._detector_bits])
        m.d.comb += [
            counts.start.payload.eq(first),
            counts.start.valid.eq(self.start.valid),
            self.start.ready.eq(counts.start.ready),
            counts.length.eq(self.histogram_bins),
        ]
        wiring.connect(m, counts.words, wiring.flipped(self.words))
        return m

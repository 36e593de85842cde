"""What is counted beside the way of the clicks, and read out without stopping it.

A chip that is too small for them has no statistics: neither histograms nor g².
"""

from functools import reduce
from operator import and_
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey.wire import COUNTERS, LAGS, PAIRS
from hexkey_gateware.code_density import CodeDensity
from hexkey_gateware.crossings import crossed
from hexkey_gateware.design import Design
from hexkey_gateware.front_end import COUNTS
from hexkey_gateware.g2_totals import G2Totals
from hexkey_gateware.histogram import Histogram
from hexkey_gateware.link import sources
from hexkey_gateware.pipeline import later
from hexkey_gateware.register_layouts import SETTINGS, resets
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.slot import CHANNELS, CLICK, lane
from hexkey_gateware.tagger.encoder import code_layout
from hexkey_gateware.totals import SHOWN_BITS, Totals

SENT = (*COUNTERS, *(f"pairs_{index}" for index in range(len(PAIRS))))
HISTOGRAM_SETTINGS = ("histogram_offset_ticks", "histogram_bin_ticks", "histogram_bins")
SHOWN = (
    *("trigger_outliers", "trigger_missing", "tags_collided", "histogram_dropped"),
    "tags_dropped",
)

INCREMENTS = data.StructLayout(
    {
        # `bad_requests` is counted where they are sent from.
        **{name: COUNTS[name].width if name in COUNTS.members else 1 for name in SENT},
        "fifo_dropped": 2,
        **dict.fromkeys(SHOWN, 1),
        **{"tags_collided": 3, "histogram_dropped": 3, "tags_dropped": 4},
    }
)
"""By how much each total grows in a clock: those that are sent, in their order, and registers."""


class Tallies(wiring.Component):
    """Totals, g², histograms and code densities.

    Everything is counted in ``fast`` and read out in ``sync``. No back-pressure; the latencies are
    those of the parts.

    Parameters
    ----------
    design : Design
    codes : int
        Of a delay line.

    Members
    -------
    increments : :py:`In(INCREMENTS)`
        In ``fast``, like the next six; `histogram_dropped` is not looked at.
    coincidences, pulses : :py:`In(33), In(1)`
        See `G2Totals`.
    raw : :py:`In(lane(CLICK)).array(4)`
    codes : :py:`In(lane(code_layout(codes))).array(5)`
    settings : :py:`In(SETTINGS)`
        In force.
    settings_change : :py:`In(1)`
        Behind this clock: histograms start anew.
    density_channel, density_source : :py:`In(3), In(2)`
        In ``sync``, like all below.
    clear, cleared : :py:`In(1), Out(1)`
        Of the totals and of g².
    shown : :py:`Out(...)`
        Low halves of the totals that are registers, by name.
    totals, g2, histogram, density : :py:`In(sources.…())`
        For the uplink.
    """

    def __init__(self, design: Design, codes: int) -> None:
        names = list(INCREMENTS.members)
        widths = [INCREMENTS[name].width for name in names]
        self._totals = Totals(widths, [names.index(name) for name in SHOWN])
        self._g2 = G2Totals() if design.statistics else None
        bins, detectors = design.histogram_bins, design.detectors
        self._histogram = Histogram(bins, detectors) if design.statistics else None
        self._density = CodeDensity(codes)
        self.settle_clocks = self._totals.settle_clocks
        reset = resets(SETTINGS, design.period_ticks)
        super().__init__(
            {
                "increments": In(INCREMENTS),
                "coincidences": In(len(LAGS)),
                "pulses": In(1),
                "raw": In(lane(CLICK)).array(DETECTORS),
                "codes": In(lane(code_layout(codes))).array(CHANNELS),
                "settings": In(SETTINGS, init=reset),
                "settings_change": In(1),
                "density_channel": In(setting_shape("density_channel")),
                "density_source": In(2),
                "clear": In(1),
                "cleared": Out(1),
                "shown": Out(data.StructLayout(dict.fromkeys(SHOWN, SHOWN_BITS))),
                "totals": In(sources.totals()),
                "g2": In(sources.g2()),
                "histogram": In(sources.histogram()),
                "density": In(sources.density()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts = {
            "totals": self._totals,
            "g2": self._g2,
            "histogram": self._histogram,
            "density": self._density,
        }
        for name, part in parts.items():
            if part is not None:
                m.submodules[name] = part
        self._count(m)
        self._say(m)
        cleared = [self._totals.cleared]
        m.d.comb += self._totals.clear.eq(self.clear)
        if self._g2 is not None:
            m.d.comb += self._g2.clear.eq(self.clear)
            cleared.append(self._g2.cleared)
        m.d.comb += self.cleared.eq(reduce(and_, cleared))
        return m

    def _count(self, m: Module) -> None:
        histogram, g2 = self._histogram, self._g2
        for index, name in enumerate(INCREMENTS.members):
            grows = self.increments[name]
            if name == "histogram_dropped" and histogram is not None:
                grows = histogram.dropped
            m.d.comb += self._totals.increments[str(index)].eq(later(m, grows))
        if g2 is not None:
            m.d.comb += [
                g2.coincidences.eq(later(m, self.coincidences)),
                g2.pulses.eq(later(m, self.pulses)),
                g2.g2_pair.eq(self.settings.g2_pair),
            ]
        m.d.comb += self._density.channel.eq(self.density_channel)
        lanes: list[tuple[Any, Any]] = []
        if histogram is not None:
            m.d.comb += histogram.clear.eq(self.settings_change)
            for name in ("period_ticks", *HISTOGRAM_SETTINGS):
                m.d.comb += getattr(histogram, name).eq(self.settings[name])
            lanes += zip(self.raw, histogram.raw, strict=True)
        lanes += zip(self.codes, self._density.codes, strict=True)
        for given, taken in lanes:
            m.d.comb += taken.valid.eq(later(m, given.valid))
            m.d.comb += taken.payload.eq(later(m, given.payload))

    def _say(self, m: Module) -> None:
        """Connect what is read out, each with what it was counted for."""
        wiring.connect(m, wiring.flipped(self.totals.index), self._totals.index)
        wiring.connect(m, self._totals.value, wiring.flipped(self.totals.value))
        for ports, source in (
            (self.histogram, self._histogram),
            (self.g2, self._g2),
            (self.density, self._density),
        ):
            if source is not None:
                wiring.connect(m, wiring.flipped(ports.start), source.start)
                wiring.connect(m, source.words, wiring.flipped(ports.words))
        if self._g2 is not None:
            m.d.comb += self.g2.pair.eq(self._g2.pair)
        offset_ticks, bin_ticks, bins = (
            crossed(m, self.settings[name], "sync") for name in HISTOGRAM_SETTINGS
        )
        m.d.comb += [
            self.histogram.offset_ticks.eq(offset_ticks),
            self.histogram.bin_ticks.eq(bin_ticks),
            self.histogram.bins.eq(bins),
            self.density.channel.eq(self.density_channel),
            self.density.source.eq(self.density_source),
            self.shown.eq(self._totals.shown.as_value()),
        ]

"""A channel: from a pin to the tags of its edges."""

from collections.abc import Sequence

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import cdc, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import TICKS_PER_CLOCK, lane, tag_layout
from hexkey_gateware.tagger.delay_line import DelayLine
from hexkey_gateware.tagger.encoder import Encoder, code_layout
from hexkey_gateware.tagger.reach import neighbours
from hexkey_gateware.tagger.table import Table, table_write

SOURCES = 3
PIN, OSCILLATOR, PULSER = range(SOURCES)


class Channel(wiring.Component):
    """Tags the edges at a pin.

    What runs into the delay line is chosen before it by logic that is always there, so that
    calibration and self-test go the way that clicks go. `edge` and `source` get there through
    flip-flops of the domain ``osc``: from ones of the tagger's own clock the whole line would have
    to be passed within a clock. They take some cycles of ``osc`` for it, and may cause a tag.

    A slot's tag stands at `tag` `LATENCY` clocks after the slot, its code at `code` after
    `CODE_LATENCY`; throughput one a clock, no back-pressure.

    Parameters
    ----------
    taps : int
    lowering : str
        See `DelayLine`.
    tap_ps : float
        What a tap is expected to take; what it does take in a model without `delays_ps`.
    ticks_per_clock : int
    name, delays_ps, jitter_ps, delays_file
        See `DelayLine`.

    Members
    -------
    pin, oscillator, pulser : :py:`In(1)`
        Sources of edges, by number 0, 1, 2. Not of this clock domain.
    source : :py:`In(2)`
    edge : :py:`In(1)`
        Whether falling edges of the pin are tagged, not rising ones.
    enable : :py:`In(1)`
        Whether there are tags; codes come at any rate.
    write : :py:`In(table_write(codes))`
        Writes the table of codes.
    tag : :py:`Out(lane(tag_layout(ticks_per_clock)))`
    code : :py:`Out(lane(code_layout(codes)))`
        Of what is not calibrated yet.
    level : :py:`Out(1)`
        The pin as it is.
    """

    def __init__(
        self,
        taps: int,
        lowering: str,
        *,
        tap_ps: float,
        ticks_per_clock: int = TICKS_PER_CLOCK,
        name: str = "tdl",
        delays_ps: Sequence[int] = (),
        jitter_ps: int = 0,
        delays_file: str = "",
    ) -> None:
        if lowering == "model" and not delays_ps:
            delays_ps = [round((tap + 1) * tap_ps) for tap in range(taps)]
        self._line = DelayLine(
            taps,
            lowering,
            name=name,
            delays_ps=delays_ps,
            jitter_ps=jitter_ps,
            delays_file=delays_file,
        )
        self._encoder = Encoder(taps, neighbours(lowering, tap_ps))
        self.codes = self._encoder.reach.codes
        self._table = Table(self.codes, tap_ps=tap_ps, ticks_per_clock=ticks_per_clock)
        self.CODE_LATENCY = self._line.LATENCY + self._encoder.LATENCY
        self.LATENCY = self.CODE_LATENCY + self._table.LATENCY
        super().__init__(
            {
                **dict.fromkeys(("pin", "oscillator", "pulser", "edge", "enable"), In(1)),
                "source": In(2),
                "write": In(table_write(self.codes)),
                "tag": Out(lane(tag_layout(ticks_per_clock))),
                "code": Out(lane(code_layout(self.codes))),
                "level": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line = line = self._line
        m.submodules.encoder = encoder = self._encoder
        m.submodules.table = table = self._table
        edge, source = Signal(), Signal(2)
        m.submodules += [
            cdc.FFSynchronizer(self.edge, edge, o_domain="osc"),
            cdc.FFSynchronizer(self.source, source, o_domain="osc"),
            cdc.FFSynchronizer(self.pin, self.level),
        ]
        m.d.comb += line.hit.eq(Array([self.pin ^ edge, self.oscillator, self.pulser])[source])
        m.d.comb += encoder.snapshot.eq(line.taps)
        wiring.connect(m, encoder.o, table.i)
        wiring.connect(m, wiring.flipped(self.write), table.write)
        m.d.comb += [
            self.code.valid.eq(encoder.o.valid),
            self.code.payload.eq(encoder.o.payload),
            self.tag.valid.eq(table.o.valid & self.enable),
            self.tag.payload.eq(table.o.payload),
        ]
        return m

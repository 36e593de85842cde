"""The inputs: from pins to tags of detectors and trigger, each delayed as its cable demands."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.design import Design
from hexkey_gateware.pipeline import delayed
from hexkey_gateware.skew import Skew
from hexkey_gateware.slot import CHANNELS, TRIGGER_CHANNEL, lane, tag_layout
from hexkey_gateware.tagger.channel import Channel
from hexkey_gateware.tagger.encoder import code_layout
from hexkey_gateware.tagger.table import FINE_BITS, table_write


class Inputs(wiring.Component):
    """A channel and a skew for each input.

    All tags of a slot stand at `tags` in one clock, `LATENCY` clocks after the slot. Throughput one
    tag a clock in each lane, no back-pressure. Inputs that a board has not got are low for ever.

    Parameters
    ----------
    design : Design

    Members
    -------
    pins : :py:`In(5)`
        Detectors 0 to 3, then the trigger: the lanes have the same order.
    oscillator : :py:`In(1)`
    pulses : :py:`In(5)`
        Other sources of edges, see `Channel`.
    sources, edges, enables, delays_ticks : :py:`In(...).array(5)`
        Settings.
    write : :py:`In(table_write(codes))`
        An entry of the table of channel `write_channel`.
    write_channel : :py:`In(3)`
    tags : :py:`Out(lane(tag_layout(...))).array(5)`
    codes : :py:`Out(lane(code_layout(...))).array(5)`
        Of the lines, before tables.
    levels : :py:`Out(5)`
        Of the pins.
    collided : :py:`Out(5)`
        Strobes: a tag was dropped behind its delay.
    """

    WAY = 2  # registers: it is far to whoever takes the tags

    def __init__(self, design: Design) -> None:
        detectors = range(design.detectors)
        self._channels = {
            number: Channel(
                design.taps,
                design.lowering,
                tap_ps=design.tap_ps,
                ticks_per_clock=design.ticks_per_clock,
                name=f"line_{number}",
            )
            for number in (*detectors, TRIGGER_CHANNEL)
        }
        self._ticks_per_clock = design.ticks_per_clock
        some = self._channels[TRIGGER_CHANNEL]
        self.code_count = some.codes
        self.LATENCY = some.LATENCY + Skew.LATENCY + self.WAY
        super().__init__(
            {
                "pins": In(CHANNELS),
                "oscillator": In(1),
                "pulses": In(CHANNELS),
                "sources": In(2).array(CHANNELS),
                "edges": In(1).array(CHANNELS),
                "enables": In(1).array(CHANNELS),
                "delays_ticks": In(signed(14)).array(CHANNELS),
                "write": In(table_write(some.codes)),
                "write_channel": In(range(CHANNELS)),
                "tags": Out(lane(tag_layout(design.ticks_per_clock))).array(CHANNELS),
                "codes": Out(lane(code_layout(some.codes))).array(CHANNELS),
                "levels": Out(CHANNELS),
                "collided": Out(CHANNELS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for number, channel in self._channels.items():
            m.submodules[f"channel_{number}"] = channel
            m.submodules[f"skew_{number}"] = skew = Skew(self._ticks_per_clock)
            self._write_table(m, number, channel)
            wiring.connect(m, channel.tag, skew.i)
            valid = delayed(m, skew.o.valid, self.WAY, reset_less=False)
            m.d.comb += self.tags[number].valid.eq(valid)
            m.d.comb += self.tags[number].payload.eq(delayed(m, skew.o.payload, self.WAY))
            m.d.comb += [
                channel.pin.eq(self.pins[number]),
                channel.oscillator.eq(self.oscillator),
                channel.pulser.eq(self.pulses[number]),
                channel.source.eq(self.sources[number]),
                channel.edge.eq(self.edges[number]),
                channel.enable.eq(self.enables[number]),
                skew.delay_ticks.eq(self.delays_ticks[number]),
                self.codes[number].valid.eq(channel.code.valid),
                self.codes[number].payload.eq(channel.code.payload),
                self.levels[number].eq(channel.level),
                self.collided[number].eq(skew.collided),
            ]
        return m

    def _write_table(self, m: Module, number: int, channel: Channel) -> None:
        """Pass an entry on to its channel; the way to the channels is long."""
        enable = Signal()
        code = Signal.like(self.write.code, reset_less=True)
        fine = Signal(FINE_BITS, reset_less=True)
        m.d.sync += [
            enable.eq(self.write.enable & (self.write_channel == number)),
            code.eq(self.write.code),
            fine.eq(self.write.fine),
        ]
        m.d.comb += [
            channel.write.enable.eq(enable),
            channel.write.code.eq(code),
            channel.write.fine.eq(fine),
        ]

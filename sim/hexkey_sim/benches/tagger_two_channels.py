"""What `tagger_pair` is a bench of."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import lane, tag_layout
from hexkey_gateware.tagger.channel import Channel
from hexkey_sim.benches.edges import DELAYS_FILE

TAPS, TAP_PS = 256, 35.5
NAMES = ("first", "second")


class Pair(wiring.Component):
    """Two channels on the same clocks.

    Members
    -------
    first_pin, second_pin : :py:`In(1)`
    first, second : :py:`Out(lane(tag_layout()))`
    """

    def __init__(self) -> None:
        self.channels = {
            name: Channel(TAPS, "model", tap_ps=TAP_PS, name=name, delays_file=DELAYS_FILE)
            for name in NAMES
        }
        ports = {name: Out(lane(tag_layout())) for name in NAMES}
        super().__init__({**ports, **{f"{name}_pin": In(1) for name in NAMES}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, channel in self.channels.items():
            m.submodules[name] = channel
            m.d.comb += [channel.pin.eq(getattr(self, f"{name}_pin")), channel.enable.eq(1)]
            wiring.connect(m, channel.tag, wiring.flipped(getattr(self, name)))
        return m

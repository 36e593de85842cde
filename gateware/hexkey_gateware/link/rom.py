"""A few bytes that never change, and do not decide on anything else.

Which bytes they are must not matter to a bitstream's timing: a hash of the sources among them would
make each comment another netlist and so another placement. On an ECP5 they are therefore the
contents of LUTs that nobody optimises.
"""

from amaranth.hdl import Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.block_ram import is_ecp5
from hexkey_gateware.link.nibbles import part

LUT_INPUTS = 4
LUT_ROWS = 1 << LUT_INPUTS


class Rom(wiring.Component):
    """Shows the byte at an address; 0 where there is none.

    Latency 0.

    Parameters
    ----------
    content : bytes
        More than 16.
    ecp5 : bool, optional
        Whether to use the cells of an ECP5; if not given, whether the platform is one.

    Members
    -------
    address : :py:`In(...)`
    data : :py:`Out(8)`
    """

    def __init__(self, content: bytes, *, ecp5: bool | None = None) -> None:
        if len(content) <= LUT_ROWS:
            raise ValueError(f"a ROM has more than {LUT_ROWS} bytes, not {len(content)}")
        self._content, self._ecp5 = content, ecp5
        super().__init__({"address": In(range(len(content))), "data": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if is_ecp5(platform, self._ecp5):
            self._luts(m)
        else:
            whole = Const(int.from_bytes(self._content, "little"), 8 * len(self._content))
            m.d.comb += self.data.eq(part(m, whole, self.address, 8))
        return m

    def _luts(self, m: Module) -> None:
        """Sixteen bytes are eight LUTs, one a bit."""
        blocks = -(-len(self._content) // LUT_ROWS)
        found = Signal(8 * blocks)
        for bit in range(8 * blocks):
            rows = self._content[bit // 8 * LUT_ROWS :][:LUT_ROWS]
            column = sum((byte >> bit % 8 & 1) << row for row, byte in enumerate(rows))
            m.submodules[f"bit_{bit}"] = Instance(
                "LUT4",
                a_keep=1,
                p_INIT=Const(column, LUT_ROWS),
                **{f"i_{pin}": self.address[place] for place, pin in enumerate("ABCD")},
                o_Z=found[bit],
            )
        m.d.comb += self.data.eq(part(m, found, self.address[LUT_INPUTS:], 8))

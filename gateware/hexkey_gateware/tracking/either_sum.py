"""One number plus either of two, with the choice inside the adder."""

from amaranth.hdl import Cat, Const, Instance, Module, Mux, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.block_ram import is_ecp5

# Of a CCU2C's look-up tables: A plus what D chooses, B or C; and a bit that lets 1 into the chain
# if A is set and B is not.
EITHER, ENTRY = 0x665A, 0x0002


class EitherSum(wiring.Component):
    """Adds `one` if `choose` is set, else `other`.

    Synthesis puts a multiplexer in front of the adder or behind it, a look-up table and a way
    through the chip that a loop at 200 MHz has no time for. The carry cells of an ECP5 have an
    input to spare, so there they are instances; elsewhere it is what it says.

    Combinational.

    Parameters
    ----------
    shape : Shape
        Of all numbers; the sum goes round.
    ecp5 : bool, optional
        Whether to use the cells of an ECP5; if not given, whether the platform is one.

    Members
    -------
    base, one, other : :py:`In(shape)`
    choose : :py:`In(1)`
    borrow : :py:`In(1)`
        The sum is `base` + `one` if `borrow` is set, 1 more if not; of no effect on `other`.
    sum : :py:`Out(shape)`
    """

    def __init__(self, shape: Shape, *, ecp5: bool | None = None) -> None:
        self._ecp5 = ecp5
        super().__init__(
            {
                "base": In(shape),
                "one": In(shape),
                "other": In(shape),
                "choose": In(1),
                "borrow": In(1),
                "sum": Out(shape),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if is_ecp5(platform, self._ecp5):
            self._chain(m)
        else:
            one = self.one + ~self.borrow
            m.d.comb += self.sum.eq(self.base + Mux(self.choose, one, self.other))
        return m

    def _chain(self, m: Module) -> None:
        carry: Value = Const(0, 1)
        # Bit 0 is what enters the chain.
        bits = [(self.choose, self.borrow, Const(1, 1), Const(0, 1), ENTRY)]
        bits += [
            (base, one, other, self.choose, EITHER)
            for base, one, other in zip(self.base, self.one, self.other, strict=True)
        ]
        if len(bits) % 2:
            bits.append((*(Const(0, 1),) * 4, EITHER))
        sums = Signal(len(bits))
        for at in range(0, len(bits), 2):
            ports: dict[str, object] = {"i_CIN": carry}
            for index, (a, b, c, d, table) in enumerate(bits[at : at + 2]):
                inputs = zip("ABCD", (a, b, c, d), strict=True)
                ports |= {f"i_{name}{index}": value for name, value in inputs}
                ports[f"o_S{index}"] = sums[at + index]
                ports[f"p_INIT{index}"] = Const(table, 16)
                ports[f"p_INJECT1_{index}"] = "NO"
            carry = Signal(name=f"carry_{at}")
            m.submodules[f"bits_{at}"] = Instance("CCU2C", o_COUT=carry, **ports)
        m.d.comb += self.sum.eq(Cat(sums)[1 : 1 + len(self.sum)])

"""The carry cells of an ECP5 add what the plain adder adds; proved for all numbers."""

from pathlib import Path

import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tests.gateware.formal.cells import prove_equal
from tests.gateware.formal.conftest import needs_prover

from hexkey.errors import HexkeyError
from hexkey_gateware.tracking import either_sum
from hexkey_gateware.tracking.either_sum import EitherSum

pytestmark = needs_prover
MODELS = ("common_sim.vh", "ccu2c_sim.vh")


class Both(wiring.Component):
    """Says whether the two ways to add differ."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        numbers = dict.fromkeys(("base", "one", "other"), In(signed(bits)))
        flags = {"choose": In(1), "borrow": In(1), "differ": Out(1)}
        super().__init__({**numbers, **flags})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.plain = plain = EitherSum(signed(self._bits), ecp5=False)
        m.submodules.cells = cells = EitherSum(signed(self._bits), ecp5=True)
        for name in ("base", "one", "other", "choose", "borrow"):
            m.d.comb += [getattr(each, name).eq(getattr(self, name)) for each in (plain, cells)]
        m.d.comb += self.differ.eq(plain.sum != cells.sum)
        return m


@pytest.mark.parametrize("bits", [18, 19])
def test_cells_add_what_the_plain_adder_adds(bits: int, tmp_path: Path) -> None:
    prove_equal(Both(bits), tmp_path, *MODELS)


@pytest.mark.parametrize("table", ["EITHER", "ENTRY"])
def test_proof_sees_a_bit_of_a_table(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(either_sum, table, getattr(either_sum, table) ^ 2)
    with pytest.raises(HexkeyError, match="proof did fail"):
        prove_equal(Both(18), tmp_path, *MODELS)

"""Each packet leaves with the bytes of a CRC behind it, and `last` moves to the last of them.

Proved of `CrcAppender` by induction over 2 clocks, so for all time, at full size, whatever the
bytes and however either side stalls. So the zero that ends a frame, of which `test_cobs.py` speaks,
follows its CRC. What is in the CRC is left to the bench.
"""

import struct
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from tests.gateware.formal.conftest import needs_prover
from tests.gateware.formal.inside import implies, in_state, signals

from hexkey.wire.frame import CRC
from hexkey_gateware import frame
from hexkey_gateware.cobs import BYTE
from hexkey_gateware.frame import CrcAppender
from hexkey_sim.formal import prove

pytestmark = needs_prover


class CrcIsAppended(wiring.Component):
    """Bytes pass as they are, and behind the last of a packet come as many as a CRC has."""

    valid: In(1)
    byte: In(BYTE)
    ready: In(1)

    def __init__(self, appender: CrcAppender) -> None:
        super().__init__()
        self._appender = appender

    def elaborate(self, platform: object) -> Module:
        m = Module()
        appender = self._appender
        m.submodules.appender = inner = appender.elaborate(platform)
        m.d.comb += [
            appender.i.valid.eq(self.valid),
            appender.i.payload.eq(self.byte),
            appender.o.ready.eq(self.ready),
        ]
        kept, keeps = Signal(BYTE), Signal()
        left = Signal(range(CRC.size + 1))  # of the CRC
        with m.If(appender.o.valid):
            m.d.comb += Assert(keeps | (left != 0))
            m.d.comb += Assert(implies(keeps, appender.o.payload.data == kept.data))
            m.d.comb += Assert(appender.o.payload.last == (~keeps & (left == 1)))
        with m.If(appender.o.valid & appender.o.ready):
            m.d.sync += keeps.eq(0)
            m.d.sync += left.eq(Mux(keeps, Mux(kept.last, CRC.size, 0), left - 1))
        with m.If(appender.i.valid & appender.i.ready):
            m.d.comb += Assert(~keeps & (left == 0))
            m.d.sync += [kept.eq(appender.i.payload), keeps.eq(1)]

        # What the induction needs to know of what is inside.
        appends, place = in_state(inner, "APPEND"), signals(inner)["place"]
        given = ((place + 7) >> 3)[:3]
        m.d.comb += [
            Assert(in_state(inner, "TAKE") | in_state(inner, "PASS") | appends),
            Assert(keeps == in_state(inner, "PASS")),
            Assert(implies(keeps, (signals(inner)["kept"] == kept.as_value()) & (place < 8))),
            Assert(left == Mux(appends, CRC.size - given, 0)),
        ]
        return m


def test_crc_is_appended(tmp_path: Path) -> None:
    proof = prove(CrcIsAppended(CrcAppender()), tmp_path, depth=2)
    assert proof.holds, proof.log


def test_proof_sees_a_short_crc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "CRC", struct.Struct("<3B"))
    proof = prove(CrcIsAppended(CrcAppender()), tmp_path, mode="bmc", depth=40)
    assert proof.refuted, proof.log

"""The three clocks of a receiver out of a board's oscillator.

No domain has a reset. A configured chip starts with every flip-flop at its initial value, so all
that is needed is that the clocks begin cleanly: they are held until the PLL has locked. A reset
tree at 200 MHz would be the longest path of the design, for nothing.
"""

from fractions import Fraction
from typing import Protocol

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, Signal

from hexkey_gateware.boards import Clocks

OSCG_HZ = 310_000_000  # ECP5, nominal
GOWIN_OSC_HZ = 250_000_000  # GW2A, nominal
VCO_HZ = 600_000_000
LOCKED_CLOCKS = 15


class ClockPlan(Protocol):
    def __call__(self, m: Module, oscillator: Signal, clocks: Clocks) -> None: ...


def add_domains(m: Module) -> None:
    """Add the domains `fast`, `sync` and `osc`."""
    for name in ("fast", "sync", "osc"):
        m.domains += ClockDomain(name, reset_less=True)


def ecp5_clocks(m: Module, oscillator: Signal, clocks: Clocks) -> None:
    """Drive the domains by EHXPLLL and OSCG, through gates that open once the PLL has locked."""
    add_domains(m)
    op_divider, os_divider = VCO_HZ // clocks.fast_hz, VCO_HZ // clocks.sync_hz
    ratio = Fraction(clocks.fast_hz, clocks.input_hz)
    fast, sync, locked, open_gates = Signal(), Signal(), Signal(), Signal()
    m.submodules.pll = Instance(
        "EHXPLLL",
        p_CLKI_DIV=ratio.denominator,
        p_CLKFB_DIV=ratio.numerator,
        p_FEEDBK_PATH="CLKOP",
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOP_DIV=op_divider,
        p_CLKOP_CPHASE=op_divider - 1,
        p_CLKOP_FPHASE=0,
        p_CLKOS_ENABLE="ENABLED",
        p_CLKOS_DIV=os_divider,
        p_CLKOS_CPHASE=os_divider - 1,
        p_CLKOS_FPHASE=0,
        i_CLKI=oscillator,
        i_CLKFB=fast,
        i_RST=Const(0),
        i_STDBY=Const(0),
        o_CLKOP=fast,
        o_CLKOS=sync,
        o_LOCK=locked,
    )
    m.submodules.oscillator = Instance(
        "OSCG", p_DIV=OSCG_HZ // clocks.oscillator_hz, o_OSC=ClockSignal("osc")
    )
    _count_locked(m, locked, open_gates)
    for name, source in (("fast", fast), ("sync", sync)):
        m.submodules[f"{name}_gate"] = Instance(
            "DCCA", i_CLKI=source, i_CE=open_gates, o_CLKO=ClockSignal(name)
        )


def _count_locked(m: Module, locked: Signal, open_gates: Signal) -> None:
    """Open the gates after the PLL was locked for some cycles of the oscillator, which runs on."""
    seen, count = Signal(2), Signal(range(LOCKED_CLOCKS + 1))
    m.d.osc += seen.eq((seen << 1) | locked)
    with m.If(~seen[1]):
        m.d.osc += count.eq(0)
    with m.Elif(count != LOCKED_CLOCKS):
        m.d.osc += count.eq(count + 1)
    m.d.osc += open_gates.eq(count == LOCKED_CLOCKS)


def gowin_clocks(m: Module, oscillator: Signal, clocks: Clocks) -> None:
    """Drive the domains by two rPLLs, one after the other, and OSC.

    27 MHz is 3³ MHz and no PLL divides by 27 at a sensible comparison frequency; 27/9·50 = 150 and
    150/3·2 = 100 do. Neither gate nor reset stands at the outputs: what they do until the PLLs have
    locked may leave the receiver in any state, so this board wants a load that is followed by a
    self-test.
    """
    add_domains(m)
    middle, fast, sync, locked = Signal(), Signal(), Signal(), Signal()
    m.submodules.pll_150 = _rpll(27, 9, 50, 4, oscillator, middle, Signal(), Signal())
    m.submodules.pll_100 = _rpll(150, 3, 2, 8, middle, fast, sync, locked)
    m.submodules.oscillator = Instance(
        "OSC",
        p_FREQ_DIV=GOWIN_OSC_HZ // clocks.oscillator_hz,
        p_DEVICE="GW2A-18C",
        o_OSCOUT=ClockSignal("osc"),
    )
    m.d.comb += [ClockSignal("fast").eq(fast), ClockSignal("sync").eq(sync)]


def _rpll(
    input_mhz: int,
    input_divider: int,
    factor: int,
    vco_divider: int,
    source: Signal,
    output: Signal,
    half: Signal,
    locked: Signal,
) -> Instance:
    """Return a PLL that gives `source` · factor / divider, and the half of that."""
    return Instance(
        "rPLL",
        p_FCLKIN=str(input_mhz),
        p_DYN_IDIV_SEL="false",
        p_IDIV_SEL=input_divider - 1,
        p_DYN_FBDIV_SEL="false",
        p_FBDIV_SEL=factor - 1,
        p_DYN_ODIV_SEL="false",
        p_ODIV_SEL=vco_divider,
        p_PSDA_SEL="0000",
        p_DYN_DA_EN="false",
        p_DUTYDA_SEL="1000",
        p_CLKOUT_FT_DIR=1,
        p_CLKOUTP_FT_DIR=1,
        p_CLKOUT_DLY_STEP=0,
        p_CLKOUTP_DLY_STEP=0,
        p_CLKFB_SEL="internal",
        p_CLKOUT_BYPASS="false",
        p_CLKOUTP_BYPASS="false",
        p_CLKOUTD_BYPASS="false",
        p_DYN_SDIV_SEL=2,
        p_CLKOUTD_SRC="CLKOUT",
        p_CLKOUTD3_SRC="CLKOUT",
        p_DEVICE="GW2A-18C",
        i_CLKIN=source,
        i_CLKFB=Const(0),
        i_RESET=Const(0),
        i_RESET_P=Const(0),
        i_FBDSEL=Const(0, 6),
        i_IDSEL=Const(0, 6),
        i_ODSEL=Const(0, 6),
        i_PSDA=Const(0, 4),
        i_DUTYDA=Const(0, 4),
        i_FDLY=Const(0, 4),
        o_CLKOUT=output,
        o_CLKOUTD=half,
        o_LOCK=locked,
    )


CLOCK_PLANS: dict[str, ClockPlan] = {"ecp5": ecp5_clocks, "gowin": gowin_clocks}

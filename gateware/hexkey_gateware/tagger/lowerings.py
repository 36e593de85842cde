"""What delay lines are made of: carry chains, two edges of the clock, or a model of time.

Each function adds a line to a module: `hit` runs along it, `taps` takes what a sampling edge finds.
Cells have names that say which tap they are of, since whoever builds a bitstream must check where
they were placed: ``<name>_carry_<n>`` along the chain, ``<name>_tap_<n>`` for the flip-flops.
"""

from collections.abc import Sequence

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Const, Instance, Module, Signal

ECP5_CELL, XILINX7_CELL = "TDL_CCU2C", "TDL_CARRY4"
"""Black boxes that stand for a CCU2C and a CARRY4 until synthesis is over. Yosys sees through
carry cells and proves that all taps are equal; what is left then has no line and no error."""

ECP5_FEED = Const(0x000A, 16)  # carry out = input A, whatever the carry in
ECP5_PASS = Const(0xFFFF, 16)  # carry out = carry in, sum = its complement


def ecp5_carry(m: Module, hit: Signal, taps: Signal, name: str) -> None:
    """Two taps in each CCU2C; the first one only lets the hit in."""
    carry, sums, flops = Signal(), Signal(len(taps)), Signal(len(taps))
    m.submodules[f"{name}_carry_0"] = Instance(
        ECP5_CELL,
        p_INIT0=Const(0, 16),
        p_INIT1=ECP5_FEED,
        **{"p_INJECT1_0": "NO", "p_INJECT1_1": "NO", "i_CIN": Const(0)},
        **{f"i_{pin}0": Const(0) for pin in "ABCD"},
        i_A1=hit,
        i_B1=Const(0),
        **{f"i_{pin}1": Const(1) for pin in "CD"},
        o_COUT=carry,
    )
    for first in range(0, len(taps), 2):
        carry_out = Signal(name=f"carry_{first // 2 + 1}")
        m.submodules[f"{name}_carry_{first // 2 + 1}"] = Instance(
            ECP5_CELL,
            p_INIT0=ECP5_PASS,
            p_INIT1=ECP5_PASS,
            **{"p_INJECT1_0": "NO", "p_INJECT1_1": "NO", "i_CIN": carry},
            **{f"i_{pin}{half}": Const(1) for pin in "ABCD" for half in (0, 1)},
            o_S0=sums[first],
            o_S1=sums[first + 1],
            o_COUT=carry_out,
        )
        carry = carry_out
    for tap in range(len(taps)):
        m.submodules[f"{name}_tap_{tap}"] = Instance(
            "TRELLIS_FF",
            a_keep=1,  # the last ones, too, which nothing looks at: each build is checked alike
            **{"p_GSR": "DISABLED", "p_CEMUX": "1", "p_CLKMUX": "CLK", "p_LSRMUX": "LSR"},
            **{"p_REGSET": "RESET", "p_SRMODE": "LSR_OVER_CE"},
            i_CLK=ClockSignal(),
            i_CE=Const(1),
            i_LSR=Const(0),
            i_DI=sums[tap],
            o_Q=flops[tap],
        )
    # Behind the flip-flops: an inverter before them would be a LUT between chain and flip-flop.
    m.d.comb += taps.eq(~flops)


def xilinx7_carry(m: Module, hit: Signal, taps: Signal, name: str) -> None:
    """Four taps in each CARRY4."""
    keep = {"a_DONT_TOUCH": "TRUE", "a_keep": 1}
    carries = Signal(len(taps))
    for first in range(0, len(taps), 4):
        m.submodules[f"{name}_carry_{first // 4}"] = Instance(
            XILINX7_CELL,
            **keep,
            i_CYINIT=Const(0) if first else hit,
            i_CI=carries[first - 1] if first else Const(0),
            i_DI=Const(0, 4),
            i_S=Const(0b1111, 4),
            o_CO=carries[first : first + 4],
        )
    for tap in range(len(taps)):
        m.submodules[f"{name}_tap_{tap}"] = Instance(
            "FDRE",
            **keep,
            i_C=ClockSignal(),
            i_CE=Const(1),
            i_R=Const(0),
            i_D=carries[tap],
            o_Q=taps[tap],
        )


def two_edges(m: Module, hit: Signal, taps: Signal) -> None:
    """Sample at both edges of the clock, in plain flip-flops: any FPGA has them, behind a mux, too.

    The taps are the sample at this sampling edge, half a clock before, and a clock before.
    """
    m.domains.falling = ClockDomain(clk_edge="neg", reset_less=True, local=True)
    m.d.comb += ClockSignal("falling").eq(ClockSignal())
    rising, falling = Signal(reset_less=True), Signal(reset_less=True)
    m.d.sync += rising.eq(hit)
    m.d.falling += falling.eq(hit)
    # A second register each: the first one may have caught the hit in the middle of its edge.
    settled = Signal(3, reset_less=True)
    halfway = Signal(reset_less=True)
    m.d.sync += [halfway.eq(falling), settled.eq(Cat(rising, halfway, settled[0]))]
    m.d.comb += taps.eq(settled)


def timed_model(
    m: Module, hit: Signal, taps: Signal, delays_ps: Sequence[int], jitter_ps: int, file: str
) -> None:
    """`hexkey_timed_line.v`: when each tap sees the hit, by the simulator's time."""
    packed = sum(delay << 16 * tap for tap, delay in enumerate(delays_ps))
    m.submodules.model = Instance(
        "hexkey_timed_line",
        p_TAPS=len(taps),
        p_DELAYS_PS=Const(packed, 16 * len(taps)),
        p_DELAYS_FILE=file,
        p_JITTER_PS=jitter_ps,
        i_clk=ClockSignal(),
        i_hit=hit,
        o_taps=taps,
    )

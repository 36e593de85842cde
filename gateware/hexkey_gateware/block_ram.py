"""Block RAM that can be read at 200 MHz.

An ECP5's block RAM takes 5.8 ns from the clock to its data, unless its own output register is used;
Yosys never uses it. So on an ECP5 the cells are instances here, and elsewhere a memory with a
register behind it, which is the same to the clock.
"""

from collections.abc import Sequence

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.vendor import LatticePlatform

ECP5_ROWS = {18: 1024, 9: 2048}  # bits of a row and rows, in a cell that writes a row at once
ECP5_ROW_BITS = 18
ECP5_INIT_ROWS = 16  # in each of a cell's INITVAL parameters, 20 bits apart
ECP5_ADDRESS_BITS = 14


def is_ecp5(platform: object, told: bool | None = None) -> bool:
    """Return whether the cells of an ECP5 can be instances there, or what one was told of it."""
    if told is not None:
        return told
    return isinstance(platform, LatticePlatform) and platform.device.startswith("LFE5")


class BlockRam(wiring.Component):
    """A memory with a port to write and a port to read, one of each a clock.

    `read_data` is the row at `read_address` `LATENCY` clocks ago, without what was written in that
    clock or later. A row that is written in the clock in which its address is given may also come
    out as neither its old nor its new contents on an ECP5: whoever reads it soon after must keep
    what was written by other means.

    Parameters
    ----------
    bits : int
        Of a row.
    rows : int
        At most 2048.
    init : sequence of int
        Rows at the start; the others are 0.
    ecp5 : bool, optional
        Whether to use the cells of an ECP5; if not given, whether the platform is one.

    Members
    -------
    write : :py:`In({enable, address, data})`
    read_address : :py:`In(...)`
    read_data : :py:`Out(bits)`
    """

    LATENCY = 2

    def __init__(
        self, bits: int, rows: int, init: Sequence[int] = (), *, ecp5: bool | None = None
    ) -> None:
        if not 1 < rows <= max(ECP5_ROWS.values()):
            raise ValueError(f"a block RAM has 2 to 2048 rows, not {rows}")
        self._bits, self._rows, self._init, self._ecp5 = bits, rows, list(init), ecp5
        address = (rows - 1).bit_length()
        write = wiring.Signature({"enable": Out(1), "address": Out(address), "data": Out(bits)})
        super().__init__({"write": In(write), "read_address": In(address), "read_data": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if is_ecp5(platform, self._ecp5):
            self._cells(m)
        else:
            self._memory(m)
        return m

    def _memory(self, m: Module) -> None:
        m.submodules.ram = ram = memory.Memory(shape=self._bits, depth=self._rows, init=self._init)
        write, read = ram.write_port(), ram.read_port()
        m.d.comb += [
            write.en.eq(self.write.enable),
            write.addr.eq(self.write.address),
            write.data.eq(self.write.data),
            read.addr.eq(self.read_address),
        ]
        output = Signal(self._bits, reset_less=True)
        m.d.sync += output.eq(read.data)
        m.d.comb += self.read_data.eq(output)

    def _cells(self, m: Module) -> None:
        width = min(bits for bits, rows in ECP5_ROWS.items() if rows >= self._rows)
        if self._rows <= ECP5_ROWS[ECP5_ROW_BITS]:
            width = ECP5_ROW_BITS
        for index, start in enumerate(range(0, self._bits, width)):
            bits = slice(start, min(start + width, self._bits))
            m.submodules[f"ram_{index}"] = self._cell(m, bits, width)

    def _cell(self, m: Module, bits: slice, width: int) -> Instance:
        # The lowest address bits choose within 18 bits; for rows of 18 they enable its bytes.
        low = (ECP5_ADDRESS_BITS - (ECP5_ROWS[width] - 1).bit_length()) * "0"
        lows = {"A": "1" * len(low) if width == ECP5_ROW_BITS else low, "B": low}
        output = Signal(width)
        m.d.comb += self.read_data[bits].eq(output)
        ports: dict[str, object] = {}
        for port, address, data in (
            ("A", self.write.address, self.write.data[bits]),
            ("B", self.read_address, Const(0, 1)),
        ):
            for bit in range(ECP5_ADDRESS_BITS):
                row_bit = bit - len(low)
                known = Const(int(lows[port][bit]), 1) if row_bit < 0 else Const(0, 1)
                wired = 0 <= row_bit < len(address)
                ports[f"i_AD{port}{bit}"] = address[row_bit] if wired else known
            for bit in range(ECP5_ROW_BITS):
                ports[f"i_DI{port}{bit}"] = data[bit] if bit < len(data) else Const(0, 1)
            for pin, value in (("CE", 1), ("OCE", 1), ("RST", 0), ("CS", 0)):
                for name in [f"{pin}{port}"] if pin != "CS" else [f"CS{port}{i}" for i in range(3)]:
                    ports[f"i_{name}"] = Const(value, 1)
            ports[f"i_CLK{port}"] = ClockSignal()
        ports |= {f"o_DOB{bit}": output[bit] for bit in range(width)}
        ports |= {"i_WEA": self.write.enable, "i_WEB": Const(0, 1)}
        return Instance("DP16KD", **_parameters(width), **self._initial(bits, width), **ports)

    def _initial(self, bits: slice, width: int) -> dict[str, Const]:
        """Return the parameters that fill a cell at the start."""
        mask = (1 << (bits.stop - bits.start)) - 1
        columns = [row >> bits.start & mask for row in self._init]
        packed = sum(column << width * row for row, column in enumerate(columns))
        parameters = {}
        for block in range(64):
            rows = (
                (packed >> ECP5_ROW_BITS * (block * ECP5_INIT_ROWS + row) & 0x3FFFF) << 20 * row
                for row in range(ECP5_INIT_ROWS)
            )
            parameters[f"p_INITVAL_{block:02X}"] = Const(sum(rows), 320)
        return parameters


def _parameters(width: int) -> dict[str, object]:
    return {
        "p_DATA_WIDTH_A": width,
        "p_DATA_WIDTH_B": width,
        "p_REGMODE_A": "OUTREG",
        "p_REGMODE_B": "OUTREG",
        "p_RESETMODE": "SYNC",
        "p_ASYNC_RESET_RELEASE": "SYNC",
        "p_CSDECODE_A": "0b000",
        "p_CSDECODE_B": "0b000",
        "p_WRITEMODE_A": "NORMAL",
        "p_WRITEMODE_B": "NORMAL",
        "p_GSR": "DISABLED",
    }

"""A CRC that takes a bit a clock: few gates, where bytes are many clocks apart."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.crc import Algorithm
from amaranth.lib.wiring import In, Out


class SerialCrc(wiring.Component):
    """The CRC of the bits that went in, the least significant of each byte first.

    What is kept is the complement of the usual register: it is the CRC itself, and 0 at the start.

    Latency 1 clock, throughput 1 bit a clock.

    Parameters
    ----------
    algorithm : Algorithm
        Reflected both ways, all ones at the start and added at the end.

    Members
    -------
    shift : :py:`In(1)`
        `bit` goes in.
    bit : :py:`In(1)`
    out : :py:`In(1)`
        With `shift`: the lowest bit of the CRC goes out instead, and the next is the lowest. After
        as many shifts as it has bits, the CRC is as at the start.
    clear : :py:`In(1)`
        Begin anew.
    crc : :py:`Out(...)`
    """

    def __init__(self, algorithm: Algorithm) -> None:
        width = algorithm.crc_width
        ones = (1 << width) - 1
        if (
            not (algorithm.reflect_input and algorithm.reflect_output)
            or algorithm.initial_crc != ones
            or algorithm.xor_output != ones
        ):
            raise ValueError(
                f"the algorithm must be reflected, with ones to begin, not {algorithm!r}"
            )
        self._taps = [bool(algorithm.polynomial >> (width - 1 - bit) & 1) for bit in range(width)]
        super().__init__(
            {
                "shift": In(1),
                "bit": In(1),
                "out": In(1),
                "clear": In(1),
                "crc": Out(width),
            }
        )

    def residue(self) -> int:
        """Return what `crc` is once bytes and then their CRC went in."""
        crc = 0
        for _ in self._taps:  # a CRC of 0, behind no bytes at all
            crc = self._stepped(crc, 0)
        return crc

    def _stepped(self, crc: int, bit: int) -> int:
        feedback = ~crc & 1 ^ bit
        taps = sum(tap << place for place, tap in enumerate(self._taps))
        top = 1 << len(self._taps) - 1
        return (crc >> 1 | top) ^ (taps if feedback else 0)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        feedback = Signal()
        m.d.comb += feedback.eq(~(self.crc[0] ^ self.bit) & ~self.out)
        shifted = Cat(self.crc[1:], ~self.out)
        with m.If(self.shift):
            m.d.sync += self.crc.eq(
                Cat(
                    bit ^ feedback if tap else bit
                    for bit, tap in zip(shifted, self._taps, strict=True)
                )
            )
        with m.If(self.clear):
            m.d.sync += self.crc.eq(0)
        return m

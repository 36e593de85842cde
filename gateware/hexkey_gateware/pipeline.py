"""Small things that pipelines are made of."""

from functools import reduce
from operator import add

from amaranth.hdl import Module, Signal, Value, ValueLike


def delayed(m: Module, value: ValueLike, clocks: int, *, reset_less: bool = True) -> Signal:
    """Return `value`, whatever its shape, so many clocks later.

    Data without a reset keeps the synchronous reset off the critical path; what says that data is
    valid needs one.
    """
    for _ in range(clocks):
        later = Signal.like(value, reset_less=reset_less)
        m.d.sync += later.eq(value)
        value = later
    return value


def later(m: Module, value: ValueLike, domain: str = "fast") -> Signal:
    """Return `value` a clock later: between two parts of the chip the way takes half a clock."""
    register = Signal.like(value)
    m.d[domain] += register.eq(value)
    return register


def count_ones(bits: Value) -> Value:
    return reduce(add, bits)


def less(left: Value, right: Value) -> Value:
    """Return ``left < right`` of unsigned values as the borrow of their difference.

    On ECP5 that is the end of a carry chain, beside a register of its own; of ``<`` it is the
    inverse, and the inverter costs half a nanosecond. What needs the inverse takes it afterwards.
    """
    return (left - right)[-1]

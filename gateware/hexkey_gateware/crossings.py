"""What takes values that seldom change from one clock domain to another."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.cdc import FFSynchronizer


def crossed(m: Module, value: Value, domain: str, init: int = 0) -> Signal:
    """Return a value as it is in another domain, 2 clocks later.

    Its bits may arrive in two different clocks: it must be a single bit, or hold still for some
    clocks before anybody there looks at it.
    """
    there = Signal(len(value), init=init)
    m.submodules += FFSynchronizer(value, there, o_domain=domain, init=init)
    return there

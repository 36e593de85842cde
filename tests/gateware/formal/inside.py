"""What an induction says of what is inside a block."""

from amaranth.hdl import Module, Signal, Value


def signals(block: Module) -> dict[str, Signal]:
    """Return the signals that an elaborated block drives, by those names that are of one only."""
    found: dict[str, list[Signal]] = {}
    for signal in block._driving:
        found.setdefault(signal.name, []).append(signal)
    return {name: those[0] for name, those in found.items() if len(those) == 1}


def in_state(block: Module, state: str) -> Value:
    """Return whether the only state machine of an elaborated block is in a state."""
    return block._generated["fsm"].ongoing(state)


def implies(condition: Value, fact: Value) -> Value:
    return ~condition | fact

"""All registers of a board, read and written by name."""

from dataclasses import dataclass

from hexkey.board import Board
from hexkey.calibration.procedure import channels_of
from hexkey.errors import ConfigurationError
from hexkey.wire.registers import REGISTERS, TRIGGER, Register, register


@dataclass(frozen=True, slots=True)
class Held:
    """What a register holds; `value` is None where it can only be written."""

    row: Register
    channel: int | None
    value: int | None

    @property
    def name(self) -> str:
        return full_name(self.row.name, self.channel)


def full_name(name: str, channel: int | None) -> str:
    """Return a register's name with its channel: ``enable.0``, ``delay_ticks.trigger``."""
    if channel is None:
        return name
    return f"{name}.{'trigger' if channel == TRIGGER else channel}"


def read_all(board: Board) -> list[Held]:
    """Read every register that a board has."""
    channels = (None, *channels_of(board.identification))
    return [
        Held(row, channel, None if row.access == "w" else board.read(row.name, channel))
        for row in REGISTERS
        for channel in row.instances
        if channel in channels
    ]


def write_all(board: Board, assignments: list[str]) -> list[Held]:
    """Carry out assignments such as ``gate_start_ticks.0=50``; commit what has to be committed.

    Raises
    ------
    ConfigurationError
        If one cannot be read, before any is written; or if the board refuses one.
    """
    wanted = [parse(each) for each in assignments]
    written = []
    for row, channel, value in wanted:
        board.write(row.name, value, channel)
        written.append(Held(row, channel, value))
    if any(row.shadowed for row, _, _ in wanted):
        board.commit()
    return written


def parse(assignment: str) -> tuple[Register, int | None, int]:
    """Return the register, channel and value of an assignment."""
    name, equals, text = assignment.partition("=")
    try:
        value = int(text, 0)
    except ValueError:
        equals = ""
    if not equals:
        raise ConfigurationError(
            f"{assignment!r} is no assignment: write NAME=VALUE or NAME.CHANNEL=VALUE, such as "
            "gate_start_ticks.0=50"
        )
    base, dot, place = name.strip().partition(".")
    try:
        row = register(base)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    channel = {**{str(each): each for each in range(row.channels)}, "": None}
    if row.channels > TRIGGER:
        channel["trigger"] = TRIGGER
    if place not in channel or not bool(dot) == bool(place) == bool(row.channels):
        known = ", ".join(full_name(base, each) for each in row.instances)
        raise ConfigurationError(f"there is no register {name!r}: use {known}")
    return row, channel[place], value

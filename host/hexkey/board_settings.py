"""What a board can be set to, as one value, and how it is spelled in registers."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hexkey.errors import ConfigurationError
from hexkey.wire import Identification
from hexkey.wire.registers import TRIGGER, DoubleClick, Mode


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """One detector's input.

    Attributes
    ----------
    gate_start_ticks : int
        Phase at which the gate opens.
    gate_width_ticks : int, optional
        The gate is half-open and may reach past the period; a whole period if not given.
    delay_ticks : int
        Added to the time of every click.
    enable : bool
        A disabled detector's clicks are not seen at all.
    falling_edge : bool
        Its clicks are falling edges of the input, not rising ones.
    """

    gate_start_ticks: int = 0
    gate_width_ticks: int | None = None
    delay_ticks: int = 0
    enable: bool = True
    falling_edge: bool = False


@dataclass(frozen=True, slots=True)
class BoardSettings:
    """Everything that one commit changes.

    Attributes
    ----------
    detectors : tuple of DetectorSettings
        For detector 0, 1, …; inputs beyond them are disabled.
    holdoff_pulses : int
        Pulses after that of any click in which clicks are ignored.
    dead_time_ps : int
        The longest dead time of the detectors. A shorter hold-off is refused: a pulse would be
        accepted in which one detector was blind.
    mode : Mode
    double_click : DoubleClick
    period_ticks : int, optional
        Period of the source; the board's own if not given. Some boards cannot change it.
    trigger_divider : int
        Pulses for each edge of the trigger.
    trigger_delay_ticks : int
        Added to the time of every edge of the trigger.
    trigger_falling_edge : bool
    loop_shift : int
        Each edge of the trigger corrects 2^-loop_shift of the tracker's error.
    holdover_drift : int
        By how much the prediction may be wrong without edges, in 2^-30 of the time that passed.
    g2_pair : tuple of int
        The detectors that g² is taken of.
    histogram_offset_ticks, histogram_bin_ticks, histogram_bins : int
    """

    detectors: tuple[DetectorSettings, ...] = field(default=(DetectorSettings(),) * 2)
    holdoff_pulses: int = 2
    dead_time_ps: int = 0
    mode: Mode = Mode.EVENTS
    double_click: DoubleClick = DoubleClick.REPORT
    period_ticks: int | None = None
    trigger_divider: int = 1
    trigger_delay_ticks: int = 0
    trigger_falling_edge: bool = False
    loop_shift: int = 6
    holdover_drift: int = 1074
    g2_pair: tuple[int, int] = (0, 1)
    histogram_offset_ticks: int = 0
    histogram_bin_ticks: int = 10
    histogram_bins: int = 250

    def period_on(self, board: Identification) -> int:
        """Return the source's period in ticks that a board shall work with."""
        return board.period_ticks if self.period_ticks is None else self.period_ticks


def check_settings(settings: BoardSettings, board: Identification) -> None:
    """Refuse settings that this board must not be given.

    Raises
    ------
    ConfigurationError
        Detectors that the board does not have, or a hold-off shorter than the longest dead time.
    """
    if not 1 <= len(settings.detectors) <= board.detectors:
        raise ConfigurationError(
            f"the settings are for {len(settings.detectors)} detectors, the board {board.board!r} "
            f"has {board.detectors}: give one to {board.detectors}"
        )
    if not set(settings.g2_pair) <= set(range(board.detectors)):
        raise ConfigurationError(
            f"g² cannot be taken of detectors {settings.g2_pair}: the board {board.board!r} has "
            f"{board.detectors}, counted from 0"
        )
    period_ps = settings.period_on(board) * board.tick_ps
    # From a click to the next pulse that is accepted pass at least `holdoff_pulses` periods.
    needed = -(-settings.dead_time_ps // period_ps)
    if settings.holdoff_pulses < needed:
        raise ConfigurationError(
            f"a hold-off of {settings.holdoff_pulses} pulses is shorter than the longest dead time "
            f"of {settings.dead_time_ps} ps: set it to at least {needed} pulses"
        )


def register_values(
    settings: BoardSettings, board: Identification
) -> Iterator[tuple[str, int | None, int]]:
    """Return (register, channel, value) for each shadowed register that the settings need.

    The period is the first: the limits of others depend on it.
    """
    period = settings.period_on(board)
    first, second = settings.g2_pair
    yield "period_ticks", None, period
    yield "mode", None, settings.mode
    yield "trigger_divider", None, settings.trigger_divider
    yield "loop_shift", None, settings.loop_shift
    yield "holdover_drift", None, settings.holdover_drift
    yield "holdoff_pulses", None, settings.holdoff_pulses
    yield "double_click", None, settings.double_click
    yield "g2_pair", None, first | second << 2
    yield "histogram_offset_ticks", None, settings.histogram_offset_ticks
    yield "histogram_bin_ticks", None, settings.histogram_bin_ticks
    yield "histogram_bins", None, settings.histogram_bins
    yield "enable", TRIGGER, 1
    yield "delay_ticks", TRIGGER, settings.trigger_delay_ticks
    yield "edge", TRIGGER, int(settings.trigger_falling_edge)
    for index in range(board.detectors):
        if index >= len(settings.detectors):
            yield "enable", index, 0
            continue
        detector = settings.detectors[index]
        width = detector.gate_width_ticks
        yield "enable", index, int(detector.enable)
        yield "edge", index, int(detector.falling_edge)
        yield "gate_start_ticks", index, detector.gate_start_ticks
        yield "gate_width_ticks", index, period if width is None else width
        yield "delay_ticks", index, detector.delay_ticks

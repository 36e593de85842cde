"""A board made ready for work: opened, given its tables, set to what a role's settings say."""

from fractions import Fraction

from hexkey.board import Board, OnBytes
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.calibration.procedure import load_tables
from hexkey.config import BobSettings
from hexkey.gate import Gate
from hexkey.session.tally import Progress
from hexkey.window import Window, to_ticks, window_in_ticks
from hexkey.wire import Identification

HISTOGRAM_BIN_TICKS = 10
HISTOGRAM_BINS = 512  # that every board has


def open_board(
    port: str, progress: Progress, *, baud: int | None = None, on_bytes: OnBytes | None = None
) -> Board:
    """Open a board and give it the tables of its delay lines, if there are any.

    Raises
    ------
    DeviceError
        As `Board.open`.
    InputError
        The tables cannot be used.
    """
    board = Board.open(port, baud=baud, on_bytes=on_bytes)
    try:
        if message := load_tables(board):
            progress({"event": "tables", "message": message})
    except BaseException:
        board.close()
        raise
    return board


def configure(board: Board, settings: BobSettings) -> Window:
    """Set a board to Bob's settings and return the gate in its ticks.

    Raises
    ------
    ConfigurationError, DeviceError
        As `Board.configure`.
    """
    ident = board.identification
    period = period_in_ticks(settings.session.pulse_rate_hz, ident)
    window = window_in_ticks(settings.gate_start_ns, settings.gate_width_ns, ident.tick_ps, period)
    board.configure(settings_for(settings, ident, window))
    return window


def period_in_ticks(rate_hz: int, board: Identification) -> int:
    """Return the period of a source of this rate: the nearest whole number of ticks."""
    return round(Fraction(10**12, rate_hz) / board.tick_ps)


def settings_for(settings: BobSettings, board: Identification, window: Window) -> BoardSettings:
    """Return what the board shall be set to.

    With maps its gate is the whole period, and the host's is the window.
    """
    gate = Gate(0, window.period_ticks) if settings.session.maps else window.gate
    bin_ticks, bins = histogram_grid(window.period_ticks)
    delays = [to_ticks(delay, board.tick_ps, "delay_ns") for delay in settings.delay_ns]
    detectors = tuple(
        DetectorSettings(
            gate.start_ticks,
            gate.width_ticks,
            delays[index],
            falling_edge=bool(settings.falling_edge[index]),
        )
        for index in range(board.detectors)
    )
    return BoardSettings(
        detectors=detectors,
        holdoff_pulses=settings.holdoff_pulses,
        dead_time_ps=round(1000 * settings.dead_time_ns),
        period_ticks=window.period_ticks,
        trigger_divider=settings.trigger_divider,
        trigger_delay_ticks=to_ticks(settings.trigger_delay_ns, board.tick_ps, "trigger_delay_ns"),
        trigger_falling_edge=bool(settings.trigger_falling_edge),
        loop_shift=settings.loop_shift,
        holdover_drift=round(settings.holdover_ppm * 1e-6 * 2**30),
        g2_pair=_g2_pair(settings, board),
        histogram_bins=bins,
        histogram_bin_ticks=bin_ticks,
    )


def _g2_pair(settings: BobSettings, board: Identification) -> tuple[int, int]:
    """Return detectors that see the same light: with BB84 one of either basis.

    Within a basis a pulse's state sends both of its photons to the same detector.
    """
    if settings.session.protocol == "bb84" and board.detectors > 2:
        return (0, 2)
    return (0, min(1, board.detectors - 1))


def histogram_grid(period_ticks: int) -> tuple[int, int]:
    """Return bin width in ticks and number of bins of an arrival histogram over one period."""
    bins = period_ticks // HISTOGRAM_BIN_TICKS
    coarser = max(1, -(-bins // HISTOGRAM_BINS))  # for a period to fit into what there is
    bin_ticks = HISTOGRAM_BIN_TICKS * coarser
    return bin_ticks, period_ticks // bin_ticks

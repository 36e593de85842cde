"""What a receiver is built for: one value that the top, the boards and the benches read."""

from dataclasses import dataclass

from hexkey.events import DETECTORS
from hexkey_gateware.slot import TICK_PS


@dataclass(frozen=True, slots=True)
class Design:
    """Sizes and clocks of a receiver.

    Attributes
    ----------
    board : str
        Name in the identification, at most 32 bytes.
    firmware : str
        Version and hash of the sources, at most 16 bytes.
    lowering : str
        How the delay lines are made: ``ecp5``, ``xilinx7``, ``ddr`` or ``model``.
    taps : int
        Of each delay line.
    tap_ps : float
        What a tap is expected to take: the tables' contents until the board is calibrated.
    fast_hz, sync_hz : int
        Clocks of the tagger and of the link.
    baud : int
        Of the serial line.
    detectors : int
        Inputs besides the trigger, 1 to 4.
    fifo_depth : int
        Words in the event FIFO; a power of two.
    histogram_bins : int
        Of each detector's arrival histogram; a power of two, at most 2048.
    statistics : bool
        Whether there are arrival histograms and g².
    period_ticks : int
        Period of the source after a reset.
    report_hz : int
        How often the counters are sent.
    simulated : bool
        The identification says so, and keys are demonstrations.
    """

    board: str
    firmware: str
    lowering: str = "ecp5"
    taps: int = 256
    tap_ps: float = 35.5
    fast_hz: int = 200_000_000
    sync_hz: int = 50_000_000
    baud: int = 3_000_000
    detectors: int = DETECTORS
    fifo_depth: int = 4096
    histogram_bins: int = 2048
    statistics: bool = True
    period_ticks: int = 2_500
    report_hz: int = 10
    simulated: bool = False

    @property
    def ticks_per_clock(self) -> int:
        return 10**12 // self.fast_hz // TICK_PS

    def __post_init__(self) -> None:
        problem = None
        if 10**12 % (self.fast_hz * TICK_PS):
            problem = f"a clock of {self.fast_hz} Hz has no whole number of ticks of {TICK_PS} ps"
        elif not 1 <= self.detectors <= DETECTORS:
            problem = f"it has 1 to {DETECTORS} detectors, not {self.detectors}"
        elif self.fifo_depth & (self.fifo_depth - 1):
            problem = f"its FIFO's depth is a power of two, not {self.fifo_depth}"
        elif not 0 < self.histogram_bins <= 2048 or self.histogram_bins & (self.histogram_bins - 1):
            problem = f"a histogram has a power of two of bins, not {self.histogram_bins}"
        elif len(self.board.encode()) > 32 or len(self.firmware.encode()) > 16:
            problem = "the names of board and firmware have at most 32 and 16 bytes"
        if problem:
            raise ValueError(f"the design {self.board!r} cannot be built: {problem}")

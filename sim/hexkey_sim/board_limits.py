"""What a virtual board can be made of."""

from hexkey.errors import ConfigurationError
from hexkey.wire import MAX_RECORDS
from hexkey_sim.golden.settings import TICK_PS


def check_board(
    period_ps: int, detectors: int, mode: str, baud: int | None, fifo_depth: int
) -> None:
    problem = None
    if period_ps < TICK_PS or period_ps % TICK_PS:
        problem = f"its period of {period_ps} ps is not a whole number of ticks of {TICK_PS} ps"
    elif not 1 <= detectors <= 4:
        problem = f"it has one to four detectors, not {detectors}"
    elif mode not in ("fast", "exact"):
        problem = f"its mode is fast or exact, not {mode!r}"
    elif baud is not None and baud < 9600:
        problem = f"its link has at least 9600 baud, not {baud}"
    elif fifo_depth < MAX_RECORDS:
        problem = f"its FIFO holds at least {MAX_RECORDS} events (a frame), not {fifo_depth}"
    if problem:
        raise ConfigurationError(f"the virtual board cannot be made: {problem}")

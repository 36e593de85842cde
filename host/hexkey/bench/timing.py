"""The one clock of the benchmarks."""

import time
from collections.abc import Callable, Sequence


def best_s(
    *works: Callable[[], object],
    repetitions: int = 7,
    clock: Callable[[], float] = time.perf_counter,
) -> Sequence[float]:
    """Return each work's best time in seconds: what the others add is the rest of the machine.

    The works take turns, so that a slow moment does not fall upon one of them alone. Works of one
    thread that last longer than slow moments do are timed by `time.process_time`.
    """
    best = [float("inf")] * len(works)
    for _ in range(repetitions):
        for place, work in enumerate(works):
            start = clock()
            work()
            best[place] = min(best[place], clock() - start)
    return best

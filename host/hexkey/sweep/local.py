"""The cores of this machine, each with a process."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from hexkey import __version__
from hexkey.errors import HexkeyError
from hexkey.sweep.work import Failure, Pool, attempt


class _LocalCores:
    def __init__(self, executor: ProcessPoolExecutor) -> None:
        self._executor = executor

    def submit(self, function: Callable[[Any], Any], item: Any) -> "Future[str | Failure]":
        return self._executor.submit(attempt, function, item, __version__)

    def outcome(self, future: "Future[str | Failure]") -> str | Failure:
        try:
            return future.result()
        except BrokenProcessPool:
            raise HexkeyError(
                "a process of the sweep was killed, for lack of memory perhaps: start it again, "
                "with a file to resume from"
            ) from None
        except Exception as error:  # the function or the item cannot be sent
            return Failure(f"{type(error).__name__}: {error}")

    def check(self) -> None:
        """A process that dies breaks the executor, which every future then tells."""


@contextmanager
def local_cores(items: int) -> Iterator[Pool]:
    """Yield a process for each core, or for each item if they are fewer.

    Processes are spawned, not forked: the caller may have threads. On the way out items that were
    not begun are dropped and the others waited for.
    """
    executor = ProcessPoolExecutor(
        min(items, _cores()),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
    )
    try:
        yield _LocalCores(executor)
    finally:
        executor.shutdown(cancel_futures=True)


def _cores() -> int:
    """Return the cores that this process may use, or where that is not told, those there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin() -> None:
    """Make a process end with its parent, however that ends, and at Ctrl-C without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)

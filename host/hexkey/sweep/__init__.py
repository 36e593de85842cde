"""One function over many items: on this machine's cores, or on a Dask cluster.

    results = run(function, items, scheduler="tcp://head:8786", resume=Path("losses.jsonl"))

Results come in the order of the items and are the same wherever they were computed. They are JSON
values and go through JSON's text in any case, so that one read from the file of an interrupted
sweep cannot differ from one that was just computed.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from hexkey.errors import ConfigurationError, HexkeyError
from hexkey.sweep.cluster import dask_cluster
from hexkey.sweep.journal import Journal
from hexkey.sweep.local import local_cores
from hexkey.sweep.work import Failure, Future, Pool, name_of

__all__ = ["run"]

CHECK_S = 2.0  # how often a pool from which nothing comes is looked at
_LONGEST_ITEM = 200  # characters of an item in a sentence


def run(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    scheduler: str | None = None,
    resume: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Any]:
    """Return ``[function(item) for item in items]``, computed by other processes.

    Parameters
    ----------
    function : callable of one item
        At the top of a module, so that other processes can import it; its result depends on the
        item alone and is a JSON value: a number (infinite or NaN, too), text, a list, a mapping
        with text as keys, a truth value or None. A tuple comes back as a list.
    items : sequence
        Whatever can be pickled; with `resume`, values as above, tuples, frozen dataclasses, enums
        and numpy arrays of them.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://head:8786``, whose workers have this version of
        hexkey. They run whatever they are sent, by anyone who reaches them: keep a cluster in a
        network of your own. Without it, the cores of this machine.
    resume : Path, optional
        File to which each result is appended as it comes, made if there is none. A sweep that was
        interrupted, by whatever, finds there what it had done.
    progress : callable, optional
        Called with (items done, items in all) at the start and after each.

    Raises
    ------
    HexkeyError
        An item failed, or a process of this machine was killed.
    ConfigurationError
        The function is not at the top of a module, dask is missing, or `resume` cannot tell items
        of this kind apart.
    InputError
        `resume` belongs to another function, other items or another version, is in use, or damaged.
    StoreError
        `resume` cannot be written.
    ChannelError
        The scheduler cannot be reached, went away, or has no workers.
    """
    if "." in function.__qualname__:
        raise ConfigurationError(
            f"a sweep's function must stand at the top of a module, not be {name_of(function)}"
        )
    opened: AbstractContextManager[Journal | None]
    opened = nullcontext() if resume is None else Journal(resume, function, items)
    with opened as journal:
        texts: list[str | None]
        texts = [None] * len(items) if journal is None else journal.results()
        todo = [place for place, text in enumerate(texts) if text is None]
        tell = progress or (lambda done, total: None)
        tell(len(items) - len(todo), len(items))
        for done, (place, text) in enumerate(_compute(function, items, todo, scheduler), 1):
            texts[place] = text
            if journal is not None:
                journal.append(place, text)
            tell(len(items) - len(todo) + done, len(items))
    return [json.loads(text) for text in texts if text is not None]


def _compute(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    todo: Sequence[int],
    scheduler: str | None,
) -> Iterator[tuple[int, str]]:
    """Yield the places in `todo` with the JSON text of their results, as they are finished."""
    if not todo:
        return
    finished: SimpleQueue[tuple[int, Future]] = SimpleQueue()
    with local_cores(len(todo)) if scheduler is None else dask_cluster(scheduler) as pool:
        for place in todo:
            future = pool.submit(function, items[place])
            future.add_done_callback(partial(_announce, finished, place))
        for _ in todo:
            place, future = _next(finished, pool)
            outcome = pool.outcome(future)
            if isinstance(outcome, Failure):
                shown = repr(items[place])
                if len(shown) > _LONGEST_ITEM:
                    shown = f"{shown[:_LONGEST_ITEM]}…"
                error = HexkeyError(f"item {place} of the sweep, {shown}, failed: {outcome.why}")
                error.add_note(outcome.traceback)
                raise error
            yield place, outcome


def _announce(finished: "SimpleQueue[tuple[int, Future]]", place: int, future: Future) -> None:
    finished.put((place, future))


def _next(finished: "SimpleQueue[tuple[int, Future]]", pool: Pool) -> tuple[int, Future]:
    while True:
        try:
            return finished.get(timeout=CHECK_S)
        except Empty:
            pool.check()

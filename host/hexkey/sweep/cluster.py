"""The workers of a Dask cluster."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hexkey import __version__
from hexkey.errors import ChannelError, ConfigurationError
from hexkey.sweep.work import Failure, Pool, attempt

CONNECT_S = 5.0
WITHOUT_WORKERS_S = 60.0  # so long a cluster may take to replace the last worker that it lost


class _Cluster:
    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        self._seen_s = time.monotonic()

    def submit(self, function: Callable[[Any], Any], item: Any) -> Any:
        # Impure: an item is computed by this sweep, whatever another client of the cluster has.
        return self._client.submit(attempt, function, item, __version__, pure=False)

    def outcome(self, future: Any) -> str | Failure:
        from distributed import CancelledError, KilledWorker

        try:
            found: str | Failure = future.result()
            return found
        except KilledWorker:
            return Failure("workers died of it, one after the other: of lack of memory, perhaps")
        except CancelledError:
            raise ChannelError(
                f"the Dask scheduler at {self._address} went away; start the sweep again, with a "
                "file to resume from"
            ) from None
        except Exception as error:  # a worker without hexkey, or without the function's module
            return Failure(f"{type(error).__name__}: {error}")

    def check(self) -> None:
        if self._client.status == "closed":
            raise ChannelError(f"the Dask scheduler at {self._address} went away")
        if self._workers():
            self._seen_s = time.monotonic()
        elif time.monotonic() - self._seen_s > WITHOUT_WORKERS_S:
            raise ChannelError(
                f"the Dask scheduler at {self._address} has no workers: start some with `dask "
                f"worker {self._address}`"
            )

    def _workers(self) -> int:
        try:
            return len(self._client.ncores())
        except OSError:  # a connection that has just been lost: futures or status will tell
            return 0


@contextmanager
def dask_cluster(address: str) -> Iterator[Pool]:
    """Yield the workers of the scheduler at an address; on the way out what is left is cancelled.

    A worker that is lost costs the time of its items: the scheduler gives them to the others.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ConfigurationError(
            "a cluster needs dask.distributed, which is not installed: pip install "
            "'hexkey[cluster]'"
        ) from None
    _require_scheduler(address)
    # Of a connection that is lost one sentence tells, instead of the client's tracebacks.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with Client(address, timeout=CONNECT_S, set_as_default=False) as client:
        yield _Cluster(client, address)


def _require_scheduler(address: str) -> None:
    """Raise unless a scheduler answers: a `Client` that gets no answer takes 10 s to be gone."""
    from distributed.comm.core import connect
    from distributed.security import Security
    from distributed.utils import LoopRunner

    async def call() -> None:
        security = Security().get_connection_args("client")
        connecting = connect(address, timeout=CONNECT_S, **security)
        (await asyncio.wait_for(connecting, CONNECT_S)).abort()

    runner = LoopRunner(asynchronous=False)
    runner.start()
    try:
        runner.run_sync(call)
    except (TypeError, ValueError) as error:  # TypeError: tls:// without certificates
        raise ConfigurationError(
            f"{address!r} is no address of a Dask scheduler, such as tcp://head:8786: {error}"
        ) from None
    except Exception:  # nobody, or somebody who says what nobody expects
        raise ChannelError(
            f"no Dask scheduler answers at {address}: start one with `dask scheduler`, or leave "
            "the address out to use this machine's cores"
        ) from None
    finally:
        runner.stop()

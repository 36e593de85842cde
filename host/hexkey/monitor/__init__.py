"""A run as people watch it: a page, a terminal view, metrics and alarms.

Importing it needs nothing but the core; the page's server comes with the extra ``monitor``.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from hexkey.errors import ConfigurationError
from hexkey.monitor.hub import Hub
from hexkey.monitor.snapshot import Snapshot

Metrics = Callable[[Snapshot], bytes]


def serve(
    hub: Hub,
    listen: str = "127.0.0.1:8750",
    token: str | None = None,
    control: bool = False,
    metrics: Metrics | None = None,
    *,
    anywhere: bool = False,
) -> AbstractContextManager[str]:
    """Serve the page in a background thread; the context's value is its address with the token.

    Parameters
    ----------
    hub : Hub
    listen : str
        HOST:PORT; port 0 takes a free one.
    token : str, optional
        Who shows it may see the page; a chance one if not given.
    control : bool
        Whether who may see it may change the gate, too.
    metrics : callable, optional
        Turns a snapshot into what Prometheus reads.
    anywhere : bool
        Allow an address other than loopback.

    Raises
    ------
    ConfigurationError
        The extra is not installed, the address cannot be used, or the token is too short.
    """
    try:
        from hexkey.monitor.server import serving
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the page needs {error.name}, which is not installed: pip install 'hexkey[monitor]'"
        ) from None
    return serving(hub, listen, token, control, metrics, anywhere=anywhere)

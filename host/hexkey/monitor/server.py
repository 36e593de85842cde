"""The page's server: what is shown, and the one command that may be given, in a thread of its own.

A websocket has at most one frame on its way and takes the latest snapshot when it is free again:
a slow reader sees less, and nothing grows.
"""

import asyncio
import json
import math
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from hexkey.errors import ConfigurationError
from hexkey.logs import log_event
from hexkey.monitor.access import Access, is_loopback
from hexkey.monitor.frame import encode
from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.monitor.snapshot import Snapshot

PAGE = Path(__file__).with_name("page")
LONGEST_COMMAND = 1000  # bytes
SHORTEST_TOKEN = 16
START_S = 20.0
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Refused(ValueError):
    """A command that is not carried out; its text says why."""


class Site:
    """The routes over a hub.

    Parameters
    ----------
    hub : Hub
    control : bool
    metrics : callable or None
    """

    def __init__(
        self, hub: Hub, control: bool, metrics: Callable[[Snapshot], bytes] | None
    ) -> None:
        self._hub = hub
        self._control = control
        self._metrics = metrics
        self._encoded: tuple[Snapshot | None, bytes] = (None, b"")

    def application(self, token: str, cookie: str) -> Access:
        routes = [
            Route("/", self._page),
            Route("/healthz", self._health),
            Route("/api/snapshot", self._snapshot),
            Route("/api/gate", self._gate, methods=["POST"]),
            Route("/metrics", self._prometheus),
            WebSocketRoute("/ws", self._socket),
            Mount("/page", StaticFiles(directory=PAGE)),
        ]
        return Access(Starlette(routes=routes), token, cookie)

    async def _page(self, request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def _health(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _snapshot(self, request: Request) -> Response:
        snapshot = self._hub.latest()
        if snapshot is None:
            return JSONResponse({"message": "nothing was seen yet"}, 503)
        return JSONResponse(snapshot.to_json())

    async def _prometheus(self, request: Request) -> Response:
        snapshot = self._hub.latest()
        if snapshot is None or self._metrics is None:
            return PlainTextResponse("there are no metrics yet\n", 503)
        return Response(await run_in_threadpool(self._metrics, snapshot), media_type=PROMETHEUS)

    async def _gate(self, request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST_COMMAND:
                break
        answer = self._decide(body, _client(request.client))
        return JSONResponse(answer, 202 if answer["accepted"] else 403)

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept()
        changed = asyncio.Event()
        changed.set()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # the server ends at this very moment
                loop.call_soon_threadsafe(changed.set)

        with self._hub.waking(wake):
            sender = asyncio.create_task(self._send(socket, changed))
            try:
                while True:
                    text = await socket.receive_text()
                    await socket.send_json(self._decide(text.encode(), _client(socket.client)))
            except (WebSocketDisconnect, KeyError, RuntimeError):
                pass  # gone, or speaking in binary, which means nothing here
            finally:
                sender.cancel()

    async def _send(self, socket: WebSocket, changed: asyncio.Event) -> None:
        try:
            while True:
                await changed.wait()
                changed.clear()
                snapshot = self._hub.latest()
                if snapshot is None:
                    continue
                try:
                    frame = self._frame(snapshot)
                except Exception as error:  # a page that stands still must say so, and here is why
                    log_event({"event": "page-failed", "message": repr(error)})
                    await socket.close(1011, "hexkey cannot show its run: see its log")
                    return
                await socket.send_bytes(frame)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the receiving side ends the connection

    def _frame(self, snapshot: Snapshot) -> bytes:
        """Return its frame, made once for all who watch."""
        if self._encoded[0] is not snapshot:
            self._encoded = snapshot, encode(snapshot)
        return self._encoded[1]

    def _decide(self, command: bytes, client: str) -> dict[str, Any]:
        """Ask for a gate if that is allowed and sound; return the answer, and write it down."""
        try:
            change = self._checked(command)
        except Refused as why:
            log_event({"event": "gate-refused", "by": client, "message": str(why)})
            return {"accepted": False, "message": str(why)}
        self._hub.ask(change)
        gate = {"start_ns": change.start_ns, "width_ns": change.width_ns}
        log_event({"event": "gate-asked", "by": client, **gate})
        return {"accepted": True, "message": "asked", "gate": gate}

    def _checked(self, command: bytes) -> ChangeGate:
        if not self._control:
            raise Refused("this page is read-only: start hexkey with --control to change the gate")
        snapshot = self._hub.latest()
        if snapshot is None or snapshot.histogram is None:
            raise Refused("the board's period is not known yet: wait until it receives")
        if snapshot.state != "receiving":
            raise Refused(f"the gate cannot change now, the run is in state {snapshot.state!r}")
        period_ns = snapshot.histogram.period_ps / 1000
        start_ns, width_ns = _gate_of(command)
        if not (0 <= start_ns < period_ns and 0 < width_ns <= period_ns):
            raise Refused(
                f"a gate from {start_ns:g} ns for {width_ns:g} ns must start within the period of "
                f"{period_ns:g} ns and be no longer"
            )
        return ChangeGate(start_ns, width_ns)


def _gate_of(command: bytes) -> tuple[float, float]:
    """Return start and width, in ns, of a command as the page sends it."""
    try:
        if len(command) > LONGEST_COMMAND:
            raise ValueError
        gate = json.loads(command)["gate"]
        found = gate["start_ns"], gate["width_ns"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused(
            'the command cannot be read: send {"gate": {"start_ns": 1.2, "width_ns": 8}}'
        ) from None
    for number in found:
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise Refused(f"a gate is of numbers of nanoseconds, not {str(number)[:40]!r}")
        if not (abs(number) <= 1e9 and math.isfinite(number)):
            raise Refused("a gate is of finite numbers of nanoseconds")
    return float(found[0]), float(found[1])


def _client(address: Any) -> str:
    return f"{address.host}:{address.port}" if address else "unknown"


@contextmanager
def serving(
    hub: Hub,
    listen: str,
    token: str | None,
    control: bool,
    metrics: Callable[[Snapshot], bytes] | None,
    *,
    anywhere: bool = False,
) -> Iterator[str]:
    """As `hexkey.monitor.serve`."""
    token = secrets.token_urlsafe(24) if token is None else token
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise ConfigurationError(
            f"the token of the page must be of at least {SHORTEST_TOKEN} printable characters: "
            "leave it out and one is drawn"
        )
    with _listening(listen, anywhere) as ear:
        host, port = ear.getsockname()[:2]
        site = Site(hub, control, metrics).application(token, f"hexkey_{port}")
        config = uvicorn.Config(
            site,
            log_config=None,  # its own logs would show addresses with tokens
            access_log=False,
            server_header=False,
            ws_max_size=LONGEST_COMMAND,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [ear]}, name="page", daemon=True
        )
        thread.start()
        try:
            deadline = time.monotonic() + START_S
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.01)
            if not server.started:
                raise ConfigurationError(f"the page's server did not start at {listen}")
            shown = f"[{host}]" if ":" in host else host
            yield f"http://{shown}:{port}/?token={token}"
        finally:
            server.should_exit = True
            thread.join()


def _listening(listen: str, anywhere: bool) -> socket.socket:
    host, colon, port = listen.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigurationError(
            f"the page cannot be served at {listen!r}: give HOST:PORT, such as 127.0.0.1:8750"
        )
    if not (anywhere or is_loopback(host)):
        raise ConfigurationError(
            f"the page at {listen} could be seen by other machines: use a loopback address and "
            "ssh -L, or allow it with --anywhere"
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"the page cannot be served at {listen} ({(error.strerror or str(error)).lower()}): "
            "choose another address with --listen"
        ) from None

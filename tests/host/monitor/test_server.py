"""The server: who sees the page, what it answers, and what it refuses."""

import http.client
import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from tests.browser.scenes import session
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from hexkey.errors import ConfigurationError
from hexkey.monitor import serve
from hexkey.monitor.access import MOST_SESSIONS
from hexkey.monitor.frame import encode
from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.monitor.snapshot import Snapshot

TOKEN = "a-token-for-tests-only"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
GATE = json.dumps({"gate": {"start_ns": 2.0, "width_ns": 7.5}})


@contextmanager
def page(
    hub: Hub | None = None, *, control: bool = False, token: str | None = TOKEN
) -> Iterator[str]:
    """Serve on a free port; yield HOST:PORT."""
    if hub is None:
        hub = Hub()
        hub.publish(session(10.0))
    with serve(hub, "127.0.0.1:0", token, control, metrics=_metrics) as address:
        yield urlsplit(address).netloc


def _metrics(snapshot: Snapshot) -> bytes:
    return f"hexkey_seconds {snapshot.seconds}\n".encode()


def ask(
    at: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    host = urlsplit(f"//{at}")
    link = http.client.HTTPConnection(host.hostname or "", host.port, timeout=20)
    try:
        link.request("GET" if body is None else "POST", path, body, headers or {})
        answer = link.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        link.close()


def websocket(at: str, **headers: str) -> ClientConnection:
    return connect(f"ws://{at}/ws", additional_headers={**BEARER, **headers}, proxy=None)


def test_token_in_the_address_becomes_a_cookie() -> None:
    with page() as at:
        status, headers, _ = ask(at, f"/?token={TOKEN}")
        assert (status, headers["Location"]) == (303, "/")
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        status, headers, body = ask(at, "/", {"Cookie": cookie.split(";")[0]})
        assert status == 200
        assert b"<title>hexkey" in body
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "http" not in headers["Content-Security-Policy"]


def session_of(at: str) -> dict[str, str]:
    """Return the cookie that a browser gets for the token."""
    cookie = ask(at, f"/?token={TOKEN}")[1]["Set-Cookie"]
    return {"Cookie": cookie.split(";")[0]}


def test_cookie_is_of_one_browser_and_is_not_the_token() -> None:
    with page() as at, page() as other:
        one, two = session_of(at), session_of(at)
        assert one != two
        assert TOKEN not in one["Cookie"] + two["Cookie"]
        assert [ask(at, "/", cookie)[0] for cookie in (one, two)] == [200, 200]
        name, _, value = one["Cookie"].partition("=")
        assert ask(at, "/", {"Cookie": f"{name}={TOKEN}"})[0] == 401
        assert ask(at, "/", {"Authorization": f"Bearer {value}"})[0] == 401
        elsewhere = session_of(other)["Cookie"].partition("=")[2]
        assert ask(at, "/", {"Cookie": f"{name}={elsewhere}"})[0] == 401


def test_sessions_are_bounded_and_one_in_use_stays() -> None:
    with page() as at:
        used, unused = session_of(at), session_of(at)
        for _ in range(MOST_SESSIONS - 1):
            assert ask(at, "/healthz", used)[0] == ask(at, "/", used)[0] == 200
            session_of(at)
        assert ask(at, "/", used)[0] == 200
        assert ask(at, "/", unused)[0] == 401


@pytest.mark.parametrize("path", ["/", "/api/snapshot", "/metrics", "/page/main.js", "/docs"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer another-token-of-some-length"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": "hexkey_0=x; =;"},
    ],
)
def test_nothing_is_told_without_the_token(path: str, headers: dict[str, str]) -> None:
    with page() as at:
        assert ask(at, path, headers)[0] == 401
        assert ask(at, f"{path}?token=wrong", headers)[0] == 401
        assert ask(at, "/healthz", headers)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "", "[::1"])
def test_foreign_name_that_points_here_is_refused(host: str) -> None:
    with page() as at:
        assert ask(at, "/api/snapshot", {**BEARER, "Host": host})[0] in (400, 403)
        assert ask(at, f"/?token={TOKEN}", {"Host": host})[0] in (400, 403)


def test_page_of_another_origin_is_refused() -> None:
    with page(control=True) as at:
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
            assert ask(at, "/api/gate", {**BEARER, "Origin": origin}, GATE)[0] == 403
            with pytest.raises(InvalidStatus):
                websocket(at, Origin=origin)
        with websocket(at, Origin=f"http://{at}") as link:
            assert link.recv(timeout=20)


def test_websocket_needs_the_token() -> None:
    with page() as at, pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://{at}/ws", proxy=None)


def test_snapshot_is_the_same_in_json_and_in_frames() -> None:
    hub = Hub()
    first, second = session(10.0), session(11.0)
    with page(hub) as at:
        assert ask(at, "/api/snapshot", BEARER)[0] == 503
        assert ask(at, "/metrics", BEARER)[0] == 503
        hub.publish(first)
        with websocket(at) as link:
            assert link.recv(timeout=20) == encode(first)
            hub.publish(second)
            assert link.recv(timeout=20) == encode(second)
        status, _, body = ask(at, "/api/snapshot", BEARER)
        assert status == 200
        assert json.loads(body) == json.loads(json.dumps(second.to_json()))
        status, headers, body = ask(at, "/metrics", BEARER)
        assert (status, body) == (200, b"hexkey_seconds 11.0\n")
        assert headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_reader_that_sleeps_gets_the_latest_and_holds_nothing_up() -> None:
    hub = Hub()
    hub.publish(session(0.0))
    with page(hub) as at, websocket(at) as asleep, websocket(at) as awake:
        for second in range(1, 2000):
            hub.publish(session(10.0) if second == 1 else _lighter(float(second)))
        wanted = encode(_lighter(1999.0))
        frames = 0
        while awake.recv(timeout=20) != wanted:
            frames += 1
        assert frames < 1999  # some were left out, the last was not
        while asleep.recv(timeout=20) != wanted:
            pass


def test_readers_that_come_and_go_leave_nothing() -> None:
    hub = Hub()
    hub.publish(_lighter(0.0))
    with page(hub) as at:
        with websocket(at) as stays:
            stays.recv(timeout=20)
            files = len(os.listdir("/proc/self/fd"))
            for second in range(1, 1001):
                with websocket(at) as link:
                    link.recv(timeout=20)
                hub.publish(_lighter(float(second)))
            wanted = encode(_lighter(1000.0))
            while stays.recv(timeout=20) != wanted:
                pass
            _wait_until(lambda: hub.watchers == 1)
            assert len(os.listdir("/proc/self/fd")) <= files + 2
        _wait_until(lambda: hub.watchers == 0)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _lighter(seconds: float) -> Snapshot:
    return Snapshot(1.7e9, "receiving", False, seconds, "a board")


class Heard(logging.Handler):
    """Names of the events that were logged, whatever other handlers a logger has by now."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.names.append(record.getMessage())


@pytest.fixture
def heard() -> Iterator[list[str]]:
    logger, handler = logging.getLogger("hexkey"), Heard()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler.names
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_snapshot_that_cannot_be_shown_closes_the_socket_and_is_written_down(
    heard: list[str],
) -> None:
    hub = Hub()
    hub.publish(_lighter(0.0))
    with page(hub) as at, websocket(at) as link:
        link.recv(timeout=20)
        hub.publish(replace(_lighter(1.0), losses={"outside_gate": object()}))  # type: ignore[dict-item]  # what no type allows
        with pytest.raises(ConnectionClosedError, match="see its log"):
            link.recv(timeout=20)
        _wait_until(lambda: hub.watchers == 0)
        hub.publish(_lighter(2.0))
        with websocket(at) as again:
            assert again.recv(timeout=20) == encode(_lighter(2.0))
    assert heard == ["page-failed"]


def test_numbers_that_are_not_finite_are_null_everywhere() -> None:
    hub = Hub()
    hub.publish(replace(session(1.0), qber=math.nan, clicks_hz=math.inf))
    with page(hub) as at, websocket(at) as link:
        frame = link.recv(timeout=20)
        assert isinstance(frame, bytes)
        for text in (frame, ask(at, "/api/snapshot", BEARER)[2]):
            assert b'"qber":null,"qber_abort":0.05' in text
            assert b'"clicks_hz":null' in text


def test_read_only_page_refuses_commands(heard: list[str]) -> None:
    hub = Hub()
    hub.publish(session(10.0))
    with page(hub) as at:
        status, _, body = ask(at, "/api/gate", BEARER, GATE)
        assert status == 403
        assert "read-only" in json.loads(body)["message"]
        with websocket(at) as link:
            link.recv(timeout=20)
            link.send(GATE)
            assert json.loads(link.recv(timeout=20))["accepted"] is False
    assert hub.take_command() is None
    assert heard.count("gate-refused") == 2


def test_command_is_answered_taken_once_and_written_down(heard: list[str]) -> None:
    hub = Hub()
    hub.publish(session(10.0))
    with page(hub, control=True) as at:
        assert ask(at, "/api/gate", {}, GATE)[0] == 401
        assert hub.take_command() is None
        assert ask(at, "/api/gate", BEARER, GATE)[0] == 202
        assert hub.take_command() == ChangeGate(2.0, 7.5)
        with websocket(at) as link:
            link.recv(timeout=20)
            link.send(GATE)
            assert json.loads(link.recv(timeout=20))["accepted"] is True
        assert hub.take_command() == ChangeGate(2.0, 7.5)
        assert hub.take_command() is None
    assert heard.count("gate-asked") == 2


@pytest.mark.parametrize(
    "command",
    [
        "",
        "[]",
        "{}",
        "[" * 900,
        '{"gate": 3}',
        '{"gate": {"start_ns": 1}}',
        '{"gate": {"start_ns": "1", "width_ns": 2}}',
        '{"gate": {"start_ns": true, "width_ns": 2}}',
        '{"gate": {"start_ns": NaN, "width_ns": 2}}',
        '{"gate": {"start_ns": 1, "width_ns": Infinity}}',
        '{"gate": {"start_ns": 1, "width_ns": 1' + "0" * 400 + "}}",
        '{"gate": {"start_ns": -0.1, "width_ns": 2}}',
        '{"gate": {"start_ns": 25, "width_ns": 2}}',
        '{"gate": {"start_ns": 1, "width_ns": 0}}',
        '{"gate": {"start_ns": 1, "width_ns": 25.1}}',
        '{"gate": {"start_ns": 1, "width_ns": 2}}' + " " * 2000,
    ],
)
def test_command_that_makes_no_sense_is_refused(command: str) -> None:
    hub = Hub()
    hub.publish(session(10.0))
    with page(hub, control=True) as at:
        assert ask(at, "/api/gate", BEARER, command)[0] == 403
    assert hub.take_command() is None


def test_address_that_others_reach_needs_to_be_allowed() -> None:
    with pytest.raises(ConfigurationError, match="could be seen by other machines"):
        serve(Hub(), "0.0.0.0:0", TOKEN).__enter__()
    with serve(Hub(), "0.0.0.0:0", TOKEN, anywhere=True) as address:
        port = urlsplit(address).port
        assert ask(f"127.0.0.1:{port}", "/healthz")[0] == 200


@pytest.mark.parametrize("listen", ["", "127.0.0.1", ":1", "127.0.0.1:x", "127.0.0.1:65536"])
def test_address_that_cannot_be_read_is_named(listen: str) -> None:
    with pytest.raises(ConfigurationError, match="give HOST:PORT"):
        serve(Hub(), listen, TOKEN).__enter__()


def test_port_in_use_and_short_token_are_named() -> None:
    with page() as at, pytest.raises(ConfigurationError, match="in use"):
        serve(Hub(), at, TOKEN).__enter__()
    with pytest.raises(ConfigurationError, match="16 printable characters"):
        serve(Hub(), "127.0.0.1:0", "short").__enter__()


def test_drawn_tokens_differ() -> None:
    with serve(Hub(), "127.0.0.1:0") as one, serve(Hub(), "127.0.0.1:0") as other:
        tokens = {urlsplit(address).query for address in (one, other)}
    assert len(tokens) == 2
    assert all(len(token) > 30 for token in tokens)

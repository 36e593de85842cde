"""Who may see the page: whoever shows the token, from a page of this very server.

A browser shows it once and gets a session of its own, drawn by chance: the token is kept by no
browser, and what one keeps is worth nothing once hexkey has ended. Only digests of sessions are
kept here.

The name in a request's Host must be this machine's: an address, ``localhost`` or its host name. A
foreign name that was made to point here (DNS rebinding) is refused, and so is a websocket or a
command that a page of another origin opens with the browser's cookie.
"""

import hashlib
import hmac
import ipaddress
import secrets
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
OPEN = ("/healthz",)  # says nothing of the run
MOST_SESSIONS = 64  # of browsers; the one that was not used for longest is forgotten


class Access:
    """Wraps an application so that only who may see it reaches it.

    Parameters
    ----------
    app : ASGI application
    token : str
    cookie : str
        The cookie's name; cookies are common to all ports of a host.
    """

    def __init__(self, app: ASGIApp, token: str, cookie: str) -> None:
        self._app = app
        self._token = token.encode()
        self._cookie = cookie
        self._sessions: dict[bytes, None] = {}  # digests, in the order of their last use

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        status, why = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            answer: ASGIApp = WebSocketClose(1008, why) if status else self._app
            await answer(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        shown = QueryParams(scope["query_string"]).get("token", "")
        if status != 403 and scope["path"] == "/" and self._right(shown):
            # The token leaves the address bar, and with it the browser's history.
            welcome = RedirectResponse("/", 303)
            welcome.set_cookie(self._cookie, self._new_session(), httponly=True, samesite="strict")
            await welcome(scope, receive, with_headers)
        elif status:
            await PlainTextResponse(f"{why}\n", status)(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str]:
        """Return a status and why, or 0."""
        host = headers.get("host", "")
        if not _is_here(host):
            return 403, "this name is not of the machine that serves the page: use its address"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "a page of another origin asks: open the page of this server itself"
        if scope["path"] in OPEN or self._admitted(headers):
            return 0, ""
        return 401, "open the address with the token that hexkey printed when it started"

    def _admitted(self, headers: Headers) -> bool:
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._right(bearer.strip())
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        if found is None or (session := _digest(found.value)) not in self._sessions:
            return False
        self._use(session)
        return True

    def _right(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self._token)

    def _new_session(self) -> str:
        session = secrets.token_urlsafe(32)
        self._use(_digest(session))
        if len(self._sessions) > MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session

    def _use(self, session: bytes) -> None:
        self._sessions.pop(session, None)
        self._sessions[session] = None


def _digest(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_here(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if name is None:
        return False
    if name in ("localhost", socket.gethostname().lower(), socket.getfqdn().lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

"""Who may see the page: whoever shows the token, from a page of this very server.

The name in a request's Host must be this machine's: an address, ``localhost`` or its host name. A
foreign name that was made to point here (DNS rebinding) is refused, and so is a websocket or a
command that a page of another origin opens with the browser's cookie.
"""

import hmac
import ipaddress
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
            welcome.set_cookie(self._cookie, shown, httponly=True, samesite="strict")
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
        if scope["path"] in OPEN or self._right(self._shown(headers)):
            return 0, ""
        return 401, "open the address with the token that hexkey printed when it started"

    def _shown(self, headers: Headers) -> str:
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return bearer.strip()
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return found.value if found else ""

    def _right(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self._token)


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

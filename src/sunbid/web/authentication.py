"""Who makes a request: a session by cookie (browsers) or by bearer token (commands).

The middleware only looks; whoever needs somebody asks `foundation.identity.request.signed_in`.
A change asked for with a cookie must carry the token of this session's forms.
"""

import secrets
from typing import Any, Final, cast
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from foundation.identity.domain import SESSION_LIFE
from foundation.identity.session import session_of
from foundation.problems import Unauthenticated
from foundation.settings import Settings
from foundation.statements.canonical import b64
from foundation.web import SAFE_METHODS, AnyRequest, check_form

BEARER: Final = "Bearer "
LONGEST_TOKEN: Final = 100
# Files and the public clock need nobody; a question to the database for each would be waste.
OPEN_PATHS: Final = ("/static/", "/schema", "/health")


class SessionOver(Unauthenticated):
    """The session is over."""

    code = "session-over"


class Authentication:
    """Puts the session into `scope["auth"]` and the actor into `scope["user"]`, or None."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the session of a request; refuses a bearer token that opens none."""
        scope["auth"] = scope["user"] = None
        if scope["type"] == ScopeType.HTTP and not scope["path"].startswith(OPEN_PATHS):
            await find_session(Request[Any, Any, Any](scope, receive, send))
        await self.app(scope, receive, send)


async def find_session(request: AnyRequest) -> None:
    """Look for a token: in the header for commands, else in the cookie."""
    header = request.headers.get("authorization", "")
    bearer = header[len(BEARER) :] if header.startswith(BEARER) else None
    token = bearer or request.cookies.get(session_cookie_name(request.app.state.settings))
    if token is None or len(token) > LONGEST_TOKEN:
        return
    session = await session_of(request.app.state.desk.db, token)
    if session is None:
        if bearer is not None:
            raise SessionOver("expected a live session, got one that is over; log in again")
        return
    if bearer is None and request.method not in SAFE_METHODS:
        # Authorization other than a bearer token would pass the check of forms.
        if header:
            raise SessionOver("expected a bearer token in the header, got another; log in again")
        await check_form(request, token)
    scope = request.scope
    scope["auth"], scope["user"] = session, session.actor
    scope["state"]["session_token"] = token


def session_token(request: AnyRequest) -> str | None:
    """The token of the request's live session, from which its forms' token follows."""
    return cast("str | None", request.scope.get("state", {}).get("session_token"))


def session_cookie_name(settings: Settings) -> str:
    """The name of the session's cookie."""
    return _name("sunbid", settings)


def browser_cookie_name(settings: Settings) -> str:
    """The name of the cookie to which challenges are bound."""
    return _name("sunbid-browser", settings)


def session_cookie(settings: Settings, token: str | None) -> Cookie:
    """The cookie of a new session; without a token, the one that ends it."""
    return _cookie(
        session_cookie_name(settings), token, settings, int(SESSION_LIFE.total_seconds())
    )


def browser_of(request: AnyRequest, settings: Settings) -> str | None:
    """The secret of the browser that asks, if it has one."""
    found = request.cookies.get(browser_cookie_name(settings))
    return None if found is None or not 20 <= len(found) <= LONGEST_TOKEN else found


def new_browser(settings: Settings) -> tuple[str, Cookie]:
    """A secret for a browser without one, and its cookie."""
    secret = b64(secrets.token_bytes(32))
    return secret, _cookie(browser_cookie_name(settings), secret, settings, None)


def _name(name: str, settings: Settings) -> str:
    if settings.is_https:
        return f"__Host-{name}"
    # Cookies know no ports: two platforms on one machine must not take each other's.
    return f"{name}-{urlsplit(settings.public_url).port or 80}"


def _cookie(name: str, value: str | None, settings: Settings, max_age: int | None) -> Cookie:
    return Cookie(
        key=name,
        value=value or "",
        path="/",
        max_age=0 if value is None else max_age,
        httponly=True,
        secure=settings.is_https,
        samesite="strict",
    )

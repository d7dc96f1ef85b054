"""Who makes a request: the session that the authentication middleware found, if any."""

from typing import Any

from litestar import Request

from foundation.identity.actor import Actor, NotLoggedIn
from foundation.identity.domain import Session


def session_of(request: Request[Any, Any, Any]) -> Session | None:
    """Return the live session of a request, or None."""
    session: Session | None = request.scope.get("auth")
    return session


def actor_of(request: Request[Any, Any, Any]) -> Actor | None:
    """Return who asks, or None for the public."""
    session = session_of(request)
    return None if session is None else session.actor


def signed_in(request: Request[Any, Any, Any]) -> Actor:
    """Return who asks; refuses the public."""
    actor = actor_of(request)
    if actor is None:
        raise NotLoggedIn("expected a session, got none; log in and try again")
    return actor


def session_signed_in(request: Request[Any, Any, Any]) -> Session:
    """Return the session of who asks; refuses the public."""
    session = session_of(request)
    if session is None:
        raise NotLoggedIn("expected a session, got none; log in and try again")
    return session


def place_of(request: Request[Any, Any, Any]) -> str:
    """From where a request comes, for limits by place."""
    return request.client.host if request.client is not None else "nowhere"

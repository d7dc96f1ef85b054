"""Sessions and challenges as values, and the moves of a challenge."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias
from uuid import UUID

from foundation.identity.actor import Actor
from foundation.problems import Conflict, NotFound, TooMany, Unauthenticated
from foundation.statements.canonical import Json, b64, time_text
from foundation.statements.signed import Statement

Purpose: TypeAlias = Literal["login", "sign"]
State: TypeAlias = Literal["new", "scanned", "consumed", "expired", "refused"]

# The same pairs stand in foundation.challenge_transition; a test compares them.
TRANSITIONS: Final[frozenset[tuple[State, State]]] = frozenset(
    {
        ("new", "scanned"),
        ("scanned", "consumed"),
        ("new", "expired"),
        ("scanned", "expired"),
        ("new", "refused"),
        ("scanned", "refused"),
    }
)

LOGIN_TYPE: Final = "login"
LIFE: Final[dict[Purpose, timedelta]] = {
    "login": timedelta(seconds=120),
    "sign": timedelta(seconds=300),
}
SESSION_LIFE: Final = timedelta(hours=8)
# Everybody behind one address together; a demonstration logs in some twenty people in a minute.
ATTEMPTS_A_MINUTE: Final = 240


class ChallengeRefused(Conflict):
    """The code has expired or was used. Start again."""

    code = "E_CHALLENGE"


class UnknownChallenge(NotFound):
    """There is no such code."""

    code = "unknown-challenge"


class LoginRefused(Unauthenticated):
    """This login does not hold."""

    code = "login-failed"


class TooManyLogins(TooMany):
    """Too many logins from one place within a minute."""

    code = "too-many-logins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is logged in, by which statement, and until when (real time)."""

    actor: Actor
    login: Statement
    licence_status: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A statement that waits for a phone; `actor` must sign it where the purpose is `sign`."""

    id: UUID
    purpose: Purpose
    statement: Statement
    match: str
    actor: UUID | None
    return_to: str | None
    state: State
    expires_at: datetime
    signed: Statement | None


def login_body(
    challenge: UUID, *, aud: str, nonce: bytes, match: str, at: datetime
) -> dict[str, Json]:
    """The body of a `login` (sealing.md 3.7); `at` is platform time."""
    return {
        "v": 1,
        "aud": aud,
        "challenge": str(challenge),
        "nonce": b64(nonce),
        "match": match,
        "issued_at": time_text(at),
        "expires_at": time_text(at + LIFE["login"]),
    }


def refuse_answer(challenge: Challenge) -> ChallengeRefused:
    """The refusal that fits a challenge's state."""
    said = {
        "consumed": "it was used",
        "expired": "its time is over",
        "refused": "it was ended after wrong digits or a no",
        "scanned": "it was scanned already",
        "new": "it was not scanned, or this is another browser",
    }[challenge.state]
    return ChallengeRefused(f"expected a code that is open, got one where {said}; start again")


def safe_return(path: str | None) -> str | None:
    """A path on this site to come back to; anything that could lead elsewhere becomes None."""
    if path is None or not path.startswith("/") or path.startswith(("//", "/\\")):
        return None
    return path if path.isprintable() and "\\" not in path and len(path) <= 500 else None

"""An actor: an organisation known by its licence, or a person known by a key.

Roles are text; the contexts above say which roles there are and what each may do.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from foundation.problems import Conflict, Invalid, NotAllowed, NotFound, Unauthenticated
from foundation.statements.signed import kid_of, stated_key

# The one role that the foundation itself knows: it registers all others.
ADMINISTRATOR: Final = "administrator"
# Whoever an organisation lets act for it with a key of its own: asked anew at every login.
OPERATOR: Final = "operator"
LONGEST_NAME: Final = 120
LONGEST_SUBJECT: Final = 64
_ROLE: Final = re.compile(r"[a-z][a-z-]{0,31}")


class NotLoggedIn(Unauthenticated):
    """Log in first."""

    code = "not-logged-in"


class WrongRole(NotAllowed):
    """Your role may not do this."""

    code = "wrong-role"


class ActorExists(Conflict):
    """This organisation or key is already registered."""

    code = "actor-exists"


class UnknownActor(NotFound):
    """There is no such actor."""

    code = "unknown-actor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: `subject` identifies the organisation, `kid` the key of a person."""

    id: UUID
    role: str
    subject: str | None
    name: str
    kid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewActor:
    """An actor to be registered: with a key it is a person, without one an organisation."""

    role: str
    subject: str | None
    name: str
    alg: str | None
    public_key: bytes | None

    @property
    def kid(self) -> str | None:
        """Identity of the key."""
        return None if self.public_key is None else kid_of(self.public_key)


def require(actor: Actor | None, *roles: str) -> Actor:
    """Return the actor if it has one of the roles; refuses nobody and everybody else.

    Without roles any actor will do.
    """
    if actor is None:
        raise NotLoggedIn("expected a session, got none; log in and try again")
    if roles and actor.role not in roles:
        raise WrongRole(
            f"expected the role {' or '.join(roles)}, got {actor.role}; log in as somebody who "
            "has it"
        )
    return actor


def check_new_actor(new: NewActor, known_roles: Collection[str] | None = None) -> NewActor:
    """Refuse an actor that nobody could log in as, or whose role or name has no right form."""
    if _ROLE.fullmatch(new.role) is None or (known_roles and new.role not in known_roles):
        known = ", ".join(sorted(known_roles or ())) or "lower-case words"
        raise Invalid(f"role: expected one of {known}, got {new.role[:40]!r}")
    if not 1 <= len(new.name.strip()) <= LONGEST_NAME:
        raise Invalid(f"name: expected 1 to {LONGEST_NAME} characters, got {len(new.name)}")
    if new.subject is not None and not 1 <= len(new.subject) <= LONGEST_SUBJECT:
        raise Invalid(f"subject: expected 1 to {LONGEST_SUBJECT} characters")
    if new.public_key is None and new.subject is None:
        raise Invalid("expected the subject of a licence or a public key, got neither")
    if (new.public_key is None) != (new.alg is None):
        raise Invalid("expected alg and pk together, got one of them")
    if new.public_key is not None:
        stated_key(new.public_key, new.alg or "")
        fits = ("EdDSA",) if len(new.public_key) == 32 else ("ES256", "SM2SM3")
        if new.alg not in fits:
            raise Invalid(
                f"alg: expected {' or '.join(fits)} for this key, got {(new.alg or '')[:20]!r}"
            )
    return new

"""Who signed: an organisation by a certificate, or a person by a registered key."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from foundation.database import Connection
from foundation.identity import store
from foundation.identity.actor import OPERATOR, Actor
from foundation.identity.domain import LoginRefused
from foundation.problems import NotAllowed
from foundation.statements.signed import Statement, find_signature, kid_of


class OtherSigner(NotAllowed):
    """Somebody else signed than was asked."""

    code = "other-signer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """Whom a checked certificate names, and whether its authority answered for it.

    With `key` (alg, public key) it is a person's key that the organisation lets act for it.
    """

    subject: str
    name: str
    status: str
    key: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The one signer of a statement: `actor` if registered, `certified` if by a certificate."""

    actor: Actor | None
    certified: Certified | None


# Checks the one signature of a statement: by a certificate, with chain and revocation, or by a key
# that an organisation lets act for it; refuses a key of which no organisation says so.
Identify = Callable[[Connection, Statement, datetime], Awaitable[Certified]]


async def prove(
    connection: Connection, signed: Statement, identify: Identify, at: datetime
) -> Proof:
    """The one signer of a statement, checked at a time; refuses none, several, unknown keys."""
    if len(signed.sigs) != 1:
        raise LoginRefused(f"expected one signature, got {len(signed.sigs)}; sign it alone")
    kid = signed.sigs[0].kid
    if kid is None:
        certified = await identify(connection, signed, at)
        if certified.key is not None:
            # A person's own certificate: the person is meant, not the organisation.
            known = await store.actor_of_key(connection, kid_of(certified.key[1]))
            return _operator(None if known is None else known[0], certified)
        actor = await store.actor_of_subject(connection, certified.subject)
        return Proof(actor=actor, certified=certified)
    found = await store.actor_of_key(connection, kid)
    if found is None or found[0].role == OPERATOR:
        certified = await identify(connection, signed, at)
        return _operator(None if found is None else found[0], certified)
    actor, public_key = found
    find_signature(signed, kid, public_key)
    return Proof(actor=actor, certified=None)


def _operator(actor: Actor | None, certified: Certified) -> Proof:
    """A key serves the organisation for which it logged in first."""
    if actor is not None and actor.subject != certified.subject:
        raise LoginRefused("this key logged in for another organisation; make a new one")
    return Proof(actor=actor, certified=certified)


def refuse_other_signer(asked: Actor | None, proof: Proof) -> None:
    """Refuse a signature of anybody but the actor who was asked."""
    if asked is None or proof.actor is None or proof.actor.id != asked.id:
        raise OtherSigner(
            f"expected the signature of {asked.name if asked else 'an actor'}, got somebody "
            "else's; sign with the right licence or key"
        )

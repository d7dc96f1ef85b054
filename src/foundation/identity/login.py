"""Logging in: a signed answer to a challenge becomes a session; and registering actors."""

import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import store
from foundation.identity.actor import (
    ADMINISTRATOR,
    LONGEST_NAME,
    OPERATOR,
    Actor,
    ActorExists,
    NewActor,
    UnknownActor,
    check_new_actor,
    require,
)
from foundation.identity.challenge import refuse_other_statement, use_up
from foundation.identity.domain import (
    LOGIN_TYPE,
    Challenge,
    ChallengeRefused,
    LoginRefused,
    Session,
    UnknownChallenge,
    refuse_answer,
)
from foundation.identity.proof import Identify, Proof, prove
from foundation.identity.session import open_session, token_hash
from foundation.problems import Invalid
from foundation.statements.canonical import unb64
from foundation.statements.signed import Statement, decode


async def log_in_browser(
    db: Database, challenge_id: UUID, browser: str, identify: Identify, newcomer: str
) -> tuple[str, Session, Challenge]:
    """Use up a challenge that a phone has signed; return the token of the new session.

    An organisation without registration becomes an actor of the role `newcomer`.
    """
    async with transaction(db, "foundation") as connection:
        challenge, signed = await use_up(connection, challenge_id, browser, purpose="login")
        token, session = await _log_in(connection, signed, identify, newcomer)
    return token, session, challenge


async def log_in_command(
    db: Database, signed: Statement, browser: str, identify: Identify, newcomer: str
) -> tuple[str, Session]:
    """Log in a command, which asks and signs in one process; refuses as for a browser."""
    challenge_id = _challenge_of(signed)
    async with transaction(db, "foundation") as connection:
        found = await store.challenge(connection, challenge_id)
        if found is None:
            raise UnknownChallenge("expected a challenge of this platform; ask for a new one")
        challenge, _ = found
        if challenge.purpose != "login":
            raise ChallengeRefused(f"expected a code for login, got one for {challenge.purpose}")
        refuse_other_statement(challenge, signed)
        # The digits stand inside what was signed, so there is nothing left to compare by eye.
        await store.scan_challenge(connection, challenge_id, challenge.match)
        if not await store.consume_challenge(connection, challenge_id, token_hash(browser)):
            raise refuse_answer(challenge)
        return await _log_in(connection, signed, identify, newcomer)


async def register_actor(db: Database, actor: Actor, new: NewActor) -> Actor:
    """An administrator registers an organisation or a person; refuses one that is known."""
    require(actor, ADMINISTRATOR)
    check_new_actor(new)
    async with transaction(db, "foundation") as connection:
        at = await platform_now(connection)
        made = await store.insert_actor(connection, new, by=actor.id, at=at)
    if made is None:
        raise ActorExists(f"{new.subject or new.kid} is registered already; look at /api/v1/actors")
    return made


async def register_administrators(db: Database, path: Path) -> None:
    """Register the keys of the administrators' file; the ones known already stay as they are."""
    administrators = read_administrators(path)
    async with transaction(db, "foundation") as connection:
        at = await platform_now(connection)
        for new in administrators:
            await store.insert_actor(connection, new, by=None, at=at)


async def actors_of_role(db: Database, role: str) -> list[Actor]:
    """Everybody with a role, by name."""
    async with reading(db, "foundation") as connection:
        return await store.actors_of_role(connection, role)


async def actors_of_holders(db: Database, holders: Sequence[str]) -> list[Actor]:
    """Everybody registered among these organisations (identifier) and keys (kid)."""
    async with reading(db, "foundation") as connection:
        return await store.actors_of_holders(connection, list(holders))


async def actor_of_id(db: Database, actor: UUID) -> Actor:
    """One actor; refuses an unknown id."""
    async with reading(db, "foundation") as connection:
        found = await store.actor_of_id(connection, actor)
    if found is None:
        raise UnknownActor(f"no actor {actor} is registered here")
    return found


class _Administrator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    alg: str
    pk: str


def read_administrators(path: Path) -> list[NewActor]:
    """Read the file `[{"name", "alg", "pk"}]`; refuses anything else, naming the file."""
    try:
        entries = decode(json.loads(path.read_bytes()), list[_Administrator])
    except (OSError, ValueError) as error:
        raise Invalid(f"expected a list of administrators in {path.name}, got: {error}") from None
    return [
        check_new_actor(
            NewActor(
                role=ADMINISTRATOR,
                subject=None,
                name=entry.name,
                alg=entry.alg,
                public_key=unb64(entry.pk),
            )
        )
        for entry in entries
    ]


async def _log_in(
    connection: Connection, signed: Statement, identify: Identify, newcomer: str
) -> tuple[str, Session]:
    proof = await prove(connection, signed, identify, await platform_now(connection))
    actor = proof.actor or await _newcomer(connection, proof, newcomer)
    status = None if proof.certified is None else proof.certified.status
    return await open_session(connection, actor, signed, status)


async def _newcomer(connection: Connection, proof: Proof, role: str) -> Actor:
    if proof.certified is None:
        raise LoginRefused("expected a registered key or a licence, got neither")
    certified = proof.certified
    alg, public_key = certified.key or (None, None)
    new = check_new_actor(
        NewActor(
            role=role if certified.key is None else OPERATOR,
            subject=certified.subject,
            name=certified.name[:LONGEST_NAME],
            alg=alg,
            public_key=public_key,
        )
    )
    made = await store.insert_actor(connection, new, by=None, at=await platform_now(connection))
    if made is None:
        # Another login of the same organisation or key was first.
        made = await _first(connection, new)
    return made


async def _first(connection: Connection, new: NewActor) -> Actor:
    found = None
    if new.kid is None:
        found = await store.actor_of_subject(connection, new.subject or "")
    else:
        known = await store.actor_of_key(connection, new.kid)
        found = None if known is None or known[0].subject != new.subject else known[0]
    if found is None:
        raise LoginRefused(f"{new.subject} could not be registered; try again")
    return found


def _challenge_of(signed: Statement) -> UUID:
    named = signed.body.get("challenge") if isinstance(signed.body, dict) else None
    if signed.type != LOGIN_TYPE or not isinstance(named, str):
        raise ChallengeRefused(f"expected a signed login, got a {signed.type[:32]}")
    try:
        return UUID(named)
    except ValueError:
        raise ChallengeRefused("expected the id of a challenge in the login") from None

"""Challenges: a statement shown as a code in one browser, signed on a phone, used once.

Only the browser that asked can use the answer up (its cookie binds it), only a POST with the two
digits from that browser's screen moves it, and reading it changes nothing.
"""

import secrets
from uuid import UUID, uuid4

from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import store
from foundation.identity.actor import Actor
from foundation.identity.domain import (
    ATTEMPTS_A_MINUTE,
    LIFE,
    LOGIN_TYPE,
    Challenge,
    ChallengeRefused,
    TooManyLogins,
    UnknownChallenge,
    login_body,
    refuse_answer,
    safe_return,
)
from foundation.identity.proof import Identify, prove, refuse_other_signer
from foundation.identity.session import token_hash
from foundation.statements.signed import Statement, unsigned


async def limit_attempts(db: Database, place: str) -> None:
    """Count a try from a place; refuses more than a person or an office makes in a minute."""
    count, wait_s = await count_try(db, f"login:{place}")
    if count > ATTEMPTS_A_MINUTE:
        raise TooManyLogins(
            f"expected at most {ATTEMPTS_A_MINUTE} logins a minute from one place; "
            f"try again in {wait_s} s",
            extra={"retry_after": wait_s},
        )


async def count_try(db: Database, key: str) -> tuple[int, int]:
    """Count a try of some kind; return how many this minute has seen, and when the next begins."""
    # A transaction of its own: the count must stay when the caller's is rolled back.
    async with transaction(db, "foundation") as connection:
        return await store.count_attempt(connection, key[:100])


async def begin_login(
    db: Database, *, aud: str, browser: str, return_to: str | None = None
) -> Challenge:
    """Ask somebody unknown to log in; `browser` is the secret of the browser that asks."""
    async with transaction(db, "foundation") as connection:
        await store.sweep(connection)
        at = await store.real_now(connection)
        challenge_id, match = uuid4(), f"{secrets.randbelow(100):02d}"
        # The statement tells the platform's time, by which its certificate is checked too; how
        # long the code works is real time.
        body = login_body(
            challenge_id,
            aud=aud,
            nonce=secrets.token_bytes(16),
            match=match,
            at=await platform_now(connection),
        )
        made = Challenge(
            id=challenge_id,
            purpose="login",
            statement=unsigned(LOGIN_TYPE, body),
            match=match,
            actor=None,
            return_to=safe_return(return_to),
            state="new",
            expires_at=at + LIFE["login"],
            signed=None,
        )
        await store.insert_challenge(connection, made, token_hash(browser))
    return made


async def begin_signature(
    db: Database, actor: Actor, asked: Statement, *, browser: str, return_to: str | None = None
) -> Challenge:
    """Ask an actor to sign a statement on the phone; refuses a login in disguise."""
    if asked.type == LOGIN_TYPE:
        raise ChallengeRefused("a login is asked for as a login, not as a signature")
    async with transaction(db, "foundation") as connection:
        at = await store.real_now(connection)
        made = Challenge(
            id=uuid4(),
            purpose="sign",
            statement=unsigned(asked.type, asked.body),
            match=f"{secrets.randbelow(100):02d}",
            actor=actor.id,
            return_to=safe_return(return_to),
            state="new",
            expires_at=at + LIFE["sign"],
            signed=None,
        )
        await store.insert_challenge(connection, made, token_hash(browser))
    return made


async def read_challenge(
    db: Database, challenge_id: UUID, browser: str | None = None
) -> tuple[Challenge, bool]:
    """A challenge, and whether it belongs to this browser; changes nothing."""
    async with reading(db, "foundation") as connection:
        found = await store.challenge(connection, challenge_id)
    if found is None:
        raise UnknownChallenge("expected a code of this platform, got an unknown one; start again")
    challenge, binding = found
    own = browser is not None and secrets.compare_digest(token_hash(browser), binding)
    return challenge, own


async def scan(db: Database, challenge_id: UUID, digits: str) -> Challenge:
    """The phone confirms with the two digits of the screen; the third wrong try ends it."""
    async with transaction(db, "foundation") as connection:
        moved = await store.scan_challenge(connection, challenge_id, digits)
        left = None if moved else await store.count_wrong_digits(connection, challenge_id, digits)
    challenge, _ = await read_challenge(db, challenge_id)
    if moved:
        return challenge
    if left is not None and challenge.state == "new":
        raise ChallengeRefused(
            f"expected the two digits shown in the browser, got others; {left} tries are left",
            extra={"tries_left": left},
        )
    raise refuse_answer(challenge)


async def answer(
    db: Database, challenge_id: UUID, signed: Statement, identify: Identify
) -> Challenge:
    """Keep what the phone signed; refuses another statement and another signer than asked for."""
    challenge, _ = await read_challenge(db, challenge_id)
    if challenge.state != "scanned":
        raise refuse_answer(challenge)
    refuse_other_statement(challenge, signed)
    async with transaction(db, "foundation") as connection:
        proof = await prove(connection, signed, identify, await platform_now(connection))
        if challenge.actor is not None:
            asked = await store.actor_of_id(connection, challenge.actor)
            refuse_other_signer(asked, proof)
        if not await store.answer_challenge(connection, challenge_id, signed):
            raise ChallengeRefused("expected one answer to this code, got a second; start again")
    return (await read_challenge(db, challenge_id))[0]


async def decline(db: Database, challenge_id: UUID) -> None:
    """The phone says no."""
    async with transaction(db, "foundation") as connection:
        await store.end_challenge(connection, challenge_id)


async def use_signature(
    db: Database, challenge_id: UUID, browser: str
) -> tuple[Challenge, Statement]:
    """Use up a signed challenge of purpose `sign`, once, in the browser that asked."""
    async with transaction(db, "foundation") as connection:
        return await use_up(connection, challenge_id, browser, purpose="sign")


async def use_up(
    connection: Connection, challenge_id: UUID, browser: str, *, purpose: str
) -> tuple[Challenge, Statement]:
    """Use up a signed challenge in the caller's transaction; refuses any other state."""
    found = await store.challenge(connection, challenge_id)
    if found is None:
        raise UnknownChallenge("expected a code of this platform, got an unknown one; start again")
    challenge, _ = found
    if challenge.purpose != purpose:
        raise ChallengeRefused(f"expected a code for {purpose}, got one for {challenge.purpose}")
    if challenge.signed is None or not await store.consume_challenge(
        connection, challenge_id, token_hash(browser)
    ):
        raise refuse_answer(challenge)
    return challenge, challenge.signed


def refuse_other_statement(challenge: Challenge, signed: Statement) -> None:
    """Refuse a signed statement that is not byte for byte the one that was asked for."""
    if signed.signed_bytes != challenge.statement.signed_bytes:
        raise ChallengeRefused(
            f"expected exactly the {challenge.statement.type} that was asked for, got another "
            "statement; start again"
        )

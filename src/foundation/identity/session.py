"""Sessions: an opaque token for whoever proved who they are; we keep only its hash."""

import hashlib
import secrets
from typing import Final

from foundation.database import Connection, Database, transaction
from foundation.identity import store
from foundation.identity.actor import Actor
from foundation.identity.domain import Session
from foundation.statements.canonical import b64
from foundation.statements.signed import Statement

TOKEN_LENGTH: Final = 32


async def open_session(
    connection: Connection, actor: Actor, login: Statement, licence_status: str | None
) -> tuple[str, Session]:
    """Open a session in the caller's transaction; the token is shown this once."""
    token = b64(secrets.token_bytes(TOKEN_LENGTH))
    made = await store.insert_session(connection, token_hash(token), actor, login, licence_status)
    return token, made


async def session_of(db: Database, token: str) -> Session | None:
    """The live session of a token, or None; using it prolongs its idle time."""
    async with transaction(db, "foundation") as connection:
        found = await store.session(connection, token_hash(token))
        if found is None:
            return None
        session, is_old = found
        if is_old:
            await store.touch_session(connection, token_hash(token))
        return session


async def close_session(db: Database, token: str) -> None:
    """End a session at once; a token without one is no fault."""
    async with transaction(db, "foundation") as connection:
        await store.delete_session(connection, token_hash(token))


async def end_sessions_of_key(connection: Connection, kid: str) -> None:
    """End every session of a person's key, in the caller's transaction."""
    await store.delete_sessions_of_key(connection, kid)


def token_hash(token: str) -> bytes:
    """What is kept of a token or of a browser's binding."""
    return hashlib.sha256(token.encode()).digest()

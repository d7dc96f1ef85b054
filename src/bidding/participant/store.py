"""SQL of mandates; statements come and go sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from foundation.database import Connection, Record
from foundation.statements.canonical import sid_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateRow:
    """A mandate as it lies in the table."""

    sid: str
    kid: str
    sealed: bytes
    queue: UUID
    accepted_at: datetime
    revoked_at: datetime | None
    revocation: bytes | None
    revoke_queue: UUID | None


INSERT_MANDATE: Final[LiteralString] = """
    INSERT INTO bidding.mandate (sid, owner, kid, sealed, queue, accepted_at)
    VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (sid) DO NOTHING
 RETURNING sid
"""


async def insert_mandate(connection: Connection, owner: bytes, row: MandateRow) -> bool:
    """Keep a mandate; False where it was kept before."""
    found = await connection.fetchval(
        INSERT_MANDATE,
        sid_bytes(row.sid),
        owner,
        row.kid,
        row.sealed,
        row.queue,
        row.accepted_at,
    )
    return found is not None


MANDATE: Final[LiteralString] = """
    SELECT sid, kid, sealed, queue, accepted_at, revoked_at, revocation, revoke_queue
      FROM bidding.mandate
     WHERE sid = $1
"""

# A revocation waits for the decisions that read the mandate before it, and they for it.
MANDATE_SHARED: Final[LiteralString] = """
    SELECT sid, kid, sealed, queue, accepted_at, revoked_at, revocation, revoke_queue
      FROM bidding.mandate
     WHERE sid = $1
       FOR SHARE
"""

MANDATE_LOCKED: Final[LiteralString] = """
    SELECT sid, kid, sealed, queue, accepted_at, revoked_at, revocation, revoke_queue
      FROM bidding.mandate
     WHERE sid = $1
       FOR UPDATE
"""


async def mandate(connection: Connection, sid: str) -> MandateRow | None:
    """Return a mandate, or None."""
    return _one(await connection.fetchrow(MANDATE, sid_bytes(sid)))


async def mandate_shared(connection: Connection, sid: str) -> MandateRow | None:
    """Return a mandate, which is not revoked before the caller's transaction ends."""
    return _one(await connection.fetchrow(MANDATE_SHARED, sid_bytes(sid)))


async def mandate_locked(connection: Connection, sid: str) -> MandateRow | None:
    """Return a mandate and hold it, to revoke it."""
    return _one(await connection.fetchrow(MANDATE_LOCKED, sid_bytes(sid)))


MANDATES_OF_OWNER: Final[LiteralString] = """
    SELECT sid, kid, sealed, queue, accepted_at, revoked_at, revocation, revoke_queue
      FROM bidding.mandate
     WHERE owner = $1
  ORDER BY revoked_at IS NOT NULL, accepted_at DESC, sid
     LIMIT 2000
"""


async def mandates_of_owner(connection: Connection, owner: bytes) -> list[MandateRow]:
    """Return the mandates of a company: those not revoked first, newest first."""
    return [_row(row) for row in await connection.fetch(MANDATES_OF_OWNER, owner)]


MANDATES_OF_KEY: Final[LiteralString] = """
    SELECT sid, kid, sealed, queue, accepted_at, revoked_at, revocation, revoke_queue
      FROM bidding.mandate
     WHERE kid = $1
       AND ($2::bytea IS NULL OR owner = $2)
  ORDER BY accepted_at DESC, sid
     LIMIT 500
"""


async def mandates_of_key(
    connection: Connection, kid: str, owner: bytes | None
) -> list[MandateRow]:
    """Return the mandates of an operator's key, newest first; with `owner` that company's alone.

    Anybody may name any key: where the company is known, others' mandates must not crowd it out.
    """
    return [_row(row) for row in await connection.fetch(MANDATES_OF_KEY, kid, owner)]


MANDATES: Final[LiteralString] = """
    SELECT sid, kid, sealed, queue, accepted_at, revoked_at, revocation, revoke_queue
      FROM bidding.mandate
     WHERE sid = ANY ($1::bytea[])
  ORDER BY accepted_at, sid
     LIMIT 20000
"""


async def mandates(connection: Connection, sids: Sequence[str]) -> list[MandateRow]:
    """Return several mandates, oldest first; unknown ones are absent."""
    rows = await connection.fetch(MANDATES, [sid_bytes(sid) for sid in sids])
    return [_row(row) for row in rows]


REVOKE_MANDATE: Final[LiteralString] = """
    UPDATE bidding.mandate
       SET revoked_at = $2,
           revocation = $3,
           revoke_queue = $4
     WHERE sid = $1
"""


async def revoke_mandate(
    connection: Connection, sid: str, at: datetime, revocation: bytes, queue: UUID
) -> None:
    """Write down that a mandate ends now."""
    await connection.execute(REVOKE_MANDATE, sid_bytes(sid), at, revocation, queue)


def _one(row: Record | None) -> MandateRow | None:
    return None if row is None else _row(row)


def _row(row: Record) -> MandateRow:
    return MandateRow(
        sid=row["sid"].hex(),
        kid=row["kid"],
        sealed=row["sealed"],
        queue=row["queue"],
        accepted_at=row["accepted_at"],
        revoked_at=row["revoked_at"],
        revocation=row["revocation"],
        revoke_queue=row["revoke_queue"],
    )

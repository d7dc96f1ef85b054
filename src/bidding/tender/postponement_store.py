"""SQL of postponements."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from foundation.database import Connection, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponement:
    """One postponement: proposed, and in force since its papers were signed by both."""

    schedule: str
    lot: UUID
    opening_keys: str | None
    reason: str
    old_deadline: datetime
    new_deadline: datetime
    proposed_by: str
    proposed_at: datetime
    in_force_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A postponement in force, as the list of all changes names it."""

    lot: UUID
    number: str
    title: str
    lot_title: str
    reason: str
    has_new_keys: bool
    old_deadline: datetime
    new_deadline: datetime
    in_force_at: datetime


INSERT: Final[LiteralString] = """
    INSERT INTO bidding.postponement
           (schedule, lot, opening_keys, reason, old_deadline, new_deadline, proposed_by,
            proposed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def insert(connection: Connection, new: Postponement) -> None:
    """Write a proposal."""
    await connection.execute(
        INSERT,
        bytes.fromhex(new.schedule),
        new.lot,
        None if new.opening_keys is None else bytes.fromhex(new.opening_keys),
        new.reason,
        new.old_deadline,
        new.new_deadline,
        new.proposed_by,
        new.proposed_at,
    )


OF_LOT: Final[LiteralString] = """
    SELECT encode(schedule, 'hex') AS schedule, lot, encode(opening_keys, 'hex') AS opening_keys,
           reason, old_deadline, new_deadline, proposed_by, proposed_at, in_force_at
      FROM bidding.postponement
     WHERE lot = $1
  ORDER BY proposed_at, schedule
     LIMIT 1000
"""


async def of_lot(connection: Connection, lot: UUID) -> list[Postponement]:
    """Return the postponements of a lot in the order in which they were proposed."""
    return [_postponement(row) for row in await connection.fetch(OF_LOT, lot)]


async def newest(connection: Connection, lot: UUID) -> Postponement | None:
    """Return the proposal that was made last: those before it are void."""
    found = await of_lot(connection, lot)
    return found[-1] if found else None


NEWEST_MOVES: Final[LiteralString] = """
    SELECT p.lot, t.number, t.title, l.title AS lot_title, p.reason,
           p.opening_keys IS NOT NULL AS has_new_keys, p.old_deadline, p.new_deadline,
           p.in_force_at
      FROM bidding.postponement AS p
      JOIN bidding.lot AS l ON l.id = p.lot
      JOIN bidding.tender AS t ON t.id = l.tender
     WHERE p.in_force_at IS NOT NULL
  ORDER BY p.in_force_at DESC, p.schedule
     LIMIT 100
"""


async def newest_moves(connection: Connection) -> list[Moved]:
    """Return the postponements of all lots that came into force last, newest first."""
    return [Moved(**dict(row)) for row in await connection.fetch(NEWEST_MOVES)]


PUT_IN_FORCE: Final[LiteralString] = """
    UPDATE bidding.postponement
       SET in_force_at = $2
     WHERE schedule = $1
"""


async def put_in_force(connection: Connection, schedule: str, at: datetime) -> None:
    """Write when a postponement came into force."""
    await connection.execute(PUT_IN_FORCE, bytes.fromhex(schedule), at)


def _postponement(row: Record) -> Postponement:
    return Postponement(**dict(row))

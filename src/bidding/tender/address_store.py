"""SQL of the addresses that takers of documents left, and of the changes they are told of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from foundation.database import Connection
from foundation.statements.canonical import sid_bytes

INSERT: Final[LiteralString] = "INSERT INTO bidding.address (lot, sealed) VALUES ($1, $2)"


async def insert(connection: Connection, lot: UUID, sealed: bytes) -> None:
    """Keep a sealed address; the same one again is kept again, nobody here could tell."""
    await connection.execute(INSERT, lot, sealed)


OF_LOT: Final[LiteralString] = """
    SELECT sealed
      FROM bidding.address
     WHERE lot = $1
  ORDER BY id
"""


async def of_lot(connection: Connection, lot: UUID) -> list[bytes]:
    """Return the sealed addresses of a lot."""
    return [row["sealed"] for row in await connection.fetch(OF_LOT, lot)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A schedule in force of which nobody was told yet; new opening keys come with one."""

    schedule: str
    lot: UUID


UNTOLD: Final[LiteralString] = """
    SELECT encode(p.schedule, 'hex') AS schedule, p.lot
      FROM bidding.postponement AS p
      JOIN bidding.lot AS l ON l.id = p.lot
     WHERE p.in_force_at IS NOT NULL
       AND p.told_at IS NULL
       AND l.status = 'published'
       AND l.schedule = p.schedule
  ORDER BY p.in_force_at, p.schedule
     LIMIT 20
"""


async def untold(connection: Connection) -> Sequence[Change]:
    """Return the newest change of each lot that is open for bids, where nobody was told of it."""
    return [Change(**dict(row)) for row in await connection.fetch(UNTOLD)]


SET_TOLD: Final[LiteralString] = """
    UPDATE bidding.postponement
       SET told_at = $2
     WHERE schedule = $1
"""


async def set_told(connection: Connection, schedule: str, at: datetime) -> None:
    """Write down that everybody was told of a change."""
    await connection.execute(SET_TOLD, sid_bytes(schedule), at)


FORGET: Final[LiteralString] = """
    DELETE FROM bidding.address
     WHERE lot IN (SELECT id FROM bidding.lot WHERE status <> 'published')
"""


async def forget(connection: Connection) -> None:
    """Delete the addresses of lots that take no bids any more: nothing is left to tell."""
    await connection.execute(FORGET)

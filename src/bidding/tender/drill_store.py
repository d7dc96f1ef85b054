"""SQL of drills: which lots are to be asked, and how the newest questions were answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from foundation.database import Connection

# At D-24 h and D-1 h (sealing.md 8.3): due while nobody was asked since the later of the two.
LOTS_DUE: Final[LiteralString] = """
      WITH clock AS MATERIALIZED (SELECT foundation.platform_now() AS now)
    SELECT l.id
      FROM bidding.lot AS l, clock AS c
     WHERE l.status = 'published'
       AND c.now >= l.deadline_at - interval '24 hours'
       AND c.now < l.deadline_at
       AND NOT EXISTS (
           SELECT 1
             FROM bidding.readiness AS r
            WHERE r.opening_keys = l.opening_keys
              AND r.asked_at >= l.deadline_at
                                - CASE WHEN c.now >= l.deadline_at - interval '1 hour'
                                       THEN interval '1 hour'
                                       ELSE interval '24 hours'
                                   END)
  ORDER BY l.deadline_at, l.id
     LIMIT 100
"""


async def lots_due(connection: Connection) -> list[UUID]:
    """Return the lots whose members are to be asked now."""
    return [row["id"] for row in await connection.fetch(LOTS_DUE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One question of the newest drill and its answer."""

    group: str
    i: int
    asked_at: datetime
    passed: bool | None


NEWEST: Final[LiteralString] = """
    SELECT group_letter, seat_index, asked_at, passed
      FROM bidding.readiness
     WHERE opening_keys = $1
       AND asked_at = (SELECT max(asked_at)
                         FROM bidding.readiness
                        WHERE opening_keys = $1)
  ORDER BY group_letter, seat_index
     LIMIT 100
"""


async def newest(connection: Connection, opening_keys: str) -> list[Answered]:
    """Return the newest drill of opening keys."""
    return [
        Answered(
            group=row["group_letter"],
            i=row["seat_index"],
            asked_at=row["asked_at"],
            passed=row["passed"],
        )
        for row in await connection.fetch(NEWEST, bytes.fromhex(opening_keys))
    ]

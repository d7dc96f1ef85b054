"""SQL of the stages of an opening: when one begins, and its record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from bidding.opening.domain import Opening, WrongPhase
from foundation.database import Connection

SET_RECORD: Final[LiteralString] = """
    UPDATE bidding.opening
       SET record = $2,
           recorded_at = $3,
           phase = 'done'
     WHERE lot = $1
"""


INSERT_OPENED_STAGE: Final[LiteralString] = """
    INSERT INTO bidding.opened_stage (lot, stage, record, recorded_at)
    VALUES ($1, $2, $3, $4)
"""


async def set_record(connection: Connection, held: Opening, sid: str, at: datetime) -> None:
    """Write the signed record of the stage that runs."""
    await connection.execute(SET_RECORD, held.lot, bytes.fromhex(sid), at)
    await connection.execute(INSERT_OPENED_STAGE, held.lot, held.stage, bytes.fromhex(sid), at)


OPENED_STAGES: Final[LiteralString] = """
    SELECT stage
      FROM bidding.opened_stage
     WHERE lot = $1
  ORDER BY stage
"""


async def opened_stages(connection: Connection, lot: UUID) -> list[int]:
    """Return the stages of a lot whose record is signed."""
    return [row["stage"] for row in await connection.fetch(OPENED_STAGES, lot)]


BEGIN_STAGE: Final[LiteralString] = """
    UPDATE bidding.opening
       SET stage = $2,
           phase = 'closed',
           phase_at = $3,
           phase_until = NULL,
           remedy_start = NULL,
           record = NULL,
           recorded_at = NULL,
           suspended_at = NULL,
           decided = NULL
     WHERE lot = $1
       AND stage < $2
       AND phase = 'done'
 RETURNING lot
"""

# Read back anew: months may lie between two stages.
PUT_IN_STAGE: Final[LiteralString] = """
    UPDATE bidding.listed
       SET stage = $2,
           blob = 'unread'
     WHERE lot = $1
       AND tree = ANY ($3::text[])
       AND stage IS NULL
"""


async def begin_stage(
    connection: Connection, lot: UUID, stage: int, trees: Sequence[str], at: datetime
) -> None:
    """Begin a later stage for some of the list's envelopes; refuses unless the last is recorded."""
    if await connection.fetchval(BEGIN_STAGE, lot, stage, at) is None:
        raise WrongPhase(f"stage {stage} begins when the record of the stage before it is signed")
    await connection.execute(PUT_IN_STAGE, lot, stage, list(trees))

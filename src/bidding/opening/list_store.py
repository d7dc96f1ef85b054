"""SQL of the closing's list: its envelopes, their files, the halves that came for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from bidding.opening.domain import Listed
from foundation.database import Connection

LOTS_UNREAD: Final[LiteralString] = """
    SELECT DISTINCT lot
      FROM bidding.listed
     WHERE blob = 'unread'
  ORDER BY lot
     LIMIT 1000
"""


async def lots_unread(connection: Connection) -> list[UUID]:
    """Return the lots with listed files that were not read back yet."""
    return [row["lot"] for row in await connection.fetch(LOTS_UNREAD)]


INSERT_LISTED: Final[LiteralString] = """
    INSERT INTO bidding.listed (lot, tree, stage, submission, act, seq, volume, header_hash,
                                wraps_hash, size, upload, header, wraps)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


async def insert_listed(connection: Connection, listed: Sequence[Listed]) -> None:
    """Write the list of a closing."""
    await connection.executemany(
        INSERT_LISTED,
        [
            (
                one.lot,
                one.tree,
                one.stage,
                one.submission,
                bytes.fromhex(one.act),
                one.seq,
                one.volume,
                one.header_hash,
                one.wraps_hash,
                one.size,
                one.upload,
                one.header,
                one.wraps,
            )
            for one in listed
        ],
    )


LISTED: Final[LiteralString] = """
    SELECT lot, tree, stage, submission, encode(act, 'hex') AS act, seq, volume, header_hash,
           wraps_hash, size, upload, header, wraps, blob, blob_until, b_value, b_from, b_at,
           t_value
      FROM bidding.listed
     WHERE lot = $1
       AND ($2::int IS NULL OR stage = $2)
  ORDER BY submission, volume
     LIMIT 16000
"""


async def listed(connection: Connection, lot: UUID, stage: int | None = None) -> list[Listed]:
    """Return the envelopes of the closing's list, or of those the ones that a stage opens."""
    return [Listed(**dict(row)) for row in await connection.fetch(LISTED, lot, stage)]


SET_BLOB: Final[LiteralString] = """
    UPDATE bidding.listed
       SET blob = $3,
           blob_until = $4
     WHERE lot = $1
       AND tree = $2
"""


async def set_blob(
    connection: Connection, lot: UUID, tree: str, state: str, until: datetime | None
) -> None:
    """Write what reading a sealed file back found, and until when it may come again."""
    await connection.execute(SET_BLOB, lot, tree, state, until)


SET_B: Final[LiteralString] = """
    UPDATE bidding.listed
       SET b_value = $3,
           b_from = $4,
           b_at = $5
     WHERE lot = $1
       AND tree = $2
       AND b_value IS NULL
"""


async def set_b(
    connection: Connection, lot: UUID, tree: str, value: bytes, source: str, at: datetime
) -> None:
    """Keep the bidder's half of an envelope, the first one that fits."""
    await connection.execute(SET_B, lot, tree, value, source, at)


SET_T: Final[LiteralString] = """
    UPDATE bidding.listed
       SET t_value = $3
     WHERE lot = $1
       AND tree = $2
       AND t_value IS NULL
"""


async def set_t(connection: Connection, lot: UUID, tree: str, value: bytes) -> None:
    """Keep the custodians' half of an envelope that somebody supplied."""
    await connection.execute(SET_T, lot, tree, value)


FILES_SO_FAR: Final[LiteralString] = """
    SELECT count(*) FILTER (WHERE blob = 'unread') AS unread,
           count(*) FILTER (WHERE blob IN ('missing', 'corrupt')) AS damaged,
           max(blob_until) AS until
      FROM bidding.listed
     WHERE lot = $1
"""


async def files_so_far(connection: Connection, lot: UUID) -> tuple[int, int, datetime | None]:
    """Return how many listed files are unread, how many damaged, and until when those may come."""
    row = await connection.fetchrow(FILES_SO_FAR, lot)
    return (0, 0, None) if row is None else (row["unread"], row["damaged"], row["until"])

"""SQL of commitments, secrets, committed pools and drawings."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from experts.drawing.domain import (
    Commit,
    CommittedAlready,
    CommittedPool,
    Drawing,
    DrawnAlready,
    RevealedAlready,
)
from foundation.database import Connection
from foundation.draw import constraints_json, read_constraints
from foundation.problems import Refused

CONSTRAINTS: Final[Mapping[str, Callable[[], Refused]]] = {
    "committed_pool_pkey": CommittedAlready,
    "seed_commit_once": CommittedAlready,
    "seed_reveal_pkey": RevealedAlready,
    "drawing_once": DrawnAlready,
}

INSERT_COMMITTED_POOL: Final[LiteralString] = """
    INSERT INTO experts.committed_pool (lot, pool, pool_sha256, wish, event, committed_at)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


async def insert_committed_pool(
    connection: Connection, committed: CommittedPool, event: str
) -> None:
    """Fixes the list of a lot; once."""
    await connection.execute(
        INSERT_COMMITTED_POOL,
        committed.lot,
        json.dumps([dict(row) for row in committed.pool], ensure_ascii=False),
        committed.pool_sha256,
        json.dumps(constraints_json(committed.wish), ensure_ascii=False),
        bytes.fromhex(event),
        committed.committed_at,
    )


COMMITTED_POOL: Final[LiteralString] = """
    SELECT lot, pool, pool_sha256, wish, committed_at
      FROM experts.committed_pool
     WHERE lot = $1
"""


async def committed_pool(connection: Connection, lot: UUID) -> CommittedPool | None:
    """The committed list of a lot, or None."""
    row = await connection.fetchrow(COMMITTED_POOL, lot)
    if row is None:
        return None
    return CommittedPool(
        lot=row["lot"],
        pool=tuple(json.loads(row["pool"])),
        pool_sha256=row["pool_sha256"],
        wish=read_constraints(json.loads(row["wish"])),
        committed_at=row["committed_at"],
    )


INSERT_SEED_COMMIT: Final[LiteralString] = """
    INSERT INTO experts.seed_commit (sid, lot, contributor, commitment, committed_at)
    VALUES ($1, $2, $3, $4, $5)
"""


async def insert_seed_commit(
    connection: Connection,
    sid: str,
    lot: UUID,
    contributor: str,
    commitment: bytes,
    at: datetime,
) -> None:
    """Writes a commitment; one a contributor and lot."""
    await connection.execute(
        INSERT_SEED_COMMIT, bytes.fromhex(sid), lot, contributor, commitment, at
    )


INSERT_SEED_REVEAL: Final[LiteralString] = """
    INSERT INTO experts.seed_reveal (commitment_sid, sid, lot, secret, revealed_at)
    VALUES ($1, $2, $3, $4, $5)
"""


async def insert_seed_reveal(
    connection: Connection, commit: str, sid: str, lot: UUID, secret: bytes, at: datetime
) -> None:
    """Writes the secret of a commitment; once."""
    await connection.execute(
        INSERT_SEED_REVEAL, bytes.fromhex(commit), bytes.fromhex(sid), lot, secret, at
    )


COMMITS: Final[LiteralString] = """
    SELECT encode(c.sid, 'hex') AS sid, c.contributor, c.commitment,
           encode(r.sid, 'hex') AS reveal, r.secret
      FROM experts.seed_commit AS c
 LEFT JOIN experts.seed_reveal AS r ON r.commitment_sid = c.sid
     WHERE c.lot = $1
  ORDER BY c.sid
     LIMIT 100
"""


async def commits(connection: Connection, lot: UUID) -> list[Commit]:
    """The commitments of a lot in the ascending order of their sids, secrets where revealed."""
    return [Commit(**dict(row)) for row in await connection.fetch(COMMITS, lot)]


INSERT_DRAWING: Final[LiteralString] = """
    INSERT INTO experts.drawing (lot, kind, sid, drawn, reserve, drawn_at)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


async def insert_drawing(connection: Connection, drawing: Drawing, at: datetime) -> None:
    """Writes a signed drawing; one of its kind for a lot."""
    await connection.execute(
        INSERT_DRAWING,
        drawing.lot,
        drawing.kind,
        bytes.fromhex(drawing.sid),
        list(drawing.drawn),
        list(drawing.reserve),
        at,
    )


DRAWINGS: Final[LiteralString] = """
    SELECT lot, kind, encode(sid, 'hex') AS sid, drawn, reserve
      FROM experts.drawing
     WHERE lot = $1
  ORDER BY kind
     LIMIT 3
"""


async def drawings(connection: Connection, lot: UUID) -> dict[str, Drawing]:
    """The signed drawings of a lot by kind."""
    return {
        row["kind"]: Drawing(
            lot=row["lot"],
            kind=row["kind"],
            sid=row["sid"],
            drawn=tuple(row["drawn"]),
            reserve=tuple(row["reserve"]),
        )
        for row in await connection.fetch(DRAWINGS, lot)
    }

"""SQL of what members found and released."""

from collections.abc import Mapping
from typing import Final, LiteralString
from uuid import UUID

from bidding.opening.domain import Checked, Share
from foundation.database import Connection

FORGET_CHECKS: Final[LiteralString] = """
    DELETE FROM bidding.share_check
     WHERE lot = $1
"""


FORGET_SHARES: Final[LiteralString] = """
    DELETE FROM bidding.share
     WHERE lot = $1
"""


INSERT_CHECKS: Final[LiteralString] = """
    INSERT INTO bidding.share_check (lot, group_letter, seat_index, tree, result)
    SELECT $1, $2, $3, tree, result
      FROM unnest($4::text[], $5::text[]) AS c (tree, result)
        ON CONFLICT (lot, group_letter, seat_index, tree) DO NOTHING
 RETURNING tree
"""


async def insert_checks(
    connection: Connection, lot: UUID, group: str, i: int, results: Mapping[str, str]
) -> bool:
    """Keep a member's share check; return False when this seat had sent one."""
    rows = await connection.fetch(
        INSERT_CHECKS, lot, group, i, list(results), list(results.values())
    )
    return len(rows) == len(results)


CHECKS: Final[LiteralString] = """
    SELECT group_letter, seat_index, tree, result
      FROM bidding.share_check
     WHERE lot = $1
  ORDER BY group_letter, seat_index, tree
     LIMIT 200000
"""


async def checks(connection: Connection, lot: UUID) -> list[Checked]:
    """Return all share checks of a lot."""
    return [
        Checked(group=r["group_letter"], i=r["seat_index"], tree=r["tree"], result=r["result"])
        for r in await connection.fetch(CHECKS, lot)
    ]


INSERT_CURED_SHARE: Final[LiteralString] = """
    INSERT INTO bidding.share (lot, group_letter, seat_index, tree, value, is_cure)
    VALUES ($1, $2, $3, $4, $5, true)
        ON CONFLICT (lot, group_letter, seat_index, tree) DO NOTHING
"""


async def insert_cured_share(connection: Connection, lot: UUID, share: Share) -> None:
    """Keep a share that somebody else supplied, unless the member released it."""
    await connection.execute(INSERT_CURED_SHARE, lot, share.group, share.i, share.tree, share.value)


# A share that somebody supplied before becomes the member's own; it has the same value.
INSERT_SHARES: Final[LiteralString] = """
    INSERT INTO bidding.share AS held (lot, group_letter, seat_index, tree, value)
    SELECT $1, $2, $3, tree, value
      FROM unnest($4::text[], $5::bytea[]) AS s (tree, value)
        ON CONFLICT (lot, group_letter, seat_index, tree) DO UPDATE
       SET is_cure = false
     WHERE held.is_cure
 RETURNING tree
"""


async def insert_shares(
    connection: Connection, lot: UUID, group: str, i: int, shares: Mapping[str, bytes]
) -> bool:
    """Keep a member's released shares; return False when this seat had released."""
    rows = await connection.fetch(INSERT_SHARES, lot, group, i, list(shares), list(shares.values()))
    return len(rows) == len(shares)


SHARES: Final[LiteralString] = """
    SELECT group_letter, seat_index, tree, value, is_cure
      FROM bidding.share
     WHERE lot = $1
  ORDER BY group_letter, seat_index, tree
     LIMIT 200000
"""


async def shares(connection: Connection, lot: UUID) -> list[Share]:
    """Return all released shares of a lot."""
    return [
        Share(
            group=r["group_letter"],
            i=r["seat_index"],
            tree=r["tree"],
            value=r["value"],
            is_cure=r["is_cure"],
        )
        for r in await connection.fetch(SHARES, lot)
    ]


async def forget_answers(connection: Connection, lot: UUID) -> None:
    """Forget what members found and released; their signed statements stay."""
    await connection.execute(FORGET_CHECKS, lot)
    await connection.execute(FORGET_SHARES, lot)

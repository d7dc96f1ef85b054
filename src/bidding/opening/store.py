"""SQL of openings: where one stands, its closing, its phase, what was told so far."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from bidding.opening.domain import Opening, OtherClosing, WrongPhase
from foundation.database import Connection
from foundation.statements.canonical import sid_bytes

CLOSE_LOT: Final[LiteralString] = """
    UPDATE bidding.lot
       SET closed_at = $2,
           status = 'closed'
     WHERE id = $1
       AND status = 'published'
       AND closed_at IS NULL
       AND deadline_at <= $2
 RETURNING id
"""


INSERT_OPENING: Final[LiteralString] = """
    INSERT INTO bidding.opening (lot, closed_at, closed_tick)
    VALUES ($1, $2, $3)
"""


async def close_lot(connection: Connection, lot: UUID, at: datetime, ledger_size: int) -> bool:
    """Close a lot whose deadline has passed; return False when it was closed or moved."""
    if await connection.fetchval(CLOSE_LOT, lot, at) is None:
        return False
    await connection.execute(INSERT_OPENING, lot, at, ledger_size)
    return True


OPENING: Final[LiteralString] = """
    SELECT lot, closed_at, closed_tick, cut, encode(closing, 'hex') AS closing,
           encode(list_root, 'hex') AS list_root, stage, phase, phase_at, phase_until,
           encode(remedy_start, 'hex') AS remedy_start, encode(record, 'hex') AS record,
           recorded_at, suspended_at, decided
      FROM bidding.opening
     WHERE lot = $1
"""


async def opening(connection: Connection, lot: UUID) -> Opening:
    """Return where a lot's opening stands; refuses a lot that is not closed."""
    row = await connection.fetchrow(OPENING, lot)
    if row is None:
        raise WrongPhase("bids for this lot have not closed yet")
    return Opening(**dict(row))


async def find_opening(connection: Connection, lot: UUID) -> Opening | None:
    """Return where a lot's opening stands, or None before its closing."""
    row = await connection.fetchrow(OPENING, lot)
    return None if row is None else Opening(**dict(row))


LOT_OF_CLOSING: Final[LiteralString] = """
    SELECT lot
      FROM bidding.opening
     WHERE closing = $1
"""


async def lot_of_closing(connection: Connection, closing: str) -> UUID:
    """Return the lot whose closing this is; refuses an unknown one."""
    lot: UUID | None = await connection.fetchval(LOT_OF_CLOSING, sid_bytes(closing))
    if lot is None:
        raise OtherClosing(f"no lot has the closing {closing[:16]}…")
    return lot


# An act without an index has no leaf yet: the cut must wait for it.
ACTS_WITHOUT_LEAF: Final[LiteralString] = """
    SELECT count(*)
      FROM bidding.act AS a
      JOIN foundation.ledger_queue AS q ON q.id = a.queue
     WHERE a.lot = $1
       AND q.index IS NULL
"""


async def acts_without_leaf(connection: Connection, lot: UUID) -> int:
    """Count the acts of a lot that the sequencer has not numbered yet."""
    count: int = await connection.fetchval(ACTS_WITHOUT_LEAF, lot)
    return count


SET_CUT: Final[LiteralString] = """
    UPDATE bidding.opening
       SET cut = $2
     WHERE lot = $1
       AND cut IS NULL
 RETURNING lot
"""


async def set_cut(connection: Connection, lot: UUID, queue: UUID) -> bool:
    """Write the queue row of the cut; return False when there is one."""
    return await connection.fetchval(SET_CUT, lot, queue) is not None


SET_CLOSING: Final[LiteralString] = """
    UPDATE bidding.opening
       SET closing = $2,
           list_root = $3
     WHERE lot = $1
       AND closing IS NULL
 RETURNING lot
"""


async def set_closing(
    connection: Connection, lot: UUID, closing: str, list_root: str | None
) -> None:
    """Write the closing (or not-opened) statement of a lot, once."""
    root = None if list_root is None else bytes.fromhex(list_root)
    if await connection.fetchval(SET_CLOSING, lot, bytes.fromhex(closing), root) is None:
        raise WrongPhase("the closing of this lot was already made")


# Phase 1 begins again once the new closing is in a checkpoint.
REPLACE_CLOSING: Final[LiteralString] = """
    UPDATE bidding.opening
       SET closing = $3,
           list_root = $4,
           phase = 'closed',
           phase_at = $5,
           phase_until = NULL,
           remedy_start = NULL,
           suspended_at = NULL,
           decided = NULL
     WHERE lot = $1
       AND encode(closing, 'hex') = $2
 RETURNING lot
"""


async def replace_closing(
    connection: Connection, held: Opening, closing: str, list_root: str, at: datetime
) -> None:
    """Put another closing in place of the one held."""
    replaced = await connection.fetchval(
        REPLACE_CLOSING,
        held.lot,
        held.closing,
        bytes.fromhex(closing),
        bytes.fromhex(list_root),
        at,
    )
    if replaced is None:
        raise WrongPhase("the closing of this lot was replaced meanwhile")


SET_PHASE: Final[LiteralString] = """
    UPDATE bidding.opening
       SET phase = $3,
           phase_at = $4,
           phase_until = $5
     WHERE lot = $1
       AND phase = $2
 RETURNING lot
"""


async def set_phase(
    connection: Connection, held: Opening, phase: str, at: datetime, until: datetime | None
) -> None:
    """Move the opening from the phase it was read in; refuses when it moved meanwhile."""
    if await connection.fetchval(SET_PHASE, held.lot, held.phase, phase, at, until) is None:
        raise WrongPhase(f"the opening is no longer in {held.phase}")


SET_UNTIL: Final[LiteralString] = """
    UPDATE bidding.opening
       SET phase_until = $2
     WHERE lot = $1
"""


async def set_until(connection: Connection, lot: UUID, until: datetime) -> None:
    """Lengthen the running window."""
    await connection.execute(SET_UNTIL, lot, until)


SET_SUSPENDED: Final[LiteralString] = """
    UPDATE bidding.opening
       SET suspended_at = $2,
           decided = NULL
     WHERE lot = $1
"""


async def set_suspended(connection: Connection, lot: UUID, at: datetime | None) -> None:
    """Mark since when an opening waits for its members, None when it goes on.

    A decision ends one suspension; the next one is decided on anew.
    """
    await connection.execute(SET_SUSPENDED, lot, at)


SET_DECIDED: Final[LiteralString] = """
    UPDATE bidding.opening
       SET decided = $2
     WHERE lot = $1
"""


async def set_decided(connection: Connection, lot: UUID, decision: str) -> None:
    """Write how the supervisor ended a suspension."""
    await connection.execute(SET_DECIDED, lot, decision)


SET_REMEDY_START: Final[LiteralString] = """
    UPDATE bidding.opening
       SET remedy_start = $2,
           phase_until = greatest(phase_until, $3)
     WHERE lot = $1
"""


async def set_remedy_start(connection: Connection, lot: UUID, sid: str, until: datetime) -> None:
    """Write the countersigned list of envelopes without their bidder, and till when it runs."""
    await connection.execute(SET_REMEDY_START, lot, bytes.fromhex(sid), until)


LOTS_TO_OPEN: Final[LiteralString] = """
    SELECT lot
      FROM bidding.opening
     WHERE phase = 'phase4'
        OR (decided = 'terminated' AND phase IN ('phase2', 'phase3'))
  ORDER BY lot
     LIMIT 1000
"""


async def lots_to_open(connection: Connection) -> list[UUID]:
    """Return the lots in phase 4, and those that the supervisor ended without a record so far."""
    return [row["lot"] for row in await connection.fetch(LOTS_TO_OPEN)]


TOLD_SO_FAR: Final[LiteralString] = """
    SELECT count(*) AS told, max(accepted_at) AS last
      FROM foundation.statement
     WHERE scope = $1
       AND type = ANY ($2::text[])
"""


async def told_so_far(
    connection: Connection, lot: UUID, types: Sequence[str]
) -> tuple[int, datetime | None]:
    """Return how many statements of these types a lot has, and when the last was accepted."""
    row = await connection.fetchrow(TOLD_SO_FAR, lot, list(types))
    return (0, None) if row is None else (row["told"], row["last"])


SIGNED_SO_FAR: Final[LiteralString] = """
    SELECT count(DISTINCT p.sid) AS papers, count(s.signed_at) AS signed
      FROM foundation.paper AS p
      JOIN foundation.paper_signer AS s ON s.sid = p.sid
     WHERE p.scope = $1
"""


async def signed_so_far(connection: Connection, lot: UUID) -> tuple[int, int]:
    """Return how many papers a lot has had, and how many signatures they have."""
    row = await connection.fetchrow(SIGNED_SO_FAR, lot)
    return (0, 0) if row is None else (row["papers"], row["signed"])

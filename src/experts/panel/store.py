"""SQL of panels: seats, blind codes, drafts, sheets, reports, dissents."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from bidding.published import Mark, score_text
from experts.panel.domain import (
    BlindBid,
    Card,
    CardHandedIn,
    DraftMark,
    Panel,
    Seat,
    UnknownBlindBid,
    UnknownPanel,
    WrongPanelStatus,
)
from foundation.database import Connection, Record
from foundation.problems import Refused

CONSTRAINTS: Final[Mapping[str, Callable[[], Refused]]] = {
    "scorecard_once": CardHandedIn,
    "panel_moves": WrongPanelStatus,
    "draft_mark_lot_code_fkey": UnknownBlindBid,
}

INSERT_PANEL: Final[LiteralString] = """
    INSERT INTO experts.panel (lot, seats, formed_at)
    VALUES ($1, $2, $3)
"""


async def insert_panel(connection: Connection, lot: UUID, seats: int, at: datetime) -> None:
    """Writes a panel that is forming."""
    await connection.execute(INSERT_PANEL, lot, seats, at)


PANEL: Final[LiteralString] = """
    SELECT lot, status, seats, formed_at, locked_at, encode(report, 'hex') AS report
      FROM experts.panel
     WHERE lot = $1
"""


async def panel(connection: Connection, lot: UUID) -> Panel:
    """The panel of a lot; refuses a lot without one."""
    return _panel(await connection.fetchrow(PANEL, lot), lot)


# Whoever hands in a sheet or moves the panel comes one after another: the last sheet locks.
PANEL_LOCKED: Final[LiteralString] = """
    SELECT lot, status, seats, formed_at, locked_at, encode(report, 'hex') AS report
      FROM experts.panel
     WHERE lot = $1
       FOR UPDATE
"""


async def panel_locked(connection: Connection, lot: UUID) -> Panel:
    """The panel, held against everybody else who changes it."""
    return _panel(await connection.fetchrow(PANEL_LOCKED, lot), lot)


# Savers do not wait for one another, only for whoever locks the stage.
PANEL_SHARED: Final[LiteralString] = """
    SELECT lot, status, seats, formed_at, locked_at, encode(report, 'hex') AS report
      FROM experts.panel
     WHERE lot = $1
       FOR SHARE
"""


async def panel_shared(connection: Connection, lot: UUID) -> Panel:
    """The panel, held so that its status stays while marks are saved."""
    return _panel(await connection.fetchrow(PANEL_SHARED, lot), lot)


MOVE_PANEL: Final[LiteralString] = """
    UPDATE experts.panel
       SET status = $3,
           locked_at = coalesce(locked_at, $4),
           report = coalesce(report, $5)
     WHERE lot = $1
       AND status = $2
 RETURNING lot
"""


async def move_panel(
    connection: Connection,
    held: Panel,
    status: str,
    *,
    locked_at: datetime | None = None,
    report: str | None = None,
) -> None:
    """Moves a panel from the status it was read with; refuses when somebody else moved it."""
    sid = None if report is None else bytes.fromhex(report)
    moved = await connection.fetchval(MOVE_PANEL, held.lot, held.status, status, locked_at, sid)
    if moved is None:
        raise WrongPanelStatus(f"the panel is no longer {held.status}; load it again")


INSERT_SEAT: Final[LiteralString] = """
    INSERT INTO experts.seat (lot, number, expert, called_at)
    VALUES ($1, $2, $3, $4)
"""


async def insert_seat(
    connection: Connection, lot: UUID, number: int, expert: UUID, at: datetime
) -> None:
    """Calls an expert to a seat; the index seat_has_one_expert allows one at a time."""
    await connection.execute(INSERT_SEAT, lot, number, expert, at)


SEATS: Final[LiteralString] = """
    SELECT s.lot, s.number, s.expert, s.status, encode(s.pledge, 'hex') AS pledge,
           e.kid, e.alg, e.pk, s.unblinded_at
      FROM experts.seat AS s
      JOIN experts.expert AS e ON e.id = s.expert
     WHERE s.lot = $1
  ORDER BY s.number, s.called_at, s.expert
     LIMIT 500
"""


async def seats(connection: Connection, lot: UUID) -> list[Seat]:
    """Every seat of a lot, recused ones too, by number."""
    return [Seat(**dict(row)) for row in await connection.fetch(SEATS, lot)]


LOTS_OF_EXPERT: Final[LiteralString] = """
    SELECT s.lot
      FROM experts.seat AS s
      JOIN experts.panel AS p ON p.lot = s.lot
     WHERE s.expert = $1
       AND s.status <> 'recused'
  ORDER BY p.formed_at DESC, s.lot
     LIMIT 200
"""


async def lots_of_expert(connection: Connection, expert: UUID) -> list[UUID]:
    """The lots on whose panels an expert sits, newest first."""
    return [row["lot"] for row in await connection.fetch(LOTS_OF_EXPERT, expert)]


SETTLE_SEAT: Final[LiteralString] = """
    UPDATE experts.seat
       SET status = $3,
           pledge = $4
     WHERE lot = $1
       AND expert = $2
       AND status = 'called'
 RETURNING expert
"""


async def settle_seat(
    connection: Connection, lot: UUID, expert: UUID, status: str, pledge: str
) -> bool:
    """Marks a called seat as pledged or recused; False when it is settled already."""
    settled = await connection.fetchval(SETTLE_SEAT, lot, expert, status, bytes.fromhex(pledge))
    return settled is not None


INSERT_BLIND_BID: Final[LiteralString] = """
    INSERT INTO experts.blind_bid (lot, code, submission)
    SELECT $1, code, submission
      FROM unnest($2::text[], $3::uuid[]) AS drawn (code, submission)
"""


async def insert_blind_bids(connection: Connection, lot: UUID, bids: Sequence[BlindBid]) -> None:
    """Writes the codes of a lot's bids."""
    await connection.execute(
        INSERT_BLIND_BID, lot, [bid.code for bid in bids], [bid.submission for bid in bids]
    )


BLIND_BIDS: Final[LiteralString] = """
    SELECT code, submission
      FROM experts.blind_bid
     WHERE lot = $1
  ORDER BY code
     LIMIT 2000
"""


async def blind_bids(connection: Connection, lot: UUID) -> list[BlindBid]:
    """The bids of a lot under their codes."""
    return [BlindBid(**dict(row)) for row in await connection.fetch(BLIND_BIDS, lot)]


DRAFT_MARKS: Final[LiteralString] = """
    SELECT code, criterion, score, passed, comment, version, saved_at
      FROM experts.draft_mark
     WHERE lot = $1
       AND expert = $2
  ORDER BY code, criterion
     LIMIT 20000
"""


async def draft_marks(connection: Connection, lot: UUID, expert: UUID) -> list[DraftMark]:
    """The saved marks of one seat."""
    return [DraftMark(**dict(row)) for row in await connection.fetch(DRAFT_MARKS, lot, expert)]


# A first saving inserts version 1; a later one must name the version it read. Either way a row
# comes back only when nobody saved in between.
SAVE_MARK: Final[LiteralString] = """
    INSERT INTO experts.draft_mark AS d (lot, expert, code, criterion, score, passed, comment,
                                         version, saved_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, 1, $9
     WHERE $8 = 0
        OR EXISTS (SELECT
                     FROM experts.draft_mark
                    WHERE lot = $1 AND expert = $2 AND code = $3 AND criterion = $4)
        ON CONFLICT (lot, expert, code, criterion) DO UPDATE
       SET score = excluded.score,
           passed = excluded.passed,
           comment = excluded.comment,
           version = d.version + 1,
           saved_at = excluded.saved_at
     WHERE d.version = $8
 RETURNING version
"""


async def save_mark(
    connection: Connection, lot: UUID, expert: UUID, mark: DraftMark, at: datetime
) -> int | None:
    """Saves one mark over the version that was read; None when there is another by now."""
    version: int | None = await connection.fetchval(
        SAVE_MARK,
        lot,
        expert,
        mark.code,
        mark.criterion,
        mark.score,
        mark.passed,
        mark.comment,
        mark.version,
        at,
    )
    return version


UNBLIND: Final[LiteralString] = """
    UPDATE experts.seat
       SET unblinded_at = $3
     WHERE lot = $1
       AND expert = $2
"""


async def unblind(connection: Connection, lot: UUID, expert: UUID, at: datetime) -> None:
    """Write when a member opened the volumes that name the bidders."""
    await connection.execute(UNBLIND, lot, expert, at)


INSERT_SCORECARD: Final[LiteralString] = """
    INSERT INTO experts.scorecard (lot, expert, sid, accepted_at)
    VALUES ($1, $2, $3, $4)
"""

INSERT_SCORES: Final[LiteralString] = """
    INSERT INTO experts.score (lot, expert, code, criterion, score, passed)
    SELECT $1, $2, code, criterion, score, passed
      FROM unnest($3::text[], $4::text[], $5::text[], $6::boolean[])
           AS sheet (code, criterion, score, passed)
"""


async def insert_scorecard(
    connection: Connection, lot: UUID, card: Card, marks: Sequence[Mark]
) -> None:
    """Writes a signed sheet and its rows; the constraint scorecard_once refuses a second."""
    await connection.execute(
        INSERT_SCORECARD, lot, card.expert, bytes.fromhex(card.sid), card.accepted_at
    )
    await connection.execute(
        INSERT_SCORES,
        lot,
        card.expert,
        [mark.code for mark in marks],
        [mark.criterion for mark in marks],
        [score_text(mark.score) for mark in marks],
        [mark.passed for mark in marks],
    )


SCORECARDS: Final[LiteralString] = """
    SELECT expert, encode(sid, 'hex') AS sid, accepted_at
      FROM experts.scorecard
     WHERE lot = $1
  ORDER BY expert
     LIMIT 500
"""


async def scorecards(connection: Connection, lot: UUID) -> dict[UUID, Card]:
    """The sheets that were handed in, by expert."""
    return {row["expert"]: Card(**dict(row)) for row in await connection.fetch(SCORECARDS, lot)}


SCORES: Final[LiteralString] = """
    SELECT expert, code, criterion, score, passed
      FROM experts.score
     WHERE lot = $1
  ORDER BY expert, code, criterion
     LIMIT 200000
"""


async def score_rows(connection: Connection, lot: UUID) -> list[Record]:
    """The rows of all sheets as they stand in the table, for the evidence."""
    return list(await connection.fetch(SCORES, lot))


INSERT_DISSENT: Final[LiteralString] = """
    INSERT INTO experts.dissent (lot, expert, sid, report, accepted_at)
    VALUES ($1, $2, $3, $4, $5)
"""


async def insert_dissent(
    connection: Connection, lot: UUID, expert: UUID, sid: str, report: str, at: datetime
) -> None:
    """Writes a member's dissent from a report."""
    await connection.execute(
        INSERT_DISSENT, lot, expert, bytes.fromhex(sid), bytes.fromhex(report), at
    )


DISSENTING: Final[LiteralString] = """
    SELECT expert
      FROM experts.dissent
     WHERE report = $1
  ORDER BY expert
     LIMIT 500
"""


async def dissenting(connection: Connection, report: str) -> list[UUID]:
    """The members who dissented from a report."""
    return [row["expert"] for row in await connection.fetch(DISSENTING, bytes.fromhex(report))]


def _panel(row: Record | None, lot: UUID) -> Panel:
    if row is None:
        raise UnknownPanel(f"no panel was drawn for lot {lot}; the agency draws the experts first")
    return Panel(**dict(row))

"""SQL of cases and their notes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from foundation.database import Connection, Record, Refusals
from supervision.cases.domain import (
    Case,
    CaseExists,
    NewNote,
    Note,
    Proposal,
    SecondPersonNeeded,
    UnknownCase,
    WrongCaseStatus,
)

REFUSALS: Final[Refusals] = {
    "case_once_a_lot": lambda: CaseExists("the clues of this lot are a case already; take it"),
    "case_moves": lambda: WrongCaseStatus("the case was moved meanwhile; load it again"),
    "case_needs_two": lambda: SecondPersonNeeded("another supervisor must confirm"),
}

INSERT_CASE: Final[LiteralString] = """
    INSERT INTO supervision.case_file (lot, opened_by, opened_at)
    VALUES ($1, $2, $3)
 RETURNING id
"""


async def insert_case(connection: Connection, lot: UUID, opened_by: UUID, at: datetime) -> UUID:
    """Open a case about a lot."""
    case: UUID = await connection.fetchval(INSERT_CASE, lot, opened_by, at)
    return case


CASE: Final[LiteralString] = """
    SELECT id, lot, status, opened_by, opened_at, handler, outcome, reason, proposed_by,
           proposed_at, confirmed_by, closed_at
      FROM supervision.case_file
     WHERE id = $1
"""

CASE_LOCKED: Final[LiteralString] = """
    SELECT id, lot, status, opened_by, opened_at, handler, outcome, reason, proposed_by,
           proposed_at, confirmed_by, closed_at
      FROM supervision.case_file
     WHERE id = $1
       FOR UPDATE
"""

CASE_OF_LOT: Final[LiteralString] = """
    SELECT id, lot, status, opened_by, opened_at, handler, outcome, reason, proposed_by,
           proposed_at, confirmed_by, closed_at
      FROM supervision.case_file
     WHERE lot = $1
"""


async def case(connection: Connection, case_id: UUID) -> Case:
    """Return a case; refuses an unknown one."""
    return _case(await connection.fetchrow(CASE, case_id), case_id)


async def case_locked(connection: Connection, case_id: UUID) -> Case:
    """Return a case and hold its row; refuses an unknown one."""
    return _case(await connection.fetchrow(CASE_LOCKED, case_id), case_id)


async def case_of_lot(connection: Connection, lot: UUID) -> Case | None:
    """Return the case about a lot, or None."""
    row = await connection.fetchrow(CASE_OF_LOT, lot)
    return None if row is None else _case(row, lot)


CASES_OF_LOTS: Final[LiteralString] = """
    SELECT id, lot, status, opened_by, opened_at, handler, outcome, reason, proposed_by,
           proposed_at, confirmed_by, closed_at
      FROM supervision.case_file
     WHERE lot = ANY ($1::uuid[])
  ORDER BY opened_at, id
     LIMIT 500
"""


async def cases_of_lots(connection: Connection, lots: Sequence[UUID]) -> Mapping[UUID, Case]:
    """Return the cases about these lots."""
    rows = await connection.fetch(CASES_OF_LOTS, list(lots))
    return {row["lot"]: _case(row, row["id"]) for row in rows}


TAKE_CASE: Final[LiteralString] = """
    UPDATE supervision.case_file
       SET status = $3,
           handler = $4
     WHERE id = $1
       AND status = $2
 RETURNING id
"""

PROPOSE_OUTCOME: Final[LiteralString] = """
    UPDATE supervision.case_file
       SET status = $3,
           outcome = $4,
           reason = $5,
           proposed_by = $6,
           proposed_at = $7
     WHERE id = $1
       AND status = $2
 RETURNING id
"""

RETURN_CASE: Final[LiteralString] = """
    UPDATE supervision.case_file
       SET status = $3,
           outcome = NULL,
           reason = NULL,
           proposed_by = NULL,
           proposed_at = NULL
     WHERE id = $1
       AND status = $2
 RETURNING id
"""

CLOSE_CASE: Final[LiteralString] = """
    UPDATE supervision.case_file
       SET status = $3,
           confirmed_by = $4,
           closed_at = $5
     WHERE id = $1
       AND status = $2
 RETURNING id
"""


async def take_case(connection: Connection, held: Case, after: str, handler: UUID) -> None:
    """Give a case to its handler."""
    _moved(await connection.fetchrow(TAKE_CASE, held.id, held.status, after, handler))


async def propose_outcome(
    connection: Connection, held: Case, after: str, proposal: Proposal
) -> None:
    """Write down a proposed outcome."""
    row = await connection.fetchrow(
        PROPOSE_OUTCOME,
        held.id,
        held.status,
        after,
        proposal.outcome,
        proposal.reason,
        proposal.by,
        proposal.at,
    )
    _moved(row)


async def return_case(connection: Connection, held: Case, after: str) -> None:
    """Send a proposed case back to its handler; the proposal stays in the ledger."""
    _moved(await connection.fetchrow(RETURN_CASE, held.id, held.status, after))


async def close_case(
    connection: Connection, held: Case, after: str, confirmed_by: UUID, at: datetime
) -> None:
    """Close a case as it was proposed."""
    row = await connection.fetchrow(CLOSE_CASE, held.id, held.status, after, confirmed_by, at)
    _moved(row)


def _moved(row: Record | None) -> None:
    if row is None:
        raise WrongCaseStatus("the case was moved meanwhile; load it again")


INSERT_NOTE: Final[LiteralString] = """
    INSERT INTO supervision.case_note (case_file, finding, choice, text, author, noted_at)
    VALUES ($1, $2, $3, $4, $5, $6)
 RETURNING id
"""


async def insert_note(connection: Connection, case_id: UUID, note: NewNote) -> UUID:
    """Keep a note."""
    kept: UUID = await connection.fetchval(
        INSERT_NOTE, case_id, note.finding, note.choice, note.text, note.author, note.at
    )
    return kept


NOTES: Final[LiteralString] = """
    SELECT n.id, n.finding, n.choice, n.text, n.author, a.name AS author_name, n.noted_at
      FROM supervision.case_note AS n
      JOIN foundation.actor AS a ON a.id = n.author
     WHERE n.case_file = $1
  ORDER BY n.noted_at, n.id
     LIMIT 1000
"""


async def notes(connection: Connection, case_id: UUID) -> list[Note]:
    """Return the notes of a case, oldest first."""
    return [Note(**dict(row)) for row in await connection.fetch(NOTES, case_id)]


def _case(row: Record | None, asked: UUID) -> Case:
    if row is None:
        raise UnknownCase(f"there is no case {asked}; look at the list of clues")
    return Case(**dict(row))


ACTOR_NAMES: Final[LiteralString] = """
    SELECT id, name
      FROM foundation.actor
     WHERE id = ANY ($1::uuid[])
  ORDER BY id
     LIMIT 100
"""


async def actor_names(connection: Connection, actors: Sequence[UUID]) -> Mapping[UUID, str]:
    """Return the names of people and organisations."""
    rows = await connection.fetch(ACTOR_NAMES, list(actors))
    return {row["id"]: row["name"] for row in rows}

"""SQL of plans, tenders, lots, member keys and tender documents."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, LiteralString
from uuid import UUID

from bidding.tender.domain import (
    Document,
    DocumentNameTaken,
    Lot,
    LotDraft,
    LotId,
    MemberKeyTaken,
    Parties,
    Question,
    TenderDraft,
    TenderId,
    TenderNumberTaken,
    UnknownLot,
    UnknownTender,
    WrongStatus,
)
from foundation.database import Connection, Record
from foundation.problems import Refused

CONSTRAINTS: Final[Mapping[str, type[Refused]]] = {
    "lot_moves": WrongStatus,
    "document_lot_name_key": DocumentNameTaken,
    "tender_number_key": TenderNumberTaken,
    "member_key_sign_kid_key": MemberKeyTaken,
}

INSERT_TENDER: Final[LiteralString] = """
    INSERT INTO bidding.tender (
           number, plan, title, regime, region, category, summary, buyer_uscc, buyer_name,
           agency_uscc, agency_name, supervisor_uscc, supervisor_name, host_uscc, host_name,
           drafted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
 RETURNING id
"""


async def insert_tender(
    connection: Connection, draft: TenderDraft, drafted_at: datetime
) -> TenderId:
    """Write a drafted tender and return its id."""
    parties = draft.parties
    return TenderId(
        await connection.fetchval(
            INSERT_TENDER,
            draft.number,
            draft.plan,
            draft.title,
            draft.regime,
            draft.region,
            draft.category,
            draft.summary,
            parties.buyer_uscc,
            parties.buyer_name,
            parties.agency_uscc,
            parties.agency_name,
            parties.supervisor_uscc,
            parties.supervisor_name,
            parties.host_uscc,
            parties.host_name,
            drafted_at,
        )
    )


INSERT_LOT: Final[LiteralString] = """
    INSERT INTO bidding.lot (
           tender, number, title, ceiling_price_yuan, duration_days, facts, method,
           method_sha256, volumes, minimum_bidders, standstill_days, award_separated, suite)
    VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9, $10, $11, $12, $13)
 RETURNING id
"""


async def insert_lot(
    connection: Connection, tender: TenderId, number: int, draft: LotDraft, method_sha256: str
) -> LotId:
    """Write a drafted lot and return its id."""
    return LotId(
        await connection.fetchval(
            INSERT_LOT,
            tender,
            number,
            draft.title,
            draft.ceiling_price_yuan,
            draft.duration_days,
            json.dumps(dict(draft.facts), ensure_ascii=False),
            json.dumps(dict(draft.method), ensure_ascii=False),
            method_sha256,
            sorted(draft.volumes),
            draft.minimum_bidders,
            draft.standstill_days,
            draft.award_separated,
            draft.suite,
        )
    )


LOT: Final[LiteralString] = """
    SELECT l.id, l.tender, l.number, l.title, l.round, l.lock_key, l.status,
           l.ceiling_price_yuan, l.duration_days, l.facts, l.method, l.method_sha256, l.volumes,
           l.minimum_bidders, l.standstill_days, l.award_separated, l.suite, l.issued_on,
           l.deadline_at, encode(l.opening_keys, 'hex') AS opening_keys,
           encode(l.schedule, 'hex') AS schedule,
           l.access_key, l.published_at, l.closed_at,
           t.number AS tender_number, t.title AS tender_title, t.regime, t.region, t.category,
           t.summary, t.buyer_uscc, t.buyer_name, t.agency_uscc, t.agency_name,
           t.supervisor_uscc, t.supervisor_name, t.host_uscc, t.host_name
      FROM bidding.lot AS l
      JOIN bidding.tender AS t ON t.id = l.tender
     WHERE l.id = $1
"""


async def lot(connection: Connection, lot_id: UUID) -> Lot:
    """Return a lot with its tender's facts; refuses an unknown id."""
    row = await connection.fetchrow(LOT, lot_id)
    if row is None:
        raise UnknownLot(f"no lot {lot_id}")
    return _lot(row)


# Exclusive against everybody who hands in a bid or releases a value: they hold it shared.
LOT_EXCLUSIVE: Final[LiteralString] = """
    SELECT pg_advisory_xact_lock(lock_key)
      FROM bidding.lot
     WHERE id = $1
"""

LOT_SHARED: Final[LiteralString] = """
    SELECT pg_advisory_xact_lock_shared(lock_key)
      FROM bidding.lot
     WHERE id = $1
"""


async def lot_exclusive(connection: Connection, lot_id: UUID) -> Lot:
    """Take the lot's exclusive lock, then read the lot in a new statement."""
    await connection.execute(LOT_EXCLUSIVE, lot_id)
    return await lot(connection, lot_id)


async def lot_shared(connection: Connection, lot_id: UUID) -> Lot:
    """Take the lot's shared lock, then read the lot in a new statement."""
    await connection.execute(LOT_SHARED, lot_id)
    return await lot(connection, lot_id)


LOTS_OF_TENDER: Final[LiteralString] = """
    SELECT id
      FROM bidding.lot
     WHERE tender = $1
  ORDER BY number, round
     LIMIT 500
"""


async def lots_of_tender(connection: Connection, tender: UUID) -> list[Lot]:
    """Return the lots of a tender in order; refuses a tender without any."""
    rows = await connection.fetch(LOTS_OF_TENDER, tender)
    if not rows:
        raise UnknownTender(f"no tender {tender}")
    return [await lot(connection, row["id"]) for row in rows]


# An empty query matches everything; lots in draft are nobody's business but the agency's.
PUBLISHED_LOTS: Final[LiteralString] = """
    SELECT l.id
      FROM bidding.lot AS l
      JOIN bidding.tender AS t ON t.id = l.tender
     WHERE l.published_at IS NOT NULL
       AND ($1::text IS NULL
            OR position(lower($1) IN lower(t.title || ' ' || l.title || ' ' || t.number
                                           || ' ' || t.region || ' ' || t.buyer_name)) > 0)
       AND ($2::text IS NULL OR l.status = $2)
  ORDER BY l.published_at DESC, l.id
     LIMIT $3
"""


async def published_lots(
    connection: Connection, query: str | None, status: str | None, limit: int = 50
) -> list[Lot]:
    """Return published lots whose words contain the query, newest first."""
    rows = await connection.fetch(PUBLISHED_LOTS, query, status, limit)
    return [await lot(connection, row["id"]) for row in rows]


LOTS_OF_AGENCY: Final[LiteralString] = """
    SELECT l.id
      FROM bidding.lot AS l
      JOIN bidding.tender AS t ON t.id = l.tender
     WHERE $1 IN (t.agency_uscc, t.buyer_uscc, t.supervisor_uscc, t.host_uscc)
  ORDER BY t.drafted_at DESC, l.number, l.id
     LIMIT 200
"""


async def lots_of_party(connection: Connection, uscc: str) -> list[Lot]:
    """Return the lots in which an organisation is buyer, agency, supervisor or host."""
    rows = await connection.fetch(LOTS_OF_AGENCY, uscc)
    return [await lot(connection, row["id"]) for row in rows]


LOTS_DUE: Final[LiteralString] = """
    SELECT id
      FROM bidding.lot
     WHERE status = 'published'
       AND deadline_at <= (SELECT foundation.platform_now())
  ORDER BY deadline_at, id
     LIMIT 100
"""

LOTS_IN_STATUS: Final[LiteralString] = """
    SELECT id
      FROM bidding.lot
     WHERE status = ANY ($1::text[])
  ORDER BY deadline_at, id
     LIMIT 1000
"""


async def lots_due(connection: Connection) -> list[UUID]:
    """Return the lots whose deadline has passed and that are not closed yet."""
    return [row["id"] for row in await connection.fetch(LOTS_DUE)]


async def lots_in_status(connection: Connection, *statuses: str) -> list[UUID]:
    """Return the lots in one of these states, earliest deadline first."""
    return [row["id"] for row in await connection.fetch(LOTS_IN_STATUS, list(statuses))]


MOVE_LOT: Final[LiteralString] = """
    UPDATE bidding.lot
       SET status = $3
     WHERE id = $1
       AND status = $2
 RETURNING id
"""


async def move_lot(connection: Connection, held: Lot, after: str) -> None:
    """Move a lot from the status it was read in; refuses if somebody else moved it meanwhile."""
    if await connection.fetchval(MOVE_LOT, held.id, held.status, after) is None:
        raise WrongStatus(f"the lot is no longer {held.status}")


SET_NOTICE: Final[LiteralString] = """
    UPDATE bidding.lot
       SET issued_on = $2,
           deadline_at = $3
     WHERE id = $1
       AND status = 'drafted'
 RETURNING id
"""


async def set_notice(
    connection: Connection, held: Lot, issued_on: date, deadline_at: datetime
) -> None:
    """Write the dates of a notice that was checked; only while the lot is a draft."""
    if await connection.fetchval(SET_NOTICE, held.id, issued_on, deadline_at) is None:
        raise WrongStatus(f"the dates of a lot that is {held.status} cannot be set")


SET_OPENING_KEYS: Final[LiteralString] = """
    UPDATE bidding.lot
       SET opening_keys = $2
     WHERE id = $1
"""


async def set_opening_keys(connection: Connection, lot_id: UUID, sid: str) -> None:
    """Put opening keys in force."""
    await connection.execute(SET_OPENING_KEYS, lot_id, bytes.fromhex(sid))


SET_SCHEDULE: Final[LiteralString] = """
    UPDATE bidding.lot
       SET schedule = $2,
           deadline_at = $3
     WHERE id = $1
"""


async def set_schedule(
    connection: Connection, lot_id: UUID, sid: str, deadline_at: datetime
) -> None:
    """Put a schedule in force."""
    await connection.execute(SET_SCHEDULE, lot_id, bytes.fromhex(sid), deadline_at)


PUBLISH_LOT: Final[LiteralString] = """
    UPDATE bidding.lot
       SET published_at = $2,
           access_key = $3
     WHERE id = $1
"""


async def set_published(
    connection: Connection, lot_id: UUID, at: datetime, access_key: bytes
) -> None:
    """Write when the lot was published and the key to which its acts are sealed."""
    await connection.execute(PUBLISH_LOT, lot_id, at, access_key)


INSERT_DOCUMENT: Final[LiteralString] = """
    INSERT INTO bidding.document (id, lot, name, sha256, size, added_at)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


async def insert_document(connection: Connection, document: Document) -> None:
    """Write one file of the tender document."""
    await connection.execute(
        INSERT_DOCUMENT,
        document.id,
        document.lot,
        document.name,
        document.sha256,
        document.size,
        document.added_at,
    )


DOCUMENTS: Final[LiteralString] = """
    SELECT id, lot, name, sha256, size, added_at
      FROM bidding.document
     WHERE lot = $1
  ORDER BY name
     LIMIT 500
"""


async def documents(connection: Connection, lot_id: UUID) -> list[Document]:
    """Return the files of the tender document by name."""
    return [Document(**dict(row)) for row in await connection.fetch(DOCUMENTS, lot_id)]


INSERT_DRILL: Final[LiteralString] = """
    INSERT INTO bidding.readiness
           (opening_keys, group_letter, seat_index, nonce, asked_at, expected, wrap)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def insert_drill(connection: Connection, question: Question, asked_at: datetime) -> None:
    """Write a drill's question to one seat, with the answer to expect."""
    await connection.execute(
        INSERT_DRILL,
        bytes.fromhex(question.opening_keys),
        question.group,
        question.i,
        question.nonce,
        asked_at,
        question.expected,
        question.wrap,
    )


DRILLS: Final[LiteralString] = """
    SELECT encode(opening_keys, 'hex') AS opening_keys, group_letter, seat_index, nonce, expected,
           wrap, asked_at, answered_at, passed
      FROM bidding.readiness
     WHERE opening_keys = $1
  ORDER BY asked_at DESC, group_letter, seat_index
     LIMIT 500
"""


async def drills(connection: Connection, opening_keys: str) -> list[Question]:
    """Return the drills of opening keys, the newest first."""
    return [
        Question(
            opening_keys=row["opening_keys"],
            group=row["group_letter"],
            i=row["seat_index"],
            nonce=row["nonce"],
            expected=row["expected"],
            wrap=row["wrap"],
            passed=row["passed"],
        )
        for row in await connection.fetch(DRILLS, bytes.fromhex(opening_keys))
    ]


ANSWER_DRILL: Final[LiteralString] = """
    UPDATE bidding.readiness
       SET answered_at = $5,
           passed = (expected = $6)
     WHERE opening_keys = $1
       AND group_letter = $2
       AND seat_index = $3
       AND nonce = $4
       AND answered_at IS NULL
 RETURNING passed
"""


async def answer_drill(
    connection: Connection, question: Question, answer: str, at: datetime
) -> bool | None:
    """Write a member's answer; return whether it is right, None when nothing was asked."""
    passed: bool | None = await connection.fetchval(
        ANSWER_DRILL,
        bytes.fromhex(question.opening_keys),
        question.group,
        question.i,
        question.nonce,
        at,
        answer,
    )
    return passed


def _lot(row: Record) -> Lot:
    return Lot(
        id=LotId(row["id"]),
        tender=TenderId(row["tender"]),
        tender_number=row["tender_number"],
        tender_title=row["tender_title"],
        regime=row["regime"],
        region=row["region"],
        category=row["category"],
        summary=row["summary"],
        parties=Parties(
            buyer_uscc=row["buyer_uscc"],
            buyer_name=row["buyer_name"],
            agency_uscc=row["agency_uscc"],
            agency_name=row["agency_name"],
            supervisor_uscc=row["supervisor_uscc"],
            supervisor_name=row["supervisor_name"],
            host_uscc=row["host_uscc"],
            host_name=row["host_name"],
        ),
        number=row["number"],
        title=row["title"],
        round=row["round"],
        lock_key=row["lock_key"],
        status=row["status"],
        ceiling_price_yuan=row["ceiling_price_yuan"],
        duration_days=row["duration_days"],
        facts=json.loads(row["facts"]),
        method=json.loads(row["method"]),
        method_sha256=row["method_sha256"],
        volumes=tuple(row["volumes"]),
        minimum_bidders=row["minimum_bidders"],
        standstill_days=row["standstill_days"],
        award_separated=row["award_separated"],
        suite=row["suite"],
        issued_on=row["issued_on"],
        deadline_at=row["deadline_at"],
        opening_keys=row["opening_keys"],
        schedule=row["schedule"],
        access_key=row["access_key"],
        published_at=row["published_at"],
        closed_at=row["closed_at"],
    )

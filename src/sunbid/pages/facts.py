"""Reads that only pages need: when a lot passed its stages, what its report and award say."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bidding.award import store as award_store
from bidding.award.domain import ReportMissing
from bidding.opening.results import result_store
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, UnknownLot
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading
from foundation.statements.store import Kept, kept_statements
from sunbid.pages.award import Evaluated
from sunbid.pages.lifecycle import LotTimes

MILESTONES: Final = ("opening-record", "evaluation-report", "award")
PUBLISHED_RESULT: Final = frozenset({"standstill", "awarded", "contracted"})


async def read_now(db: Database) -> datetime:
    """The platform's time for a page."""
    async with reading(db, "foundation") as connection:
        return await platform_now(connection)


async def lot_times(db: Database, lot: Lot) -> tuple[LotTimes, datetime]:
    """When a lot passed its public stages, and the time now."""
    async with reading(db, "bidding") as connection:
        now = await platform_now(connection)
        if lot.closed_at is None:
            return LotTimes(), now
        latest = await last_of_each(connection, lot.id)
        standstill = await award_store.standstill_of(connection, lot.id)
    return (
        LotTimes(
            opened_at=accepted(latest.get("opening-record")),
            evaluated_at=accepted(latest.get("evaluation-report")),
            standstill_starts_at=None if standstill is None else standstill.starts_at,
            standstill_ends_at=None if standstill is None else standstill.ends_at,
            awarded_at=accepted(latest.get("award")),
        ),
        now,
    )


async def last_of_each(connection: Connection, lot: UUID) -> dict[str, Kept]:
    """The last statement of each milestone."""
    kept = await kept_statements(connection, lot, MILESTONES)
    return {one.statement.type: one for one in kept}


def accepted(kept: Kept | None) -> datetime | None:
    """When a statement was accepted."""
    return None if kept is None else kept.accepted_at


async def evaluated(db: Database, lot_id: UUID) -> Evaluated:
    """The published result of a lot; refuses one whose candidates are not announced yet."""
    async with reading(db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        if lot.published_at is None:
            raise UnknownLot(f"no lot {lot_id}")
        if lot.status not in PUBLISHED_RESULT:
            raise ReportMissing(f"lot {lot_id} is {lot.status}; its candidates are not announced")
        latest = await last_of_each(connection, lot_id)
        report, award = latest["evaluation-report"], latest.get("award")
        standstill = await award_store.standstill_of(connection, lot_id)
        bids = await result_store.opened_bids(connection, lot_id)
        now = await platform_now(connection)
    body: dict[str, Any] | None = None if award is None else dict(award.statement.body)
    return Evaluated(
        lot=lot,
        report_sid=report.statement.sid,
        report=report.statement.body,
        names={str(bid.submission): (bid.name, bid.uscc) for bid in bids},
        starts_at=None if standstill is None else standstill.starts_at,
        ends_at=None if standstill is None else standstill.ends_at,
        now=now,
        award=body,
        award_sid=None if award is None else award.statement.sid,
    )

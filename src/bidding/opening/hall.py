"""What the opening hall shows: everything of an opening that is public at its present phase."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bidding.bid.checks import keys_in_force
from bidding.opening import list_store, share_store, store
from bidding.opening.domain import (
    DONE,
    PHASE4,
    RECORD,
    Checked,
    Listed,
    OpenedBid,
    Opening,
    Result,
    Share,
    Thresholds,
    silent_members,
)
from bidding.opening.oversight.answers import answers
from bidding.opening.results import result_store
from bidding.opening.results.record import waiting_record
from bidding.opening.steps import standing_of, thresholds
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, UnknownLot
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading
from foundation.statements.signed import Statement
from foundation.statements.store import Kept, Paper, kept_statements

# What is told to everybody as it happens; share checks and releases name a seat, never a price.
TOLD: Final = (
    "closing",
    "not-opened",
    "stage",
    "opening-step",
    "share-check",
    "release-ack",
    "remedy-start",
    "release-r",
    "release-t",
    "cure",
    "supervisor-decision",
    "objection",
    "opening-record",
)
NAMES_ARE_OPEN: Final = frozenset({PHASE4, RECORD, DONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class HallFacts:
    """An opening as the public may see it now; bids and their names only from phase 4 on."""

    lot: Lot
    opening: Opening | None
    listed: Sequence[Listed]
    shares: Sequence[Share]
    checks: Sequence[Checked]
    results: Sequence[Result]
    bids: Sequence[OpenedBid]
    needed: Thresholds | None
    told: Sequence[Kept]
    # Answers to objections, newest first.
    answers: Sequence[Statement]
    # The record that waits for signatures, once there is one.
    record: Paper | None
    # Group and seat of those for whom a suspended opening waits.
    silent: Sequence[tuple[str, int]]
    now: datetime


async def hall_facts(db: Database, lot_id: UUID) -> HallFacts:
    """Return what the hall shows; refuses a lot that is not published."""
    async with reading(db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        if lot.published_at is None:
            raise UnknownLot(f"no lot {lot_id}")
        opening = await store.find_opening(connection, lot_id)
        is_listed = opening is not None and opening.closing is not None
        is_open = opening is not None and names_are_open(opening)
        now = await platform_now(connection)
        return HallFacts(
            lot=lot,
            opening=opening,
            listed=await list_store.listed(connection, lot_id) if is_listed else [],
            shares=await share_store.shares(connection, lot_id) if is_listed else [],
            checks=await share_store.checks(connection, lot_id) if is_listed else [],
            results=await result_store.results(connection, lot_id) if is_open else [],
            bids=await result_store.every_opened_bid(connection, lot_id) if is_open else [],
            needed=thresholds(await keys_in_force(connection, lot)) if is_listed else None,
            told=await kept_statements(connection, lot_id, TOLD) if is_listed else [],
            answers=await answers(connection, lot_id) if is_listed else [],
            record=await waiting_record(connection, opening),
            silent=await _silent(connection, lot, opening, now),
            now=now,
        )


def names_are_open(opening: Opening) -> bool:
    """Say whether names and prices may be shown: from phase 4 of stage 1 on (sealing.md 9.3)."""
    return opening.stage > 1 or opening.phase in NAMES_ARE_OPEN


async def _silent(
    connection: Connection, lot: Lot, opening: Opening | None, now: datetime
) -> list[tuple[str, int]]:
    if opening is None or opening.suspended_at is None:
        return []
    keys = await keys_in_force(connection, lot)
    return silent_members(await standing_of(connection, lot, opening, keys, now))


async def hall_mark(db: Database, lot_id: UUID) -> str:
    """Return a mark that changes with each thing told in the hall, and with nothing else."""
    async with reading(db, "bidding") as connection:
        opening = await store.find_opening(connection, lot_id)
        told = await store.told_so_far(connection, lot_id, (*TOLD, "event"))
        is_listed = opening is not None and opening.closing is not None
        # Before the closing nothing that depends on acts may be seen from outside (sealing.md 14).
        phase = (
            None
            if opening is None
            else (
                opening.stage,
                opening.phase,
                opening.closing,
                opening.record,
            )
        )
        return repr((phase, told if is_listed else None))

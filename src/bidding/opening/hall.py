"""What the opening hall shows: everything of an opening that is public at its present phase."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.checks import keys_in_force
from bidding.opening import list_store, share_store, store
from bidding.opening.domain import (
    CLOSED,
    DONE,
    PHASE4,
    RECORD,
    TERMINATED,
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
from bidding.opening.results.stages import plan_in_force
from bidding.opening.steps import begun_is_signed, standing_of, thresholds
from bidding.tender import store as tender_store
from bidding.tender.domain import OPENING, Lot, UnknownLot
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading
from foundation.statements.canonical import parse_time
from foundation.statements.signed import Statement, read
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
# A later stage has an hour of its own, for which the hall waits.
BETWEEN: Final = frozenset({CLOSED, DONE})
# So long that two states do not share a mark by chance.
MARK_LENGTH: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A bidder whose name was read."""

    uscc: str
    name: str


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
    # Who stands behind each submission, opened or not, once names are read.
    bidders: Mapping[UUID, Named] = field(default_factory=dict)
    # When the later stage opens for which the hall waits, where its hour is known.
    opens_at: datetime | None = None

    @property
    def staged(self) -> list[Listed]:
        """The envelopes of the stage that runs, or ran last."""
        stage = None if self.opening is None else self.opening.stage
        return [one for one in self.listed if one.stage == stage]

    @property
    def staged_results(self) -> list[Result]:
        """What came out of them so far."""
        trees = {one.tree for one in self.staged}
        return [one for one in self.results if one.tree in trees]


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
            bidders=await _bidders(connection, lot) if _names_are_read(opening) else {},
            opens_at=await _opens_at(connection, lot, opening),
        )


def names_are_open(opening: Opening) -> bool:
    """Say whether names and prices may be shown: from phase 4 of stage 1 on (sealing.md 9.3)."""
    return opening.stage > 1 or opening.phase in NAMES_ARE_OPEN


def _names_are_read(opening: Opening | None) -> bool:
    """An end before names were read keeps them closed."""
    if opening is None or not names_are_open(opening):
        return False
    return opening.stage > 1 or opening.decided != TERMINATED


async def _bidders(connection: Connection, lot: Lot) -> dict[UUID, Named]:
    listed = {one.act for one in await list_store.listed(connection, lot.id)}
    named = {}
    for act in await bid_store.acts_of_lot(connection, lot.id, lot.round):
        if act.sid in listed and act.statement is not None:
            bidder = read(act.statement).body["bidder"]
            named[act.submission] = Named(uscc=bidder["uscc"], name=bidder["name"])
    return named


async def _opens_at(connection: Connection, lot: Lot, opening: Opening | None) -> datetime | None:
    if opening is None or opening.phase not in BETWEEN or lot.status != OPENING:
        return None
    waited = opening.stage + (opening.phase == DONE)
    if waited == 1 or lot.schedule is None:
        return None
    stages = (await plan_in_force(connection, lot)).stages
    hour = next((one.opens_at for one in stages if one.stage == waited), None)
    return None if hour is None else parse_time(hour)


async def _silent(
    connection: Connection, lot: Lot, opening: Opening | None, now: datetime
) -> list[tuple[str, int]]:
    if opening is None or opening.suspended_at is None:
        return []
    keys = await keys_in_force(connection, lot)
    return silent_members(await standing_of(connection, lot, opening, keys, now))


async def hall_mark(db: Database, lot_id: UUID) -> str:
    """Return a mark that changes with all that hall and console show, and with nothing else.

    Before the closing nothing that depends on acts may be seen from outside (sealing.md 14).
    """
    async with reading(db, "bidding") as connection:
        opening = await store.find_opening(connection, lot_id)
        if opening is None:
            return _mark(None)
        stands = (opening.stage, opening.phase, opening.closing, opening.record)
        if opening.closing is None:
            return _mark(stands)
        return _mark((stands, await _goes_on(connection, opening)))


def _mark(of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()[:MARK_LENGTH]


async def _goes_on(connection: Connection, opening: Opening) -> tuple[object, ...]:
    """What changes while a phase lasts: what is told, signed, read back, and which time is over."""
    lot_id, now = opening.lot, await platform_now(connection)
    unread, damaged, again_until = await list_store.files_so_far(connection, lot_id)
    is_begun = opening.phase == CLOSED and await begun_is_signed(connection, opening)
    hour = None
    if opening.phase in BETWEEN:
        hour = await _opens_at(connection, await tender_store.lot(connection, lot_id), opening)
    ends = (opening.phase_until, again_until, hour)
    return (
        await store.told_so_far(connection, lot_id, (*TOLD, "event")),
        await store.signed_so_far(connection, lot_id),
        (unread, damaged, is_begun),
        [one is not None and now >= one for one in ends],
    )

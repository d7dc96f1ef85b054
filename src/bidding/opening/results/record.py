"""The record of a stage: what was opened and how, signed by platform, host and supervisor.

Bidders have a while to object and may co-sign; an objection makes another record (9.1 phase 5).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.desk import Desk
from bidding.bid.domain import Act
from bidding.opening import list_store, store
from bidding.opening.domain import (
    RECORD,
    TERMINATED,
    Listed,
    Opening,
    WindowOpen,
    WrongPhase,
    require_phase,
)
from bidding.opening.results import stage_store
from bidding.opening.results.stages import plan_in_force
from bidding.opening.taken import keep_public
from bidding.sealing.bodies import OpeningRecord
from bidding.sealing.unseal import Outcome
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, next_status
from foundation.clock import platform_now
from foundation.database import Connection
from foundation.statements.canonical import b64
from foundation.statements.signed import Statement, decode_body, read, sign, unsigned
from foundation.statements.store import (
    Paper,
    Required,
    kept_statements,
    offer_paper,
    paper,
    papers_of_scope,
    withdraw_paper,
)

# How long bidders may object before the record is signed, in platform time.
TO_OBJECT: Final = timedelta(minutes=15)
OPENING_RECORD: Final = "opening-record"


async def offer_record(
    connection: Connection,
    desk: Desk,
    lot: Lot,
    opening: Opening,
    rows: Sequence[Mapping[str, Any]],
    aloud: Mapping[UUID, Mapping[str, Any]],
) -> None:
    """Offer the record of the stage that runs to host, supervisor and bidders.

    What the supervisor ended names nobody: there is no price to object to, and names stay closed.
    """
    now = await platform_now(connection)
    body = {
        "v": 1,
        "closing": opening.closing,
        "stage": opening.stage,
        "results": list(rows),
        "items": [{"submission": str(s), "items": aloud[s]} for s in sorted(aloud, key=str)],
        "objections": await _objections(connection, opening),
    }
    await _offer(connection, desk, lot, opening, body)
    until = None if opening.decided == TERMINATED else now + TO_OBJECT
    await store.set_phase(connection, opening, RECORD, now, until)


async def renew_record(connection: Connection, desk: Desk, lot: Lot, opening: Opening) -> None:
    """Offer a record with the objection that was just kept, in place of the one that waits."""
    now = await platform_now(connection)
    held = (await papers_of_scope(connection, lot.id, OPENING_RECORD))[-1]
    await withdraw_paper(connection, held.statement.sid, now)
    body = {**held.statement.body, "objections": await _objections(connection, opening)}
    await _offer(connection, desk, lot, opening, body)


async def waiting_record(connection: Connection, opening: Opening | None) -> Paper | None:
    """The record that is offered for signature in the running stage, or None."""
    if opening is None or opening.phase != RECORD:
        return None
    offered = await papers_of_scope(connection, opening.lot, OPENING_RECORD)
    return next((one for one in reversed(offered) if one.completed_at is None), None)


async def require_objectable(connection: Connection, opening: Opening) -> None:
    """Refuse an objection once the time for it is over."""
    until = opening.phase_until
    is_over = until is None or await platform_now(connection) >= until
    if opening.phase == RECORD and is_over:
        raise WrongPhase("the time to object is over; the record is being signed")


async def bidders_of_list(connection: Connection, lot: Lot) -> set[str]:
    """The companies whose bids the closing lists; their names are open from phase 1 on."""
    listed = {one.act for one in await list_store.listed(connection, lot.id)}
    acts = await bid_store.acts_of_lot(connection, lot.id, lot.round)
    return {
        read(act.statement).body["bidder"]["uscc"]
        for act in acts
        if act.sid in listed and act.statement is not None
    }


async def _objections(connection: Connection, opening: Opening) -> list[str]:
    kept = await kept_statements(connection, opening.lot, ["objection"])
    return sorted(o.statement.sid for o in kept if o.statement.body["stage"] == opening.stage)


async def _offer(
    connection: Connection, desk: Desk, lot: Lot, opening: Opening, body: Mapping[str, Any]
) -> None:
    statement = sign(unsigned(OPENING_RECORD, body), desk.platform_for(lot.suite))
    decode_body(statement, OpeningRecord)
    names_open = opening.decided != TERMINATED
    bidders = await bidders_of_list(connection, lot) if names_open else set()
    required = [
        Required(role="trading-centre", subject=lot.parties.host_uscc),
        Required(role="supervisor", subject=lot.parties.supervisor_uscc),
        *(Required(role="bidder", subject=uscc, optional=True) for uscc in sorted(bidders)),
    ]
    at = await platform_now(connection)
    await offer_paper(connection, statement, required, scope=lot.id, at=at)


def record_row(one: Listed, outcome: Outcome, act: Act) -> dict[str, Any]:
    """Return the line of one envelope in the record."""
    return {
        "submission": str(one.submission),
        "tree": one.tree,
        "volume": one.volume,
        "code": outcome.code,
        "fault": outcome.fault,
        "b_from": outcome.b_from,
        "deal_wrong": [{"group": w.group, "i": w.i} for w in outcome.deal_wrong],
        "T": None if outcome.t is None else b64(outcome.t),
        "B": None if outcome.b is None else b64(outcome.b),
        "plain_sha256": outcome.plain_sha256,
        "licence_status": act.licence_status or "unknown",
    }


async def accept_opening_record(connection: Connection, statement: Statement) -> None:
    """Take the record that platform, host and supervisor signed: the stage is over.

    With the last stage of the schedule the opening is, too.
    """
    lot_id = await store.lot_of_closing(connection, statement.body["closing"])
    lot = await tender_store.lot_exclusive(connection, lot_id)
    opening = await store.opening(connection, lot_id)
    require_phase(opening, RECORD)
    now = await platform_now(connection)
    if opening.phase_until is not None and now < opening.phase_until:
        await _require_all_content(connection, statement, opening)
    await keep_public(connection, lot, statement, now)
    await stage_store.set_record(connection, opening, statement.sid, now)
    is_last = opening.stage == (await plan_in_force(connection, lot)).stages[-1].stage
    if is_last and opening.decided != TERMINATED:
        await tender_store.move_lot(connection, lot, next_status(lot.status, "record"))


async def _require_all_content(
    connection: Connection, statement: Statement, opening: Opening
) -> None:
    """Refuse a record before the time to object is over, unless every bidder co-signed it."""
    waiting = (await paper(connection, statement.sid)).waiting
    missing = [w for w in waiting if w.required.optional and w.signed_at is None]
    if missing:
        raise WindowOpen(
            f"{len(missing)} bidders may still object to the record or co-sign it until "
            f"{opening.phase_until:%Y-%m-%d %H:%M:%S} UTC; sign it then"
        )

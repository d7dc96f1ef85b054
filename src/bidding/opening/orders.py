"""What the supervisor decides beside a suspension: outages, a late closing, the end of a lot.

An end takes two persons: one proposes it, with a cause, and the supervisor signs what somebody
else proposed. It is possible until custodians may release, while no price can be known (9.1, P2).
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.opening import outages, store
from bidding.opening.decisions import DecisionOutdated, ask_decision, plain_text
from bidding.opening.decisions import accept_decision as accept_on_suspension
from bidding.opening.domain import (
    CLOSED,
    PHASE1,
    PHASE2,
    STOPPED,
    TERMINATED,
    Opening,
    WrongPhase,
    require_not_ended,
)
from bidding.opening.taken import keep_public
from bidding.sealing.bodies import SupervisorDecision
from bidding.tender import store as tender_store
from bidding.tender.domain import CLOSED as LOT_CLOSED
from bidding.tender.domain import CUT, OPENING, PUBLISHED, Lot, next_status
from bidding.tender.service import is_party
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.identity import Actor, require
from foundation.problems import Invalid, NotAllowed
from foundation.statements.canonical import parse_time, time_text
from foundation.statements.signed import Statement, decode_body, unsigned
from foundation.statements.store import (
    Required,
    kept_events,
    offer_paper,
    record_event,
)

OUTAGE: Final = "outage"
CONFIRMED: Final = "confirmed"
PROPOSED: Final = "bidding:lot:propose-termination"
OFFICES: Final = ("buyer", "agency", "trading-centre", "supervisor")
BEFORE_KEYS: Final = frozenset({CLOSED, PHASE1, PHASE2})


class NotProposed(NotAllowed):
    """The end of a lot takes two persons: somebody else has to propose it first."""

    code = "not-proposed"


class NoOutage(Invalid):
    """There is no such outage to decide on."""

    code = "no-outage"


async def propose_termination(desk: Desk, actor: Actor, lot_id: UUID, cause: str) -> str:
    """Record that somebody wants the lot to end, and why; returns the sid of that event."""
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_shared(connection, lot_id)
        # An office's licence makes operators and devices as it likes: they are no second person.
        if not is_party(lot, require(actor, *OFFICES)):
            raise NotAllowed("the end of a lot is proposed by the offices that the tender names")
        await _require_stoppable(connection, lot)
        return await record_event(
            connection,
            PROPOSED,
            actor=actor.subject,
            group=lot.tender,
            scope=lot.id,
            turn=lot.round,
            data={"person": str(actor.id), "cause": plain_text(cause)},
            public=True,
        )


async def ask(
    desk: Desk,
    actor: Actor,
    lot_id: UUID,
    decision: str,
    cause: str,
    span: tuple[datetime, datetime] | None = None,
) -> Statement:
    """Offer a decision to the supervisor: on a suspension where there is one, else an order."""
    async with reading(desk.db, "bidding") as connection:
        opening = await store.find_opening(connection, lot_id)
    on_suspension = opening is not None and opening.suspended_at is not None
    if decision in {OUTAGE, CONFIRMED} or (decision == TERMINATED and not on_suspension):
        return await ask_order(desk, actor, lot_id, decision, cause, span)
    return await ask_decision(desk, actor, lot_id, decision, cause)


async def ask_order(
    desk: Desk,
    actor: Actor,
    lot_id: UUID,
    decision: str,
    cause: str,
    span: tuple[datetime, datetime] | None = None,
) -> Statement:
    """Offer `outage`, `confirmed` or `terminated` to the supervisor who asks for it.

    Refuses an end that nobody else proposed or that comes after keys could be released.
    """
    require(actor, "supervisor")
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_shared(connection, lot_id)
        if actor.subject != lot.parties.supervisor_uscc:
            raise NotAllowed("a lot is decided on by the supervisor named in its notice")
        opening = await store.find_opening(connection, lot_id)
        if decision == TERMINATED:
            await _require_second_person(connection, lot, actor)
        now = await platform_now(connection)
        await _require_lawful(connection, lot, decision, span, now)
        body = _body(lot, opening, decision, plain_text(cause), span)
        statement = unsigned("supervisor-decision", body)
        decode_body(statement, SupervisorDecision)
        required = [Required(role="supervisor", subject=lot.parties.supervisor_uscc)]
        await offer_paper(connection, statement, required, scope=lot_id, at=now)
    return statement


def _body(
    lot: Lot,
    opening: Opening | None,
    decision: str,
    cause: str,
    span: tuple[datetime, datetime] | None,
) -> dict[str, Any]:
    closing = None if opening is None else opening.closing
    return {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "closing": closing,
        "stage": None if opening is None or closing is None else opening.stage,
        "decision": decision,
        "tree": None,
        "fault": None,
        "members": [],
        "from": None if span is None else time_text(span[0]),
        "until": None if span is None else time_text(span[1]),
        "cause": cause,
    }


async def accept_decision(connection: Connection, statement: Statement) -> None:
    """Take a signed decision: on a suspension, on an outage, or to stop the lot."""
    body = decode_body(statement, SupervisorDecision)
    lot = await tender_store.lot_exclusive(connection, UUID(body.lot))
    opening = await store.find_opening(connection, lot.id)
    on_suspension = opening is not None and opening.suspended_at is not None
    if body.decision not in {OUTAGE, CONFIRMED} and (on_suspension or body.decision != TERMINATED):
        await accept_on_suspension(connection, statement)
        return
    if body.members:
        # Drafted by one person for a suspension that is over: an order takes two.
        raise DecisionOutdated("the opening is not suspended any more; ask for the end anew")
    now = await platform_now(connection)
    span = (
        None
        if body.from_ is None or body.until is None
        else (parse_time(body.from_), parse_time(body.until))
    )
    await _require_lawful(connection, lot, body.decision, span, now)
    await keep_public(connection, lot, statement, now)
    if body.decision == TERMINATED:
        if opening is not None:
            await store.set_decided(connection, lot.id, STOPPED)
        await tender_store.move_lot(connection, lot, next_status(lot.status, "terminate"))


async def _require_lawful(
    connection: Connection,
    lot: Lot,
    decision: str,
    span: tuple[datetime, datetime] | None,
    now: datetime,
) -> None:
    """Refuse a decision for which there is no ground."""
    if decision == TERMINATED:
        await _require_stoppable(connection, lot)
    elif decision == CONFIRMED:
        deadline = lot.deadline_at
        if lot.status not in {LOT_CLOSED, CUT} or deadline is None:
            raise WrongPhase("a closing is confirmed after the deadline and before it is signed")
        if not await outages.across_deadline(connection, lot, deadline):
            raise NoOutage("the platform did not stand still at the deadline; close the lot")
    elif span is None or not span[0] < span[1] <= now:
        raise NoOutage("expected when the outage began and ended, both over, in this order")


async def _require_stoppable(connection: Connection, lot: Lot) -> None:
    """A lot may end while nobody can know a price: until phase 3 of a stage begins."""
    if lot.status not in {PUBLISHED, LOT_CLOSED, CUT, OPENING}:
        raise WrongPhase(f"a lot that is {lot.status} is not ended this way")
    opening = await store.find_opening(connection, lot.id)
    if opening is None:
        return
    require_not_ended(opening)
    if opening.phase not in BEFORE_KEYS:
        raise WrongPhase(
            f"the opening is in {opening.phase}: who ended it now could know prices; an opening "
            "that lacks its members is suspended first"
        )


async def _require_second_person(connection: Connection, lot: Lot, actor: Actor) -> None:
    for event in await kept_events(connection, PROPOSED, lot.id):
        other_person = event.body["data"]["person"] != str(actor.id)
        if other_person:
            return
    raise NotProposed("the buyer, the agency, the host or another officer proposes the end first")

"""The supervisor's decisions on a lot: drafted by the platform, signed as a paper, taken once.

Nobody edits what the platform computes for one. An end takes two offices: its paper waits for the
supervisor and for the office that asks for the end. What is not signed within a week is void.
"""

import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.opening import store
from bidding.opening.domain import GO_ON, STOPPED, TERMINATED, Opening
from bidding.opening.oversight import faults, orders, suspension
from bidding.opening.oversight.grounds import CONFIRMED, FAULT, OUTAGE, Case, Wish
from bidding.opening.taken import keep_public
from bidding.sealing.bodies import SupervisorDecision
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, next_status
from bidding.tender.service import is_party
from foundation.clock import platform_now
from foundation.database import Connection, transaction
from foundation.identity import Actor, require
from foundation.problems import Conflict, Invalid, NotAllowed
from foundation.statements.canonical import parse_time, time_text
from foundation.statements.signed import Statement, decode_body, unsigned
from foundation.statements.store import (
    Required,
    find_paper,
    offer_paper,
    paper,
    papers_of_scope,
    withdraw_paper,
)

DECISION: Final = "supervisor-decision"
# How long a draft may be signed, in platform time.
DRAFT_LASTS: Final = timedelta(days=7)
OFFICES: Final = ("buyer", "agency", "trading-centre", "supervisor")

Ground = Callable[[Connection, Case, Wish], Awaitable[list[dict[str, Any]]]]


class UnknownDecision(Invalid):
    """There is no such decision on a lot."""

    code = "unknown-decision"


class DecisionOutdated(Conflict):
    """What this decision was drafted for has changed, or its time to be signed is over."""

    code = "decision-outdated"


async def _end(connection: Connection, case: Case, wish: Wish) -> list[dict[str, Any]]:
    """An end of a suspended opening names who is silent, any other end nobody."""
    if case.is_suspended:
        return await suspension.silent(connection, case, wish)
    return await orders.stoppable(connection, case, wish)


# What each decision needs; returns the members whom it names, refuses where there is no ground.
GROUNDS: Final[Mapping[str, Ground]] = {
    GO_ON: suspension.silent,
    TERMINATED: _end,
    OUTAGE: orders.outage,
    CONFIRMED: orders.late_closing,
    FAULT: faults.complainers,
}


async def ask(desk: Desk, actor: Actor, lot_id: UUID, wish: Wish) -> Statement:
    """Offer a decision for signature, with the members whom it names computed here.

    Asked for by the lot's supervisor; an end by the other offices of the tender as well. Refuses
    where there is no ground for it.
    """
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_shared(connection, lot_id)
        required = _signers(lot, actor, wish)
        case = await _case(connection, lot, await platform_now(connection))
        members = await _grounded(connection, case, wish)
        statement = unsigned(DECISION, _body(case, wish, members))
        decode_body(statement, SupervisorDecision)
        await _require_new(connection, statement.sid, case.now)
        await _withdraw_expired(connection, lot_id, case.now)
        await offer_paper(connection, statement, required, scope=lot_id, at=case.now)
    return statement


def _signers(lot: Lot, actor: Actor, wish: Wish) -> list[Required]:
    """Who signs: the supervisor, and for an end the office that asks for it, or the host."""
    require(actor, *(OFFICES if wish.decision == TERMINATED else ("supervisor",)))
    supervisor = lot.parties.supervisor_uscc
    if not is_party(lot, actor) or (actor.role == "supervisor" and actor.subject != supervisor):
        raise NotAllowed("a lot is decided on by the supervisor and the offices its notice names")
    signers = [Required(role="supervisor", subject=supervisor)]
    if wish.decision == TERMINATED:
        # Licences are those of offices: two officers of one office cannot be told apart.
        asks = actor.role != "supervisor"
        second = actor.subject if asks else lot.parties.host_uscc
        role = actor.role if asks else "trading-centre"
        if second == supervisor:
            raise NotAllowed("the end of a lot takes two offices; another one asks for it")
        signers.append(Required(role=role, subject=second))
    return signers


async def _case(connection: Connection, lot: Lot, now: datetime) -> Case:
    return Case(lot=lot, opening=await store.find_opening(connection, lot.id), now=now)


async def _grounded(connection: Connection, case: Case, wish: Wish) -> list[dict[str, Any]]:
    ground = GROUNDS.get(wish.decision)
    if ground is None:
        raise UnknownDecision(f"expected one of {', '.join(GROUNDS)}, got {wish.decision[:20]!r}")
    return await ground(connection, case, wish)


def _body(case: Case, wish: Wish, members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    closing, stage = _place(case.opening)
    return {
        "v": 1,
        "tender": str(case.lot.tender),
        "lot": str(case.lot.id),
        "round": case.lot.round,
        "closing": closing,
        "stage": stage,
        "decision": wish.decision,
        "tree": wish.tree,
        "fault": wish.fault,
        "members": list(members),
        "from": None if wish.span is None else time_text(wish.span[0]),
        "until": None if wish.span is None else time_text(wish.span[1]),
        "cause": plain_text(wish.cause),
    }


def _place(opening: Opening | None) -> tuple[str | None, int | None]:
    """The closing and stage that a decision names; none before the closing."""
    if opening is None or opening.closing is None:
        return None, None
    return opening.closing, opening.stage


async def _require_new(connection: Connection, sid: str, now: datetime) -> None:
    """Refuse the very words of a draft that is void: the same statement has the same sid."""
    held = await find_paper(connection, sid)
    if held is not None and now >= held.offered_at + DRAFT_LASTS:
        raise DecisionOutdated("a draft with these words expired; say in the cause what is new")


async def _withdraw_expired(connection: Connection, lot_id: UUID, now: datetime) -> None:
    """Drafts that nobody may sign any more wait for nobody."""
    for held in await papers_of_scope(connection, lot_id, DECISION):
        if held.completed_at is None and now >= held.offered_at + DRAFT_LASTS:
            await withdraw_paper(connection, held.statement.sid, now)


async def accept_decision(connection: Connection, statement: Statement) -> None:
    """Take a signed decision; refuses one whose ground, round or stage is not as it was drafted."""
    body = decode_body(statement, SupervisorDecision)
    lot = await tender_store.lot_exclusive(connection, UUID(body.lot))
    case = await _case(connection, lot, await platform_now(connection))
    drafted = (await paper(connection, statement.sid)).offered_at
    if case.now >= drafted + DRAFT_LASTS:
        raise DecisionOutdated("this draft is older than a week; ask for the decision anew")
    if (body.round, body.closing, body.stage) != (lot.round, *_place(case.opening)):
        raise DecisionOutdated("the opening is not where this was drafted; ask for it anew")
    members = await _grounded(connection, case, _wish(body))
    if statement.body["members"] != members:
        raise DecisionOutdated(
            f"expected the {len(members)} members whom it concerns now, the decision names "
            f"{len(body.members)}; ask for it again"
        )
    await keep_public(connection, lot, statement, case.now)
    await _put_in_force(connection, case, body.decision)


def _wish(body: SupervisorDecision) -> Wish:
    span = None
    if body.from_ is not None and body.until is not None:
        span = (parse_time(body.from_), parse_time(body.until))
    return Wish(
        decision=body.decision, cause=body.cause, span=span, tree=body.tree, fault=body.fault
    )


async def _put_in_force(connection: Connection, case: Case, decision: str) -> None:
    """What follows at once: the host may go on, or the lot is at its end."""
    if decision not in {GO_ON, TERMINATED}:
        return
    if case.opening is not None:
        decided = decision if case.is_suspended else STOPPED
        await store.set_decided(connection, case.lot.id, decided)
    if decision == TERMINATED:
        await tender_store.move_lot(connection, case.lot, next_status(case.lot.status, "terminate"))


def plain_text(text: str) -> str:
    """A text of a form as statements take it: NFC, line ends of one kind, no other controls."""
    lines = unicodedata.normalize("NFC", text).replace("\t", " ").splitlines()
    return "\n".join(line.strip() for line in lines).strip()

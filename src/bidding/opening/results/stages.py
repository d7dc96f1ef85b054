"""Later stages of an opening (双信封): which envelopes go on, and when (sealing.md 3.7, 9.9).

An office of the tender proposes the bids that passed; the envelopes are computed here and the
supervisor signs them. What is left out is never opened: no share of it is asked for or taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.opening import list_store, store
from bidding.opening.domain import DONE, Listed, Opening, OtherClosing, WrongPhase
from bidding.opening.results import stage_store
from bidding.opening.taken import keep_public
from bidding.sealing.bodies import Schedule, Stage
from bidding.tender import store as tender_store
from bidding.tender.domain import OPENING, Lot, WrongStatus, next_status
from bidding.tender.service import accept_schedule as accept_first_schedule
from bidding.tender.service import is_party
from foundation.clock import platform_now
from foundation.database import Connection, transaction
from foundation.identity import Actor
from foundation.problems import Conflict, Invalid, NotAllowed
from foundation.statements.canonical import parse_time, time_text
from foundation.statements.signed import Statement, decode_body, unsigned
from foundation.statements.store import (
    Required,
    kept_statement,
    offer_paper,
    record_event,
)

EVALUATE: Final = "bidding:stage:evaluate"
EVALUATED: Final = frozenset({"evaluation-report", "event"})


class NoSuchStage(Conflict):
    """The schedule has no further stage that could begin now."""

    code = "no-such-stage"


class NotEvaluated(Invalid):
    """A later stage needs the evaluation by which bids go on to it."""

    code = "not-evaluated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The bids that go on, and by which evaluation: a kept report, or the hash of one on paper."""

    passed: Sequence[UUID]
    evaluation: str | None = None
    report_sha256: str | None = None


async def plan_in_force(connection: Connection, lot: Lot) -> Schedule:
    """Return the schedule in force; a closed lot has one."""
    kept = await kept_statement(connection, lot.schedule or "")
    if kept is None:
        raise WrongStatus("this lot has no schedule in force")
    return decode_body(kept.statement, Schedule)


async def ask_stage(desk: Desk, actor: Actor, lot_id: UUID, proposal: Proposal) -> Statement:
    """Offer the next stage to the supervisor; nobody passing ends the opening (9.9).

    Refuses while the stage before it has no record, and bids that are not in the closing's list.
    """
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        if not is_party(lot, actor):
            raise NotAllowed("a stage is proposed by the offices that the tender names")
        opening = await store.opening(connection, lot_id)
        plan = await plan_in_force(connection, lot)
        stage, volumes = _next_stage(lot, opening, plan)
        if proposal.passed and plan.stages[stage - 1].opens_at is None:
            # Members refuse a stage that does not name the newest schedule (8.2 rule 3).
            raise WrongPhase(f"the schedule gives stage {stage} no hour yet; have one signed first")
        listed = await list_store.listed(connection, lot_id)
        unknown = set(proposal.passed) - {one.submission for one in listed}
        if unknown:
            raise OtherClosing(f"{len(unknown)} of the bids that go on are not in the list")
        now = await platform_now(connection)
        body = {
            "v": 1,
            "closing": opening.closing,
            "stage": stage,
            "trees": sorted(
                one.tree
                for one in listed
                if one.volume in volumes and one.submission in proposal.passed
            ),
            "evaluation": await _evaluation(connection, lot, actor, proposal),
            "schedule": lot.schedule,
        }
        statement = unsigned("stage", body)
        decode_body(statement, Stage)
        required = [Required(role="supervisor", subject=lot.parties.supervisor_uscc)]
        await offer_paper(connection, statement, required, scope=lot_id, at=now)
    return statement


def _next_stage(lot: Lot, opening: Opening, plan: Schedule) -> tuple[int, list[str]]:
    """The stage that may begin now and its volumes."""
    if lot.status != OPENING or opening.phase != DONE:
        raise WrongPhase("the next stage begins when the record of the one before it is signed")
    for one in plan.stages:
        if one.stage == opening.stage + 1:
            return one.stage, list(one.volumes)
    raise NoSuchStage(f"the schedule ends with stage {opening.stage}; there is no later one")


async def _evaluation(connection: Connection, lot: Lot, actor: Actor, proposal: Proposal) -> str:
    """The sid of the evaluation; a report on paper is recorded with its hash first."""
    if proposal.evaluation is not None:
        await _require_evaluated(connection, lot, proposal.evaluation)
        return proposal.evaluation
    if proposal.report_sha256 is None:
        raise NotEvaluated("expected the sid of a report of this lot, or the hash of one on paper")
    return await record_event(
        connection,
        EVALUATE,
        actor=actor.subject,
        group=lot.tender,
        scope=lot.id,
        turn=lot.round,
        data={
            "report_sha256": proposal.report_sha256,
            "passed": sorted(str(one) for one in proposal.passed),
        },
        public=True,
    )


async def _require_evaluated(connection: Connection, lot: Lot, sid: str) -> None:
    kept = await kept_statement(connection, sid)
    if (
        kept is None
        or kept.statement.type not in EVALUATED
        # Not any event of the lot: the one that records a report on paper.
        or kept.statement.body.get("name", EVALUATE) != EVALUATE
        or kept.statement.body["lot"] != str(lot.id)
    ):
        raise NotEvaluated(f"the ledger has no evaluation {sid[:16]}… of this lot")


async def accept_stage(connection: Connection, statement: Statement) -> None:
    """Begin the stage that the supervisor signed; without an envelope the opening is over."""
    body = decode_body(statement, Stage)
    lot_id = await store.lot_of_closing(connection, body.closing)
    lot = await tender_store.lot_exclusive(connection, lot_id)
    opening = await store.opening(connection, lot_id)
    stage, volumes = _next_stage(lot, opening, await plan_in_force(connection, lot))
    if (body.stage, body.schedule) != (stage, lot.schedule):
        raise OtherClosing("the schedule changed after this stage was proposed; propose it again")
    _require_listed(body.trees, volumes, await list_store.listed(connection, lot_id))
    now = await platform_now(connection)
    await keep_public(connection, lot, statement, now)
    if body.trees:
        await stage_store.begin_stage(connection, lot_id, stage, body.trees, now)
    else:
        await tender_store.move_lot(connection, lot, next_status(lot.status, "record"))


def _require_listed(trees: Sequence[str], volumes: Sequence[str], listed: Sequence[Listed]) -> None:
    free = {one.tree for one in listed if one.volume in volumes and one.stage is None}
    if not set(trees) <= free:
        raise OtherClosing("a stage opens envelopes of the list, and only those of its volumes")


async def ask_stage_hour(
    desk: Desk, actor: Actor, lot_id: UUID, stage: int, opens_at: datetime
) -> Statement:
    """Offer a schedule that gives a later stage its hour, to buyer and supervisor.

    An hour may be given once; given, it only moves later, and only before it has come (3.7, 7.3).
    """
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        if not is_party(lot, actor):
            raise NotAllowed("the hour of a stage is proposed by the offices that the tender names")
        now = await platform_now(connection)
        opening = await store.opening(connection, lot_id)
        plan = await plan_in_force(connection, lot)
        held = await kept_statement(connection, lot.schedule or "")
        assert held is not None
        body = dict(held.statement.body)
        body["version"], body["prev"] = plan.version + 1, lot.schedule
        body["stages"] = [
            {**one, "opens_at": time_text(opens_at)} if one["stage"] == stage else one
            for one in body["stages"]
        ]
        statement = unsigned("schedule", body)
        _require_hour(plan, decode_body(statement, Schedule), opening, now)
        required = [
            Required(role="buyer", subject=lot.parties.buyer_uscc),
            Required(role="supervisor", subject=lot.parties.supervisor_uscc),
        ]
        await offer_paper(connection, statement, required, scope=lot_id, at=now)
    return statement


async def accept_schedule(connection: Connection, statement: Statement) -> None:
    """Put a signed schedule in force: of a lot that is being opened, or before that."""
    body = decode_body(statement, Schedule)
    lot = await tender_store.lot_exclusive(connection, UUID(body.lot))
    if lot.status != OPENING:
        await accept_first_schedule(connection, statement)
        return
    now = await platform_now(connection)
    if body.prev != lot.schedule:
        raise WrongStatus("another schedule came into force after this one was proposed")
    plan = await plan_in_force(connection, lot)
    _require_hour(plan, body, await store.opening(connection, lot.id), now)
    await keep_public(connection, lot, statement, now)
    await tender_store.set_schedule(connection, lot.id, statement.sid, parse_time(body.deadline))


def _require_hour(old: Schedule, new: Schedule, opening: Opening, now: datetime) -> None:
    """Refuse everything but one later, coming hour of a stage that has not begun its phases."""
    changed = [(a, b) for a, b in zip(old.stages, new.stages, strict=True) if a != b]
    if len(changed) != 1:
        raise NoSuchStage("expected the hour of exactly one later stage to be given or moved")
    before, after = changed[0]
    if after.stage <= opening.stage:
        raise WrongPhase(f"stage {after.stage} has begun; its hour stands")
    hour = None if after.opens_at is None else parse_time(after.opens_at)
    was = None if before.opens_at is None else parse_time(before.opens_at)
    if hour is None or hour < now or (was is not None and not now < was < hour):
        raise WrongStatus(
            "an hour lies in the future, only moves later, and is changed before it has come"
        )

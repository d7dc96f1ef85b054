"""What host and supervisor may do at an opening beside its steps: read for the console."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bidding.opening import list_store
from bidding.opening.closings.outages import across_deadline
from bidding.opening.domain import CLOSED, DONE, PHASE1, PHASE2, PHASE3, Opening
from bidding.opening.oversight.answers import ANSWERED
from bidding.opening.oversight.faults import disputed, findings
from bidding.opening.results import result_store
from bidding.opening.results.stages import EVALUATE, plan_in_force
from bidding.tender.domain import CLOSED as LOT_CLOSED
from bidding.tender.domain import CUT, OPENING, Lot
from foundation.database import Connection
from foundation.statements.canonical import parse_time
from foundation.statements.store import kept_events, kept_statements, papers_of_scope

REPLACEABLE: Final = frozenset({CLOSED, PHASE1, PHASE2, PHASE3})
# Papers of an opening that offices sign.
PAPERS: Final = ("schedule", "stage", "remedy-start", "supervisor-decision", "opening-record")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStage:
    """The stage that may be proposed: its volumes and hour, the bids, the evaluations on record."""

    number: int
    volumes: Sequence[str]
    opens_at: datetime | None
    bids: Sequence[tuple[UUID, str | None]]
    evaluations: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedEnvelope:
    """An envelope whose fault is not found yet."""

    tree: str
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A paper that waits, and the roles whose signatures it lacks."""

    kind: str
    roles: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActsFacts:
    """What may be done now beside the next step."""

    omissions: int
    next_stage: NextStage | None
    disputed: Sequence[DisputedEnvelope]
    # The platform stood still across the deadline and the supervisor has not confirmed the closing.
    is_late: bool
    answered: frozenset[str]
    awaited: Sequence[Awaited]


async def acts_facts(connection: Connection, lot: Lot, opening: Opening | None) -> ActsFacts:
    """Read what may be done at the opening of a lot beside its steps."""
    return ActsFacts(
        omissions=await _omissions(connection, opening),
        next_stage=await _next_stage(connection, lot, opening),
        disputed=await _disputed(connection, opening),
        is_late=await _is_late(connection, lot),
        answered=frozenset(
            event.body["data"]["objection"]
            for event in await kept_events(connection, ANSWERED, lot.id)
        ),
        awaited=await _awaited(connection, lot.id),
    )


async def _omissions(connection: Connection, opening: Opening | None) -> int:
    """How many receipts were said to be left out of the closing, while it may be replaced."""
    if opening is None or opening.stage > 1 or opening.phase not in REPLACEABLE:
        return 0
    raised = await kept_statements(connection, opening.lot, ["omission"])
    return sum(one.statement.body["closing"] == opening.closing for one in raised)


async def _next_stage(
    connection: Connection, lot: Lot, opening: Opening | None
) -> NextStage | None:
    if opening is None or lot.status != OPENING or opening.phase != DONE:
        return None
    plan = await plan_in_force(connection, lot)
    following = next((one for one in plan.stages if one.stage == opening.stage + 1), None)
    if following is None:
        return None
    names = {b.submission: b.name for b in await result_store.every_opened_bid(connection, lot.id)}
    listed = await list_store.listed(connection, lot.id)
    bids = sorted({one.submission for one in listed if one.volume in following.volumes}, key=str)
    reports = await kept_statements(connection, lot.id, ["evaluation-report"])
    events = await kept_events(connection, EVALUATE, lot.id)
    return NextStage(
        number=following.stage,
        volumes=following.volumes,
        opens_at=None if following.opens_at is None else parse_time(following.opens_at),
        bids=[(submission, names.get(submission)) for submission in bids],
        evaluations=[*(one.statement.sid for one in reports), *(event.sid for event in events)],
    )


async def _disputed(connection: Connection, opening: Opening | None) -> list[DisputedEnvelope]:
    if opening is None:
        return []
    found = await findings(connection, opening.lot)
    return [
        DisputedEnvelope(tree=one.tree, volume=one.volume)
        for one in await disputed(connection, opening)
        if one.tree not in found
    ]


async def _is_late(connection: Connection, lot: Lot) -> bool:
    if lot.status not in {LOT_CLOSED, CUT} or lot.deadline_at is None:
        return False
    decided = await kept_statements(connection, lot.id, ["supervisor-decision"])
    if any(one.statement.body["decision"] == "confirmed" for one in decided):
        return False
    return bool(await across_deadline(connection, lot, lot.deadline_at))


async def _awaited(connection: Connection, lot_id: UUID) -> list[Awaited]:
    return [
        Awaited(kind=kind, roles=roles)
        for kind in PAPERS
        for one in await papers_of_scope(connection, lot_id, kind)
        if one.completed_at is None
        for roles in [
            tuple(
                w.required.role
                for w in one.waiting
                if w.signed_at is None and not w.required.optional
            )
        ]
    ]

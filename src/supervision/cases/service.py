"""What a supervisor does with clues: look through the list, take a case, note, decide by two.

Every move is an event in the ledger. None of them touches a bid: what a decision means for the
tender is carried out by the committee and the buyer, on paper that they sign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bidding.published import Lot, lot_facts
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.problems import NotFound
from foundation.statements.canonical import Json
from foundation.statements.store import record_event
from supervision.cases import store
from supervision.cases.domain import (
    CONFIRMATION,
    Case,
    Choice,
    NewNote,
    Note,
    Outcome,
    Proposal,
    Standing,
    check_handler,
    check_second,
    check_text,
    next_status,
    standing_of,
)
from supervision.redflags import store as redflags_store
from supervision.redflags.domain import Examination, KeptFinding, NotExamined
from supervision.redflags.service import SUPERVISOR, supervised_lot

STANDINGS: Final[tuple[Standing, ...]] = ("waiting", "running", "closed")


class UnknownFinding(NotFound):
    """This case has no such finding."""

    code = "unknown-finding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """One lot in the supervisor's list."""

    lot: Lot
    examination: Examination
    findings: tuple[KeptFinding, ...]
    case: Case | None
    standing: Standing
    left: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """The supervisor's list with its counts; `confirmed` cases are those decided, not dismissed."""

    clues: tuple[Clue, ...]
    counts: Mapping[Standing, int]
    confirmed: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """A case with its notes."""

    case: Case
    lot: Lot
    notes: tuple[Note, ...]
    actors: Mapping[UUID, str]


async def inbox_page(db: Database, actor: Actor | None) -> InboxPage:
    """The lots with clues that the supervisor answers for: gravest first, then by date due."""
    supervisor = require(actor, SUPERVISOR)
    async with reading(db, "supervision") as connection:
        now = await platform_now(connection)
        made = await redflags_store.examinations(connection, supervisor.subject or "")
        cases = await store.cases_of_lots(connection, [one.lot for one in made])
        clues = [await _clue(connection, one, cases.get(one.lot), now) for one in made]
    counts = {name: sum(1 for clue in clues if clue.standing == name) for name in STANDINGS}
    confirmed = sum(1 for clue in clues if clue.case is not None and clue.case.status == "decided")
    return InboxPage(clues=tuple(clues), counts=counts, confirmed=confirmed, at=now)


async def _clue(
    connection: Connection, made: Examination, case: Case | None, now: datetime
) -> Clue:
    return Clue(
        lot=await lot_facts(connection, made.lot, "supervision"),
        examination=made,
        findings=tuple(await redflags_store.findings(connection, made.lot)),
        case=case,
        standing=standing_of(None if case is None else case.status),
        left=None if made.due_at is None else made.due_at - now,
    )


async def case_page(db: Database, actor: Actor | None, case_id: UUID) -> CasePage:
    """Show a case to the supervisor of its tender."""
    async with reading(db, "supervision") as connection:
        found = await store.case(connection, case_id)
        lot = await supervised_lot(connection, actor, found.lot)
        notes = await store.notes(connection, case_id)
        people = [found.opened_by, found.handler, found.proposed_by, found.confirmed_by]
        names = await store.actor_names(connection, [one for one in people if one is not None])
    return CasePage(case=found, lot=lot, notes=tuple(notes), actors=names)


async def case_of_lot(db: Database, actor: Actor | None, lot_id: UUID) -> Case | None:
    """Return the case about a lot to its supervisor, or None before there is one."""
    async with reading(db, "supervision") as connection:
        await supervised_lot(connection, actor, lot_id)
        return await store.case_of_lot(connection, lot_id)


async def open_case(db: Database, actor: Actor | None, lot_id: UUID) -> Case:
    """Make a case of a lot's clues; refuses a lot without an examination, and a second case."""
    async with transaction(db, "supervision", store.REFUSALS) as connection:
        lot = await supervised_lot(connection, actor, lot_id)
        opener = require(actor)
        if await redflags_store.examination(connection, lot_id) is None:
            raise NotExamined(f"the bids of lot {lot_id} have not been examined yet")
        now = await platform_now(connection)
        case_id = await store.insert_case(connection, lot_id, opener.id, now)
        await _record(connection, lot, opener, "open", {"case": str(case_id)})
        return await store.case(connection, case_id)


async def take_case(db: Database, actor: Actor | None, case_id: UUID) -> Case:
    """Take a case: from now on this supervisor handles it."""
    async with transaction(db, "supervision", store.REFUSALS) as connection:
        held, lot, taker = await _held(connection, actor, case_id)
        await store.take_case(connection, held, next_status(held.status, "take"), taker.id)
        await _record(connection, lot, taker, "take", {"case": str(case_id)})
        return await store.case(connection, case_id)


async def add_note(
    db: Database,
    actor: Actor | None,
    case_id: UUID,
    text: str,
    *,
    finding: UUID | None = None,
    choice: Choice | None = None,
) -> UUID:
    """Write a note, or what is thought of one finding with the reason; only the handler does."""
    plain = check_text(text)
    async with transaction(db, "supervision", store.REFUSALS) as connection:
        held, lot, author = await _held(connection, actor, case_id)
        check_handler(held, author.id)
        if finding is not None:
            known = {one.id for one in await redflags_store.findings(connection, held.lot)}
            if finding not in known:
                raise UnknownFinding(f"case {case_id} has no finding {finding}")
        now = await platform_now(connection)
        new = NewNote(text=plain, finding=finding, choice=choice, author=author.id, at=now)
        note = await store.insert_note(connection, case_id, new)
        data: dict[str, Json] = {
            "case": str(case_id),
            "note": str(note),
            "finding": None if finding is None else str(finding),
            "choice": choice,
        }
        await _record(connection, lot, author, "note", data)
        return note


async def propose_outcome(
    db: Database, actor: Actor | None, case_id: UUID, outcome: Outcome, reason: str
) -> Case:
    """Propose how a case ends, with the reason; only its handler does."""
    plain = check_text(reason)
    async with transaction(db, "supervision", store.REFUSALS) as connection:
        held, lot, proposer = await _held(connection, actor, case_id)
        check_handler(held, proposer.id)
        after = next_status(held.status, "propose")
        now = await platform_now(connection)
        proposal = Proposal(outcome=outcome, reason=plain, by=proposer.id, at=now)
        await store.propose_outcome(connection, held, after, proposal)
        data: dict[str, Json] = {"case": str(case_id), "outcome": outcome, "reason": plain}
        await _record(connection, lot, proposer, "propose", data)
        return await store.case(connection, case_id)


async def confirm_outcome(db: Database, actor: Actor | None, case_id: UUID) -> Case:
    """Confirm a proposed outcome as a second person; refuses the one who proposed it."""
    async with transaction(db, "supervision", store.REFUSALS) as connection:
        held, lot, second = await _held(connection, actor, case_id)
        event = CONFIRMATION.get(held.outcome or "", "decide")
        after = next_status(held.status, event)
        check_second(held, second.id)
        now = await platform_now(connection)
        await store.close_case(connection, held, after, second.id, now)
        await _record(connection, lot, second, event, {"case": str(case_id)})
        return await store.case(connection, case_id)


async def return_case(db: Database, actor: Actor | None, case_id: UUID, reason: str) -> Case:
    """Send a proposal back to the handler, with the reason; refuses the one who proposed it."""
    plain = check_text(reason)
    async with transaction(db, "supervision", store.REFUSALS) as connection:
        held, lot, second = await _held(connection, actor, case_id)
        after = next_status(held.status, "return")
        check_second(held, second.id)
        await store.return_case(connection, held, after)
        await _record(connection, lot, second, "return", {"case": str(case_id), "reason": plain})
        return await store.case(connection, case_id)


async def _held(
    connection: Connection, actor: Actor | None, case_id: UUID
) -> tuple[Case, Lot, Actor]:
    """The case under its row's lock, its lot, and the supervisor who asks."""
    supervisor = require(actor, SUPERVISOR)
    held = await store.case_locked(connection, case_id)
    lot = await supervised_lot(connection, supervisor, held.lot)
    return held, lot, supervisor


async def _record(
    connection: Connection, lot: Lot, actor: Actor, action: str, data: Mapping[str, Json]
) -> None:
    await record_event(
        connection,
        f"supervision:case:{action}",
        actor=str(actor.id),
        group=lot.tender,
        scope=lot.id,
        turn=lot.round,
        data=data,
    )


def in_standing(page: InboxPage, standing: Standing) -> Sequence[Clue]:
    """The clues of one tab of the list."""
    return [clue for clue in page.clues if clue.standing == standing]

"""Postponement: a later deadline, alone or with new opening keys (sealing.md 1.5, 6.1, 7.3).

Proposed by agency or host with a reason, in force when buyer and supervisor signed every paper of
it before the old deadline. Nothing here looks at bids: the answer is the same whatever came in.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from bidding.sealing.bodies import OpeningKeys, Schedule
from bidding.sealing.checks import check_postponed
from bidding.sealing.opening_keys import check_algorithms
from bidding.sealing.suites import suite_of
from bidding.tender import postponement_store as store
from bidding.tender.domain import PUBLISHED, Lot, PapersMissing, UnknownLot, WrongStatus
from bidding.tender.papers import (
    Groups,
    Version,
    lot_ledger_body,
    opening_keys_paper,
    signers,
)
from bidding.tender.postponement_store import Moved, Postponement
from bidding.tender.store import lot as read_lot
from bidding.tender.store import lot_exclusive, set_opening_keys, set_schedule
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.outbox import announce
from foundation.problems import Invalid, NotAllowed
from foundation.statements.canonical import Json, parse_time, time_text
from foundation.statements.signed import Statement, decode_body, unsigned
from foundation.statements.store import (
    keep_statement,
    kept_statement,
    offer_paper,
    paper,
    record_event,
)

POSTPONED: Final = "bidding:lot:postpone"
LONGEST_REASON: Final = 500
PARTS: Final = ("opening-keys", "schedule")


class ReasonMissing(Invalid):
    """A postponement says why."""

    code = "reason-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A later deadline and why; `groups` for new opening keys, `opens_at` by later stage."""

    deadline_at: datetime
    reason: str
    groups: Groups | None = None
    opens_at: Mapping[int, datetime] = field(default_factory=dict)


async def propose(
    db: Database, actor: Actor, lot_id: UUID, proposal: Proposal
) -> tuple[str, str | None]:
    """Offer the papers of a postponement to buyer and supervisor; return their sids.

    Refuses anybody but the lot's agency and host, times that are not later, and a lot that is not
    open for bids. A newer proposal makes an older one void.
    """
    require(actor, "agency", "trading-centre")
    async with transaction(db, "bidding") as connection:
        held = await lot_exclusive(connection, lot_id)
        if actor.subject not in {held.parties.agency_uscc, held.parties.host_uscc}:
            raise NotAllowed("a postponement is proposed by the agency or the host of the lot")
        now = await platform_now(connection)
        before = await _plan(connection, held, now)
        schedule = unsigned("schedule", _postponed(held, before, proposal))
        check_postponed(before, decode_body(schedule, Schedule), now)
        keys = await _new_keys(connection, held, proposal, now)
        for statement in [schedule] if keys is None else [keys, schedule]:
            await offer_paper(connection, statement, signers(held), scope=lot_id, at=now)
        await store.insert(
            connection,
            Postponement(
                schedule=schedule.sid,
                lot=held.id,
                opening_keys=None if keys is None else keys.sid,
                reason=_plain(proposal.reason),
                old_deadline=parse_time(before.deadline),
                new_deadline=proposal.deadline_at,
                proposed_by=actor.subject or "",
                proposed_at=now,
                in_force_at=None,
            ),
        )
    return schedule.sid, None if keys is None else keys.sid


async def accept(connection: Connection, held: Lot, statement: Statement) -> None:
    """Put a postponement in force when all its papers are signed; the caller holds the lot's lock.

    Refuses papers of an older proposal, and everything from the old deadline on.
    """
    found = await store.newest(connection, held.id)
    if found is None or statement.sid not in {found.schedule, found.opening_keys}:
        raise WrongStatus(f"this {statement.type} is void: another postponement was proposed")
    check_algorithms(statement, suite_of(held.suite))
    now = await platform_now(connection)
    before = await _plan(connection, held, now)
    papers = [
        await paper(connection, sid)
        for sid in (found.opening_keys, found.schedule)
        if sid is not None
    ]
    if any(one.completed_at is None for one in papers):
        # Opening keys without their later deadline, or the reverse, are never in force alone.
        return
    plan = decode_body(papers[-1].statement, Schedule)
    if plan.prev != held.schedule:
        raise WrongStatus("another schedule came into force after this one was proposed")
    check_postponed(before, plan, now)
    for one in papers:
        await keep_statement(
            connection,
            one.statement,
            scope=held.id,
            body=lot_ledger_body(held, one.statement.type, one.statement.sid, now),
            at=now,
            public=True,
        )
    if found.opening_keys is not None:
        await set_opening_keys(connection, held.id, found.opening_keys)
    await set_schedule(connection, held.id, found.schedule, parse_time(plan.deadline))
    await store.put_in_force(connection, found.schedule, now)
    await _tell(connection, held, found, now)


async def _tell(connection: Connection, held: Lot, found: Postponement, now: datetime) -> None:
    """Everybody is told alike, at the lot's public place and in the public feed."""
    facts: dict[str, Json] = {
        "reason": found.reason,
        "schedule": found.schedule,
        "opening_keys": found.opening_keys,
        "from": time_text(found.old_deadline),
        "to": time_text(found.new_deadline),
    }
    await record_event(
        connection,
        POSTPONED,
        actor=found.proposed_by,
        group=held.tender,
        scope=held.id,
        turn=held.round,
        data=facts,
        public=True,
        at=now,
    )
    await announce(connection, "postponed", {"lot": str(held.id), "to": facts["to"]})


async def postponements(db: Database, lot_id: UUID) -> list[Postponement]:
    """Return the postponements of a published lot that are in force, the oldest first."""
    async with reading(db, "bidding") as connection:
        if (await read_lot(connection, lot_id)).published_at is None:
            raise UnknownLot(f"no lot {lot_id}")
        found = await store.of_lot(connection, lot_id)
    return [one for one in found if one.in_force_at is not None]


async def newest_moves(db: Database) -> list[Moved]:
    """Return the postponements of all lots that came into force last, newest first."""
    async with reading(db, "bidding") as connection:
        return await store.newest_moves(connection)


async def open_proposal(db: Database, lot_id: UUID) -> Postponement | None:
    """Return the proposal that still waits for signatures and may still get them."""
    async with reading(db, "bidding") as connection:
        held = await read_lot(connection, lot_id)
        found = await store.newest(connection, lot_id)
        if found is None or found.in_force_at is not None or held.status != PUBLISHED:
            return None
        return found if found.old_deadline == held.deadline_at else None


async def _plan(connection: Connection, held: Lot, now: datetime) -> Schedule:
    """The schedule in force of a lot that is open for bids; refuses any other lot."""
    if held.status != PUBLISHED or held.deadline_at is None or now >= held.deadline_at:
        raise WrongStatus("a lot is postponed between publication and its deadline, not later")
    kept = await kept_statement(connection, held.schedule or "")
    if kept is None:
        raise PapersMissing("the lot has no schedule in force")
    return decode_body(kept.statement, Schedule)


def _postponed(held: Lot, before: Schedule, proposal: Proposal) -> dict[str, Json]:
    """The next schedule: the first stage opens at the deadline, a later one never before it."""
    times = {1: proposal.deadline_at, **dict(proposal.opens_at)}
    stages: list[Json] = []
    for stage in before.stages:
        old = None if stage.opens_at is None else parse_time(stage.opens_at)
        at = times.get(stage.stage, old)
        if at is not None:
            at = max(at, proposal.deadline_at)
        stages.append(
            {
                "stage": stage.stage,
                "volumes": list(stage.volumes),
                "opens_at": None if at is None else time_text(at),
            }
        )
    return {
        "v": 1,
        "tender": before.tender,
        "lot": before.lot,
        "round": before.round,
        "version": before.version + 1,
        "prev": held.schedule,
        "deadline": time_text(proposal.deadline_at),
        "minimum_bidders": before.minimum_bidders,
        "stages": stages,
    }


async def _new_keys(
    connection: Connection, held: Lot, proposal: Proposal, now: datetime
) -> Statement | None:
    """New opening keys after those in force; without them, the ones in force must last."""
    kept = await kept_statement(connection, held.opening_keys or "")
    if kept is None:
        raise PapersMissing("the lot has no opening keys in force")
    before = decode_body(kept.statement, OpeningKeys)
    if proposal.groups is None:
        if proposal.deadline_at >= parse_time(before.not_after):
            raise Invalid(
                f"the opening keys in force end at {before.not_after}; propose new ones with it"
            )
        return None
    version = Version(number=before.version + 1, prev=held.opening_keys)
    return await opening_keys_paper(connection, held, proposal.groups, now, version)


def _plain(reason: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", reason).split())
    if not 1 <= len(text) <= LONGEST_REASON:
        raise ReasonMissing(f"expected a reason of 1 to {LONGEST_REASON} characters")
    return text

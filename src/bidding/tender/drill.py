"""Drills: do the members of the opening keys still hold their keys (sealing.md 8.3)?

The platform asks by itself a day and an hour before the deadline, agency and host when they like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from bidding.sealing import bodies
from bidding.sealing.bodies import Group
from bidding.sealing.drill import ask, new_drill
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.sealing.suites import suite_of
from bidding.tender import drill_store, store
from bidding.tender.domain import Lot, PapersMissing, Question, WrongStatus
from bidding.tender.papers import lot_ledger_body
from bidding.tender.service import is_party
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.problems import NotAllowed
from foundation.statements.canonical import b64, unb64
from foundation.statements.signed import Statement, decode_body, find_signature
from foundation.statements.store import keep_statement, kept_statement

GROUPS: Final[tuple[Group, ...]] = ("T", "R")
# How long a seat may take before the agency is told that it did not answer.
ANSWERED_WITHIN: Final = timedelta(minutes=20)


async def begin_drill(db: Database, actor: Actor, lot_id: UUID) -> int:
    """Ask every member of a published lot for an answer; return how many were asked.

    Refuses an agency or host that the tender does not name.
    """
    require(actor, "agency", "trading-centre")
    async with transaction(db, "bidding") as connection:
        lot = await store.lot(connection, lot_id)
        if actor.subject not in {lot.parties.agency_uscc, lot.parties.host_uscc}:
            raise NotAllowed("a drill is held by the agency or the opening host of the lot")
        if lot.published_at is None or lot.closed_at is not None:
            raise WrongStatus("a drill is held between publication and closing")
        return await _ask_everybody(connection, lot)


async def ask_due_drills(db: Database) -> int:
    """Ask the members of every lot that is a day or an hour from its deadline; once each.

    Returns how many lots were asked. Whether bids came in plays no part.
    """
    async with reading(db, "bidding") as connection:
        due = await drill_store.lots_due(connection)
    for lot_id in due:
        async with transaction(db, "bidding") as connection:
            # Two workers at once: the second finds that it is no longer due.
            lot = await store.lot_exclusive(connection, lot_id)
            if lot_id in await drill_store.lots_due(connection):
                await _ask_everybody(connection, lot)
    return len(due)


async def _ask_everybody(connection: Connection, lot: Lot) -> int:
    keys = await _keys(connection, lot)
    now = await platform_now(connection)
    asked = 0
    for group in GROUPS:
        members = keys.members(group)
        for i, member in enumerate(members.members if members else (), 1):
            drill = new_drill(i, keys.sid_bytes, suite_of(keys.body.suite))
            wrap, expected = ask(drill, unb64(member.body.pk, 65))
            question = Question(
                opening_keys=keys.sid,
                group=group,
                i=i,
                nonce=drill.nonce,
                expected=expected,
                wrap=wrap,
            )
            await store.insert_drill(connection, question, now)
            asked += 1
    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatReadiness:
    """One seat in the newest drill: True passed, False wrong, None no answer."""

    group: str
    i: int
    name: str
    unattended: bool
    passed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How the newest drill went; `short` means that a postponement is to be proposed (1.5)."""

    state: Literal["none", "asked", "ready", "short"]
    asked_at: datetime | None
    needed: Mapping[str, int]
    seats: tuple[SeatReadiness, ...]

    def passed(self, group: str) -> int:
        """How many seats of a group passed."""
        return sum(seat.passed is True for seat in self.seats if seat.group == group)


async def readiness(db: Database, actor: Actor, lot_id: UUID) -> Readiness:
    """Return how the newest drill of a lot went; for the offices that its notice names."""
    async with reading(db, "bidding") as connection:
        lot = await store.lot(connection, lot_id)
        if not is_party(lot, actor):
            raise NotAllowed("readiness is shown to the offices that the notice names")
        keys = await _keys(connection, lot)
        now = await platform_now(connection)
        return readiness_of(keys, await drill_store.newest(connection, keys.sid), now)


def readiness_of(
    keys: LotKeys, answers: Sequence[drill_store.Answered], now: datetime
) -> Readiness:
    """Read the newest drill: ready with k+1 (k₂+1) that passed, short when time is over (1.5)."""
    passed = {(one.group, one.i): one.passed for one in answers}
    asked_at = max((one.asked_at for one in answers), default=None)
    seats, needed = [], {}
    for group in GROUPS:
        members = keys.members(group)
        if members is None:
            continue
        needed[str(group)] = members.k + 1
        seats += [
            SeatReadiness(
                group=group,
                i=i,
                name=member.body.name,
                unattended=member.body.unattended,
                passed=passed.get((group, i)),
            )
            for i, member in enumerate(members.members, 1)
        ]
    made = Readiness(state="none", asked_at=asked_at, needed=needed, seats=tuple(seats))
    if asked_at is None:
        return made
    if all(made.passed(group) >= count for group, count in needed.items()):
        return replace(made, state="ready")
    return replace(made, state="short" if now >= asked_at + ANSWERED_WITHIN else "asked")


async def show_drills(db: Database, lot_id: UUID) -> list[dict[str, Any]]:
    """Return the questions of a lot's drills and who passed; the answers stay here."""
    async with reading(db, "bidding") as connection:
        lot = await store.lot(connection, lot_id)
        questions = await store.drills(connection, lot.opening_keys or "")
    return [
        {
            "opening_keys": q.opening_keys,
            "group": q.group,
            "i": q.i,
            "nonce": b64(q.nonce),
            "wrap": b64(q.wrap),
            "passed": q.passed,
        }
        for q in questions
    ]


async def take_answer(db: Database, statement: Statement) -> None:
    """Keep a member's signed answer; refuses one that nobody asked for or another key's."""
    body = decode_body(statement, bodies.Readiness)
    async with transaction(db, "bidding") as connection:
        kept = await kept_statement(connection, body.opening_keys)
        if kept is None:
            raise PapersMissing("these opening keys are not in force for any lot")
        keys = lot_keys(kept.statement)
        member = keys.member(body.group, body.i)
        find_signature(statement, member.sign_kid, unb64(member.sign_pk, 65))
        lot = await store.lot(connection, UUID(keys.body.lot))
        now = await platform_now(connection)
        question = Question(
            opening_keys=keys.sid,
            group=body.group,
            i=body.i,
            nonce=unb64(body.nonce, 16),
            expected="",
            wrap=b"",
        )
        passed = await store.answer_drill(connection, question, body.answer, now)
        if not passed:
            raise WrongStatus("this answers no open question of the drill, or answers it wrongly")
        await keep_statement(
            connection,
            statement,
            scope=lot.id,
            body=lot_ledger_body(lot, "readiness", statement.sid, now),
            at=now,
        )


async def _keys(connection: Connection, lot: Lot) -> LotKeys:
    kept = None
    if lot.opening_keys is not None:
        kept = await kept_statement(connection, lot.opening_keys)
    if kept is None:
        raise PapersMissing("the lot has no opening keys in force")
    return lot_keys(kept.statement)

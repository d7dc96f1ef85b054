"""Drills: do the members of the opening keys still hold their keys (sealing.md 8.3)?"""

from typing import Any
from uuid import UUID

from bidding.sealing.bodies import Readiness
from bidding.sealing.drill import ask, new_drill
from bidding.sealing.opening_keys import LotKeys, lot_keys
from bidding.tender import store
from bidding.tender.domain import Lot, PapersMissing, Question, WrongStatus
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.identity import Actor, require
from foundation.problems import NotAllowed
from foundation.statements.canonical import b64, unb64
from foundation.statements.signed import Statement, decode_body, find_signature
from foundation.statements.store import keep_statement, kept_statement


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
        keys = await _keys(connection, lot)
        now = await platform_now(connection)
        asked = 0
        for group in ("T", "R"):
            members = keys.members(group)
            for i, member in enumerate(members.members if members else (), 1):
                drill = new_drill(i, keys.sid_bytes)
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
    body = decode_body(statement, Readiness)
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

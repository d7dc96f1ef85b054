"""Objections of bidders at the opening (sealing.md 9.1, phase 5)."""

from typing import Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.licence.profile import bidder_signers
from bidding.opening import store
from bidding.opening.domain import (
    PHASE1,
    PHASE2,
    PHASE3,
    PHASE4,
    RECORD,
    require_phase,
)
from bidding.opening.oversight.decisions import plain_text
from bidding.opening.results.record import bidders_of_list, renew_record, require_objectable
from bidding.opening.taken import keep_in_ledger, of_closing
from bidding.participant.domain import RELEASE
from bidding.participant.service import check_mandated
from bidding.sealing.bodies import Objection
from bidding.tender import store as tender_store
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.identity import Actor
from foundation.problems import NotAllowed, TooMany
from foundation.statements.signed import (
    Statement,
    decode_body,
    unsigned,
)
from foundation.statements.store import (
    kept_statements,
)

MOST_OBJECTIONS: Final = 5


class TooManyObjections(TooMany):
    """A bidder has raised as many objections in this stage as it may."""

    code = "too-many-objections"


async def draft_objection(desk: Desk, actor: Actor, lot_id: UUID, content: str) -> Statement:
    """Return the objection that a bidder is about to sign; refuses once nobody may object."""
    async with reading(desk.db, "bidding") as connection:
        opening = await store.opening(connection, lot_id)
        require_phase(opening, PHASE1, PHASE2, PHASE3, PHASE4, RECORD)
        await require_objectable(connection, opening)
    body = {
        "v": 1,
        "closing": opening.closing,
        "stage": opening.stage,
        "uscc": actor.subject,
        "content": plain_text(content),
    }
    statement = unsigned("objection", body)
    decode_body(statement, Objection)
    return statement


async def take_objection(desk: Desk, actor: Actor, statement: Statement, lot_id: UUID) -> None:
    """Keep a bidder's objection at the opening, until the time to object to the record is over.

    Refuses one that was signed neither by the licence of the company that raises it nor by an
    operator whose mandate has the scope `release`.
    """
    body = decode_body(statement, Objection)
    if actor.subject != body.uscc:
        raise NotAllowed("an objection is signed by the company that raises it")
    async with transaction(desk.db, "bidding") as connection:
        # Exclusive: each objection to a record makes another record.
        await tender_store.lot_exclusive(connection, lot_id)
        lot, opening = await of_closing(connection, lot_id, body)
        require_phase(opening, PHASE1, PHASE2, PHASE3, PHASE4, RECORD)
        await require_objectable(connection, opening)
        now = await platform_now(connection)
        signers = bidder_signers(statement, desk.anchors, now)
        if not signers:
            await check_mandated(
                desk,
                connection,
                statement,
                body.uscc,
                scope=RELEASE,
                tender=str(lot.tender),
                at=now,
            )
        elif [signer.uscc for signer in signers] != [body.uscc]:
            raise NotAllowed(f"expected the licence signature of {body.uscc} alone; sign with it")
        if body.uscc not in await bidders_of_list(connection, lot):
            raise NotAllowed("an objection at the opening is raised by a bidder of the list")
        await _require_few(connection, lot_id, body)
        await keep_in_ledger(connection, lot, statement)
        if opening.phase == RECORD:
            await renew_record(connection, desk, lot, opening)


async def _require_few(connection: Connection, lot_id: UUID, body: Objection) -> None:
    raised = [
        kept.statement.body
        for kept in await kept_statements(connection, lot_id, ["objection"])
        if kept.statement.body["uscc"] == body.uscc and kept.statement.body["stage"] == body.stage
    ]
    if len(raised) >= MOST_OBJECTIONS:
        raise TooManyObjections(
            f"expected at most {MOST_OBJECTIONS} objections of one bidder in a stage; the record "
            "shows those, what is new belongs to an objection after the opening"
        )

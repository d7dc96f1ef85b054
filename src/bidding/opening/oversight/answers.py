"""Answers to objections, given on the spot (实施条例 art. 36) and written into the ledger.

An answer is an event of the platform beside the objection, of which it changes nothing.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.opening.oversight.decisions import plain_text
from bidding.tender import store as tender_store
from bidding.tender.service import is_party
from foundation.database import Connection, transaction
from foundation.identity import Actor, require
from foundation.problems import Conflict, Invalid, NotAllowed
from foundation.statements.signed import Statement
from foundation.statements.store import (
    kept_events,
    kept_statement,
    kept_statements,
    record_event,
)

ANSWERED: Final = "bidding:objection:answer"
LONGEST: Final = 2000
ANSWERERS: Final = ("buyer", "agency", "trading-centre")


class NoObjection(Invalid):
    """There is no such objection at this opening, or nothing is said to it."""

    code = "no-objection"


class AlreadyAnswered(Conflict):
    """This office has answered the objection."""

    code = "already-answered"


async def answer_objection(
    desk: Desk, actor: Actor, lot_id: UUID, objection: str, text: str
) -> None:
    """Record what the buyer, the agency or the host says to an objection, once for each office."""
    said = plain_text(text)
    if not 1 <= len(said) <= LONGEST:
        raise NoObjection(f"expected an answer of 1 to {LONGEST} characters")
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        if not is_party(lot, require(actor, *ANSWERERS)):
            raise NotAllowed("an objection is answered by the offices that the tender names")
        kept = await kept_statement(connection, objection)
        closings = await _closings_of(connection, lot_id)
        if (
            kept is None
            or kept.statement.type != "objection"
            or kept.statement.body["closing"] not in closings
        ):
            raise NoObjection("expected an objection that was raised at this opening")
        for event in await answers(connection, lot_id):
            if (event.body["data"]["objection"], event.body["actor"]) == (objection, actor.subject):
                raise AlreadyAnswered("this office has answered the objection; the answer stands")
        await record_event(
            connection,
            ANSWERED,
            actor=actor.subject,
            group=lot.tender,
            scope=lot.id,
            turn=lot.round,
            data={"objection": objection, "text": said, "role": actor.role},
            public=True,
        )


async def answers(connection: Connection, lot_id: UUID) -> Sequence[Statement]:
    """The answers that were given at a lot's opening, newest first."""
    return await kept_events(connection, ANSWERED, lot_id)


async def _closings_of(connection: Connection, lot_id: UUID) -> set[str]:
    return {one.statement.sid for one in await kept_statements(connection, lot_id, ["closing"])}

"""Receipts that the list does not honour: anyone may raise one, members wait for the answer (8.2).

What answers it is the bidder's own later act, with its signature; it is shown to members alone.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.desk import Desk
from bidding.bid.domain import ACCEPTED, Act
from bidding.opening import store
from bidding.opening.domain import (
    CLOSED,
    PHASE1,
    PHASE2,
    PHASE3,
    OtherClosing,
    require_not_ended,
    require_phase,
)
from bidding.opening.release import bare
from bidding.sealing.bodies import Omission
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, transaction
from foundation.problems import Invalid
from foundation.statements.canonical import Json
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import Statement, decode_body, from_json, read
from foundation.statements.store import Kept, keep_statement, kept_statement

OMISSION: Final = "omission"


class NothingOmitted(Invalid):
    """This receipt is honoured by the list, or it is no receipt of this platform and lot."""

    code = "nothing-omitted"


async def take_omission(desk: Desk, lot_id: UUID, statement: Statement) -> None:
    """Keep an omission; nobody needs to sign it, the platform's own receipt proves itself.

    Refuses what is listed, foreign or not signed by the platform; the same again is answered alike.
    """
    body = decode_body(statement, Omission)
    statement = bare(statement)
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_shared(connection, lot_id)
        opening = await store.opening(connection, lot_id)
        require_not_ended(opening)
        if opening.closing != body.closing:
            raise OtherClosing("this names another closing than the lot's")
        if await kept_statement(connection, statement.sid) is not None:
            return
        require_phase(opening, CLOSED, PHASE1, PHASE2, PHASE3)
        now = await platform_now(connection)
        receipt = from_json(statement.body["receipt"])
        if receipt.body["lot"] != str(lot_id) or not certificate_signers(
            receipt, desk.platform_anchors, now
        ):
            raise NothingOmitted("expected a receipt of this lot that the platform signed")
        if receipt.body["act"] in {one.act for one in await store.listed(connection, lot_id)}:
            raise NothingOmitted("the bid of this receipt is in the list")
        await keep_statement(
            connection,
            statement,
            scope=lot_id,
            body=lot_ledger_body(lot, OMISSION, statement.sid, now),
            at=now,
        )


async def answers(connection: Connection, lot: Lot, omissions: Sequence[Kept]) -> dict[str, Json]:
    """Return by omission the acts that came after the receipt's, once identities are open."""
    acts = await bid_store.acts_of_lot(connection, lot.id, lot.round)
    return {
        kept.statement.sid: [
            read(act.statement).json()
            for act in _later(acts, kept.statement.body["receipt"]["body"])
            if act.statement is not None
        ]
        for kept in omissions
    }


def _later(acts: Sequence[Act], receipt: dict[str, Json]) -> list[Act]:
    """The accepted acts of a receipt's chain that came after its own."""
    return sorted(
        (
            act
            for act in acts
            if str(act.submission) == receipt["submission"]
            and act.state == ACCEPTED
            and act.seq > receipt["seq"]
        ),
        key=lambda act: act.seq,
    )

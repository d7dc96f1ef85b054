"""Receipts that the list does not honour: anyone may raise one, members wait for the answer (8.2).

What answers it is the bidder's own later act, with its signature and the chain back to the
receipt's act; it is shown to members alone. Nobody logs in here: a receipt is raised once, with the
proof that makes members look at it, so that nobody fills the ledger with it.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.desk import Desk
from bidding.bid.domain import ACCEPTED, Act
from bidding.opening import list_store, store
from bidding.opening.domain import (
    CLOSED,
    PHASE1,
    PHASE2,
    PHASE3,
    OtherClosing,
    require_not_ended,
    require_phase,
)
from bidding.opening.taken import bare
from bidding.participant.service import Office, named_mandates
from bidding.sealing.bodies import Omission
from bidding.sealing.checks import check_proven
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, transaction
from foundation.ledger.leaf import opening_from_json
from foundation.ledger.log import origin_of
from foundation.ledger.policy import read_policy
from foundation.problems import Invalid, Refused
from foundation.statements.canonical import Json
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import Statement, decode_body, from_json, read
from foundation.statements.store import Kept, keep_statement, kept_statement, kept_statements

OMISSION: Final = "omission"


class NothingOmitted(Invalid):
    """This receipt is honoured by the list, or it is no receipt of this platform and lot."""

    code = "nothing-omitted"


async def take_omission(desk: Desk, lot_id: UUID, statement: Statement) -> None:
    """Keep an omission; nobody needs to sign it, the platform's own receipt proves itself.

    Refuses what the list honours, and what is foreign, unproven or not signed by the platform; the
    same receipt again is answered alike.
    """
    body = decode_body(statement, Omission)
    about = body.receipt.body
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
        if (about.lot, about.round) != (str(lot_id), lot.round) or not certificate_signers(
            receipt, desk.platform_anchors, now
        ):
            raise NothingOmitted("expected a receipt of this lot that the platform signed")
        await _require_proven(connection, receipt, body.proof)
        listed = await list_store.listed(connection, lot_id)
        is_gone = about.submission not in {str(one.submission) for one in listed}
        if about.act in {one.act for one in listed} or (about.act_type == "withdraw" and is_gone):
            raise NothingOmitted("the list says of this bid what its receipt says")
        raised = await kept_statements(connection, lot_id, [OMISSION])
        if (body.closing, about.act) in {_about(one) for one in raised}:
            return
        await keep_statement(
            connection,
            statement,
            scope=lot_id,
            body=lot_ledger_body(lot, OMISSION, statement.sid, now),
            at=now,
        )


def _about(kept: Kept) -> tuple[str, str]:
    """The closing and the act that an omission is about."""
    said = kept.statement.body
    return said["closing"], said["receipt"]["body"]["act"]


async def _require_proven(connection: Connection, receipt: Statement, proof: str) -> None:
    """Refuse a proof by which no member would believe the receipt."""
    own_log = read_policy(f"log {(await origin_of(connection)).vkey}\nquorum none\n")
    try:
        check_proven(opening_from_json(receipt.body["ledger"]), proof, own_log)
    except Refused as refused:
        raise NothingOmitted(f"the receipt's proof does not hold: {refused.message}") from None


async def answers(
    office: Office, connection: Connection, lot: Lot, omissions: Sequence[Kept]
) -> dict[str, Json]:
    """Return by omission the acts from the receipt's on and the mandates that they name.

    Empty before identities are open.
    """
    acts = await bid_store.acts_of_lot(connection, lot.id, lot.round)
    found: dict[str, Json] = {}
    for kept in omissions:
        chain = _chain(acts, kept.statement.body["receipt"]["body"])
        named = {statement.body["mandate"] for statement in chain} - {None}
        given = await named_mandates(office, connection, sorted(named))
        shown = [*chain, *(one.statement for one in given)]
        found[kept.statement.sid] = [statement.json() for statement in shown]
    return found


def _chain(acts: Sequence[Act], receipt: dict[str, Json]) -> list[Statement]:
    """The acts of a receipt's submission from its own to the last accepted one.

    Refused ones between them are shown, too: they have their number in the chain of `prev`.
    """
    later = sorted(
        (
            act
            for act in acts
            if str(act.submission) == receipt["submission"] and act.seq >= receipt["seq"]
        ),
        key=lambda act: act.seq,
    )
    last = max((act.seq for act in later if act.state == ACCEPTED), default=0)
    return [read(act.statement) for act in later if act.seq <= last and act.statement is not None]

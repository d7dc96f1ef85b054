"""The one door of bidding: what experts and supervision may call and read.

Reads go through views that the later contexts' database roles may select; a call that writes
takes bidding's role for its own statements only.
"""

from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from bidding.award.service import accept_report
from bidding.licence.profile import licence_signers
from bidding.opening.domain import OpenedBid
from bidding.opening.results.result_store import opened_bids
from bidding.regime.catalogue import rule
from bidding.regime.clocks import beijing_date
from bidding.regime.domain import NotLawful, Rule
from bidding.scoring.domain import FloatPoint, Method, read_method
from bidding.scoring.evaluation import (
    Evaluation,
    Mark,
    Result,
    check_card,
    check_mark,
    evaluate,
    read_score,
    score_text,
)
from bidding.scoring.formulas import Step
from bidding.sealing.bodies import OfLot, Part
from bidding.tender import store as tender_store
from bidding.tender.domain import EVALUATING, PUBLISHED, RECORDED, Lot, next_status
from foundation.database import Connection, Context, acting_as
from foundation.statements.canonical import Json
from foundation.statements.signed import Statement
from foundation.statements.store import ledger_body

__all__ = [
    "EVALUATING",
    "PUBLISHED",
    "RECORDED",
    "Evaluation",
    "FloatPoint",
    "Lot",
    "Mark",
    "Method",
    "NotLawful",
    "OfLot",
    "OpenedBid",
    "Part",
    "Result",
    "Rule",
    "Step",
    "accept_evaluation_report",
    "begin_evaluation",
    "beijing_date",
    "check_card",
    "check_mark",
    "closing_of",
    "evaluate",
    "licence_signers",
    "lot_body",
    "lot_facts",
    "lot_held",
    "method_of",
    "opened_bids",
    "read_method",
    "read_score",
    "rule",
    "score_text",
]

# The closing that a public seed is bound to; None before it is made.
CLOSING_OF: Final[LiteralString] = """
    SELECT encode(closing, 'hex')
      FROM bidding.v_closing
     WHERE lot = $1
"""


async def lot_facts(connection: Connection, lot: UUID, caller: Context) -> Lot:
    """Return a lot with its tender's facts."""
    async with acting_as(connection, "bidding", caller):
        return await tender_store.lot(connection, lot)


async def lot_held(connection: Connection, lot: UUID, caller: Context) -> Lot:
    """Return a lot under its shared lock: it does not close before this transaction ends."""
    async with acting_as(connection, "bidding", caller):
        return await tender_store.lot_shared(connection, lot)


async def closing_of(connection: Connection, lot: UUID) -> str | None:
    """Return the sid of a lot's closing, or None before it is made."""
    sid: str | None = await connection.fetchval(CLOSING_OF, lot)
    return sid


async def begin_evaluation(connection: Connection, lot: UUID, caller: Context) -> Lot:
    """Move a lot whose opening is recorded to its evaluation."""
    async with acting_as(connection, "bidding", caller):
        held = await tender_store.lot_exclusive(connection, lot)
        await tender_store.move_lot(connection, held, next_status(held.status, "evaluate"))
        return held


async def accept_evaluation_report(
    connection: Connection, statement: Statement, caller: Context
) -> None:
    """Hand over the report that every member of the panel signed; it is kept already."""
    async with acting_as(connection, "bidding", caller):
        await accept_report(connection, statement)


def lot_body(lot: Lot, kind: str, subject: str, at: datetime) -> dict[str, Json]:
    """Return the ledger body of a statement about a lot."""
    return ledger_body(kind, group=lot.tender, scope=lot.id, turn=lot.round, subject=subject, at=at)


def method_of(lot: Lot) -> dict[str, Any]:
    """Return the scoring method that the notice published."""
    return dict(lot.method)

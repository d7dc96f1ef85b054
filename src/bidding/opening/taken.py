"""What everything that is handed in to an opening goes through: lock, closing, stage, leaf.

The lot's shared lock comes first and the clock is asked in a new statement (sealing.md 9.2).
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from bidding.opening import store
from bidding.opening.domain import (
    Listed,
    Opening,
    OtherClosing,
    require_not_ended,
)
from bidding.sealing.envelope import Head, join_head
from bidding.sealing.shapes import OfStage
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection
from foundation.statements.signed import (
    Statement,
)
from foundation.statements.store import (
    keep_statement,
)


def bare(statement: Statement) -> Statement:
    """A statement whose values prove themselves, without signatures that nobody verified."""
    return replace(statement, sigs=())


def head_of(one: Listed) -> Head:
    """Header and wraps of a listed envelope."""
    return join_head(one.header, one.wraps)


async def of_running(connection: Connection, lot_id: UUID, body: OfStage) -> tuple[Lot, Opening]:
    """As `of_closing`; refuses as well once the supervisor has ended the opening."""
    lot, opening = await of_closing(connection, lot_id, body)
    require_not_ended(opening)
    return lot, opening


async def of_closing(connection: Connection, lot_id: UUID, body: OfStage) -> tuple[Lot, Opening]:
    """Take the lot's shared lock; refuses what names another closing or stage than the lot's."""
    lot = await tender_store.lot_shared(connection, lot_id)
    opening = await store.opening(connection, lot_id)
    if opening.closing != body.closing:
        raise OtherClosing("this names another closing than the lot's")
    if body.stage != opening.stage:
        raise OtherClosing(f"stage {opening.stage} is being opened, got stage {body.stage}")
    return lot, opening


async def keep_in_ledger(connection: Connection, lot: Lot, statement: Statement) -> None:
    """Keep what was handed in, with its leaf; it is shown with the transcript."""
    now = await platform_now(connection)
    body = lot_ledger_body(lot, statement.type, statement.sid, now)
    await keep_statement(connection, statement, scope=lot.id, body=body, at=now)


async def keep_public(connection: Connection, lot: Lot, statement: Statement, at: datetime) -> None:
    """Keep a statement of the opening that everybody may read at once."""
    body = lot_ledger_body(lot, statement.type, statement.sid, at)
    await keep_statement(connection, statement, scope=lot.id, body=body, at=at, public=True)

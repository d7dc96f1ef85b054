"""Signed refusals of acts: of those that were taken in, and of those refused at the door.

The second kind has no act row; whose it is stands under the bidder's key, as acts do, so that its
own page can show it and nobody else is told that there was one.
"""

from datetime import datetime
from uuid import UUID

from bidding.bid import store
from bidding.bid.desk import Desk, open_token
from bidding.bid.domain import ACTS_A_DAY, DAY, DoorRefusal, TooManyActs, UnknownAct
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.statements.canonical import time_text
from foundation.statements.signed import Statement, sign, unsigned
from foundation.statements.store import keep_statement, kept_statement


async def write_refusal(
    desk: Desk, statement: Statement, lot_id: UUID, bidder_key: bytes, code: str
) -> Statement:
    """Sign and keep the refusal of an act that was not taken in, in its own transaction.

    The same act refused again for the same reason gets the refusal that it got before. Each has a
    leaf, so there are as many a day as there may be acts; refuses a further one with `E_QUOTA`.
    """
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        earlier = await store.door_refusals(connection, lot_id, lot.round, bidder_key)
        for known in earlier:
            if (known.act, known.code) == (statement.sid, code):
                kept = await kept_statement(connection, known.refusal)
                if kept is not None:
                    return kept.statement
        now = await platform_now(connection)
        today = sum(now - known.decided_at < DAY for known in earlier)
        if today >= ACTS_A_DAY:
            raise TooManyActs(
                f"{today} attempts were refused in 24 hours, the last one with {code}; try again "
                "tomorrow"
            )
        refusal = await keep_refusal(connection, desk, lot, statement.sid, None, code)
        await store.insert_door_refusal(
            connection,
            DoorRefusal(
                act=statement.sid,
                code=code,
                refusal=refusal.sid,
                lot=lot.id,
                round=lot.round,
                bidder_key=bidder_key,
                decided_at=now,
            ),
        )
        return refusal


async def keep_refusal(
    connection: Connection, desk: Desk, lot: Lot, sid: str, intake: datetime | None, code: str
) -> Statement:
    """Sign and keep a refusal; an act that was not taken in is refused at its intake."""
    now = await platform_now(connection)
    body = {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "act": sid,
        "intake": time_text(intake or now),
        "deadline": time_text(lot.deadline_at or now),
        "decided": time_text(now),
        "code": code,
        "schedule": lot.schedule,
    }
    refusal = sign(unsigned("refusal", body), desk.platform_for(lot.suite))
    await keep_statement(
        connection,
        refusal,
        scope=lot.id,
        body=lot_ledger_body(lot, "refusal", refusal.sid, now),
        at=now,
    )
    return refusal


async def own_refusals(desk: Desk, lot_id: UUID, token: str, uscc: str) -> list[DoorRefusal]:
    """Return a bidder's acts in a lot that were refused before the intake, by its token."""
    async with reading(desk.db, "bidding") as connection:
        now = await platform_now(connection)
        bidder_key = open_token(desk, token, lot_id, uscc, now)
        lot = await tender_store.lot(connection, lot_id)
        return await store.door_refusals(connection, lot_id, lot.round, bidder_key)


async def show_refusal(desk: Desk, sid: str) -> Statement:
    """Return a signed refusal; its sid, which names an act's, is the capability."""
    async with reading(desk.db, "bidding") as connection:
        kept = await kept_statement(connection, sid)
    if kept is None or kept.statement.type != "refusal":
        raise UnknownAct(f"no refusal {sid[:16]}…")
    return kept.statement

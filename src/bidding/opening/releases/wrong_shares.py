"""A released share that does not fit its commitment: refused, and recorded against its seat (9.4).

The release itself is not kept. Its sid stands in the event, so whoever holds the signed release can
show what the member sent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.sealing.bodies import Group
from bidding.sealing.refusals import WrongShare
from bidding.tender import store as tender_store
from foundation.database import transaction
from foundation.statements.signed import Statement
from foundation.statements.store import kept_events, record_event

WRONG_SHARE_EVENT: Final = "bidding:share:refused"
NAMED: Final = ("closing", "stage", "i")


@asynccontextmanager
async def wrong_share_recorded(
    desk: Desk, lot_id: UUID, release: Statement, group: Group
) -> AsyncIterator[None]:
    """Record a refusal for a wrong share, the first one of a seat in a stage; it stays refused."""
    try:
        yield
    except WrongShare:
        await _record(desk, lot_id, release, group)
        raise


async def _record(desk: Desk, lot_id: UUID, release: Statement, group: Group) -> None:
    seat = {"group": group, **{key: release.body[key] for key in NAMED}}
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        earlier = await kept_events(connection, WRONG_SHARE_EVENT, lot_id)
        if any(seat.items() <= event.body["data"].items() for event in earlier):
            return
        await record_event(
            connection,
            WRONG_SHARE_EVENT,
            actor=None,
            group=lot.tender,
            scope=lot.id,
            turn=lot.round,
            data={**seat, "release": release.sid},
            public=True,
        )

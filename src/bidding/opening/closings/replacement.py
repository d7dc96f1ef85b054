"""A closing that replaces another: a bid was left out of the list, and nothing else changes.

Before any custodian released. Phase 1 begins again; halves of bidders that are held stay, members
check and release for the new list (sealing.md 6.2, 9.3).
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.opening import list_store, share_store, store
from bidding.opening.closings.closing import final_bids, listed_of_bids, signed_closing
from bidding.opening.closings.omissions import NothingOmitted
from bidding.opening.domain import (
    CLOSED,
    PHASE1,
    PHASE2,
    PHASE3,
    Listed,
    Opening,
    OtherClosing,
    WrongPhase,
    list_entries,
    require_not_ended,
    require_phase,
)
from bidding.opening.taken import keep_public
from bidding.tender import store as tender_store
from bidding.tender.domain import next_status
from foundation.clock import platform_now
from foundation.database import Connection, transaction
from foundation.identity import Actor, require
from foundation.ledger.log import leaf_opening
from foundation.problems import NotAllowed
from foundation.statements.signed import Statement

RELEASED: Final = ("release-t",)


async def replace_closing(desk: Desk, actor: Actor, lot_id: UUID) -> Statement:
    """Sign a list that adds what the first one left out; for the opening host.

    Refuses when nothing was left out, when an entry would change, and once a custodian released.
    """
    require(actor, "trading-centre")
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        if actor.subject != lot.parties.host_uscc:
            raise NotAllowed("the closing is replaced by the opening host of the lot")
        opening = await store.opening(connection, lot_id)
        await _require_replaceable(connection, opening)
        held = await list_store.listed(connection, lot_id)
        bids = await final_bids(connection, lot)
        # What is held is not read again: a file lost meanwhile must not keep another bid out.
        still = [one for one in held if one.act in {bid.sid for bid in bids}]
        added = [bid for bid in bids if bid.sid not in {one.act for one in held}]
        listed = [*still, *await listed_of_bids(connection, lot, added)]
        _require_only_adds(held, listed)
        assert opening.cut is not None
        cut = await leaf_opening(connection, opening.cut)
        statement = signed_closing(desk, lot, cut, listed, replaces=opening.closing)
        now = await platform_now(connection)
        await store.replace_closing(
            connection, opening, statement.sid, statement.body["list_root"], now
        )
        # Members answer anew; what they signed for the first list stays.
        await share_store.forget_answers(connection, lot.id)
        known = {one.tree for one in held}
        await list_store.insert_listed(connection, [one for one in listed if one.tree not in known])
        if opening.suspended_at is not None:
            await tender_store.move_lot(connection, lot, next_status(lot.status, "resume"))
        await keep_public(connection, lot, statement, now)
    return statement


async def _require_replaceable(connection: Connection, opening: Opening) -> None:
    require_not_ended(opening)
    require_phase(opening, CLOSED, PHASE1, PHASE2, PHASE3)
    if opening.closing is None or opening.list_root is None or opening.stage > 1:
        raise WrongPhase("a closing is replaced while the first stage is being opened")
    released, _ = await store.told_so_far(connection, opening.lot, RELEASED)
    if released:
        raise WrongPhase("a custodian has released; from then on the list stands as it is")


def _require_only_adds(held: Sequence[Listed], listed: Sequence[Listed]) -> None:
    before, after = list_entries(held), list_entries(listed)
    if not all(entry in after for entry in before):
        raise OtherClosing("a closing that replaces another keeps every entry of it as it is")
    if len(before) == len(after):
        raise NothingOmitted("the list has every bid that counts; there is nothing to add")

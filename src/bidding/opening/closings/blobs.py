"""Sealed files of the list: read back in phase 1, supplied again when damaged (sealing.md 9.8).

A file may come again only bit by bit the same, and only before anything is decrypted: otherwise
its bidder could decide on it after seeing prices. Phase 4 waits for it, but not for ever.
"""

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from bidding.bid import upload_store
from bidding.bid.checks import keys_in_force
from bidding.bid.desk import Desk
from bidding.bid.domain import Upload, UploadIncomplete
from bidding.bid.read_back import DAMAGED, UNREAD, WHOLE, blob_state
from bidding.bid.uploads import show_upload
from bidding.opening import list_store, store
from bidding.opening.domain import DONE, PHASE4, RECORD, Listed, Opening, WrongPhase
from bidding.sealing.refusals import WrongTree
from bidding.tender import store as tender_store
from bidding.tender.domain import NOT_OPENED, TERMINATED, Lot
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.statements.store import record_event

SHORTEST_WINDOW: Final = timedelta(seconds=900)
DAMAGED_EVENT: Final = "bidding:file:damaged"
RESUPPLIED_EVENT: Final = "bidding:file:resupplied"

log = logging.getLogger(__name__)


async def read_back(desk: Desk, lot_id: UUID) -> None:
    """Read every listed sealed file back; a damaged one is told at once and may come again."""
    async with reading(desk.db, "bidding") as connection:
        listed = await list_store.listed(connection, lot_id)
    for one in listed:
        if one.blob == UNREAD:
            state = await blob_state(desk, one.upload, one.size, one.tree)
            async with transaction(desk.db, "bidding") as connection:
                await _write(connection, lot_id, one, state)


async def _write(connection: Connection, lot_id: UUID, one: Listed, state: str) -> None:
    lot = await tender_store.lot_exclusive(connection, lot_id)
    opening = await store.opening(connection, lot_id)
    held = next(o for o in await list_store.listed(connection, lot_id) if o.tree == one.tree)
    if held.blob != UNREAD:
        # Supplied again meanwhile.
        return
    until = None
    if state in DAMAGED:
        now = await platform_now(connection)
        window = timedelta(seconds=(await keys_in_force(connection, lot)).body.w3_s)
        until = now + max(window, SHORTEST_WINDOW)
        log.error("a sealed file of lot %s is %s: tree %s", lot_id, state, one.tree)
        await _tell(connection, lot, opening, DAMAGED_EVENT, one.tree)
    await list_store.set_blob(connection, lot_id, one.tree, state, until)


async def resupply(desk: Desk, lot_id: UUID, tree: str, upload: UUID, secret: str) -> None:
    """Put a file that was uploaded again in the place of a damaged one; no login is needed.

    Refuses another file (`E_TREE`), one that has not all arrived, and everything from phase 4 on.
    """
    given = await show_upload(desk, upload, secret)
    if not given.complete:
        raise UploadIncomplete("expected the whole file again; send the parts that are missing")
    if given.tree.hex() != tree:
        raise WrongTree(f"expected the file {tree[:16]}…, got {given.tree.hex()[:16]}…")
    async with reading(desk.db, "bidding") as connection:
        places = await upload_store.uploads_of_tree(connection, lot_id, tree)
        if not places:
            raise WrongTree("no bid of this lot has this file; send the one that the receipt names")
        await _require_open(connection, lot_id, tree)
    if await blob_state(desk, given.id, given.size, tree) != WHOLE:
        raise UploadIncomplete("the file arrived damaged; upload it again")
    for place in places:
        await _copy(desk, given, place)
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        opening = await _require_open(connection, lot_id, tree)
        for place in places:
            await upload_store.set_upload_blob(connection, place, WHOLE)
        if opening is not None and opening.closing is not None:
            await list_store.set_blob(connection, lot_id, tree, WHOLE, None)
            await _tell(connection, lot, opening, RESUPPLIED_EVENT, tree)


async def _require_open(connection: Connection, lot_id: UUID, tree: str) -> Opening | None:
    """Refuse a file whose stage has come to phase 4 or is over, and a lot that is at its end."""
    lot = await tender_store.lot(connection, lot_id)
    opening = await store.find_opening(connection, lot_id)
    if lot.status in {NOT_OPENED, TERMINATED}:
        raise WrongPhase(f"a lot that is {lot.status} opens no file")
    if opening is None or opening.closing is None:
        return opening
    held = next((o for o in await list_store.listed(connection, lot_id) if o.tree == tree), None)
    if held is None:
        raise WrongTree("the closing does not list this file; send the one that the receipt names")
    is_over = held.stage is not None and held.stage < opening.stage
    is_now = held.stage == opening.stage and opening.phase in {PHASE4, RECORD, DONE}
    if is_over or is_now:
        raise WrongPhase("files may be supplied again until phase 4 begins; it has begun")
    return opening


async def _copy(desk: Desk, given: Upload, place: UUID) -> None:
    for index in range(len(given.parts)):
        part = await desk.objects.get(f"blobs/{given.id}/{index}")
        await desk.objects.put(f"blobs/{place}/{index}", part)


async def _tell(connection: Connection, lot: Lot, opening: Opening, name: str, tree: str) -> None:
    """Tell everybody that a file is damaged or came again: whose it is the tree does not say."""
    await record_event(
        connection,
        name,
        actor=None,
        group=lot.tender,
        scope=lot.id,
        turn=lot.round,
        data={"tree": tree, "stage": opening.stage},
        public=True,
    )

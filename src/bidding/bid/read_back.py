"""Reading stored files back: bit rot is found after the intake, not at the opening (7.1, 9.8)."""

import asyncio
import logging
from typing import Final
from uuid import UUID

from bidding.bid import upload_store
from bidding.bid.desk import Desk
from bidding.sealing.parts import PART, PartHasher
from foundation.database import reading, transaction
from foundation.objects import ObjectMissing

WHOLE: Final = "whole"
MISSING: Final = "missing"
CORRUPT: Final = "corrupt"
UNREAD: Final = "unread"
DAMAGED: Final = frozenset({MISSING, CORRUPT})

log = logging.getLogger(__name__)


async def blob_state(desk: Desk, upload: UUID, size: int, tree: str) -> str:
    """Read all parts of a stored file and say whether they still are the file of this tree."""
    hasher = PartHasher()
    try:
        for index in range(-(-size // PART)):
            part = await desk.objects.get(f"blobs/{upload}/{index}")
            await asyncio.to_thread(hasher.update, part)
    except ObjectMissing:
        return MISSING
    return WHOLE if hasher.tree() == tree else CORRUPT


async def read_back_taken_in(desk: Desk) -> int:
    """Read back the files of acts that were taken in since; return how many are damaged.

    Runs beside requests: a slow disk delays no intake. Whose file it is nobody is told but its
    bidder, who sees it with the act.
    """
    damaged = 0
    async with reading(desk.db, "bidding") as connection:
        unread = await upload_store.uploads_unread(connection)
    for upload in unread:
        state = await blob_state(desk, upload.id, upload.size, upload.tree.hex())
        async with transaction(desk.db, "bidding") as connection:
            await upload_store.set_upload_blob(connection, upload.id, state)
        if state in DAMAGED:
            damaged += 1
            log.error("a stored file is %s: upload %s; look at the disk", state, upload.id)
    return damaged

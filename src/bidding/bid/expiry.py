"""Uploads of which nothing came: sixty days after their last part they are deleted (6.1).

An upload that an act names is never touched, whatever became of the act: its bytes are evidence.
"""

from datetime import timedelta
from typing import Final

from bidding.bid import upload_store
from bidding.bid.desk import Desk
from foundation.clock import platform_now
from foundation.database import reading, transaction

# An intake that found an upload in time ends long before this; so none loses what it names.
GRACE: Final = timedelta(days=1)


async def delete_expired(desk: Desk) -> int:
    """Delete some expired uploads that no act names, first their parts; return how many."""
    async with reading(desk.db, "bidding") as connection:
        now = await platform_now(connection)
        expired = await upload_store.uploads_expired(connection, now - GRACE)
    for upload in expired:
        for index in range(len(upload.parts)):
            await desk.objects.delete(f"blobs/{upload.id}/{index}")
        async with transaction(desk.db, "bidding") as connection:
            await upload_store.delete_upload(connection, upload.id)
    return len(expired)

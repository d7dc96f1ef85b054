"""Uploads: sealed files that come in parts, before anybody says whose bid they are (7.1)."""

import hashlib
import secrets
from collections.abc import AsyncIterable, Sequence
from typing import Final
from uuid import UUID

from bidding.bid import upload_store
from bidding.bid.checks import check_head
from bidding.bid.desk import Desk
from bidding.bid.domain import (
    SESSION_LIMIT,
    UPLOAD_LASTS,
    UPLOAD_LIMIT,
    TooManyActs,
    UnknownUpload,
    Upload,
)
from bidding.sealing.parts import PART, PART_PREFIX, tree_of_parts
from bidding.sealing.refusals import NotSealed, WrongPart
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.problems import Invalid
from foundation.statements.canonical import FileTooLarge

MOST_PARTS: Final = 2049


async def begin_upload(
    desk: Desk, session: bytes, size: int, tree: str, parts: Sequence[str]
) -> tuple[UUID, str]:
    """Announce a sealed file; return the upload's id and its secret (a capability)."""
    if size > UPLOAD_LIMIT:
        raise FileTooLarge(f"expected at most {UPLOAD_LIMIT} bytes, got {size}")
    if not 1 <= len(parts) <= MOST_PARTS or len(parts) != -(-size // PART):
        raise Invalid(f"expected one hash for each part of {PART} bytes, got {len(parts)}")
    if tree_of_parts(list(parts)) != tree:
        raise Invalid("the tree is not the root of the part hashes; compute it again")
    secret = secrets.token_hex(32)
    async with transaction(desk.db, "bidding") as connection:
        if await upload_store.count_quota(connection, session, size) > SESSION_LIMIT:
            raise TooManyActs(f"one login may announce {SESSION_LIMIT} bytes; log in again later")
        upload_id = await upload_store.insert_upload(
            connection,
            secret_sha256=hashlib.sha256(bytes.fromhex(secret)).digest(),
            size=size,
            tree=bytes.fromhex(tree),
            parts=[bytes.fromhex(part) for part in parts],
            expires_at=await platform_now(connection) + UPLOAD_LASTS,
        )
    return upload_id, secret


async def store_part(
    desk: Desk,
    upload_id: UUID,
    secret: str,
    index: int,
    announced: str,
    blocks: AsyncIterable[bytes],
) -> bool:
    """Make one part durable while it arrives; return whether the upload is complete now.

    Part 0 is checked for everything that needs no key; a file that is not encrypted is refused
    with a prompt and its bytes are dropped, never opened.
    """
    async with desk.objects.arriving(PART_PREFIX) as part:
        await part.take(blocks, limit=PART)
        async with reading(desk.db, "bidding") as connection:
            upload = await _own_upload(connection, upload_id, secret)
        if not 0 <= index < len(upload.parts):
            raise Invalid(f"expected a part from 0 to {len(upload.parts) - 1}, got {index}")
        if part.sha256() != upload.parts[index] or announced != upload.parts[index].hex():
            raise WrongPart(f"part {index} does not have the hash that was announced")
        if index == 0:
            await _check_head(desk, upload, await part.content())
        await part.settle(f"blobs/{upload_id}/{index}")
    async with transaction(desk.db, "bidding") as connection:
        complete = await upload_store.mark_part(connection, upload_id, index, UPLOAD_LASTS)
    if complete is None:
        # Meanwhile its first part was refused: nothing of the file stays here.
        await desk.objects.delete(f"blobs/{upload_id}/{index}")
        raise UnknownUpload(f"no upload {upload_id}; begin again with POST /api/v1/uploads")
    return complete


async def _check_head(desk: Desk, upload: Upload, content: bytes) -> None:
    try:
        await check_head(desk, upload.size, content)
    except NotSealed:
        async with transaction(desk.db, "bidding") as connection:
            await upload_store.delete_upload(connection, upload.id)
        # Later parts may have come before the first one, which alone shows what the file is.
        for index in range(len(upload.parts)):
            await desk.objects.delete(f"blobs/{upload.id}/{index}")
        raise


async def show_upload(desk: Desk, upload_id: UUID, secret: str) -> Upload:
    """Return an upload with the list of its stored parts, to whoever holds its secret."""
    async with reading(desk.db, "bidding") as connection:
        return await _own_upload(connection, upload_id, secret)


async def _own_upload(connection: Connection, upload_id: UUID, secret: str) -> Upload:
    upload = await upload_store.upload(connection, upload_id)
    if not fits(secret, upload):
        raise UnknownUpload(f"no upload {upload_id}; begin again with POST /api/v1/uploads")
    return upload


def fits(secret: str, upload: Upload) -> bool:
    """Say whether a secret is that of an upload."""
    try:
        digest = hashlib.sha256(bytes.fromhex(secret)).digest()
    except ValueError:
        return False
    return secrets.compare_digest(digest, upload.secret_sha256)

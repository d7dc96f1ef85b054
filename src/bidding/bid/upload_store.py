"""SQL of uploads; their rows name no lot and no bidder."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from bidding.bid.domain import UnknownUpload, Upload
from foundation.database import Connection, Record

INSERT_UPLOAD: Final[LiteralString] = """
    INSERT INTO bidding.upload (secret_sha256, size, tree, parts, stored, expires_at)
    VALUES ($1, $2, $3, $4::bytea[], array_fill(false, ARRAY[cardinality($4::bytea[])]), $5)
 RETURNING id
"""


async def insert_upload(
    connection: Connection,
    *,
    secret_sha256: bytes,
    size: int,
    tree: bytes,
    parts: Sequence[bytes],
    expires_at: datetime,
) -> UUID:
    """Write an announced upload with no part stored yet; return its id."""
    upload_id: UUID = await connection.fetchval(
        INSERT_UPLOAD, secret_sha256, size, tree, list(parts), expires_at
    )
    return upload_id


COUNT_QUOTA: Final[LiteralString] = """
    INSERT INTO bidding.upload_quota (session, bytes)
    VALUES ($1, $2)
        ON CONFLICT (session) DO UPDATE SET bytes = upload_quota.bytes + excluded.bytes
 RETURNING bytes
"""


async def count_quota(connection: Connection, session: bytes, size: int) -> int:
    """Add to the bytes announced in a session; return the sum."""
    total: int = await connection.fetchval(COUNT_QUOTA, session, size)
    return total


UPLOAD: Final[LiteralString] = """
    SELECT id, secret_sha256, size, tree, parts, stored, complete, expires_at
      FROM bidding.upload
     WHERE id = $1
       AND expires_at > (SELECT foundation.platform_now())
"""


async def upload(connection: Connection, upload_id: UUID) -> Upload:
    """Return an upload; refuses an unknown one and one that is over."""
    row = await connection.fetchrow(UPLOAD, upload_id)
    if row is None:
        raise UnknownUpload(f"no upload {upload_id}; begin again with POST /api/v1/uploads")
    return _upload(row)


UPLOADS: Final[LiteralString] = """
    SELECT id, secret_sha256, size, tree, parts, stored, complete, expires_at
      FROM bidding.upload
     WHERE id = ANY ($1::uuid[])
  ORDER BY id
     LIMIT 100
"""


async def uploads(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Upload]:
    """Return several uploads by id; unknown ones are absent."""
    rows = await connection.fetch(UPLOADS, list(ids))
    return {row["id"]: _upload(row) for row in rows}


# Of acts only: what no act names yet may still be on its way.
UPLOADS_UNREAD: Final[LiteralString] = """
    SELECT u.id, u.secret_sha256, u.size, u.tree, u.parts, u.stored, u.complete, u.expires_at
      FROM bidding.upload AS u
     WHERE u.blob = 'unread'
       AND u.complete
       AND EXISTS (SELECT 1
                     FROM bidding.act AS a
                    WHERE a.envelopes @> jsonb_build_array(
                              jsonb_build_object('upload', u.id::text)))
  ORDER BY u.id
     LIMIT 20
"""


async def uploads_unread(connection: Connection) -> list[Upload]:
    """Return some of the uploads that an act names and that were not read back yet."""
    return [_upload(row) for row in await connection.fetch(UPLOADS_UNREAD)]


SET_UPLOAD_BLOB: Final[LiteralString] = """
    UPDATE bidding.upload
       SET blob = $2
     WHERE id = $1
"""


async def set_upload_blob(connection: Connection, upload_id: UUID, state: str) -> None:
    """Write what reading an upload back found."""
    await connection.execute(SET_UPLOAD_BLOB, upload_id, state)


DAMAGED_UPLOADS: Final[LiteralString] = """
    SELECT encode(tree, 'hex') AS tree
      FROM bidding.upload
     WHERE id = ANY ($1::uuid[])
       AND blob IN ('missing', 'corrupt')
  ORDER BY tree
"""


async def damaged_uploads(connection: Connection, ids: Sequence[UUID]) -> list[str]:
    """Return the trees of those uploads that were found damaged, sorted."""
    return [row["tree"] for row in await connection.fetch(DAMAGED_UPLOADS, list(ids))]


UPLOADS_OF_TREE: Final[LiteralString] = """
    SELECT DISTINCT (e ->> 'upload')::uuid AS upload
      FROM bidding.act AS a
CROSS JOIN jsonb_array_elements(a.envelopes) AS e
     WHERE a.lot = $1
       AND e ->> 'tree' = $2
"""


async def uploads_of_tree(connection: Connection, lot: UUID, tree: str) -> list[UUID]:
    """Return where the acts of a lot have the file of this tree."""
    return [row["upload"] for row in await connection.fetch(UPLOADS_OF_TREE, lot, tree)]


# The row lock of the update serialises two parts that arrive at once. The mark of a part that is
# not the last need not be synced: a crash that loses it costs that part sent once more, and the
# commit of the last one makes every earlier mark durable.
MARK_PART: Final[LiteralString] = """
    UPDATE bidding.upload
       SET stored[$2 + 1] = true,
           complete = NOT (false = ANY (stored[:$2] || stored[$2 + 2:])),
           expires_at = (SELECT foundation.platform_now()) + $3
     WHERE id = $1
 RETURNING complete,
           CASE WHEN NOT complete THEN set_config('synchronous_commit', 'off', true) END
"""


async def mark_part(
    connection: Connection, upload_id: UUID, index: int, lasts: timedelta
) -> bool | None:
    """Mark a durable part of an upload that lasts so long from now on.

    Return whether the upload is complete now, None if it is gone.
    """
    complete: bool | None = await connection.fetchval(MARK_PART, upload_id, index, lasts)
    return complete


UPLOADS_EXPIRED: Final[LiteralString] = """
    SELECT u.id, u.secret_sha256, u.size, u.tree, u.parts, u.stored, u.complete, u.expires_at
      FROM bidding.upload AS u
     WHERE u.expires_at < $1
       AND NOT EXISTS (SELECT 1
                         FROM bidding.act AS a
                        WHERE a.envelopes @> jsonb_build_array(
                                  jsonb_build_object('upload', u.id::text)))
  ORDER BY u.id
     LIMIT 100
"""


async def uploads_expired(connection: Connection, before: datetime) -> list[Upload]:
    """Return some of the uploads that expired before a time and that no act names."""
    return [_upload(row) for row in await connection.fetch(UPLOADS_EXPIRED, before)]


DELETE_UPLOAD: Final[LiteralString] = """
    DELETE FROM bidding.upload
     WHERE id = $1
"""


async def delete_upload(connection: Connection, upload_id: UUID) -> None:
    """Forget an upload whose bytes were refused, or of which nothing came."""
    await connection.execute(DELETE_UPLOAD, upload_id)


def _upload(row: Record) -> Upload:
    return Upload(
        id=row["id"],
        secret_sha256=row["secret_sha256"],
        size=row["size"],
        tree=row["tree"],
        parts=tuple(row["parts"]),
        stored=tuple(row["stored"]),
        complete=row["complete"],
        expires_at=row["expires_at"],
    )

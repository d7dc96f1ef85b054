"""Routes of the evidence package and of what the opening published."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath

from bidding.opening.results.transcript import transcript
from foundation.database import reading
from foundation.ledger.log import LeafNotSigned, latest_checkpoint
from sunbid.export import late_leaves, make_package


@get("/api/v1/lots/{lot:uuid}/package", tags=["evidence"])
async def fetch_package(request: Request[Any, Any, Any], lot: FromPath[UUID]) -> Response[bytes]:
    """Fetch the evidence package of a lot, for `sunbid verify`."""
    content = await make_package(request.app.state.desk, lot)
    return Response(
        content,
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="sunbid-{lot}.zip"'},
    )


@get("/api/v1/lots/{lot:uuid}/transcript", tags=["evidence"])
async def fetch_transcript(request: Request[Any, Any, Any], lot: FromPath[UUID]) -> dict[str, Any]:
    """Fetch the transcript of an opening, once its record is signed."""
    async with reading(request.app.state.desk.db, "bidding") as connection:
        return await transcript(request.app.state.desk, connection, lot)


@get("/api/v1/lots/{lot:uuid}/leaves", tags=["evidence"])
async def fetch_late_leaves(request: Request[Any, Any, Any], lot: FromPath[UUID]) -> dict[str, Any]:
    """Fetch the leaves of a lot that was ended or not opened, a year after it."""
    return await late_leaves(request.app.state.desk, lot)


@get("/api/v1/ledger/checkpoint", tags=["evidence"])
async def newest_checkpoint(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The newest signed checkpoint of the ledger, as a note."""
    async with reading(request.app.state.desk.db, "foundation") as connection:
        newest = await latest_checkpoint(connection)
    if newest is None:
        raise LeafNotSigned("the ledger has no signed checkpoint yet; ask again after a tick")
    return {"size": newest.size, "note": newest.note}


routes: Final = [newest_checkpoint, fetch_package, fetch_transcript, fetch_late_leaves]

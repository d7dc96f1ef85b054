"""Routes of committing to a pool and of drawing."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from experts.drawing import service
from experts.drawing.domain import Kind
from foundation.draw import Constraints
from foundation.identity.request import signed_in

AnyRequest = Request[Any, Any, Any]


class WishBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many experts of which speciality are drawn."""

    seats: int
    reserve: int
    speciality: str | None
    at_most_per_employer: int | None


class DrawBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is drawn: the float point, the experts, or the blind codes."""

    kind: Kind


@post("/api/v1/lots/{lot:uuid}/pool", tags=["draws"])
async def commit_pool(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[WishBody]
) -> dict[str, Any]:
    """Fix the list of experts before the deadline; for the agency."""
    wish = Constraints(
        seats=data.seats,
        reserve=data.reserve,
        speciality=data.speciality,
        at_most_per_employer=data.at_most_per_employer,
    )
    db = request.app.state.desk.db
    committed = await service.commit_pool(db, signed_in(request), lot, wish)
    return {"pool_sha256": committed.pool_sha256, "experts": len(committed.pool)}


@get("/api/v1/lots/{lot:uuid}/seed", tags=["draws"])
async def seed_state(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Who committed and revealed, and what has been drawn; for everybody."""
    return await service.seed_state(request.app.state.desk.db, lot)


@post("/api/v1/lots/{lot:uuid}/draws", tags=["draws"])
async def offer_draw(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[DrawBody]
) -> dict[str, Any]:
    """Draw and offer the outcome for signature; for the agency."""
    db = request.app.state.desk.db
    return {"paper": await service.offer_draw(db, signed_in(request), lot, data.kind)}


routes: Final = [commit_pool, seed_state, offer_draw]

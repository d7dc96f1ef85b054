"""Routes of candidates, committee, votes and award."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from bidding.award import service
from foundation.identity.request import actor_of, signed_in

AnyRequest = Request[Any, Any, Any]


class CommitteeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The registered members who will vote."""

    members: list[UUID]


@post("/api/v1/lots/{lot:uuid}/committee", tags=["award"])
async def appoint_committee(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[CommitteeBody]
) -> dict[str, Any]:
    """Appoint the award committee; for the buyer."""
    db = request.app.state.desk.db
    await service.appoint_committee(db, signed_in(request), lot, data.members)
    return {"members": len(data.members)}


@post("/api/v1/lots/{lot:uuid}/candidates", tags=["award"])
async def announce_candidates(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Publish the candidates and start the standstill; for the agency."""
    db = request.app.state.desk.db
    standstill = await service.announce_candidates(db, signed_in(request), lot)
    return {"starts_at": standstill.starts_at, "ends_at": standstill.ends_at}


@get("/api/v1/lots/{lot:uuid}/award", tags=["award"])
async def award_material(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Published candidates and the standstill; to the parties and members the open ballot too."""
    return await service.award_material(request.app.state.desk.db, actor_of(request), lot)


@post("/api/v1/lots/{lot:uuid}/award", tags=["award"])
async def propose_award(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Offer the award for the buyer's signature."""
    db = request.app.state.desk.db
    return {"paper": await service.propose_award(db, signed_in(request), lot)}


routes: Final = [appoint_committee, announce_candidates, award_material, propose_award]

"""Pages of candidates, the committee's vote, and the award."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from bidding.award import service
from bidding.tender import service as tender
from foundation.identity import Actor, require
from foundation.identity.request import signed_in
from foundation.statements.signed import unsigned
from foundation.web import AnyRequest, page
from sunbid.pages.award import candidates_view, vote_view
from sunbid.pages.facts import evaluated, read_now
from sunbid.web.login import start_signing


class BallotForm(msgspec.Struct, frozen=True):
    """The candidate that a member chose."""

    candidate: UUID


@get(["/lots/{lot:uuid}/candidates", "/lots/{lot:uuid}/award"], include_in_schema=False)
async def candidates(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """The candidates in their standstill; after the award, the award notice."""
    found = await evaluated(request.app.state.desk.db, lot)
    return await page(request, "award/candidates.html", candidates_view(found))


@get("/lots/{lot:uuid}/vote", include_in_schema=False)
async def ballot(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """The ballot paper of the award committee."""
    db, actor = request.app.state.desk.db, require(signed_in(request), "committee", "buyer")
    held, _ = await tender.show_lot(db, actor, lot)
    found = await service.award_material(db, actor, lot)
    view = vote_view(held, found, member_of(found, actor), await read_now(db))
    return await page(request, "award/vote.html", view)


def member_of(found: dict[str, Any], actor: Actor) -> str | None:
    """The committee's id of whoever is logged in."""
    members = (m for m in found["members"] if actor.kid and m["kid"] == actor.kid)
    return next((str(m["member"]) for m in members), None)


@post("/lots/{lot:uuid}/vote", include_in_schema=False)
async def cast(
    request: AnyRequest,
    lot: FromPath[UUID],
    data: Annotated[BallotForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Send the ballot to the member's device."""
    actor = require(signed_in(request), "committee")
    found = await service.award_material(request.app.state.desk.db, actor, lot)
    body = {
        **{name: found[name] for name in ("v", "tender", "lot", "round")},
        "ballot": found["ballot"],
        "member": member_of(found, actor),
        "candidate": str(data.candidate),
    }
    return await start_signing(request, unsigned("vote", body), f"/lots/{lot}/vote")


routes: Final = [candidates, ballot, cast]

"""Routes of mandates: what a company gave, or what a key has."""

from typing import Any, Final

from litestar import Request, get

from bidding.participant import service
from bidding.participant.domain import Given, state_of
from foundation.clock import platform_now
from foundation.database import reading
from foundation.identity import require
from foundation.identity.actor import OPERATOR
from foundation.identity.request import signed_in

AnyRequest = Request[Any, Any, Any]


@get("/api/v1/mandates", tags=["mandates"])
async def list_mandates(request: AnyRequest) -> list[dict[str, Any]]:
    """List the mandates that one's company gave; to an operator, those of its own key."""
    office = request.app.state.desk
    actor = require(signed_in(request), "bidder", OPERATOR)
    if actor.role == OPERATOR:
        found = await service.mandates_of_operator(office, actor.kid or "", actor.subject or "")
    else:
        found = await service.mandates_of(office, actor.subject or "")
    async with reading(office.db, "bidding") as connection:
        now = await platform_now(connection)
    return [mandate_json(given, state_of(given, now)) for given in found]


def mandate_json(given: Given, state: str) -> dict[str, Any]:
    """Return a mandate as its company sees it."""
    body = given.body
    return {
        "sid": given.statement.sid,
        "state": state,
        "kid": body.operator.kid,
        "scope": list(body.scope),
        "tenders": body.tenders,
        "not_before": body.not_before,
        "not_after": body.not_after,
    }


routes: Final = [list_mandates]

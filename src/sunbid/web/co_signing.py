"""A member of a consortium signs the list of the joint bid; nothing of it is kept here."""

from typing import Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from foundation.identity import require
from foundation.identity.actor import OPERATOR
from foundation.identity.request import signed_in
from foundation.web import AnyRequest, page
from sunbid.pages.co_signing import CoSignView
from sunbid.web.own_acts import BIDDERS


@get("/bids/co-sign", include_in_schema=False)
async def co_sign(request: AnyRequest) -> Response[str]:
    """Open the lead's list and sign it."""
    return await page(request, "bid/co-sign.html", _view(request, None))


@get("/bids/co-sign/{challenge:uuid}", include_in_schema=False)
async def co_signed(request: AnyRequest, challenge: FromPath[UUID]) -> Response[str]:
    """The signature that the phone gave, as a file for the lead."""
    return await page(request, "bid/co-sign.html", _view(request, str(challenge)))


def _view(request: AnyRequest, challenge: str | None) -> CoSignView:
    actor = require(signed_in(request), *BIDDERS)
    return CoSignView(
        uscc=actor.subject or "",
        name=actor.name,
        is_operator=actor.role == OPERATOR,
        is_demo=request.app.state.get("clock") == "demo",
        challenge=challenge,
    )


routes: Final = [co_sign, co_signed]

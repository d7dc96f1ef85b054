"""The page on which a company lets colleagues act for it; each change is signed on the phone."""

import json
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect

from bidding.participant import service
from bidding.participant.domain import NoMandate, refuse_new
from bidding.sealing.bodies import Mandate
from bidding.tender import service as tender
from foundation.identity import Actor, require
from foundation.identity.actor import OPERATOR
from foundation.identity.request import signed_in
from foundation.statements.canonical import time_text
from foundation.statements.signed import decode_body, unsigned
from foundation.web import AnyRequest, page
from sunbid.pages.facts import read_now
from sunbid.pages.lifecycle import group_of
from sunbid.pages.mandates import mandates_view
from sunbid.web.login import start_signing

HOME: Final = "/mandates"
LARGEST_KEY: Final = 1000


class GiveForm(msgspec.Struct, frozen=True):
    """The colleague's public file, and what it may do."""

    operator: Annotated[str, msgspec.Meta(max_length=LARGEST_KEY)]
    days: int
    submit: str = ""
    withdraw: str = ""
    release: str = ""
    # Empty: every tender.
    tender: str = ""


@get("/mandates", include_in_schema=False)
async def own_mandates(request: AnyRequest) -> Response[str]:
    """The mandates of a company; an operator sees those of its own key."""
    desk, actor = request.app.state.desk, require(signed_in(request), "bidder", OPERATOR)
    if actor.role == OPERATOR:
        found = await service.mandates_of_operator(desk, actor.kid or "", actor.subject or "")
    else:
        found = await service.mandates_of(desk, actor.subject or "")
    lots = await tender.find_lots(desk.db, None, None)
    titles = {str(lot.tender): lot.tender_title for lot in lots if group_of(lot) == "bidding"}
    view = mandates_view(
        found, await read_now(desk.db), is_company=actor.role != OPERATOR, titles=titles
    )
    return await page(request, "bid/mandates.html", view)


@post("/mandates", include_in_schema=False)
async def give(request: AnyRequest, data: URLEncodedBody[GiveForm]) -> Redirect:
    """Ask the company's phone to sign a mandate; refuses one that could never be used."""
    desk, actor = request.app.state.desk, _company(request)
    now = await read_now(desk.db)
    asked = unsigned(
        "mandate",
        {
            "v": 1,
            "mandate_id": str(uuid4()),
            "uscc": actor.subject,
            "operator": _operator(data.operator),
            "scope": [part for part in ("submit", "withdraw", "release") if getattr(data, part)],
            "tenders": [data.tender] if data.tender else None,
            "not_before": time_text(now),
            "not_after": time_text(now + timedelta(days=data.days)),
        },
    )
    body = decode_body(asked, Mandate)
    refuse_new(body, now)
    service.check_key(body)
    return await start_signing(request, asked, HOME)


@post("/mandates/{sid:str}/revoke", include_in_schema=False)
async def revoke(request: AnyRequest, sid: FromPath[str]) -> Redirect:
    """Ask the company's phone to sign the end of a mandate."""
    actor = _company(request)
    asked = unsigned("mandate-revoke", {"v": 1, "mandate": sid, "uscc": actor.subject})
    return await start_signing(request, asked, HOME)


def _company(request: AnyRequest) -> Actor:
    return require(signed_in(request), "bidder")


def _operator(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NoMandate(
            'expected the public file of the colleague\'s key, {"person_tag", "kid", "alg", "pk"}; '
            "the colleague makes it with `sunbid mandate key`"
        )
    return found


routes: Final = [own_mandates, give, revoke]

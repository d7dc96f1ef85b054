"""The bidder's pages from folders to a receipt, and what their script asks of the platform."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from bidding.bid import refusal
from bidding.bid.desk import Desk as PlatformDesk
from bidding.bid.domain import Act, UnknownAct
from bidding.tender import service as tender
from bidding.tender.domain import Lot, WrongStatus
from foundation.identity import challenge as challenges
from foundation.identity import require
from foundation.identity.domain import ChallengeRefused, refuse_answer
from foundation.identity.request import signed_in
from foundation.web import AnyRequest, page
from sunbid.pages.bid import without_action
from sunbid.pages.bid_state import BidState, bid_state
from sunbid.pages.facts import read_now
from sunbid.pages.sealing import Desk, HandInView, SealView, hand_in_view, seal_view, withdraw_view
from sunbid.pages.tender import bids_deadline
from sunbid.web.authentication import browser_of
from sunbid.web.login import start_signing
from sunbid.web.own_acts import (
    BIDDERS,
    MANIFEST,
    acts_of_session,
    bidder_of,
    refusals_of_session,
    use_up,
    withdrawal_of,
)

# As much as tells a line's speed within seconds, and no more than a page's body may have.
LARGEST_MEASURE: Final = 1024 * 1024


class NothingToWithdraw(WrongStatus):
    """There is no bid of yours that could be withdrawn now."""

    code = "nothing-to-withdraw"


class SignedAct(msgspec.Struct, frozen=True):
    """A signed act, for the browser that asked for the signature."""

    statement: dict[str, Any]


class NoFields(msgspec.Struct, frozen=True):
    """A form of one button."""


async def own_state(request: AnyRequest, lot: UUID) -> tuple[Lot, BidState, list[Act]]:
    """The lot, where its bidder stands, and the bidder's acts; refuses everybody else."""
    actor = require(signed_in(request), *BIDDERS)
    held, _ = await tender.show_lot(request.app.state.desk.db, actor, lot)
    acts = await acts_of_session(request, lot)
    return held, bid_state(held, acts, await bidder_of(request, lot)), acts


@get("/lots/{lot:uuid}/bid/seal", include_in_schema=False)
async def seal(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """Seal the volumes in the browser and upload them."""
    return await page(request, "bid/seal.html", await _seal_view(request, lot, "seal"))


@get("/lots/{lot:uuid}/bid/check", include_in_schema=False)
async def check(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """Everything that is about to be handed in, on one page."""
    return await page(request, "bid/check.html", await _seal_view(request, lot, "check"))


async def _seal_view(request: AnyRequest, lot: UUID, here: str) -> SealView:
    held, state, acts = await own_state(request, lot)
    now = await read_now(request.app.state.desk.db)
    deadline = without_action(bids_deadline(held, now, is_bidder=True))
    return seal_view(held, state, acts, deadline, page_desk(request), here)


def page_desk(request: AnyRequest) -> Desk:
    """What the script of these pages is told of the platform."""
    state = request.app.state
    return Desk(
        frame=state.get("seal_url"),
        is_demo=state.get("clock") == "demo",
        has_app_key=True,
    )


@get("/lots/{lot:uuid}/bid/hand-in/{challenge:uuid}", include_in_schema=False)
async def hand_in(
    request: AnyRequest, lot: FromPath[UUID], challenge: FromPath[UUID]
) -> Response[str]:
    """The page from which a signed bid goes out; its script knows the uploads."""
    held, state, _ = await own_state(request, lot)
    view: HandInView = hand_in_view(held, state, str(challenge))
    return await page(request, "bid/hand-in.html", view)


@post("/api/v1/challenges/{challenge:uuid}/signature", tags=["identity"], status_code=200)
async def fetch_signature(request: AnyRequest, challenge: FromPath[UUID]) -> SignedAct:
    """The browser that asked gets the act that the phone signed, and hands it in itself.

    Asked again, the same browser gets the same: an answer that was lost costs nothing.
    """
    desk: PlatformDesk = request.app.state.desk
    actor = signed_in(request)
    browser = browser_of(request, request.app.state.settings)
    found, own = await challenges.read_challenge(desk.db, challenge, browser)
    if found.statement.type != MANIFEST or found.actor != actor.id:
        raise ChallengeRefused("expected the code of a bid that you asked to sign, got another")
    if not own or found.signed is None:
        raise refuse_answer(found)
    if found.state != "consumed":
        await use_up(request, found)
    return SignedAct(statement=found.signed.json())


@get("/lots/{lot:uuid}/bid/withdraw", include_in_schema=False)
async def withdraw(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """What a withdrawal does, before it is asked for."""
    held, state, _ = await own_state(request, lot)
    return await page(request, "bid/withdraw.html", withdraw_view(held, state))


@post("/lots/{lot:uuid}/bid/withdraw", include_in_schema=False)
async def begin_withdrawal(
    request: AnyRequest,
    lot: FromPath[UUID],
    data: Annotated[NoFields, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Have the withdrawal signed on the phone; it goes out when that is done."""
    held, state, _ = await own_state(request, lot)
    if withdraw_view(held, state).seq is None:
        raise NothingToWithdraw("expected a bid that counts before its deadline; look at your acts")
    now = await read_now(request.app.state.desk.db)
    statement = withdrawal_of(held, state, now)
    return await start_signing(request, statement, f"/lots/{lot}/bid")


@get("/lots/{lot:uuid}/bid/refusals/{sid:str}", include_in_schema=False)
async def fetch_refusal(
    request: AnyRequest, lot: FromPath[UUID], sid: FromPath[str]
) -> Response[bytes]:
    """A signed refusal of one's own act, as a file."""
    require(signed_in(request), *BIDDERS)
    own = {one.refusal for one in await refusals_of_session(request, lot)}
    own |= {act.refusal for act in await acts_of_session(request, lot) if act.refusal is not None}
    if sid not in own:
        raise UnknownAct(f"no refusal {sid[:16]}… of yours")
    statement = await refusal.show_refusal(request.app.state.desk, sid)
    name = f'attachment; filename="refusal-{sid[:16]}.json"'
    return Response(
        statement.file(),
        media_type="application/json",
        headers={"Content-Disposition": name, "Cache-Control": "no-store"},
    )


@post("/api/v1/upload-speed", tags=["bids"], request_max_body_size=LARGEST_MEASURE, status_code=204)
async def measure(request: AnyRequest) -> None:
    """Take some bytes and forget them: how long they took tells a bidder its line's speed."""
    signed_in(request)
    await request.body()


routes: Final = [
    seal,
    check,
    hand_in,
    fetch_signature,
    withdraw,
    begin_withdrawal,
    fetch_refusal,
    measure,
]

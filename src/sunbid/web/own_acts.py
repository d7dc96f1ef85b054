"""A bidder's own acts from its browser: who it is, what it handed in, and how an act goes on."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar.response import Redirect

from bidding.bid import refusal, service
from bidding.bid.desk import Desk
from bidding.bid.domain import Act, DoorRefusal
from bidding.licence.profile import licence_signers
from bidding.sealing.bodies import Manifest, Withdraw
from bidding.tender.domain import Lot
from foundation.identity import challenge as challenges
from foundation.identity.actor import OPERATOR
from foundation.identity.domain import Challenge, ChallengeRefused
from foundation.identity.request import place_of, session_signed_in
from foundation.problems import Refused
from foundation.statements.canonical import Json, time_text
from foundation.statements.signed import Statement, decode_body, unsigned
from foundation.web import AnyRequest
from sunbid.pages.bid_state import Bidder, BidState
from sunbid.web.authentication import browser_of

# A company with its licence, or a colleague under its mandate.
BIDDERS: Final = ("bidder", OPERATOR)
MANIFEST: Final = "manifest"
WITHDRAW: Final = "withdraw"


async def acts_of_session(request: AnyRequest, lot: UUID) -> list[Act]:
    """The acts of whoever is logged in, by the token that this login gets for the lot."""
    desk: Desk = request.app.state.desk
    session = session_signed_in(request)
    token = await service.make_token(desk, session, lot)
    return await service.own_acts(desk, lot, token, session.actor.subject or "")


async def refusals_of_session(request: AnyRequest, lot: UUID) -> list[DoorRefusal]:
    """What was refused at the door to whoever is logged in."""
    desk: Desk = request.app.state.desk
    session = session_signed_in(request)
    token = await service.make_token(desk, session, lot)
    return await refusal.own_refusals(desk, lot, token, session.actor.subject or "")


async def bidder_of(request: AnyRequest, lot: UUID) -> Bidder:
    """The company that whoever is logged in acts for, and the mandate where it is a colleague."""
    desk: Desk = request.app.state.desk
    session = session_signed_in(request)
    actor = session.actor
    given = await service.mandate_of_session(desk, session, lot)
    if given is None:
        return Bidder(uscc=actor.subject or "", name=actor.name, mandate=None)
    company = licence_signers(given.statement, desk.anchors, given.accepted_at)[0]
    return Bidder(uscc=company.uscc, name=company.name, mandate=given.statement.sid)


def withdrawal_of(lot: Lot, state: BidState, now: datetime) -> Statement:
    """The statement that withdraws a bidder's bid, to be signed on the phone."""
    body: dict[str, Json] = {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "seq": state.next_seq,
        "prev": state.prev,
        "bidder": {"uscc": state.bidder.uscc, "name": state.bidder.name},
        "mandate": state.bidder.mandate,
        "client_time": time_text(now),
    }
    return unsigned(WITHDRAW, body)


async def finish_act(request: AnyRequest, signed: Challenge) -> Redirect | None:
    """Go on with an act that the phone has signed; None for every other statement.

    A bid goes out from the page that knows its uploads, and what a member of a consortium signed
    becomes a file in its browser; a withdrawal needs neither and goes out here.
    """
    if signed.statement.type not in {MANIFEST, WITHDRAW} or signed.signed is None:
        return None
    if signed.statement.type == MANIFEST:
        bid = decode_body(signed.statement, Manifest)
        is_lead = bid.bidder.uscc == session_signed_in(request).actor.subject
        page = f"/lots/{bid.lot}/bid/hand-in" if is_lead else "/bids/co-sign"
        return Redirect(f"{page}/{signed.id}", status_code=303)
    lot = UUID(decode_body(signed.statement, Withdraw).lot)
    home = f"/lots/{lot}/bid"
    if signed.state == "consumed":
        return Redirect(home, status_code=303)
    try:
        await hand_in_own(request, lot, signed.signed)
    except Refused as refused:
        await use_up(request, signed)
        # With a signed refusal the bidder's page shows it, and where to get it.
        if "refusal" not in refused.extra:
            raise
    else:
        # Taken in by its sid: the challenge may be used up afterwards without losing anything.
        await use_up(request, signed)
    return Redirect(home, status_code=303)


async def hand_in_own(request: AnyRequest, lot: UUID, statement: Statement) -> None:
    """Take in an act without uploads for whoever is logged in."""
    state: Any = request.app.state
    token = await service.make_token(state.desk, session_signed_in(request), lot)
    handed = service.Handed(statement=statement, uploads=(), token=token, address=place_of(request))
    act, is_new = await service.take_in(state.desk, handed)
    if is_new:
        state.background.start(service.decide(state.desk, act, statement))


async def use_up(request: AnyRequest, signed: Challenge) -> None:
    """Use a challenge up; one that was used up at the same moment stays so."""
    browser = browser_of(request, request.app.state.settings) or ""
    try:
        await challenges.use_signature(request.app.state.desk.db, signed.id, browser)
    except ChallengeRefused:
        return

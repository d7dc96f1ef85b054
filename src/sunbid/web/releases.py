"""Keys of one lot inside the licence app: made while sealing, used at the opening by a scan.

A request to the app is carried by the browser as a token that only the platform opens and that
names lot and holder, so that nobody goes on with another's request.
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from bidding.bid import service
from bidding.bid.desk import Desk
from bidding.licence.authority import Declined, Expired, NoConsent, Pending, SignRequest, SignTicket
from bidding.opening.releases.own import (
    NothingToRelease,
    OwnEnvelopes,
    own_envelopes,
    release_by_licence,
    shown_to_bidder,
)
from foundation.identity import require
from foundation.identity.request import session_of, session_signed_in, signed_in
from foundation.problems import Refused
from foundation.statements.canonical import BadField, b64, unb64
from foundation.web import AnyRequest, page
from sunbid.pages.charts import qr_svg
from sunbid.pages.release import ReleaseView, release_view
from sunbid.web.identity_desk import desk_of
from sunbid.web.own_acts import BIDDERS
from sunbid.web.sealing import page_desk

LABEL: Final = b"sunbid/licence-request/v1"
NONCE: Final = 12


class OpeningTicket(msgspec.Struct, frozen=True):
    """A request that waits in the licence app."""

    ticket: str
    consent_url: str | None
    qr: str | None


class OpeningKeyState(msgspec.Struct, frozen=True):
    """Where the request stands: pending, declined, expired, none or ready with the key."""

    state: str
    kid: str | None = None
    pk: str | None = None


class OwnHead(msgspec.Struct, frozen=True):
    """Header and wraps of one own envelope whose half is not here yet."""

    tree: str
    volume: str
    header: str
    wraps: str


class OwnHeads(msgspec.Struct, frozen=True):
    """What a bidder's browser needs to release its halves by itself.

    `shown` is the closing with the proofs that the sealing frame asks for before it gives a half.
    """

    closing: str
    stage: int
    open: bool
    heads: list[OwnHead]
    shown: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """The page that waits for the licence app."""

    lot_id: str
    code: str
    consent_url: str | None


def seal_ticket(desk: Desk, lot: UUID, holder: str, asked: SignTicket) -> str:
    """The request as its browser carries it."""
    nonce = secrets.token_bytes(NONCE)
    content = f"{asked.id}\n{asked.consent_url or ''}".encode()
    sealed = AESGCM(desk.token_key).encrypt(nonce, content, LABEL + lot.bytes + holder.encode())
    return b64(nonce + sealed)


def open_ticket(desk: Desk, lot: UUID, holder: str, token: str) -> SignTicket:
    """The request again; refuses one of another lot, of another holder, or none of ours."""
    try:
        raw = unb64(token)
        bound = LABEL + lot.bytes + holder.encode()
        content = AESGCM(desk.token_key).decrypt(raw[:NONCE], raw[NONCE:], bound)
    except (InvalidTag, ValueError, BadField):
        raise NoConsent("expected a request of yours for this lot, got another; ask anew") from None
    id_, _, url = content.decode().partition("\n")
    return SignTicket(id=id_, consent_url=url or None)


async def ask_licence(request: AnyRequest, lot: UUID) -> tuple[str, str | None]:
    """Ask the holder's app for the keys of a lot; return the token and the page of consent."""
    desk: Desk = request.app.state.desk
    holder = require(signed_in(request), *BIDDERS).subject or ""
    asked = SignRequest(holder=holder, host=desk_of(request).host, purpose="opening", lot=lot)
    ticket = await desk.authority.begin(asked)
    return seal_ticket(desk, lot, holder, ticket), ticket.consent_url


@post("/api/v1/lots/{lot:uuid}/licence-keys", tags=["bids"])
async def begin_key(request: AnyRequest, lot: FromPath[UUID]) -> OpeningTicket:
    """Ask the licence app to make a key for this lot, with which a scan opens the bid later."""
    token, url = await ask_licence(request, lot)
    return OpeningTicket(
        ticket=token, consent_url=url, qr=None if url is None else qr_svg(url, "QR")
    )


@get("/api/v1/lots/{lot:uuid}/licence-keys/{ticket:str}", tags=["bids"])
async def show_key(
    request: AnyRequest, lot: FromPath[UUID], ticket: FromPath[str]
) -> OpeningKeyState:
    """Whether the app has made the key, and its public half."""
    desk: Desk = request.app.state.desk
    held = open_ticket(desk, lot, require(signed_in(request), *BIDDERS).subject or "", ticket)
    match await desk.authority.poll(held.id):
        case Pending():
            return OpeningKeyState(state="pending")
        case Declined():
            return OpeningKeyState(state="declined")
        case Expired():
            return OpeningKeyState(state="expired")
    key = await desk.authority.opening_key(held.id, lot)
    if key is None:
        return OpeningKeyState(state="none")
    return OpeningKeyState(state="ready", kid=key.kid, pk=b64(key.public))


async def own_of_session(request: AnyRequest, lot: UUID) -> OwnEnvelopes | None:
    """The envelopes of whoever is logged in, by the token that this login gets."""
    desk: Desk = request.app.state.desk
    session = session_signed_in(request)
    token = await service.make_token(desk, session, lot)
    return await own_envelopes(desk, lot, token, session.actor.subject or "")


async def bidders_part(request: AnyRequest, lot: UUID) -> ReleaseView | None:
    """What the hall shows to a bidder of its own, or None for everybody else."""
    session = session_of(request)
    if session is None or session.actor.role not in BIDDERS:
        return None
    try:
        own = await own_of_session(request, lot)
    except Refused:
        # The hall is for everybody; while the signer is away it shows no own part.
        return None
    if own is None:
        return None
    return release_view(str(lot), session.actor.subject or "", own, page_desk(request))


@get("/api/v1/lots/{lot:uuid}/own-heads", tags=["opening"])
async def show_heads(request: AnyRequest, lot: FromPath[UUID]) -> OwnHeads:
    """Header and wraps of one's own envelopes, so that a browser without its files can release."""
    require(signed_in(request), *BIDDERS)
    own = await own_of_session(request, lot)
    if own is None:
        raise NothingToRelease("expected a bid of yours in the list of this opening, got none")
    return OwnHeads(
        closing=own.closing,
        stage=own.stage,
        open=own.is_open,
        heads=[
            OwnHead(tree=one.tree, volume=one.volume, header=b64(one.header), wraps=b64(one.wraps))
            for one in own.waiting
        ],
        shown=await shown_to_bidder(request.app.state.desk, lot, own.listed[0].act),
    )


@get("/api/v1/lots/{lot:uuid}/entries/{manifest:str}", tags=["opening"])
async def show_entry(
    request: AnyRequest, lot: FromPath[UUID], manifest: FromPath[str]
) -> dict[str, Any]:
    """The closing with one bid's entry and their proofs; for whoever knows its manifest's sid.

    No login is needed, as for the release itself.
    """
    return await shown_to_bidder(request.app.state.desk, lot, manifest)


@post("/lots/{lot:uuid}/opening/licence", include_in_schema=False)
async def begin_release(request: AnyRequest, lot: FromPath[UUID]) -> Redirect:
    """Ask the licence app to decrypt one's bid; leads to the page that waits for it."""
    token, _ = await ask_licence(request, lot)
    return Redirect(f"/lots/{lot}/opening/licence/{token}", status_code=303)


@get("/lots/{lot:uuid}/opening/licence/{ticket:str}", include_in_schema=False)
async def wait_for_licence(
    request: AnyRequest, lot: FromPath[UUID], ticket: FromPath[str]
) -> Response[Any]:
    """Wait for the holder's consent; then the halves are unwrapped in the app and taken in."""
    desk: Desk = request.app.state.desk
    holder = require(signed_in(request), *BIDDERS).subject or ""
    held = open_ticket(desk, lot, holder, ticket)
    match await desk.authority.poll(held.id):
        case Pending():
            return await page(request, "bid/consent.html", consent_view(lot, held))
        case Declined() | Expired():
            raise NoConsent("the holder said no, or nobody answered in time; ask again in the hall")
    own = await own_of_session(request, lot)
    if own is None:
        raise NothingToRelease("expected a bid of yours in the list of this opening, got none")
    if own.waiting:
        await release_by_licence(desk, lot, own, held.id)
    return Redirect(f"/lots/{lot}/opening#release", status_code=303)


def consent_view(lot: UUID, asked: SignTicket) -> ConsentView:
    """The code that leads the phone to its question."""
    url = asked.consent_url
    code = "" if url is None else qr_svg(url, "QR")
    return ConsentView(lot_id=str(lot), code=code, consent_url=url)


routes: Final = [begin_key, show_key, show_heads, show_entry, begin_release, wait_for_licence]

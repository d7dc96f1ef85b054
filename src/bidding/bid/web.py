"""Routes of uploads, acts, tickets and receipts (sealing.md 7.1, 7.2)."""

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from bidding.bid import service, uploads
from bidding.bid.desk import Desk
from bidding.bid.domain import PENDING, Act, WrongRequestKey
from bidding.sealing.parts import PART
from foundation.identity.request import session_signed_in, signed_in
from foundation.statements.canonical import Json
from foundation.statements.fields import Hex
from foundation.statements.signed import LARGEST_ACT, from_json, read

AnyRequest = Request[Any, Any, Any]
LONGEST_WAIT_S: Final = 10.0


class UploadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sealed file that will come in parts; hashes are hex."""

    size: Annotated[int, Meta(ge=1)]
    tree: Hex
    parts: list[Hex]


class UploadMade(msgspec.Struct, frozen=True):
    """An upload and the secret that is its capability."""

    upload: UUID
    secret: str


class PartStored(msgspec.Struct, frozen=True):
    """Whether the upload is complete now."""

    complete: bool


class UploadView(msgspec.Struct, frozen=True):
    """Which parts are durable already."""

    size: int
    tree: str
    stored: list[bool]
    complete: bool
    expires_at: str


class NamedUpload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An upload named by its capability."""

    upload: UUID
    secret: str


class ActBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An act as it is handed in."""

    statement: dict[str, Any]
    uploads: list[NamedUpload]
    token: str


class Token(msgspec.Struct, frozen=True):
    """The token with which a bidder hands in acts for a lot."""

    token: str


@post("/api/v1/uploads", tags=["bids"])
async def begin_upload(request: AnyRequest, data: JSONBody[UploadBody]) -> UploadMade:
    """Announce a sealed file."""
    desk: Desk = request.app.state.desk
    session = session_signed_in(request)
    upload, secret = await uploads.begin_upload(
        desk, bytes.fromhex(session.login.sid), data.size, data.tree, data.parts
    )
    return UploadMade(upload=upload, secret=secret)


@put("/api/v1/uploads/{upload:uuid}/parts/{index:int}", request_max_body_size=PART, tags=["bids"])
async def store_part(
    request: AnyRequest, upload: FromPath[UUID], index: FromPath[int]
) -> PartStored:
    """Send one part; its hash stands in the header `Part-Hash`, the secret in `Upload-Secret`."""
    signed_in(request)
    announced = request.headers.get("part-hash", "")
    secret = request.headers.get("upload-secret", "")
    complete = await uploads.store_part(
        request.app.state.desk, upload, secret, index, announced, request.stream()
    )
    return PartStored(complete=complete)


@get("/api/v1/uploads/{upload:uuid}", tags=["bids"])
async def show_upload(request: AnyRequest, upload: FromPath[UUID]) -> UploadView:
    """Show which parts of an upload are durable."""
    secret = request.headers.get("upload-secret", "")
    found = await uploads.show_upload(request.app.state.desk, upload, secret)
    return UploadView(
        size=found.size,
        tree=found.tree.hex(),
        stored=list(found.stored),
        complete=found.complete,
        expires_at=found.expires_at.isoformat(),
    )


@post("/api/v1/lots/{lot:uuid}/tokens", tags=["bids"])
async def make_token(request: AnyRequest, lot: FromPath[UUID]) -> Token:
    """Get the token with which this login hands in acts for a lot."""
    desk: Desk = request.app.state.desk
    return Token(token=await service.make_token(desk, session_signed_in(request), lot))


@post("/api/v1/acts", tags=["bids"])
async def hand_in(request: AnyRequest, data: JSONBody[ActBody]) -> Response[dict[str, Any]]:
    """Hand in a bid, a replacement or a withdrawal; the key of the request is the act's sid."""
    state = request.app.state
    session_signed_in(request)
    statement = from_json(data.statement)
    if request.headers.get("idempotency-key") != statement.sid:
        raise WrongRequestKey("expected the header Idempotency-Key to be the act's sid")
    if len(statement.file()) > LARGEST_ACT:
        raise WrongRequestKey(f"expected an act of at most {LARGEST_ACT} bytes")
    handed = service.Handed(
        statement=statement,
        uploads=tuple((u.upload, u.secret) for u in data.uploads),
        token=data.token,
        address=request.client.host if request.client else "",
    )
    act, is_new = await service.take_in(state.desk, handed)
    if is_new:
        # The decision takes its own time; the ticket goes out at once.
        state.background.start(service.decide(state.desk, act, statement))
    if request.headers.get("prefer") == "wait=10":
        await _settled(request, act.sid)
    elif is_new:
        # What was committed is at hand: no second look into the database for the ticket.
        return _response(service.ActState(act=act, proof=None, refusal=None))
    return _response(await service.show_act(state.desk, act.sid))


async def _settled(request: AnyRequest, sid: str) -> None:
    """Wait for the receipt or refusal of an act, at most ten seconds of real time."""
    state = request.app.state
    deadline = asyncio.get_running_loop().time() + LONGEST_WAIT_S
    while asyncio.get_running_loop().time() < deadline:
        found = (await service.show_act(state.desk, sid)).act
        if found.receipt is not None or found.state not in {PENDING, "accepted"}:
            return
        await state.ticks.wait(deadline - asyncio.get_running_loop().time())


def _response(found: service.ActState) -> Response[dict[str, Any]]:
    content = act_json(found)
    return Response(content, status_code=201 if content["receipt"] is not None else 202)


def act_json(found: service.ActState) -> dict[str, Json]:
    """Return what a bidder holds of an act: ticket, receipt with its proof, or refusal."""
    act: Act = found.act
    receipt = None
    if act.receipt is not None and found.proof is not None:
        receipt = {"proof": found.proof, "statement": read(act.receipt).json()}
    return {
        "act": act.sid,
        "state": act.state,
        "ticket": read(act.ticket).json(),
        "receipt": receipt,
        "refusal": None if found.refusal is None else found.refusal.json(),
        "damaged": list(found.damaged),
    }


@get("/api/v1/acts/{sid:str}", tags=["bids"])
async def show_act(request: AnyRequest, sid: FromPath[str]) -> dict[str, Any]:
    """Show where an act stands; who knows its sid may ask."""
    return act_json(await service.show_act(request.app.state.desk, sid))


@get("/api/v1/receipts/{receipt:uuid}/proof", tags=["bids"])
async def receipt_proof(request: AnyRequest, receipt: FromPath[UUID]) -> dict[str, Any]:
    """Show a receipt with its newest proof."""
    act, proof = await service.show_receipt(request.app.state.desk, receipt)
    return {"proof": proof, "statement": read(act.receipt or b"").json()}


@get("/api/v1/lots/{lot:uuid}/acts", tags=["bids"])
async def own_acts(request: AnyRequest, lot: FromPath[UUID]) -> list[dict[str, Any]]:
    """List one's own acts in a lot, by the token in the header `Bidder-Token`."""
    desk: Desk = request.app.state.desk
    actor = signed_in(request)
    token = request.headers.get("bidder-token", "")
    acts = await service.own_acts(desk, lot, token, actor.subject or "")
    return [act_json(await service.show_act(desk, act.sid)) for act in acts]


routes: Final = [
    begin_upload,
    store_part,
    show_upload,
    make_token,
    hand_in,
    show_act,
    receipt_proof,
    own_acts,
]

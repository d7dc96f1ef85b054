"""The development authority's JSON interface, as `bidding.licence.development` speaks to it."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from bidding.licence.authority import (
    Answer,
    Declined,
    Expired,
    LicenceRefused,
    OpeningKey,
    Pending,
    Purpose,
    Signed,
    SignRequest,
)
from bidding.licence.file import FileAuthority
from bidding.licence.folder import Licence
from foundation.statements.canonical import Json, b64, time_text, unb64
from foundation.statements.signed import unsigned
from sunbid.authority.holders import Holders

MEDIA_CRL: Final = "application/pkix-crl"
STATES: Final[dict[type[Answer], str]] = {
    Pending: "pending",
    Signed: "signed",
    Declined: "declined",
    Expired: "expired",
}


class AskedStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The statement that the holder is asked to sign."""

    type: str
    body: dict[str, Any]


class NewTicket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to a holder."""

    holder: str
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    purpose: Purpose
    statement: AskedStatement | None
    lot: UUID | None


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The holder's answer."""

    yes: bool


class Lot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lot whose key is asked for."""

    lot: UUID


class Wrap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wrap to be opened."""

    kid: str
    info: str
    ct: str


class NewLicence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The organisation that gets a licence."""

    uscc: str
    name: str
    type: str


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a licence is revoked."""

    reason: str = "unspecified"


def files_of(state: State) -> FileAuthority:
    """The authority that this application serves."""
    holders: Holders = state.holders
    return holders.files


@get("/api/v1/authority")
async def about(state: State) -> Json:
    """Who this authority is and which roots to trust."""
    files = files_of(state)
    anchors = await files.trust_anchors()
    return {
        "id": files.id,
        "suites": sorted(files.suites),
        "anchors": [b64(anchor.certificate) for anchor in anchors],
    }


@get("/crl", media_type=MEDIA_CRL)
async def revocation_list(state: State) -> Response[bytes]:
    """The revocation list as of now."""
    files = files_of(state)
    return Response(files.folder.revocation_list(await files.now()), media_type=MEDIA_CRL)


@get("/api/v1/holders")
async def list_holders(state: State) -> Json:
    """Everybody for whom this phone can sign, without any key."""
    holders: Holders = state.holders
    return [{"id": h.id, "name": h.name, "is_person": h.is_person} for h in holders.all()]


@post("/api/v1/licences")
async def issue(state: State, data: JSONBody[NewLicence]) -> Json:
    """Issue a licence; the same organisation again gets the one it has."""
    files = files_of(state)
    licence = files.folder.issue(
        data.uscc, data.name, data.type, await files.now(), f"{state.origin}/crl"
    )
    return licence_json(licence)


@get("/api/v1/licences/{uscc:str}")
async def show_licence(state: State, uscc: FromPath[str]) -> Json:
    """A licence without its key."""
    return licence_json(files_of(state).folder.licence(uscc))


@post("/api/v1/licences/{uscc:str}/revocation")
async def revoke(state: State, uscc: FromPath[str], data: JSONBody[Revoke]) -> Json:
    """Revoke a licence from now on."""
    files = files_of(state)
    made = files.folder.revoke(uscc, await files.now(), data.reason)
    return {"serial": f"{made.serial:x}", "at": time_text(made.at), "reason": made.reason}


@post("/api/v1/tickets")
async def begin(state: State, data: JSONBody[NewTicket]) -> Json:
    """Ask a holder for a signature or for the use of the keys of a lot."""
    asked = data.statement
    ticket = await files_of(state).begin(
        SignRequest(
            holder=data.holder,
            host=data.host,
            purpose=data.purpose,
            statement=None if asked is None else unsigned(asked.type, asked.body),
            lot=data.lot,
        )
    )
    return {"id": ticket.id, "consent_url": ticket.consent_url}


@get("/api/v1/tickets/{ticket:str}")
async def poll(state: State, ticket: FromPath[str]) -> Json:
    """What the holder answered so far."""
    return answer_json(await files_of(state).poll(ticket))


@post("/api/v1/tickets/{ticket:str}/consent", status_code=200)
async def consent(state: State, ticket: FromPath[str], data: JSONBody[Consent]) -> Json:
    """The holder's answer, given by a command with `--yes`: in development only."""
    return answer_json(await files_of(state).consent(ticket, yes=data.yes))


@post("/api/v1/tickets/{ticket:str}/opening-key", status_code=200)
async def opening_key(state: State, ticket: FromPath[str], data: JSONBody[Lot]) -> Json:
    """The public half of the holder's key for one lot."""
    key: OpeningKey | None = await files_of(state).opening_key(ticket, data.lot)
    if key is None:
        raise LicenceRefused("this app makes no opening keys; use a key file")
    return {"kid": key.kid, "pk": b64(key.public)}


@post("/api/v1/tickets/{ticket:str}/unwrap", status_code=200)
async def unwrap(state: State, ticket: FromPath[str], data: JSONBody[Wrap]) -> Json:
    """Open one wrap of the ticket's lot."""
    value = await files_of(state).unwrap(ticket, data.kid, unb64(data.info), unb64(data.ct))
    return {"value": b64(value)}


def licence_json(licence: Licence) -> Json:
    """A licence as it is shown to anybody."""
    return {
        "uscc": licence.subject.uscc,
        "name": licence.subject.name,
        "type": licence.subject.info.type,
        "kid": licence.subject.kid,
        "chain": [b64(der) for der in licence.signer.chain],
    }


def answer_json(answer: Answer) -> Json:
    """A ticket's answer."""
    signature = answer.signature if isinstance(answer, Signed) else None
    return {
        "state": STATES[type(answer)],
        "signature": None if signature is None else signature.json(),
    }


HANDLERS = (
    about,
    revocation_list,
    list_holders,
    issue,
    show_licence,
    revoke,
    begin,
    poll,
    consent,
    opening_key,
    unwrap,
)

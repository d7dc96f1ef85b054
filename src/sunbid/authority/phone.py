"""The phone page: what the licence app of a real authority shows on the holder's own device.

Reading a page changes nothing. One click posts the digits, signs exactly what was shown and sends
it to the platform, then leads the browser back.
"""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from bidding.licence.authority import Signed
from foundation.problems import Conflict, Invalid
from foundation.settings import LOOPBACK
from foundation.statements.canonical import Json
from foundation.statements.signed import Statement, unsigned
from foundation.web import AnyRequest, page, refuse_foreign_forms
from sunbid.authority.api import files_of
from sunbid.authority.holders import Holder, Holders
from sunbid.client import Client
from sunbid.summary import Line, summary

GO_SCRIPT: Final = 'document.querySelector("form[data-go]")?.requestSubmit();\n'


class OtherStatement(Conflict):
    """The platform asks for another statement than the one that was shown."""

    code = "other-statement"


class _ChallengeShape(msgspec.Struct, frozen=True):
    id: UUID
    purpose: str
    state: str
    type: str
    host: str
    body: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a challenge waits: the platform's address and the challenge's id."""

    origin: str
    challenge: UUID

    @property
    def path(self) -> str:
        """The address of the challenge on its platform."""
        return f"/api/v1/challenges/{self.challenge}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What the confirmation page shows."""

    at: str
    host: str
    purpose: str
    type: str
    sid: str | None
    lines: list[Line]
    holders: list[Holder]
    chosen: str | None
    match: str
    back: str | None
    goes_by_itself: bool


class PhoneForm(msgspec.Struct, frozen=True):
    """The one click, or the no."""

    at: str
    holder: str = ""
    match: str = ""
    back: str = ""
    sid: str = ""
    answer: str = "yes"


def place_of(at: str, platforms: tuple[str, ...]) -> Place:
    """Read the address in a code; refuses platforms that this phone was not started for."""
    parts = urlsplit(at)
    origin = f"{parts.scheme}://{parts.netloc}"
    known = parts.hostname in LOOPBACK or origin in platforms
    if parts.scheme not in {"http", "https"} or not known:
        raise Invalid(f"expected the code of a platform known to this phone, got {at[:100]!r}")
    try:
        return Place(origin=origin, challenge=UUID(parts.path.rsplit("/", 1)[-1]))
    except ValueError:
        raise Invalid("expected the address of a challenge in the code; scan it again") from None


def back_to(back: str, origin: str) -> str | None:
    """Where the browser returns to: only to the platform that asked."""
    return back if back == origin or back.startswith(f"{origin}/") else None


def read_challenge(place: Place) -> _ChallengeShape:
    """What waits there; reading uses nothing up."""
    with Client(origin=place.origin) as client:
        return decode_challenge(client.get(place.path))


def decode_challenge(value: Json) -> _ChallengeShape:
    """A challenge as the platform shows it."""
    if not isinstance(value, dict):
        raise Invalid("expected a challenge, got something else; is the address right?")
    return msgspec.convert(value, _ChallengeShape)


@get("/phone")
async def confirm(request: AnyRequest, state: State, at: FromQuery[str]) -> Response[str]:
    """Show who asks for what, before anything is signed."""
    given = request.query_params
    holder, match = given.get("holder") or None, given.get("match", "")
    place = place_of(at, state.platforms)
    shown = await asyncio.to_thread(read_challenge, place)
    holders: Holders = state.holders
    asked = None if shown.body is None else unsigned(shown.type, shown.body)
    view = Confirmation(
        at=at,
        host=shown.host,
        purpose=shown.purpose,
        type=shown.type,
        sid=None if asked is None else asked.sid,
        lines=[] if asked is None else summary(asked),
        holders=[holders.holder(holder)] if holder else holders.all(),
        chosen=holder,
        match=match if len(match) == 2 and match.isdigit() else "",
        back=back_to(given.get("back", ""), place.origin),
        # Only a login may go without a click, and only where the demonstration asked for it.
        goes_by_itself="auto" in given and shown.purpose == "login" and bool(holder and match),
    )
    return await page(request, "phone/confirm.html", view)


@post("/phone", guards=[refuse_foreign_forms])
async def sign_and_return(
    request: AnyRequest,
    state: State,
    data: URLEncodedBody[PhoneForm],
) -> Response[str] | Redirect:
    """The holder's click: confirm with the digits, sign, send, go back."""
    place = place_of(data.at, state.platforms)
    holders: Holders = state.holders
    if data.answer == "no":
        await asyncio.to_thread(_decline, place)
    else:
        holder = holders.holder(data.holder)
        asked = await asyncio.to_thread(_scan, place, data)
        signed = await holders.sign(holder, asked)
        await asyncio.to_thread(_send, place, signed)
    back = back_to(data.back, place.origin)
    if back is not None:
        return Redirect(back, status_code=303)
    return await page(request, "phone/done.html", {"yes": data.answer != "no"})


@get("/consent/{ticket:str}")
async def show_ticket(request: AnyRequest, state: State, ticket: FromPath[str]) -> Response[str]:
    """What a command asks a holder for."""
    files = files_of(state)
    asked = files.request(ticket)
    view = {
        "ticket": ticket,
        "request": asked,
        "holder": files.folder.licence(asked.holder).subject,
        "lines": [] if asked.statement is None else summary(asked.statement),
    }
    return await page(request, "phone/ticket.html", view)


@post("/consent/{ticket:str}", guards=[refuse_foreign_forms])
async def answer_ticket(
    request: AnyRequest,
    state: State,
    ticket: FromPath[str],
    data: URLEncodedBody[dict[str, str]],
) -> Response[str]:
    """The holder's click for a command that waits."""
    answer = await files_of(state).consent(ticket, yes=data.get("answer") == "yes")
    return await page(request, "phone/done.html", {"yes": isinstance(answer, Signed)})


@get("/phone.js", media_type="text/javascript")
async def go_script() -> str:
    """Presses the button of a form that may go by itself."""
    return GO_SCRIPT


def _scan(place: Place, data: PhoneForm) -> Statement:
    with Client(origin=place.origin) as client:
        value = client.post(f"{place.path}/scanned", {"match": data.match})
    shown = decode_challenge(value)
    asked = unsigned(shown.type, shown.body)
    # What was shown is what is signed: the platform cannot exchange it between the two answers.
    if data.sid not in {"", asked.sid}:
        raise OtherStatement("expected the statement that was shown, got another; start again")
    if shown.purpose == "login":
        _check_login(place, shown, data.match)
    elif data.sid == "":
        raise OtherStatement("expected a statement that was shown before it is signed; start again")
    return asked


def _check_login(place: Place, shown: _ChallengeShape, match: str) -> None:
    """Refuse a login for another host: a platform could otherwise pass a stranger's code on."""
    aud = shown.body.get("aud") if isinstance(shown.body, dict) else None
    own = urlsplit(place.origin).netloc
    if shown.type != "login" or aud != own or shown.body.get("match") != match:
        raise OtherStatement(f"expected a login for {own}, got one for {str(aud)[:100]}; refuse it")


def _send(place: Place, signed: Statement) -> None:
    with Client(origin=place.origin) as client:
        client.post(f"{place.path}/statement", {"statement": signed.json()})


def _decline(place: Place) -> None:
    with Client(origin=place.origin) as client:
        client.post(f"{place.path}/declined")


HANDLERS = (confirm, sign_and_return, show_ticket, answer_ticket, go_script)

"""Pages of logging in and of signing on a phone, and the personas of the demonstration.

No script is needed: a waiting page loads itself again until the phone has signed.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import segno
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from markupsafe import Markup

from foundation.identity import challenge as challenges
from foundation.identity.domain import Challenge, refuse_answer, safe_return
from foundation.identity.login import actors_of_holders, log_in_browser
from foundation.identity.request import place_of, signed_in
from foundation.identity.session import close_session
from foundation.problems import NotFound, Refused
from foundation.settings import LOOPBACK, Settings
from foundation.statements.signed import Statement, decode
from foundation.web import AnyRequest, page, refuse_foreign_forms
from sunbid.client import Client
from sunbid.web.authentication import browser_of, session_cookie, session_token
from sunbid.web.identity_desk import NEWCOMER, browser_and_cookie, desk_of
from sunbid.web.own_acts import finish_act

HOME: Final = "/"


class NotADemonstration(NotFound):
    """There is no such page."""

    code = "no-such-page"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView:
    """The login page."""

    return_to: str
    server: str
    is_demo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeView:
    """A waiting page: the code, the two digits, and the way to the development phone."""

    purpose: str
    type: str
    sid: str
    match: str
    address: str
    code: Markup
    is_scanned: bool
    phone: str | None
    cancel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """Somebody of the demonstration who can be entered as."""

    holder: str
    name: str
    # Empty for an organisation that has a licence and never came.
    role: str


class ReturnForm(msgspec.Struct, frozen=True):
    """Where to go after the login."""

    return_to: str = HOME


class PersonaForm(msgspec.Struct, frozen=True):
    """The persona to enter as."""

    holder: str
    return_to: str = HOME


@get("/login")
async def login_page(request: AnyRequest) -> Response[str]:
    """The ways to log in."""
    settings = desk_of(request).settings
    view = LoginView(
        return_to=safe_return(request.query_params.get("next")) or HOME,
        server=settings.public_url,
        is_demo=is_demo(settings),
    )
    return await page(request, "identity/login.html", view)


@post("/login", guards=[refuse_foreign_forms])
async def begin_login(
    request: AnyRequest,
    data: URLEncodedBody[ReturnForm],
) -> Redirect:
    """Make a code for this browser and show it."""
    made, cookies = await new_login(request, data.return_to)
    return Redirect(f"/login/{made.id}", status_code=303, cookies=cookies)


@get("/login/{challenge:uuid}")
async def wait_for_login(request: AnyRequest, challenge: FromPath[UUID]) -> Response[Any]:
    """Wait for the phone; then this browser, and no other, is logged in."""
    desk = desk_of(request)
    browser = browser_of(request, desk.settings)
    found, own = await challenges.read_challenge(desk.db, challenge, browser)
    if found.state == "consumed" and own and session_token(request) is not None:
        return Redirect(found.return_to or HOME, status_code=303)
    if found.signed is None or not own:
        return await waiting_page(request, found, own=own, cancel="/login")
    token, _, used = await log_in_browser(
        desk.db, challenge, browser or "", desk.identify, NEWCOMER
    )
    await end_session(request)
    cookies = [session_cookie(desk.settings, token)]
    return Redirect(used.return_to or HOME, status_code=303, cookies=cookies)


@get("/sign/{challenge:uuid}")
async def wait_for_signature(request: AnyRequest, challenge: FromPath[UUID]) -> Response[Any]:
    """Wait for the phone; then the platform accepts the statement, in this browser alone."""
    desk = desk_of(request)
    actor = signed_in(request)
    browser = browser_of(request, desk.settings)
    found, own = await challenges.read_challenge(desk.db, challenge, browser)
    if own and found.signed is not None:
        going_on = await finish_act(request, found)
        if going_on is not None:
            return going_on
    if found.state == "consumed" and own:
        return Redirect(found.return_to or HOME, status_code=303)
    if found.signed is None or not own:
        return await waiting_page(request, found, own=own, cancel=found.return_to or HOME)
    used, signed = await challenges.use_signature(desk.db, challenge, browser or "")
    await desk.accept(actor, signed)
    return Redirect(used.return_to or HOME, status_code=303)


@get("/l/{challenge:uuid}")
async def preview(request: AnyRequest, challenge: FromPath[UUID]) -> Response[str]:
    """What a camera or a link preview sees of a code; nothing happens."""
    await challenges.read_challenge(desk_of(request).db, challenge)
    return await page(request, "identity/preview.html", {})


@post("/logout")
async def log_out(request: AnyRequest) -> Redirect:
    """End this session."""
    await end_session(request)
    ended = session_cookie(desk_of(request).settings, None)
    return Redirect(HOME, status_code=303, cookies=[ended])


@get(["/personas", "/demo/personas"])
async def personas_page(request: AnyRequest) -> Response[str]:
    """Everybody of the demonstration, one click each."""
    settings = refuse_outside_demo(request)
    everybody: list[Persona] | None
    try:
        everybody = await personas(request, settings)
    except Refused:
        everybody = None
    back = safe_return(request.query_params.get("next")) or HOME
    return await page(request, "identity/personas.html", everybody, return_to=back)


@post("/personas", guards=[refuse_foreign_forms])
async def enter(
    request: AnyRequest,
    data: URLEncodedBody[PersonaForm],
) -> Redirect:
    """Log in as a persona: its phone signs by itself and comes back."""
    settings = refuse_outside_demo(request)
    made, cookies = await new_login(request, data.return_to)
    phone = phone_address(settings, made, holder=data.holder)
    return Redirect(f"{phone}&auto=1", status_code=303, cookies=cookies)


async def start_signing(request: AnyRequest, asked: Statement, return_to: str) -> Redirect:
    """Ask the session's actor to sign a statement on the phone; leads to the waiting page.

    For every page with a signature: when the phone has signed, the platform accepts the statement
    and the browser comes back to `return_to`.
    """
    desk = desk_of(request)
    browser, cookies = browser_and_cookie(request)
    made = await challenges.begin_signature(
        desk.db, signed_in(request), asked, browser=browser, return_to=return_to
    )
    return Redirect(f"/sign/{made.id}", status_code=303, cookies=cookies)


async def new_login(request: AnyRequest, return_to: str) -> tuple[Challenge, list[Cookie]]:
    """A login challenge for the browser that asks."""
    desk = desk_of(request)
    browser, cookies = browser_and_cookie(request)
    await challenges.limit_attempts(desk.db, place_of(request))
    made = await challenges.begin_login(
        desk.db, aud=desk.host, browser=browser, return_to=return_to
    )
    return made, cookies


async def waiting_page(
    request: AnyRequest, found: Challenge, *, own: bool, cancel: str
) -> Response[str]:
    """The code with its digits; refuses one that is over or belongs to another browser."""
    if not own or found.state in {"consumed", "expired", "refused"}:
        raise refuse_answer(found)
    settings = desk_of(request).settings
    address = f"{settings.public_url}/l/{found.id}"
    actor = request.scope["user"]
    holder = None if actor is None else actor.kid or actor.subject
    view = CodeView(
        purpose=found.purpose,
        type=found.statement.type,
        sid=found.statement.sid,
        match=found.match,
        address=address,
        code=Markup(segno.make(address, error="m").svg_inline(omitsize=True, light="#fff")),  # noqa: S704
        is_scanned=found.state == "scanned",
        phone=None
        if settings.mode == "production" or settings.licence_url is None
        else phone_address(settings, found, holder if found.purpose == "sign" else None),
        cancel=cancel,
    )
    return await page(request, "identity/code.html", view)


def phone_address(settings: Settings, made: Challenge, holder: str | None) -> str:
    """The development phone, told what it would read from the code; none in production."""
    back = f"{settings.public_url}/{made.purpose}/{made.id}"
    asked = {
        "at": f"{settings.public_url}/l/{made.id}",
        "match": made.match,
        "back": back,
        **({} if holder is None else {"holder": holder}),
    }
    return f"{settings.licence_url}/phone?{urlencode(asked)}"


async def personas(request: AnyRequest, settings: Settings) -> list[Persona]:
    """Everybody whom the development phone can sign for and who may log in, with the role here."""
    held = await asyncio.to_thread(_holders, settings.licence_url or "")
    actors = await actors_of_holders(desk_of(request).db, [holder.id for holder in held])
    known = {actor.kid or actor.subject: actor for actor in actors}
    everybody = [
        Persona(
            holder=holder.id,
            name=known[holder.id].name if holder.id in known else holder.name,
            role=known[holder.id].role if holder.id in known else "",
        )
        for holder in held
        # A person needs a registered key; an organisation may come for the first time.
        if holder.id in known or not holder.is_person
    ]
    return sorted(everybody, key=lambda persona: (persona.role or "~", persona.name))


async def end_session(request: AnyRequest) -> None:
    """End the session with which the browser came, if any."""
    token = session_token(request)
    if token is not None:
        await close_session(desk_of(request).db, token)


def is_demo(settings: Settings) -> bool:
    """Whether one click may log in: a demonstration on loopback, with its phone beside it."""
    return (
        settings.mode == "demo" and settings.host in LOOPBACK and settings.licence_url is not None
    )


def refuse_outside_demo(request: AnyRequest) -> Settings:
    """Refuses personas anywhere but in a demonstration on loopback."""
    settings = desk_of(request).settings
    if not is_demo(settings):
        raise NotADemonstration("personas exist in a demonstration only; log in at /login")
    return settings


class _Holder(msgspec.Struct, frozen=True):
    id: str
    name: str
    is_person: bool


def _holders(authority: str) -> list[_Holder]:
    with Client(origin=authority, timeout=3.0) as client:
        return decode(client.get("/api/v1/holders"), list[_Holder])


routes: Final = [
    login_page,
    begin_login,
    wait_for_login,
    wait_for_signature,
    preview,
    log_out,
    personas_page,
    enter,
]

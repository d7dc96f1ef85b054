"""Routes of identity: challenges, sessions, actors, the platform's time."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from foundation.clock import read_clock
from foundation.database import reading
from foundation.identity import Actor, require
from foundation.identity import challenge as challenges
from foundation.identity.actor import ADMINISTRATOR, OPERATOR, NewActor
from foundation.identity.domain import Challenge, Purpose, Session
from foundation.identity.login import (
    actors_of_role,
    log_in_browser,
    log_in_command,
    register_actor,
)
from foundation.identity.request import place_of, session_signed_in, signed_in
from foundation.identity.session import close_session
from foundation.problems import Invalid
from foundation.statements.canonical import Json, time_text, unb64
from foundation.statements.signed import (
    LARGEST_ACT,
    LARGEST_STATEMENT,
    from_json,
    sign,
    unsigned,
)
from foundation.web import AnyRequest
from sunbid.doors import SEAT_DEVICE
from sunbid.web.authentication import browser_of, session_cookie, session_token
from sunbid.web.identity_desk import (
    NEWCOMER,
    IdentityDesk,
    browser_and_cookie,
    desk_of,
)

FASTEST_CLOCK: Final = 3600
# Whoever could give these a key could look and act as another company: support has no such way.
BY_PROOF: Final = frozenset({NEWCOMER, OPERATOR})


class AskedStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement to be signed."""

    type: str
    body: dict[str, Any]


class NewChallenge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for: a login, or the signature of a statement."""

    purpose: Purpose
    statement: AskedStatement | None = None
    return_to: str | None = None


class ChallengeView(msgspec.Struct, frozen=True):
    """A challenge; `match` is for the browser that asked, a login's body for whoever scanned it."""

    id: UUID
    purpose: Purpose
    state: str
    host: str
    address: str
    type: str
    body: Json
    sid: str | None
    match: str | None
    signed: bool
    expires_at: str


class Digits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two digits that the holder read in the browser."""

    match: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{2}$")]


class SignedStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed statement."""

    statement: dict[str, Any]


class NewSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed login (commands), or a challenge that a phone has signed (browsers)."""

    statement: dict[str, Any] | None = None
    challenge: UUID | None = None


class ActorView(msgspec.Struct, frozen=True):
    """An actor as it is shown."""

    id: UUID
    role: str
    name: str
    subject: str | None
    kid: str | None


class SessionView(msgspec.Struct, frozen=True):
    """A session; the token is shown to commands only, and once."""

    actor: ActorView
    expires_at: str
    licence_status: str | None
    token: str | None = None


class NewActorBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation (subject) or a person (alg, pk; subject is the person's organisation)."""

    role: str
    name: str
    subject: str | None = None
    alg: str | None = None
    pk: str | None = None


class TimeView(msgspec.Struct, frozen=True):
    """The platform's time, the real time, how much faster the first runs, and a signature."""

    platform: str
    real: str
    factor: float
    statement: dict[str, Any]


@post("/api/v1/challenges", tags=["identity"])
async def begin(request: AnyRequest, data: JSONBody[NewChallenge]) -> Response[ChallengeView]:
    """Ask for a login or a signature; the answer works in this browser only (cookie)."""
    desk = desk_of(request)
    browser, cookies = browser_and_cookie(request)
    await challenges.limit_attempts(desk.db, place_of(request))
    if data.purpose == "login":
        made = await challenges.begin_login(
            desk.db, aud=desk.host, browser=browser, return_to=data.return_to
        )
    else:
        if data.statement is None:
            raise Invalid("expected the statement to be signed, got none")
        made = await challenges.begin_signature(
            desk.db,
            signed_in(request),
            unsigned(data.statement.type, data.statement.body),
            browser=browser,
            return_to=data.return_to,
        )
    return Response(challenge_view(desk, made, own=True), status_code=201, cookies=cookies)


@get("/api/v1/challenges/{challenge:uuid}", tags=["identity"])
async def show(request: AnyRequest, challenge: FromPath[UUID]) -> ChallengeView:
    """A challenge; reading it uses nothing up."""
    desk = desk_of(request)
    found, own = await challenges.read_challenge(
        desk.db, challenge, browser_of(request, desk.settings)
    )
    return challenge_view(desk, found, own=own)


@post("/api/v1/challenges/{challenge:uuid}/scanned", tags=["identity"], status_code=200)
async def scanned(
    request: AnyRequest, challenge: FromPath[UUID], data: JSONBody[Digits]
) -> ChallengeView:
    """The phone confirms with the two digits; the third wrong try ends the challenge."""
    desk = desk_of(request)
    found = await challenges.scan(desk.db, challenge, data.match)
    return challenge_view(desk, found, own=False, scanned_now=True)


@post(
    "/api/v1/challenges/{challenge:uuid}/statement",
    tags=["identity"],
    status_code=200,
    request_max_body_size=LARGEST_STATEMENT,
)
async def signed_statement(
    request: AnyRequest, challenge: FromPath[UUID], data: JSONBody[SignedStatement]
) -> ChallengeView:
    """The phone sends the signed statement."""
    desk = desk_of(request)
    signed = from_json(data.statement)
    found = await challenges.answer(desk.db, challenge, signed, desk.identify)
    return challenge_view(desk, found, own=False)


@post("/api/v1/challenges/{challenge:uuid}/declined", tags=["identity"], status_code=204)
async def declined(request: AnyRequest, challenge: FromPath[UUID]) -> None:
    """The phone says no."""
    await challenges.decline(desk_of(request).db, challenge)


@post("/api/v1/challenges/{challenge:uuid}/accepted", tags=["identity"], status_code=200)
async def use_signature(request: AnyRequest, challenge: FromPath[UUID]) -> Json:
    """The browser uses up a signature that the phone gave; the platform accepts the statement."""
    desk = desk_of(request)
    actor = signed_in(request)
    browser = browser_of(request, desk.settings) or ""
    _, signed = await challenges.use_signature(desk.db, challenge, browser)
    return {"sid": signed.sid, "result": await desk.accept(actor, signed)}


@post("/api/v1/sessions", tags=["identity"], request_max_body_size=LARGEST_ACT)
async def log_in(request: AnyRequest, data: JSONBody[NewSession]) -> Response[SessionView]:
    """Open a session: commands send the signed login and get a token, browsers get a cookie."""
    desk = desk_of(request)
    await challenges.limit_attempts(desk.db, place_of(request))
    browser = browser_of(request, desk.settings) or ""
    if data.statement is not None:
        token, session = await log_in_command(
            desk.db, from_json(data.statement), browser, desk.identify, NEWCOMER
        )
        return Response(session_view(session, token), status_code=201)
    if data.challenge is None:
        raise Invalid("expected a signed login or a challenge, got neither")
    token, session, _ = await log_in_browser(
        desk.db, data.challenge, browser, desk.identify, NEWCOMER
    )
    # Rotated, never added to: the session with which the browser came ends here.
    before = session_token(request)
    if before is not None:
        await close_session(desk.db, before)
    cookies = [session_cookie(desk.settings, token)]
    return Response(session_view(session, None), status_code=201, cookies=cookies)


@delete("/api/v1/sessions/current", tags=["identity"])
async def log_out(request: AnyRequest) -> None:
    """End this session."""
    token = session_token(request)
    if token is not None:
        await close_session(desk_of(request).db, token)


@get("/api/v1/me", tags=["identity"])
async def me(request: AnyRequest) -> SessionView:
    """Who is logged in here."""
    return session_view(session_signed_in(request), None)


@post("/api/v1/actors", tags=["identity"])
async def add_actor(request: AnyRequest, data: JSONBody[NewActorBody]) -> ActorView:
    """An administrator registers an organisation or a person."""
    actor = require(signed_in(request), ADMINISTRATOR)
    # An office of custodians is registered by its licence; its devices come with their member keys.
    if data.role in BY_PROOF or (data.role == SEAT_DEVICE and data.pk is not None):
        raise Invalid(
            f"expected a role that is given here, got {data.role}: a company logs in with its "
            "licence, its operator under its mandate, a seat by its member key; nobody gives them "
            "another key"
        )
    made = await register_actor(
        desk_of(request).db,
        actor,
        NewActor(
            role=data.role,
            subject=data.subject,
            name=data.name,
            alg=data.alg,
            public_key=None if data.pk is None else unb64(data.pk),
        ),
    )
    return actor_view(made)


@get("/api/v1/actors", tags=["identity"])
async def list_actors(request: AnyRequest, role: FromQuery[str]) -> list[ActorView]:
    """An administrator lists everybody with a role."""
    require(signed_in(request), ADMINISTRATOR)
    return [actor_view(actor) for actor in await actors_of_role(desk_of(request).db, role)]


@get("/api/v1/time", tags=["identity"])
async def platform_time(request: AnyRequest) -> Response[TimeView]:
    """The platform's time, signed; in a demonstration it is not the real time."""
    desk = desk_of(request)
    async with reading(desk.db, "foundation") as connection:
        platform, real, factor = await read_clock(connection)
    body: dict[str, Json] = {
        "v": 1,
        "platform": time_text(platform),
        "real": time_text(real),
        "factor": min(max(1, round(factor)), FASTEST_CLOCK),
    }
    signed = sign(unsigned("platform-time", body), desk.platform)
    view = TimeView(
        platform=body["platform"], real=body["real"], factor=factor, statement=signed.json()
    )
    return Response(view, headers={"Cache-Control": "no-store"})


def challenge_view(
    desk: IdentityDesk, found: Challenge, *, own: bool, scanned_now: bool = False
) -> ChallengeView:
    """A challenge as its reader may see it: a login's body holds the digits."""
    is_open = own or scanned_now or found.purpose == "sign"
    return ChallengeView(
        id=found.id,
        purpose=found.purpose,
        state=found.state,
        host=desk.host,
        address=f"{desk.settings.public_url}/l/{found.id}",
        type=found.statement.type,
        body=found.statement.body if is_open else None,
        sid=found.statement.sid if is_open else None,
        match=found.match if own else None,
        signed=found.signed is not None,
        expires_at=time_text(found.expires_at),
    )


def session_view(session: Session, token: str | None) -> SessionView:
    """A session as its owner sees it."""
    return SessionView(
        actor=actor_view(session.actor),
        expires_at=time_text(session.expires_at),
        licence_status=session.licence_status,
        token=token,
    )


def actor_view(actor: Actor) -> ActorView:
    """An actor as it is shown."""
    return ActorView(
        id=actor.id, role=actor.role, name=actor.name, subject=actor.subject, kid=actor.kid
    )


routes: Final = [
    begin,
    show,
    scanned,
    signed_statement,
    declined,
    use_signature,
    log_in,
    log_out,
    me,
    add_actor,
    list_actors,
    platform_time,
]

"""Glue between Litestar and pages: templates, languages, refusals, headers, forms, event streams.

A page and its JSON twin call the same service; whoever asked for HTML gets a refusal as a page, a
program gets it as problem+json. What stands around every page comes from the application's `frame`.
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import CacheControlHeader, Cookie, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.response.sse import ServerSentEvent, ServerSentEventMessage
from litestar.router import Router
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, ExceptionHandlersMap, Message, Receive, Scope, Send

from foundation.language import DEFAULT, TAGS, Catalogue, Language, choose_language
from foundation.problems import MEDIA_TYPE, Invalid, NotAllowed, Refused, slug, to_problem
from foundation.statements.canonical import FileTooLarge

AnyRequest = Request[Any, Any, Any]
AnyConnection = ASGIConnection[Any, Any, Any, Any]
Frame = Callable[[AnyRequest, Language], Awaitable[Mapping[str, object]]]
Helpers = Callable[[Language], Mapping[str, object]]

LANGUAGE_COOKIE: Final = "language"
LANGUAGE_KEPT_S: Final = 365 * 86_400
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CSRF_FIELD: Final = "_csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_CONTEXT: Final = b"sunbid/csrf/v1\0"
STREAM_RETRY_MS: Final = 3_000
ASSET_MAX_AGE_S: Final = 31_536_000

# No inline script and no inline style: what a template places (a position on a ruler) are data
# attributes, which the stylesheet or a script of ours reads.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

log = logging.getLogger(__name__)


class ForgedForm(NotAllowed):
    """This form did not come from a page of this session."""

    code = "forged-form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The templates of one application, ready in every language."""

    folders: Sequence[Path]
    static: Path
    catalogue: Catalogue
    frame: Frame
    helpers: Helpers
    environments: dict[Language, Environment] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def environment(self, language: Language) -> Environment:
        """The template environment of a language, made on first use."""
        if language not in self.environments:
            self.environments[language] = self.make_environment(language)
        return self.environments[language]

    def make_environment(self, language: Language) -> Environment:
        """An environment in which `t` speaks one language and nothing undefined passes."""
        made = Environment(
            loader=FileSystemLoader([str(folder) for folder in self.folders]),
            autoescape=True,
            undefined=StrictUndefined,
            # A template and the code that fills it change together, at a restart.
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )

        def text(key: str, **values: object) -> str:
            return self.catalogue.text(language, key, **values)

        made.globals.update(
            t=text,
            has_text=lambda key: self.catalogue.find(language, key) is not None,
            language=language,
            language_tag=TAGS[language],
            asset=self.asset,
        )
        made.filters.update(self.helpers(language))
        return made

    def asset(self, name: str) -> str:
        """The address of a static file, with its digest, so that it can be cached for ever."""
        if name not in self.digests:
            path = self.static / name
            content = path.read_bytes() if path.is_file() else b""
            self.digests[name] = hashlib.sha256(content).hexdigest()[:12]
        return f"/static/{name}?v={self.digests[name]}"

    def render(self, language: Language, template: str, values: Mapping[str, object]) -> str:
        """One template in one language."""
        return self.environment(language).get_template(template).render(values)


def language_of(request: AnyConnection, default: Language = DEFAULT) -> Language:
    """The language of this answer: `?lang=`, else the cookie, else the browser's."""
    return choose_language(
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language"),
        default,
    )


def wants_page(request: AnyConnection) -> bool:
    """Whether a person's browser asks, rather than a program."""
    accept = request.headers.get("accept", "")
    is_api = request.scope["path"].startswith("/api/")
    return "text/html" in accept and not is_api


async def page(
    request: AnyRequest,
    template: str,
    view: object,
    *,
    status: int = HTTPStatus.OK,
    **more: object,
) -> Response[str]:
    """A template with its view and everything that stands around each page."""
    pages = cast("Pages", request.app.state.pages)
    language = language_of(request)
    frame = await pages.frame(request, language)
    values = {**frame, "view": view, "path": request.url.path, **more}
    return answer(request, pages.render(language, template, values), language, status)


def answer(request: AnyRequest, html: str, language: Language, status: int) -> Response[str]:
    """A rendered page as a response; remembers a language that was asked for."""
    asked = request.query_params.get("lang") is not None
    cookie = Cookie(
        key=LANGUAGE_COOKIE,
        value=language,
        max_age=LANGUAGE_KEPT_S,
        path="/",
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return Response(
        html,
        status_code=status,
        media_type="text/html",
        headers={
            "Content-Language": TAGS[language],
            "Vary": "Accept, Accept-Language, Cookie",
            "Cache-Control": "no-store",
        },
        cookies=[cookie] if asked else [],
    )


async def send_security_headers(message: Message, scope: Scope) -> None:
    """Puts the headers of every answer on; a `before_send` hook of the application."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    headers = MutableScopeHeaders.from_message(message)
    targets = scope["litestar_app"].state.get("form_targets", ())
    frames = scope["litestar_app"].state.get("frame_sources", ())
    headers.setdefault("Content-Security-Policy", content_security_policy(targets, frames))
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)


def content_security_policy(
    form_targets: Sequence[str] = (), frame_sources: Sequence[str] = ()
) -> str:
    """The policy of every page; a browser holds `form-action` against redirects too.

    So that a form may end on the signing device of a demonstration, its origin is named; and that
    of the frame in which bids are sealed.
    """
    frames = [" ".join(("frame-src", *frame_sources))] if frame_sources else []
    form_action = " ".join(("form-action 'self'", *form_targets))
    return "; ".join((*CONTENT_SECURITY_POLICY, *frames, form_action))


def static_files(folder: Path) -> Router:
    """The bundled stylesheet, script and fonts; their addresses carry a digest."""
    return create_static_files_router(
        path="/static",
        directories=[folder],
        cache_control=CacheControlHeader(public=True, max_age=ASSET_MAX_AGE_S, immutable=True),
    )


# ---- forms


def csrf_token(session_token: str) -> str:
    """The token that a session's forms carry; it follows from the session and betrays nothing."""
    return hmac.new(session_token.encode(), CSRF_CONTEXT, hashlib.sha256).hexdigest()


def from_elsewhere(request: AnyConnection) -> bool:
    """Whether a browser says that another site's page made this request."""
    return request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}


async def check_form(request: AnyRequest, session_token: str | None) -> None:
    """Refuses a change that a page of this session did not ask for.

    Requests with a bearer token carry no cookie that another site could use; they pass.
    """
    if request.method in SAFE_METHODS or "authorization" in request.headers:
        return
    if from_elsewhere(request):
        raise ForgedForm("expected a form of this site, got one from another; open the page here")
    if session_token is None:
        return
    given = request.headers.get(CSRF_HEADER) or await form_token(request)
    if not hmac.compare_digest(given.encode(), csrf_token(session_token).encode()):
        raise ForgedForm("the form's token is missing or of an older login; load the page again")


async def form_token(request: AnyRequest) -> str:
    """The token in a form's hidden field, or nothing where the body is no form."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return ""
    return str((await request.form()).get(CSRF_FIELD) or "")


async def refuse_foreign_forms(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """The guard of routes that change something and know no session, such as the login."""
    if connection.scope["type"] == ScopeType.HTTP:
        await check_form(cast("AnyRequest", connection), None)


# ---- event streams


def event_stream(events: AsyncIterator[tuple[str, Any]]) -> ServerSentEvent:
    """Server-sent events of (name, JSON value); a browser that lost it comes back by itself."""

    async def messages() -> AsyncIterator[ServerSentEventMessage]:
        async for name, value in events:
            yield ServerSentEventMessage(
                data=msgspec.json.encode(value).decode(), event=name, retry=STREAM_RETRY_MS
            )

    return ServerSentEvent(
        messages(), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


# ---- refusals


class Answering(Response[Any]):
    """An answer that is made while it is sent: handlers of exceptions may not wait, pages must."""

    def __init__(self, made: Awaitable[Response[Any]], request: AnyRequest) -> None:
        super().__init__(None)
        self.made = made
        self.request = request

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]
        """Return the application that waits for the answer and sends it."""

        async def send_answer(scope: Scope, receive: Receive, send: Send) -> None:
            answer = await self.made
            app = answer.to_asgi_response(app=None, request=self.request)
            await app(scope, receive, send)

        return send_answer


def problem_handlers() -> ExceptionHandlersMap:
    """How exceptions become answers; the application's `exception_handlers`."""

    def waiting(handler: Callable[[AnyRequest, Any], Awaitable[Response[Any]]]) -> Any:
        return lambda request, error: Answering(handler(request, error), request)

    return {
        Refused: waiting(on_refused),
        HTTPException: waiting(on_http_exception),
        RecursionError: waiting(on_depth),
        Exception: waiting(on_fault),
    }


async def on_refused(request: AnyRequest, refused: Refused) -> Response[Any]:
    """A refusal as a page or as problem+json."""
    return await problem_answer(request, to_problem(refused))


async def on_http_exception(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """The framework's own refusals (no such address, bad request) in the same shape."""
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return await on_refused(request, FileTooLarge("expected a smaller body; send less at once"))
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "-")
    problem: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": phrase,
        "status": error.status_code,
        "detail": error.detail,
        "code": code,
    }
    if error.extra:
        problem["errors"] = error.extra
    return await problem_answer(request, problem, error.headers)


async def on_depth(request: AnyRequest, _: RecursionError) -> Response[Any]:
    """A body with thousands of brackets in each other, which no reader follows to the end."""
    deep = Invalid("expected JSON of a few levels, got one that is nested without end; correct it")
    return await problem_answer(request, to_problem(deep))


async def on_fault(request: AnyRequest, error: Exception) -> Response[Any]:
    """A fault of the program: a reference for the person, the story in the log only."""
    reference = secrets.token_hex(6)
    log.error("fault %s at %s", reference, request.url.path, exc_info=error)
    problem = {
        "type": "/problems/fault",
        "title": "Something went wrong on our side.",
        "status": 500,
        "detail": f"quote {reference} when you report this; nothing of your request was kept",
        "code": "fault",
        "reference": reference,
    }
    return await problem_answer(request, problem)


async def problem_answer(
    request: AnyRequest, problem: dict[str, Any], headers: Mapping[str, str] | None = None
) -> Response[Any]:
    """The problem for a program, or the same content as a page for a person."""
    if wants_page(request) and "pages" in request.app.state:
        made: Response[Any] = await problem_page(request, problem)
    else:
        # Commands read English by default; who asks for Chinese gets the catalogue's words.
        document = translated(request, problem, language_of(request, "en"))
        made = Response(document, status_code=problem["status"], media_type=MEDIA_TYPE)
    for name, value in (headers or {}).items():
        made.headers[name] = value
    return made


def translated(request: AnyRequest, problem: dict[str, Any], language: Language) -> dict[str, Any]:
    """The problem with the catalogue's title and sentence, where it has them."""
    if language == "en" or "pages" not in request.app.state:
        return problem
    catalogue = cast("Pages", request.app.state.pages).catalogue
    code = slug(problem["code"])
    title = catalogue.find(language, f"refused.{code}.title")
    detail = catalogue.filled(language, f"refused.{code}.detail", problem)
    spoken = {"title": title, "detail": detail}
    return problem | {name: text for name, text in spoken.items() if text is not None}


async def problem_page(request: AnyRequest, problem: dict[str, Any]) -> Response[str]:
    """The page of a problem; where even the frame fails, a page without one."""
    pages = cast("Pages", request.app.state.pages)
    language = language_of(request)
    code = slug(problem["code"])
    values = {
        "problem": problem,
        "title": pages.catalogue.find(language, f"refused.{code}.title"),
        "detail": pages.catalogue.filled(language, f"refused.{code}.detail", problem),
        "next_step": pages.catalogue.find(language, f"refused.{code}.next"),
        "path": request.url.path,
    }
    try:
        frame = await pages.frame(request, language)
    except Exception:
        # The frame asks the database; a page that says why must not need it.
        log.exception("no frame for the page of problem %s", problem["code"])
        html = pages.render(language, "problem_bare.html", values)
    else:
        html = pages.render(language, "problem.html", {**frame, **values})
    return answer(request, html, language, problem["status"])

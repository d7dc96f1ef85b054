"""The development authority as an application of its own: it alone holds the licence keys."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.types import ExceptionHandlersMap

from bidding.licence.file import FileAuthority, Now
from bidding.licence.folder import open_folder
from foundation.language import Language
from foundation.problems import MEDIA_TYPE, Refused, slug, to_problem
from foundation.statements.keyfile import Curve
from foundation.web import (
    AnyRequest,
    Pages,
    answer,
    language_of,
    send_security_headers,
    static_files,
    wants_page,
)
from sunbid.authority.api import HANDLERS as API
from sunbid.authority.clock import PlatformClock, real_time
from sunbid.authority.holders import Holders
from sunbid.authority.operators import HANDLERS as OPERATORS
from sunbid.authority.people import People
from sunbid.authority.phone import HANDLERS as PHONE
from sunbid.authority.seats import HANDLERS as SEATS
from sunbid.pages.site import STATIC, make_pages
from sunbid.serving import serve_alone

log = logging.getLogger(__name__)

LOOPBACK_TARGETS: Final = ("http://127.0.0.1:*", "http://localhost:*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityConfig:
    """What `sunbid licence serve` was told."""

    folder: Path
    host: str
    port: int
    # None: that of the folder, P-256 for a new one.
    curve: Curve | None = None
    people: Path | None = None
    # The platform whose clock counts; None: real time.
    time_origin: str | None = None
    platforms: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """The authority's own address."""
        return f"http://{self.host}:{self.port}"


def create_app(config: AuthorityConfig) -> Litestar:
    """The application over a folder, which is made if it is new."""
    now: Now = real_time if config.time_origin is None else PlatformClock(config.time_origin)
    files = FileAuthority(
        folder=open_folder(config.folder, config.curve),
        now=now,
        consent_page=f"{config.origin}/consent",
    )
    people = None if config.people is None else People(folder=config.people)
    platforms = config.platforms + ((config.time_origin,) if config.time_origin else ())
    return Litestar(
        route_handlers=[*API, *PHONE, *OPERATORS, *SEATS, static_files(STATIC)],
        state=State(
            {
                "holders": Holders(files=files, people=people),
                "origin": config.origin,
                "platforms": platforms,
                # The form may lead back to the platform that asked.
                "form_targets": (*LOOPBACK_TARGETS, *platforms),
                "pages": make_pages(no_frame),
            }
        ),
        exception_handlers=exception_handlers(),
        before_send=[send_security_headers],
        openapi_config=OpenAPIConfig(title="Sunbid development licence authority", version="1"),
    )


def exception_handlers() -> ExceptionHandlersMap:
    """Refusals and faults become the phone's own pages, or problem+json."""
    return {Refused: on_refused, HTTPException: on_http, Exception: on_fault}


async def no_frame(_request: AnyRequest, _language: Language) -> Mapping[str, object]:
    """The phone's pages stand alone."""
    return {}


def on_refused(request: AnyRequest, refused: Refused) -> Response[Any]:
    """A refusal as the phone's own page, or as problem+json."""
    return refusal(request, to_problem(refused))


def on_http(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """The framework's own refusals: no such page, a form that does not read."""
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "-")
    problem = {
        "type": f"/problems/{code}",
        "title": phrase,
        "status": error.status_code,
        "detail": error.detail,
        "code": code,
    }
    return refusal(request, problem)


def on_fault(request: AnyRequest, error: Exception) -> Response[Any]:
    """A fault of the program: the story goes to the log only."""
    log.error("fault at %s", request.url.path, exc_info=error)
    return refusal(
        request,
        {
            "type": "/problems/fault",
            "title": "Something went wrong in the licence authority.",
            "status": 500,
            "detail": "nothing was signed; its log says more",
            "code": "fault",
        },
    )


def refusal(request: AnyRequest, problem: dict[str, Any]) -> Response[Any]:
    """A problem as a page for a person, as it is for a program."""
    status = int(problem["status"])
    if not wants_page(request):
        return Response(problem, status_code=status, media_type=MEDIA_TYPE)
    pages: Pages = request.app.state.pages
    language = language_of(request)
    title = pages.catalogue.find(language, f"refused.{slug(problem['code'])}.title")
    view = {**problem, "title": title or problem["title"]}
    html = pages.render(language, "phone/refused.html", {"view": view})
    return answer(request, html, language, status)


async def serve(config: AuthorityConfig) -> None:
    """Serve until the process is told to stop; refuses a port that is taken."""
    greeting = f"licence authority (development) at {config.origin}"
    await serve_alone(create_app(config), config.host, config.port, greeting)

"""The Litestar application: everything that the server brings together, and nothing else.

Opening and closing of what lives as long as the process stands in `lifespan`; routes come from
the features' web modules; what goes on beside requests from `background`.
"""

import base64
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from litestar import Litestar, get
from litestar.config.compression import CompressionConfig
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import License

import bidding.award.web
import bidding.bid.web
import bidding.opening.web
import bidding.participant.web
import bidding.plan.web
import bidding.tender.web
import experts.drawing.web
import experts.panel.web
import experts.pool.web
import sunbid.web.clock
import sunbid.web.identity
import sunbid.web.login
import sunbid.web.package
import sunbid.web.pages
import sunbid.web.statements
import supervision.cases.web
import supervision.redflags.web
from bidding.bid.desk import Desk
from foundation.clock import read_clock
from foundation.database import Database, check_database, reading
from foundation.identity.login import register_administrators
from foundation.outbox import Listener
from foundation.settings import Settings, check_settings, read_settings
from foundation.statements.canonical import time_text
from foundation.statements.signed import Statement, sign, unsigned
from foundation.web import problem_handlers, send_security_headers, static_files
from sunbid.background import Background, Ticks
from sunbid.doors import enter
from sunbid.export import trusted
from sunbid.mail import Mailer
from sunbid.open_desk import open_desk
from sunbid.pages.sheets import stop_readers
from sunbid.pages.site import STATIC, make_pages
from sunbid.rounds import make_rounds, start_ticks
from sunbid.seal_origin import serve_seal_origin
from sunbid.web.authentication import Authentication
from sunbid.web.frame import frame
from sunbid.web.problems import describe_refusals

BODY_LIMIT: Final = 8 * 1024 * 1024
# With `apart` the rounds of closer and worker run in `sunbid worker`.
WORKER_VARIABLE: Final = "SUNBID_WORKER"
APART: Final = "apart"

Service = Callable[[], Coroutine[Any, Any, object]]


@get("/health/live", tags=["health"], sync_to_thread=False)
def live() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


ROUTES: Final = [
    live,
    *bidding.participant.web.routes,
    *bidding.plan.web.routes,
    *bidding.tender.web.routes,
    *bidding.bid.web.routes,
    *bidding.opening.web.routes,
    *bidding.award.web.routes,
    *experts.pool.web.routes,
    *experts.drawing.web.routes,
    *experts.panel.web.routes,
    *supervision.redflags.web.routes,
    *supervision.cases.web.routes,
    *sunbid.web.clock.routes,
    *sunbid.web.identity.routes,
    *sunbid.web.login.routes,
    *sunbid.web.package.routes,
    *sunbid.web.pages.routes,
    *sunbid.web.statements.routes,
]


def create_app() -> Litestar:
    """Make the application from the settings in the environment; the server's factory."""
    settings = read_settings()
    return make_app(settings, beside=[partial(serve_seal_origin, settings)])


def make_app(settings: Settings, *, beside: Sequence[Service] = ()) -> Litestar:
    """Make the application; refuses settings that its mode does not allow.

    `beside` are services that run as long as it does.
    """
    check_settings(settings)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with running(app, settings):
            for service in beside:
                app.state.background.start(service())
            yield

    describe_refusals(ROUTES)
    return Litestar(
        route_handlers=[*ROUTES, static_files(STATIC)],
        lifespan=[lifespan],
        middleware=[DefineMiddleware(Authentication)],
        exception_handlers=problem_handlers(),
        before_send=[send_security_headers],
        request_max_body_size=BODY_LIMIT,
        compression_config=CompressionConfig(backend="gzip", exclude=["/events"]),
        openapi_config=OpenAPIConfig(
            title="Sunbid 阳光标",
            version="1.0.0",
            description="Public-resource e-bidding: sealed bids, provable openings and awards.",
            license=License(name="Apache-2.0", identifier="Apache-2.0"),
            path="/schema",
            # Nothing that would load a script from elsewhere: a reader's own tool shows the text.
            render_plugins=[JsonRenderPlugin(), YamlRenderPlugin()],
            use_handler_docstrings=True,
        ),
    )


@asynccontextmanager
async def running(app: Litestar, settings: Settings) -> AsyncIterator[None]:
    """Open what the application needs, run what goes on beside requests, and close all of it."""
    db = await Database.open(settings.database_url or "", 16)
    try:
        async with reading(db, "foundation") as connection:
            if settings.mode == "production":
                await check_database(connection)
            now, _, _ = await read_clock(connection)
        desk = open_desk(db, settings, now)
        if settings.administrators is not None:
            await register_administrators(db, settings.administrators)
        await _fill_state(app, settings, desk)
        background = app.state.background
        start_ticks(app.state, settings.tick_s)
        background.start(app.state.listener.run())
        if os.environ.get(WORKER_VARIABLE) != APART:
            background.start_rounds(make_rounds(desk, Mailer.of(settings)))
        try:
            yield
        finally:
            stop_readers()
            await background.stop()
            await desk.signer.close()
    finally:
        await db.close()


async def _fill_state(app: Litestar, settings: Settings, desk: Desk) -> None:
    async def platform_time() -> Statement:
        async with reading(desk.db, "foundation") as connection:
            platform, real, factor = await read_clock(connection)
        body = {
            "v": 1,
            "platform": time_text(platform),
            "real": time_text(real),
            "factor": int(factor),
        }
        return sign(unsigned("platform-time", body), desk.platform)

    state = app.state
    state.settings = settings
    state.desk = desk
    state.clock = "demo" if settings.mode == "demo" else "real"
    state.policy_text = await _policy_text(settings, desk)
    state.platform_time = platform_time
    state.accept_statement = partial(enter, desk)
    state.background = Background()
    state.ticks = Ticks()
    state.listener = Listener(settings.database_url or "")
    state.pages = make_pages(frame)
    # A form that needs a signature ends on the development authority's phone.
    is_phone_ours = settings.mode != "production" and settings.licence_url is not None
    state.form_targets = (settings.licence_url,) if is_phone_ours else ()
    state.seal_url = settings.seal_url
    state.frame_sources = (settings.seal_url,)


async def _policy_text(settings: Settings, desk: Desk) -> str:
    """The policy that clients are offered; without partners it says `quorum none`."""
    if settings.policy is not None:
        return settings.policy.read_text(encoding="utf-8")
    last = await desk.signer.last()
    lines = [
        f"#anchor {role} {base64.b64encode(der).decode()}"
        for role, anchors in trusted(desk)
        for der in anchors
    ]
    return "\n".join([f"log {last.vkey}", "quorum none", *lines, ""])

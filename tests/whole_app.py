"""Every route of the application over a played world, without its rounds: the test makes ticks."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.middleware import DefineMiddleware
from litestar.types import Middleware

from foundation.clock import read_clock
from foundation.database import reading
from foundation.identity.domain import Session
from foundation.language import Language
from foundation.outbox import Listener
from foundation.settings import Settings
from foundation.statements.canonical import time_text
from foundation.statements.signed import Statement, sign, unsigned
from foundation.web import AnyRequest, problem_handlers, send_security_headers, static_files
from licences import free_port
from page_world import As
from seat_world import policy_text
from sunbid.app import BODY_LIMIT, ROUTES
from sunbid.background import Background, Ticks
from sunbid.doors import enter
from sunbid.pages.site import STATIC, make_pages
from sunbid.web.authentication import Authentication
from sunbid.web.frame import frame
from world import World

PLACE = "http://platform.test"


def settings_of(world: World, place: str = PLACE) -> Settings:
    """The settings of a demonstration, as far as routes ask them."""
    return Settings(
        mode="demo",
        data_dir=world.folder / "data",
        signer_socket=Path("/nonexistent"),
        origin=world.desk.origin,
        public_url=place,
        mail_relay="127.0.0.1:9",
    )


@asynccontextmanager
async def platform_of(world: World, dsn: str) -> AsyncIterator[tuple[httpx.AsyncClient, As]]:
    """A client of the whole application, and who it is."""
    who, last = As(), await world.desk.signer.last()
    app = app_of(world, dsn, settings_of(world), who)
    app.state["policy_text"] = f"log {last.vkey}\nquorum none\n"
    # In the loop of the test: the connections of the database belong to it.
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # the two spell ASGI apart
    async with httpx.AsyncClient(transport=transport, base_url=PLACE) as client:
        yield client, who
    await app.state.background.stop()


@asynccontextmanager
async def served_platform(world: World, dsn: str) -> AsyncIterator[str]:
    """The address at which the whole application answers over HTTP, to whoever logs in there."""
    port = free_port()
    place = f"http://127.0.0.1:{port}"
    app = app_of(world, dsn, settings_of(world, place), DefineMiddleware(Authentication))
    app.state["policy_text"] = await policy_text(world)
    server = Server(app, port=port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    try:
        yield place
    finally:
        server.stop()  # type: ignore[no-untyped-call]  # granian types it not
        await serving
        await app.state.background.stop()


def app_of(world: World, dsn: str, settings: Settings, who: Middleware) -> Litestar:
    """The whole application over a world; its policy is the caller's to set."""

    async def platform_time() -> Statement:
        async with reading(world.db, "foundation") as connection:
            platform, real, factor = await read_clock(connection)
        body = {
            "v": 1, "platform": time_text(platform), "real": time_text(real),
            "factor": max(1, int(factor)),
        }  # fmt: skip
        return sign(unsigned("platform-time", body), world.desk.platform)

    async def surroundings(request: AnyRequest, language: Language) -> Mapping[str, object]:
        return await frame(request, language)

    app = Litestar(
        [*ROUTES, static_files(STATIC)],
        middleware=[who],
        exception_handlers=problem_handlers(),
        before_send=[send_security_headers],
        request_max_body_size=BODY_LIMIT,
        compression_config=CompressionConfig(backend="gzip", exclude=["/events"]),
    )
    app.state.update(
        {
            "settings": settings,
            "desk": world.desk,
            "clock": "demo",
            "platform_time": platform_time,
            "accept_statement": partial(enter, world.desk),
            "background": Background(),
            "ticks": Ticks(),
            "listener": Listener(dsn),
            "pages": make_pages(surroundings),
            "form_targets": (),
        }
    )
    return app


def session_of_office(world: World, part: str, session: Session) -> Session:
    """A session with the login of somebody, as an office of the world."""
    return Session(
        actor=world.actors[part],
        login=session.login,
        licence_status="good",
        expires_at=session.expires_at,
    )

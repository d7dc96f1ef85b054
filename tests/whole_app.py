"""Every route of the application over a played world, without its rounds: the test makes ticks."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
from litestar import Litestar
from litestar.config.compression import CompressionConfig

from foundation.clock import read_clock
from foundation.database import reading
from foundation.identity.domain import Session
from foundation.language import Language
from foundation.outbox import Listener
from foundation.settings import Settings
from foundation.statements.canonical import time_text
from foundation.statements.signed import Statement, sign, unsigned
from foundation.web import AnyRequest, problem_handlers, send_security_headers, static_files
from page_world import As
from sunbid.app import BODY_LIMIT, ROUTES
from sunbid.background import Background, Ticks
from sunbid.doors import enter
from sunbid.pages.site import STATIC, make_pages
from sunbid.web.frame import frame
from world import World

PLACE = "http://platform.test"


def settings_of(world: World) -> Settings:
    """The settings of a demonstration, as far as routes ask them."""
    return Settings(
        mode="demo",
        data_dir=world.folder / "data",
        signer_socket=Path("/nonexistent"),
        origin=world.desk.origin,
        public_url=PLACE,
    )


@asynccontextmanager
async def platform_of(world: World, dsn: str) -> AsyncIterator[tuple[httpx.AsyncClient, As]]:
    """A client of the whole application, and who it is."""

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

    who, last = As(), await world.desk.signer.last()
    app = Litestar(
        [*ROUTES, static_files(STATIC)],
        middleware=[who],
        exception_handlers=problem_handlers(),
        before_send=[send_security_headers],
        request_max_body_size=BODY_LIMIT,
        compression_config=CompressionConfig(backend="gzip", exclude=["/events"]),
    )
    background = Background()
    app.state.update(
        {
            "settings": settings_of(world),
            "desk": world.desk,
            "clock": "demo",
            "policy_text": f"log {last.vkey}\nquorum none\n",
            "platform_time": platform_time,
            "accept_statement": partial(enter, world.desk),
            "background": background,
            "ticks": Ticks(),
            "listener": Listener(dsn),
            "pages": make_pages(surroundings),
            "form_targets": (),
        }
    )
    # In the loop of the test: the connections of the database belong to it.
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # the two spell ASGI apart
    async with httpx.AsyncClient(transport=transport, base_url=PLACE) as client:
        yield client, who
    await background.stop()


def session_of_office(world: World, part: str, session: Session) -> Session:
    """A session with the login of somebody, as an office of the world."""
    return Session(
        actor=world.actors[part],
        login=session.login,
        licence_status="good",
        expires_at=session.expires_at,
    )

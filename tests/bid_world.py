"""The whole application over a played world: real sessions, challenges and forms."""

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.middleware import DefineMiddleware

from foundation.settings import Settings
from foundation.statements.canonical import time_text
from foundation.statements.signed import Statement, from_json, sign, unsigned
from foundation.web import problem_handlers, send_security_headers, static_files
from sunbid.app import ROUTES
from sunbid.background import Background, Ticks
from sunbid.pages.site import STATIC, make_pages
from sunbid.web.authentication import Authentication
from sunbid.web.frame import frame
from world import BidderOf, World

PAGE = {"accept": "text/html"}
TOKEN = re.compile(r'name="_csrf" value="([0-9a-f]+)"|data-csrf="([0-9a-f]+)"')


async def app_of(world: World, settings: Settings, **more: Any) -> Litestar:
    """The application with a world's desk; whoever makes it ends its `background`."""
    app = Litestar(
        [*ROUTES, static_files(STATIC)],
        middleware=[DefineMiddleware(Authentication)],
        exception_handlers=problem_handlers(),
        before_send=[send_security_headers],
        request_max_body_size=8 * 1024 * 1024,
    )

    async def platform_time() -> Statement:
        now = time_text(await world.now())
        body = {"v": 1, "platform": now, "real": now, "factor": 1}
        return sign(unsigned("platform-time", body), world.desk.platform)

    last = await world.desk.signer.last()
    anchor = f"#anchor platform {as_base64(world.desk.platform_anchor)}"
    app.state.update(
        {
            "desk": world.desk,
            "settings": settings,
            "pages": make_pages(frame),
            "policy_text": f"log {last.vkey}\nquorum none\n{anchor}\n",
            "background": Background(),
            "ticks": Ticks(),
            "clock": "demo",
            "platform_time": platform_time,
            **more,
        }
    )
    return app


def as_base64(raw: bytes) -> str:
    """As policies write certificates."""
    return base64.b64encode(raw).decode()


@dataclass
class BidderBrowser:
    """A bidder's browser: its cookies, the token of its forms, and the phone beside it."""

    world: World
    client: httpx.AsyncClient
    phone: httpx.AsyncClient
    bidder: BidderOf
    csrf: str = ""

    async def log_in(self) -> None:
        """By a code, as a person does."""
        asked = (await self.post("/api/v1/challenges", {"purpose": "login"})).json()
        await self.sign_on_phone(asked["id"], asked["match"])
        made = await self.post("/api/v1/sessions", {"challenge": asked["id"]})
        assert made.status_code == 201, made.text
        found = TOKEN.search((await self.client.get("/bids", headers=PAGE)).text)
        assert found is not None
        self.csrf = found[1] or found[2]

    async def sign_on_phone(self, challenge: str, match: str) -> Statement:
        """The phone confirms with the digits and signs what was asked."""
        address = f"/api/v1/challenges/{challenge}"
        asked = (await self.phone.post(f"{address}/scanned", json={"match": match})).json()
        signed = sign(unsigned(asked["type"], asked["body"]), self.bidder.signer)
        answer = await self.phone.post(f"{address}/statement", json={"statement": signed.json()})
        assert answer.status_code == 200, answer.text
        return signed

    async def get(self, path: str) -> httpx.Response:
        """A page."""
        return await self.client.get(path, headers=PAGE)

    async def post(self, path: str, json: Any = None, **headers: str) -> httpx.Response:
        """What the page's script asks."""
        sent = {"X-CSRF-Token": self.csrf, **headers}
        return await self.client.post(path, json=json, headers=sent)

    async def submit(self, path: str, **fields: str) -> httpx.Response:
        """A form without script."""
        data = {"_csrf": self.csrf, **fields}
        return await self.client.post(path, data=data, headers=PAGE)

    async def ask_signature(self, statement: Statement) -> dict[str, Any]:
        """Begin a signature, as the page of checking does."""
        asked = {"type": statement.type, "body": statement.body}
        answer = await self.post(
            "/api/v1/challenges", {"purpose": "sign", "statement": asked, "return_to": "/bids"}
        )
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@asynccontextmanager
async def bidders_platform(world: World, settings: Settings) -> AsyncIterator["Platform"]:
    """The application and browsers on it, in the loop of the test."""
    settings = replace(settings, public_url="http://platform.test", mode="demo")
    app = await app_of(world, settings)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # the two spell ASGI apart
    made = Platform(world, app, transport, [])
    try:
        yield made
    finally:
        for client in made.clients:
            await client.aclose()
        await app.state.background.stop()


@dataclass
class Platform:
    """An application under test and whoever visits it."""

    world: World
    app: Litestar
    transport: httpx.ASGITransport
    clients: list[httpx.AsyncClient]

    def client(self) -> httpx.AsyncClient:
        """A fresh browser without cookies."""
        made = httpx.AsyncClient(transport=self.transport, base_url="http://platform.test")
        self.clients.append(made)
        return made

    async def browser(self, bidder: BidderOf) -> BidderBrowser:
        """A bidder's browser, logged in."""
        made = BidderBrowser(self.world, self.client(), self.client(), bidder)
        await made.log_in()
        return made


def challenge_of(location: str) -> UUID:
    """The id at the end of a waiting page's address."""
    return UUID(location.rsplit("/", 1)[-1])


def refusal_in(answer: httpx.Response) -> Statement:
    """The signed refusal that came with a problem."""
    return from_json(answer.json()["refusal"])

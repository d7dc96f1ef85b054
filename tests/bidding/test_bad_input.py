"""What no honest client sends is refused in a sentence: never a fault, never a traceback."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

import bidding.bid.web
import bidding.plan.web
import bidding.tender.web
import sunbid.web.statements
from foundation.identity import Actor
from foundation.statements.signed import sign, unsigned
from foundation.web import problem_handlers
from world import World, actor

SESSION = SimpleNamespace(sid="ab" * 32)
HASH = "ab" * 32


class AsSomebody(ASGIMiddleware):
    """Puts an actor where the authentication of the application would put a session."""

    actor: Actor | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scope["auth"] = SimpleNamespace(actor=self.actor, login=SESSION)
        await next_app(scope, receive, send)


def door(world: World, who: Actor) -> httpx.AsyncClient:
    """The routes of bidding and of statements, with somebody logged in."""
    middleware = AsSomebody()
    middleware.actor = who
    app = Litestar(
        [
            *bidding.bid.web.routes,
            *bidding.plan.web.routes,
            *bidding.tender.web.routes,
            *sunbid.web.statements.routes,
        ],
        middleware=[middleware],
        exception_handlers=problem_handlers(),
        openapi_config=None,
    )
    app.state.desk = world.desk
    app.state.clock = "demo"
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # the two spell ASGI apart
    return httpx.AsyncClient(transport=transport, base_url="http://bad.test")


def is_refusal(answer: httpx.Response) -> bool:
    """Whether this is a problem document about the request, not about us."""
    kind = answer.headers["content-type"]
    return 400 <= answer.status_code < 500 and kind.startswith("application/problem+json")


@pytest.mark.parametrize("sid", ["zz", "%00", "ab", "ab" * 40, "%C3%A9", "Z" * 64])
async def test_what_is_no_sid_names_nothing(world: World, sid: str) -> None:
    async with door(world, actor("custodian", world.members["T1"].uscc, "x")) as client:
        for path in (f"/api/v1/acts/{sid}", f"/api/v1/papers/{sid}"):
            assert (await client.get(path)).status_code == 404
        check: dict[str, Any] = {"v": 1, "closing": "Z" * 64}
        made = sign(unsigned("share-check", check), world.members["T1"].signer)
        answer = await client.post("/api/v1/statements", json={"statement": made.json()})
        assert is_refusal(answer)


@pytest.mark.parametrize(
    "body",
    [
        {"size": 1, "tree": "x", "parts": ["x"]},
        {"size": 1, "tree": HASH, "parts": ["x"]},
        {"size": 0, "tree": HASH, "parts": []},
        {"size": 10**30, "tree": HASH, "parts": [HASH]},
        {"size": -1, "tree": HASH, "parts": [HASH]},
        {"size": True, "tree": HASH, "parts": [HASH]},
    ],
)
async def test_an_upload_that_is_none_is_refused(world: World, body: dict[str, Any]) -> None:
    async with door(world, actor("bidder", world.members["T1"].uscc, "x")) as client:
        assert is_refusal(await client.post("/api/v1/uploads", json=body))


@pytest.mark.parametrize(
    "dates",
    [
        {"deadline_at": "9999-12-31T23:59:59Z"},
        {"deadline_at": "2026-11-30T09:00:00"},
        {"deadline_at": "0001-01-01T00:00:00+14:00"},
        {"issued_on": "9999-12-31"},
        {"issued_on": "0001-01-01"},
    ],
)
async def test_a_notice_needs_days_of_this_era_and_a_zone(
    world: World, dates: dict[str, str]
) -> None:
    await world.draft()
    body = {
        "issued_on": "2026-09-14",
        "deadline_at": "2026-11-30T09:00:00+08:00",
        "custodians": ["x"],
        "custodians_needed": 2,
        "remedy": ["zz"],
        "remedy_needed": 2,
    }
    async with door(world, world.actors["agency"]) as client:
        place = f"/api/v1/lots/{world.lot}/announcement"
        assert is_refusal(await client.post(place, json={**body, **dates}))
        assert is_refusal(await client.post(place, json=body))


@pytest.mark.parametrize("words", ["%00", "%25%5C_", "x" * 3000])
async def test_a_search_for_anything_is_answered_or_refused(world: World, words: str) -> None:
    async with door(world, world.actors["agency"]) as client:
        for name in ("words", "status"):
            assert (await client.get(f"/api/v1/lots?{name}={words}")).status_code < 500
        assert (await client.get(f"/api/v1/lots/{uuid4()}/documents/{words}")).status_code == 404

"""The routes of the experts' context: shapes, statuses, and who may call what."""

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

import experts.drawing.web
import experts.panel.web
import experts.pool.web
from experts.drawing.service import accept_seed_commit, accept_seed_reveal
from experts_world import AGENCY, BIDDERS, SUPERVISOR, World, an_entry
from foundation.identity import Actor
from foundation.statements.canonical import b64
from foundation.web import problem_handlers
from sealing_world import anchor

Client = httpx.AsyncClient


class AsSomebody(ASGIMiddleware):
    """Puts an actor where the authentication of the application would put a session."""

    actor: Actor | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scope["auth"] = None if self.actor is None else SimpleNamespace(actor=self.actor)
        await next_app(scope, receive, send)


@pytest.fixture
def door(world: World) -> tuple[Client, AsSomebody]:
    """An application of these routes alone, and who is logged in there."""
    who = AsSomebody()
    app = Litestar(
        route_handlers=[
            *experts.pool.web.routes,
            *experts.drawing.web.routes,
            *experts.panel.web.routes,
        ],
        middleware=[who],
        exception_handlers=problem_handlers(),
    )
    app.state.desk = SimpleNamespace(db=world.db, objects=world.objects)
    # In the loop of the test: the connections of the database belong to it.
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # the two spell ASGI apart
    return httpx.AsyncClient(transport=transport, base_url="http://panel.test"), who


async def test_a_lot_from_pool_to_report_over_http(
    world: World, door: tuple[Client, AsSomebody]
) -> None:
    client, who = door
    lot = f"/api/v1/lots/{world.lot}"

    async def call(actor: Actor, method: str, path: str, body: Any = None) -> Any:
        who.actor = actor
        answer = await client.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async with client:
        entries = [an_entry(n) for n in range(10)]
        rows = [
            {
                "name": e.name,
                "specialities": list(e.specialities),
                "region": e.region,
                "grade": e.grade,
                "employer_uscc": e.employer_uscc,
                "employer_name": e.employer_name,
                "alg": e.alg,
                "pk": b64(e.pk),
            }
            for e in entries
        ]
        made = await call(world.administrator, "POST", "/api/v1/experts", rows)
        assert "pk" not in made[0]
        await adopt(world)
        wish = {"seats": 5, "reserve": 2, "speciality": "A08", "at_most_per_employer": 1}
        committed = await call(world.agency, "POST", f"{lot}/pool", wish)
        assert committed["experts"] == 10
        await secrets_and_opening(world)
        for kind in ("float", "experts", "blind"):
            offered = await call(world.agency, "POST", f"{lot}/draws", {"kind": kind})
            await world.sign_draw(offered["paper"])
        await world.pledge_all()
        seated = await world.seated()
        member = world.actor(seated[0])
        tasks = await call(member, "GET", "/api/v1/panels")
        assert tasks[0]["status"] == "scoring"
        shown = await call(member, "GET", f"{lot}/blind-bids")
        assert set(shown) >= {"method", "method_sha256", "bids", "expert", "seat"}
        secret = [*BIDDERS, *(uscc for uscc, _ in BIDDERS.values())]
        assert not any(marker in json.dumps(shown, ensure_ascii=False) for marker in secret)
        mark = {
            "code": "01",
            "criterion": "plan",
            "score": "20",
            "passed": None,
            "comment": "",
            "version": 0,
        }
        saved = await call(member, "PUT", f"{lot}/marks", {"marks": [mark]})
        assert saved["marks"][0]["version"] == 1
        again = await client.put(f"{lot}/marks", json={"marks": [mark]})
        assert (again.status_code, again.json()["code"]) == (412, "mark-changed")
        early = await client.get(f"{lot}/evaluation")
        assert (early.status_code, early.json()["code"]) == (403, "still-sealed")
        await world.score_all()
        result = await call(member, "GET", f"{lot}/evaluation")
        assert {row["rank"] for row in result["results"]} == {1, 2, 3}
        offered = await call(world.agency, "POST", f"{lot}/evaluation-report")
        assert await world.sign_report(offered["paper"], seated)
        state = await call(world.agency, "GET", f"{lot}/panel")
        assert (state["status"], len(state["seats"])) == ("accepted", 5)


async def adopt(world: World) -> None:
    """Let the world know the experts that came over HTTP."""
    from experts.pool.service import list_experts
    from experts_world import expert_key

    by_kid = {expert_key(n).kid: expert_key(n) for n in range(10)}
    for expert in await list_experts(world.db, world.administrator):
        world.experts[expert.id] = expert
        world.signers[expert.id] = by_kid[expert.kid]


async def secrets_and_opening(world: World) -> None:
    """Commitments, the closing, secrets, the record of the opening."""
    commits = {uscc: await world.commit(uscc) for uscc in (AGENCY, SUPERVISOR)}
    for actor in (world.agency, world.supervisor):
        commit = commits[actor.subject or ""]
        await accept_seed_commit(world.db, actor, commit, [anchor()])
    await world.close()
    for actor in (world.agency, world.supervisor):
        reveal = world.reveal(commits[actor.subject or ""], actor.subject or "")
        await accept_seed_reveal(world.db, actor, reveal, [anchor()])
    await world.record()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/experts"),
        ("GET", "/api/v1/panels"),
        ("GET", "/api/v1/lots/{lot}/blind-bids"),
        ("GET", "/api/v1/lots/{lot}/marks"),
        ("GET", "/api/v1/lots/{lot}/panel"),
        ("GET", "/api/v1/lots/{lot}/evaluation"),
        ("POST", "/api/v1/lots/{lot}/evaluation-report"),
    ],
)
async def test_the_public_gets_nothing_of_a_panel(
    world: World, door: tuple[Client, AsSomebody], method: str, path: str
) -> None:
    client, _ = door
    async with client:
        answer = await client.request(method, path.format(lot=world.lot))
    assert (answer.status_code, answer.json()["code"]) == (401, "not-logged-in")


async def test_the_state_of_the_seed_is_public_and_holds_no_secret(
    world: World, door: tuple[Client, AsSomebody]
) -> None:
    client, _ = door
    await world.prepare_draws()
    async with client:
        answer = await client.get(f"/api/v1/lots/{world.lot}/seed")
    assert answer.status_code == 200
    assert b64(b"a" * 32) not in answer.text
    assert not any(str(expert) in answer.text for expert in world.experts)

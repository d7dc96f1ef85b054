"""The JSON routes of supervision: shapes, languages, and who may ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest_asyncio
from litestar import Litestar
from litestar.middleware import DefineMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

import sunbid
import supervision.cases.web
import supervision.redflags.web
from conftest import SetClock
from foundation.database import Database
from foundation.identity import Actor
from foundation.language import Catalogue
from foundation.web import problem_handlers
from sunbid.demo_files.bids import cast
from supervision.redflags.service import examine_lot
from supervision_world import a_flagged_lot, a_person, an_opened_lot, stranger

CATALOGUE = Catalogue.load(Path(sunbid.__file__).parent / "locale")
PEOPLE: dict[str, Actor] = {}
OTHER_ROLES = ("bidder", "buyer", "agency", "expert", "host", "committee", "administrator")


@dataclass(frozen=True)
class Held:
    """As much of a session as the routes look at."""

    actor: Actor


@dataclass(frozen=True)
class Desk:
    db: Database


@dataclass(frozen=True)
class Pages:
    catalogue: Catalogue


class AskedBy:
    """Puts whom the header names into the request, as the authentication would."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        actor = PEOPLE.get(headers.get(b"x-asked-by", b"").decode())
        scope["auth"] = None if actor is None else Held(actor)
        await self.app(scope, receive, send)


@dataclass
class Office:
    lot: UUID
    submissions: dict[UUID, str]
    client: httpx.AsyncClient = field(init=False)


@pytest_asyncio.fixture
async def office(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> AsyncIterator[Office]:
    """The routes over a lot with one made-up finding."""
    world = await a_flagged_lot(database, owner, set_clock, tmp_path)
    async with serving(database, owner, Office(world.lot, {})) as made:
        yield made


@pytest_asyncio.fixture
async def examined(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> AsyncIterator[Office]:
    """The routes over the demonstration's bids, really examined."""
    world, submissions = await an_opened_lot(database, owner, set_clock, tmp_path)
    await examine_lot(database, world.objects, world.lot)
    async with serving(database, owner, Office(world.lot, submissions)) as made:
        yield made


@asynccontextmanager
async def serving(database: Database, owner: Any, office: Office) -> AsyncIterator[Office]:
    PEOPLE["first"] = await a_person(owner, "林范例")
    PEOPLE["second"] = await a_person(owner, "何范例")
    PEOPLE["stranger"] = stranger(PEOPLE["first"])
    for role in OTHER_ROLES:
        PEOPLE[role] = Actor(
            id=uuid4(), role=role, subject=PEOPLE["first"].subject, name=role, kid=None
        )
    app = Litestar(
        route_handlers=[*supervision.redflags.web.routes, *supervision.cases.web.routes],
        middleware=[DefineMiddleware(AskedBy)],
        exception_handlers=problem_handlers(),
    )
    app.state.desk = Desk(database)
    app.state.pages = Pages(CATALOGUE)
    # In this loop: the test client of Litestar would call the database from another one.
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # two spellings of ASGI
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
        office.client = client
        yield office


def by(name: str, language: str = "zh") -> dict[str, str]:
    return {"x-asked-by": name, "accept-language": language}


async def test_the_flags_of_a_lot_carry_article_base_rate_and_the_innocent_reading(
    examined: Office,
) -> None:
    answer = await examined.client.get(f"/api/v1/lots/{examined.lot}/flags", headers=by("first"))
    assert answer.status_code == 200
    body = answer.json()
    assert body["grade"] == "A"
    ring = {str(key) for key, name in examined.submissions.items() if name in ring_personas()}
    assert [one["flag"] for one in body["findings"]] == ["R101", "R102", "R103", "R104"]
    for one in body["findings"]:
        assert set(one["bidders"]) == ring
        assert one["article"].startswith("招标投标法实施条例第四十条")
        assert set(one["base_rate"]) == {"hits", "of", "source", "share"}
        assert one["innocent"]
        assert one["evidence"]
    passage = body["findings"][0]["evidence"][0]
    assert passage["place_a"]["page"] >= 1
    assert len(passage["text_a"]) > 100
    assert len(body["prices"]) == 7
    datetime.fromisoformat(body["due_at"]).astimezone(UTC)


def ring_personas() -> set[str]:
    return {bidder.persona for bidder in cast() if bidder.role == "ring"}


async def test_the_words_follow_the_language_and_the_facts_do_not(examined: Office) -> None:
    path = f"/api/v1/lots/{examined.lot}/flags"
    chinese = (await examined.client.get(path, headers=by("first"))).json()["findings"]
    english = (await examined.client.get(path, headers=by("first", "en"))).json()["findings"]
    assert english[1]["title"] == "3 bids were made on the same machine"
    assert chinese[1]["title"] != english[1]["title"]
    assert [one["sha256"] for one in chinese] == [one["sha256"] for one in english]


async def test_a_case_goes_through_its_moves(office: Office) -> None:
    client, first, second = office.client, by("first"), by("second")
    inbox = (await client.get("/api/v1/supervision/inbox", headers=first)).json()
    assert inbox["counts"] == {"waiting": 1, "running": 0, "closed": 0}
    made = await client.post("/api/v1/cases", headers=first, json={"lot": str(office.lot)})
    assert made.status_code == 201
    case = f"/api/v1/cases/{made.json()['id']}"
    assert (await client.post(f"{case}/handler", headers=first)).json()["status"] == "under_review"
    note = {"text": "已函询", "finding": inbox["clues"][0]["findings"][0]["id"], "choice": "more"}
    assert (await client.post(f"{case}/notes", headers=first, json=note)).status_code == 201
    proposal = {"outcome": "dismissed", "reason": "同一打印社"}
    await client.post(f"{case}/proposal", headers=first, json=proposal)
    alone = await client.post(f"{case}/confirmation", headers=first, json={"answer": "confirm"})
    assert (alone.status_code, alone.json()["code"]) == (403, "second-person-needed")
    returned = {"answer": "return", "reason": "补充"}
    back = await client.post(f"{case}/confirmation", headers=second, json=returned)
    assert back.json()["status"] == "under_review"
    await client.post(f"{case}/proposal", headers=first, json=proposal)
    closed = await client.post(f"{case}/confirmation", headers=second, json={"answer": "confirm"})
    assert closed.json()["status"] == "dismissed"
    shown = (await client.get(case, headers=second)).json()
    assert [one["choice"] for one in shown["notes"]] == ["more"]


async def test_nobody_but_the_tenders_supervisor_sees_or_moves(office: Office) -> None:
    client = office.client
    made = await client.post("/api/v1/cases", headers=by("first"), json={"lot": str(office.lot)})
    case = f"/api/v1/cases/{made.json()['id']}"
    for who in ("nobody", "stranger", *OTHER_ROLES):
        headers = by(who)
        answers = [
            await client.get(f"/api/v1/lots/{office.lot}/flags", headers=headers),
            await client.post("/api/v1/cases", headers=headers, json={"lot": str(office.lot)}),
            await client.get(case, headers=headers),
            await client.post(f"{case}/handler", headers=headers),
            await client.post(f"{case}/notes", headers=headers, json={"text": "x"}),
        ]
        wanted = 401 if who == "nobody" else 403
        assert {answer.status_code for answer in answers} == {wanted}, who
        inbox = await client.get("/api/v1/supervision/inbox", headers=headers)
        if who == "stranger":
            assert inbox.json()["clues"] == []
        else:
            assert inbox.status_code == wanted


async def test_bad_bodies_are_refused(office: Office) -> None:
    bodies: list[dict[str, Any]] = [
        {"lot": "not-a-uuid"},
        {"lot": str(uuid4()), "more": 1},
        {},
    ]
    for body in bodies:
        answer = await office.client.post("/api/v1/cases", headers=by("first"), json=body)
        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"].startswith("application/problem+json")


async def test_an_unknown_lot_or_case_is_not_found(office: Office) -> None:
    for path in (f"/api/v1/lots/{uuid4()}/flags", f"/api/v1/cases/{uuid4()}"):
        answer = await office.client.get(path, headers=by("first"))
        assert answer.status_code == 404

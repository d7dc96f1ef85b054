"""The routes of pages against real services: who sees what, what a form keeps, what is refused."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from litestar import Litestar
from litestar.middleware import DefineMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

import sunbid.web.pages
from bidding.bid.meters import Meters
from bidding.opening.hall import hall_mark
from conftest import SetClock
from experts_world import World, make_world
from foundation.database import Database
from foundation.identity import Actor
from foundation.language import Language
from foundation.settings import Settings
from foundation.web import AnyRequest, problem_handlers, send_security_headers
from sunbid.pages.frame import PageFrame, Visitor
from sunbid.pages.site import make_pages
from sunbid.web import halls
from supervision.redflags import service as redflags
from supervision_world import a_person, an_opened_lot

PAGE = {"accept": "text/html"}
DATA = {"accept": "application/json"}


@dataclass
class Seen:
    """Who makes the next request."""

    actor: Actor | None = None


class As:
    """Stands for the authentication: every request is made by whoever is set."""

    def __init__(self, app: ASGIApp, seen: Seen) -> None:
        self.app = app
        self.seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Puts the actor where the authentication puts it."""
        actor = self.seen.actor
        scope["user"] = actor
        scope["auth"] = None if actor is None else SimpleNamespace(actor=actor)
        await self.app(scope, receive, send)


async def frame(request: AnyRequest, _: Language) -> Mapping[str, object]:
    """What stands around a page here."""
    actor: Actor | None = request.scope["user"]
    visitor = None if actor is None else Visitor(name=actor.name, role=actor.role)
    return {"frame": PageFrame(now=datetime(2019, 5, 18, tzinfo=UTC), visitor=visitor)}


@dataclass
class Browser:
    """A browser on the pages of one world."""

    client: httpx.AsyncClient
    seen: Seen
    world: World

    async def get(self, path: str, actor: Actor | None = None) -> Any:
        """A page as somebody sees it."""
        self.seen.actor = actor
        return await self.client.get(path, headers=PAGE, follow_redirects=False)

    async def post(
        self,
        path: str,
        actor: Actor | None,
        headers: Mapping[str, str] = PAGE,
        **form: Any,
    ) -> Any:
        """A form as somebody sends it."""
        self.seen.actor = actor
        return await self.client.post(path, headers=dict(headers), follow_redirects=False, **form)


@asynccontextmanager
async def browsing(world: World) -> AsyncIterator[Browser]:
    """The pages over a world's database and objects."""
    seen = Seen()
    app = Litestar(
        sunbid.web.pages.routes,
        middleware=[DefineMiddleware(As, seen=seen)],
        exception_handlers=problem_handlers(),
        before_send=[send_security_headers],
        openapi_config=None,
    )
    app.state.desk = SimpleNamespace(
        db=world.db, objects=world.objects, origin="localhost/test", meters=Meters()
    )
    app.state.pages = make_pages(frame)
    app.state.settings = Settings()
    app.state.policy_text = "log x\nquorum none\n"
    # In the loop of the test: the connections of the database belong to it.
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # the two spell ASGI apart
    async with httpx.AsyncClient(transport=transport, base_url="http://pages.test") as client:
        yield Browser(client=client, seen=seen, world=world)


@pytest_asyncio.fixture
async def published(
    database: Database,
    owner: "asyncpg.Connection[asyncpg.Record]",
    set_clock: SetClock,
    tmp_path: Path,
) -> AsyncIterator[Browser]:
    """A published lot the day before its deadline."""
    world = await make_world(database, owner, set_clock, tmp_path)
    async with browsing(world) as browser:
        yield browser


async def test_the_public_sees_what_the_law_makes_public(published: Browser) -> None:
    lot = published.world.lot
    paths = {
        "/tenders": "测试项目",
        "/tenders?q=测试&group=bidding": 'class="found"',
        "/tenders?q=nothing": "没有符合条件的公告",
        "/tenders?page=999999999&group=x": "测试项目",
        f"/lots/{lot}": "招标中",
        f"/lots/{lot}/opening": "投标尚未截止",
        "/openings": "测试项目",
        "/awards": "还没有公示",
        "/plans": "还没有计划",
        "/ledger": "quorum none",
        "/verify": "把文件拖到这里",
        "/problems/late": "投标已经截止",
    }
    for path, text in paths.items():
        answer = await published.get(path)
        assert answer.status_code == 200, path
        assert text in answer.text, path
        assert "unsafe" not in answer.headers["content-security-policy"]


async def test_nothing_before_the_opening_tells_of_bidders(published: Browser) -> None:
    lot = published.world.lot
    for path in (f"/lots/{lot}", f"/lots/{lot}/opening"):
        text = (await published.get(path)).text
        assert 'class="sealed"' in text or "封存" in text


async def test_the_hall_tells_of_a_step_and_otherwise_only_of_the_time(
    published: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halls, "LOOK_EVERY_S", 0.01)
    world = published.world
    mark = await hall_mark(world.db, world.lot)
    told = halls.hall_steps(world.db, Meters(), world.lot, mark)
    assert [(await anext(told))[0] for _ in range(3)] == ["tick"] * 3
    await world.import_pool()
    await world.close()
    names = [(await anext(told))[0] for _ in range(2)]
    assert "step" in names
    assert await hall_mark(world.db, world.lot) != mark


async def test_what_is_not_there_is_a_page_that_says_so(published: Browser) -> None:
    lot = published.world.lot
    refused = {
        f"/lots/{uuid4()}": 404,
        f"/lots/{uuid4()}/opening": 404,
        f"/lots/{lot}/candidates": 409,
        f"/lots/{lot}/opening/record.pdf": 404,
        f"/lots/{lot}/report.pdf": 409,
        "/problems/nothing": 404,
        "/lots/nonsense": 404,
    }
    for path, status in refused.items():
        answer = await published.get(path)
        assert answer.status_code == status, path
        assert 'data-state="error"' in answer.text


async def test_own_pages_ask_for_a_login_and_the_right_role(published: Browser) -> None:
    lot = published.world.lot
    own = ("/bids", f"/lots/{lot}/bid", "/papers", "/seats", "/clues", f"/lots/{lot}/vote")
    for path in own:
        assert (await published.get(path)).status_code == 401, path
    agency = published.world.agency
    for path in ("/bids", f"/lots/{lot}/bid", "/seats", "/clues", f"/lots/{lot}/vote"):
        assert (await published.get(path, agency)).status_code == 403, path


async def test_a_stranger_reads_no_examination(published: Browser) -> None:
    answer = await published.get(f"/clues/{published.world.lot}", published.world.supervisor)
    assert answer.status_code == 404


@pytest_asyncio.fixture
async def scoring(published: Browser) -> Browser:
    """A panel that has pledged and scores."""
    world = published.world
    await world.prepare_draws()
    await world.draw_all()
    await world.pledge_all()
    return published


async def test_an_expert_scores_with_and_without_script(scoring: Browser) -> None:
    world = scoring.world
    expert = world.actor((await world.seated())[0])
    seats = await scoring.get("/seats", expert)
    assert "测试项目" in seats.text
    first = await scoring.get(f"/seats/{world.lot}", expert)
    assert first.status_code == 302
    cell = await scoring.get(f"/seats/{world.lot}/01/plan", expert)
    assert cell.status_code == 200
    assert "data-score" in cell.text
    # The world's PDF files are none: the pane says so, and scoring goes on.
    assert "这份文件无法在此显示" in cell.text
    for name in world.submissions.values():
        assert name not in cell.text, "bids are blind"

    form = {"code": "01", "criterion": "plan", "score": "20", "comment": "措施具体"}
    saved = await scoring.post(f"/seats/{world.lot}/marks", expert, DATA, files=parts(form))
    assert saved.status_code == 201
    assert saved.json()["version"] == 1
    after = f"/seats/{world.lot}/02/plan"
    plain = await scoring.post(
        f"/seats/{world.lot}/marks", expert, files=parts(form | {"score": "21", "next": after})
    )
    assert (plain.status_code, plain.headers["location"]) == (303, after)
    again = await scoring.get(f"/seats/{world.lot}/01/plan", expert)
    assert 'value="21"' in again.text
    assert "措施具体" in again.text


def parts(form: Mapping[str, str]) -> dict[str, tuple[None, str]]:
    """A form as the browser sends one with several parts."""
    return {name: (None, value) for name, value in form.items()}


async def test_a_mark_that_the_method_does_not_allow_is_refused_and_nothing_kept(
    scoring: Browser,
) -> None:
    world = scoring.world
    expert = world.actor((await world.seated())[0])
    form = {"code": "01", "criterion": "plan", "score": "99999"}
    answer = await scoring.post(f"/seats/{world.lot}/marks", expert, DATA, files=parts(form))
    assert answer.status_code == 422
    cell = await scoring.get(f"/seats/{world.lot}/01/plan", expert)
    assert "99999" not in cell.text
    assert (await scoring.get(f"/seats/{world.lot}/99/plan", expert)).status_code == 404


async def test_a_saved_mark_never_leads_elsewhere(scoring: Browser) -> None:
    world = scoring.world
    expert = world.actor((await world.seated())[0])
    form = {"code": "01", "criterion": "plan", "score": "20", "next": "https://elsewhere.example/"}
    answer = await scoring.post(f"/seats/{world.lot}/marks", expert, files=parts(form))
    assert answer.headers["location"] == f"/seats/{world.lot}"


async def test_another_expert_sees_none_of_it(scoring: Browser) -> None:
    world = scoring.world
    seated = await world.seated()
    form = {"code": "01", "criterion": "plan", "score": "20", "comment": "只给自己看"}
    await scoring.post(f"/seats/{world.lot}/marks", world.actor(seated[0]), files=parts(form))
    cell = await scoring.get(f"/seats/{world.lot}/01/plan", world.actor(seated[1]))
    assert "只给自己看" not in cell.text
    outsider = next(one for one in world.experts if one not in seated)
    refused = await scoring.get(f"/seats/{world.lot}/01/plan", world.actor(outsider))
    assert refused.status_code == 403


async def test_the_sheet_lists_what_is_missing(scoring: Browser) -> None:
    world = scoring.world
    sheet = await scoring.get(f"/seats/{world.lot}/sheet", world.actor((await world.seated())[0]))
    assert sheet.status_code == 200
    assert "还没有评完" in sheet.text


@pytest_asyncio.fixture
async def examined(
    database: Database,
    owner: "asyncpg.Connection[asyncpg.Record]",
    set_clock: SetClock,
    tmp_path: Path,
) -> AsyncIterator[tuple[Browser, Actor]]:
    """An examined lot with the demonstration's bids, and its supervisor."""
    world, _ = await an_opened_lot(database, owner, set_clock, tmp_path)
    await redflags.examine_lot(database, world.objects, world.lot)
    async with browsing(world) as browser:
        yield browser, await a_person(owner, "林范例")


async def test_a_supervisor_goes_from_the_list_to_a_disposition(
    examined: tuple[Browser, Actor],
) -> None:
    browser, supervisor = examined
    lot = browser.world.lot
    inbox = await browser.get("/clues", supervisor)
    assert "同一电脑" in inbox.text
    page = await browser.get(f"/clues/{lot}", supervisor)
    assert page.status_code == 200
    for text in ("可能的正当原因", "招标投标法实施条例第四十条", "立案核查", "<svg"):
        assert text in page.text

    compare = await browser.get(f"/clues/{lot}/compare/0?passage=2", supervisor)
    assert compare.status_code == 200
    assert 'class="shared"' in compare.text
    assert (await browser.get(f"/clues/{lot}/compare/99", supervisor)).status_code == 404

    finding = first_finding(page.text)
    form = {"evidence": str(finding), "choice": "more", "reason": "约谈编制人后再定。"}
    early = await browser.post(f"/clues/{lot}/dispositions", supervisor, data=form)
    assert early.status_code == 422, "take the case first"
    taken = await browser.post(f"/clues/{lot}/take", supervisor)
    assert taken.status_code == 303
    noted = await browser.post(f"/clues/{lot}/dispositions", supervisor, data=form)
    assert noted.status_code == 303
    after = await browser.get(f"/clues/{lot}", supervisor)
    assert "约谈编制人后再定。" in after.text
    assert "林范例" in after.text
    running = await browser.get("/clues?state=running", supervisor)
    assert f"/clues/{lot}" in running.text


def first_finding(html: str) -> UUID:
    """The finding of the first card."""
    return UUID(html.split('name="evidence" value="')[1][:36])


async def test_prices_of_opened_bids_have_a_table_beside_the_chart(
    examined: tuple[Browser, Actor],
) -> None:
    browser, supervisor = examined
    page = (await browser.get(f"/clues/{browser.world.lot}", supervisor)).text
    chart, table = page.count('class="strong"'), page.count('data-state="picked"')
    assert chart
    assert table >= 2, "the involved ones are marked in the table too"

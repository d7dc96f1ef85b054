"""The console beside its steps: stages, objections and answers, outages, findings, by whom."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest_asyncio

from bidding.opening import store
from bidding.opening.results.unsealing import open_lot
from conftest import SetClock
from foundation.database import Database, reading
from foundation.language import BEIJING
from foundation.statements.signed import Statement
from opening_world import (
    REPORT,
    first_stage_recorded,
    later,
    submission_of,
    suspended_in_the_remedy,
    with_bids,
)
from page_world import As, pages_of
from sunbid import doors
from world import BidderOf, World, actor, make_world

HTML = {"accept": "text/html"}


class Pages:
    """A browser in a world, and who sits there."""

    def __init__(self, world: World, client: httpx.AsyncClient, who: As) -> None:
        self.world, self.client, self.who = world, client, who

    def comes(self, part: str | None) -> None:
        """Somebody of an office, or nobody who is logged in."""
        found = None if part is None else self.world.actors[part]
        self.who.session = None if found is None else SimpleNamespace(actor=found, login=None)  # type: ignore[assignment]

    def bidder_comes(self, bidder: BidderOf) -> None:
        who = actor("bidder", bidder.uscc, bidder.name)
        self.who.session = SimpleNamespace(actor=who, login=None)  # type: ignore[assignment]

    async def see(self, where: str = "console") -> str:
        answer = await self.client.get(f"/lots/{self.world.lot}/{where}", headers=HTML)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def post(self, where: str, **form: str | list[str]) -> httpx.Response:
        place = f"/lots/{self.world.lot}/{where}"
        return await self.client.post(place, data=form, headers=HTML)


@pytest_asyncio.fixture
async def pages(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[Pages]:
    world = await make_world(database, set_clock, tmp_path)
    async with pages_of(world) as (client, who):
        yield Pages(world, client, who)
    world.keeper.close()


async def stage_of(world: World) -> tuple[int, str]:
    async with reading(world.db, "bidding") as connection:
        opening = await store.opening(connection, world.lot)
    return opening.stage, opening.phase


async def test_a_host_opens_a_second_stage_with_the_console_alone(pages: Pages) -> None:
    world = pages.world
    bidders, _ = await first_stage_recorded(world, count=2)
    passed = str(await submission_of(world, bidders[0]))
    pages.comes("host")
    shown = await pages.see()
    assert "提出第 2 阶段" in shown
    assert "评标委员会评审" in shown
    assert bidders[0].name in shown
    hour = (await world.now() + timedelta(hours=2)).astimezone(BEIJING)
    early = await pages.post("console/stage", passed=passed, report_sha256=REPORT)
    assert early.status_code == 409, "the stage has no hour"
    made = await pages.post("console/hour", stage="2", opens_at=f"{hour:%Y-%m-%dT%H:%M}")
    assert made.status_code == 303
    assert "招标人、行政监督部门" in await pages.see()
    (sid,) = await world.waiting("buyer", "schedule")
    for part in ("buyer", "supervisor"):
        await world.sign_paper(part, sid)
    # One tick in the form comes as one value; a bid of nobody is refused.
    strange = await pages.post("console/stage", passed=str(world.lot), report_sha256=REPORT)
    assert strange.status_code == 409
    made = await pages.post("console/stage", passed=passed, evaluation="", report_sha256=REPORT)
    assert made.status_code == 303
    (sid,) = await world.waiting("supervisor", "stage")
    assert await world.sign_paper("supervisor", sid)
    assert await stage_of(world) == (2, "closed")
    await world.tick(2)
    shown = await pages.see()
    assert "未到本阶段的开启时间" in shown
    english = {"cookie": "language=en", "accept-language": "en"}
    answer = await pages.client.get(f"/lots/{world.lot}/console", headers={**HTML, **english})
    assert "hour of stage 2" in answer.text
    await later(world, timedelta(hours=2))
    assert (await pages.post("console/step", step="phase1")).status_code == 303
    assert await stage_of(world) == (2, "phase1")


async def test_where_nobody_passed_the_opening_is_over(pages: Pages) -> None:
    world = pages.world
    await first_stage_recorded(world, count=2)
    pages.comes("supervisor")
    assert f'action="/lots/{world.lot}/console/stage"' not in await pages.see()
    pages.comes("host")
    assert (await pages.post("console/stage", report_sha256=REPORT)).status_code == 303
    (sid,) = await world.waiting("supervisor", "stage")
    assert await world.sign_paper("supervisor", sid)
    assert (await world.held()).status == "recorded"
    # What does not run any more is offered to nobody.
    assert "提出第 2 阶段" not in await pages.see()


async def objected(pages: Pages, bidder: BidderOf, closing: Statement) -> Statement:
    """A bidder objects with its phone."""
    body = {
        "v": 1, "closing": closing.sid, "stage": 1, "uscc": bidder.uscc, "content": "唱标有误",
    }  # fmt: skip
    statement = pages.world.by_licence("objection", body, bidder.uscc)
    who = actor("bidder", bidder.uscc, bidder.name)
    await doors.accept_statement(pages.world.desk, who, statement)
    return statement


async def test_an_objection_is_answered_on_the_spot_and_the_record_counts_down(
    pages: Pages,
) -> None:
    world = pages.world
    bidders = await with_bids(world, count=2, minimum=2)
    closing = await world.begin_opening()
    pages.bidder_comes(bidders[0])
    asked = await pages.post("opening/objection", content="  唱标\t有误 ")
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/sign/")
    raised = await objected(pages, bidders[0], closing)
    pages.comes("host")
    assert "唱标有误" in await pages.see()
    assert (await pages.post("console/answer", objection="ab" * 32, text="x")).status_code == 422
    assert (await pages.post("console/answer", objection=raised.sid, text=" ")).status_code == 422
    answered = await pages.post("console/answer", objection=raised.sid, text="已重新唱读。")
    assert answered.status_code == 303
    again = await pages.post("console/answer", objection=raised.sid, text="又一次")
    assert again.status_code == 409
    for part in ("supervisor", None):
        pages.comes(part)
        no = await pages.post("console/answer", objection=raised.sid, text="插话")
        assert no.status_code in {401, 403}
    pages.bidder_comes(bidders[1])
    no = await pages.post("console/answer", objection=raised.sid, text="插话")
    assert no.status_code == 403
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    pages.comes(None)
    assert "平台逐册解密" in await pages.see("opening")
    await open_lot(world.desk, world.lot)
    hall = await pages.see("opening")
    assert "已重新唱读。" in hall
    assert "提出异议剩余" in hall
    assert "data-closes" in hall
    assert "开标记录的签署" in hall
    await later(world, timedelta(minutes=15))
    hall = await pages.see("opening")
    assert "提出异议剩余" not in hall or 'data-unit="s">0<' in hall
    assert "主持人与监督部门签署开标记录" in hall
    pages.bidder_comes(bidders[0])
    late = await pages.post("opening/objection", content="太晚")
    assert late.status_code == 409


async def test_decisions_are_asked_for_by_the_supervisor_alone(pages: Pages) -> None:
    world = pages.world
    await suspended_in_the_remedy(world)
    now = (await world.now()).astimezone(BEIJING)
    span = {
        "since": f"{now - timedelta(minutes=9):%Y-%m-%dT%H:%M}",
        "until": f"{now - timedelta(minutes=4):%Y-%m-%dT%H:%M}",
        "cause": "机房断电",
    }
    pages.comes("supervisor")
    shown = await pages.see()
    assert "认定一次中断" in shown
    assert "缺席成员放行" in shown
    assert (await pages.post("console/outage", **span)).status_code == 303
    (sid,) = await world.waiting("supervisor", "supervisor-decision")
    assert await world.sign_paper("supervisor", sid)
    (said,) = await world.kept("supervisor-decision")
    assert said.body["decision"] == "outage"
    assert (await pages.post("console/outage", **{**span, "until": "soon"})).status_code == 422
    confirmed = await pages.post("console/confirmation", cause="x")
    assert confirmed.status_code == 409
    fault = {"tree": "ab" * 32, "fault": "bidder", "cause": "x"}
    assert (await pages.post("console/fault", **fault)).status_code == 422
    assert (await pages.post("console/replacement")).status_code == 403
    for part in ("host", "buyer", None):
        pages.comes(part)
        assert (await pages.post("console/outage", **span)).status_code in {401, 403}
        assert (await pages.post("console/fault", **fault)).status_code in {401, 403}
        assert (await pages.post("console/confirmation", cause="x")).status_code in {401, 403}
    pages.comes("host")
    assert (await pages.post("console/replacement")).status_code == 422, "nothing was left out"
    assert "监督部门认定了一次中断" in await pages.see("opening")

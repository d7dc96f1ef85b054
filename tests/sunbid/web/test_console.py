"""The host's console: one next step, causes, who is there; and nobody else's hand on it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest_asyncio

from bidding.opening.closings.blobs import read_back
from bidding.opening.results.unsealing import open_lot
from conftest import SetClock
from foundation.database import Database
from page_world import As, pages_of
from world import BidderOf, World, make_world

HTML = {"accept": "text/html"}


@dataclass
class Console:
    """Two bids whose deadline passed, a browser, and who that is."""

    world: World
    client: httpx.AsyncClient
    who: As
    bidders: list[BidderOf]

    def comes(self, part: str | None) -> None:
        """Somebody of an office sits at the browser, or nobody who is logged in."""
        self.who.session = None if part is None else session(self.world, part)

    async def page(self) -> str:
        answer = await self.client.get(f"/lots/{self.world.lot}/console", headers=HTML)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def post(self, where: str, **form: str) -> int:
        place = f"/lots/{self.world.lot}/console/{where}"
        return (await self.client.post(place, data=form, headers=HTML)).status_code


def session(world: World, part: str) -> Any:
    """Somebody of an office, logged in."""
    return SimpleNamespace(actor=world.actors[part], login=None)


@pytest_asyncio.fixture
async def console(
    database: Database, set_clock: SetClock, tmp_path: Path
) -> AsyncIterator[Console]:
    world = await make_world(database, set_clock, tmp_path)
    await world.published_lot(minimum=1)
    bidders = [world.bidder(1), world.bidder(2)]
    for bidder in bidders:
        await world.bid(bidder)
    await world.tick()
    async with pages_of(world) as (client, who):
        yield Console(world, client, who, bidders)
    world.keeper.close()


async def test_a_host_opens_a_lot_with_the_console_alone(console: Console) -> None:
    world = console.world
    closing = await world.close()
    await world.tick(2)
    console.comes("host")
    hall = await console.client.get(f"/lots/{world.lot}/opening", headers=HTML)
    assert f"/lots/{world.lot}/console" in hall.text
    begun = await console.page()
    assert "开始投标人授权" in begun
    assert f"/lots/{world.lot}/custody" in begun
    assert await console.post("step", step="phase1") == 303
    shown = await console.page()
    # Nobody is named before phase 4, and what is next says why it waits.
    assert "还不能进行" in shown
    assert not any(bidder.name in shown for bidder in console.bidders)
    assert shown.count("未操作") == 2
    assert await console.post("step", step="phase3") == 409
    for bidder in console.bidders:
        await world.release(bidder, closing)
    await world.check_all()
    shown = await console.page()
    assert "请保管人放行" in shown
    assert shown.count("已核对 4 份") == 6
    assert await console.post("step", step="phase3") == 303
    await world.custodians_release()
    await read_back(world.desk, world.lot)
    assert await console.post("step", step="phase4") == 303
    assert "解密中" in await console.page()
    await open_lot(world.desk, world.lot)
    shown = await console.page()
    assert all(bidder.name in shown for bidder in console.bidders)
    assert "签署开标记录" in shown


async def test_only_the_host_makes_steps_and_only_host_and_supervisor_look(
    console: Console,
) -> None:
    world = console.world
    await world.close()
    await world.tick(2)
    place = f"/lots/{world.lot}/console"
    for part in (None, "buyer", "agency"):
        console.comes(part)
        answer = await console.client.get(place, headers=HTML)
        assert answer.status_code in {303, 401, 403}
        assert await console.post("step", step="phase1") in {401, 403}
    console.comes("supervisor")
    shown = await console.page()
    assert "由开标主持人操作" in shown
    assert 'name="step"' not in shown
    assert await console.post("step", step="phase1") == 403


async def test_the_end_of_a_lot_is_proposed_with_what_it_means(console: Console) -> None:
    world = console.world
    await world.close()
    await world.tick(2)
    console.comes("host")
    assert "终止须两个单位签署" in await console.page()
    assert await console.post("termination", cause="项目取消") == 303
    # Asked for is not decided.
    assert len(await world.waiting("host", "supervisor-decision")) == 1
    assert (await world.held()).status == "opening"
    await world.step("phase1")
    await world.set_clock(await world.now() + timedelta(minutes=31))
    await world.check_all()
    await world.remedied()
    await world.step("phase3")
    assert "不能再终止" in await console.page()
    assert await console.post("termination", cause="项目取消") == 409

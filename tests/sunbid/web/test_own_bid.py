"""A bidder's own pages: its acts are shown to it alone, and a receipt names it to nobody else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from bidding.bid.domain import Act
from bidding.bid.store import acts_of_lot
from conftest import SetClock
from foundation.database import Database, reading
from page_world import As, pages_of
from world import BidderOf, World, make_world


@dataclass
class Browser:
    """A browser on the pages of a platform where two bidders handed in."""

    client: httpx.AsyncClient
    who: As
    world: World
    first: BidderOf
    second: BidderOf
    act: Act

    async def get(self, path: str, bidder: BidderOf | None = None) -> httpx.Response:
        """A page as a bidder, or the public, sees it."""
        now = await self.world.now()
        self.who.session = None if bidder is None else self.world.login(bidder, now)
        return await self.client.get(path, headers={"accept": "text/html"})


@pytest_asyncio.fixture
async def browser(
    database: Database, set_clock: SetClock, tmp_path: Path
) -> AsyncIterator[Browser]:
    """A published lot with two bids and their receipts."""
    world = await make_world(database, set_clock, tmp_path)
    await world.published_lot()
    first, second = world.bidder(1), world.bidder(2)
    for bidder in (first, second):
        await world.bid(bidder)
    await world.tick(2)
    async with reading(world.db, "bidding") as connection:
        acts = await acts_of_lot(connection, world.lot, 1)
    act = next(one for one in acts if one.sid == first.acts[0].sid)

    async with pages_of(world) as (client, who):
        yield Browser(client, who, world, first, second, act)
    world.keeper.close()


async def test_the_task_list_shows_ones_own_acts_and_no_others(browser: Browser) -> None:
    page = await browser.get(f"/lots/{browser.world.lot}/bid", browser.first)
    assert page.status_code == 200
    assert "已递交" in page.text
    assert f"/receipts/{browser.act.receipt_id}" in page.text
    other = await browser.get(f"/lots/{browser.world.lot}/bid", browser.second)
    assert f"/receipts/{browser.act.receipt_id}" not in other.text
    newcomer = await browser.get(f"/lots/{browser.world.lot}/bid", browser.world.bidder(3))
    assert "未递交" in newcomer.text


async def test_a_receipt_names_its_bidder_to_its_bidder_only(browser: Browser) -> None:
    place = f"/receipts/{browser.act.receipt_id}"
    own = await browser.get(place, browser.first)
    assert own.status_code == 200
    assert browser.first.name in own.text
    assert "时间早于截止" in own.text or "截止前收到" in own.text
    for bidder in (None, browser.second):
        page = await browser.get(place, bidder)
        assert page.status_code == 200
        for named in (browser.first.name, browser.first.uscc):
            assert named not in page.text
        assert (await browser.get(f"{place}/pdf", bidder)).status_code == 404
    pdf: Any = await browser.get(f"{place}/pdf", browser.first)
    assert pdf.content.startswith(b"%PDF")
    assert pdf.headers["cache-control"] == "no-store"


async def test_an_old_receipt_says_that_a_later_version_counts_to_its_bidder_alone(
    browser: Browser,
) -> None:
    place = f"/receipts/{browser.act.receipt_id}"
    assert "后来递交的版本" not in (await browser.get(place, browser.first)).text
    await browser.world.bid(browser.first)
    await browser.world.tick(2)
    assert "后来递交的版本" in (await browser.get(place, browser.first)).text
    for other in (None, browser.second):
        assert "后来递交的版本" not in (await browser.get(place, other)).text


async def test_the_receipt_file_names_nobody_and_verifies(browser: Browser) -> None:
    file = await browser.get(f"/receipts/{browser.act.receipt_id}/file")
    assert file.status_code == 200
    assert browser.first.uscc not in file.text
    answer = await browser.client.post(
        "/verify", files={"file": ("receipt.json", file.content)}, headers={"accept": "text/html"}
    )
    assert answer.status_code == 200
    assert "receipt.json" in answer.text
    assert 'data-id="C5"' in answer.text


async def test_what_is_no_receipt_is_refused_by_a_sentence(browser: Browser) -> None:
    answer = await browser.client.post(
        "/verify", files={"file": ("x.json", b"PK not a zip")}, headers={"accept": "text/html"}
    )
    assert answer.status_code in {200, 422}
    assert "Traceback" not in answer.text


async def test_a_file_that_is_no_evidence_is_not_called_false(browser: Browser) -> None:
    for name, content in (("receipt.pdf", b"%PDF-1.7 ..."), ("note.txt", b"hello")):
        answer = await browser.client.post(
            "/verify", files={"file": (name, content)}, headers={"accept": "text/html"}
        )
        assert answer.status_code == 422, name
        assert "这既不是回执也不是证据包" in answer.text

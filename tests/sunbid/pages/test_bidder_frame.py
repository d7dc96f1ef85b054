"""The whole way of a bidder in a real browser, with the sealing frame on its own origin."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from browser_world import CHROMIUM, PATIENCE_MS, Site
from conftest import SetClock
from foundation.database import Database
from foundation.settings import Settings
from sealing_steps import (
    begin,
    choose,
    folders,
    go_on,
    hand_in,
    published_site,
    save,
    seal,
    uploaded,
)
from sunbid.pages.site import STATIC
from world import VOLUMES, BidderOf, make_world

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; set CHROMIUM"),
    pytest.mark.skipif(not (STATIC / "seal").is_dir(), reason="run python build_web.py first"),
]
expect.set_options(timeout=60_000)


@pytest_asyncio.fixture
async def site(
    database: Database, set_clock: SetClock, tmp_path: Path, settings: Settings
) -> AsyncIterator[Site]:
    """A published lot on a real server, its sealing frame beside it, and a browser."""
    world = await make_world(database, set_clock, tmp_path)
    async with published_site(world, settings) as made:
        yield made


async def test_two_folders_become_a_receipt_and_one_volume_is_replaced(
    site: Site, tmp_path: Path
) -> None:
    bidder = site.world.bidder(1)
    page = await site.page()
    place = await begin(site, page, bidder)
    code = await seal(page, tmp_path, bidder)
    assert len(site.puts) == len(VOLUMES)
    assert await site.axe(page) == []
    # The files and the code live on: after a reload the frame still has them, and lets save them.
    await page.reload()
    await uploaded(page)
    await save(page, page.frame_locator(".seal-place iframe"), ["price"])
    assert len(site.puts) == len(VOLUMES)
    await hand_in(site, page, bidder, 1)
    # Another version of one volume: the other is neither sealed nor sent again.
    await page.goto(place)
    keep = page.locator("[data-volume=price] [data-keep] input")
    await expect(keep).to_be_checked()
    await expect(page.locator("[data-begin-seal]")).to_be_disabled()
    await keep.uncheck()
    chosen = folders(tmp_path, bidder)
    (chosen["price"] / "price.txt").write_text("a new price")
    frame = await choose(page, {"price": chosen["price"]})
    await frame.locator("#code").fill(code)
    await go_on(frame)
    await uploaded(page)
    await expect(page.locator(".banner")).to_contain_text("有新草稿未递交")
    assert len(site.puts) == len(VOLUMES) + 1
    await save(page, frame, ["price"])
    await hand_in(site, page, bidder, 2)
    await page.click("text=查看回执")
    await expect(page.locator("[data-check-receipt]")).to_contain_text("您的浏览器自己核对过")
    # English, with the same state.
    await page.goto(f"{site.address}/lots/{site.world.lot}/bid?lang=en")
    await expect(page.locator(".banner")).to_contain_text("Handed in, receipt")
    assert await page.locator("text=Version 1").count() == 1


async def sealed_in(
    site: Site, context: BrowserContext, place: Path, number: int, *, by_licence: bool
) -> tuple[Page, BidderOf, str]:
    """A bid made in a browser of its own; with a key of the licence app where asked for."""
    bidder = site.world.bidder(number)
    page = await site.page(context)
    await begin(site, page, bidder)
    if by_licence:
        await page.click("[data-begin-key]")
        await expect(page.locator("[data-key-state]")).to_contain_text("等待您在手机上同意")
        await consent(site)
        await expect(page.locator("[data-key-state]")).to_contain_text("已生成")
    code = await seal(page, place, bidder)
    await hand_in(site, page, bidder, 1)
    return page, bidder, code


async def consent(site: Site) -> None:
    """The holder agrees in the licence app."""
    authority = site.world.authority
    await authority.consent(list(authority._tickets)[-1], yes=True)


async def test_a_bid_is_opened_by_licence_by_browser_and_by_the_code_on_paper(
    site: Site, tmp_path: Path
) -> None:
    others = [await site.browser.new_context(locale="zh-CN") for _ in range(3)]
    licensed, _, _ = await sealed_in(site, site.context, tmp_path, 1, by_licence=True)
    holding, _, _ = await sealed_in(site, others[0], tmp_path, 2, by_licence=False)
    _, forgetful, code = await sealed_in(site, others[1], tmp_path, 3, by_licence=False)
    await others[1].close()
    await site.world.begin_opening()
    hall = f"{site.address}/lots/{site.world.lot}/opening"
    done = "已全部收到"

    await licensed.goto(hall)
    assert await site.axe(licensed) == []
    await licensed.click("form[action$='/opening/licence'] button")
    await expect(licensed.locator("h1")).to_contain_text("授权解密")
    await consent(site)
    await licensed.wait_for_url("**/opening#release", timeout=PATIENCE_MS)
    await expect(licensed.locator("#release")).to_contain_text(done)

    await holding.goto(hall)
    await holding.click("[data-release-begin]")
    frame = holding.frame_locator(".seal-place iframe")
    # It works only while it is seen, and a browser drops clicks on a frame that just moved.
    release = frame.get_by_role("button", name="用本浏览器的密钥授权")
    await release.scroll_into_view_if_needed()
    while await release.count() > 0:
        await release.click()
        await holding.wait_for_timeout(1_000)
    await expect(holding.locator("#release")).to_contain_text(done)

    # The computer is gone: another one, and the code from paper.
    paper = await site.page(others[2])
    await site.log_in(paper, forgetful, f"/lots/{site.world.lot}/opening")
    await paper.click("[data-release-begin]")
    frame = paper.frame_locator(".seal-place iframe")
    await frame.locator("#code").fill(code)
    await frame.get_by_text("用恢复码授权").click()
    await expect(paper.locator("#release")).to_contain_text(done)
    assert len(await site.world.kept("release-ack")) == 3

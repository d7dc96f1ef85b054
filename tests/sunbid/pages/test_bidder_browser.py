"""A bidder's way in a real browser: upload, killed and resumed; hand in; what nobody knows yet."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from bidding.sealing.parts import PART
from browser_world import CHROMIUM, PATIENCE_MS, Site, browser_site
from conftest import SetClock
from foundation.database import Database
from foundation.settings import Settings
from sunbid.pages.site import STATIC
from world import MORNING, BidderOf, SealedBid, make_world

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; set CHROMIUM"),
    pytest.mark.skipif(not (STATIC / "app.js").is_file(), reason="run python build_web.py first"),
]
UPLOADED = "密文已全部存到平台"
expect.set_options(timeout=30_000)


@pytest_asyncio.fixture
async def site(
    database: Database, set_clock: SetClock, tmp_path: Path, settings: Settings
) -> AsyncIterator[Site]:
    """A published lot on a real server, and a browser."""
    world = await make_world(database, set_clock, tmp_path)
    await world.published_lot()
    await world.set_clock(MORNING)
    async with browser_site(world, settings) as made:
        yield made
    world.keeper.close()


async def a_draft(
    site: Site, bidder: BidderOf, *, large: int = 0, kept: SealedBid | None = None
) -> tuple[Page, SealedBid]:
    """A bidder in the page of sealing, with a sealed draft that is not uploaded."""
    entries = {"qual": {"tech.bin": secrets.token_bytes(large)}} if large else None
    made = await site.world.seal(bidder, entries=entries)
    page = await site.page()
    path = f"/lots/{site.world.lot}/bid/seal"
    await site.log_in(page, bidder, path)
    await site.keep_draft(page, bidder, made)
    await page.reload()
    await expect(page.locator("[data-pick]")).to_be_visible()
    return page, made


async def pick(page: Page, made: SealedBid) -> None:
    """The person picks the saved sealed files."""
    await page.set_input_files("#pick", list(made.files.values()))


async def uploaded(page: Page) -> None:
    """Waits until the page says that the platform has everything."""
    await expect(page.locator("[data-close]")).to_contain_text(UPLOADED, timeout=PATIENCE_MS)


@pytest.mark.parametrize("large", [12, pytest.param(25, marks=pytest.mark.soak)])
async def test_a_page_killed_in_a_large_upload_goes_on_without_sending_parts_again(
    site: Site, large: int
) -> None:
    bidder = site.world.bidder(1)
    page, made = await a_draft(site, bidder, large=large * PART)
    parts = sum(len(one.parts) for one in made.sealed.values())
    assert parts > large
    stored: list[str] = []
    is_under_way = asyncio.Event()

    async def slowly(route: Route) -> None:
        await asyncio.sleep(0.3)
        answer = await route.fetch()
        stored.append(route.request.url)
        await route.fulfill(response=answer)
        # Others may have been stored since: never wait for one exact number.
        if len(stored) >= large // 3:
            is_under_way.set()

    await site.context.route("**/parts/*", slowly)
    await pick(page, made)
    await is_under_way.wait()
    percent = await page.inner_text("[data-percent]")
    assert percent != "0%"
    await expect(page.locator("[data-close]")).to_contain_text("可以关闭窗口")
    await page.close()
    await site.context.unroute_all(behavior="wait")
    before = len(set(site.puts))
    sent_before = len(site.puts)
    again = await site.page()
    await again.goto(f"{site.address}/lots/{site.world.lot}/bid/seal")
    # Nothing is kept of the file in this browser: the saved one is picked once.
    await expect(again.locator("[data-trouble]")).to_contain_text("请选取已保存的密封文件")
    await pick(again, made)
    await uploaded(again)
    assert sent_before == before
    # A part that was under way when the page died may be stored, though nobody heard of it.
    assert parts - sent_before <= len(site.puts) - sent_before <= parts - len(stored) + 3
    banner = again.locator(".banner")
    await expect(banner).to_contain_text("未递交")
    assert await site.axe(again) == []
    # Another visit finds it stored without sending or picking anything.
    count = len(site.puts)
    await again.reload()
    await uploaded(again)
    assert len(site.puts) == count


async def test_trouble_on_the_way_is_told_in_words_and_passes(site: Site) -> None:
    bidder = site.world.bidder(1)
    page, made = await a_draft(site, bidder, large=2 * PART)
    note = page.locator("[data-trouble]")
    answers = [("abort", "网络中断"), ("507", "存储空间"), ("503", "503"), ("429", "暂时忙")]
    at = 0

    async def trouble(route: Route) -> None:
        kind = answers[at][0]
        if kind == "abort":
            await route.abort()
            return
        problem = json.dumps({"code": "x", "title": "x", "detail": "y", "status": int(kind)})
        await route.fulfill(status=int(kind), body=problem, content_type="application/json")

    await page.route("**/parts/*", trouble)
    await pick(page, made)
    for at, (_, words) in enumerate(answers):  # noqa: B007  # the route looks at it
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(note).to_contain_text(words)
    await page.unroute_all()
    await page.click("[data-retry]")
    await uploaded(page)
    await expect(note).to_be_hidden()


@pytest.mark.misuse(58)
async def test_a_file_changed_after_sealing_is_not_sent(site: Site) -> None:
    bidder = site.world.bidder(1)
    page, made = await a_draft(site, bidder, large=2 * PART)
    changed = made.files["qual"]
    content = bytearray(changed.read_bytes())
    content[PART + 5] ^= 1
    changed.write_bytes(content)
    await pick(page, made)
    line = page.locator("[data-volume='qual']")
    await expect(line.locator("[data-fault]")).to_contain_text("E_PART_HASH")
    await expect(page.locator("[data-volume='price'] [data-tag]")).to_contain_text("已存到平台")
    assert not any(url.endswith("/parts/1") for url in site.puts)
    # Another file under the same name is not taken for it.
    other = changed.with_name("other.tbe")
    other.write_bytes(b"x" * 100)
    await page.set_input_files("#pick", other)
    await expect(page.locator("[data-wrong]")).to_contain_text("other.tbe")


async def sign_and_hand_in(site: Site, page: Page, bidder: BidderOf, made: SealedBid) -> None:
    """From the stored draft over the phone to the page that hands in."""
    token = await page.get_attribute("[data-bid]", "data-csrf")
    body = {"type": "manifest", "body": made.manifest.body}
    challenge = await page.evaluate(
        """async ([token, statement]) => (await (await fetch("/api/v1/challenges", {
          method: "POST", headers: {"x-csrf-token": token, "content-type": "application/json"},
          body: JSON.stringify({purpose: "sign", statement, return_to: "/bids"})})).json()).id""",
        [token, body],
    )
    await page.goto(f"{site.address}/sign/{challenge}")
    signed = await site.sign(page, bidder)
    await page.wait_for_url("**/bid/hand-in/*")
    bidder.acts.append(signed)


async def test_an_unknown_outcome_is_found_out_and_never_called_a_failure(site: Site) -> None:
    bidder = site.world.bidder(1)
    page, made = await a_draft(site, bidder)
    await pick(page, made)
    await uploaded(page)
    answered = asyncio.Event()

    async def lost(route: Route) -> None:
        # The platform has it; the answer does not arrive.
        await route.fetch()
        answered.set()
        await route.abort()

    async def away(route: Route) -> None:
        await route.abort()

    await site.context.route("**/api/v1/acts", lost)
    await site.context.route("**/api/v1/acts/*", away)
    await sign_and_hand_in(site, page, bidder, made)
    await answered.wait()
    banner = page.locator(".banner")
    await expect(banner).to_contain_text("正在核实是否递交成功")
    assert "失败" not in await page.inner_text("main")
    # Loaded again, on another page of the lot, it is still being found out.
    await page.goto(f"{site.address}/lots/{site.world.lot}/bid")
    await expect(banner).to_contain_text("正在核实是否递交成功")
    await site.context.unroute_all(behavior="wait")
    await page.reload()
    await expect(banner).to_contain_text("已递交", timeout=PATIENCE_MS)
    await expect(banner).to_contain_text("已由您的浏览器核对")
    await expect(banner).to_contain_text("回执号")
    # A draft that was handed in is none any more; the receipt stands on every page of the lot.
    await page.goto(f"{site.address}/lots/{site.world.lot}/bid/seal")
    await expect(banner).to_contain_text("已递交")
    await expect(page.locator("[data-bid][data-verified]")).to_have_count(1)
    assert await site.world.kept("refusal") == []


async def test_a_draft_a_receipt_and_a_withdrawal_on_the_status_line(site: Site) -> None:
    bidder = site.world.bidder(1)
    page, made = await a_draft(site, bidder)
    await pick(page, made)
    await uploaded(page)
    banner = page.locator(".banner")
    await expect(banner).to_contain_text("未取得回执即为未投标")
    await sign_and_hand_in(site, page, bidder, made)
    await expect(banner).to_contain_text("已递交", timeout=PATIENCE_MS)
    await page.click("text=查看回执")
    line = page.locator("[data-check-receipt]")
    await expect(line).to_contain_text("您的浏览器自己核对过")
    assert await site.axe(page) == []

    async def forged(route: Route) -> None:
        answer = await route.fetch()
        file = await answer.json()
        file["statement"]["body"]["intake"] = "2026-10-12T00:00:00.000Z"
        await route.fulfill(json=file)

    await page.route("**/api/v1/receipts/*/proof", forged)
    await page.reload()
    await expect(line).to_contain_text("发现问题：C2")
    await page.goto(f"{site.address}/lots/{site.world.lot}/bid")
    await expect(banner).to_contain_text("回执没有通过核对")
    await page.unroute_all()
    # A newer draft: what counts is still the version with the receipt.
    await site.keep_draft(page, bidder, await site.world.seal(bidder))
    await page.reload()
    await expect(banner).to_contain_text("有新草稿未递交")
    await expect(banner).to_contain_text("以第 1 版为准")
    assert await site.axe(page) == []
    await page.goto(f"{site.address}/lots/{site.world.lot}/bid/seal")
    await page.click("[data-forget]")
    await expect(banner).to_contain_text("已递交")
    await page.goto(f"{site.address}/lots/{site.world.lot}/bid/withdraw")
    assert await site.axe(page) == []
    await page.keyboard.press("Tab")
    await page.locator("form[action$='/withdraw'] button").focus()
    await page.keyboard.press("Enter")
    await site.sign(page, bidder)
    await page.wait_for_url("**/bid")
    await expect(banner).to_contain_text("撤回", timeout=PATIENCE_MS)
    await expect(banner).to_contain_text("未递交")


async def test_the_self_check_looks_at_this_computer(site: Site) -> None:
    page, _ = await a_draft(site, site.world.bidder(1))
    await page.click("[data-run-check]")
    lines = page.locator("[data-check-lines] li")
    await expect(lines).to_have_count(5)
    await expect(lines.nth(0)).to_contain_text("支持加密")
    await expect(lines.nth(4)).to_contain_text("1 GB 约需")

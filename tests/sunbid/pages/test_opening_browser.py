"""One opening of two envelopes (双信封) in real browsers: host, supervisor, a bidder, the public.

Every button is the page's own and every signature comes from a phone; members of the groups, who
have pages of their own, act by their program. SUNBID_PICTURES=FOLDER keeps pictures of each
moment in both languages.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Page, ViewportSize, expect

from bidding.opening.closings import closing as closings
from bidding.opening.closings.blobs import read_back, resupply
from bidding.opening.results.examiner import Examiner
from bidding.opening.results.unsealing import open_lot
from bidding.sealing.member import Guard
from browser_world import CHROMIUM, PATIENCE_MS, Site, browser_site
from conftest import SetClock
from fates import lose
from foundation.database import Database, transaction
from foundation.identity import store as identity_store
from foundation.identity.actor import NewActor
from foundation.language import BEIJING
from foundation.settings import Settings
from foundation.statements.signed import KeySigner, Statement
from opening_world import REPORT, TWO, later
from sunbid.pages.site import STATIC
from sunbid.web import halls
from world import DEADLINE, MORNING, OFFICES, BidderOf, SealedBid, World, make_world

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; set CHROMIUM"),
    pytest.mark.skipif(not (STATIC / "app.js").is_file(), reason="run python build_web.py first"),
]
PICTURES = os.environ.get("SUNBID_PICTURES")
WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
PRICES = "section[aria-labelledby=prices]"
expect.set_options(timeout=PATIENCE_MS)
# Texts of a page that are not in its language; names of people and tenders are marked as Chinese.
FOREIGN = """() => {
  const isZh = document.documentElement.lang.startsWith("zh");
  const odd = isZh ? /[A-Za-z']+( [A-Za-z']+){2,}/ : /[\\u4e00-\\u9fff]/;
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), at = walk.currentNode.parentElement;
    if (odd.test(text) && at.closest(isZh ? "pre" : "[lang=zh-CN]") === null)
      found.push(text.slice(0, 120));
  }
  return found;
}"""
OVERFLOWS = "document.documentElement.scrollWidth - innerWidth"


@dataclass(frozen=True)
class Office:
    """An office with its licence on a phone."""

    signer: KeySigner


@dataclass
class Room:
    """Who sits where on the day of the opening."""

    site: Site
    host: Page
    english: Page
    public: Page
    bidders: list[BidderOf]

    @property
    def world(self) -> World:
        return self.site.world

    @property
    def place(self) -> str:
        return f"/lots/{self.world.lot}"

    async def sits(self, part: str | BidderOf, path: str, locale: str = "zh-CN") -> Page:
        """Somebody logs in at a browser of their own."""
        context = await self.site.browser.new_context(locale=locale, viewport=WIDE)
        page = await self.site.page(context)
        await self.site.log_in(page, self.holder(part), path)
        return page

    def holder(self, part: str | BidderOf) -> Office | BidderOf:
        if isinstance(part, BidderOf):
            return part
        return Office(self.world.licence(OFFICES[part][1]))

    async def press(self, step: str) -> None:
        """The host presses the button of the next step, as soon as the page offers it."""
        await self.host.click(f"form[action$='/console/step'] button:has-text('{step}')")

    async def signs(self, page: Page, part: str | BidderOf, kind: str) -> None:
        """Somebody signs a paper of the list with the phone."""
        await page.goto(f"{self.site.address}/papers")
        await page.click(f"main li:has(h2:has-text('{kind}')) form button")
        await self.site.sign(page, self.holder(part))
        await page.wait_for_url("**/papers")

    async def back(self) -> None:
        """The host goes to the console again."""
        await self.host.goto(f"{self.site.address}{self.place}/console")

    async def looks(self, name: str, *more: Page) -> None:
        """Every open page speaks its language; pictures are kept where they are wanted."""
        shown = {"host": self.host, "public": self.public, "english": self.english}
        shown |= {f"other{number}": page for number, page in enumerate(more, 1)}
        for who, page in shown.items():
            assert await page.evaluate(FOREIGN) == [], (name, who)
            if PICTURES is not None:
                await picture(page, Path(PICTURES) / f"{name}-{who}")


async def picture(page: Page, place: Path) -> None:
    """A page as it is, and as a phone shows it."""
    await page.screenshot(path=f"{place}.png", full_page=True)
    await page.set_viewport_size(NARROW)
    assert await page.evaluate(OVERFLOWS) <= 0, place.name
    await page.screenshot(path=f"{place}-narrow.png", full_page=True)
    await page.set_viewport_size(WIDE)


@pytest_asyncio.fixture
async def room(
    database: Database,
    set_clock: SetClock,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Room]:
    """Four bids of two volumes; the deadline has passed, host and public look at their pages."""
    monkeypatch.setattr(halls, "LOOK_EVERY_S", 0.1)
    world = await make_world(database, set_clock, tmp_path)
    world.first = ("qual",)
    await world.published_lot(minimum=3, stages=TWO)
    await world.set_clock(MORNING)
    bidders = [world.bidder(number) for number in range(1, 5)]
    for bidder in bidders:
        await world.bid(bidder)
    async with transaction(world.db, "foundation") as connection:
        for part in ("host", "supervisor"):
            role, uscc, name = OFFICES[part]
            office = NewActor(role=role, subject=uscc, name=name, alg=None, public_key=None)
            await identity_store.insert_actor(connection, office, by=None, at=DEADLINE)
    await world.tick(2)
    await world.set_clock(DEADLINE + timedelta(seconds=1))
    await closings.close_due(world.desk)
    await world.tick(3)
    async with browser_site(world, settings) as site:
        public = await site.page()
        made = Room(site, public, public, public, bidders)
        made.host = await made.sits("host", f"{made.place}/console")
        made.english = await made.sits("host", f"{made.place}/console", "en-US")
        await public.set_viewport_size(WIDE)
        await public.goto(f"{site.address}{made.place}/opening")
        yield made
    world.keeper.close()


async def test_two_envelopes_are_opened_by_the_buttons_of_the_console(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.press("确认封账名单")
    # Once the list is in a checkpoint the page offers the next step by itself.
    await room.press("开始投标人授权")
    (closing,) = await room.world.kept("closing")
    await the_bidders_release(room, closing)
    await an_objection_is_answered(room)
    await the_absent_one_is_remedied(room)
    await decrypted_in_the_open(room, monkeypatch)
    await the_record_of_the_first_stage(room)
    await the_second_stage_is_proposed(room)
    await the_second_stage_is_opened(room, closing)
    assert (await room.world.held()).status == "recorded"


async def the_bidders_release(room: Room, closing: Statement) -> None:
    """All release but the last; one file is lost and will come again."""
    world, host = room.world, room.host
    lose(world, room.bidders[1], "missing", "qual")
    await read_back(world.desk, world.lot)
    await expect(host.locator("#damaged-title")).to_contain_text("1 份密封文件损坏")
    for bidder in room.bidders[:3]:
        await world.release(bidder, closing)
    await expect(host.locator(".dial")).to_contain_text("3/4 册已授权")
    await expect(host.locator("tr:has-text('未操作')")).to_have_count(1)
    await expect(host.locator(".deadline .countdown")).to_be_visible()
    await room.looks("1-bidders")


async def an_objection_is_answered(room: Room) -> None:
    """Raised by a bidder in the hall, answered on the spot; nothing takes away what is typed."""
    world, host, (bidder, *_) = room.world, room.host, room.bidders
    own = await room.sits(bidder, f"{room.place}/opening")
    await own.fill("#content", "主持人漏读了开标时间。")
    await own.click("form[action$='/opening/objection'] button")
    await room.site.sign(own, bidder)
    await own.wait_for_url("**/opening#object")
    # Who bids is told to nobody before names are read.
    await expect(room.public.locator("#object")).to_contain_text("一家投标人")
    assert bidder.uscc not in await room.public.content()
    answer = host.locator("#answer textarea")
    await answer.fill("已补读")
    await world.check_all()
    await expect(host.locator("main tr:has-text('已核对 4 份')")).to_have_count(6)
    await expect(answer).to_have_value("已补读")
    await answer.press("End")
    await answer.press_sequentially("，记入记录。")
    await host.click("#answer button")
    await expect(room.public.locator("#object")).to_contain_text("已补读，记入记录。")
    await room.looks("2-objection", own)
    await own.context.close()


async def sent_again(world: World, bidder: BidderOf, volume: str) -> tuple[UUID, str]:
    """The bidder's own file, uploaded anew."""
    made = bidder.bids[-1]
    one = SealedBid(
        manifest=made.manifest,
        files={volume: made.files[volume]},
        sealed={volume: made.sealed[volume]},
    )
    await world.upload(one, b"another session")
    return one.uploads[0]


async def the_absent_one_is_remedied(room: Room) -> None:
    """The lost file comes again; the window passes; supervisor, remedy and custodians act."""
    world, host, second = room.world, room.host, room.bidders[1]
    upload = await sent_again(world, second, "qual")
    tree = second.bids[-1].sealed["qual"].listed.tree
    await resupply(world.desk, world.lot, tree, *upload)
    await expect(host.locator("#damaged-title")).to_have_count(0)
    await expect(host.locator("#next-title ~ .note")).to_contain_text("还不能进行")
    # When the time is over the server says so; nobody reloads a page.
    await later(world, timedelta(minutes=31))
    await room.press("进入补救")
    supervisor = await room.sits("supervisor", f"{room.place}/console")
    await expect(supervisor.locator("#awaited")).to_contain_text("监督部门会签补救清单")
    # What is sought is the next phase; that the opening may be suspended is not.
    await expect(host.locator("#next-title ~ .note")).to_contain_text("请保管人放行")
    await room.looks("3-remedy", supervisor)
    await room.signs(supervisor, "supervisor", "补救")
    await supervisor.context.close()
    for seat in world.group("R")[:2]:
        await world.accept(seat, await world.remedy_release(seat))
    await room.press("请保管人放行")
    await expect(host.locator("tr:has-text('未操作')")).to_have_count(0)
    await room.looks("4-custodians")
    await world.custodians_release()
    await room.press("开始解密")


async def decrypted_in_the_open(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody follows how far it is, and sees nothing of what is found before all is found."""
    world, host, public = room.world, room.host, room.public
    card = host.locator("#unsealing")
    await expect(card).to_contain_text("0 / 4 册已验完")
    go_on, honest = threading.Semaphore(3), Examiner.examine

    def slowly(child: Examiner, volume: str, package: Path) -> None:
        assert go_on.acquire(timeout=PATIENCE_MS / 1000)
        honest(child, volume, package)

    monkeypatch.setattr(Examiner, "examine", slowly)
    working = asyncio.create_task(open_lot(world.desk, world.lot))
    for page, said in ((host, "3 / 4 册已验完"), (public, "3 / 4 册已验完"),
                       (room.english, "3 of 4 volumes examined")):  # fmt: skip
        await expect(page.locator("#unsealing")).to_contain_text(said)
    assert 50 < int(await card.locator("[data-percent]").inner_text()) < 100
    # Names are read from phase 4 on, outcomes are not; a page that is fetched now says the same.
    for page in (host, public):
        await page.reload()
        await expect(page.locator("#unsealing")).to_contain_text("3 / 4 册已验完")
        text = await page.inner_text("main")
        assert all(bidder.name in text for bidder in room.bidders)
        assert "已解密" not in text
        assert "成功" not in text
    await room.looks("5-unsealing")
    go_on.release()
    await working
    monkeypatch.setattr(Examiner, "examine", honest)
    await expect(card).to_have_count(0)
    await expect(public.locator("section[aria-labelledby=decrypt]")).to_contain_text("补救后解密")
    await expect(public.locator(PRICES)).to_contain_text("后续阶段开启")


async def the_record_of_the_first_stage(room: Room) -> None:
    """A bidder co-signs, the time to object passes, host and supervisor sign."""
    world, host, (bidder, *_) = room.world, room.host, room.bidders
    own = await room.sits(bidder, f"{room.place}/opening")
    await own.click("text=核对并联署开标记录")
    await own.wait_for_url("**/papers")
    await room.signs(own, bidder, "开标记录")
    # The host sees it without doing anything.
    await expect(host.locator(f"#record li:has-text('{bidder.name}')")).not_to_contain_text("未签")
    await room.looks("6-record", own)
    await later(world, timedelta(minutes=15))
    await expect(host.locator("#awaited")).to_contain_text("主持人与监督部门签署开标记录")
    await host.click("text=核对并签署开标记录")
    await room.signs(host, "host", "开标记录")
    await world.sign_paper("supervisor", (await world.waiting("supervisor", "opening-record"))[-1])
    await room.back()


async def the_second_stage_is_proposed(room: Room) -> None:
    """The host proposes its hour and the bids that go on; buyer and supervisor sign."""
    world, host = room.world, room.host
    hour = (await world.now() + timedelta(hours=2)).astimezone(BEIJING)
    await host.fill("#opens-at", f"{hour:%Y-%m-%dT%H:%M}")
    await host.click("form[action$='/console/hour'] button")
    await expect(host.locator("#papers")).to_contain_text("招标人")
    (sid,) = await world.waiting("buyer", "schedule")
    for part in ("buyer", "supervisor"):
        await world.sign_paper(part, sid)
    await expect(room.public.locator(".deadline")).to_contain_text("距第 2 阶段开启")
    await room.looks("7-between")
    for bidder in room.bidders[:2]:
        await host.check(f"#stage label:has-text('{bidder.name}') input")
    await host.fill("#report", REPORT)
    await host.click("form[action$='/console/stage'] button")
    await expect(host.locator("#papers")).to_contain_text("行政监督部门")
    (sid,) = await world.waiting("supervisor", "stage")
    await world.sign_paper("supervisor", sid)
    (staged,) = await world.kept("stage")
    world.stage, world.staged = 2, frozenset(staged.body["trees"])
    for seat in world.members.values():
        seat.guard[0] = Guard()


async def the_second_stage_is_opened(room: Room, closing: Statement) -> None:
    """At its hour, and only for those who passed."""
    world, host, public = room.world, room.host, room.public
    await expect(host.locator("#next-title ~ .note")).to_contain_text("未到本阶段的开启时间")
    await later(world, timedelta(hours=2, seconds=1))
    await room.press("开始投标人授权")
    await read_back(world.desk, world.lot)
    for bidder in room.bidders[:2]:
        await world.release(bidder, closing)
    await world.check_all()
    await expect(host.locator(".dial")).to_contain_text("2/2 册已授权")
    await expect(public.locator("main")).to_contain_text("另有 2 份未进入本阶段")
    await room.looks("8-second-stage")
    await room.press("请保管人放行")
    await world.custodians_release()
    await room.press("开始解密")
    await open_lot(world.desk, world.lot)
    await expect(public.locator(f"{PRICES} tbody tr")).to_have_count(2)
    await expect(host.locator("#awaited")).to_contain_text("投标人可提出异议")
    await later(world, timedelta(minutes=15))
    await room.signs(host, "host", "开标记录")
    await world.sign_paper("supervisor", (await world.waiting("supervisor", "opening-record"))[-1])
    await room.back()
    await expect(public.locator("main")).to_contain_text("开标记录（PDF）")
    await room.looks("9-recorded")

"""A consortium's bid in real browsers: the lead's and a member's, from folders to the receipt."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from browser_world import CHROMIUM, Site
from conftest import SetClock
from foundation.database import Database
from foundation.settings import Settings
from foundation.statements.canonical import canonical
from foundation.statements.signed import Statement, read, sign, unsigned
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
from world import BidderOf, make_world

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


def a_file(place: Path, name: str, content: bytes) -> Path:
    """A file that a person would pick."""
    path = place / name
    path.write_bytes(content)
    return path


async def downloaded(page: Page, selector: str, place: Path) -> Path:
    """What a link of the page gives."""
    async with page.expect_download() as found:
        await page.click(selector)
    made = await found.value
    path = place / made.suggested_filename
    await made.save_as(path)
    return path


async def name_member(page: Page, name: str, uscc: str) -> None:
    """The lead writes a member into the first line and saves, without a mouse."""
    summary = page.locator("[data-joint] summary")
    if not await page.locator("[data-members]").is_visible():
        await summary.focus()
        await page.keyboard.press("Enter")
    await page.fill("[data-member] input[name=member_name]", name)
    await page.fill("[data-member] input[name=member_uscc]", uscc)
    await page.keyboard.press("Enter")


async def name_members(page: Page, lead: BidderOf, member: BidderOf) -> None:
    """A wrong code, oneself, then the right member."""
    fault = page.locator("[data-members-fault]")
    await name_member(page, member.name, "91340600MA2ABCDE1X")
    await expect(fault).to_contain_text("统一社会信用代码不对")
    await name_member(page, lead.name, lead.uscc)
    await expect(fault).to_contain_text("牵头人自己")
    await name_member(page, member.name, member.uscc.lower())


async def co_signed(site: Site, page: Page, member: BidderOf, file: Path, place: Path) -> Path:
    """The member reads the lead's list, signs on the phone, and keeps the signature file."""
    listed = read(file.read_bytes())
    await page.set_input_files("#list", file)
    shown = page.locator("[data-co-sign] [data-list]")
    await expect(shown).to_be_visible()
    for envelope in listed.body["envelopes"]:
        tree = envelope["tree"]
        digits = " ".join(tree[at : at + 4] for at in range(0, 16, 4))
        await expect(shown).to_contain_text(digits)
    await expect(shown).to_contain_text(listed.body["bidder"]["name"])
    assert await site.axe(page) == []
    await page.locator("[data-sign]").focus()
    await page.keyboard.press("Enter")
    await site.sign(page, member)
    await page.wait_for_url("**/bids/co-sign/*")
    await expect(page.locator("[data-signed]")).to_be_visible()
    assert await site.axe(page) == []
    return await downloaded(page, "[data-signature]", place)


async def add(page: Page, *files: Path) -> str:
    """The lead adds signature files; what the page says of them."""
    found = page.locator("[data-found]")
    await found.evaluate("list => list.replaceChildren()")
    await page.set_input_files("#signatures", list(files))
    await expect(found.locator("li")).to_have_count(len(files))
    return await found.inner_text()


def wrong_files(place: Path, listed: Statement, right: Path, stranger: BidderOf) -> dict[str, Path]:
    """Files that are no signature of a member under this list, by the words they are met with."""
    signed = json.loads(right.read_bytes())
    member: dict[str, Any] = signed["sigs"][0]
    other = unsigned("manifest", {**listed.body, "client_time": "2019-01-01T00:00:00.000Z"})
    foreign = unsigned("manifest", {**listed.body, "bidder": listed.body["consortium"][0]})
    broken = {**member, "sig": member["sig"][:40] + "AAAA" + member["sig"][44:]}
    made = {
        "没有成员的签名": listed.file(),
        "不在联合体名单里": sign(listed, stranger.signer).file(),
        "另一版清单": sign(other, stranger.signer).file(),
        "另一份清单": sign(foreign, stranger.signer).file(),
        "签名与清单不符": canonical({**signed, "sigs": [broken]}),
        "被改动过": json.dumps(signed, indent=1).encode(),
        "不是投标清单": b"%PDF-1.7",
    }
    return {words: a_file(place, f"{n}.json", raw) for n, (words, raw) in enumerate(made.items())}


async def test_a_lead_and_a_member_sign_one_bid(site: Site, tmp_path: Path) -> None:
    lead, member, stranger = (site.world.bidder(n) for n in (1, 2, 3))
    page = await site.page()
    await begin(site, page, lead)
    code = await seal(page, tmp_path, lead)
    await page.click("[data-to-check]")
    await page.wait_for_url("**/bid/check")
    submit, why = page.locator("[data-submit]"), page.locator("[data-why]")
    await expect(submit).to_be_enabled()
    await name_members(page, lead, member)
    await expect(why).to_contain_text(f"还差联合体成员签署：{member.name}")
    await expect(submit).to_be_disabled()
    assert await site.axe(page) == []
    file = await downloaded(page, "[data-joint] [data-list]", tmp_path)
    listed = read(file.read_bytes())
    assert listed.sigs == ()

    others = await site.browser.new_context(locale="zh-CN")
    theirs = await site.page(others)
    await site.log_in(theirs, member, "/bids/co-sign")
    signature = await co_signed(site, theirs, member, file, tmp_path)

    for words, wrong in wrong_files(tmp_path, listed, signature, stranger).items():
        assert words in await add(page, wrong), wrong
        await expect(submit).to_be_disabled()
    assert f"已添加：{member.name}" in await add(page, signature)
    await expect(submit).to_be_enabled()
    # It stays when the page is loaded again.
    await page.reload()
    await expect(submit).to_be_enabled()
    # A change of the members is another list: the member signs that.
    await name_member(page, f"{member.name}（集团）", member.uscc)
    await expect(page.locator("[data-found]")).to_contain_text("此前的签名作废")
    await expect(submit).to_be_disabled()
    assert "另一版清单" in await add(page, signature)
    # The list is as it was, to the byte: what was signed is good again.
    await name_member(page, member.name, member.uscc)
    assert "已添加" in await add(page, signature)
    await page.goto(f"{site.address}/lots/{site.world.lot}/bid/seal")
    await hand_in(site, page, lead, 1)

    # One volume is replaced: the members stand as before, and sign the new list.
    await page.goto(f"{site.address}/lots/{site.world.lot}/bid/seal")
    await page.locator("[data-volume=price] [data-keep] input").uncheck()
    chosen = folders(tmp_path, lead)
    (chosen["price"] / "price.txt").write_text("a new price")
    frame = await choose(page, {"price": chosen["price"]})
    await frame.locator("#code").fill(code)
    await go_on(frame)
    await uploaded(page)
    await save(page, frame, ["price"])
    await page.click("[data-to-check]")
    await expect(why).to_contain_text(f"还差联合体成员签署：{member.name}")


async def refused_list(page: Page, file: Path) -> str:
    """What the member's page says of a file that it does not show."""
    fault = page.locator("[data-co-sign] [data-fault]")
    await fault.evaluate("line => { line.hidden = true; }")
    await page.set_input_files("#list", file)
    await expect(fault).to_be_visible()
    await expect(page.locator("[data-co-sign] [data-list]")).to_be_hidden()
    return await fault.inner_text()


async def test_a_member_signs_nothing_that_is_not_its_list(site: Site, tmp_path: Path) -> None:
    lead, member = site.world.bidder(1), site.world.bidder(2)
    body = (await site.world.seal(lead)).manifest.body
    partner = {"uscc": member.uscc, "name": member.name}
    right = {**body, "consortium": [partner]}
    page = await site.page()
    await site.log_in(page, member, "/bids/co-sign")
    wrong = {
        "没有您的单位": body,
        "您是这份清单的牵头人": {**right, "bidder": partner, "consortium": [body["bidder"]]},
        "开标密钥组已经换新": {**right, "opening_keys": "0" * 64},
        "与标段要求的不一致": {**right, "envelopes": body["envelopes"][:1]},
        "没有清单所写的标段": {**right, "lot": str(site.world.lot)[:-4] + "0000"},
        "内容被改动过": {**right, "note": "x"},
    }
    for n, (words, one) in enumerate(wrong.items()):
        file = a_file(tmp_path, f"{n}.json", unsigned("manifest", one).file())
        assert words in await refused_list(page, file)
    large = a_file(tmp_path, "large.json", b"x" * (256 * 1024 + 1))
    assert "不是投标清单" in await refused_list(page, large)
    # The right one is shown, and a name that the licence does not bear is pointed out.
    other_name = {**right, "consortium": [{**partner, "name": "另一名称"}]}
    file = a_file(tmp_path, "right.json", unsigned("manifest", other_name).file())
    await page.set_input_files("#list", file)
    await expect(page.locator("[data-other-name]")).to_contain_text("另一名称")
    assert await site.axe(page) == []

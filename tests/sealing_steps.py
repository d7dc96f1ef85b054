"""What a bidder does from folders to a receipt: choose, write the code down, save, hand in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import FrameLocator, Page, expect

from browser_world import Site, browser_site
from foundation.settings import Settings
from world import MORNING, VOLUMES, BidderOf, World, a_volume


@asynccontextmanager
async def published_site(world: World, settings: Settings) -> AsyncIterator[Site]:
    """A published lot on a real server, its sealing frame beside it, and a browser."""
    await world.published_lot()
    await world.set_clock(MORNING)
    async with browser_site(world, settings, has_frame=True) as made:
        yield made
    world.keeper.close()


async def begin(site: Site, page: Page, bidder: BidderOf) -> str:
    """Log in and open the page of sealing."""
    path = f"/lots/{site.world.lot}/bid/seal"
    await site.log_in(page, bidder, path)
    return f"{site.address}{path}"


def folders(place: Path, bidder: BidderOf) -> dict[str, Path]:
    """The volumes of a bid as a bidder keeps them."""
    found = {}
    for volume in VOLUMES:
        found[volume] = place / bidder.uscc / volume
        found[volume].mkdir(parents=True, exist_ok=True)
        for name, content in a_volume(bidder, volume).items():
            if name != "sunbid-package.json":
                (found[volume] / name).write_bytes(content)
    return found


async def go_on(frame: FrameLocator) -> None:
    """The frame's one button."""
    await frame.locator("button[data-kind=primary]").first.click()


async def choose(page: Page, chosen: dict[str, Path]) -> FrameLocator:
    """Begin to seal, compare the digits, choose the folders."""
    await page.click("[data-begin-seal]")
    frame = page.frame_locator(".seal-place iframe")
    await frame.locator("#compared").check()
    await go_on(frame)
    for volume, folder in chosen.items():
        await frame.locator(f"#folder-{volume}").set_input_files(folder)
        await expect(frame.locator(f"[data-volume={volume}] .tag[data-state=ok]")).to_be_visible()
    await go_on(frame)
    return frame


async def save(page: Page, frame: FrameLocator, volumes: list[str]) -> None:
    """The person saves the sealed files outside of the browser."""
    for volume in volumes:
        async with page.expect_download():
            await frame.locator(f"[data-volume={volume}] button").click()


async def seal(page: Page, place: Path, bidder: BidderOf) -> str:
    """Seal two folders, save the files; the recovery code as it was written down."""
    frame = await choose(page, folders(place, bidder))
    code = "-".join(await frame.locator(".code-groups li").all_inner_texts())
    await go_on(frame)
    await frame.locator("#code").fill(code)
    await go_on(frame)
    await uploaded(page)
    await save(page, frame, list(VOLUMES))
    return code


async def uploaded(page: Page) -> None:
    """Waits until the platform has everything."""
    await expect(page.locator("[data-close]")).to_contain_text("密文已全部存到平台")


async def hand_in(site: Site, page: Page, bidder: BidderOf, seq: int) -> None:
    """From the page of checking over the phone to the receipt, by the keyboard alone."""
    await page.locator("[data-to-check]").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/bid/check")
    submit = page.locator("[data-submit]")
    await expect(submit).to_be_enabled()
    assert await site.axe(page) == []
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await submit.evaluate("node => node === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await site.sign(page, bidder)
    banner = page.locator(".banner")
    await expect(banner).to_contain_text("已递交")
    await expect(banner).to_contain_text(f"第 {seq} 版")

"""A bidder's real browser on the real application: both in the loop of the test, over sockets."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.async_api import (
    APIRequestContext,
    Browser,
    BrowserContext,
    Page,
    Request,
    async_playwright,
)

from bid_world import app_of
from foundation.settings import Settings
from foundation.statements.signed import KeySigner, Statement, sign, unsigned
from licences import free_port
from sunbid.seal_origin import serve_seal_origin
from world import BidderOf, SealedBid, World

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).resolve().parents[1] / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
TICK_S = 0.3
# The machine of a test may be busy with many things.
PATIENCE_MS = 90_000

SAVE_DRAFT = """draft => new Promise((done, failed) => {
  const asked = indexedDB.open("sunbid-bids", 1);
  asked.onupgradeneeded = () => {
    const keys = {drafts: "key", uploads: "tree", acts: "sid", trust: "name"};
    for (const [name, keyPath] of Object.entries(keys))
      asked.result.createObjectStore(name, {keyPath});
  };
  asked.onsuccess = () => {
    const work = asked.result.transaction("drafts", "readwrite");
    work.objectStore("drafts").put(draft);
    work.oncomplete = () => { asked.result.close(); done(); };
  };
  asked.onerror = () => failed(asked.error);
})"""


class Holder(Protocol):
    """Whoever has a licence on a phone: a bidder, an office."""

    @property
    def signer(self) -> KeySigner:
        """What the phone signs with."""


@dataclass
class Site:
    """The application on a port, and the browsers that look at it."""

    world: World
    address: str
    browser: Browser
    context: BrowserContext
    # The phone has none of the browser's cookies.
    phone: APIRequestContext
    faults: list[str] = field(default_factory=list)
    puts: list[str] = field(default_factory=list)

    async def page(self, context: BrowserContext | None = None) -> Page:
        """A fresh page of the same browser, or of another; every fault of a script is noted."""
        made = await (context or self.context).new_page()
        made.set_default_timeout(PATIENCE_MS)
        made.on("pageerror", lambda error: self.faults.append(str(error)))
        made.on("request", self._asked)
        return made

    def _asked(self, request: Request) -> None:
        if request.method == "PUT":
            self.puts.append(request.url)

    async def log_in(self, page: Page, holder: Holder, path: str) -> None:
        """By the code of the login page; it comes back to where it was asked from."""
        await page.goto(f"{self.address}/login?next={path}")
        await page.click("form[action='/login'] button")
        await self.sign(page, holder)
        await page.wait_for_url(f"{self.address}{path}")

    async def sign(self, page: Page, holder: Holder) -> Statement:
        """The phone reads the code of a waiting page and signs what it asks for."""
        await page.wait_for_selector("p.big")
        challenge = page.url.rsplit("/", 1)[-1]
        match = (await page.inner_text("p.big")).strip()
        place = f"{self.address}/api/v1/challenges/{challenge}"
        asked = await (await self.phone.post(f"{place}/scanned", data={"match": match})).json()
        signed = sign(unsigned(asked["type"], asked["body"]), holder.signer)
        answer = await self.phone.post(f"{place}/statement", data={"statement": signed.json()})
        assert answer.ok, await answer.text()
        return signed

    async def keep_draft(self, page: Page, bidder: BidderOf, made: SealedBid) -> None:
        """What the page keeps when the frame has sealed, before the first byte is sent."""
        body = made.manifest.body
        unsigned_one = unsigned("manifest", body)
        draft = {
            "key": f"{self.world.lot} {bidder.uscc}",
            "lot": str(self.world.lot),
            "uscc": bidder.uscc,
            "seq": body["seq"],
            "manifest": body,
            "sid": unsigned_one.sid,
            "files": [
                {
                    "volume": volume,
                    "name": f"{volume}.tbe",
                    "size": made.files[volume].stat().st_size,
                    "tree": one.listed.tree,
                    "parts": list(one.parts),
                }
                for volume, one in made.sealed.items()
            ],
            "at": 1,
        }
        await page.evaluate(SAVE_DRAFT, draft)

    async def axe(self, page: Page) -> list[str]:
        """What axe-core finds."""
        await page.evaluate(AXE.read_text())
        found = await page.evaluate(f"axe.run(document, {json.dumps(RULES)})")
        return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]


@asynccontextmanager
async def browser_site(
    world: World, settings: Settings, *, has_frame: bool = False
) -> AsyncIterator[Site]:
    """Serve the application over a world, with a ledger that ticks, and open a browser."""
    port, seal_port = free_port(), free_port()
    address, seal_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{seal_port}"
    settings = replace(
        settings, public_url=address, seal_url=seal_url, seal_port=seal_port, mode="demo"
    )
    frame = {"seal_url": seal_url, "frame_sources": (seal_url,)} if has_frame else {}
    app = await app_of(world, settings, **frame)
    server = Server(
        app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False
    )
    others = [_ticking(world), *([serve_seal_origin(settings)] if has_frame else [])]
    tasks = [asyncio.create_task(one) for one in (server.serve(), *others)]
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox"]
            )
            context = await browser.new_context(locale="zh-CN")
            phone = await playwright.request.new_context()
            site = Site(world, address, browser, context, phone)
            yield site
            await phone.dispose()
            await browser.close()
            assert site.faults == []
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app.state.background.stop()


async def _ticking(world: World) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        await world.tick()

"""A stranger, a bidder, an expert and a supervisor look at a played tender, in a real browser."""

import base64
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any
from urllib.parse import urlsplit

import pytest

from demonstration import Demonstration
from sunbid.demo_files.bids import TEXTS

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
# Decided before any fixture: without a browser nobody waits for the story.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.demo,
    pytest.mark.skipif(
        PROGRAM is None or importlib.util.find_spec("playwright") is None,
        reason="no browser: needs playwright and a Chromium on the path (CHROMIUM)",
    ),
]
DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 60_000
# Two ticks of the hall are five seconds apart; a busy machine is slower.
TICKS_MS = 60_000

# What every page owes everybody; an answer is a list of faults.
BASICS = """() => {
  const faults = [];
  const count = document.querySelectorAll("h1").length;
  if (count !== 1) faults.push(`${count} h1`);
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title.trim()) faults.push("no title");
  const spoken = (node) => (node.getAttribute("aria-label") || node.title || node.textContent
    || node.querySelector("img")?.alt || "").trim();
  for (const node of document.querySelectorAll("input, select, textarea")) {
    if (["hidden", "submit"].includes(node.type)) continue;
    if (!node.labels?.length && !node.ariaLabel && !node.hasAttribute("aria-labelledby"))
      faults.push(`no label: ${node.outerHTML.slice(0, 90)}`);
  }
  for (const node of document.querySelectorAll("a[href], button"))
    if (!spoken(node)) faults.push(`no name: ${node.outerHTML.slice(0, 90)}`);
  for (const node of document.querySelectorAll("img:not([alt])"))
    faults.push(`no alt: ${node.outerHTML.slice(0, 90)}`);
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at)))
    faults.push(`two of #${id}`);
  return faults;
}"""

# The page itself must not scroll sideways; wide tables and texts scroll in their own frame.
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const inFrame = (node) => {
    for (let up = node.parentElement; up; up = up.parentElement)
      if (getComputedStyle(up).overflowX !== "visible") return true;
    return false;
  };
  const wide = [...document.body.querySelectorAll("*")].filter((node) =>
    node.getBoundingClientRect().right > room + 1 && !inFrame(node));
  return [`${document.documentElement.scrollWidth} px wide: `
    + wide.slice(0, 3).map((node) => node.outerHTML.slice(0, 90)).join(" | ")];
}"""

TWO_TICKS = """() => new Promise((done, fail) => {
  const heard = [];
  const source = new EventSource(document.querySelector("[data-events]").dataset.events);
  source.addEventListener("tick", (event) => {
    heard.push(JSON.parse(event.data).at);
    if (heard.length === 2) { source.close(); done(heard); }
  });
  setTimeout(() => fail(new Error(`heard only ${heard}`)), WAIT);
})""".replace("WAIT", str(TICKS_MS))

DROP = """([name, content]) => {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  const zone = document.querySelector("form[data-drop]");
  for (const kind of ["dragenter", "dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, cancelable: true}));
}"""


@dataclass
class Visitor:
    """Somebody with a browser of their own; every page they see is looked at."""

    name: str
    page: Any
    server: str
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note every error of the console and every request that leaves this machine."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._fault(f"script: {error}"))
        self.page.on("request", self._asked)

    def go(self, path: str) -> None:
        """Open a page and look at it."""
        answer = self.page.goto(self.server + path, wait_until="load")
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        self.look()

    def follow(self, link: Any) -> None:
        """Click a link to another page and look at that."""
        before = self.page.url
        link.click()
        self.page.wait_for_url(lambda url: url != before, wait_until="load")
        self.look()

    def look(self) -> None:
        """Check what every page owes everybody, also on a narrow screen."""
        for fault in self.page.evaluate(BASICS):
            self._fault(fault)
        self.page.set_viewport_size(PHONE)
        for fault in self.page.evaluate(TOO_WIDE):
            self._fault(fault)
        self.page.set_viewport_size(DESK)

    def text(self, selector: str = "main") -> str:
        """What can be read at a place."""
        return str(self.page.locator(selector).first.inner_text())

    def enter(self, holder: str) -> None:
        """One click on the page of personas: the phone signs by itself and comes back."""
        self.go("/demo/personas")
        form = self.page.locator("form[action='/personas']").filter(has_text=holder)
        form.get_by_role("button").click()
        self.page.wait_for_selector("form[action='/logout']", state="attached")
        self.look()

    def verify(self, name: str, content: bytes, *, dropped: bool) -> None:
        """Give a file to the page that verifies and wait for its verdict."""
        self.go("/verify")
        if dropped:
            self.page.evaluate(DROP, [name, base64.b64encode(content).decode()])
        else:
            given = {"name": name, "mimeType": "application/zip", "buffer": content}
            self.page.locator("#file").set_input_files(given)
        self.page.wait_for_selector("#verdict", state="visible")
        self.look()

    def checks(self) -> dict[str, str]:
        """All numbered checks on the page with their state; what fails is shown first as well."""
        items = self.page.locator(".checks li").evaluate_all(
            "all => all.map(one => [one.dataset.id, one.dataset.state])"
        )
        return dict(items)

    def _fault(self, what: str) -> None:
        self.faults.append(f"{self.name} at {urlsplit(self.page.url).path}: {what}")

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self._fault(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws"} and address.hostname != "127.0.0.1":
            self._fault(f"asked {request.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The Chromium of this machine without a window."""
    from playwright.sync_api import sync_playwright

    # Its sandbox refuses root; what it opens is our own server on loopback.
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=PROGRAM,
            args=[*as_root, "--disable-gpu", "--disable-background-networking"],
        )
        yield running
        running.close()


@contextmanager
def a_visitor(
    browser: Any, demonstration: Demonstration, name: str, *, scripts: bool = True
) -> Iterator[Visitor]:
    """A visitor with cookies of their own, who found no fault at the end."""
    context = browser.new_context(
        viewport=DESK, locale="zh-CN", reduced_motion="reduce", java_script_enabled=scripts
    )
    context.set_default_timeout(PATIENCE_MS)
    visitor = Visitor(name, context.new_page(), demonstration.server)
    visitor.watch()
    try:
        yield visitor
    finally:
        context.close()
    assert not visitor.faults, "\n".join(visitor.faults)


@dataclass
class BrowserJourney:
    """What the steps share."""

    demo: Demonstration
    browser: Any

    def visitor(self, name: str, *, scripts: bool = True) -> Any:
        """Somebody who comes fresh."""
        return a_visitor(self.browser, self.demo, name, scripts=scripts)

    def the_public(self) -> None:
        """1 to 5: notices, search, timeline, the other language, the opening hall."""
        with self.visitor("public") as public:
            public.go("/")
            assert public.page.locator(".result h3 a").count() >= 1
            public.page.fill("#q", "相山")
            public.page.locator("form[role=search] button").click()
            public.page.wait_for_url("**/tenders?q=*")
            assert public.page.locator("mark.found").first.inner_text() == "相山"
            public.page.fill("#q", "没有这样的项目")
            public.page.locator("form[role=search] button").click()
            public.page.wait_for_selector("#results .state")
            public.look()
            public.go("/tenders")
            public.follow(public.page.locator(".result h3 a").first)
            assert public.page.locator("ol.dial li").count() >= 5
            self.other_language(public)
            for path in ("/plans", "/openings", "/awards", "/ledger", "/login"):
                public.go(path)
            self.opening_hall(public)

    def other_language(self, public: Visitor) -> None:
        """3: English and back; the choice is remembered."""
        html = public.page.locator("html")
        public.follow(public.page.locator("footer a[hreflang=en]"))
        assert html.get_attribute("lang") == "en"
        public.go("/tenders")
        assert html.get_attribute("lang") == "en"
        assert not re.search("[一-鿿]", public.text("h1"))
        public.follow(public.page.locator("footer a[hreflang=zh-CN]"))
        public.go("/tenders")
        assert html.get_attribute("lang") == "zh-CN"

    def opening_hall(self, public: Visitor) -> None:
        """5: after the record names and prices; the server's time goes on."""
        public.go(f"/lots/{self.demo.lot}/opening")
        rows = public.page.locator("section[aria-labelledby=prices] tbody tr")
        assert rows.count() >= 5
        assert self.demo.bidder("replaces").name in public.text("section[aria-labelledby=prices]")
        assert all(re.search(r"\d,\d{3}", text) for text in rows.all_inner_texts())
        clock = public.page.locator("[data-clock-now]")
        before = clock.inner_text()
        first, second = public.page.evaluate(TWO_TICKS)
        assert first < second
        assert clock.inner_text() != before
        # Silence since the last event is said, so that nobody trusts a dead page.
        assert re.search(r"\d", public.text("[data-contact]"))

    def a_bidder(self) -> None:
        """6 to 9: one click, own bids, tasks, the receipt with its level in words, its files."""
        demo = self.demo
        bidder = demo.bidder("replaces")
        receipt = json.loads(demo.receipt(bidder.persona, 2).read_bytes())
        number = receipt["statement"]["body"]["receipt"]
        with self.visitor("bidder") as visitor:
            visitor.enter(bidder.uscc)
            assert bidder.name in visitor.text("header")
            visitor.go("/bids")
            visitor.follow(visitor.page.locator("main .list a").first)
            assert visitor.page.locator("li.task").count() >= 3
            assert "已被替代" in visitor.text("aside.stack")
            visitor.go(f"/receipts/{number}")
            # Without witnesses nobody may read that it was witnessed.
            assert "已递交" in visitor.text("#state")
            assert set(visitor.checks().values()) <= {"ok", "open"}
            with visitor.page.expect_download() as saved:
                visitor.page.locator(f"a[href='/receipts/{number}/file']").click()
            fetched = json.loads(saved.value.path().read_bytes())
            assert fetched["statement"]["sigs"] == receipt["statement"]["sigs"]
            answer = visitor.page.request.get(f"{demo.server}/receipts/{number}/pdf")
            assert answer.body().startswith(b"%PDF")
            visitor.go("/papers")
            visitor.go(f"/lots/{demo.lot}/opening")

    def an_expert(self) -> None:
        """10 to 12: the seat by one click; document beside criteria; no name and no price."""
        demo = self.demo
        expert = demo.panel[0]
        with self.visitor("expert") as visitor:
            visitor.enter(expert.name)
            visitor.go("/seats")
            assert "评分表已签名" in visitor.text()
            visitor.follow(visitor.page.locator("main li.task a.button"))
            assert "已签名提交" in visitor.text(".banner")
            assert visitor.page.locator("main form button").count() == 0
            visitor.follow(visitor.page.locator("main .row a.button"))
            read = visitor.text("main")
            assert len(visitor.text(".reading")) > 100 or visitor.page.locator(
                ".reading img"
            ).evaluate("image => image.complete && image.naturalWidth > 0")
            assert visitor.page.locator(".criterion").count() >= 4
            # Handed in is handed in: nothing here can be changed any more.
            assert visitor.page.locator("fieldset.criterion[disabled]").count() == 1
            for bidder in (demo.bidder("replaces"), demo.bidder("ring"), demo.bidder("plain")):
                assert bidder.name not in read
            assert "万元" not in read

    def a_supervisor(self) -> None:
        """13 to 15: inbox, examination the price chart with its table, passages."""
        demo = self.demo
        with self.visitor("supervisor") as visitor:
            visitor.enter(demo.office("supervisor"))
            visitor.go("/clues?state=running")
            visitor.follow(visitor.page.locator("main tbody th a").first)
            assert visitor.page.locator("article.evidence").count() >= 2
            chart = visitor.page.locator("aside svg.chart[role=img]").first
            assert chart.get_attribute("aria-label")
            points = chart.locator("circle, path").count()
            assert points == visitor.page.locator("aside table tbody tr").count() >= 5
            visitor.follow(visitor.page.locator("article.evidence a[href*='/compare/']").first)
            self.copies_side_by_side(visitor)
            assert visitor.page.locator("section[aria-labelledby=meta] tbody tr").count() >= 1

    def copies_side_by_side(self, visitor: Visitor) -> None:
        """Every passage shown is one of the ring's, copied with a few letters exchanged."""
        sides = visitor.page.locator(".compare [data-who] p").all_inner_texts()
        assert sides
        assert len(sides) % 2 == 0
        for left, right in zip(sides[::2], sides[1::2], strict=True):
            assert SequenceMatcher(None, left, right, autojunk=False).ratio() > 0.9, (left, right)
            assert written_by_the_ring(left) > 0.9, left
        marked = visitor.page.locator(".compare [data-who] .shared").all_inner_texts()
        assert sum(map(len, marked)) > 0.9 * sum(map(len, sides))

    def the_award(self) -> None:
        """16: the public and the buyer see who was awarded, with rank, scores and votes."""
        with self.visitor("public") as public:
            public.go("/awards")
            public.follow(public.page.locator("main .list a").first)
            assert "中标人" in public.text(".banner")
            assert public.page.locator("tr[data-state=picked]").count() == 1
            public.go(f"/lots/{self.demo.lot}/candidates")
        with self.visitor("buyer") as buyer:
            buyer.enter(self.demo.office("buyer"))
            buyer.go(f"/lots/{self.demo.lot}/award")
            address = buyer.page.locator("a[href$='/letter.pdf']").get_attribute("href")
            answer = buyer.page.request.get(self.demo.server + address)
            assert answer.body().startswith(b"%PDF")

    def anybody_verifies(self) -> None:
        """17 to 19: receipt and package are green; the edited one is red and says whose score."""
        demo = self.demo
        with self.visitor("stranger") as stranger:
            receipt = demo.receipt(demo.bidder("replaces").persona, 2).read_bytes()
            stranger.verify("receipt.json", receipt, dropped=True)
            assert {"C1", "C5", "C8"} <= stranger.checks().keys()
            assert "bad" not in stranger.checks().values()
            stranger.verify("package.zip", demo.package("package.zip").read_bytes(), dropped=False)
            assert set(stranger.checks().values()) == {"ok"}
            assert {"C1", "C38", "C50", "C67"} <= stranger.checks().keys()
            edited = demo.package("package-tampered.zip").read_bytes()
            stranger.verify("package.zip", edited, dropped=True)
            assert stranger.checks()["C57"] == "bad"
            told = next(s for s in demo.story["steps"] if s["id"] == "package.tamper")["detail"]
            expert = re.search("[0-9a-f]{8}-[0-9a-f-]{27}", told)
            assert expert is not None
            assert expert.group() in stranger.text(".checks li[data-id=C57]")

    def without_scripts(self) -> None:
        """20 and 21: reading and verifying need no script."""
        demo = self.demo
        with self.visitor("no-script", scripts=False) as plain:
            plain.go("/tenders?q=相山")
            assert plain.page.locator("mark.found").count() >= 1
            plain.follow(plain.page.locator(".result h3 a").first)
            assert plain.page.locator("ol.dial li").count() >= 5
            plain.go(f"/lots/{demo.lot}/opening")
            plain.go("/verify")
            receipt = demo.receipt(demo.bidder("replaces").persona, 2)
            plain.page.locator("#file").set_input_files(receipt)
            plain.page.locator("form.drop button").click()
            plain.page.wait_for_selector("#verdict")
            assert "bad" not in plain.checks().values()


def written_by_the_ring(text: str) -> float:
    """The share of a text's characters in pieces of eight that the ring's passages have."""
    source = "".join((TEXTS / "ring.txt").read_text(encoding="utf-8").split())
    text = "".join(text.split())
    ours = {
        place
        for start in range(len(text) - 7)
        if text[start : start + 8] in source
        for place in range(start, start + 8)
    }
    return len(ours) / len(text)


def test_only_the_rings_own_words_are_taken_for_theirs() -> None:
    passage = (TEXTS / "ring.txt").read_text(encoding="utf-8").split("%")[1]
    assert written_by_the_ring(passage) == 1
    for other in ("tender.txt", "technical.toml", "qualification.toml"):
        assert written_by_the_ring((TEXTS / other).read_text(encoding="utf-8")) < 0.05


FAULTY = """<h1>a</h1><h1>b</h1><input><a href="#"></a><img src="http://elsewhere.invalid/x.png">
<p id="twice"><p id="twice"><div style="width: 900px">wide</div>
<div style="overflow-x: auto"><div style="width: 2000px">in a frame</div></div>
<script>console.error("said"); nothing()</script>"""


def test_faults_of_a_page_are_found(browser: Any) -> None:
    page = browser.new_page()
    visitor = Visitor("nobody", page, "")
    visitor.watch()
    page.set_content(FAULTY, wait_until="load")
    visitor.look()
    page.close()
    found = "\n".join(visitor.faults)
    for fault in (
        "2 h1", "no language", "no title", "no label", "no name", "no alt", "two of #twice",
        "px wide", "console: said", "script: nothing", "asked http://elsewhere.invalid",
    ):  # fmt: skip
        assert fault in found
    assert "in a frame" not in found


def test_a_played_tender_in_a_browser(browser: Any, demonstration: Demonstration) -> None:
    pictures = [demonstration.data / path for path in demonstration.story["files"]["screenshots"]]
    assert {"notices", "opening", "seat", "verify"} <= {path.stem for path in pictures}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    journey = BrowserJourney(demonstration, browser)
    journey.the_public()
    journey.a_bidder()
    journey.an_expert()
    journey.a_supervisor()
    journey.the_award()
    journey.anybody_verifies()
    journey.without_scripts()

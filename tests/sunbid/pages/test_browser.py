"""What script adds to the pages, in Chromium: autosave, keys, type size, clock, drop zone."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect, sync_playwright

from foundation.language import Language
from foundation.web import content_security_policy
from page_samples import SAMPLES, a_frame
from sunbid.pages.site import STATIC, make_pages

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
ORIGIN = "http://pages.test"
KINDS = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
SAVED_AT = "2019-05-13T06:21:07.000Z"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found; set CHROMIUM"),
    pytest.mark.skipif(not (STATIC / "app.js").is_file(), reason="run python build_web.py first"),
]


class Site:
    """Answers the browser from the samples and the built files; keeps what was sent."""

    def __init__(self) -> None:
        self.pages = make_pages(lambda request, language: None)  # type: ignore[arg-type, return-value]
        self.sent: list[Request] = []
        self.is_down = False

    def sample(self, name: str, language: Language = "zh") -> str:
        """One sample page."""
        template, view, visitor = SAMPLES[name]
        values = {"frame": a_frame(visitor), "view": view(), "path": f"/{name}"}
        return self.pages.render(language, template, values)

    def answer(self, route: Route) -> None:
        """Whatever the page asks for."""
        path = urlsplit(route.request.url).path
        if route.request.method == "POST":
            self.sent.append(route.request)
            if self.is_down:
                route.abort()
                return
            if path == "/verify":
                route.fulfill(body=self.sample("verify-evil"), content_type="text/html")
                return
            route.fulfill(body=json.dumps({"saved_at": SAVED_AT}), content_type="application/json")
        elif path.startswith("/static/"):
            file = STATIC / Path(path).name
            route.fulfill(path=file, content_type=KINDS.get(file.suffix, "text/plain"))
        elif path.strip("/") in SAMPLES:
            policy = {"content-security-policy": content_security_policy()}
            html = self.sample(path.strip("/"))
            route.fulfill(body=html, content_type="text/html", headers=policy)
        else:
            route.fulfill(status=404, body="{}", content_type="application/json")


@pytest.fixture
def site() -> Site:
    """The answers."""
    return Site()


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    """A page under the strict policy; a fault of any script ends the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = browser.new_page()
        made.route("**/*", site.answer)
        faults: list[str] = []
        made.on("pageerror", lambda error: faults.append(str(error)))
        yield made
        browser.close()
        assert faults == []


def test_marks_save_themselves_with_the_servers_time(page: Page, site: Site) -> None:
    page.goto(f"{ORIGIN}/scoring")
    page.fill("#score", "6.2")
    expect(page.locator("[data-saving]")).to_contain_text("14:21:07")
    body = site.sent[0].post_data or ""
    for part in ('name="_csrf"', 'name="criterion"', "6.2", 'name="comment"'):
        assert part in body
    page.click("[data-change='1']")
    assert page.input_value("#score") == "6.3"


def test_what_could_not_be_saved_is_said_and_sent_again(page: Page, site: Site) -> None:
    page.goto(f"{ORIGIN}/scoring")
    site.is_down = True
    page.fill("#why", "断网时写的理由")
    saving = page.locator("[data-saving]")
    expect(saving).to_have_attribute("data-state", "warn")
    assert page.input_value("#why") == "断网时写的理由"
    site.is_down = False
    expect(saving).to_have_attribute("data-state", "ok", timeout=15_000)


def test_keys_lead_to_the_next_bid_and_to_the_score(page: Page) -> None:
    page.goto(f"{ORIGIN}/scoring")
    page.keyboard.press("7")
    assert page.evaluate("document.activeElement.id") == "score"
    page.evaluate("document.activeElement.blur()")
    with page.expect_request("**/D/t4"):
        page.keyboard.press("j")


def test_large_type_stays_chosen(page: Page) -> None:
    page.goto(f"{ORIGIN}/scoring")
    page.click("[data-size-to='large']")
    page.goto(f"{ORIGIN}/scoring")
    assert page.evaluate("document.documentElement.dataset.size") == "large"


def test_the_clock_runs_at_the_platforms_pace(page: Page) -> None:
    page.goto(f"{ORIGIN}/tender")
    before = page.inner_text("[data-clock-now]")
    expect(page.locator("[data-clock-now]")).not_to_have_text(before)
    left = page.inner_text("[data-unit='s']")
    expect(page.locator("[data-unit='s']")).not_to_have_text(left)


def test_a_dropped_file_shows_its_checks_in_place(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "package.zip"
    file.write_bytes(b"PK")
    page.goto(f"{ORIGIN}/verify")
    page.set_input_files("#file", file)
    page.wait_for_selector("#result .banner")
    assert "C57" in page.inner_text("#verdict")
    assert page.url == f"{ORIGIN}/verify"

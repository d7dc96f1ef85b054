"""Pictures of the pages as each persona sees them, where a Chromium and playwright are found.

Nothing here is part of the story's outcome: without a browser there are no pictures.
"""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sunbid.client import load_session
from sunbid.demo.people import experts
from sunbid.demo.play import Play

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
SIZE: Final = (1280, 860)
COLOURS: Final = 128
SETTLE_MS: Final = 300
SCORED: Final = "T1"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One picture: its name, who looks (None: the public), and at which path."""

    name: str
    persona: str | None
    path: str


def can_take() -> bool:
    """Whether a Chromium and playwright are found here."""
    return browser_path() is not None and importlib.util.find_spec("playwright") is not None


def browser_path() -> str | None:
    """The Chromium of this machine."""
    given = os.environ.get("CHROMIUM")
    return given or next(filter(None, map(shutil.which, BROWSERS)), None)


def picture(play: Play) -> None:
    """The step of the story: pictures beside the package, or no step where there is no browser."""
    if not can_take():
        return
    with play.story.aside(), play.story.step("screenshots", "页面截图（不计入用时）") as step:
        made = take(play, play.folder / "screenshots")
        play.story.files["screenshots"] = [str(p.relative_to(play.stage.data)) for p in made]
        step.detail = f"{len(made)} 张"


def take(play: Play, folder: Path) -> list[Path]:
    """Picture the pages after the story, the verified package last; [] without a browser.

    What the browser itself does wrong spoils no story: then there are fewer pictures.
    """
    if not can_take():
        return []
    from playwright.sync_api import Error

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    try:
        with _browser() as browser:
            made += [_picture(play, browser, view, folder) for view in views(play)]
            made.append(_verified(play, browser, folder))
    except Error as error:
        sys.stderr.write(f"    the browser gave up: {str(error).splitlines()[0]}\n")
    return made


def views(play: Play) -> list[View]:
    """What is worth a look once the story is told."""
    bidder = play.role("replaces")[0].persona
    receipt = json.loads((play.bid_folder(bidder, 2) / "receipt.json").read_bytes())
    number = receipt["statement"]["body"]["receipt"]
    return [
        View(name="notices", persona=None, path="/tenders"),
        View(name="tender", persona=None, path=f"/lots/{play.lot}"),
        View(name="opening", persona=None, path=f"/lots/{play.lot}/opening"),
        View(name="receipt", persona=bidder, path=f"/receipts/{number}"),
        *_seat(play),
        View(name="examination", persona="supervisor", path=f"/clues/{play.lot}"),
        View(name="compare", persona="supervisor", path=f"/clues/{play.lot}/compare/1"),
    ]


def _seat(play: Play) -> list[View]:
    """The seat of the first expert who was drawn, at one bid and one criterion."""
    for expert in experts():
        with play.stage.client(expert.persona) as client:
            if not any(panel["lot"] == play.lot for panel in client.get("/api/v1/panels")):
                continue
            code = client.get(f"/api/v1/lots/{play.lot}/blind-bids")["bids"][0]["code"]
        path = f"/seats/{play.lot}/{code}/{SCORED}"
        return [View(name="seat", persona=expert.persona, path=path)]
    return []


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    # Chromium's sandbox refuses root; what it opens here is our own server on loopback.
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path(),
            args=[*as_root, "--disable-gpu", "--disable-background-networking"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def _page(play: Play, browser: Any, persona: str | None, *, scripts: bool = True) -> Iterator[Any]:
    width, height = SIZE
    context = browser.new_context(
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
        locale="zh-CN",
        java_script_enabled=scripts,
    )
    if persona is not None:
        token = load_session(play.stage.session(persona)).token
        # A session's token is the same in a cookie; its name carries the port.
        name = f"sunbid-{play.stage.port}"
        context.add_cookies([{"name": name, "value": token, "url": play.stage.server}])
    try:
        yield context.new_page()
    finally:
        context.close()


def _picture(play: Play, browser: Any, view: View, folder: Path) -> Path:
    with _page(play, browser, view.persona) as page:
        # Pages with live events never rest, so that waiting for silence would be in vain.
        page.goto(play.stage.server + view.path, wait_until="load")
        return _keep(page, folder / f"{view.name}.png")


def _verified(play: Play, browser: Any, folder: Path) -> Path:
    """The page on which anybody drops a package, with its result."""
    # Without scripts the form has its button, as for everybody who switches them off.
    with _page(play, browser, None, scripts=False) as page:
        page.goto(play.stage.server + "/verify", wait_until="load")
        page.set_input_files("#file", play.folder / "package.zip")
        page.locator("form.drop button").click()
        return _keep(page, folder / "verify.png")


def _keep(page: Any, target: Path) -> Path:
    """Write a picture with few colours: pages are flat, and pictures are committed."""
    from PIL import Image

    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=target)
    with Image.open(target) as full:
        few = full.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(target, optimize=True)
    return target

"""Pictures of the sample pages in Chromium, and what axe-core finds in them.

Usage: PYTHONPATH=src:tests python tests/sunbid/pages/look.py FOLDER [NAME ...]
"""

import functools
import http.server
import os
import sys
import threading
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import page_samples as samples
from foundation.language import LANGUAGES
from sunbid.pages.site import STATIC, make_pages

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {1440: 900, 390: 844}
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}"
WIDE = """[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right
    > innerWidth + 1 && !e.closest('.scroll, .mast nav')).slice(0, 4)
    .map(e => e.tagName + '.' + e.className).join(' ')"""


def write_pages(folder: Path, names: list[str]) -> list[str]:
    """Writes each sample in each language as a file."""
    pages = make_pages(lambda request, language: None)  # type: ignore[arg-type, return-value]
    static = folder / "static"
    if not static.exists():
        static.symlink_to(STATIC)
    written = []
    for name, (template, view, visitor) in samples.SAMPLES.items():
        for language in LANGUAGES if not names or name in names else ():
            values = {"frame": samples.a_frame(visitor), "view": view(), "path": "/sample"}
            html = pages.render(language, template, values)
            (folder / f"{name}.{language}.html").write_text(html, encoding="utf-8")
            written.append(f"{name}.{language}")
    return written


def look(page: Page, name: str, width: int, folder: Path) -> int:
    """Takes one picture and says what axe-core and the ruler find."""
    problems = 0
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if over > 0:
        problems += 1
        print(f"{name} {width}: overflows by {over}: {page.evaluate(WIDE)}")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for found in page.evaluate(f"axe.run({RULES}).then(r => r.violations)"):
        problems += 1
        node = found["nodes"][0]
        print(f"{name} {width}: {found['id']} ×{len(found['nodes'])}: {node['target']}")
        print("   ", node["html"][:200], (node["any"] or [{"message": ""}])[0]["message"][:200])
    page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
    return problems


def say(error: Error) -> None:
    """A script's fault."""
    print(error)


def main() -> int:
    """Looks at the named samples, or at all."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    written = write_pages(folder, sys.argv[2:])
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    problems = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for width, height in WIDTHS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                reduced_motion="reduce",
                color_scheme="dark" if os.environ.get("DARK") else "light",
            )
            for name in written:
                page = context.new_page()
                page.on("pageerror", say)
                page.goto(f"{base}/{name}.html", wait_until="networkidle")
                problems += look(page, name, width, folder)
                page.close()
        browser.close()
    print(f"{len(written)} pages, {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())

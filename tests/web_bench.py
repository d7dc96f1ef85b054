"""The browser's sealing against its own AES-GCM, measured in one page: for the benchmark.

`python tests/web_bench.py [BYTES]` prints one pair of times as JSON.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Page, sync_playwright

from sealing_world import opening_keys
from web_oracle import ROOT, bundle

MEASURE = """(question) => new Promise((done, failed) => {
  const worker = new Worker("bench.js", {type: "module"});
  worker.onmessage = (event) => { worker.terminate(); done(event.data); };
  worker.onerror = (event) => failed(new Error(event.message));
  worker.postMessage(question);
})"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def bench_page(chromium: str) -> Iterator[Page]:
    """A page on loopback (a secure context) with the measuring worker beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle(ROOT / "tests" / "web" / "bench.ts", folder / "bench.js", "--format=esm", "--minify")
        (folder / "index.html").write_text("<!doctype html><title>bench</title>")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=name))
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            with sync_playwright() as playwright:
                # A profile on disk: without one the private file system lies in another process.
                browser = playwright.chromium.launch_persistent_context(
                    folder / "profile", executable_path=chromium, args=["--no-sandbox"]
                )
                page = browser.new_page()
                page.goto(f"http://127.0.0.1:{server.server_port}/")
                yield page
                browser.close()
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def measure(page: Page, size: int) -> dict[str, Any]:
    """{bytes, raw_s, seal_s}: AES-GCM alone, and sealing into the private storage, in seconds."""
    question = {"opening_keys": opening_keys().statement.file().decode(), "bytes": size}
    found: dict[str, Any] = page.evaluate(MEASURE, question)
    return found


def main(words: list[str]) -> None:
    """One pair."""
    size = int(words[0]) if words else 256 * 1024 * 1024
    with bench_page("/usr/bin/chromium") as page:
        print(json.dumps(measure(page, size)))


if __name__ == "__main__":
    main(sys.argv[1:])

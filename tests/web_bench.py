"""The browser's sealing, measured in one page: for the benchmark.

`python tests/web_bench.py [BYTES]` prints one pair of times, then the memory, as JSON.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from playwright.sync_api import Page, sync_playwright

from sealing_world import BIDDER, LOT, opening_keys
from web_oracle import ROOT, bundle

SEALING = ROOT / "ui" / "sealing"
PROFILE = f"bench-{os.getpid()}"
SAMPLE_S = 0.02
# So long a fresh browser still moves by itself.
REST_MS = 2_000
MEASURE = """(question) => new Promise((done, failed) => {
  const worker = new Worker("bench.js", {type: "module"});
  worker.onmessage = (event) => { worker.terminate(); done(event.data); };
  worker.onerror = (event) => failed(new Error(event.message));
  worker.postMessage(question);
})"""
# What the frame asks of its worker, with the chosen file; the time of each phase in seconds.
SEAL = """(order) => new Promise((done, failed) => {
  const worker = new Worker("worker.js", {type: "module"});
  const [file] = document.querySelector("input").files;
  const began = performance.now();
  const began_at = {};
  worker.onmessage = ({data: report}) => {
    const now = (performance.now() - began) / 1000;
    if (report.said === "progress") { began_at[report.phase] ??= now; return; }
    worker.terminate();
    if (report.said === "sealed") done({...began_at, sealed: now});
    else failed(new Error(report.message));
  };
  worker.onerror = (event) => failed(new Error(event.message));
  const volumes = [{volume: "qual", files: [{name: file.name, file}]}];
  const code = new Uint8Array(16);
  worker.postMessage({...order, do: "seal", volumes, code, points: [], at: Date.now()});
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
        site = folder / "site"
        sources = {"bench.js": ROOT / "tests" / "web" / "bench.ts"}
        sources |= {f"{one}.js": SEALING / f"{one}.ts" for one in ("helper", "worker")}
        for script, source in sources.items():
            bundle(source, site / script, "--format=esm", "--minify")
        (site / "index.html").write_text("<!doctype html><title>bench</title><input type=file>")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            with sync_playwright() as playwright:
                # A profile on disk: without one the private file system lies in another process.
                browser = playwright.chromium.launch_persistent_context(
                    folder / PROFILE, executable_path=chromium, args=["--no-sandbox"]
                )
                page = browser.pages[0]
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


def measure_whole(page: Page, chosen: Path) -> dict[str, Any]:
    """A chosen file through the frame's own worker: reading, sealing, opening on trial.

    {peak_mib, sealed, and when each phase began}: how far the page's processes grew above the
    same page at rest (anonymous and shared memory, sampled), and seconds.
    """
    page.set_input_files("input", chosen)
    page.wait_for_timeout(REST_MS)
    order = {
        "lot": str(LOT),
        "uscc": BIDDER,
        "opening_keys": opening_keys().statement.file().decode(),
    }
    processes = _renderers()
    at_rest, peaks, stop = _memory(processes), [0], Event()

    def sample() -> None:
        while not stop.wait(SAMPLE_S):
            peaks[0] = max(peaks[0], _memory(processes) - at_rest)

    thread = Thread(target=sample)
    thread.start()
    try:
        found: dict[str, Any] = page.evaluate(SEAL, order)
    finally:
        stop.set()
        thread.join()
    return {"peak_mib": peaks[0] / 1024, **found}


def _renderers() -> list[Path]:
    """The page's processes: this program's own browser's, by the name of its profile."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if "--type=renderer" in words and PROFILE in words:
            found.append(line.parent)
    return found


def _memory(processes: list[Path]) -> int:
    """KiB that are theirs: anonymous and shared; not the program's file."""
    total = 0
    for one in processes:
        lines = (one / "status").read_text("utf-8").splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        total += sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem"))
    return total


def main(words: list[str]) -> None:
    """One pair, and the memory."""
    size = int(words[0]) if words else 256 * 1024 * 1024
    with bench_page("/usr/bin/chromium") as page, tempfile.NamedTemporaryFile() as file:
        file.truncate(size)
        print(json.dumps(measure(page, size)))
        print(json.dumps(measure_whole(page, Path(file.name))))


if __name__ == "__main__":
    main(sys.argv[1:])

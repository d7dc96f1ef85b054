"""How fast a browser seals, beside its own AES-GCM in calls of 16 KiB with 16 of them under way."""

import importlib.util
import os
import shutil
import sys
from typing import Final

from figures import ROOT, Outcome, say
from pairs import figure

GOAL: Final = 0.5
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FIGURE: Final = "browser_vs_aes_gcm"


def measure(size: int, rounds: int) -> Outcome:
    """Pairs in one page: raw AES-GCM, then sealing into the browser's private file system."""
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None or importlib.util.find_spec("playwright") is None:
        return Outcome(figures=[], skipped=[f"chromium (not installed): {FIGURE}"])
    sys.path.append(str(ROOT / "tests"))
    import web_bench

    with web_bench.bench_page(chromium) as page:
        # The first pair warms the page up and is not counted.
        pairs = [web_bench.measure(page, size) for _ in range(rounds + 1)][1:]
    for pair in pairs:
        say(f"browser: raw {pair['raw_s']:.2f} s, sealing {pair['seal_s']:.2f} s")
    mib = size >> 20
    return Outcome(
        figures=[
            figure(
                FIGURE,
                [pair["raw_s"] / pair["seal_s"] for pair in pairs],
                f"the same page's AES-256-GCM in calls of 16 KiB, 16 under way, same {mib} MiB; "
                "ours also hashes the parts and writes to the browser's file system",
                (">=", GOAL),
                unit="ratio of speeds",
            ),
            figure(
                "browser_seal_speed",
                [mib / pair["seal_s"] for pair in pairs],
                f"absolute, {mib} MiB, headless Chromium",
                unit="MiB/s",
            ),
        ]
    )

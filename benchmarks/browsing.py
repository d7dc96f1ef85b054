"""How fast a browser seals, beside its own AES-GCM in calls of 16 KiB with 16 of them under way.

`python benchmarks/browsing.py [MIB [ROUNDS]]` measures this alone.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from figures import ROOT, Outcome, place, say
from pairs import figure

GOAL: Final = 0.5
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FIGURE: Final = "browser_vs_aes_gcm"
MEMORY: Final = "browser_peak_memory"
MOST_MEMORY_MIB: Final = 64
MIB: Final = 1 << 20
# Files of two sizes, as shares of the size that is sealed for speed: the memory is the same.
SMALL, LARGE = 1, 4


def measure(size: int, rounds: int) -> Outcome:
    """Pairs in one page: raw AES-GCM, then sealing into the browser's private file system."""
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None or importlib.util.find_spec("playwright") is None:
        missing = ", ".join((FIGURE, *(f"{MEMORY}_{times}" for times in (SMALL, LARGE))))
        return Outcome(figures=[], skipped=[f"chromium (not installed): {missing}"])
    sys.path.append(str(ROOT / "tests"))
    import web_bench

    with web_bench.bench_page(chromium) as page:
        # The first pair warms the page up and is not counted.
        pairs = [web_bench.measure(page, size) for _ in range(rounds + 1)][1:]
    whole = [_whole(web_bench, chromium, size * times) for times in (SMALL, LARGE)]
    for pair in pairs:
        say(f"browser: raw {pair['raw_s']:.2f} s, sealing {pair['seal_s']:.2f} s")
    mib = size // MIB
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
            *(
                figure(
                    f"{MEMORY}_{times}",
                    [found["peak_mib"]],
                    f"absolute: how far the page's processes grew above the page at rest while the "
                    f"frame's worker read, sealed and opened on trial a file of {mib * times} MiB",
                    ("<=", MOST_MEMORY_MIB),
                    unit="MiB",
                )
                for times, found in zip((SMALL, LARGE), whole, strict=True)
            ),
            figure(
                "browser_whole_speed",
                [mib * LARGE / whole[1]["sealed"]],
                f"absolute, a file of {mib * LARGE} MiB read, sealed and opened on trial",
                unit="MiB/s",
            ),
        ]
    )


def _whole(web_bench: ModuleType, chromium: str, size: int) -> dict[str, Any]:
    """One file through everything that the frame does, in a browser of its own."""
    with web_bench.bench_page(chromium) as page, tempfile.NamedTemporaryFile(dir=place()) as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
        file.flush()
        found: dict[str, Any] = web_bench.measure_whole(page, Path(file.name))
    say(f"browser: {size // MIB} MiB in {found['sealed']:.1f} s, {found['peak_mib']:.0f} MiB more")
    return found


def main(words: list[str]) -> None:
    """The figures of the browser alone."""
    mib, rounds = ([int(word) for word in words] + [256, 5][len(words) :])[:2]
    for one in measure(mib * MIB, rounds).figures:
        say(f"{one.name}: {one.value} {one.unit}, goal {one.goal}")


if __name__ == "__main__":
    main(sys.argv[1:])

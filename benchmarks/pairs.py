"""Interleaved pairs: two programs in turn over the same input on the same disk, as ratios."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from figures import Figure, of_runs, rounded, say

from foundation.problems import Unavailable

SEALER: Final = Path(__file__).with_name("sealer.py")
UNIT: Final = "ratio of times"


class DidNotRun(Unavailable):
    """A program of the benchmark failed."""

    code = "did-not-run"


@dataclass(slots=True)
class Times:
    """Seconds of each work, round by round; what a work wrote is removed before the next."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def take(self, name: str, work: Callable[[], object], made: Path) -> None:
        """Time one work from a disk that is at rest."""
        made.unlink(missing_ok=True)
        os.sync()
        began = time.perf_counter()
        work()
        self.seconds.setdefault(name, []).append(time.perf_counter() - began)
        say(f"{name}: {self.seconds[name][-1]:.2f} s")

    def sync(self, name: str, made: Path) -> None:
        """Time further until what a work just wrote is on the disk: `NAME, synced` is both."""
        began = time.perf_counter()
        with made.open("rb") as file:
            os.fsync(file.fileno())
        taken = time.perf_counter() - began
        self.seconds.setdefault(f"{name}, synced", []).append(self.seconds[name][-1] + taken)

    def ratios(self, above: str, below: str) -> list[float]:
        """One work's time as a share of another's, pair by pair."""
        return [a / b for a, b in zip(self.seconds[above], self.seconds[below], strict=True)]


def figure(
    name: str,
    ratios: Sequence[float],
    yardstick: str,
    goal: tuple[Literal["<=", ">="], float] | None = None,
    unit: str = UNIT,
) -> Figure:
    """The median of the pairs, with the goal that it is held against."""
    value = statistics.median(ratios)
    if goal is None:
        text, ok = None, None
    else:
        sign, limit = goal
        text, ok = f"{sign} {limit}", value <= limit if sign == "<=" else value >= limit
    return Figure(
        name=name,
        value=rounded(value),
        unit=unit,
        yardstick=yardstick,
        goal=text,
        ok=ok,
        runs=of_runs(ratios),
    )


def run(words: Sequence[str | Path], *, out: Path | None = None) -> str:
    """Run a program to its end and give what it said; refuses one that fails."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode or (out is not None and not out.exists()):
        raise DidNotRun(f"{words[0]} failed with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def sealer(*words: str | Path) -> int:
    """Run `sealer.py`; give the peak memory of its process in KiB."""
    said = run([sys.executable, SEALER, *words])
    return int(json.loads(said.splitlines()[-1])["peak_kib"])


def version(tool: str, *words: str) -> str | None:
    """The first line of a tool's version; None where this machine lacks the tool."""
    if shutil.which(tool) is None:
        return None
    done = subprocess.run([tool, *words], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0].strip()

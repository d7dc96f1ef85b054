"""What every benchmark reports: figures with their yardstick, and the machine that made them."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
SYNC_BLOCK: Final = bytes(8192)
SYNC_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; `goal` and `ok` are None where the figure only informs."""

    name: str
    value: float
    unit: str
    yardstick: str
    goal: str | None = None
    ok: bool | None = None
    runs: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a benchmark measured, and which yardsticks this machine lacks."""

    figures: Sequence[Figure]
    skipped: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A benchmark by name: `run(quick)` measures."""

    name: str
    yardstick: str
    run: Callable[[bool], Outcome]


def of_runs(values: Sequence[float]) -> list[float]:
    """[min, median, max] of several runs."""
    return [rounded(x) for x in (min(values), statistics.median(values), max(values))]


def rounded(value: float) -> float:
    """A figure with four digits that count."""
    return float(f"{value:.4g}")


def report(name: str, outcome: Outcome, load: float) -> dict[str, Any]:
    """One benchmark as `commands.md` says, with the load of the machine when it began."""
    return {
        "benchmark": name,
        "machine": machine(load),
        "commit": commit(),
        "figures": [asdict(figure) for figure in outcome.figures],
        "skipped": list(outcome.skipped),
    }


def machine(load: float) -> dict[str, Any]:
    """The machine: its processor, what is free of it, and how fast its disk makes bytes durable."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "fdatasync_per_s": rounded(fdatasync_per_s()),
        "load_average_before": rounded(load),
    }


def fdatasync_per_s() -> float:
    """Blocks of 8 KiB appended and made durable one after another, a second."""
    with tempfile.TemporaryFile(dir=place()) as file:
        began = time.perf_counter()
        count = 0
        while (taken := time.perf_counter() - began) < SYNC_SECONDS:
            file.write(SYNC_BLOCK)
            file.flush()
            os.fdatasync(file.fileno())
            count += 1
    return count / taken


def place() -> Path:
    """Where benchmarks keep their passing data: on the disk of the checkout, never in memory."""
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    return folder


def say(text: str) -> None:
    """Progress, never among the data."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


def write(file: str | None, reports: Sequence[dict[str, Any]]) -> None:
    """Write one report as an object, several as a list; `-` is standard output."""
    if file is None:
        return
    whole = reports[0] if len(reports) == 1 else list(reports)
    text = json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
    if file == "-":
        sys.stdout.write(text)
    else:
        Path(file).write_text(text, "utf-8")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return "unknown"
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else "unknown"


def commit() -> str | None:
    """The commit of the checkout, with a mark where files differ from it."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None

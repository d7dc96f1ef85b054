"""`./run bench [NAME…] [--json FILE] [--quick]`; without a name lists them with their yardsticks.

Exit status 0 done, 1 where a figure misses its goal or a check failed, 2 cannot do.
"""

import argparse
import os
import sys
from typing import Final

import sealing
import submission
from figures import Benchmark, Figure, report, say, write

from foundation.problems import Refused

BENCHMARKS: Final = {
    one.name: one
    for one in (
        Benchmark(name="submit", yardstick=submission.YARDSTICK, run=submission.measure),
        Benchmark(name="sealing", yardstick=sealing.YARDSTICK, run=sealing.measure),
    )
}


def main(words: list[str] | None = None) -> int:
    """Run the named benchmarks one after another."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--json", metavar="FILE", help="write the figures; - is standard output")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    arguments = parser.parse_args(words)
    if not arguments.names:
        for one in BENCHMARKS.values():
            sys.stdout.write(f"{one.name:<8} {one.yardstick}\n")
        return 0
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        say(f"expected {', '.join(BENCHMARKS)}, got {', '.join(unknown)}")
        return 2
    reports = []
    for name in arguments.names:
        load = os.getloadavg()[0]
        say(f"{name}, load of the machine {load:.1f}")
        try:
            outcome = BENCHMARKS[name].run(arguments.quick)
        except Refused as refused:
            say(f"{name}: {refused.message}")
            return 2
        for figure in outcome.figures:
            _print(figure)
        for missing in outcome.skipped:
            say(f"skipped: {missing}")
        reports.append(report(name, outcome, load))
    write(arguments.json, reports)
    missed = any(f["ok"] is False for one in reports for f in one["figures"])
    return 1 if missed else 0


def _print(figure: Figure) -> None:
    mark = {True: "✓", False: "✗", None: " "}[figure.ok]
    goal = "" if figure.goal is None else f" (goal {figure.goal})"
    say(f"{mark} {figure.name} = {figure.value:g} {figure.unit}{goal}")


if __name__ == "__main__":
    sys.exit(main())

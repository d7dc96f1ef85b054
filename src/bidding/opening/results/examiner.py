"""The keeper of the child process that looks into opened packages (`examine`)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bidding.sealing.refusals import BadPackage


class Examiner:
    """The child process of `examine`, asked one package at a time; a dead one is replaced."""

    def __init__(self) -> None:
        self.found: dict[Path, dict[str, Any]] = {}
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bidding.opening.results.examine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        first = self._read()
        self.isolated = bool(first["isolated"])
        self.pid = int(first["pid"])

    def examine(self, volume: str, package: Path) -> None:
        """Check and unpack a package beside itself; refuses with `BadPackage`.

        A package that ends the child is bad itself; the next one is given a new child.
        """
        target = package.with_suffix(".files")
        target.mkdir()
        asked = {"package": str(package), "target": str(target), "volume": volume}
        if self._process.poll() is not None:
            self.end()
            self._start()
        with suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        answer = self._read()
        if "bad" in answer:
            raise BadPackage(answer["bad"])
        self.found[package] = answer

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(timeout=10)
            raise BadPackage("the package could not be examined within its limits of memory")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Let the child come to its end."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextmanager
def examiner() -> Iterator[Examiner]:
    """Start the child process and end it afterwards."""
    child = Examiner()
    try:
        yield child
    finally:
        child.end()

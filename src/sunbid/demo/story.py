"""The story: one line a step with its mark, and the same as data for `--json`."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from foundation.problems import Refused


class StepFailed(Exception):
    """A step of the story did not come out as told; the story ends here."""


@dataclass(slots=True)
class Step:
    """One step while it runs; `detail` is what the line says at its end."""

    id: str
    name: str
    detail: str = ""
    ok: bool = False
    seconds: float = 0.0

    def expect(self, holds: bool, otherwise: str) -> None:
        """Go on only if something holds."""
        if not holds:
            raise StepFailed(otherwise)


@dataclass(slots=True)
class Story:
    """All steps so far, the files that were made, and where to look afterwards."""

    seed: int
    out: TextIO = sys.stderr
    steps: list[Step] = field(default_factory=list)
    files: dict[str, Any] = field(
        default_factory=lambda: {"package": None, "receipts": [], "pdfs": [], "screenshots": []}
    )
    urls: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    aside_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """How long the story has taken, without what is no part of it."""
        return time.monotonic() - self.began - self.aside_seconds

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do something whose time does not count."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.aside_seconds += time.monotonic() - began

    @contextmanager
    def step(self, step_id: str, name: str) -> Iterator[Step]:
        """Run one step; prints its line, and ends the story where it fails."""
        step = Step(step_id, name)
        began = time.monotonic()
        try:
            yield step
            step.ok = True
        except (StepFailed, Refused) as failed:
            step.detail = str(failed)
            raise StepFailed(str(failed)) from None
        finally:
            step.seconds = round(time.monotonic() - began, 3)
            self.steps.append(step)
            self._print(step)

    def chapter(self, title: str) -> None:
        """Print the title of a part of the story."""
        self.out.write(f"\n{title}\n")
        self.out.flush()

    def as_json(self) -> dict[str, Any]:
        """Return the story as `commands.md` says."""
        return {
            "ok": bool(self.steps) and all(step.ok for step in self.steps),
            "seconds": round(self.seconds, 3),
            "seed": self.seed,
            "steps": [
                {
                    "id": step.id,
                    "name": step.name,
                    "ok": step.ok,
                    "seconds": step.seconds,
                    "detail": step.detail,
                }
                for step in self.steps
            ],
            "files": self.files,
            "urls": self.urls,
        }

    def write(self, target: str | None) -> None:
        """Write the story to a file, or to standard output for `-`."""
        if target is None:
            return
        text = json.dumps(self.as_json(), ensure_ascii=False, indent=2) + "\n"
        if target == "-":
            sys.stdout.write(text)
        else:
            Path(target).write_text(text, encoding="utf-8")

    def _print(self, step: Step) -> None:
        mark = "✓" if step.ok else "✗"
        detail = f"  {step.detail}" if step.detail else ""
        self.out.write(f"  {mark} {step.name}{detail}  ({step.seconds:.1f} s)\n")
        self.out.flush()

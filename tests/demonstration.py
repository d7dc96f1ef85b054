"""The demonstration, played once for all tests that look at it, and served until they are done."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sunbid.demo.people import DemoExpert, experts, offices
from sunbid.demo_files.bids import DemoBidder, cast

# A run takes a minute on a quiet machine; a busy one may need many.
PATIENCE_S = 900.0
END_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A platform on which one whole tender was played by `./run demo`; it still serves."""

    data: Path
    # The story as `--json` writes it.
    story: dict[str, Any]

    @property
    def server(self) -> str:
        """The platform's address."""
        return str(self.story["urls"]["公告"]).removesuffix("/tenders")

    @property
    def lot(self) -> str:
        """The lot that was played, out of its evidence package's name for it."""
        body = json.loads(
            (self.data / "people" / self.panel[0].persona / "pledge-1.json").read_bytes()
        )
        return str(body["lot"])

    @property
    def panel(self) -> list[DemoExpert]:
        """The experts who were drawn and pledged."""
        people = self.data / "people"
        return [e for e in experts() if (people / e.persona / "pledge-1.json").exists()]

    def bidder(self, role: str) -> DemoBidder:
        """The first bidder who plays a part."""
        return next(bidder for bidder in cast() if bidder.role == role)

    def office(self, persona: str) -> str:
        """The credit code of an organisation that does not bid."""
        return offices()[persona].uscc

    def receipt(self, persona: str, version: int) -> Path:
        """A receipt that a bidder keeps."""
        return self.data / "people" / persona / "tender-1" / f"sealed-{version}" / "receipt.json"

    def package(self, name: str) -> Path:
        """An evidence package: as exported, and after a superuser's edit."""
        return self.data / "tender-1" / name


def still_running(folder: Path) -> list[str]:
    """The processes that name a folder in their command line, environment or working folder."""
    named = str(folder).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes()
            place = str((process / "cwd").readlink()).encode()
            around = (process / "environ").read_bytes()
        except OSError:
            continue
        if any(named in part for part in (told, place, around)):
            found.append(told.replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.fixture(scope="session")
def demonstration() -> Iterator[Demonstration]:
    """Plays `./run demo` once in a folder of its own; fails with its lines where one is not ✓."""
    with tempfile.TemporaryDirectory(prefix="sunbid-demo-") as folder:
        # Where PostgreSQL must run as another account, that account passes here.
        Path(folder).chmod(0o711)
        data, told, lines = Path(folder) / "data", Path(folder) / "story.json", Path(folder) / "log"
        with lines.open("wb") as log:
            playing = subprocess.Popen(
                [sys.executable, "-P", "-m", "sunbid.demo", "--data", data, "--json", told],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            story = story_of(playing, told, lines)
            assert story["ok"], lines.read_text()
            yield Demonstration(data=data, story=story)
        finally:
            playing.send_signal(signal.SIGTERM)
            try:
                playing.wait(END_PATIENCE_S)
            except subprocess.TimeoutExpired:
                playing.kill()
                playing.wait()
            # The story opened documents and pages: their readers and workers must end as well.
            assert still_running(data) == []


def story_of(playing: "subprocess.Popen[bytes]", told: Path, lines: Path) -> dict[str, Any]:
    """Waits until the story is told."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        ended = playing.poll()
        if told.exists():
            try:
                found: dict[str, Any] = json.loads(told.read_bytes())
            except ValueError:
                pass  # it is being written
            else:
                return found
        assert ended is None, lines.read_text()
        time.sleep(0.2)
    pytest.fail(f"no story in {PATIENCE_S:.0f} s:\n{lines.read_text()}")

"""What all acts share: the stage, the story, the cast, and the tender that is played."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bidding.regime.clocks import BEIJING
from foundation.statements.canonical import parse_time
from sunbid.client import Client, platform_time
from sunbid.demo.people import offices
from sunbid.demo.stage import PASSPHRASE, Stage
from sunbid.demo.story import StepFailed, Story
from sunbid.demo_files.bids import DemoBidder, cast

PATIENCE_S: Final = 60.0
LEAVES_A_TICK: Final = 8


@dataclass(slots=True)
class Play:
    """One tender on the stage."""

    stage: Stage
    story: Story
    number: int
    tender: str = ""
    lot: str = ""
    deadline: datetime | None = None
    bidders: tuple[DemoBidder, ...] = field(default_factory=cast)
    papers: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where this tender's files lie: packages, receipts, documents."""
        folder = self.stage.data / f"tender-{self.number}"
        folder.mkdir(exist_ok=True)
        return folder

    def bid_folder(self, persona: str, version: int = 1) -> Path:
        """Where a bidder sealed its bid for this tender."""
        return self.stage.person(persona) / f"tender-{self.number}" / f"sealed-{version}"

    def files_folder(self, persona: str, version: int = 1) -> Path:
        """Where a bidder prepared its files for this tender."""
        return self.stage.person(persona) / f"tender-{self.number}" / f"files-{version}"

    def uscc(self, persona: str) -> str:
        """The credit code of a persona with a licence."""
        for bidder in self.bidders:
            if bidder.persona == persona:
                return bidder.uscc
        return offices()[persona].uscc

    def licence(self, persona: str) -> list[str]:
        """Arguments by which a command signs with a persona's licence; the persona consents."""
        return ["--licence", self.uscc(persona), "--app", self.stage.app, "--yes"]

    def key(self, persona: str) -> list[str | Path]:
        """Arguments by which a command signs with a person's key file."""
        key = self.stage.key_of(persona)
        return ["--key", key, "--passphrase-file", key.with_name(PASSPHRASE), "--yes"]

    def login(self, persona: str, *, by_key: bool = False) -> list[str | Path]:
        """The command that logs a persona in."""
        who = self.key(persona) if by_key else self.licence(persona)
        server = ["--server", self.stage.server]
        return ["login", *server, *who, "--session", self.stage.session(persona)]

    def sign_paper(self, persona: str, sid: str, *, by_key: bool = False) -> list[str | Path]:
        """The command with which a persona signs a paper."""
        return self.sign_papers(persona, [sid], by_key=by_key)

    def sign_papers(
        self, persona: str, sids: list[str], *, by_key: bool = False
    ) -> list[str | Path]:
        """The command with which a persona signs several papers, one after another."""
        who = self.key(persona) if by_key else self.licence(persona)
        return ["sign", "--paper", *sids, *who, "--session", self.stage.session(persona)]

    def sign_waiting(self, persona: str, type_: str, *, by_key: bool = False) -> int:
        """Let a persona sign all papers of a type that wait for it; return how many."""
        with self.stage.client(persona) as client:
            waiting = [p["sid"] for p in client.get("/api/v1/papers")
                       if p["statement"]["type"] == type_]  # fmt: skip
        if waiting:
            self.stage.must(*self.sign_papers(persona, waiting, by_key=by_key))
        return len(waiting)

    def now(self) -> datetime:
        """The platform's time."""
        with Client(origin=self.stage.server) as client:
            return platform_time(client)[0]

    def move_clock(self, to: datetime) -> str:
        """Move the platform's clock forward to a time, if it is not past it; return a sentence."""
        before = self.now()
        if to <= before:
            return f"clock {shown(before)}"
        with self.stage.client("admin") as client:
            client.post("/api/v1/clock", {"to": to.isoformat()})
        return f"clock {shown(before)} → {shown(to)}"

    def ticks(self) -> None:
        """Wait for a tick of the ledger that began after this call."""
        # The tick under way may have begun before: one more is waited for.
        wanted = self._ledger_size() + 2 * LEAVES_A_TICK
        self.until(lambda: self._ledger_size() >= wanted, "the ledger's next tick")

    def _ledger_size(self) -> int:
        with Client(origin=self.stage.server) as client:
            size: int = client.get("/api/v1/ledger/checkpoint")["size"]
            return size

    def until(self, ready: Any, what: str) -> None:
        """Wait until something holds, a little while."""
        until = time.monotonic() + PATIENCE_S
        while not ready():
            if time.monotonic() > until:
                raise StepFailed(f"waited {PATIENCE_S:.0f} s in vain for {what}")
            time.sleep(0.1)

    def opening(self) -> dict[str, Any]:
        """What the opening hall shows."""
        with Client(origin=self.stage.server) as client:
            found: dict[str, Any] = client.get(f"/api/v1/lots/{self.lot}/opening")
            return found

    def lot_status(self) -> str:
        """The lot's state."""
        with Client(origin=self.stage.server) as client:
            return str(client.get(f"/api/v1/lots/{self.lot}")["lot"]["status"])

    def step_of_opening(self, step: str) -> None:
        """The host makes a step of the opening."""
        with self.stage.client("host") as client:
            client.post(f"/api/v1/lots/{self.lot}/steps", {"step": step})

    def role(self, role: str) -> list[DemoBidder]:
        """The bidders who play a part."""
        return [bidder for bidder in self.bidders if bidder.role == role]


def shown(at: datetime) -> str:
    """A time as the story prints it: Beijing time with its offset."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S +08:00")


def beijing(text: str) -> datetime:
    """A Beijing time out of its text."""
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def of_text(text: str) -> datetime:
    """A time out of a statement."""
    return parse_time(text)


MINUTE: Final = timedelta(minutes=1)

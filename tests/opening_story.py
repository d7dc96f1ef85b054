"""What must become of an opening, told by the specification alone (6.2, 9.1, 9.5, 9.6, 10).

Nothing here asks the code: who did what is written down, and the tables of the text say what may
come next, who is silent, and with which code each envelope ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bidding.sealing.bodies import Group
from fates import Fate

NEEDED, SEATS = 2, (1, 2, 3)
W1, W2, W3 = timedelta(minutes=30), timedelta(minutes=15), timedelta(minutes=15)
Seat = tuple[Group, int]


@dataclass(slots=True, kw_only=True)
class Told:
    """One envelope of the stage and what is known of it."""

    fate: Fate = field(default_factory=Fate)
    is_listed: bool = True
    # What the storage did to it, what reading back found, and until when it may come again.
    lost: str = ""
    is_read: bool = False
    found: str = ""
    until: datetime | None = None
    b_from: str = ""
    t_cured: bool = False
    own: set[Seat] = field(default_factory=set)
    cured: set[Seat] = field(default_factory=set)
    said: dict[Seat, bool] = field(default_factory=dict)

    def half(self, group: Group) -> str:
        """What is known of T (group T) or B (group R): known, bad, disputed or waiting."""
        if self.t_cured if group == "T" else self.b_from:
            return "known"
        shares = sorted(i for g, i in self.own | self.cured if g == group)
        if len(shares) >= NEEDED:
            is_bent = any(self.fate.dealt(group, i) == "bent" for i in shares[:NEEDED])
            return "bad" if is_bent else "known"
        complaints = sum(not ok for (g, _), ok in self.said.items() if g == group)
        return "disputed" if complaints > len(SEATS) - NEEDED else "waiting"

    def source(self) -> str | None:
        """Where B came from."""
        return self.b_from or ("remedy" if self.half("R") == "known" else None)

    def outcome(self, *, terminated: bool) -> str:
        """The code of the table of 10."""
        t, b = self.half("T"), self.half("R")
        causes = (
            ("bad" in {t, b}, "BIDDER_BAD_DEAL"),
            (terminated, "CUSTODIANS_SHORT"),
            (b != "known", "BIDDER_ABSENT"),
            (t == "disputed", "DEAL_DISPUTED"),
            (bool(self.found), f"BLOB_{self.found.upper()}"),
            (self.fate.chunk, "SEALED_WRONG"),
            (self.fate.program, "PACKAGE_BAD"),
        )
        return next((code for holds, code in causes if holds), "OPENED")

    def deal_wrong(self) -> set[Seat]:
        """Whom the record names as dealt something else: told once both halves are known (9.6)."""
        if {self.half("T"), self.half("R")} != {"known"}:
            return set()
        kinds = (self.fate.junk, self.fate.bent)
        return {(group, i) for kind in kinds for group, seats in kind.items() for i in seats}


@dataclass(slots=True, kw_only=True)
class Story:
    """One stage of an opening."""

    bids: dict[str, Told]
    now: datetime
    phase: str = "closed"
    until: datetime | None = None
    # M, as it was when phase 2 began; whether the supervisor countersigned it.
    remedy: set[str] = field(default_factory=set)
    is_countersigned: bool = False
    is_suspended: bool = False
    decided: str = ""
    has_released: set[Seat] = field(default_factory=set)

    @property
    def listed(self) -> dict[str, Told]:
        """The envelopes of the list."""
        return {name: bid for name, bid in self.bids.items() if bid.is_listed}

    @property
    def is_ended(self) -> bool:
        """Whether the supervisor ended it."""
        return self.decided == "terminated"

    @property
    def is_over(self) -> bool:
        """Whether nothing is accepted any more."""
        return self.is_ended or self.phase in {"phase4", "record"}

    def window_is_over(self) -> bool:
        """Whether the window of the phase has passed."""
        return self.until is not None and self.now >= self.until

    def absent(self) -> set[str]:
        """M: listed envelopes without an acknowledged B."""
        return {name for name, bid in self.listed.items() if bid.b_from != "bidder"}

    def waiting(self) -> set[str]:
        """The envelopes that wait for the members of this phase (9.5)."""
        group = self.group()
        return {name for name, bid in self.listed.items() if bid.half(group) == "waiting"}

    def group(self) -> Group:
        """Who is asked in this phase."""
        return "R" if self.phase == "phase2" else "T"

    def silent(self) -> list[Seat]:
        """Who owes a share of an envelope that waits for it (9.6)."""
        group = self.group()
        if group == "R" and not self.is_countersigned:
            return []
        waiting = [self.bids[name] for name in self.waiting()]
        return [
            (group, i)
            for i in SEATS
            if any((group, i) not in b.own and b.said.get((group, i), True) for b in waiting)
        ]

    # --- the tables -----------------------------------------------------------------------------

    def may(self, step: str) -> bool:
        """Whether the host may make a step now (6.2)."""
        stands_still = self.is_suspended and self.decided != "go-on"
        if self.is_ended or (stands_still and step != "resumed"):
            return False
        may: dict[str, Callable[[], bool]] = {
            "phase1": lambda: self.phase == "closed",
            "phase2": self._may_begin_remedy,
            "phase3": self._may_ask_custodians,
            "phase4": self._may_open,
            "suspended": self._may_suspend,
            "resumed": lambda: self.is_suspended and not self.waiting(),
            # The clock stands but for what a test moves by hand: nothing is ever lost.
            "extended": lambda: False,
        }
        return may[step]()

    def _may_begin_remedy(self) -> bool:
        return self.phase == "phase1" and bool(self.absent()) and self.window_is_over()

    def _may_suspend(self) -> bool:
        is_time = self.phase in {"phase2", "phase3"} and self.window_is_over()
        return is_time and not self.is_suspended and bool(self.waiting())

    def _may_ask_custodians(self) -> bool:
        if self.phase == "phase1":
            return not self.absent()
        if self.phase != "phase2" or self.decided == "go-on":
            return self.phase == "phase2"
        closed = any(bid.half("R") != "known" for bid in self.listed.values())
        return not self.waiting() and (not closed or self.window_is_over())

    def _may_open(self) -> bool:
        closed = any(bid.half("T") != "known" for bid in self.listed.values())
        ends = [bid.until for bid in self.listed.values() if bid.until is not None]
        return (
            self.phase == "phase3"
            and not self.waiting()
            and (not closed or self.window_is_over())
            and all(self.now >= end for end in ends)
        )

    def make(self, step: str) -> None:
        """The step was made."""
        if step == "suspended":
            self.is_suspended, self.decided = True, ""
            return
        self.is_suspended = False
        if step == "resumed":
            return
        self.phase = step
        window = {"phase1": W1, "phase2": W2, "phase3": W3}.get(step)
        self.until = None if window is None else self.now + window
        if step == "phase1":
            self._read_back()
        if step == "phase2":
            self.remedy, self.is_countersigned = self.absent(), False

    def _read_back(self) -> None:
        for bid in self.listed.values():
            if not bid.is_read and bid.lost:
                bid.found, bid.until = bid.lost, self.now + W3
            bid.is_read = True

    def countersign(self) -> None:
        """The supervisor signs M: from now on its members can release."""
        self.is_countersigned, self.until = True, self.now + W2

    def may_decide(self, decision: str) -> bool:
        """Whether the supervisor may end the suspension so (9.5)."""
        if not self.is_suspended or self.decided or not self.waiting():
            return False
        in_remedy = self.phase == "phase2" and self.is_countersigned and self.window_is_over()
        return decision == "terminated" or in_remedy

    def may_cure(self, group: Group) -> bool:
        """Whether a value is still taken from anybody (9.6); i tells T's side from B's."""
        phases = {"phase2", "phase3"} if group == "T" else {"phase2"}
        return not self.is_ended and self.phase in phases

    def may_replace(self) -> bool:
        """Whether another closing may add what the first one left out (9.3)."""
        return (
            not self.is_over
            and not any(group == "T" for group, _ in self.has_released)
            and not all(bid.is_listed for bid in self.bids.values())
        )

    def replace(self) -> None:
        """Another closing adds the rest; halves that are held stay, members answer anew."""
        self.phase, self.until, self.is_countersigned = "closed", None, False
        self.is_suspended, self.decided = False, ""
        self.has_released = set()
        for bid in self.bids.values():
            bid.is_listed = True
            bid.own, bid.cured, bid.said = set(), set(), {}

    def codes(self) -> dict[str, str]:
        """What becomes of each envelope."""
        return {n: b.outcome(terminated=self.is_ended) for n, b in self.listed.items()}

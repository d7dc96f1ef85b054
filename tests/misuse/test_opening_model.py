"""A model of one envelope's opening against the code that opens it.

Hypothesis draws what the bidder dealt, what each member says and gives, who is absent, and what is
cured. The model says the outcome from that story alone, by the table of the specification; the
code says it from the bytes. Both must agree, and nobody is ever blamed for what another did.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bidding.opening.domain import (
    PHASE2,
    PHASE3,
    Checked,
    Listed,
    Opening,
    Share,
    Standing,
    Thresholds,
    silent_members,
)
from bidding.sealing.bodies import Group, SeatRef
from bidding.sealing.unseal import Outcome, Released, unseal
from bidding.sealing.wraps import CheckResult
from envelope_cases import Case, resealed, rewrapped
from sealing_world import opening_keys

pytestmark = pytest.mark.domain

Dealt = Literal["right", "junk", "bent"]
Says = Literal["truth", "silent", "lie"]
Gives = Literal["share", "wrong", "nothing"]
SEATS = (1, 2, 3)
NEEDED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What one member was dealt, what it says of it and what it gives."""

    dealt: Dealt
    says: Says
    gives: Gives

    @property
    def answer(self) -> CheckResult | None:
        """Its share check. `bent`: the wrong share fits its commitment, so it looks right."""
        if self.says == "silent":
            return None
        finds: CheckResult = "mismatch" if self.dealt == "junk" else "ok"
        if self.says == "truth":
            return finds
        return "unwrap_failed" if finds == "ok" else "ok"

    @property
    def is_honest(self) -> bool:
        """Whether it says what it finds and gives what is right."""
        return self.says == "truth" and (self.gives == "share" or self.dealt == "junk")

    @property
    def counts(self) -> bool:
        """Whether a share of it is taken: given after `ok`, and as committed."""
        return self.answer == "ok" and self.gives == "share" and self.dealt != "junk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that happens to one envelope."""

    t: dict[int, Seat]
    r: dict[int, Seat]
    bidder: Literal["releases", "wrong", "absent"]
    cured_t: bool = False
    cured_b: bool = False
    terminated: bool = False

    def half(self, group: Group) -> str:
        """What becomes of one half by its members alone: known, waiting, disputed, bad."""
        seats = self.t if group == "T" else self.r
        taken = [i for i in SEATS if seats[i].counts]
        if len(taken) >= NEEDED:
            lowest = taken[:NEEDED]
            return "bad" if any(seats[i].dealt == "bent" for i in lowest) else "known"
        complaints = sum(seats[i].answer in {"mismatch", "unwrap_failed"} for i in SEATS)
        return "disputed" if complaints >= len(SEATS) - NEEDED + 1 else "waiting"

    @property
    def expected(self) -> tuple[str, str]:
        """Code and fault by the table of the specification."""
        t = "known" if self.cured_t else self.half("T")
        b = "known" if self.bidder == "releases" or self.cured_b else self.half("R")
        if "bad" in {t, b}:
            return "BIDDER_BAD_DEAL", "bidder"
        if self.terminated:
            return "CUSTODIANS_SHORT", "members"
        if b != "known":
            return "BIDDER_ABSENT", "bidder"
        if t == "disputed":
            return "DEAL_DISPUTED", "undetermined"
        return ("OPENED", "none") if t == "known" else ("CUSTODIANS_SHORT", "members")

    @property
    def source(self) -> str | None:
        """Where B came from."""
        if self.bidder == "releases":
            return "bidder"
        if self.cured_b:
            return "cure"
        return "remedy" if self.half("R") == "known" else None

    @property
    def wrongly_dealt(self) -> set[SeatRef]:
        """Whom the bidder gave something else than it owed."""
        pairs: list[tuple[Group, dict[int, Seat]]] = [("T", self.t), ("R", self.r)]
        return {
            SeatRef(group=group, i=i)
            for group, seats in pairs
            for i in SEATS
            if seats[i].dealt != "right"
        }


DEALT: st.SearchStrategy[Dealt] = st.sampled_from(["right", "right", "right", "junk", "bent"])
SAYS: st.SearchStrategy[Says] = st.sampled_from(["truth", "truth", "truth", "silent", "lie"])
GIVES: st.SearchStrategy[Gives] = st.sampled_from(["share", "share", "share", "wrong", "nothing"])
ANY_SEAT = st.builds(Seat, dealt=DEALT, says=SAYS, gives=GIVES)
HONEST_SEAT = st.builds(Seat, dealt=DEALT, says=st.just("truth"), gives=st.just("share"))
WELL_DEALT_SEAT = st.builds(Seat, dealt=st.just("right"), says=SAYS, gives=GIVES)


def groups(seat: st.SearchStrategy[Seat]) -> st.SearchStrategy[dict[int, Seat]]:
    """Three seats of a group."""
    return st.fixed_dictionaries(dict.fromkeys(SEATS, seat))


def stories(
    seat: st.SearchStrategy[Seat], *bidder: str, terminated: bool = True
) -> st.SearchStrategy[Story]:
    """Stories with such seats and such a bidder."""
    return st.builds(
        Story,
        t=groups(seat),
        r=groups(seat),
        bidder=st.sampled_from(bidder or ("releases", "releases", "wrong", "absent")),
        cured_t=st.sampled_from([False, False, False, True]),
        cured_b=st.sampled_from([False, False, False, True]),
        terminated=st.booleans() if terminated else st.just(False),
    )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> "Stage":
    """Where stories are played."""
    return Stage(case=Case(tmp_path_factory.mktemp("model"), opening_keys()))


@dataclass
class Stage:
    """One package, sealed under every deal that a story asks for."""

    case: Case
    sealed: dict[tuple[tuple[Dealt, ...], ...], Case] = field(default_factory=dict, repr=False)

    def dealt(self, story: Story) -> Case:
        """The envelope as this story's bidder sealed it."""
        deals = tuple(tuple(seats[i].dealt for i in SEATS) for seats in (story.t, story.r))
        if deals not in self.sealed:
            head = self.case.head
            names: tuple[Group, Group] = ("T", "R")
            for group, dealt in zip(names, deals, strict=True):
                bent = {i: wrong_share(i) for i, d in zip(SEATS, dealt, strict=True) if d == "bent"}
                junk = {i: wrong_share(i) for i, d in zip(SEATS, dealt, strict=True) if d == "junk"}
                head = rewrapped(self.case, group, bent, head=head)
                head = rewrapped(self.case, group, junk, commit=False, head=head)
            made = resealed(self.case, head)
            made.path = made.path.rename(made.path.with_name(f"bad-{len(self.sealed)}.tbe"))
            self.sealed[deals] = made
        return self.sealed[deals]

    def play(self, story: Story) -> Outcome:
        """What the code says of a story."""
        made = self.dealt(story)
        shares: dict[Group, dict[int, bytes]] = {"T": {}, "R": {}}
        checks: dict[tuple[Group, int], CheckResult] = {}
        names: tuple[Group, Group] = ("T", "R")
        for group, seats in zip(names, (story.t, story.r), strict=True):
            for i, seat in seats.items():
                answer = seat.answer
                if answer is not None:
                    checks[group, i] = answer
                if answer == "ok" and seat.gives != "nothing":
                    is_right = seat.gives == "share" and seat.dealt != "junk"
                    right = made.shares(group, i)[i]
                    shares[group][i] = right if is_right else bytes([i + 100]) * 32
        released = Released(
            t_shares=shares["T"],
            r_shares=shares["R"],
            bidder_b={"releases": self.case.b, "wrong": bytes(32), "absent": None}[story.bidder],
            cured_t=self.case.halves.t if story.cured_t else None,
            cured_b=self.case.b if story.cured_b else None,
            checks=checks,
            terminated=story.terminated,
        )
        target = self.case.folder / "opened.zip"
        target.unlink(missing_ok=True)
        outcome = unseal(
            made.path, made.head, self.case.keys.body, released, target, check=lambda _: None
        )
        assert target.exists() == (outcome.code == "OPENED"), "nothing partial, nothing too early"
        return outcome


@lru_cache
def wrong_share(i: int) -> bytes:
    """A share that is none."""
    return bytes([i]) * 32


@pytest.mark.misuse(71, 73, 74, 75, 76, 77, 80)
@given(story=stories(ANY_SEAT))
def test_code_and_fault_are_those_of_the_model(stage: Stage, story: Story) -> None:
    outcome = stage.play(story)
    assert (outcome.code, outcome.fault) == story.expected
    assert (outcome.t is None) == (outcome.code != "OPENED"), "secrets only of what was opened"
    if outcome.code == "OPENED":
        assert outcome.b_from == story.source
        assert set(outcome.deal_wrong) == story.wrongly_dealt


@pytest.mark.threat("T12")
@given(story=stories(HONEST_SEAT, terminated=False))
def test_whatever_a_bidder_does_no_honest_member_is_blamed(stage: Stage, story: Story) -> None:
    outcome = stage.play(story)
    assert outcome.fault in {"none", "bidder", "undetermined"}
    for phase in (PHASE2, PHASE3):
        assert silent_members(standing(story, phase)) == []


@given(story=stories(WELL_DEALT_SEAT, "releases", terminated=False))
def test_whatever_members_do_no_honest_bidder_is_blamed(stage: Stage, story: Story) -> None:
    outcome = stage.play(story)
    assert outcome.fault in {"none", "members", "undetermined"}
    assert outcome.deal_wrong == ()
    assert outcome.own_wrong == ()


@given(story=stories(ANY_SEAT))
def test_only_who_owes_a_share_is_ever_named(stage: Stage, story: Story) -> None:
    """An honest member is named in no story, and who says that its share is bad is not either."""
    pairs: list[tuple[str, Group, dict[int, Seat]]] = [
        (PHASE2, "R", story.r),
        (PHASE3, "T", story.t),
    ]
    for phase, group, seats in pairs:
        for name, i in silent_members(standing(story, phase)):
            assert name == group
            assert not seats[i].is_honest
            assert seats[i].answer in {"ok", None}


TREE = "a" * 64
AT = datetime(2026, 11, 22, tzinfo=UTC)


def standing(story: Story, phase: str) -> Standing:
    """The story as the guards of the opening see it, in one phase."""
    names: tuple[Group, Group] = ("T", "R")
    pairs = list(zip(names, (story.t, story.r), strict=True))
    opening = {**nothing(Opening), "phase": phase, "remedy_start": "b" * 64}
    b = b"b" if story.bidder == "releases" or story.cured_b else None
    listed = {
        **nothing(Listed), "tree": TREE, "b_value": b, "t_value": b"t" if story.cured_t else None
    }  # fmt: skip
    seen: dict[str, Any] = {
        **nothing(Standing),
        "opening": Opening(**opening),
        "listed": [Listed(**listed)],
        "shares": [
            Share(group=group, i=i, tree=TREE, value=b"")
            for group, seats in pairs
            for i, seat in seats.items()
            if seat.counts
        ],
        "checks": [
            Checked(group=group, i=i, tree=TREE, result=seat.answer)
            for group, seats in pairs
            for i, seat in seats.items()
            if seat.answer is not None
        ],
        "needed": Thresholds(
            custodians=3, custodians_needed=NEEDED, remedy=3, remedy_needed=NEEDED
        ),
        "badly_dealt": frozenset(),
        "now": AT,
    }
    return Standing(**seen)


def nothing(kind: type) -> dict[str, Any]:
    """A value of a kind in which the rule finds only what is said beside it."""
    return dict.fromkeys(kind.__annotations__)

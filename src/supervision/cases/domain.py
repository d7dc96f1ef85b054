"""A case from its opening to a decision of two people (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from foundation.problems import Conflict, Invalid, NotAllowed, NotFound

OPENED: Final = "opened"
UNDER_REVIEW: Final = "under_review"
PROPOSED: Final = "proposed"
DECIDED: Final = "decided"
DISMISSED: Final = "dismissed"

TRANSITIONS: Final[Mapping[tuple[str, str], str]] = {
    (OPENED, "take"): UNDER_REVIEW,
    (UNDER_REVIEW, "propose"): PROPOSED,
    (PROPOSED, "return"): UNDER_REVIEW,
    (PROPOSED, "decide"): DECIDED,
    (PROPOSED, "dismiss"): DISMISSED,
}
TERMINAL: Final = frozenset({DECIDED, DISMISSED})
# What confirms a proposed outcome.
CONFIRMATION: Final[Mapping[str, str]] = {DECIDED: "decide", DISMISSED: "dismiss"}
LONGEST_TEXT: Final = 4000

Outcome = Literal["decided", "dismissed"]
Choice = Literal["accepted", "more", "dismissed"]
# Where a clue stands in the list: nobody took it, somebody works on it, it is closed.
Standing = Literal["waiting", "running", "closed"]


class UnknownCase(NotFound):
    """There is no such case."""

    code = "unknown-case"


class CaseExists(Conflict):
    """The clues of this lot are a case already."""

    code = "case-exists"


class WrongCaseStatus(Conflict):
    """The case is not in a state in which this can be done."""

    code = "wrong-case-status"


class NotYourCase(NotAllowed):
    """Another supervisor handles this case."""

    code = "not-your-case"


class SecondPersonNeeded(NotAllowed):
    """Another person than the one who proposed must confirm."""

    code = "second-person-needed"


class BadText(Invalid):
    """A reason or note is missing or too long."""

    code = "bad-text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case with everybody who acted in it."""

    id: UUID
    lot: UUID
    status: str
    opened_by: UUID
    opened_at: datetime
    handler: UUID | None
    outcome: Outcome | None
    reason: str | None
    proposed_by: UUID | None
    proposed_at: datetime | None
    confirmed_by: UUID | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An outcome that one person proposes."""

    outcome: Outcome
    reason: str
    by: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNote:
    """A note to be kept."""

    text: str
    finding: UUID | None
    choice: Choice | None
    author: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody wrote in a case; a choice is about one finding."""

    id: UUID
    finding: UUID | None
    choice: Choice | None
    text: str
    author: UUID
    author_name: str
    noted_at: datetime


def next_status(status: str, event: str) -> str:
    """Return the status after an event; a missing pair is refused."""
    after = TRANSITIONS.get((status, event))
    if after is None:
        raise WrongCaseStatus(f"a case that is {status.replace('_', ' ')} cannot {event}")
    return after


def check_text(text: str) -> str:
    """Return a reason or note without blank edges; refuses an empty or overlong one."""
    plain = text.strip()
    if not 1 <= len(plain) <= LONGEST_TEXT:
        raise BadText(f"expected a reason of 1 to {LONGEST_TEXT} characters, got {len(plain)}")
    return plain


def check_handler(case: Case, actor: UUID) -> None:
    """Refuses whoever does not handle the case."""
    if case.handler != actor:
        raise NotYourCase("expected the supervisor who took this case; ask for it to be returned")


def check_second(case: Case, actor: UUID) -> None:
    """Refuses the proposer as confirmer: a decision has four eyes."""
    if case.proposed_by == actor:
        raise SecondPersonNeeded(
            "expected another supervisor than the one who proposed; ask a colleague to confirm"
        )


def standing_of(status: str | None) -> Standing:
    """Where a lot's clues stand, by the status of its case, if it is one."""
    if status is None or status == OPENED:
        return "waiting"
    return "closed" if status in TERMINAL else "running"

"""Candidates, the award committee's votes and the award (pure; formulas.md V21)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from msgspec import Meta

from bidding.sealing.bodies import OfLot, Part, Uscc
from foundation.problems import Conflict, Invalid, NotAllowed
from foundation.statements.fields import Positive, Sid, Text120, Text4000, Uuid

SMALLEST_COMMITTEE: Final = 5
DecimalText = Annotated[str, Meta(pattern=r"^-?[0-9]{1,16}(?:\.[0-9]{1,8})?$(?!\n)")]


class NotOnCommittee(NotAllowed):
    """You are not a member of this lot's award committee."""

    code = "not-on-committee"


class WrongBallot(Conflict):
    """This ballot is not open."""

    code = "wrong-ballot"


class AlreadyVoted(Conflict):
    """You have already voted in this ballot."""

    code = "already-voted"


class NotACandidate(Invalid):
    """The vote names a bid that is not among the candidates."""

    code = "not-a-candidate"


class NotDecided(Conflict):
    """The committee has not decided yet."""

    code = "not-decided"


class CommitteeTooSmall(Invalid):
    """The award committee has an odd number of members, five at least."""

    code = "committee-too-small"


class ReportMissing(Conflict):
    """There is no accepted evaluation report for this lot."""

    code = "report-missing"


class ResultRow(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One bid in an evaluation report."""

    submission: Uuid
    code: Text120
    qualified: bool
    reason: Text4000 | None
    technical: DecimalText | None
    price_yuan: DecimalText | None
    price_score: DecimalText | None
    total: DecimalText | None
    rank: Positive | None


class Vote(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`vote`: a committee member's vote for one candidate."""

    TYPE: ClassVar[str] = "vote"
    ballot: Positive
    member: Uuid
    candidate: Uuid


class Count(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many votes a candidate got in a ballot."""

    candidate: Uuid
    votes: Annotated[int, Meta(ge=0)]


class Award(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`award`: to whom the lot goes, and by which votes."""

    TYPE: ClassVar[str] = "award"
    submission: Uuid
    uscc: Uscc
    name: Text120
    price_yuan: DecimalText
    ballots: list[list[Count]]
    votes: list[Sid]
    basis: Text4000


class Letter(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`letter`: the letter of award to the winner, or the result to another bidder."""

    TYPE: ClassVar[str] = "letter"
    award: Sid
    kind: Literal["winner", "result"]
    uscc: Uscc
    name: Text120
    text: Text4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the award committee."""

    member: UUID
    name: str
    kid: str
    alg: str
    pk: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CastVote:
    """A vote that was cast."""

    sid: str
    ballot: int
    member: UUID
    candidate: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """The publicity period of the candidates."""

    starts_at: datetime
    ends_at: datetime


def check_committee(members: int) -> None:
    """Refuse a committee that is even or smaller than five."""
    if members < SMALLEST_COMMITTEE or members % 2 == 0:
        raise CommitteeTooSmall(f"expected an odd number of members, at least 5, got {members}")


def open_ballot(votes: Sequence[CastVote], members: int) -> int:
    """Return the number of the ballot that takes votes now: a new one after each tie."""
    ballot = 1
    while counted(votes, ballot).total() == members and winner_of(votes, ballot, members) is None:
        ballot += 1
    return ballot


def counted(votes: Sequence[CastVote], ballot: int) -> Counter[UUID]:
    """Count the votes of one ballot."""
    return Counter(vote.candidate for vote in votes if vote.ballot == ballot)


def winner_of(votes: Sequence[CastVote], ballot: int, members: int) -> UUID | None:
    """Return who has most votes once every member has voted; None while open or tied."""
    counts = counted(votes, ballot).most_common(2)
    if counted(votes, ballot).total() < members:
        return None
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return None
    return counts[0][0]


def ballots_of(votes: Sequence[CastVote], candidates: Sequence[UUID]) -> list[list[dict[str, Any]]]:
    """Return the counts of every ballot, candidates in the report's order."""
    last = max((vote.ballot for vote in votes), default=0)
    return [
        [{"candidate": str(c), "votes": counted(votes, ballot)[c]} for c in candidates]
        for ballot in range(1, last + 1)
    ]


def first_ranked(results: Sequence[Mapping[str, Any]]) -> UUID:
    """Return the submission of candidate no. 1, where the award is not separated (条例 art. 55)."""
    ranked = sorted((r for r in results if r["rank"] is not None), key=lambda r: r["rank"])
    if not ranked:
        raise NotDecided("the report ranks no bid")
    return UUID(ranked[0]["submission"])

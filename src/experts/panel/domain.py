"""The panel of a lot: seats, pledges, marks, sheets, the report (pure).

Its lifecycle is one literal table; the database holds the same table and refuses other moves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from msgspec import Meta, field

from bidding.published import (
    Evaluation,
    FloatPoint,
    Mark,
    Method,
    OfLot,
    Part,
    Result,
    check_card,
    read_score,
    score_text,
)
from foundation.problems import Conflict, Invalid, NotAllowed, NotFound, Stale
from foundation.statements.canonical import BadField
from foundation.statements.fields import (
    Hex,
    Positive,
    Sid,
    Text40,
    Text2000,
    Text4000,
    Uuid,
)

FORMING: Final = "forming"
SCORING: Final = "scoring"
LOCKED: Final = "locked"
REPORTED: Final = "reported"
ACCEPTED: Final = "accepted"

CALLED: Final = "called"
PLEDGED: Final = "pledged"
RECUSED: Final = "recused"

TRANSITIONS: Final[Mapping[tuple[str, str], str]] = {
    (FORMING, "begin"): SCORING,
    (SCORING, "lock"): LOCKED,
    (LOCKED, "report"): REPORTED,
    (REPORTED, "accept"): ACCEPTED,
}
TERMINAL: Final = frozenset({ACCEPTED})
# What experts may read, and when: the technical volume is blind, the qualification volume names its
# bidder. The price volume is no part of it, whatever a lot calls its volumes.
BLIND_VOLUMES: Final = ("tech",)
NAMED_VOLUMES: Final = ("qual",)
LONGEST_COMMENT: Final = 2000

DecimalText = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,8})?$(?!\n)")]
Comment = Annotated[str, Meta(max_length=LONGEST_COMMENT)]


class UnknownPanel(NotFound):
    """No panel has been drawn for this lot."""

    code = "unknown-panel"


class WrongPanelStatus(Conflict):
    """The panel is not in a state in which this can be done."""

    code = "wrong-panel-status"


class NotOnPanel(NotAllowed):
    """You do not sit on the panel of this lot."""

    code = "not-on-panel"


class NotPledged(NotAllowed):
    """Pledge first: no conflict of interest, and silence about what you read."""

    code = "not-pledged"


class PledgedAlready(Conflict):
    """This seat has pledged or recused already."""

    code = "pledged-already"


class StillSealed(NotAllowed):
    """This is shown when the technical stage is locked."""

    code = "still-sealed"


class TechnicalFirst(Conflict):
    """The qualification volumes name the bidders; they are opened when technical marks stand."""

    code = "technical-first"


class MarksFrozen(Conflict):
    """Technical marks stay as they were when this seat opened the qualification volumes."""

    code = "marks-frozen"


class UnknownBlindBid(NotFound):
    """There is no bid with this code, or it has no such file."""

    code = "unknown-blind-bid"


class MarkChanged(Stale):
    """This mark was saved elsewhere since you read it."""

    code = "mark-changed"


class CardHandedIn(Conflict):
    """The scorecard of this seat is signed and handed in; there is one version of it."""

    code = "card-handed-in"


class OtherMethod(Invalid):
    """The statement names another scoring method than the notice."""

    code = "other-method"


class OtherReport(Invalid):
    """The statement is not the report that follows from the scorecards."""

    code = "other-report"


class ReportNotSettled(Conflict):
    """Some members have neither signed the report nor sent a dissent."""

    code = "report-not-settled"


class PriceMissing(Conflict):
    """An opened bid has no price that can be scored."""

    code = "price-missing"


class SheetsDiffer(Conflict):
    """The stored scores are not those of the signed scorecards."""

    code = "sheets-differ"


class Pledge(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`pledge`: an expert's word on conflicts of interest and silence."""

    TYPE: ClassVar[str] = "pledge"
    expert: Uuid
    conflicts: Annotated[list[Text2000], Meta(max_length=100)]
    text: Text4000


class CardRow(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One mark of a scorecard."""

    code: Text40
    criterion: Text40
    score: DecimalText | None
    passed: bool | None
    comment: Comment


class Scorecard(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`scorecard`: all marks of one member in the technical stage."""

    TYPE: ClassVar[str] = "scorecard"
    expert: Uuid
    method_sha256: Hex
    stage: Literal["technical"]
    scores: Annotated[list[CardRow], Meta(min_length=1, max_length=20000)]

    def __post_init__(self) -> None:
        """Refuses rows out of order or twice: a sheet has one spelling."""
        keys = [(row.code, row.criterion) for row in self.scores]
        if any(a >= b for a, b in pairwise(keys)):
            raise BadField("expected the scores by code and criterion, each once; sort them")


class ReportSeat(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A member of the panel in the report."""

    seat: Positive
    expert: Uuid
    scorecard: Sid


class ReportFloat(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The drawn float point in the report."""

    id: Text40
    value: DecimalText


class ReportRow(Part, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One bid in the report."""

    submission: Uuid
    code: Text40
    qualified: bool
    reason: Text2000 | None
    technical: DecimalText | None
    price_yuan: DecimalText | None
    price_score: DecimalText | None
    total: DecimalText | None
    rank: Positive | None


class Report(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`evaluation-report`: the result that every member signs."""

    TYPE: ClassVar[str] = "evaluation-report"

    method_sha256: Hex
    panel: Annotated[list[ReportSeat], Meta(min_length=1, max_length=99)]
    float_: ReportFloat | None = field(name="float")
    price_benchmark: DecimalText
    results: Annotated[list[ReportRow], Meta(min_length=1, max_length=5000)]
    candidates: list[Uuid]


class Dissent(OfLot, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`dissent`: a member's written reason for not signing the report."""

    TYPE: ClassVar[str] = "dissent"
    report: Sid
    expert: Uuid
    reason: Text4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """How far the panel of a lot is."""

    lot: UUID
    status: str
    seats: int
    formed_at: datetime
    locked_at: datetime | None
    report: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who sits on a seat, or did before recusing."""

    lot: UUID
    number: int
    expert: UUID
    status: str
    pledge: str | None
    kid: str
    alg: str
    pk: bytes
    unblinded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindBid:
    """A bid under its code."""

    code: str
    submission: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftMark:
    """An autosaved mark; `version` counts the savings, 0 is none yet."""

    code: str
    criterion: str
    score: str | None
    passed: bool | None
    comment: str
    version: int
    saved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A scorecard that was handed in."""

    expert: UUID
    sid: str
    accepted_at: datetime


def next_status(status: str, event: str) -> str:
    """The status after an event; a missing pair is refused."""
    after = TRANSITIONS.get((status, event))
    if after is None:
        raise WrongPanelStatus(f"a panel that is {status} cannot {event}")
    return after


def require_status(panel: Panel, *expected: str) -> None:
    """Refuses a panel that is not as far as this needs, or farther."""
    if panel.status not in expected:
        raise WrongPanelStatus(f"expected a panel {' or '.join(expected)}, it is {panel.status}")


def require_locked(panel: Panel) -> None:
    """Refuses to show others' scores or any price before every sheet is handed in."""
    if panel.status not in (LOCKED, REPORTED, ACCEPTED):
        raise StillSealed(
            f"scores of others and prices stay sealed while the panel is {panel.status}; they are "
            "shown when every seat has handed in its scorecard"
        )


def own_seat(seats: Sequence[Seat], expert: UUID) -> Seat:
    """The live seat of an expert; refuses everybody who does not sit there."""
    for seat in seats:
        if seat.expert == expert and seat.status != RECUSED:
            return seat
    raise NotOnPanel("expected a member of this panel, got somebody else")


def pledged_seat(seats: Sequence[Seat], expert: UUID) -> Seat:
    """The seat of an expert who has pledged; refuses one who has not."""
    seat = own_seat(seats, expert)
    if seat.status != PLEDGED:
        raise NotPledged("expected your signed pledge first; sign it, then the bids are shown")
    return seat


def check_frozen(method: Method, marks: Sequence[Mark], drafts: Sequence[DraftMark]) -> None:
    """Refuse technical marks that are not those of the seat when it learnt the names."""
    frozen = {(d.code, d.criterion): d for d in drafts}
    blind = {c.id for c in method.criteria if c.volume in BLIND_VOLUMES}
    for mark in marks:
        kept = frozen.get((mark.code, mark.criterion))
        score = None if kept is None or kept.score is None else read_score(kept.score)
        if mark.criterion in blind and (
            kept is None or (mark.score, mark.passed) != (score, kept.passed)
        ):
            raise MarksFrozen(
                f"expected the mark of bid {mark.code} under {mark.criterion} as it was when the "
                "qualification volumes were opened; hand in that one"
            )


def live_seats(seats: Sequence[Seat]) -> list[Seat]:
    """The seats as they are filled now, by number."""
    return sorted((s for s in seats if s.status != RECUSED), key=lambda seat: seat.number)


def next_of_reserve(reserve: Sequence[str], seats: Sequence[Seat]) -> UUID | None:
    """Who takes the place of a recused expert: the first of the reserve not called yet, if any."""
    called = {str(seat.expert) for seat in seats}
    return next((UUID(expert) for expert in reserve if expert not in called), None)


def blind_codes(submissions: Sequence[str]) -> list[BlindBid]:
    """The codes of bids in their drawn order: 01, 02, … all of one length."""
    width = max(2, len(str(len(submissions))))
    return [
        BlindBid(code=f"{place:0{width}d}", submission=UUID(submission))
        for place, submission in enumerate(submissions, 1)
    ]


def marks_of(expert: str, rows: Sequence[CardRow]) -> list[Mark]:
    """The marks of a signed sheet; refuses scores in another spelling than their own."""
    return [
        Mark(
            expert=expert,
            code=row.code,
            criterion=row.criterion,
            score=None if row.score is None else read_score(row.score),
            passed=row.passed,
        )
        for row in rows
    ]


def check_scorecard(method: Method, codes: Sequence[str], card: Scorecard) -> list[Mark]:
    """The marks of a complete sheet; refuses another method, gaps and scores not allowed."""
    if card.method_sha256 != method.sha256:
        raise OtherMethod(
            f"expected the method {method.sha256[:16]}…, got {card.method_sha256[:16]}…; load the "
            "criteria again"
        )
    marks = marks_of(card.expert, card.scores)
    check_card(method, codes, marks)
    return marks


def report_row(result: Result, submission: UUID) -> dict[str, str | bool | int | None]:
    """One bid of the report's body; scores keep their decimals."""
    return {
        "submission": str(submission),
        "code": result.code,
        "qualified": result.qualified,
        "reason": result.reason,
        "technical": _text(result.technical),
        "price_yuan": _text(result.price_yuan),
        "price_score": _text(result.price_score),
        "total": _text(result.total),
        "rank": result.rank,
    }


def candidates_of(evaluation: Evaluation, submissions: Mapping[str, UUID]) -> list[str]:
    """The candidates as submissions, by rank, then by id."""
    ranks = {result.code: result.rank for result in evaluation.results}
    named = sorted((ranks[code] or 0, str(submissions[code])) for code in evaluation.candidates)
    return [submission for _, submission in named]


def float_json(point: FloatPoint | None) -> dict[str, str] | None:
    """The drawn float point as the report names it."""
    return None if point is None else {"id": point.id, "value": f"{point.value:f}"}


def plain_score(score: str | None) -> str | None:
    """A draft's score in its one spelling; refuses what is no number."""
    return None if score is None else score_text(read_score(score))


def _text(value: object) -> str | None:
    return None if value is None else f"{value:f}"

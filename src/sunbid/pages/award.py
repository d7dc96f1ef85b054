"""Candidates in their standstill, the committee's vote, the award: who, how much, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bidding.tender.domain import Lot
from sunbid.pages.elements import Action, Banner, Crumb, Deadline, Fact, Tag, Text, words
from sunbid.pages.lifecycle import status_tag
from sunbid.pages.notices import lot_title


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRow:
    """One bid of the report."""

    submission: str
    rank: int | None
    name: str
    uscc: str
    price_yuan: Decimal | None
    technical: str | None
    price_score: str | None
    total: str | None
    reason: str | None
    is_candidate: bool
    votes: int | None = None
    is_winner: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesView:
    """The candidate notice of a lot (中标候选人公示)."""

    lot_id: str
    title: str
    crumbs: tuple[Crumb, ...]
    tags: tuple[Tag, ...]
    deadline: Deadline | None
    banner: Banner | None
    rows: tuple[CandidateRow, ...]
    facts: tuple[Fact, ...]
    links: tuple[Action, ...]
    stamps: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What the report, the standstill and the award say of a lot."""

    lot: Lot
    report_sid: str
    report: Mapping[str, Any]
    names: Mapping[str, tuple[str, str]]
    starts_at: datetime | None
    ends_at: datetime | None
    now: datetime
    award: Mapping[str, Any] | None = None
    award_sid: str | None = None


def crumbs_of(lot: Lot, title: str) -> tuple[Crumb, ...]:
    """The way to a page of a lot's award."""
    return (
        Crumb(label=words("notices.title"), href="/tenders"),
        Crumb(label=lot.tender_number, href=f"/lots/{lot.id}"),
        Crumb(label=words(title)),
    )


def candidates_view(found: Evaluated) -> CandidatesView:
    """The candidate notice; with an award, the award notice."""
    lot, report = found.lot, found.report
    title = "award.title" if found.award is not None else "candidates.title"
    return CandidatesView(
        lot_id=str(lot.id),
        title=lot_title(lot),
        crumbs=crumbs_of(lot, title),
        tags=(status_tag(lot),),
        deadline=standstill_deadline(found),
        banner=award_banner(found),
        rows=candidate_rows(found),
        facts=result_facts(report),
        links=result_links(lot),
        stamps=tuple(stamps_of(found)),
    )


def stamps_of(found: Evaluated) -> list[Text]:
    """The statements from which the page is made."""
    stamps: list[Text] = [words("candidates.report_sid", sid=found.report_sid[:16])]
    if found.award_sid is not None:
        stamps.append(words("award.sid", sid=found.award_sid[:16]))
    return stamps


def standstill_deadline(found: Evaluated) -> Deadline | None:
    """The publicity period while it runs."""
    if found.starts_at is None or found.ends_at is None or found.now >= found.ends_at:
        return None
    return Deadline(
        title=words("candidates.until"),
        closes_at=found.ends_at,
        since=found.starts_at,
        now=found.now,
        note=words("candidates.object"),
    )


def award_banner(found: Evaluated) -> Banner | None:
    """Who won, once the buyer has signed."""
    if found.award is None:
        return None
    return Banner(
        state="sent",
        title=words("award.winner", name=str(found.award["name"])),
        text=words("award.basis", basis=str(found.award["basis"])),
    )


def candidate_rows(found: Evaluated) -> tuple[CandidateRow, ...]:
    """All bids of the report, ranked ones first."""
    candidates = {str(one) for one in found.report["candidates"]}
    votes = last_ballot(found.award)
    winner = None if found.award is None else str(found.award["submission"])
    rows = [
        candidate_row(result, found.names, candidates, votes, winner)
        for result in found.report["results"]
    ]
    return tuple(sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.name)))


def last_ballot(award: Mapping[str, Any] | None) -> Mapping[str, int]:
    """The votes of the ballot that decided."""
    if award is None or not award["ballots"]:
        return {}
    return {str(one["candidate"]): int(one["votes"]) for one in award["ballots"][-1]}


def candidate_row(
    result: Mapping[str, Any],
    names: Mapping[str, tuple[str, str]],
    candidates: set[str],
    votes: Mapping[str, int],
    winner: str | None,
) -> CandidateRow:
    """One bid of the report."""
    submission = str(result["submission"])
    name, uscc = names.get(submission, (str(result["code"]), ""))
    price = result["price_yuan"]
    return CandidateRow(
        submission=submission,
        rank=result["rank"],
        name=name,
        uscc=uscc,
        price_yuan=None if price is None else Decimal(str(price)),
        technical=result["technical"],
        price_score=result["price_score"],
        total=result["total"],
        reason=result["reason"],
        is_candidate=submission in candidates,
        votes=votes.get(submission),
        is_winner=submission == winner,
    )


def result_facts(report: Mapping[str, Any]) -> tuple[Fact, ...]:
    """The numbers from which every price score follows."""
    benchmark = Decimal(str(report["price_benchmark"]))
    drawn = report.get("float")
    facts = [
        Fact(label=words("candidates.benchmark"), value=benchmark, kind="money"),
        Fact(label=words("candidates.panel"), value=words("candidates.seats", n=seats(report))),
    ]
    if drawn is not None:
        facts.append(
            Fact(
                label=words("candidates.float"),
                value=words("candidates.float_value", id=drawn["id"], value=drawn["value"]),
                note=words("candidates.redraw"),
            )
        )
    facts.append(
        Fact(
            label=words("candidates.method"),
            value=str(report["method_sha256"])[:32],
            kind="digest",
        )
    )
    return tuple(facts)


def seats(report: Mapping[str, Any]) -> int:
    """How many experts signed the report."""
    return len(report["panel"])


def result_links(lot: Lot) -> tuple[Action, ...]:
    """Where to check the result, and to read its documents."""
    page = f"/lots/{lot.id}"
    return (
        Action(label=words("candidates.package"), href=f"/api/v1{page}/package", icon="down"),
        Action(label=words("candidates.report_pdf"), href=f"{page}/report.pdf", icon="down"),
        Action(label=words("candidates.verify"), href="/verify"),
    )


# ---- the committee's vote


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteView:
    """The ballot paper of a committee member (评定分离)."""

    lot_id: str
    title: str
    crumbs: tuple[Crumb, ...]
    ballot: int | None
    members: int
    voted: int
    has_voted: bool
    rows: tuple[CandidateRow, ...]
    banner: Banner


def vote_view(lot: Lot, material: Mapping[str, Any], member: str | None, now: datetime) -> VoteView:
    """The candidates among whom a member votes; `member` is one's own id, if one has a vote."""
    candidates = material["candidates"]
    has_voted = member in material["voted"]
    ends = material["standstill"]["ends_at"] if material["standstill"] else None
    is_over = ends is not None and datetime.fromisoformat(ends) <= now
    rows = tuple(vote_row(one) for one in candidates)
    return VoteView(
        lot_id=str(lot.id),
        title=lot_title(lot),
        crumbs=crumbs_of(lot, "vote.title"),
        ballot=material["ballot"],
        members=len(material["members"]),
        voted=len(material["voted"]),
        has_voted=has_voted,
        rows=rows,
        banner=vote_banner(
            is_over=is_over, is_member=member is not None, has_voted=has_voted, material=material
        ),
    )


def vote_row(candidate: Mapping[str, Any]) -> CandidateRow:
    """One candidate on the ballot paper."""
    result = candidate["result"]
    return CandidateRow(
        submission=str(candidate["submission"]),
        rank=result["rank"],
        name=str(candidate["name"]),
        uscc=str(candidate["uscc"]),
        price_yuan=Decimal(str(candidate["price_yuan"])),
        technical=result["technical"],
        price_score=result["price_score"],
        total=result["total"],
        reason=None,
        is_candidate=True,
    )


def vote_banner(
    *, is_over: bool, is_member: bool, has_voted: bool, material: Mapping[str, Any]
) -> Banner:
    """Whether one may vote now."""
    if not is_member:
        return Banner(
            state="unknown", title=words("vote.not_member"), text=words("vote.not_member_text")
        )
    if has_voted:
        return Banner(state="sent", title=words("vote.voted"), text=words("vote.voted_text"))
    if not is_over:
        return Banner(state="unknown", title=words("vote.early"), text=words("vote.early_text"))
    return Banner(
        state="stale",
        title=words("vote.open", ballot=material["ballot"] or 1),
        text=words("vote.open_text"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardLine:
    """One lot in the list of results."""

    href: str
    title: str
    number: str
    buyer: str
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardsView:
    """All lots whose candidates or awards are public."""

    lines: tuple[AwardLine, ...]


def awards_view(lots: Sequence[Lot]) -> AwardsView:
    """The lots with a published result."""
    shown = [lot for lot in lots if lot.status in {"standstill", "awarded", "contracted"}]
    return AwardsView(
        lines=tuple(
            AwardLine(
                href=f"/lots/{lot.id}/{'candidates' if lot.status == 'standstill' else 'award'}",
                title=lot_title(lot),
                number=lot.tender_number,
                buyer=lot.parties.buyer_name,
                tag=status_tag(lot),
            )
            for lot in shown
        )
    )

"""The opening hall: where it stands, its bids, what was said and objected."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bidding.bid.meters import Count
from bidding.opening import domain
from bidding.opening.closings.apart import Apart
from bidding.opening.domain import Opening
from bidding.opening.hall import HallFacts
from bidding.sealing.packing import PRICE_VOLUME
from bidding.tender import domain as tender
from bidding.tender.domain import Lot
from foundation.language import moment
from foundation.statements.canonical import parse_time
from foundation.statements.store import Kept
from sunbid.pages.charts import axis_start
from sunbid.pages.elements import (
    Action,
    Crumb,
    Deadline,
    Sealed,
    Stage,
    Tag,
    Text,
    words,
)
from sunbid.pages.lifecycle import status_tag
from sunbid.pages.notices import lot_title
from sunbid.pages.opening_bids import (
    BidRow,
    PriceRow,
    bid_rows,
    by_submission,
    is_opened,
    numbered,
    price_rows,
)
from sunbid.pages.opening_dial import opening_dial, window
from sunbid.pages.opening_progress import Unsealing, unsealing


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of what happened in the hall."""

    at: datetime
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionLine:
    """An objection at the opening."""

    at: datetime
    who: Text
    text: str
    answers: tuple["AnswerLine", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLine:
    """What an office said to an objection."""

    at: datetime
    who: Text
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLine:
    """Who has signed the record that waits."""

    who: Text
    signed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """Why an opening stands still, for whom it waits, and what the supervisor may decide."""

    title: Text
    text: Text
    waits_for: tuple[Text, ...]
    # The words of the decisions that the reader may ask for; nobody but the supervisor has any.
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningView:
    """The opening hall of a lot."""

    title: str
    lot_id: str
    crumbs: tuple[Crumb, ...]
    tags: tuple[Tag, ...]
    dial: tuple[Stage, ...]
    deadline: Deadline | None
    # In phase 4, in the place of the countdown.
    unsealing: Unsealing | None
    ceiling_price_yuan: Decimal
    low_yuan: Decimal
    prices: tuple[PriceRow, ...]
    prices_sealed: Sealed | None
    bids: tuple[BidRow, ...]
    opened: int
    # Bids that did not go on to this stage.
    left_out: int
    objections: tuple[ObjectionLine, ...]
    said: tuple[Said, ...]
    own_price_yuan: Decimal | None
    # Who acts next, and what is waited for.
    awaited: Text | None
    may_object: bool
    signers: tuple[RecordLine, ...]
    # Members who called a right wrap bad (sealing.md 9.6).
    false_complaints: tuple[Text, ...]
    is_before_closing: bool
    is_not_opened: bool
    suspension: Suspension | None
    record: str | None
    links: tuple[Action, ...]
    # Companies in two bids, for those who judge it.
    apart: tuple[Apart, ...] = ()


def opening_view(
    facts: HallFacts,
    own_uscc: str | None = None,
    *,
    decides: bool = False,
    hosts: bool = False,
    count: Count | None = None,
) -> OpeningView:
    """Everything that the hall shows now; `decides` for the lot's supervisor, `hosts` its host.

    `count` is how far the decryption of phase 4 has come.
    """
    lot, opening = facts.lot, facts.opening
    own = next((s for s, one in facts.bidders.items() if one.uscc == own_uscc), None)
    prices, rows = price_rows(facts, own), bid_rows(facts, own)
    return OpeningView(
        title=lot_title(lot),
        lot_id=str(lot.id),
        crumbs=(
            Crumb(label=words("notices.title"), href="/tenders"),
            Crumb(label=lot.tender_number, href=f"/lots/{lot.id}"),
            Crumb(label=words("hall.title")),
        ),
        tags=(status_tag(lot),),
        dial=opening_dial(facts),
        deadline=window(facts),
        unsealing=unsealing(facts, count),
        ceiling_price_yuan=lot.ceiling_price_yuan,
        low_yuan=axis_start([row.price_yuan for row in prices], lot.ceiling_price_yuan),
        prices=prices,
        prices_sealed=None if prices else prices_sealed(facts),
        bids=rows,
        opened=sum(is_opened(found) for found in by_submission(facts.staged_results).values()),
        left_out=len(numbered(facts)) - len(rows),
        objections=objections(facts),
        awaited=awaited(facts),
        may_object=may_object(facts),
        signers=record_signers(facts),
        false_complaints=tuple(
            words(f"hall.false_complaint_{one.group}", i=one.i, tree=one.tree[:12])
            for one in false_complaints(facts)
        ),
        said=tuple(said(kept) for kept in reversed(facts.told)),
        own_price_yuan=next((row.price_yuan for row in prices if row.is_own), None),
        is_before_closing=opening is None,
        is_not_opened=lot.status == "not_opened",
        suspension=suspension(facts, decides=decides),
        record=None if opening is None else opening.record,
        links=(*console_links(lot, hosts=hosts), *record_links(lot, opening)),
    )


def prices_sealed(facts: HallFacts) -> Sealed:
    """Until when prices are sealed: for this stage's opening, for a later one, or for ever."""
    opening = facts.opening
    if opening is not None and opening.decided in {domain.TERMINATED, domain.STOPPED}:
        return Sealed(until=words("hall.prices_never"))
    is_later = any(one.volume == PRICE_VOLUME and one.stage is None for one in facts.listed)
    return Sealed(until=words("hall.prices_later" if is_later else "hall.prices_until"))


def false_complaints(facts: HallFacts) -> list[domain.Checked]:
    """What members wrongly complained of, once outcomes are known."""
    if facts.needed is None:
        return []
    return domain.false_complaints(
        facts.listed, facts.results, facts.shares, facts.checks, facts.needed
    )


def suspension(facts: HallFacts, *, decides: bool) -> Suspension | None:
    """What is said of an opening that stands still, or that the supervisor ended."""
    opening = facts.opening
    if opening is None or (opening.suspended_at is None and opening.decided != domain.TERMINATED):
        return None
    state = opening.decided or "waiting"
    is_remedy = opening.phase == domain.PHASE2
    choices = (domain.GO_ON, domain.TERMINATED) if is_remedy else (domain.TERMINATED,)
    return Suspension(
        title=words(f"suspension.{state}"),
        text=words(f"suspension.{state}_text"),
        waits_for=tuple(words(f"suspension.seat_{group}", i=i) for group, i in facts.silent),
        choices=choices if decides and opening.decided is None else (),
    )


def console_links(lot: Lot, *, hosts: bool) -> tuple[Action, ...]:
    """The way to the console, for the opening host alone."""
    place = f"/lots/{lot.id}/console"
    return (Action(label=words("console.title"), href=place, kind="primary"),) if hosts else ()


def record_links(lot: Lot, opening: Opening | None) -> tuple[Action, ...]:
    """The signed record, once there is one."""
    if opening is None or opening.record is None:
        return ()
    place = f"/lots/{lot.id}/opening/record.pdf"
    return (Action(label=words("hall.record_pdf"), href=place, icon="down", kind="primary"),)


def said(kept: Kept) -> Said:
    """One line of the feed for one statement."""
    body = kept.statement.body
    return Said(at=kept.accepted_at, text=said_text(kept.statement.type, body))


def said_text(kind: str, body: Mapping[str, Any]) -> Text:
    """What a statement of the opening says to people in the hall."""
    match kind:
        case "closing":
            return words("said.closing", n=int(body["count"]), root=str(body["list_root"])[:12])
        case "opening-step" if body["step"] == domain.EXTENDED:
            window = str(body["reason"]).partition("\n")[0]
            until = moment("zh", parse_time(body["until"]), "clock")
            return words(f"said.extended_{window}", until=until)
        case "opening-step":
            return words(f"said.step_{body['step']}")
        case "supervisor-decision":
            return words(f"said.decision_{body['decision']}")
        case "share-check":
            return words(f"said.check_{body['group']}", i=int(body["i"]))
        case "release-ack":
            return words("said.release_b", n=len(body["trees"]))
        case "release-r" | "release-t":
            return words(f"said.{kind}", i=int(body["i"]))
        case _:
            return words(f"said.{kind}")


def awaited(facts: HallFacts) -> Text | None:
    """Who acts next at this moment, and what is waited for."""
    opening, lot = facts.opening, facts.lot
    if opening is None or opening.closing is None:
        return words("awaits.closing") if lot.status in {tender.CLOSED, tender.CUT} else None
    if opening.decided in {domain.TERMINATED, domain.STOPPED} and opening.phase != domain.RECORD:
        return words("awaits.ended")
    if opening.suspended_at is not None:
        return words("awaits.resumed" if opening.decided == domain.GO_ON else "awaits.suspended")
    if opening.phase == domain.PHASE2 and opening.remedy_start is None:
        return words("awaits.countersignature")
    if opening.phase == domain.DONE:
        return words("awaits.stage", n=opening.stage) if lot.status == tender.OPENING else None
    if opening.phase == domain.RECORD and not is_objectable(facts):
        return words("awaits.signatures")
    if opening.phase == domain.CLOSED and opening.stage > 1:
        return words("awaits.hour", n=opening.stage)
    return words(f"awaits.{opening.phase}")


def is_objectable(facts: HallFacts) -> bool:
    """Whether the time to object to the record still runs."""
    until = None if facts.opening is None else facts.opening.phase_until
    return until is not None and facts.now < until


def may_object(facts: HallFacts) -> bool:
    """Whether a bidder may object now."""
    phase = None if facts.opening is None else facts.opening.phase
    running = {domain.PHASE1, domain.PHASE2, domain.PHASE3, domain.PHASE4}
    return phase in running or (phase == domain.RECORD and is_objectable(facts))


def record_signers(facts: HallFacts) -> tuple[RecordLine, ...]:
    """Who has signed the record that waits: host, supervisor, and bidders who like."""
    if facts.record is None:
        return ()
    names = {one.uscc: one.name for one in facts.bidders.values()}
    return tuple(
        RecordLine(
            who=names.get(one.required.subject or "", words(f"role.{one.required.role}")),
            signed_at=one.signed_at,
        )
        for one in facts.record.waiting
    )


def objections(facts: HallFacts) -> tuple[ObjectionLine, ...]:
    """The objections raised in the hall, with their companies' names and what was answered."""
    names = {one.uscc: one.name for one in facts.bidders.values()}
    return tuple(
        ObjectionLine(
            at=kept.accepted_at,
            # Who bids is not told before names are read, whatever somebody objects to.
            who=names.get(kept.statement.body["uscc"], words("hall.objector")),
            text=str(kept.statement.body["content"]),
            answers=tuple(
                AnswerLine(
                    at=parse_time(answer.body["data"]["at"]),
                    who=words(f"role.{answer.body['data']['role']}"),
                    text=str(answer.body["data"]["text"]),
                )
                for answer in reversed(facts.answers)
                if answer.body["data"]["objection"] == kept.statement.sid
            ),
        )
        for kept in facts.told
        if kept.statement.type == "objection"
    )

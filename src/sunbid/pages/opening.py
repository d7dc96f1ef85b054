"""The opening hall: steps on a dial, each bid's state, prices once open, what was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from bidding.opening import domain
from bidding.opening.apart import Apart
from bidding.opening.domain import Listed, OpenedBid, Opening, Result, released_by
from bidding.opening.hall import HallFacts
from bidding.tender.domain import Lot
from foundation.language import moment
from foundation.statements.store import Kept
from sunbid.pages.charts import axis_start, row_mark
from sunbid.pages.elements import (
    Action,
    Crumb,
    Deadline,
    Progress,
    Sealed,
    Stage,
    Tag,
    Text,
    Value,
    share_of,
    words,
)
from sunbid.pages.lifecycle import status_tag
from sunbid.pages.notices import lot_title

STEPS: Final = ("close", "list", "bidders", "remedy", "custodians", "unseal", "record", "done")
STEP_OF_PHASE: Final[Mapping[str, int]] = {
    domain.CLOSED: 1,
    domain.PHASE1: 2,
    domain.PHASE2: 3,
    domain.PHASE3: 4,
    domain.PHASE4: 5,
    domain.RECORD: 6,
    domain.DONE: 8,
}
WINDOW_OF_STEP: Final = {2: "bidders", 3: "remedy", 4: "custodians"}
HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class BidRow:
    """The state of one bid in the opening; the name is sealed until phase 4."""

    name: Text | Sealed
    halves: int
    volumes: int
    half_from: Text
    half_at: datetime | None
    seats: int
    needed: int
    tag: Tag
    consequence: Text
    is_own: bool
    is_bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One opened price as it was read aloud."""

    order: int
    name: str
    price_yuan: Decimal
    below_ceiling: Decimal
    x: int
    duration_days: str
    manager: str
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of what happened in the hall."""

    at: datetime
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionLine:
    """An objection at the opening."""

    at: datetime
    who: str
    text: str


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
    ceiling_price_yuan: Decimal
    low_yuan: Decimal
    prices: tuple[PriceRow, ...]
    prices_sealed: Sealed | None
    bids: tuple[BidRow, ...]
    opened: int
    objections: tuple[ObjectionLine, ...]
    said: tuple[Said, ...]
    own_price_yuan: Decimal | None
    is_before_closing: bool
    is_not_opened: bool
    suspension: Suspension | None
    record: str | None
    links: tuple[Action, ...]
    # Companies in two bids, for those who judge it.
    apart: tuple[Apart, ...] = ()


def opening_view(
    facts: HallFacts, own_uscc: str | None = None, *, decides: bool = False, hosts: bool = False
) -> OpeningView:
    """Everything that the hall shows now; `decides` for the lot's supervisor, `hosts` its host."""
    lot, opening = facts.lot, facts.opening
    own = next((b.submission for b in facts.bids if b.uscc == own_uscc), None)
    prices = price_rows(facts, own)
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
        ceiling_price_yuan=lot.ceiling_price_yuan,
        low_yuan=axis_start([row.price_yuan for row in prices], lot.ceiling_price_yuan),
        prices=prices,
        prices_sealed=None if prices else Sealed(until=words("hall.prices_until")),
        bids=bid_rows(facts, own),
        opened=sum(is_opened(results) for results in by_submission(facts.results).values()),
        objections=objections(facts.told, facts.bids),
        said=tuple(said(kept) for kept in reversed(facts.told)),
        own_price_yuan=next((row.price_yuan for row in prices if row.is_own), None),
        is_before_closing=opening is None,
        is_not_opened=lot.status == "not_opened",
        suspension=suspension(facts, decides=decides),
        record=None if opening is None else opening.record,
        links=(*console_links(lot, hosts=hosts), *record_links(lot, opening)),
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


# ---- the dial


def opening_dial(facts: HallFacts) -> tuple[Stage, ...]:
    """The steps of the opening, lit as far as they have come."""
    running = running_step(facts)
    notes = step_notes(facts)
    return tuple(
        Stage(
            label=words(f"hall.step_{name}"),
            progress=step_progress(i, running),
            note=notes.get(name, words(f"hall.step_{name}_note")),
            at=window_share(facts) if i == running else 50,
            gnomon=moment("zh", facts.now, "clock") if i == running else None,
            is_sealed=i == running and running < STEPS.index("unseal"),
        )
        for i, name in enumerate(STEPS)
    )


def running_step(facts: HallFacts) -> int:
    """The step that is running now."""
    return 0 if facts.opening is None else STEP_OF_PHASE.get(facts.opening.phase, 1)


def step_progress(i: int, running: int) -> Progress:
    """Whether a step is over, running or to come."""
    if i == running:
        return "now"
    return "past" if i < running else "next"


def step_notes(facts: HallFacts) -> dict[str, Value]:
    """What is known of each step, by its name."""
    notes: dict[str, Value] = {}
    opening = facts.opening
    if facts.lot.deadline_at is not None:
        notes["close"] = facts.lot.deadline_at
    if opening is None or not facts.listed:
        return notes
    count = len({one.submission for one in facts.listed})
    halves = sum(one.b_value is not None and one.b_from == "bidder" for one in facts.listed)
    notes["list"] = words("hall.bids_n", n=count)
    notes["bidders"] = words("hall.halves", n=halves, of=len(facts.listed))
    remedied = len({s.i for s in facts.shares if s.group == "R"})
    seats = len({s.i for s in facts.shares if s.group == "T"})
    if facts.needed is not None:
        needed = facts.needed
        notes["remedy"] = words("hall.seats", n=remedied, needed=needed.remedy_needed)
        notes["custodians"] = words("hall.seats", n=seats, needed=needed.custodians_needed)
    if opening.recorded_at is not None:
        notes["done"] = opening.recorded_at
    return notes


def window_share(facts: HallFacts) -> int:
    """How much of the running window is over."""
    opening = facts.opening
    if opening is None or opening.phase_at is None or opening.phase_until is None:
        return 50
    return share_of(facts.now - opening.phase_at, opening.phase_until - opening.phase_at)


def window(facts: HallFacts) -> Deadline | None:
    """The window that is running, or the deadline that the hall waits for."""
    opening, lot = facts.opening, facts.lot
    if opening is None:
        if lot.deadline_at is None or lot.published_at is None or facts.now >= lot.deadline_at:
            return None
        return Deadline(
            title=words("tender.until_deadline"),
            closes_at=lot.deadline_at,
            since=lot.published_at,
            now=facts.now,
            note=words("hall.before_note"),
        )
    name = WINDOW_OF_STEP.get(running_step(facts))
    if name is None or opening.phase_until is None or opening.phase_at is None:
        return None
    if opening.suspended_at is not None or opening.decided == domain.TERMINATED:
        return None
    return Deadline(
        title=words(f"hall.window_{name}"),
        closes_at=opening.phase_until,
        since=opening.phase_at,
        now=facts.now,
        note=words("hall.window_note"),
    )


# ---- bids


def bid_rows(facts: HallFacts, own: UUID | None) -> tuple[BidRow, ...]:
    """The state of each listed bid, in the order of the list."""
    names = {bid.submission: bid.name for bid in facts.bids}
    results = by_submission(facts.results)
    grouped: dict[UUID, list[Listed]] = {}
    for one in sorted(facts.listed, key=lambda one: (str(one.submission), one.volume)):
        grouped.setdefault(one.submission, []).append(one)
    return tuple(
        bid_row(facts, envelopes, results.get(submission, ()), names.get(submission), number, own)
        for number, (submission, envelopes) in enumerate(grouped.items(), start=1)
    )


def bid_row(
    facts: HallFacts,
    envelopes: Sequence[Listed],
    results: Sequence[Result],
    name: str | None,
    number: int,
    own: UUID | None,
) -> BidRow:
    """The state of one bid."""
    halves = [one for one in envelopes if one.b_value is not None]
    # A half that the remedy group put together is known from the outcome alone.
    is_remedied = "remedy" in {*(r.b_from for r in results), *(h.b_from for h in halves)}
    seats = min(len(released_by(facts.shares, "T", one.tree)) for one in envelopes)
    code = worst_code(results)
    tag, consequence = outcome(code, is_remedied=is_remedied)
    sealed = Sealed(until=words("hall.name_until", n=number))
    unopened = words("hall.name_unopened", n=number)
    return BidRow(
        name=name if name is not None else (unopened if results else sealed),
        halves=len(halves),
        volumes=len(envelopes),
        half_from=words("hall.half_remedy") if is_remedied else half_source(halves, envelopes),
        half_at=max((one.b_at for one in halves if one.b_at is not None), default=None),
        seats=seats,
        needed=facts.needed.custodians_needed if facts.needed else 0,
        tag=tag,
        consequence=consequence,
        is_own=own is not None and envelopes[0].submission == own,
        is_bad=code is not None and code != "OPENED",
    )


def half_source(halves: Sequence[Listed], envelopes: Sequence[Listed]) -> Text:
    """Who released the bidder's half of a bid."""
    if len(halves) < len(envelopes):
        return words("hall.half_missing")
    source = halves[0].b_from or "bidder"
    return words(f"hall.half_{source}")


def worst_code(results: Sequence[Result]) -> str | None:
    """The outcome of a bid: opened only when each of its volumes is."""
    codes = [result.code for result in results]
    return next((code for code in codes if code != "OPENED"), codes[0] if codes else None)


def outcome(code: str | None, *, is_remedied: bool) -> tuple[Tag, Text]:
    """The outcome in words, and what it means in law."""
    if code is None:
        waiting = Tag(label=words("hall.sealed"), icon="lock")
        return waiting, words("hall.sealed_note")
    if code == "OPENED" and is_remedied:
        tag = Tag(label=words("hall.opened_remedied"), state="warn", icon="check")
        return tag, words("hall.opened_remedied_note")
    if code == "OPENED":
        return Tag(label=words("hall.opened"), state="ok", icon="check"), words("hall.opened_note")
    return Tag(label=words("hall.unopened"), state="bad", icon="cross"), words(f"outcome.{code}")


def by_submission(results: Sequence[Result]) -> dict[UUID, list[Result]]:
    """The results of each bid's volumes."""
    grouped: dict[UUID, list[Result]] = {}
    for result in results:
        grouped.setdefault(result.submission, []).append(result)
    return grouped


def is_opened(results: Sequence[Result]) -> bool:
    """Whether every volume of a bid was opened."""
    return all(result.code == "OPENED" for result in results)


# ---- prices


def price_rows(facts: HallFacts, own: UUID | None) -> tuple[PriceRow, ...]:
    """The opened prices from low to high, each with its place under the ceiling."""
    priced = [
        (Decimal(str(b.items["price_yuan"])), b) for b in facts.bids if "price_yuan" in b.items
    ]
    ceiling = facts.lot.ceiling_price_yuan
    low = axis_start([price for price, _ in priced], ceiling)
    ordered = sorted(priced, key=lambda pair: (pair[0], str(pair[1].submission)))
    return tuple(
        PriceRow(
            order=order,
            name=bid.name,
            price_yuan=price,
            below_ceiling=(price - ceiling) / ceiling * HUNDRED,
            x=row_mark(price, low, ceiling),
            duration_days=item(bid.items, "duration_days"),
            manager=item(bid.items, "project_manager"),
            is_own=bid.submission == own,
        )
        for order, (price, bid) in enumerate(ordered, start=1)
    )


def item(items: Mapping[str, Any], name: str) -> str:
    """One thing that was read aloud, or a dash."""
    return str(items.get(name, "–"))


# ---- what was said


def said(kept: Kept) -> Said:
    """One line of the feed for one statement."""
    body = kept.statement.body
    return Said(at=kept.accepted_at, text=said_text(kept.statement.type, body))


def said_text(kind: str, body: Mapping[str, Any]) -> Text:
    """What a statement of the opening says to people in the hall."""
    match kind:
        case "closing":
            return words("said.closing", n=int(body["count"]), root=str(body["list_root"])[:12])
        case "opening-step":
            return words(f"said.step_{body['step']}")
        case "share-check":
            return words(f"said.check_{body['group']}", i=int(body["i"]))
        case "release-ack":
            return words("said.release_b", n=len(body["trees"]))
        case "release-r" | "release-t":
            return words(f"said.{kind}", i=int(body["i"]))
        case _:
            return words(f"said.{kind}")


def objections(told: Sequence[Kept], bids: Sequence[OpenedBid]) -> tuple[ObjectionLine, ...]:
    """The objections raised in the hall, with their companies' names."""
    names = {bid.uscc: bid.name for bid in bids}
    return tuple(
        ObjectionLine(
            at=kept.accepted_at,
            who=names.get(kept.statement.body["uscc"], kept.statement.body["uscc"]),
            text=str(kept.statement.body["content"]),
        )
        for kept in told
        if kept.statement.type == "objection"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HallLine:
    """One lot in the list of openings."""

    href: str
    title: str
    number: str
    buyer: str
    deadline_at: datetime | None
    left: timedelta | None
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningsView:
    """All openings: to come, running, done."""

    lines: tuple[HallLine, ...]


def openings_view(lots: Sequence[Lot], now: datetime) -> OpeningsView:
    """The openings of published lots, the next one first."""
    with_deadline = [lot for lot in lots if lot.deadline_at is not None]
    ordered = sorted(
        with_deadline, key=lambda lot: abs((lot.deadline_at or now) - now).total_seconds()
    )
    return OpeningsView(lines=tuple(hall_line(lot, now) for lot in ordered))


def hall_line(lot: Lot, now: datetime) -> HallLine:
    """One lot with the time of its opening."""
    left = lot.deadline_at - now if lot.deadline_at is not None else None
    return HallLine(
        href=f"/lots/{lot.id}/opening",
        title=lot_title(lot),
        number=lot.tender_number,
        buyer=lot.parties.buyer_name,
        deadline_at=lot.deadline_at,
        left=left if left is not None and left > timedelta() else None,
        tag=status_tag(lot),
    )

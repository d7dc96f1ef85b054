"""The bids of an opening: the state of each, and the prices that were read aloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from bidding.opening.domain import PHASE4, Listed, Result, released_by
from bidding.opening.hall import HallFacts
from sunbid.pages.charts import axis_start, row_mark
from sunbid.pages.elements import (
    Sealed,
    Tag,
    Text,
    words,
)

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


def bid_rows(facts: HallFacts, own: UUID | None) -> tuple[BidRow, ...]:
    """The state of each bid of the running stage, in the order of the list."""
    results = by_submission(facts.staged_results)
    grouped: dict[UUID, list[Listed]] = {}
    for one in sorted(facts.staged, key=lambda one: one.volume):
        grouped.setdefault(one.submission, []).append(one)
    return tuple(
        bid_row(facts, grouped[submission], results.get(submission, ()), number, own)
        for number, submission in numbered(facts)
        if submission in grouped
    )


def numbered(facts: HallFacts) -> list[tuple[int, UUID]]:
    """Each bid of the list with its number, which it keeps from stage to stage."""
    return list(enumerate(sorted({one.submission for one in facts.listed}, key=str), start=1))


def bid_row(
    facts: HallFacts,
    envelopes: Sequence[Listed],
    results: Sequence[Result],
    number: int,
    own: UUID | None,
) -> BidRow:
    """The state of one bid."""
    halves = [one for one in envelopes if one.b_value is not None]
    remedied = [one for one in envelopes if is_put_together(facts, one)]
    is_remedied = bool(remedied) or "remedy" in {r.b_from for r in results}
    seats = min(len(released_by(facts.shares, "T", one.tree)) for one in envelopes)
    code = worst_code(results)
    tag, consequence = outcome(code, is_remedied=is_remedied)
    if code is None and facts.opening is not None and facts.opening.phase == PHASE4:
        tag = Tag(label=words("console.state_opening"), state="now", icon="clock")
        consequence = words("console.next_opening")
    return BidRow(
        name=name_of(facts, envelopes[0].submission, number),
        halves=len(halves) + len(remedied),
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


def name_of(facts: HallFacts, submission: UUID, number: int) -> Text | Sealed:
    """The name of a bidder once names are read, also of one whose bid did not open."""
    bidder = facts.bidders.get(submission)
    if bidder is not None:
        return bidder.name
    # Of a lot that was ended the names stay closed.
    is_over = any(one.submission == submission for one in facts.results)
    key = "hall.name_unopened" if is_over else "hall.name_until"
    return words(key, n=number) if is_over else Sealed(until=words(key, n=number))


def is_put_together(facts: HallFacts, one: Listed) -> bool:
    """Whether enough remedy members released for an envelope whose bidder did not."""
    needed = 0 if facts.needed is None else facts.needed.remedy_needed
    given = len(released_by(facts.shares, "R", one.tree))
    return one.b_value is None and 0 < needed <= given


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

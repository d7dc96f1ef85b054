"""The bids of an opening: the state of each, and the prices that were read aloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from bidding.opening.domain import Listed, Result, released_by
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

"""The list of notices with its search, as plain values for the template."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bidding.tender.domain import Lot
from sunbid.pages.elements import Tag, share_of
from sunbid.pages.lifecycle import GROUPS, group_of, status_tag

PAGE_SIZE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a visitor looks for."""

    query: str = ""
    group: str = ""
    category: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One choice of a filter with the number of notices that it leaves."""

    value: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One notice in the list."""

    href: str
    # Pieces of the title; the second of each pair says whether the search found it.
    title: tuple[tuple[str, bool], ...]
    tags: tuple[Tag, ...]
    summary: str
    number: str
    buyer: str
    region: str
    ceiling_price_yuan: Decimal
    deadline_at: datetime | None
    left: timedelta | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesView:
    """The page of all notices that a search finds."""

    search: Search
    rows: tuple[NoticeRow, ...]
    count: int
    as_of: datetime
    groups: tuple[Facet, ...]
    categories: tuple[Facet, ...]
    pages: int

    @property
    def is_filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.search.query or self.search.group or self.search.category)

    @property
    def first(self) -> int:
        """The number of the first row shown."""
        return (self.search.page - 1) * PAGE_SIZE + 1


def notices_view(lots: Sequence[Lot], search: Search, now: datetime) -> NoticesView:
    """The notices that fit the filters, those still open first, by their deadline."""
    groups = Counter(group_of(lot) for lot in lots)
    in_group = [lot for lot in lots if search.group in {"", group_of(lot)}]
    categories = Counter(lot.category for lot in in_group)
    found = [lot for lot in in_group if search.category in {"", lot.category}]
    ordered = sorted(found, key=lambda lot: deadline_order(lot, now))
    start = (search.page - 1) * PAGE_SIZE
    return NoticesView(
        search=search,
        rows=tuple(
            notice_row(lot, search.query, now) for lot in ordered[start : start + PAGE_SIZE]
        ),
        count=len(found),
        as_of=now,
        groups=tuple(
            Facet(value=name, count=groups[name], is_chosen=name == search.group) for name in GROUPS
        ),
        categories=tuple(
            Facet(value=name, count=count, is_chosen=name == search.category)
            for name, count in sorted(categories.items())
        ),
        pages=max(1, -(-len(found) // PAGE_SIZE)),
    )


def deadline_order(lot: Lot, now: datetime) -> tuple[bool, float]:
    """Open notices by what is left, then the others, latest deadline first."""
    if lot.deadline_at is None:
        return True, 0.0
    left = (lot.deadline_at - now).total_seconds()
    return (False, left) if left > 0 else (True, -left)


def notice_row(lot: Lot, query: str, now: datetime) -> NoticeRow:
    """One notice as the list shows it."""
    is_open = lot.deadline_at is not None and group_of(lot) == "bidding"
    left = lot.deadline_at - now if is_open and lot.deadline_at is not None else None
    return NoticeRow(
        href=f"/lots/{lot.id}",
        title=found_in(lot_title(lot), query),
        tags=(status_tag(lot),),
        summary=lot.summary,
        number=lot.tender_number,
        buyer=lot.parties.buyer_name,
        region=lot.region,
        ceiling_price_yuan=lot.ceiling_price_yuan,
        deadline_at=lot.deadline_at,
        left=left if left is not None and left > timedelta() else None,
        at=bidding_share(lot, now),
    )


def lot_title(lot: Lot) -> str:
    """The title of the tender, with that of the lot where it says more."""
    if lot.title in {"", lot.tender_title} or lot.title in lot.tender_title:
        return lot.tender_title
    return f"{lot.tender_title} {lot.title}"


def bidding_share(lot: Lot, now: datetime) -> int:
    """How much of the time for bids is over, in percent."""
    if lot.published_at is None or lot.deadline_at is None:
        return 0
    return share_of(now - lot.published_at, lot.deadline_at - lot.published_at)


def found_in(text: str, query: str) -> tuple[tuple[str, bool], ...]:
    """The text cut where the query stands in it."""
    if not query or query.lower() not in text.lower():
        return ((text, False),)
    pieces: list[tuple[str, bool]] = []
    rest = text
    while (at := rest.lower().find(query.lower())) >= 0:
        pieces += [(rest[:at], False), (rest[at : at + len(query)], True)]
        rest = rest[at + len(query) :]
    return tuple(piece for piece in [*pieces, (rest, False)] if piece[0])

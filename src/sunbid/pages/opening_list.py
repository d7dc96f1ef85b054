"""The list of openings: to come, running, done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bidding.tender.domain import Lot
from sunbid.pages.elements import (
    Tag,
)
from sunbid.pages.lifecycle import status_tag
from sunbid.pages.notices import lot_title


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

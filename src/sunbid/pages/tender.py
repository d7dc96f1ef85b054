"""The page of one lot: its timeline, facts, documents, and who can see what now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from bidding.tender.domain import Document, Lot
from bidding.tender.postponement_store import Postponement
from foundation.language import capitals
from sunbid.pages.elements import (
    Action,
    Crumb,
    Deadline,
    Fact,
    FileLine,
    Sealed,
    Stage,
    Tag,
    Text,
    words,
)
from sunbid.pages.lifecycle import LotTimes, group_of, lot_dial, status_tag
from sunbid.pages.notices import lot_title

METHODS: Final = frozenset({"comprehensive_evaluation", "lowest_evaluated_price"})
REGIMES: Final = frozenset({"construction", "construction-pilot", "procurement", "voluntary"})
FACTS: Final = frozenset(
    {"place", "area", "storeys", "duration", "machine_code", "qualification", "quality", "size"}
)
VOLUMES: Final = frozenset({"qual", "qualification", "tech", "technical", "price"})
AFTER_OPENING: Final = frozenset({"evaluation", "standstill", "awarded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """One kind of knowledge: sealed until an hour, or public with the place to see it."""

    label: Text
    sealed: Sealed | None
    shown: Text | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenderView:
    """The public page of a lot."""

    lot_id: str
    title: str
    number: str
    buyer: str
    agency: str
    tags: tuple[Tag, ...]
    crumbs: tuple[Crumb, ...]
    dial: tuple[Stage, ...]
    deadline: Deadline | None
    facts: tuple[Fact, ...]
    files: tuple[FileLine, ...]
    size: int
    lamps: tuple[Lamp, ...]
    links: tuple[Action, ...]
    stamps: tuple[Text, ...]
    postponed: tuple[Postponement, ...] = ()
    # Whether an address may be left, to be told of changes.
    tells: bool = False
    has_left: bool = False


def tender_view(
    lot: Lot, documents: Sequence[Document], now: datetime, times: LotTimes, *, is_bidder: bool
) -> TenderView:
    """Everything public about a lot at this time."""
    return TenderView(
        lot_id=str(lot.id),
        title=lot_title(lot),
        number=lot.tender_number,
        buyer=lot.parties.buyer_name,
        agency=lot.parties.agency_name,
        tags=(status_tag(lot), *regime_tags(lot)),
        crumbs=(
            Crumb(label=words("notices.title"), href="/tenders"),
            Crumb(label=lot.tender_number),
        ),
        dial=lot_dial(lot, now, times),
        deadline=bids_deadline(lot, now, is_bidder=is_bidder),
        facts=lot_facts(lot),
        files=tuple(file_line(document) for document in documents),
        size=sum(document.size for document in documents),
        lamps=lamps(lot),
        links=links(lot),
        stamps=stamps(lot),
    )


def regime_tags(lot: Lot) -> tuple[Tag, ...]:
    """The law that governs the tender, and whether award is separated from evaluation."""
    known = lot.regime in REGIMES
    regime = Tag(label=words(f"regime.{lot.regime}") if known else lot.regime)
    separated = Tag(label=words("tender.separated"))
    return (regime, separated) if lot.award_separated else (regime,)


def bids_deadline(lot: Lot, now: datetime, *, is_bidder: bool) -> Deadline | None:
    """The card of the deadline while bids are open."""
    if lot.deadline_at is None or lot.published_at is None or group_of(lot) != "bidding":
        return None
    bid = Action(label=words("tender.take_part"), href=f"/lots/{lot.id}/bid", kind="primary")
    login = Action(label=words("tender.login_to_bid"), href="/login", kind="primary")
    return Deadline(
        title=words("tender.until_deadline"),
        closes_at=lot.deadline_at,
        since=lot.published_at,
        now=now,
        note=words("tender.what_counts"),
        action=bid if is_bidder else login,
    )


def lot_facts(lot: Lot) -> tuple[Fact, ...]:
    """The facts a bidder asks for first, then those that the notice adds."""
    method = str(lot.method.get("name", lot.method.get("kind", "")))
    first = (
        Fact(
            label=words("tender.ceiling"),
            value=lot.ceiling_price_yuan,
            kind="money",
            note=words("tender.in_words", capitals=capitals(lot.ceiling_price_yuan)),
        ),
        Fact(label=words("tender.lot"), value=words("tender.lot_n", number=lot.number)),
        Fact(label=words("tender.duration"), value=words("tender.days", n=lot.duration_days)),
        Fact(
            label=words("tender.method"),
            value=words(f"method.{method}") if method in METHODS else method,
            note=words("tender.method_digest", digest=lot.method_sha256[:16]),
            href=f"/api/v1/lots/{lot.id}",
        ),
        Fact(
            label=words("tender.volumes"),
            value=words("tender.volumes_n", n=len(lot.volumes), names=volume_names(lot.volumes)),
        ),
        Fact(
            label=words("tender.minimum"),
            value=words("tender.bidders", n=lot.minimum_bidders),
        ),
    )
    return (*first, *(told_fact(name, text) for name, text in lot.facts.items()))


def told_fact(name: str, text: str) -> Fact:
    """A fact of the notice: its name by code, or in its own words."""
    return Fact(label=words(f"fact.{name}") if name in FACTS else name, value=text)


def volume_names(volumes: Sequence[str]) -> tuple[Text, ...]:
    """The volumes of a bid in the public's words; an unknown one keeps its own name."""
    return tuple(words(f"volume.{name}") if name in VOLUMES else name for name in volumes)


def file_line(document: Document) -> FileLine:
    """A document of the tender as a line with its digest."""
    return FileLine(
        name=document.name,
        href=f"/api/v1/lots/{document.lot}/documents/{quote(document.name)}",
        size=document.size,
        sha256=document.sha256,
        published_at=document.added_at,
    )


def lamps(lot: Lot) -> tuple[Lamp, ...]:
    """What is sealed now and when it will be lit; what is lit already, and where."""
    group = group_of(lot)
    hall = f"/lots/{lot.id}/opening"
    at_deadline = words("lamp.at", at=lot.deadline_at) if lot.deadline_at else words("lamp.opening")
    names_open = group in AFTER_OPENING
    return (
        lamp("bidders", at_deadline, is_open=names_open, href=hall),
        lamp("prices", words("lamp.opening"), is_open=names_open, href=hall),
        lamp(
            "experts",
            words("lamp.result"),
            is_open=group in {"standstill", "awarded"},
            href=f"/lots/{lot.id}/candidates",
        ),
    )


def lamp(name: str, until: Text, *, is_open: bool, href: str) -> Lamp:
    """One kind of knowledge, sealed or lit."""
    label = words(f"lamp.{name}")
    if is_open:
        return Lamp(label=label, sealed=None, shown=words("lamp.lit"), href=href)
    return Lamp(label=label, sealed=Sealed(until=until))


def links(lot: Lot) -> tuple[Action, ...]:
    """The pages of the lot's later stages, as soon as they exist."""
    group = group_of(lot)
    found: list[Action] = []
    if group in {"opening", "evaluation", "standstill", "awarded", "ended"}:
        found.append(Action(label=words("tender.to_hall"), href=f"/lots/{lot.id}/opening"))
    if group in {"standstill", "awarded"}:
        found.append(Action(label=words("tender.to_candidates"), href=f"/lots/{lot.id}/candidates"))
    if group == "awarded":
        found.append(Action(label=words("tender.to_award"), href=f"/lots/{lot.id}/award"))
    return tuple(found)


def stamps(lot: Lot) -> tuple[Text, ...]:
    """Where what counts comes from: the signed schedule and opening keys."""
    found: list[Text] = []
    if lot.schedule:
        found.append(words("tender.schedule_sid", sid=lot.schedule[:16]))
    if lot.opening_keys:
        found.append(words("tender.keys_sid", sid=lot.opening_keys[:16]))
    return tuple(found)

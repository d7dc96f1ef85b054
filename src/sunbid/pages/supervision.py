"""The supervisor's pages: the list of clues, one tender's examination, two bids side by side.

A clue is never a verdict: each card carries its article, how common it is among peers, and what
may explain it innocently. A person decides, with a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from sunbid.pages.charts import Link, Spark, Strip, passage_map, price_strip
from sunbid.pages.elements import Action, Crumb, Fact, Tag, Text, words
from supervision.forensics.alignment import Run

Grade = Literal["A", "B", "C"]
Standing = Literal["waiting", "running", "decided"]
STANDINGS: Final[tuple[Standing, ...]] = ("waiting", "running", "decided")
LETTERS: Final = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A piece of evidence in one line: its grade in ink and what it is."""

    grade: Grade
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ClueRow:
    """One tender in the list of clues."""

    href: str
    title: str
    number: str
    is_new: bool
    chips: tuple[Chip, ...]
    involved: tuple[Text, ...]
    # How often the strongest evidence is seen among comparable pairs, as text with its base.
    base_rate: Text
    advice: Tag
    due_at: datetime | None
    left: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One state of cases with the number of them."""

    standing: Standing
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxView:
    """The supervisor's list."""

    facts: tuple[Fact, ...]
    tabs: tuple[Tab, ...]
    rows: tuple[ClueRow, ...]


def inbox_view(
    rows: Sequence[ClueRow], counts: Mapping[Standing, int], current: Standing, true: int
) -> InboxView:
    """The list in its order: independent grade A evidence first, then the date due."""
    ordered = sorted(rows, key=clue_order)
    decided = counts["decided"]
    share = words("clues.share", n=round(100 * true / decided)) if decided else words("site.none")
    return InboxView(
        facts=(
            Fact(label=words("clues.waiting"), value=counts["waiting"], kind="big"),
            Fact(label=words("clues.running"), value=counts["running"], kind="big"),
            Fact(
                label=words("clues.true"),
                value=share,
                kind="big",
                note=words("clues.true_base", decided=decided, true=true),
            ),
            Fact(label=words("clues.verdict"), value=words("clues.verdict_person"), kind="big"),
        ),
        tabs=tuple(
            Tab(standing=name, count=counts[name], is_current=name == current) for name in STANDINGS
        ),
        rows=tuple(ordered),
    )


def clue_order(row: ClueRow) -> tuple[int, int, timedelta]:
    """Never one number: the count of A, then of B, then what is left of the time."""
    grades = [chip.grade for chip in row.chips]
    return -grades.count("A"), -grades.count("B"), row.left or timedelta.max


def advice_tag(grades: Sequence[Grade]) -> Tag:
    """What the evidence suggests doing; a suggestion for a person."""
    if "A" in grades:
        return Tag(label=words("clues.first"), state="bad", icon="warn")
    if "B" in grades:
        return Tag(label=words("clues.follow"), state="warn", icon="half")
    return Tag(label=words("clues.may_leave"), icon="ring")


# ---- the examination of one tender


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How peers look, with this case marked among them."""

    spark: Spark
    label: Text
    mark: Text
    low: Text
    high: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """What a supervisor noted on a piece of evidence."""

    choice: Literal["", "accepted", "more", "dismissed"] = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCard:
    """One piece of evidence, complete with what speaks against it."""

    id: str
    grade: Grade
    title: Text
    article: str
    text: Text
    distribution: Distribution | None
    innocent: Text
    links: tuple[Action, ...]
    stamps: tuple[Text, ...]
    disposition: Disposition


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """One price in the table beside the chart."""

    name: str
    label: str
    price_yuan: Decimal
    gap_yuan: Decimal | None
    is_marked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminationView:
    """The examination of one tender."""

    case_id: str
    title: str
    crumbs: tuple[Crumb, ...]
    tags: tuple[Tag, ...]
    lead: Text
    cards: tuple[EvidenceCard, ...]
    strip: Strip
    prices: tuple[PriceLine, ...]
    pairs: tuple[tuple[Text, Text], ...]
    actions: tuple[Action, ...]
    decide_address: str


def short_label(number: int) -> str:
    """A bidder's mark on the chart, in the order of price: A, B, C …; names may hold 甲 or 乙."""
    return chr(ord("A") + number) if number < LETTERS else str(number + 1)


def price_lines(prices: Mapping[str, Decimal], marked: frozenset[str]) -> tuple[PriceLine, ...]:
    """The prices from low to high with the gap to the one before."""
    ordered = sorted(prices.items(), key=lambda pair: (pair[1], pair[0]))
    lines: list[PriceLine] = []
    for number, (name, price) in enumerate(ordered):
        gap = price - lines[-1].price_yuan if lines else None
        lines.append(
            PriceLine(
                name=name,
                label=short_label(number),
                price_yuan=price,
                gap_yuan=gap,
                is_marked=name in marked,
            )
        )
    return tuple(lines)


def strip_of(lines: Sequence[PriceLine], ceiling_yuan: Decimal) -> Strip:
    """The chart of the same prices; the involved ones are diamonds."""
    return price_strip(
        [(line.label, line.price_yuan) for line in lines],
        ceiling_yuan,
        frozenset(line.label for line in lines if line.is_marked),
    )


# ---- two bids side by side


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two documents."""

    label: str
    bidder: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One shared passage, run by run: what is equal and what differs."""

    number: int
    chars: int
    a_page: int
    b_page: int
    runs: tuple[Run, ...]
    # Where it stands in each document, as shares of the length.
    a_place: float
    b_place: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyRow:
    """One property of the two files."""

    name: Text
    a: str
    b: str
    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareView:
    """Two bids side by side at one passage."""

    crumbs: tuple[Crumb, ...]
    a: Side
    b: Side
    total: int
    chars: int
    passages: tuple[Passage, ...]
    current: int
    links: tuple[Link, ...]
    previous: str | None
    next: str | None
    properties: tuple[PropertyRow, ...]
    same_properties: int


AROUND: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the comparison of two bids found."""

    address: str
    crumbs: tuple[Crumb, ...]
    a: Side
    b: Side
    passages: Sequence[Passage]
    properties: Sequence[PropertyRow]


def compare_view(found: Comparison, current: int) -> CompareView:
    """The two bids at one passage, with its neighbours above and below."""
    total = len(found.passages)
    current = max(1, min(current, total)) if total else 0
    return CompareView(
        crumbs=found.crumbs,
        a=found.a,
        b=found.b,
        total=total,
        chars=sum(passage.chars for passage in found.passages),
        passages=tuple(p for p in found.passages if abs(p.number - current) <= AROUND),
        current=current,
        links=passage_map([(p.a_place, p.b_place) for p in found.passages], current),
        previous=f"{found.address}?passage={current - 1}" if current > 1 else None,
        next=f"{found.address}?passage={current + 1}" if current < total else None,
        properties=tuple(found.properties),
        same_properties=sum(row.a == row.b for row in found.properties),
    )

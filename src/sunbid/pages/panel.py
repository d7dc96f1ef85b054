"""The expert's pages: the seats one holds, the split view of document and criteria, what is left.

An expert sees its own marks and the blind codes of bids; no price, no name, no other seat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from bidding.scoring.domain import Criterion, Method
from experts.panel.domain import NAMED_VOLUMES
from sunbid.pages.elements import Action, Banner, Tag, Text, words

Key = tuple[str, str]
HEAT: Final = 4
MOST_COMMENT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftMark:
    """What this seat has noted for one bid under one criterion."""

    score: Decimal | None
    passed: bool | None
    comment: str
    saved_at: datetime

    @property
    def is_set(self) -> bool:
        """Whether the criterion is decided."""
        return self.score is not None or self.passed is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPage:
    """One page of a blind document: a picture of it, or its text."""

    number: int
    image: str | None
    paragraphs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDocument:
    """The document in the left pane."""

    name: str
    page: int
    pages: int
    sheets: tuple[SheetPage, ...]
    previous: str | None
    next: str | None
    download: str
    is_readable: bool
    # Other files of the same bid: name, address, whether it is this one.
    files: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDoor:
    """Volumes that this seat may not read yet: why, and the way in once it may."""

    text: Text
    open_address: str | None


def closed_door(lot_id: str, technical_left: int) -> ClosedDoor:
    """The qualification volumes before this seat opened them."""
    if technical_left:
        return ClosedDoor(text=words("seat.technical_first", n=technical_left), open_address=None)
    address = f"/seats/{lot_id}/qualification"
    return ClosedDoor(text=words("seat.will_freeze"), open_address=address)


@dataclass(frozen=True, slots=True, kw_only=True)
class BidTab:
    """One blind bid with how far this seat has come."""

    code: str
    href: str
    done: int
    total: int
    is_current: bool

    @property
    def is_done(self) -> bool:
        """Whether every criterion of the bid is decided."""
        return self.done == self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionLine:
    """One criterion in the right pane."""

    number: int
    id: str
    name: str
    kind: Literal["pass_fail", "range", "banded"]
    most: Decimal | None
    step: Decimal | None
    mark: DraftMark | None
    href: str
    is_current: bool
    bands: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """One of this seat's marks in the matrix; `heat` is how near to full marks it is."""

    href: str
    heat: str
    score: Decimal | None
    passed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One criterion across all bids."""

    number: int
    name: str
    most: Decimal | None
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringView:
    """The main screen of an expert."""

    lot_id: str
    title: str
    seat: int
    saved_at: datetime | None
    bids: tuple[BidTab, ...]
    code: str
    document: OpenDocument | None
    door: ClosedDoor | None
    criteria: tuple[CriterionLine, ...]
    current: CriterionLine
    others: tuple[tuple[str, Decimal], ...]
    subtotal: Decimal
    full: Decimal
    done: int
    total: int
    matrix: tuple[MatrixRow, ...]
    previous_bid: str | None
    next_bid: str | None
    previous_criterion: str | None
    next_criterion: str | None
    draft_address: str
    finish: Action
    is_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatWork:
    """What a seat scores, and what it has noted so far."""

    lot_id: str
    title: str
    seat: int
    method: Method
    codes: Sequence[str]
    marks: Mapping[Key, DraftMark]
    is_signed: bool = False


def scoring_view(
    work: SeatWork,
    code: str,
    criterion_id: str,
    document: OpenDocument | None,
    door: ClosedDoor | None = None,
) -> ScoringView:
    """The split view at one bid and one criterion."""
    criteria = criterion_lines(work, code, criterion_id)
    at = next(i for i, line in enumerate(criteria) if line.is_current)
    place = list(work.codes).index(code)
    own = [line.mark.score for line in criteria if line.mark and line.mark.score is not None]
    decided = [mark for mark in work.marks.values() if mark.is_set]
    return ScoringView(
        lot_id=work.lot_id,
        title=work.title,
        seat=work.seat,
        saved_at=max((mark.saved_at for mark in work.marks.values()), default=None),
        bids=tuple(bid_tab(work, one, criterion_id, is_current=one == code) for one in work.codes),
        code=code,
        document=document,
        door=door,
        criteria=criteria,
        current=criteria[at],
        others=other_scores(work, code, criterion_id),
        subtotal=sum(own, Decimal(0)),
        full=sum((c.max for c in work.method.criteria if c.max is not None), Decimal(0)),
        done=len(decided),
        total=len(work.codes) * len(work.method.criteria),
        matrix=matrix(work, code, criterion_id),
        previous_bid=bid_href(work, place - 1, criterion_id),
        next_bid=bid_href(work, place + 1, criterion_id),
        previous_criterion=criteria[at - 1].href if at else None,
        next_criterion=criteria[at + 1].href if at + 1 < len(criteria) else None,
        draft_address=f"/seats/{work.lot_id}/marks",
        finish=Action(label=words("seat.finish"), href=f"/seats/{work.lot_id}/sheet"),
        is_signed=work.is_signed,
    )


def cell_href(work: SeatWork, code: str, criterion_id: str) -> str:
    """Where one bid is scored under one criterion."""
    return f"/seats/{work.lot_id}/{code}/{criterion_id}"


def bid_href(work: SeatWork, place: int, criterion_id: str) -> str | None:
    """The next or previous bid under the same criterion, or None at the ends."""
    if not 0 <= place < len(work.codes):
        return None
    return cell_href(work, work.codes[place], criterion_id)


def bid_tab(work: SeatWork, code: str, criterion_id: str, *, is_current: bool) -> BidTab:
    """One bid above the panes."""
    criteria = work.method.criteria
    done = sum(1 for c in criteria if is_decided(work.marks.get((code, c.id))))
    return BidTab(
        code=code,
        href=cell_href(work, code, criterion_id),
        done=done,
        total=len(criteria),
        is_current=is_current,
    )


def is_decided(mark: DraftMark | None) -> bool:
    """Whether something is noted."""
    return mark is not None and mark.is_set


def criterion_lines(work: SeatWork, code: str, current: str) -> tuple[CriterionLine, ...]:
    """The criteria of one bid with this seat's marks."""
    return tuple(
        CriterionLine(
            number=number,
            id=c.id,
            name=c.name,
            kind=c.kind,
            most=c.max,
            step=c.step,
            mark=work.marks.get((code, c.id)),
            href=cell_href(work, code, c.id),
            is_current=c.id == current,
            bands=bands(c),
        )
        for number, c in enumerate(work.method.criteria, start=1)
    )


def bands(criterion: Criterion) -> tuple[Decimal, ...]:
    """The values that a banded criterion allows, from full marks down."""
    if criterion.kind != "banded" or not criterion.max or not criterion.step:
        return ()
    count = int(criterion.max / criterion.step)
    return tuple(criterion.step * i for i in range(count, -1, -1))


def other_scores(work: SeatWork, code: str, criterion_id: str) -> tuple[tuple[str, Decimal], ...]:
    """What this seat gave the other bids under the same criterion."""
    found = ((one, work.marks.get((one, criterion_id))) for one in work.codes if one != code)
    return tuple((one, m.score) for one, m in found if m is not None and m.score is not None)


def matrix(work: SeatWork, code: str, criterion_id: str) -> tuple[MatrixRow, ...]:
    """All of this seat's marks, criteria by bids."""
    return tuple(
        MatrixRow(
            number=number,
            name=c.name,
            most=c.max,
            cells=tuple(
                matrix_cell(work, one, c, is_current=(one, c.id) == (code, criterion_id))
                for one in work.codes
            ),
        )
        for number, c in enumerate(work.method.criteria, start=1)
    )


def matrix_cell(work: SeatWork, code: str, criterion: Criterion, *, is_current: bool) -> MatrixCell:
    """One cell; what is not decided is dashed."""
    mark = work.marks.get((code, criterion.id))
    return MatrixCell(
        href=cell_href(work, code, criterion.id),
        heat="now" if is_current else heat(mark, criterion),
        score=None if mark is None else mark.score,
        passed=None if mark is None else mark.passed,
    )


def heat(mark: DraftMark | None, criterion: Criterion) -> str:
    """How dark a cell is: a step for each third above half marks."""
    if mark is None or not mark.is_set:
        return "todo"
    if mark.passed is not None:
        return "1" if mark.passed else "0"
    if mark.score is None or not criterion.max:
        return "0"
    share = mark.score / criterion.max
    return "2" if share >= Decimal("0.85") else ("1" if share >= Decimal("0.7") else "0")


# ---- the list of seats, and the sheet to be signed


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLine:
    """One panel on which this expert sits."""

    title: str
    number: str
    seat: int
    tag: Tag
    text: Text
    action: Action | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatsView:
    """All panels of an expert."""

    lines: tuple[SeatLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One mark on the sheet that is going to be signed."""

    code: str
    criterion: str
    score: Decimal | None
    passed: bool | None
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """The whole scorecard before its signature, or after."""

    title: str
    seat: int
    rows: tuple[SheetRow, ...]
    missing: int
    banner: Banner
    back: str
    submit: Action | None


def sheet_view(work: SeatWork, *, signed_at: datetime | None) -> SheetView:
    """The scorecard of a seat as it will be signed."""
    names = {c.id: c.name for c in work.method.criteria}
    rows = tuple(
        sheet_row(code, names[c.id], work.marks.get((code, c.id)))
        for code in work.codes
        for c in work.method.criteria
    )
    missing = sum(row.score is None and row.passed is None for row in rows)
    ready = signed_at is None and missing == 0
    return SheetView(
        title=work.title,
        seat=work.seat,
        rows=rows,
        missing=missing,
        banner=sheet_banner(signed_at, missing),
        back=way_back(work),
        submit=submit_action(work) if ready else None,
    )


def way_back(work: SeatWork) -> str:
    """The first cell to decide; where all are decided the first of all, never the sheet again."""
    first = first_left(work) or next(iter(cells_in_order(work)), None)
    return "/seats" if first is None else cell_href(work, *first)


def first_left(work: SeatWork) -> Key | None:
    """The first cell that is not decided, None where all are."""
    cells = cells_in_order(work)
    return next((cell for cell in cells if not is_decided(work.marks.get(cell))), None)


def cells_in_order(work: SeatWork) -> list[Key]:
    """Bid by bid; technical marks before all, for the qualification volumes name the bidders."""
    ordered = sorted(work.method.criteria, key=lambda c: c.volume in NAMED_VOLUMES)
    named = [c.id for c in ordered if c.volume in NAMED_VOLUMES]
    cells = [(code, c.id) for code in work.codes for c in ordered]
    return sorted(cells, key=lambda cell: cell[1] in named)


def submit_action(work: SeatWork) -> Action:
    """The irreversible step: the sheet goes to the expert's own device to be signed."""
    place = f"/seats/{work.lot_id}/sheet"
    return Action(label=words("seat.to_device"), href=place, kind="primary", post=True)


def sheet_row(code: str, criterion: str, mark: DraftMark | None) -> SheetRow:
    """One mark, or its absence."""
    if mark is None:
        return SheetRow(code=code, criterion=criterion, score=None, passed=None, comment="")
    return SheetRow(
        code=code,
        criterion=criterion,
        score=mark.score,
        passed=mark.passed,
        comment=mark.comment,
    )


def sheet_banner(signed_at: datetime | None, missing: int) -> Banner:
    """Whether the sheet is signed, ready, or not complete."""
    if signed_at is not None:
        return Banner(
            state="sent", title=words("seat.signed"), text=words("seat.signed_text", at=signed_at)
        )
    if missing:
        return Banner(
            state="unsent",
            title=words("seat.incomplete"),
            text=words("seat.incomplete_text", n=missing),
        )
    return Banner(state="stale", title=words("seat.ready"), text=words("seat.ready_text"))

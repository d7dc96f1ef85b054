"""The expert's pages: seats, the split view with its documents, autosave, the sheet, the pledge."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from experts.panel import material
from experts.panel.domain import NAMED_VOLUMES
from experts.panel.domain import DraftMark as SavedMark
from experts.panel.material import BlindFile, BlindMaterial, OwnPanel
from foundation.identity.request import signed_in
from foundation.problems import NotFound
from foundation.statements.canonical import Json, time_text
from foundation.statements.signed import unsigned
from foundation.web import AnyRequest, page, wants_page
from sunbid.pages.elements import Action, Tag, words
from sunbid.pages.panel import (
    DraftMark,
    OpenDocument,
    SeatLine,
    SeatsView,
    SeatWork,
    SheetPage,
    cell_href,
    closed_door,
    first_left,
    scoring_view,
    sheet_view,
)
from sunbid.pages.sheets import picture_of, read_sheet
from sunbid.web.login import start_signing

VERDICT: Final = {"yes": True, "no": False}


class UnknownCell(NotFound):
    """There is no such bid or criterion on this panel."""

    code = "unknown-cell"


class MarkForm(msgspec.Struct, frozen=True):
    """One mark as the form sends it."""

    code: str
    criterion: str
    comment: str = ""
    score: str = ""
    passed: str = ""
    next: str = ""


FormData = Annotated[MarkForm, Body(media_type=RequestEncodingType.MULTI_PART)]


@get("/seats", include_in_schema=False)
async def own_seats(request: AnyRequest) -> Response[str]:
    """The panels on which the expert sits."""
    found = await material.own_panels(request.app.state.desk.db, signed_in(request))
    view = SeatsView(lines=tuple(seat_line(one) for one in found))
    return await page(request, "panel/seats.html", view)


def seat_line(one: OwnPanel) -> SeatLine:
    """One panel with what there is to do."""
    place = f"/seats/{one.lot.id}"
    if not one.pledged:
        state, action = (
            "pledge",
            Action(
                label=words("seats.sign_pledge"), href=f"{place}/pledge", kind="primary", post=True
            ),
        )
    elif one.handed_in:
        state, action = "signed", Action(label=words("seat.sheet"), href=f"{place}/sheet")
    else:
        state, action = "scoring", Action(label=words("seats.open"), href=place, kind="primary")
    tag = Tag(
        label=words(f"seats.{state}"),
        state="ok" if state == "signed" else "now",
        icon="check" if state == "signed" else "sun",
    )
    return SeatLine(
        title=one.lot.tender_title,
        number=one.lot.tender_number,
        seat=one.seat,
        tag=tag,
        text=words("seat.matrix_note", done=one.decided, total=one.total),
        action=action,
    )


@post("/seats/{lot:uuid}/pledge", include_in_schema=False)
async def sign_pledge(request: AnyRequest, lot: FromPath[UUID]) -> Redirect:
    """Send the pledge to the expert's device."""
    found = await material.own_panels(request.app.state.desk.db, signed_in(request))
    own = next((one for one in found if one.lot.id == lot), None)
    if own is None:
        raise UnknownCell("you have no seat on this panel")
    text = request.app.state.pages.catalogue.text("zh", "seats.pledge_text")
    body = {**place_of(own.lot), "expert": str(own.expert), "conflicts": [], "text": text}
    return await start_signing(request, unsigned("pledge", body), "/seats")


def place_of(lot: Any) -> dict[str, Json]:
    """The lot as statements name it."""
    return {"v": 1, "tender": str(lot.tender), "lot": str(lot.id), "round": lot.round}


async def seat_work(request: AnyRequest, lot: UUID) -> tuple[SeatWork, BlindMaterial]:
    """What this seat scores and has noted."""
    db, actor = request.app.state.desk.db, signed_in(request)
    found = await material.blind_material(db, actor, lot)
    marks = await material.own_marks(db, actor, lot)
    work = SeatWork(
        lot_id=str(lot),
        title=found.lot.tender_title,
        seat=found.seat,
        method=found.method,
        codes=sorted(found.bids),
        marks={(m.code, m.criterion): shown_mark(m) for m in marks if m.saved_at is not None},
        is_signed=found.handed_in,
    )
    return work, found


def shown_mark(mark: SavedMark) -> DraftMark:
    """A saved mark as the page shows it."""
    return DraftMark(
        score=None if mark.score is None else Decimal(mark.score),
        passed=mark.passed,
        comment=mark.comment,
        saved_at=mark.saved_at,  # type: ignore[arg-type] # only saved ones come here
    )


@get("/seats/{lot:uuid}", include_in_schema=False)
async def first_cell(request: AnyRequest, lot: FromPath[UUID]) -> Redirect:
    """The first cell that is not decided, or the sheet."""
    work, _ = await seat_work(request, lot)
    todo = first_left(work)
    return Redirect(f"/seats/{lot}/sheet" if todo is None else cell_href(work, *todo))


@get("/seats/{lot:uuid}/{code:str}/{criterion:str}", include_in_schema=False)
async def cell(
    request: AnyRequest, lot: FromPath[UUID], code: FromPath[str], criterion: FromPath[str]
) -> Response[str]:
    """The split view at one bid and one criterion."""
    work, found = await seat_work(request, lot)
    wanted = next((c for c in work.method.criteria if c.id == criterion), None)
    if wanted is None or code not in work.codes:
        raise UnknownCell("expected a bid and a criterion of this panel; go back to your seats")
    document = await open_document(request, found, code, wanted.volume)
    door = None
    if wanted.volume in NAMED_VOLUMES and not found.is_unblinded:
        door = closed_door(str(lot), found.technical_left)
    view = scoring_view(work, code, criterion, document, door)
    return await page(request, "panel/scoring.html", view)


async def open_document(
    request: AnyRequest, found: BlindMaterial, code: str, volume: str
) -> OpenDocument | None:
    """The file and page that the pane shows."""
    files = sorted(
        (file for file in found.bids[code] if file.volume == volume),
        key=lambda file: (reading_order(file.name), file.name),
    )
    if not files:
        return None
    asked = request.query_params
    chosen = next((file for file in files if file.name == asked.get("file")), files[0])
    number = int(asked.get("page", "1")) if asked.get("page", "1").isdecimal() else 1
    content = await request.app.state.desk.objects.get(chosen.key)
    read = await read_sheet(chosen.name, content, number)
    number = max(1, min(number, read.pages))
    base = f"/seats/{found.lot.id}/{code}/files/{chosen.name}"
    image = f"{base}/{number}" if read.is_picture else None
    return OpenDocument(
        name=chosen.name,
        page=number,
        pages=read.pages,
        sheets=(SheetPage(number=number, image=image, paragraphs=read.paragraphs),),
        previous=f"?file={chosen.name}&page={number - 1}" if number > 1 else None,
        next=f"?file={chosen.name}&page={number + 1}" if number < read.pages else None,
        download=f"/api/v1/lots/{found.lot.id}/blind-bids/{code}/files/{chosen.name}",
        is_readable=read.is_readable,
        files=tuple(file_tab(file, chosen) for file in files),
    )


def reading_order(name: str) -> int:
    """Pages of print first, then text, then tables and data."""
    suffixes = (".pdf", ".docx", ".xlsx")
    return next((i for i, suffix in enumerate(suffixes) if name.endswith(suffix)), len(suffixes))


def file_tab(file: BlindFile, chosen: BlindFile) -> tuple[str, str, bool]:
    """One file of the bid above the pane."""
    return file.name, f"?file={file.name}", file.name == chosen.name


@get("/seats/{lot:uuid}/{code:str}/files/{name:str}/{number:int}", include_in_schema=False)
async def page_picture(
    request: AnyRequest,
    lot: FromPath[UUID],
    code: FromPath[str],
    name: FromPath[str],
    number: FromPath[int],
) -> Response[bytes]:
    """A picture of one page of a blind document, for the member who may read it."""
    desk = request.app.state.desk
    content = await material.blind_file(
        desk.db, desk.objects, signed_in(request), lot, code=code, name=name
    )
    picture = await picture_of(content, number)
    return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})


@post("/seats/{lot:uuid}/qualification", include_in_schema=False)
async def open_qualification(request: AnyRequest, lot: FromPath[UUID]) -> Redirect:
    """Open the qualification volumes for one's seat, then go to the first cell left."""
    await material.open_qualification(request.app.state.desk.db, signed_in(request), lot)
    return Redirect(f"/seats/{lot}", status_code=303)


@post("/seats/{lot:uuid}/marks", include_in_schema=False)
async def save_mark(request: AnyRequest, lot: FromPath[UUID], data: FormData) -> Response[Any]:
    """Save one mark: for the script a time, without script the next cell."""
    saved = await save_one(request, lot, data)
    if not wants_page(request):
        return Response({"saved_at": time_text(saved.saved_at), "version": saved.version})  # type: ignore[arg-type]
    back = data.next if data.next.startswith(f"/seats/{lot}") else f"/seats/{lot}"
    return Redirect(back, status_code=303)


async def save_one(request: AnyRequest, lot: UUID, data: MarkForm) -> SavedMark:
    """Save a mark over the newest version; the form belongs to one seat on one screen."""
    db, actor = request.app.state.desk.db, signed_in(request)
    held = await material.own_marks(db, actor, lot)
    empty = SavedMark(
        code=data.code, criterion=data.criterion, score=None, passed=None, comment="",
        version=0, saved_at=None,
    )  # fmt: skip
    mine = [m for m in held if (m.code, m.criterion) == (data.code, data.criterion)]
    wanted = replace(
        mine[0] if mine else empty,
        score=data.score.strip() or None,
        passed=VERDICT.get(data.passed),
        comment=data.comment.strip(),
    )
    return (await material.save_marks(db, actor, lot, [wanted]))[0]


@get("/seats/{lot:uuid}/sheet", include_in_schema=False)
async def sheet(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """The whole scorecard before its signature."""
    work, found = await seat_work(request, lot)
    last = max((mark.saved_at for mark in work.marks.values()), default=None)
    view = sheet_view(work, signed_at=last if found.handed_in else None)
    return await page(request, "panel/sheet.html", view)


@post("/seats/{lot:uuid}/sheet", include_in_schema=False)
async def sign_sheet(request: AnyRequest, lot: FromPath[UUID]) -> Redirect:
    """Send the scorecard to the expert's device."""
    db, actor = request.app.state.desk.db, signed_in(request)
    found = await material.blind_material(db, actor, lot)
    marks = await material.own_marks(db, actor, lot)
    rows = sorted(marks, key=lambda mark: (mark.code, mark.criterion))
    body = {
        **place_of(found.lot),
        "expert": str(found.expert),
        "method_sha256": found.method.sha256,
        "stage": "technical",
        "scores": [card_row(mark) for mark in rows],
    }
    return await start_signing(request, unsigned("scorecard", body), f"/seats/{lot}/sheet")


def card_row(mark: SavedMark) -> dict[str, Json]:
    """One mark as the scorecard holds it."""
    return {
        "code": mark.code,
        "criterion": mark.criterion,
        "score": mark.score,
        "passed": mark.passed,
        "comment": mark.comment,
    }


routes: Final = [
    own_seats,
    sign_pledge,
    first_cell,
    cell,
    page_picture,
    open_qualification,
    save_mark,
    sheet,
    sign_sheet,
]

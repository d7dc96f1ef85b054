"""Routes of the panel: a member's tasks, material and marks; state, result and report."""

from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from bidding.published import Mark, Result, score_text
from experts.panel import material, service
from experts.panel.domain import LONGEST_COMMENT, DraftMark
from foundation.identity.request import signed_in

AnyRequest = Request[Any, Any, Any]


class MarkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One mark; `version` is the one that was read, 0 for the first saving."""

    code: str
    criterion: str
    score: str | None
    passed: bool | None
    comment: Annotated[str, Meta(max_length=LONGEST_COMMENT)]
    version: Annotated[int, Meta(ge=0)]


class MarksBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Marks that are saved together, all or none."""

    marks: Annotated[list[MarkBody], Meta(min_length=1, max_length=2000)]


@get("/api/v1/panels", tags=["panel"])
async def own_panels(request: AnyRequest) -> list[dict[str, Any]]:
    """The panels on which the expert who asks has a seat."""
    found = await material.own_panels(request.app.state.desk.db, signed_in(request))
    return [
        {
            "lot": str(one.lot.id),
            "tender": str(one.lot.tender),
            "round": one.lot.round,
            "title": one.lot.tender_title,
            "expert": str(one.expert),
            "seat": one.seat,
            "pledged": one.pledged,
            "status": one.status,
            "handed_in": one.handed_in,
            "decided": one.decided,
            "total": one.total,
        }
        for one in found
    ]


@get("/api/v1/lots/{lot:uuid}/blind-bids", tags=["panel"])
async def blind_material(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """The method and the bids under their codes; for members who have pledged."""
    found = await material.blind_material(request.app.state.desk.db, signed_in(request), lot)
    return {
        "v": 1,
        "tender": str(found.lot.tender),
        "lot": str(found.lot.id),
        "round": found.lot.round,
        "expert": str(found.expert),
        "seat": found.seat,
        "status": found.status,
        "handed_in": found.handed_in,
        "unblinded": found.is_unblinded,
        "technical_left": found.technical_left,
        "method": dict(found.lot.method),
        "method_sha256": found.method.sha256,
        "bids": [
            {
                "code": code,
                "files": [{"volume": file.volume, "name": file.name} for file in files],
            }
            for code, files in sorted(found.bids.items())
        ],
    }


@post("/api/v1/lots/{lot:uuid}/qualification", tags=["panel"], status_code=204)
async def open_qualification(request: AnyRequest, lot: FromPath[UUID]) -> None:
    """Open the qualification volumes for one's seat; its technical marks are frozen by that."""
    await material.open_qualification(request.app.state.desk.db, signed_in(request), lot)


@get("/api/v1/lots/{lot:uuid}/blind-bids/{code:str}/files/{name:str}", tags=["panel"])
async def blind_file(
    request: AnyRequest, lot: FromPath[UUID], code: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """One file of a blind bid; for members who have pledged."""
    desk = request.app.state.desk
    content = await material.blind_file(
        desk.db, desk.objects, signed_in(request), lot, code=code, name=name
    )
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


@get("/api/v1/lots/{lot:uuid}/marks", tags=["panel"])
async def own_marks(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """The saved marks of one's own seat."""
    found = await material.own_marks(request.app.state.desk.db, signed_in(request), lot)
    return {"marks": [asdict(mark) for mark in found]}


@put("/api/v1/lots/{lot:uuid}/marks", tags=["panel"])
async def save_marks(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[MarksBody]
) -> dict[str, Any]:
    """Save marks of one's own seat, all or none; 412 when one was saved elsewhere since."""
    marks = [
        DraftMark(
            code=row.code,
            criterion=row.criterion,
            score=row.score,
            passed=row.passed,
            comment=row.comment,
            version=row.version,
            saved_at=None,
        )
        for row in data.marks
    ]
    saved = await material.save_marks(request.app.state.desk.db, signed_in(request), lot, marks)
    return {"marks": [asdict(mark) for mark in saved]}


@get("/api/v1/lots/{lot:uuid}/panel", tags=["panel"])
async def panel_state(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """How far the panel is, by seat numbers."""
    return asdict(await material.panel_state(request.app.state.desk.db, signed_in(request), lot))


@get("/api/v1/lots/{lot:uuid}/evaluation", tags=["panel"])
async def locked_result(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Marks of all seats, price scores, totals and traces, once the stage is locked."""
    found = await material.locked_result(request.app.state.desk.db, signed_in(request), lot)
    return {
        "price_benchmark": found.price_benchmark,
        "float": found.float_point,
        "results": [result_json(result) for result in found.results],
        "candidates": list(found.candidates),
        "marks": [mark_json(mark) for mark in found.marks],
    }


@post("/api/v1/lots/{lot:uuid}/evaluation-report", tags=["panel"])
async def offer_report(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Score the prices and offer the report to every member; for the agency."""
    db = request.app.state.desk.db
    return {"paper": await service.offer_report(db, signed_in(request), lot)}


@post("/api/v1/lots/{lot:uuid}/evaluation-report/settlement", tags=["panel"])
async def settle_report(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Accept a report that some signed and the others dissented from; for the agency."""
    await service.settle_report(request.app.state.desk.db, signed_in(request), lot)
    return {"accepted": True}


def result_json(result: Result) -> dict[str, Any]:
    """One bid's result; numbers as text."""
    numbers = ("technical", "price_yuan", "price_score", "total")
    shown = asdict(result)
    shown |= {name: None if shown[name] is None else f"{shown[name]:f}" for name in numbers}
    return shown


def mark_json(mark: Mark) -> dict[str, Any]:
    """One mark of a signed sheet."""
    return {**asdict(mark), "score": score_text(mark.score)}


routes: Final = [
    own_panels,
    blind_material,
    open_qualification,
    blind_file,
    own_marks,
    save_marks,
    panel_state,
    locked_result,
    offer_report,
    settle_report,
]

"""The supervisor's pages: clues, the examination of a lot, two bids side by side, dispositions."""

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from foundation.identity.request import signed_in
from foundation.problems import Invalid
from foundation.web import AnyRequest, page
from sunbid.pages.clues import comparison_of, examination_of, inbox_of, tab_of
from sunbid.pages.supervision import compare_view
from supervision.cases import service as cases
from supervision.cases.domain import Case, Note
from supervision.redflags import service as redflags


class NoCaseYet(Invalid):
    """The clues of this lot are no case yet."""

    code = "no-case-yet"


class DispositionForm(msgspec.Struct, frozen=True):
    """What a supervisor says about one finding."""

    evidence: UUID
    choice: Literal["accepted", "more", "dismissed"]
    reason: str


@get("/clues", include_in_schema=False)
async def inbox(request: AnyRequest) -> Response[str]:
    """The lots with clues that the supervisor answers for."""
    found = await cases.inbox_page(request.app.state.desk.db, signed_in(request))
    view = inbox_of(found, tab_of(request.query_params.get("state"), found))
    return await page(request, "supervision/inbox.html", view)


@get("/clues/{lot:uuid}", include_in_schema=False)
async def examination(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """The examination of one lot; the look itself is written into the ledger."""
    db, actor = request.app.state.desk.db, signed_in(request)
    found = await redflags.examination_page(db, actor, lot)
    case, notes, handler = await case_of(request, lot)
    view = examination_of(found, case, notes, handler)
    return await page(request, "supervision/examination.html", view)


async def case_of(
    request: AnyRequest, lot: UUID
) -> tuple[Case | None, tuple[Note, ...], str | None]:
    """The case about a lot with its notes and the handler's name, where there is one."""
    db, actor = request.app.state.desk.db, signed_in(request)
    case = await cases.case_of_lot(db, actor, lot)
    if case is None:
        return None, (), None
    found = await cases.case_page(db, actor, case.id)
    handler = None if case.handler is None else found.actors.get(case.handler)
    return case, found.notes, handler


@get("/clues/{lot:uuid}/compare/{number:int}", include_in_schema=False)
async def compare(request: AnyRequest, lot: FromPath[UUID], number: FromPath[int]) -> Response[str]:
    """Two bids side by side at one of their shared passages."""
    found = await redflags.examination_page(request.app.state.desk.db, signed_in(request), lot)
    asked = request.query_params.get("passage", "1")
    at = int(asked) if asked.isdecimal() and len(asked) < 6 else 1
    view = compare_view(comparison_of(found, number), at)
    return await page(request, "supervision/compare.html", view)


@post("/clues/{lot:uuid}/take", include_in_schema=False)
async def take(request: AnyRequest, lot: FromPath[UUID]) -> Redirect:
    """Make a case of a lot's clues and take it."""
    db, actor = request.app.state.desk.db, signed_in(request)
    held = await cases.case_of_lot(db, actor, lot) or await cases.open_case(db, actor, lot)
    await cases.take_case(db, actor, held.id)
    return Redirect(f"/clues/{lot}", status_code=303)


@post("/clues/{lot:uuid}/dispositions", include_in_schema=False)
async def dispose(
    request: AnyRequest,
    lot: FromPath[UUID],
    data: Annotated[DispositionForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Note what is thought of one finding, with the reason."""
    db, actor = request.app.state.desk.db, signed_in(request)
    held = await cases.case_of_lot(db, actor, lot)
    if held is None:
        raise NoCaseYet("take the case first, then say what you think of each finding")
    await cases.add_note(db, actor, held.id, data.reason, finding=data.evidence, choice=data.choice)
    return Redirect(f"/clues/{lot}#{data.evidence}", status_code=303)


routes: Final = [inbox, examination, compare, take, dispose]

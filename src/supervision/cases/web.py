"""Routes of cases: the list of clues, a case, its moves and notes."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from foundation.identity.request import signed_in
from foundation.statements.canonical import time_text
from supervision.cases import service
from supervision.cases.domain import LONGEST_TEXT, Case, Choice, Note, Outcome
from supervision.redflags.web import finding_line, suspicion_json

AnyRequest = Request[Any, Any, Any]
ShortText = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]


class OpenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The lot whose clues become a case."""

    lot: UUID


class NoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A note, or what is thought of a finding."""

    text: ShortText
    finding: UUID | None = None
    choice: Choice | None = None


class ProposalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a case is to end, and why."""

    outcome: Outcome
    reason: ShortText


class ConfirmationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the second person says to a proposal; sending it back needs a reason."""

    answer: Literal["confirm", "return"]
    reason: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""


def case_json(case: Case) -> dict[str, Any]:
    """A case as the interface shows it."""
    return {
        "id": str(case.id),
        "lot": str(case.lot),
        "status": case.status,
        "opened_by": str(case.opened_by),
        "opened_at": time_text(case.opened_at),
        "handler": None if case.handler is None else str(case.handler),
        "outcome": case.outcome,
        "reason": case.reason,
        "proposed_by": None if case.proposed_by is None else str(case.proposed_by),
        "proposed_at": None if case.proposed_at is None else time_text(case.proposed_at),
        "confirmed_by": None if case.confirmed_by is None else str(case.confirmed_by),
        "closed_at": None if case.closed_at is None else time_text(case.closed_at),
    }


def note_json(note: Note) -> dict[str, Any]:
    """A note as the interface shows it."""
    return {
        "id": str(note.id),
        "finding": None if note.finding is None else str(note.finding),
        "choice": note.choice,
        "text": note.text,
        "author": str(note.author),
        "author_name": note.author_name,
        "noted_at": time_text(note.noted_at),
    }


@get("/api/v1/supervision/inbox", tags=["supervision"])
async def inbox(request: AnyRequest) -> dict[str, Any]:
    """The lots with clues that the supervisor answers for."""
    page = await service.inbox_page(request.app.state.desk.db, signed_in(request))
    return {
        "counts": dict(page.counts),
        "confirmed": page.confirmed,
        "at": time_text(page.at),
        "clues": [
            {
                "lot": str(clue.lot.id),
                "tender_number": clue.lot.tender_number,
                "title": clue.lot.tender_title,
                "standing": clue.standing,
                "grade": clue.examination.grade,
                "suspicions": [suspicion_json(one) for one in clue.examination.suspicions],
                "findings": [finding_line(one) for one in clue.findings],
                "due_at": (
                    None if clue.examination.due_at is None else time_text(clue.examination.due_at)
                ),
                "case": None if clue.case is None else case_json(clue.case),
            }
            for clue in page.clues
        ],
    }


@post("/api/v1/cases", tags=["supervision"])
async def open_case(request: AnyRequest, data: JSONBody[OpenBody]) -> dict[str, Any]:
    """Make a case of a lot's clues."""
    db = request.app.state.desk.db
    return case_json(await service.open_case(db, signed_in(request), data.lot))


@get("/api/v1/cases/{case:uuid}", tags=["supervision"])
async def show_case(request: AnyRequest, case: FromPath[UUID]) -> dict[str, Any]:
    """A case with its notes."""
    page = await service.case_page(request.app.state.desk.db, signed_in(request), case)
    return {
        **case_json(page.case),
        "notes": [note_json(note) for note in page.notes],
        "actors": {str(one): name for one, name in page.actors.items()},
    }


@post("/api/v1/cases/{case:uuid}/handler", tags=["supervision"])
async def take_case(request: AnyRequest, case: FromPath[UUID]) -> dict[str, Any]:
    """Take a case."""
    db = request.app.state.desk.db
    return case_json(await service.take_case(db, signed_in(request), case))


@post("/api/v1/cases/{case:uuid}/notes", tags=["supervision"])
async def add_note(
    request: AnyRequest, case: FromPath[UUID], data: JSONBody[NoteBody]
) -> dict[str, str]:
    """Write a note into a case."""
    note = await service.add_note(
        request.app.state.desk.db,
        signed_in(request),
        case,
        data.text,
        finding=data.finding,
        choice=data.choice,
    )
    return {"id": str(note)}


@post("/api/v1/cases/{case:uuid}/proposal", tags=["supervision"])
async def propose_outcome(
    request: AnyRequest, case: FromPath[UUID], data: JSONBody[ProposalBody]
) -> dict[str, Any]:
    """Propose how a case ends."""
    made = await service.propose_outcome(
        request.app.state.desk.db, signed_in(request), case, data.outcome, data.reason
    )
    return case_json(made)


@post("/api/v1/cases/{case:uuid}/confirmation", tags=["supervision"])
async def answer_proposal(
    request: AnyRequest, case: FromPath[UUID], data: JSONBody[ConfirmationBody]
) -> dict[str, Any]:
    """Confirm a proposal or send it back, as a second person."""
    db, actor = request.app.state.desk.db, signed_in(request)
    if data.answer == "confirm":
        return case_json(await service.confirm_outcome(db, actor, case))
    return case_json(await service.return_case(db, actor, case, data.reason))


routes: Final = (
    inbox,
    open_case,
    show_case,
    take_case,
    add_note,
    propose_outcome,
    answer_proposal,
)

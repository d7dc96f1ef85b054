"""Routes of signed statements and of papers that wait for signatures."""

from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from foundation.identity.request import signed_in
from foundation.statements.canonical import Json, time_text
from foundation.statements.signed import BadSignature, from_json
from foundation.statements.store import Paper
from sunbid import doors

AnyRequest = Request[Any, Any, Any]


class StatementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A signed statement."""

    statement: dict[str, Any]


class Accepted(msgspec.Struct, frozen=True):
    """The sid of what was accepted."""

    sid: str


class SignatureTaken(msgspec.Struct, frozen=True):
    """Whether the paper is complete and accepted now."""

    sid: str
    complete: bool


@post("/api/v1/statements", tags=["statements"])
async def hand_in_statement(request: AnyRequest, data: JSONBody[StatementBody]) -> Accepted:
    """Hand in a statement of one signer: a member's, an expert's, a committee member's."""
    statement = from_json(data.statement)
    await doors.accept_statement(request.app.state.desk, signed_in(request), statement)
    return Accepted(sid=statement.sid)


@get("/api/v1/papers", tags=["statements"])
async def list_papers(request: AnyRequest) -> list[dict[str, Any]]:
    """List the papers that wait for one's signature."""
    found = await doors.waiting_papers(request.app.state.desk, signed_in(request))
    return [paper_json(one) for one in found]


@get("/api/v1/papers/{sid:str}", tags=["statements"])
async def show_paper(request: AnyRequest, sid: FromPath[str]) -> dict[str, Any]:
    """Show a paper that needs one's signature."""
    return paper_json(await doors.show_paper(request.app.state.desk, signed_in(request), sid))


@post("/api/v1/papers/{sid:str}/signatures", tags=["statements"])
async def sign_paper(
    request: AnyRequest, sid: FromPath[str], data: JSONBody[StatementBody]
) -> SignatureTaken:
    """Add one's signature to a paper; the statement is sent with exactly that signature."""
    statement = from_json(data.statement)
    if not statement.sigs:
        raise BadSignature("expected one's own signature in the statement, got none")
    _, complete = await doors.sign_paper(
        request.app.state.desk, signed_in(request), sid, statement.sigs[-1]
    )
    return SignatureTaken(sid=sid, complete=complete)


def paper_json(paper: Paper) -> dict[str, Json]:
    """Return a paper with who signed and who is waited for."""
    return {
        "sid": paper.statement.sid,
        "statement": paper.statement.json(),
        "scope": None if paper.scope is None else str(paper.scope),
        "offered_at": time_text(paper.offered_at),
        "completed_at": None if paper.completed_at is None else time_text(paper.completed_at),
        "signers": [
            {
                "role": w.required.role,
                "subject": w.required.subject,
                "kid": w.required.kid,
                "optional": w.required.optional,
                "signed_at": None if w.signed_at is None else time_text(w.signed_at),
            }
            for w in paper.waiting
        ],
    }


routes: Final = [hand_in_statement, list_papers, show_paper, sign_paper]

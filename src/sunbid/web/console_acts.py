"""Forms of the console beside its steps, and the objection of a bidder in the hall."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Meta

from bidding.opening.closings import replacement
from bidding.opening.oversight import answers, decisions, objections
from bidding.opening.oversight.grounds import CONFIRMED, FAULT, OUTAGE, Wish
from bidding.opening.results import stages
from foundation.identity import require
from foundation.identity.request import signed_in
from foundation.web import AnyRequest
from sunbid.web.custody import beijing_time
from sunbid.web.login import start_signing
from sunbid.web.own_acts import BIDDERS

PAPERS: Final = "/papers"


class StageForm(msgspec.Struct, frozen=True):
    """Who goes on to the next stage, and by which evaluation: one on record, or one on paper."""

    passed: list[UUID] | UUID = []
    evaluation: str = ""
    report_sha256: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""


class HourForm(msgspec.Struct, frozen=True):
    """When a later stage opens, in Beijing time."""

    stage: int
    opens_at: str


class OutageForm(msgspec.Struct, frozen=True):
    """When an outage began and ended, in Beijing time, and why it is one."""

    since: str
    until: str
    cause: str


class CauseForm(msgspec.Struct, frozen=True):
    """Why."""

    cause: str


class FaultForm(msgspec.Struct, frozen=True):
    """Whose fault a disputed envelope was, and why."""

    tree: str
    fault: str
    cause: str


class AnswerForm(msgspec.Struct, frozen=True):
    """What is said to an objection."""

    objection: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    text: str


class ObjectionForm(msgspec.Struct, frozen=True):
    """What a bidder objects to."""

    content: str


@post("/lots/{lot:uuid}/console/stage", include_in_schema=False)
async def propose_stage(
    request: AnyRequest, lot: FromPath[UUID], data: URLEncodedBody[StageForm]
) -> Redirect:
    """Propose the next stage; the supervisor signs it. With no bid ticked the opening ends."""
    proposal = stages.Proposal(
        # A form with one tick sends one value, not a list.
        passed=[data.passed] if isinstance(data.passed, UUID) else data.passed,
        evaluation=data.evaluation or None,
        report_sha256=data.report_sha256 or None,
    )
    await stages.ask_stage(request.app.state.desk, signed_in(request), lot, proposal)
    return back(lot)


@post("/lots/{lot:uuid}/console/hour", include_in_schema=False)
async def propose_hour(
    request: AnyRequest, lot: FromPath[UUID], data: URLEncodedBody[HourForm]
) -> Redirect:
    """Propose the hour of a later stage; buyer and supervisor sign it."""
    desk, actor = request.app.state.desk, signed_in(request)
    await stages.ask_stage_hour(desk, actor, lot, data.stage, beijing_time(data.opens_at))
    return back(lot)


@post("/lots/{lot:uuid}/console/replacement", include_in_schema=False)
async def replace_closing(request: AnyRequest, lot: FromPath[UUID]) -> Redirect:
    """Replace the closing by one that adds what was left out; for the opening host."""
    await replacement.replace_closing(request.app.state.desk, signed_in(request), lot)
    return back(lot)


@post("/lots/{lot:uuid}/console/answer", include_in_schema=False)
async def answer(
    request: AnyRequest, lot: FromPath[UUID], data: URLEncodedBody[AnswerForm]
) -> Redirect:
    """Answer an objection on the spot."""
    desk, actor = request.app.state.desk, signed_in(request)
    await answers.answer_objection(desk, actor, lot, data.objection, data.text)
    return back(lot)


@post("/lots/{lot:uuid}/console/outage", include_in_schema=False)
async def declare_outage(
    request: AnyRequest, lot: FromPath[UUID], data: URLEncodedBody[OutageForm]
) -> Redirect:
    """Draft the supervisor's declaration of an outage."""
    span = (beijing_time(data.since), beijing_time(data.until))
    return await decide(request, lot, Wish(decision=OUTAGE, cause=data.cause, span=span))


@post("/lots/{lot:uuid}/console/confirmation", include_in_schema=False)
async def confirm_late(
    request: AnyRequest, lot: FromPath[UUID], data: URLEncodedBody[CauseForm]
) -> Redirect:
    """Draft the supervisor's confirmation of a closing after an outage across the deadline."""
    return await decide(request, lot, Wish(decision=CONFIRMED, cause=data.cause))


@post("/lots/{lot:uuid}/console/fault", include_in_schema=False)
async def find_fault(
    request: AnyRequest, lot: FromPath[UUID], data: URLEncodedBody[FaultForm]
) -> Redirect:
    """Draft the supervisor's finding of whose fault a disputed envelope was."""
    wish = Wish(decision=FAULT, cause=data.cause, tree=data.tree, fault=data.fault)
    return await decide(request, lot, wish)


async def decide(request: AnyRequest, lot: UUID, wish: Wish) -> Redirect:
    """Draft a decision; whoever it waits for signs it as a paper."""
    await decisions.ask(request.app.state.desk, signed_in(request), lot, wish)
    return Redirect(PAPERS, status_code=303)


@post("/lots/{lot:uuid}/opening/objection", include_in_schema=False)
async def object_on_the_spot(
    request: AnyRequest, lot: FromPath[UUID], data: URLEncodedBody[ObjectionForm]
) -> Redirect:
    """Have a bidder sign its objection on the phone; then it is kept."""
    desk, actor = request.app.state.desk, require(signed_in(request), *BIDDERS)
    statement = await objections.draft_objection(desk, actor, lot, data.content)
    return await start_signing(request, statement, f"/lots/{lot}/opening#object")


def back(lot: UUID) -> Redirect:
    """To the console again."""
    return Redirect(f"/lots/{lot}/console", status_code=303)


routes: Final = [
    propose_stage,
    propose_hour,
    replace_closing,
    answer,
    declare_outage,
    confirm_late,
    find_fault,
    object_on_the_spot,
]

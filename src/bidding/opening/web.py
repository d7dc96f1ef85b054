"""Routes of the opening: closing, steps, releases, what members and the public are shown."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from bidding.opening import material, steps
from bidding.opening.closings import apart, blobs, closing, omissions, replacement
from bidding.opening.oversight import decisions
from bidding.opening.oversight.grounds import Wish
from bidding.opening.releases import cures, release
from bidding.opening.releases.release import wrong_values_limited
from bidding.opening.results import stages
from foundation.identity.request import actor_of, place_of, signed_in
from foundation.statements.signed import from_json

AnyRequest = Request[Any, Any, Any]


# A value is some 140 characters, a list has at most 2000 envelopes.
LARGEST_RELEASE: Final = 1024 * 1024


class StatementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A statement as it is handed in."""

    statement: dict[str, Any]


class StepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The next step of an opening: phase1 to phase4, suspended, resumed or extended."""

    step: str


class StageBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The bids that go on to the next stage, and the evaluation by which they do."""

    passed: Annotated[list[UUID], Meta(max_length=2000)]
    evaluation: str | None = None
    report_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None


class ResupplyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sealed file that was uploaded again: its tree, the upload and its secret."""

    tree: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    upload: UUID
    secret: str


class HourBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a later stage opens."""

    opens_at: Annotated[datetime, Meta(tz=True)]


class DecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A decision on a lot and why: go-on, terminated, outage, confirmed or fault."""

    decision: str
    cause: str
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    tree: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    fault: str | None = None


@post("/api/v1/lots/{lot:uuid}/closing", tags=["opening"])
async def confirm_closing(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Confirm the list of what will be opened; for the opening host."""
    statement = await closing.confirm_closing(request.app.state.desk, signed_in(request), lot)
    made: dict[str, Any] = statement.json()
    return made


@post("/api/v1/lots/{lot:uuid}/closing-replacements", tags=["opening"])
async def replace_closing(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Replace the closing by one that adds what was left out; for the opening host."""
    statement = await replacement.replace_closing(request.app.state.desk, signed_in(request), lot)
    made: dict[str, Any] = statement.json()
    return made


@post("/api/v1/lots/{lot:uuid}/steps", tags=["opening"])
async def make_step(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[StepBody]
) -> dict[str, Any]:
    """Make the next step of an opening; for the opening host."""
    opening = await steps.advance(request.app.state.desk, signed_in(request), lot, data.step)
    return {"phase": opening.phase, "phase_until": opening.phase_until}


@post("/api/v1/lots/{lot:uuid}/releases", tags=["opening"], request_max_body_size=LARGEST_RELEASE)
async def release_b(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[StatementBody]
) -> dict[str, Any]:
    """Hand in a bidder's halves; no login is needed, the values prove themselves."""
    desk, statement = request.app.state.desk, from_json(data.statement)
    channel = "open" if actor_of(request) is None else "session"
    async with wrong_values_limited(desk.db, place_of(request)):
        ack = await release.take_release_b(desk, lot, statement, channel)
    made: dict[str, Any] = ack.json()
    return made


@post("/api/v1/lots/{lot:uuid}/cures", tags=["opening"], request_max_body_size=LARGEST_RELEASE)
async def cure(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[StatementBody]
) -> dict[str, Any]:
    """Supply a missing half or share; no login is needed, the value proves itself."""
    desk, statement = request.app.state.desk, from_json(data.statement)
    async with wrong_values_limited(desk.db, place_of(request)):
        await cures.take_cure(desk, statement, lot)
    return {"statement": statement.sid}


@post("/api/v1/lots/{lot:uuid}/omissions", tags=["opening"])
async def omission(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[StatementBody]
) -> dict[str, Any]:
    """Raise a receipt that the list does not honour; no login is needed, it proves itself."""
    statement = from_json(data.statement)
    await omissions.take_omission(request.app.state.desk, lot, statement)
    return {"statement": statement.sid}


@post("/api/v1/lots/{lot:uuid}/resupplies", tags=["opening"])
async def resupply(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[ResupplyBody]
) -> dict[str, Any]:
    """Supply a damaged sealed file again, the same to the last bit; until phase 4 begins."""
    desk = request.app.state.desk
    await blobs.resupply(desk, lot, data.tree, data.upload, data.secret)
    return {"tree": data.tree, "blob": "whole"}


@post("/api/v1/lots/{lot:uuid}/decisions", tags=["opening"])
async def ask_decision(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[DecisionBody]
) -> dict[str, Any]:
    """Draft a decision on the lot; its supervisor signs it, an end also whoever asks for it."""
    desk, actor = request.app.state.desk, signed_in(request)
    span = None if data.since is None or data.until is None else (data.since, data.until)
    wish = Wish(
        decision=data.decision, cause=data.cause, span=span, tree=data.tree, fault=data.fault
    )
    paper = await decisions.ask(desk, actor, lot, wish)
    return {"paper": paper.sid}


@post("/api/v1/lots/{lot:uuid}/stages", tags=["opening"])
async def ask_stage(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[StageBody]
) -> dict[str, Any]:
    """Propose the next stage, for the supervisor to sign; without a bid the opening ends."""
    proposal = stages.Proposal(
        passed=data.passed, evaluation=data.evaluation, report_sha256=data.report_sha256
    )
    paper = await stages.ask_stage(request.app.state.desk, signed_in(request), lot, proposal)
    return {"paper": paper.sid, "trees": paper.body["trees"]}


@post("/api/v1/lots/{lot:uuid}/stages/{stage:int}/hour", tags=["opening"])
async def ask_stage_hour(
    request: AnyRequest, lot: FromPath[UUID], stage: FromPath[int], data: JSONBody[HourBody]
) -> dict[str, Any]:
    """Propose the hour of a later stage: a schedule that buyer and supervisor sign as a paper."""
    desk, actor = request.app.state.desk, signed_in(request)
    paper = await stages.ask_stage_hour(desk, actor, lot, stage, data.opens_at)
    return {"paper": paper.sid}


@get("/api/v1/lots/{lot:uuid}/member-material", tags=["opening"])
async def member_material(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Everything a member's client checks before it answers; for members and parties."""
    return await material.member_material(request.app.state.desk, signed_in(request), lot)


@get("/api/v1/lots/{lot:uuid}/opening", tags=["opening"])
async def show_opening(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """What the opening hall shows everybody."""
    return await material.hall(request.app.state.desk, lot)


@get("/api/v1/lots/{lot:uuid}/own-entry", tags=["opening"])
async def own_entry(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """A bidder's own entry of the closing's list, by the token in the header `Bidder-Token`."""
    desk = request.app.state.desk
    actor = signed_in(request)
    token = request.headers.get("bidder-token", "")
    return {"own": await material.own_entry(desk, lot, token, actor.subject or "")}


@get("/api/v1/lots/{lot:uuid}/findings", tags=["opening"])
async def show_findings(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """What the platform found across bids once names are read: for people to judge."""
    found = await apart.members_apart(request.app.state.desk, signed_in(request), lot)
    return {"findings": [one.json() for one in found]}


routes: Final = [
    show_findings,
    confirm_closing,
    replace_closing,
    make_step,
    release_b,
    cure,
    omission,
    resupply,
    ask_decision,
    ask_stage,
    ask_stage_hour,
    member_material,
    show_opening,
    own_entry,
]

"""Routes of tenders and lots: drafting, documents, notice, publication, sealing material."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from bidding.tender import drill, member_keys, postponement, service
from bidding.tender.domain import Document, Lot, LotDraft, LotId, Parties, TenderDraft, TenderId
from bidding.tender.papers import Groups
from bidding.tender.postponement_store import Postponement
from foundation.identity.request import actor_of, signed_in
from foundation.statements.canonical import b64, unb64
from foundation.statements.fields import B64of16, Hex, Sid

DOCUMENT_LIMIT: Final = 64 * 1024 * 1024
AnyRequest = Request[Any, Any, Any]


class PartiesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The organisations of a tender."""

    buyer_uscc: str
    buyer_name: str
    agency_uscc: str
    agency_name: str
    supervisor_uscc: str
    supervisor_name: str
    host_uscc: str
    host_name: str


class LotBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lot as the agency drafts it."""

    title: str
    ceiling_price_yuan: Decimal
    duration_days: int
    facts: dict[str, str]
    method: dict[str, Any]
    volumes: list[str]
    minimum_bidders: int
    standstill_days: int
    award_separated: bool
    suite: Literal["INTL-1", "GM-1"] = "INTL-1"


class TenderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A tender as the agency drafts it."""

    number: str
    plan: UUID | None
    title: str
    regime: str
    region: str
    category: str
    summary: str
    parties: PartiesBody
    lots: list[LotBody]


class Drafted(msgspec.Struct, frozen=True):
    """The ids of a drafted tender."""

    tender: TenderId
    lots: list[LotId]


class StageBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Volumes that are opened together; a later stage may get its hour after the closing."""

    volumes: list[str]
    opens_at: Annotated[datetime, Meta(tz=True)] | None = None


class AnnouncementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Dates of a notice and the sids of the member keys that take a seat."""

    issued_on: date
    deadline_at: Annotated[datetime, Meta(tz=True)]
    custodians: list[str]
    custodians_needed: int
    remedy: list[str]
    remedy_needed: int
    stages: Annotated[list[StageBody], Meta(max_length=4)] = []


class Papers(msgspec.Struct, frozen=True):
    """The sids of the two papers that buyer and supervisor sign."""

    opening_keys: str
    schedule: str


class Published(msgspec.Struct, frozen=True):
    """When a lot was published."""

    published_at: datetime


class LotView(msgspec.Struct, frozen=True):
    """A lot with the files of its tender document."""

    lot: Lot
    documents: list[Document]


@post("/api/v1/tenders", tags=["tenders"])
async def draft_tender(request: AnyRequest, data: JSONBody[TenderBody]) -> Drafted:
    """Draft a tender with its lots."""
    fields = msgspec.structs.asdict(data)
    fields["parties"] = Parties(**msgspec.structs.asdict(data.parties))
    fields["lots"] = tuple(
        LotDraft(**{**msgspec.structs.asdict(lot), "volumes": tuple(lot.volumes)})
        for lot in data.lots
    )
    draft = TenderDraft(**fields)
    desk = request.app.state.desk
    tender, lots = await service.draft_tender(desk.db, signed_in(request), draft)
    return Drafted(tender=tender, lots=lots)


@put(
    "/api/v1/lots/{lot:uuid}/documents/{name:str}",
    tags=["tenders"],
    request_max_body_size=DOCUMENT_LIMIT,
)
async def add_document(request: AnyRequest, lot: FromPath[UUID], name: FromPath[str]) -> Document:
    """Add one file of the tender document to a drafted lot."""
    desk = request.app.state.desk
    content = await request.body()
    return await service.add_document(desk.db, desk.objects, signed_in(request), lot, name, content)


@get("/api/v1/lots/{lot:uuid}/documents/{name:str}", tags=["tenders"])
async def fetch_document(
    request: AnyRequest, lot: FromPath[UUID], name: FromPath[str]
) -> Response[bytes]:
    """Fetch one file of the tender document; no registration is asked for."""
    desk = request.app.state.desk
    found, content = await service.fetch_document(
        desk.db, desk.objects, actor_of(request), lot, name
    )
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Repr-Digest": f"sha-256=:{found.sha256}:"},
    )


@get("/api/v1/lots", tags=["tenders"])
async def find_lots(
    request: AnyRequest, words: FromQuery[str | None] = None, status: FromQuery[str | None] = None
) -> list[Lot]:
    """Find published lots by words and state, newest first."""
    return await service.find_lots(request.app.state.desk.db, words, status)


@get("/api/v1/lots/{lot:uuid}", tags=["tenders"])
async def show_lot(request: AnyRequest, lot: FromPath[UUID]) -> LotView:
    """Show a lot with the files of its tender document."""
    held, documents = await service.show_lot(request.app.state.desk.db, actor_of(request), lot)
    return LotView(lot=held, documents=documents)


@post("/api/v1/lots/{lot:uuid}/announcement", tags=["tenders"])
async def announce(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[AnnouncementBody]
) -> Papers:
    """Check a notice against the law and offer opening keys and schedule for signature."""
    state = request.app.state
    announcement = service.Announcement(
        issued_on=data.issued_on,
        deadline_at=data.deadline_at,
        custodians=tuple(data.custodians),
        custodians_needed=data.custodians_needed,
        remedy=tuple(data.remedy),
        remedy_needed=data.remedy_needed,
        clock=state.clock,
        stages=tuple((tuple(one.volumes), one.opens_at) for one in data.stages),
        offered=state.desk.suites,
    )
    keys, schedule = await service.announce(state.desk.db, signed_in(request), lot, announcement)
    return Papers(opening_keys=keys, schedule=schedule)


@post("/api/v1/lots/{lot:uuid}/publication", tags=["tenders"])
async def publish(request: AnyRequest, lot: FromPath[UUID]) -> Published:
    """Publish the notice: bids may be handed in from now on."""
    desk = request.app.state.desk
    at = await service.publish(desk.db, desk.signer, signed_in(request), lot)
    return Published(published_at=at)


@get("/api/v1/member-keys", tags=["tenders"])
async def list_member_keys(request: AnyRequest) -> list[dict[str, Any]]:
    """List the registered keys of possible custodians and remedy members."""
    return await member_keys.list_member_keys(request.app.state.desk.db)


class PossessionAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the holder of a member key answers: the hash of what it unwrapped."""

    member_key: Sid
    nonce: B64of16
    answer: Hex


@get("/api/v1/possession-questions", tags=["tenders"])
async def show_possession_questions(request: AnyRequest) -> list[dict[str, Any]]:
    """What the member keys of one's organisation are asked, to show that they are held."""
    return await member_keys.open_questions(request.app.state.desk.db, signed_in(request))


@post("/api/v1/possession-answers", tags=["tenders"])
async def answer_possession(
    request: AnyRequest, data: JSONBody[PossessionAnswer]
) -> dict[str, Any]:
    """Answer such a question; the answer proves itself."""
    signed_in(request)
    nonce = unb64(data.nonce, 16)
    db = request.app.state.desk.db
    await member_keys.take_possession(db, data.member_key, nonce, data.answer)
    return {"member_key": data.member_key}


@get("/api/v1/lots/{lot:uuid}/sealing-material", tags=["tenders"])
async def sealing_material(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Everything a sealing client checks before it seals, as one file."""
    state = request.app.state
    found = await service.sealing_material(state.desk.db, lot)
    return {
        "v": 1,
        "tender": str(found.lot.tender),
        "lot": str(found.lot.id),
        "round": found.lot.round,
        "opening_keys": found.opening_keys.json(),
        "schedules": [schedule.json() for schedule in found.schedules],
        "leaves": found.leaves,
        "proofs": found.proofs,
        "policy_text": state.policy_text,
        "pinned": {
            "buyer_uscc": found.lot.parties.buyer_uscc,
            "supervisor_uscc": found.lot.parties.supervisor_uscc,
        },
        "anchors": [b64(anchor) for anchor in state.desk.anchors],
        "required_volumes": list(found.lot.volumes),
        "clock": state.clock,
        "platform_time": (await state.platform_time()).json(),
    }


class GroupsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Members of new opening keys: the sids of their member keys, and how many open."""

    custodians: list[str]
    custodians_needed: int
    remedy: list[str]
    remedy_needed: int


class PostponementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A later deadline and why; with `groups` new opening keys come into force with it."""

    deadline_at: Annotated[datetime, Meta(tz=True)]
    reason: str
    groups: GroupsBody | None = None


class PostponementPapers(msgspec.Struct, frozen=True):
    """The sids of the papers that buyer and supervisor sign before the old deadline."""

    schedule: str
    opening_keys: str | None


@post("/api/v1/lots/{lot:uuid}/postponements", tags=["tenders"])
async def propose_postponement(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[PostponementBody]
) -> PostponementPapers:
    """Propose a later deadline; the answer says nothing about what was handed in."""
    state = request.app.state
    groups = None
    if data.groups is not None:
        groups = Groups(
            custodians=tuple(data.groups.custodians),
            custodians_needed=data.groups.custodians_needed,
            remedy=tuple(data.groups.remedy),
            remedy_needed=data.groups.remedy_needed,
            clock=state.clock,
        )
    proposal = postponement.Proposal(
        deadline_at=data.deadline_at, reason=data.reason, groups=groups
    )
    schedule, keys = await postponement.propose(state.desk.db, signed_in(request), lot, proposal)
    return PostponementPapers(schedule=schedule, opening_keys=keys)


@get("/api/v1/lots/{lot:uuid}/postponements", tags=["tenders"])
async def list_postponements(request: AnyRequest, lot: FromPath[UUID]) -> list[Postponement]:
    """List the postponements of a lot that are in force, with reason, old and new time."""
    return await postponement.postponements(request.app.state.desk.db, lot)


@post("/api/v1/lots/{lot:uuid}/drills", tags=["tenders"])
async def begin_drill(request: AnyRequest, lot: FromPath[UUID]) -> dict[str, Any]:
    """Ask every member of the opening keys whether it still holds its key."""
    asked = await drill.begin_drill(request.app.state.desk.db, signed_in(request), lot)
    return {"asked": asked}


@get("/api/v1/lots/{lot:uuid}/drills", tags=["tenders"])
async def show_drills(request: AnyRequest, lot: FromPath[UUID]) -> list[dict[str, Any]]:
    """Show a lot's drills and who passed."""
    return await drill.show_drills(request.app.state.desk.db, lot)


routes: Final = [
    propose_postponement,
    list_postponements,
    begin_drill,
    show_drills,
    draft_tender,
    add_document,
    fetch_document,
    find_lots,
    show_lot,
    announce,
    publish,
    list_member_keys,
    show_possession_questions,
    answer_possession,
    sealing_material,
]

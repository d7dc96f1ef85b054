"""Routes of the pool of experts."""

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post, put
from litestar.params import FromPath, JSONBody

from experts.pool import service
from experts.pool.domain import Expert, NewExpert
from foundation.identity.request import signed_in
from foundation.statements.canonical import unb64

AnyRequest = Request[Any, Any, Any]


class ExpertBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An expert to be imported; `pk` is the raw public key in base64url."""

    name: str
    specialities: list[str]
    region: str
    grade: str
    employer_uscc: str
    employer_name: str
    alg: str
    pk: str


class AvailabilityBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether an expert may be drawn."""

    available: bool


class RelationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An organisation to which an expert is bound."""

    uscc: str
    reason: str


@post("/api/v1/experts", tags=["experts"])
async def import_experts(
    request: AnyRequest, data: JSONBody[list[ExpertBody]]
) -> list[dict[str, Any]]:
    """Take experts into the pool; for the keeper of the pool."""
    entries = [
        NewExpert(
            name=row.name,
            specialities=tuple(row.specialities),
            region=row.region,
            grade=row.grade,
            employer_uscc=row.employer_uscc,
            employer_name=row.employer_name,
            alg=row.alg,
            pk=unb64(row.pk),
        )
        for row in data
    ]
    made = await service.import_experts(request.app.state.desk.db, signed_in(request), entries)
    return [expert_json(one) for one in made]


@get("/api/v1/experts", tags=["experts"])
async def list_experts(request: AnyRequest) -> list[dict[str, Any]]:
    """The whole pool with names; for its keeper."""
    found = await service.list_experts(request.app.state.desk.db, signed_in(request))
    return [expert_json(one) for one in found]


@get("/api/v1/experts/me", tags=["experts"])
async def own_entry(request: AnyRequest) -> dict[str, Any]:
    """What the pool says of the expert who asks."""
    return expert_json(await service.own_entry(request.app.state.desk.db, signed_in(request)))


@put("/api/v1/experts/{expert:uuid}/availability", tags=["experts"])
async def set_available(
    request: AnyRequest, expert: FromPath[UUID], data: JSONBody[AvailabilityBody]
) -> dict[str, Any]:
    """Say whether an expert may be drawn from now on; for the keeper of the pool."""
    db = request.app.state.desk.db
    await service.set_available(db, signed_in(request), expert, data.available)
    return {"available": data.available}


@post("/api/v1/experts/{expert:uuid}/relations", tags=["experts"])
async def declare_relation(
    request: AnyRequest, expert: FromPath[UUID], data: JSONBody[RelationBody]
) -> dict[str, Any]:
    """Declare that an expert is bound to an organisation."""
    db = request.app.state.desk.db
    await service.declare_relation(db, signed_in(request), expert, data.uscc, data.reason)
    return {"uscc": data.uscc}


def expert_json(expert: Expert) -> dict[str, Any]:
    """An entry of the pool without its key's bytes."""
    shown = asdict(expert)
    del shown["pk"]
    return shown


routes: Final = [import_experts, list_experts, own_entry, set_available, declare_relation]

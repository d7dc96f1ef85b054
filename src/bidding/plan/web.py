"""Routes of tender plans."""

from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import JSONBody

from bidding.plan import service
from bidding.plan.domain import Plan, PlanDraft
from foundation.identity.request import signed_in


class PlanBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plan as it is published; amounts are decimal text."""

    number: str
    title: str
    regime: str
    region: str
    buyer_uscc: str
    buyer_name: str
    estimate_yuan: Decimal
    summary: str
    expected_on: date


class Made(msgspec.Struct, frozen=True):
    """The id of what was made."""

    id: UUID


@post("/api/v1/plans", tags=["plans"])
async def publish_plan(request: Request[Any, Any, Any], data: JSONBody[PlanBody]) -> Made:
    """Publish a tender plan early."""
    desk = request.app.state.desk
    draft = PlanDraft(**msgspec.structs.asdict(data))
    return Made(id=await service.publish_plan(desk.db, signed_in(request), draft))


@get("/api/v1/plans", tags=["plans"])
async def list_plans(request: Request[Any, Any, Any]) -> list[Plan]:
    """List the newest plans."""
    desk = request.app.state.desk
    return await service.list_plans(desk.db)


routes: Final = [publish_plan, list_plans]

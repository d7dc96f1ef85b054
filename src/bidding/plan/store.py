"""SQL of tender plans."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from bidding.plan.domain import Plan, PlanDraft, PlanNumberTaken
from foundation.database import Connection
from foundation.problems import Refused

CONSTRAINTS: Final[Mapping[str, type[Refused]]] = {"plan_number_key": PlanNumberTaken}

INSERT_PLAN: Final[LiteralString] = """
    INSERT INTO bidding.plan (
           number, title, regime, region, buyer_uscc, buyer_name, estimate_yuan, summary,
           expected_on, published_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
 RETURNING id
"""


async def insert_plan(connection: Connection, draft: PlanDraft, published_at: datetime) -> UUID:
    """Write a published plan and return its id."""
    plan_id: UUID = await connection.fetchval(
        INSERT_PLAN,
        draft.number,
        draft.title,
        draft.regime,
        draft.region,
        draft.buyer_uscc,
        draft.buyer_name,
        draft.estimate_yuan,
        draft.summary,
        draft.expected_on,
        published_at,
    )
    return plan_id


PLANS: Final[LiteralString] = """
    SELECT id, number, title, regime, region, buyer_uscc, buyer_name, estimate_yuan, summary,
           expected_on, published_at
      FROM bidding.plan
     WHERE ($1::uuid IS NULL OR id = $1)
  ORDER BY published_at DESC, id
     LIMIT $2
"""


async def plans(connection: Connection, limit: int = 50) -> list[Plan]:
    """Return published plans, newest first."""
    return [Plan(**dict(row)) for row in await connection.fetch(PLANS, None, limit)]


async def plan(connection: Connection, plan_id: UUID) -> Plan | None:
    """Return one plan, or None."""
    row = await connection.fetchrow(PLANS, plan_id, 1)
    return None if row is None else Plan(**dict(row))

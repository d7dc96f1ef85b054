"""Publishing tender plans early."""

from uuid import UUID

from bidding.plan import store
from bidding.plan.domain import Plan, PlanDraft
from foundation.clock import platform_now
from foundation.database import Database, reading, transaction
from foundation.identity import Actor, require
from foundation.statements.store import record_event


async def publish_plan(db: Database, actor: Actor, draft: PlanDraft) -> UUID:
    """Publish a plan at once, with its ledger entry; for the buyer's or agency's people."""
    require(actor, "buyer", "agency")
    async with transaction(db, "bidding", store.CONSTRAINTS) as connection:
        now = await platform_now(connection)
        plan_id = await store.insert_plan(connection, draft, now)
        await record_event(
            connection,
            "bidding:plan:publish",
            actor=actor.subject,
            group=None,
            scope=None,
            data={
                "plan": str(plan_id),
                "number": draft.number,
                "title": draft.title,
                "buyer_uscc": draft.buyer_uscc,
                "estimate_yuan": str(draft.estimate_yuan),
                "expected_on": draft.expected_on.isoformat(),
            },
            public=True,
        )
    return plan_id


async def list_plans(db: Database) -> list[Plan]:
    """Return the newest plans."""
    async with reading(db, "bidding") as connection:
        return await store.plans(connection)

"""Plans on PostgreSQL: published at once, under one number, with their entry in the ledger."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from bidding.plan.domain import PlanDraft, PlanNumberTaken
from bidding.plan.service import list_plans, publish_plan
from foundation.database import reading
from foundation.identity.actor import WrongRole
from foundation.statements.store import kept_events
from world import OFFICES, World, actor, refused

DRAFT = PlanDraft(
    number="JH-1",
    title="测试工程",
    regime="construction",
    region="相山区",
    buyer_uscc=OFFICES["buyer"][1],
    buyer_name=OFFICES["buyer"][2],
    estimate_yuan=Decimal("600.00"),
    summary="测试",
    expected_on=date(2026, 9, 14),
)


async def test_a_plan_is_published_with_its_event(world: World) -> None:
    plan = await publish_plan(world.db, world.actors["agency"], DRAFT)
    found = (await list_plans(world.db))[0]
    assert (found.id, found.number, found.published_at) == (plan, "JH-1", await world.now())
    async with reading(world.db, "bidding") as connection:
        event = (await kept_events(connection, "bidding:plan:publish"))[0]
    assert event.body["data"]["plan"] == str(plan)


async def test_a_plan_number_is_used_once_and_only_by_buyers_and_agencies(world: World) -> None:
    await publish_plan(world.db, world.actors["buyer"], DRAFT)
    again = publish_plan(world.db, world.actors["buyer"], replace(DRAFT, title="another"))
    assert isinstance(await refused(again), PlanNumberTaken)
    bidder = actor("bidder", OFFICES["buyer"][1], "x")
    assert isinstance(await refused(publish_plan(world.db, bidder, DRAFT)), WrongRole)
    async with reading(world.db, "bidding") as connection:
        assert len(await kept_events(connection, "bidding:plan:publish")) == 1

"""What an evidence package may show of other lots (sealing.md 14.5)."""

import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest_asyncio

from bidding.opening import closing as closings
from bidding.opening.unsealing import open_lot
from conftest import SetClock
from foundation.database import Database
from sunbid.export import make_package
from world import DEADLINE, MORNING, World, make_world


@pytest_asyncio.fixture
async def world(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[World]:
    made = await make_world(database, set_clock, tmp_path)
    yield made
    made.keeper.close()


async def acts_shown(world: World, lot: str) -> int:
    """How many acts of a lot the package of the played one opens."""
    package = await make_package(world.desk, world.lot)
    with zipfile.ZipFile(BytesIO(package)) as archive:
        leaves: list[dict[str, Any]] = json.loads(archive.read("leaves.json"))
    bodies = [leaf["body"] for leaf in leaves if "body" in leaf]
    return sum(body.get("lot") == lot and body["t"] == "manifest" for body in bodies)


async def test_a_lot_that_was_not_opened_is_not_counted_in_the_package_of_another(
    world: World,
) -> None:
    await world.published_lot(minimum=3, number="A-1")
    few, first = world.lot, world.tender
    await world.published_lot(minimum=1, number="A-2")
    lot, tender = world.lot, world.tender
    await world.set_clock(MORNING)
    world.lot, world.tender = few, first
    await world.bid(world.bidder(1))
    world.lot, world.tender = lot, tender
    bidder = world.bidder(2)
    await world.bid(bidder)
    # Both acts lie in one batch.
    await world.tick()
    closing = await world.begin_opening()
    not_opened = await closings.confirm_closing(world.desk, world.actors["host"], few)
    assert not_opened.type == "not-opened"
    await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()
    await world.sign_record()
    assert await acts_shown(world, str(lot)) == 1
    for later in (timedelta(0), timedelta(days=40), timedelta(days=364)):
        await world.set_clock(DEADLINE + timedelta(minutes=1) + later)
        assert await acts_shown(world, str(few)) == 0, later
    await world.set_clock(DEADLINE + timedelta(days=366))
    assert await acts_shown(world, str(few)) == 1

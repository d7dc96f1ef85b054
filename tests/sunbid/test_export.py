"""What an evidence package may show of other lots (sealing.md 14.5)."""

import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest_asyncio

from bidding.opening.closings import closing as closings
from bidding.opening.domain import WrongPhase
from bidding.opening.results.unsealing import open_lot
from bidding.sealing.checks import check_proven
from conftest import SetClock
from foundation.clock import platform_now
from foundation.database import Database, reading, transaction
from foundation.ledger.leaf import opening_from_json
from foundation.ledger.log import latest_checkpoint, origin_of, queue_entry
from foundation.ledger.policy import read_policy
from foundation.ledger.sequencer import QUANTUM
from foundation.statements.signed import Statement
from foundation.statements.store import ledger_body
from opening_world import ask, end
from sunbid.export import late_leaves, make_package
from sunbid.verify.verifier import verify_package
from world import DEADLINE, MORNING, BidderOf, World, make_world, refused


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


async def open_to_the_record(world: World, bidder: BidderOf, closing: Statement) -> None:
    """Releases of everybody, decryption, record."""
    await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()
    await world.sign_record()


async def size_of_ledger(world: World) -> int:
    """How many leaves are signed."""
    async with reading(world.db, "foundation") as connection:
        checkpoint = await latest_checkpoint(connection)
    assert checkpoint is not None
    return checkpoint.size


async def test_a_large_batch_that_begins_inside_a_larger_subtree_is_proven(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    bidder = world.bidder(1)
    await world.bid(bidder)
    await world.tick()
    await open_to_the_record(world, bidder, await world.begin_opening())
    # More than one quantum waits, and the batch of two cannot be a subtree of its own.
    while (begin := await size_of_ledger(world)) % (2 * QUANTUM) != QUANTUM:
        await world.tick()
    async with transaction(world.db, "bidding") as connection:
        now = await platform_now(connection)
        for _ in range(QUANTUM + 1):
            body = ledger_body("extra", group=None, scope=world.lot, turn=1, subject=None, at=now)
            await queue_entry(connection, body)
    await world.tick(2)
    package = await make_package(world.desk, world.lot)
    with zipfile.ZipFile(BytesIO(package)) as archive:
        shown = {leaf["index"] for leaf in json.loads(archive.read("leaves.json"))}
    assert shown >= set(range(begin, begin + 2 * QUANTUM))
    (proven,) = (one for one in verify_package(BytesIO(package)) if one.id == "C5")
    assert proven.ok is True, proven


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
    await open_to_the_record(world, bidder, closing)
    assert await acts_shown(world, str(lot)) == 1
    for later in (timedelta(0), timedelta(days=40), timedelta(days=364)):
        await world.set_clock(DEADLINE + timedelta(minutes=1) + later)
        assert await acts_shown(world, str(few)) == 0, later
        assert isinstance(await refused(late_leaves(world.desk, few)), WrongPhase)
    await world.set_clock(DEADLINE + timedelta(days=366))
    assert await acts_shown(world, str(few)) == 1
    # Its own leaves have a place of their own, whether or not another lot shares their batches.
    shown = await late_leaves(world.desk, few)
    assert [leaf["body"]["t"] for leaf in shown["leaves"]].count("manifest") == 1
    assert {leaf["body"]["lot"] for leaf in shown["leaves"]} == {str(few)}
    async with reading(world.db, "foundation") as connection:
        vkey = (await origin_of(connection)).vkey
    for leaf in shown["leaves"]:
        policy = read_policy(f"log {vkey}\nquorum none\n")
        check_proven(opening_from_json(leaf), shown["proofs"][str(leaf["index"])], policy)
    # A lot that was opened has its package, and no such place.
    assert isinstance(await refused(late_leaves(world.desk, lot)), WrongPhase)


async def test_a_lot_ended_before_its_deadline_stays_closed_for_a_year_after_the_decision(
    world: World,
) -> None:
    await world.published_lot(minimum=3)
    await world.set_clock(MORNING)
    await world.bid(world.bidder(1))
    await world.tick()
    decided = await world.now()
    await end(world, await ask(world, "terminated", who="buyer"), second="buyer")
    await world.tick()
    await world.set_clock(decided + timedelta(days=365) - timedelta(seconds=1))
    assert isinstance(await refused(late_leaves(world.desk, world.lot)), WrongPhase)
    await world.set_clock(decided + timedelta(days=365))
    shown = await late_leaves(world.desk, world.lot)
    assert [leaf["body"]["t"] for leaf in shown["leaves"]].count("manifest") == 1

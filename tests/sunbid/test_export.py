"""What a package shows before the result of its lot: the opening, and nobody's name or vote."""

import json
from collections.abc import AsyncIterator, Set
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest_asyncio

from bidding.opening.unsealing import open_lot
from conftest import SetClock
from foundation.database import Database, transaction
from foundation.ledger.store import Entry
from foundation.statements.store import record_event
from sunbid.export import is_confidential, make_package
from sunbid.verify.verifier import verify_package
from world import MORNING, World, make_world

LOT = "6a7d16c4-46a5-4f22-9f3c-2f7d3c5a8a01"
SECRET_TYPES = ("pledge", "scorecard", "draw", "seed-reveal", "vote", "award", "letter", "event")


@pytest_asyncio.fixture
async def world(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[World]:
    """A platform before any tender."""
    made = await make_world(database, set_clock, tmp_path)
    yield made
    made.keeper.close()


async def recorded(world: World) -> None:
    """A lot with three bids whose opening is recorded."""
    await world.published_lot()
    await world.set_clock(MORNING)
    bidders = [world.bidder(number) for number in range(3)]
    for bidder in bidders:
        await world.bid(bidder)
    await world.tick()
    closing = await world.begin_opening()
    await world.check_all()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.tick()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()
    await world.sign_record()


async def happens(world: World, name: str, *, public: bool) -> str:
    """Something happens around the lot; the sid of its event."""
    async with transaction(world.db, "bidding") as connection:
        sid = await record_event(
            connection,
            name,
            actor=None,
            group=world.tender,
            scope=world.lot,
            turn=1,
            data={},
            public=public,
        )
    await world.tick()
    return sid


def opened_subjects(files: dict[str, Any]) -> Set[str]:
    """What the opened leaves of a package name."""
    return {leaf["body"]["subject"] for leaf in files["leaves.json"] if "body" in leaf}


async def test_what_supervision_does_stays_inside_until_the_result(world: World) -> None:
    await recorded(world)
    inside = await happens(world, "supervision:case:open", public=False)
    outside = await happens(world, "bidding:candidates:announce", public=True)
    package = await make_package(world.desk, world.lot)
    with ZipFile(BytesIO(package)) as archive:
        files = {n: json.loads(archive.read(n)) for n in archive.namelist() if n.endswith("json")}
    names = {event["body"]["name"] for event in files["events.json"]}
    assert "bidding:candidates:announce" in names
    assert "supervision:case:open" not in names
    assert outside in opened_subjects(files)
    assert inside not in opened_subjects(files)
    assert "evaluation.json" not in files
    assert [c.id for c in verify_package(BytesIO(package)) if c.ok is False] == []


def test_a_leaf_of_a_lot_without_result_betrays_no_vote() -> None:
    for kind in SECRET_TYPES:
        entry = an_entry(kind)
        assert is_confidential(entry, {LOT}, set())
        assert not is_confidential(entry, set(), set())
        assert not is_confidential(entry, {LOT}, {"ab" * 32})
    assert not is_confidential(an_entry("closing"), {LOT}, set())


def an_entry(kind: str) -> Entry:
    """An entry of the ledger about the lot."""
    body = {"v": 1, "t": kind, "lot": LOT, "subject": "ab" * 32}
    return Entry(
        index=1, leaf=b"", leaf_hash=b"", salt=b"", body=json.dumps(body).encode(), batch=1
    )

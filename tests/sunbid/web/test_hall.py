"""The hall of an opening that stands still: what everybody sees, and what the supervisor may do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest_asyncio

from bidding.sealing.bidder import unwrap_b
from conftest import SetClock
from foundation.database import Database
from opening_world import a_cure
from page_world import As, pages_of
from world import BidderOf, World, make_world

HTML = {"accept": "text/html"}
FORM = "/opening/decision"


@dataclass
class Hall:
    """A suspended opening, a browser on it, who that is, and the bidder who did not come."""

    world: World
    client: httpx.AsyncClient
    who: As
    absent: BidderOf


@pytest_asyncio.fixture
async def suspended(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[Hall]:
    """One bidder is absent, one of two remedy members released, the window is over."""
    world = await make_world(database, set_clock, tmp_path)
    await world.published_lot(minimum=1)
    bidders = [world.bidder(1), world.bidder(2)]
    for bidder in bidders:
        await world.bid(bidder)
    await world.tick()
    closing = await world.begin_opening()
    await world.release(bidders[0], closing)
    await world.check_all()
    await world.set_clock(await world.now() + timedelta(minutes=31))
    await world.remedied(count=1)
    await world.set_clock(await world.now() + timedelta(minutes=16))
    await world.step("suspended")
    async with pages_of(world) as (client, who):
        yield Hall(world, client, who, absent=bidders[1])
    world.keeper.close()


def session(world: World, part: str) -> Any:
    """Somebody of an office, logged in."""
    return SimpleNamespace(actor=world.actors[part], login=None)


async def test_everybody_sees_for_whom_the_opening_waits_and_only_the_supervisor_decides(
    suspended: Hall,
) -> None:
    world, client, who = suspended.world, suspended.client, suspended.who
    place = f"/lots/{world.lot}/opening"
    for part in (None, "host", "supervisor"):
        who.session = None if part is None else session(world, part)
        shown = await client.get(place, headers=HTML)
        assert shown.status_code == 200
        assert "放行不足，开标暂停" in shown.text
        assert "2 号补救成员、3 号补救成员" in shown.text
        assert (FORM in shown.text) == (part == "supervisor")


async def test_a_decision_is_asked_for_on_the_page_and_over_the_interface(
    suspended: Hall,
) -> None:
    world, client, who = suspended.world, suspended.client, suspended.who
    form = {"decision": "go-on", "cause": "两名补救成员失联"}
    place = f"/lots/{world.lot}/opening/decision"
    for part in (None, "host"):
        who.session = None if part is None else session(world, part)
        assert (await client.post(place, data=form, headers=HTML)).status_code in {401, 403}
    who.session = session(world, "supervisor")
    asked = await client.post(place, data=form, headers=HTML)
    assert (asked.status_code, asked.headers["location"]) == (303, "/papers")
    api = f"/api/v1/lots/{world.lot}/decisions"
    answer = await client.post(api, json={"decision": "terminated", "cause": "保管人失联"})
    assert answer.status_code == 201
    waiting = await world.waiting("supervisor", "supervisor-decision")
    assert answer.json()["paper"] in waiting
    assert len(waiting) == 2
    refused = await client.post(api, json={"decision": "pardon", "cause": "x"})
    assert refused.json()["code"] == "unknown-decision"
    who.session = None
    assert (await client.post(api, json=form)).status_code == 401
    cure = {"type": "cure", "body": {"v": 1}, "sigs": []}
    broken = await client.post(f"/api/v1/lots/{world.lot}/cures", json={"statement": cure})
    assert 400 <= broken.status_code < 500
    assert broken.headers["content-type"].startswith("application/problem+json")


async def test_wrong_values_are_limited_by_place_and_a_right_one_never_waits(
    suspended: Hall,
) -> None:
    world, client, bidder = suspended.world, suspended.client, suspended.absent
    heads = bidder.bids[-1].heads()
    tree = min(heads)
    right = unwrap_b(heads[tree], bidder.opening.exchange, bidder.opening.public)
    place = f"/api/v1/lots/{world.lot}/cures"

    async def post(value: bytes) -> int:
        statement = await a_cure(world, tree, "B", value)
        answer = await client.post(place, json={"statement": statement.json()})
        return answer.status_code

    wrong = [await post(bytes([n]) * 32) for n in range(12)]
    assert wrong == [422] * 10 + [429] * 2
    assert await post(right) == 201

"""Pages of custody: a member's seats, an office's readiness and postponement, the public's view."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest_asyncio

from bidding.tender import drill
from conftest import SetClock
from foundation.database import Database
from page_world import As, pages_of
from world import MORNING, World, actor, make_world

HTML = {"accept": "text/html"}
FORM = {"deadline": "2026-10-15T09:00", "reason": "一名保管人未通过演练"}


@pytest_asyncio.fixture
async def played(
    database: Database, set_clock: SetClock, tmp_path: Path
) -> AsyncIterator[tuple[World, httpx.AsyncClient, As]]:
    """A published lot on the morning of its deadline, and a browser."""
    world = await make_world(database, set_clock, tmp_path)
    await world.published_lot()
    await world.set_clock(MORNING)
    async with pages_of(world) as (client, who):
        yield world, client, who
    world.keeper.close()


def as_member(world: World, name: str) -> Any:
    holder = world.members[name]
    return SimpleNamespace(actor=actor(holder.seat, holder.uscc, holder.name), login=None)


def as_office(world: World, part: str) -> Any:
    return SimpleNamespace(actor=world.actors[part], login=None)


async def test_a_member_sees_its_seat_and_is_sent_to_its_device(
    played: tuple[World, httpx.AsyncClient, As],
) -> None:
    world, client, who = played
    who.session = as_member(world, "T2")
    page = await client.get("/seats/custody", headers=HTML)
    assert page.status_code == 200
    assert "现在无事" in page.text
    await drill.begin_drill(world.db, world.actors["agency"], world.lot)
    page = await client.get("/seats/custody", headers=HTML)
    kid = world.members["T2"].exchange.kid
    assert f"http://phone.test/seat?at=http%3A%2F%2Fpages.test%2Flots%2F{world.lot}" in page.text
    assert f"kid={kid}" in page.text
    assert f"sunbid custodian ready {world.lot} --home DIR" in page.text
    who.session = as_office(world, "buyer")
    page = await client.get("/seats/custody", headers=HTML)
    assert str(world.lot) not in page.text


async def test_an_office_sees_readiness_and_proposes_a_postponement(
    played: tuple[World, httpx.AsyncClient, As],
) -> None:
    world, client, who = played
    place = f"/lots/{world.lot}/custody"
    who.session = as_office(world, "agency")
    assert "尚未演练" in (await client.get(place, headers=HTML)).text
    assert (await client.post(f"{place}/drill", data={})).status_code == 303
    assert "演练中" in (await client.get(place, headers=HTML)).text
    assert (await client.post(f"{place}/postponement", data=FORM)).status_code == 303
    page = await client.get(place, headers=HTML)
    assert "等待签署的顺延" in page.text
    # Nothing is public before both have signed.
    who.session = None
    assert FORM["reason"] not in (await client.get(f"/lots/{world.lot}", headers=HTML)).text
    for part in ("buyer", "supervisor"):
        await world.sign_paper(part, (await world.waiting(part, "schedule"))[-1])
    public = (await client.get(f"/lots/{world.lot}", headers=HTML)).text
    assert FORM["reason"] in public
    assert "2026年10月12日 09:00" in public
    assert "2026年10月15日 09:00" in public


async def test_others_do_not_see_an_offices_page(
    played: tuple[World, httpx.AsyncClient, As],
) -> None:
    world, client, who = played
    place = f"/lots/{world.lot}/custody"
    who.session = as_member(world, "T2")
    assert (await client.get(place, headers=HTML)).status_code == 403
    assert (await client.post(f"{place}/postponement", data=FORM)).status_code == 403
    who.session = as_office(world, "buyer")
    page = await client.get(place, headers=HTML)
    assert page.status_code == 200
    assert "<form" not in page.text.split("<main", 1)[1].split("</main", 1)[0]
    for wrong in ("2026-10-15", "yesterday", "2026-10-11T09:00"):
        who.session = as_office(world, "agency")
        made = await client.post(f"{place}/postponement", data={**FORM, "deadline": wrong})
        assert made.status_code in {409, 422}, wrong

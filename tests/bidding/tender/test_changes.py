"""Leaving an address by page and interface: no login, the same answer for all, a limit by place."""

from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
import pytest_asyncio

from bidding.tender import address_store, postponement
from foundation.database import reading
from foundation.settings import Settings
from page_world import As
from sunbid.web import changes
from whole_app import platform_of
from world import DEADLINE, MORNING, World

Platform = tuple[httpx.AsyncClient, As]


@pytest_asyncio.fixture
async def platform(world: World, application_dsn: str) -> AsyncIterator[Platform]:
    """The whole application with a published lot; nobody is logged in."""
    await world.published_lot()
    await world.set_clock(MORNING)
    changes._SEEN.clear()
    async with platform_of(world, application_dsn) as (client, who):
        who.session = None
        yield client, who


async def kept(world: World) -> int:
    async with reading(world.db, "bidding") as connection:
        return len(await address_store.of_lot(connection, world.lot))


async def test_an_address_is_left_without_a_login(platform: Platform, world: World) -> None:
    client, _ = platform
    page = await client.get(f"/lots/{world.lot}", headers={"accept": "text/html"})
    assert f'action="/lots/{world.lot}/addresses"' in page.text
    sent = await client.post(
        f"/lots/{world.lot}/addresses",
        data={"address": "wang@taker.example"},
        headers={"origin": "http://platform.test", "sec-fetch-site": "same-origin"},
    )
    assert (sent.status_code, sent.headers["location"]) == (303, f"/lots/{world.lot}?left=yes#told")
    after = await client.get(sent.headers["location"], headers={"accept": "text/html"})
    assert 'role="status"' in after.text
    assert "wang@taker" not in after.text
    first, again = [
        await client.post(
            f"/api/v1/lots/{world.lot}/addresses", json={"address": "wang@taker.example"}
        )
        for _ in range(2)
    ]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == 202
    assert await kept(world) == 3


async def test_the_form_of_somebody_logged_in_carries_its_token(
    platform: Platform, world: World
) -> None:
    client, who = platform
    who.session = world.login(world.bidder(1), MORNING)
    page = (await client.get(f"/lots/{world.lot}", headers={"accept": "text/html"})).text
    form = page.partition('/addresses">')[2].partition("</form>")[0]
    assert 'type="hidden"' in form


async def test_many_from_one_place_and_a_platform_without_mail(
    platform: Platform, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = platform
    place = f"/api/v1/lots/{world.lot}/addresses"
    codes = [
        (await client.post(place, json={"address": f"a{n}@taker.example"})).status_code
        for n in range(12)
    ]
    assert codes == [202] * 10 + [429] * 2
    state = SimpleNamespace(settings=Settings())
    assert not changes.sends_mail(SimpleNamespace(app=SimpleNamespace(state=state)))  # type: ignore[arg-type]
    monkeypatch.setattr(changes, "sends_mail", lambda _: False)
    assert (await client.post(place, json={"address": "b@taker.example"})).status_code == 404


async def test_all_changes_stand_on_one_page(platform: Platform, world: World) -> None:
    client, _ = platform
    wanted = {"accept": "text/html"}
    assert str(world.lot) not in (await client.get("/changes", headers=wanted)).text
    proposal = postponement.Proposal(deadline_at=DEADLINE + timedelta(days=2), reason="答疑较多")
    schedule, _ = await postponement.propose(world.db, world.actors["agency"], world.lot, proposal)
    await world.sign_paper("buyer", schedule)
    assert str(world.lot) not in (await client.get("/changes", headers=wanted)).text
    await world.sign_paper("supervisor", schedule)
    shown = (await client.get("/changes", headers=wanted)).text
    assert f'href="/lots/{world.lot}"' in shown
    assert "答疑较多" in shown

"""The page 授权同事: a company sees its own mandates, and every change is signed on the phone."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from conftest import SetClock
from foundation.database import Database
from foundation.identity.challenge import begin_login, read_challenge
from foundation.identity.domain import Session
from foundation.identity.login import log_in_command
from foundation.settings import Settings
from foundation.statements.canonical import b64
from foundation.statements.signed import Signer, sign
from mandates import OperatorOf
from page_world import As, pages_of
from sunbid.web.identity_desk import identify_by
from world import ORIGIN, World, make_world

BROWSER = "the cookie of a browser"


class Desk:
    """A browser on the pages, and a company with a colleague."""

    def __init__(self, world: World, client: httpx.AsyncClient, who: As) -> None:
        self.world, self.client, self.who = world, client, who
        self.operator = OperatorOf(world.bidder(1))

    async def log_in(self, signer: Signer) -> Session:
        """A real session: challenges belong to a registered actor."""
        made = await begin_login(self.world.db, aud=ORIGIN, browser=BROWSER)
        signed = sign(made.statement, signer)
        identify = identify_by(self.world.desk)
        _, self.who.session = await log_in_command(
            self.world.db, signed, BROWSER, identify, "bidder"
        )
        return self.who.session

    async def page(self) -> httpx.Response:
        """The page in Chinese."""
        return await self.client.get("/mandates", headers={"accept": "text/html"})

    async def post(self, path: str, **form: str) -> httpx.Response:
        """A form of this page."""
        headers = {"origin": "http://pages.test", "sec-fetch-site": "same-origin"}
        return await self.client.post(path, data=form, headers=headers)

    def public(self, **changes: Any) -> str:
        """The colleague's public file."""
        key = self.operator.key
        said = {"person_tag": None, "kid": key.kid, "alg": "ES256", "pk": b64(key.public)}
        return json.dumps({**said, **changes})


@pytest_asyncio.fixture
async def desk(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[Desk]:
    world = await make_world(database, set_clock, tmp_path)
    await world.published_lot()
    async with pages_of(world) as (client, who):
        client._transport.app.state["settings"] = Settings(  # type: ignore[attr-defined]
            mode="development", public_url="http://pages.test"
        )
        yield Desk(world, client, who)
    world.keeper.close()


async def test_a_company_asks_its_phone_for_a_mandate_and_for_its_end(desk: Desk) -> None:
    session = await desk.log_in(desk.operator.bidder.signer)
    empty = await desk.page()
    assert empty.status_code == 200
    assert "还没有授权" in empty.text
    asked = await desk.post(
        "/mandates",
        operator=desk.public(),
        days="90",
        submit="yes",
        tender=str(desk.world.tender),
    )
    assert asked.status_code == 303, asked.text
    place = asked.headers["location"]
    found, _ = await read_challenge(desk.world.db, UUID(place.rsplit("/", 1)[-1]))
    body = found.statement.body
    assert (found.statement.type, body["uscc"]) == ("mandate", session.actor.subject)
    assert (body["scope"], body["tenders"]) == (["submit"], [str(desk.world.tender)])
    mandate = await desk.operator.given(desk.world)
    page = await desk.page()
    assert desk.operator.key.kid in page.text
    assert f"/mandates/{mandate.sid}/revoke" in page.text
    ended = await desk.post(f"/mandates/{mandate.sid}/revoke")
    assert ended.status_code == 303
    await desk.operator.revoke(desk.world, mandate)
    assert "已撤销" in (await desk.page()).text


async def test_mandates_are_shown_to_their_company_and_their_key_alone(desk: Desk) -> None:
    mandate = await desk.operator.given(desk.world)
    await desk.log_in(desk.operator.key)
    own = await desk.page()
    assert desk.operator.key.kid in own.text
    assert "/revoke" not in own.text
    assert (await desk.post(f"/mandates/{mandate.sid}/revoke")).status_code == 403
    await desk.log_in(desk.world.bidder(2).signer)
    assert desk.operator.key.kid not in (await desk.page()).text
    desk.who.session = None
    assert (await desk.page()).status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        {"operator": "no json"},
        {"operator": "[]"},
        {"operator": "{}"},
        {"operator": '{"kid":"x"}'},
        {"days": "0"},
        {"days": "9999"},
        {"days": "many"},
    ],
)
async def test_what_cannot_be_a_mandate_is_not_signed(desk: Desk, form: dict[str, str]) -> None:
    await desk.log_in(desk.operator.bidder.signer)
    whole = {"operator": desk.public(), "days": "90", "submit": "yes", **form}
    assert 400 <= (await desk.post("/mandates", **whole)).status_code < 500

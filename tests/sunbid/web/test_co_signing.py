"""A member of a consortium signs over HTTP: the file is its own, and the platform keeps nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from bid_world import BidderBrowser, Platform, bidders_platform
from bidding.sealing.bodies import Company
from conftest import SetClock
from foundation.database import Database
from foundation.settings import Settings
from foundation.statements.signed import Statement, unsigned
from mandates import OperatorOf
from markers import tables_with
from world import MORNING, make_world

# Whoever logged in stands there by name; with whom and for which lot is the question.
LOGINS = {"foundation.actor", "foundation.session"}


@pytest_asyncio.fixture
async def platform(
    database: Database, set_clock: SetClock, tmp_path: Path, settings: Settings
) -> AsyncIterator[Platform]:
    """A published lot and the whole application over it."""
    world = await make_world(database, set_clock, tmp_path)
    await world.published_lot()
    await world.set_clock(MORNING)
    async with bidders_platform(world, settings) as made:
        yield made
    world.keeper.close()


async def a_list(platform: Platform) -> Statement:
    """The list of a joint bid of the first bidder with the second, nowhere but in its file."""
    lead, member = platform.world.bidder(1), platform.world.bidder(2)
    partners = [Company(uscc=member.uscc, name=member.name)]
    made = await platform.world.seal(lead, consortium=partners)
    return unsigned("manifest", made.manifest.body)


async def signed_by_member(browser: BidderBrowser, listed: Statement) -> str:
    """The member's phone has signed; the id of the code."""
    asked = await browser.ask_signature(listed)
    await browser.sign_on_phone(asked["id"], asked["match"])
    return str(asked["id"])


@pytest.mark.misuse(105)
@pytest.mark.threat("T7")
async def test_a_member_gets_its_signature_and_the_platform_keeps_nothing(
    platform: Platform, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    listed = await a_list(platform)
    browser = await platform.browser(platform.world.bidder(2))
    assert "打开清单" in (await browser.get("/bids/co-sign")).text
    challenge = await signed_by_member(browser, listed)
    onwards = await browser.get(f"/sign/{challenge}")
    assert onwards.headers["location"] == f"/bids/co-sign/{challenge}"
    assert challenge in (await browser.get(onwards.headers["location"])).text
    fetched = await browser.post(f"/api/v1/challenges/{challenge}/signature")
    assert fetched.json()["statement"]["body"] == listed.body
    [tree, *_] = [envelope["tree"] for envelope in listed.body["envelopes"]]
    lead, member = platform.world.bidder(1), platform.world.bidder(2)
    for marker in (listed.sid, tree, bytes.fromhex(listed.sid), lead.uscc, lead.name, challenge):
        assert await tables_with(owner, marker) == set(), marker
    for marker in (member.uscc, member.name):
        assert await tables_with(owner, marker) <= LOGINS
    # The control: the search finds what is there.
    assert await tables_with(owner, member.name) == LOGINS


@pytest.mark.misuse(34)
async def test_nobody_else_gets_it(platform: Platform) -> None:
    listed = await a_list(platform)
    browser = await platform.browser(platform.world.bidder(2))
    challenge = await signed_by_member(browser, listed)
    for number in (1, 2, 3):
        other = await platform.browser(platform.world.bidder(number))
        stolen = await other.post(f"/api/v1/challenges/{challenge}/signature")
        assert (stolen.status_code, stolen.json()["code"]) == (409, "E_CHALLENGE")


async def test_what_is_no_list_ends_in_a_refusal(platform: Platform) -> None:
    browser = await platform.browser(platform.world.bidder(2))
    for statement in (unsigned("manifest", {"v": 1}), unsigned("withdraw", {"v": 1})):
        challenge = await signed_by_member(browser, statement)
        answer = await browser.get(f"/sign/{challenge}")
        assert answer.status_code == 422, answer.text


async def test_an_operator_is_told_that_it_takes_the_licence(platform: Platform) -> None:
    company = platform.world.bidder(2)
    operator = OperatorOf(company)
    await operator.given(platform.world, scope=["submit"])
    browser = await platform.browser(replace(company, signer=operator.key))
    shown = (await browser.get("/bids/co-sign")).text
    assert "须由本单位的电子营业执照签署" in shown
    assert "data-co-sign" not in shown

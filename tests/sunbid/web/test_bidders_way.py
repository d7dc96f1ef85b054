"""A bidder's way over HTTP: sign on the phone, hand in, withdraw, refused, decrypt by licence."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from bid_world import BidderBrowser, Platform, bidders_platform, challenge_of, refusal_in
from conftest import SetClock
from foundation.database import Database
from foundation.ledger.tree import check_inclusion, hash_leaf
from foundation.settings import Settings
from foundation.statements.canonical import canonical
from foundation.statements.keyfile import ExchangeKey
from foundation.statements.signed import Statement, from_json, unsigned
from world import DEADLINE, MORNING, BidderOf, SealedBid, World, make_world


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


@pytest_asyncio.fixture
async def browser(platform: Platform) -> BidderBrowser:
    """The browser of a bidder that has not handed in yet."""
    return await platform.browser(platform.world.bidder(1))


async def sealed(browser: BidderBrowser) -> SealedBid:
    """A bid sealed and uploaded for the next act of a browser's bidder; unsigned."""
    made = await browser.world.seal(browser.bidder)
    await browser.world.upload(made)
    made.manifest = unsigned(made.manifest.type, made.manifest.body)
    return made


async def signed_in_browser(browser: BidderBrowser, made: SealedBid) -> Statement:
    """The manifest signed on the phone and fetched by the page that asked."""
    asked = await browser.ask_signature(made.manifest)
    signed = await browser.sign_on_phone(asked["id"], asked["match"])
    fetched = await browser.post(f"/api/v1/challenges/{asked['id']}/signature")
    assert fetched.status_code == 200, fetched.text
    assert fetched.json()["statement"] == signed.json()
    return signed


async def hand_in(browser: BidderBrowser, made: SealedBid, signed: Statement) -> Any:
    """What the page of handing in posts."""
    lot = browser.world.lot
    token = (await browser.post(f"/api/v1/lots/{lot}/tokens")).json()["token"]
    uploads = [{"upload": str(upload), "secret": secret} for upload, secret in made.uploads]
    body = {"statement": signed.json(), "uploads": uploads, "token": token}
    return await browser.post("/api/v1/acts", body, **{"Idempotency-Key": signed.sid})


async def settle(browser: BidderBrowser, sid: str) -> dict[str, Any]:
    """Ticks until the act has its receipt or refusal."""
    found: dict[str, Any] = {}
    for _ in range(5):
        await browser.world.tick()
        found = (await browser.client.get(f"/api/v1/acts/{sid}")).json()
        if found["receipt"] is not None or found["refusal"] is not None:
            return found
    raise AssertionError(f"no receipt: {found}")


async def test_a_bid_is_signed_on_the_phone_and_handed_in_by_its_page(
    browser: BidderBrowser,
) -> None:
    lot, made = browser.world.lot, await sealed(browser)
    for page in ("", "/seal", "/check", "/withdraw"):
        answer = await browser.get(f"/lots/{lot}/bid{page}")
        assert answer.status_code == 200
        assert "未递交" in answer.text, page
    asked = await browser.ask_signature(made.manifest)
    waiting = await browser.get(f"/sign/{asked['id']}")
    assert asked["match"] in waiting.text
    early = await browser.post(f"/api/v1/challenges/{asked['id']}/signature")
    assert (early.status_code, early.json()["code"]) == (409, "E_CHALLENGE")
    signed = await browser.sign_on_phone(asked["id"], asked["match"])
    onwards = await browser.get(f"/sign/{asked['id']}")
    assert onwards.headers["location"] == f"/lots/{lot}/bid/hand-in/{asked['id']}"
    assert asked["id"] in (await browser.get(onwards.headers["location"])).text
    # An answer that was lost is asked for again and is the same.
    for _ in range(2):
        fetched = await browser.post(f"/api/v1/challenges/{asked['id']}/signature")
        assert fetched.json()["statement"] == signed.json()
    ticket = await hand_in(browser, made, signed)
    assert ticket.status_code == 202
    assert "已受理" in (await browser.get(f"/lots/{lot}/bid")).text
    found = await settle(browser, signed.sid)
    number = found["receipt"]["statement"]["body"]["receipt"]
    for page in ("", "/seal", "/check"):
        assert f"回执号 {number}" in (await browser.get(f"/lots/{lot}/bid{page}")).text


@pytest.mark.misuse(34)
async def test_only_the_browser_that_asked_gets_the_signed_bid(
    platform: Platform, browser: BidderBrowser
) -> None:
    made = await sealed(browser)
    asked = await browser.ask_signature(made.manifest)
    await browser.sign_on_phone(asked["id"], asked["match"])
    path = f"/api/v1/challenges/{asked['id']}/signature"
    for other in (
        await platform.browser(browser.bidder),
        await platform.browser(platform.world.bidder(2)),
    ):
        stolen = await other.post(path)
        assert (stolen.status_code, stolen.json()["code"]) == (409, "E_CHALLENGE")
    assert (await platform.client().post(path)).status_code == 401
    assert (await browser.post(path)).status_code == 200


async def test_a_withdrawal_needs_no_script(browser: BidderBrowser) -> None:
    lot = browser.world.lot
    made = await sealed(browser)
    signed = await signed_in_browser(browser, made)
    await hand_in(browser, made, signed)
    await settle(browser, signed.sid)
    assert "第 1 版" in (await browser.get(f"/lots/{lot}/bid/withdraw")).text
    begun = await browser.submit(f"/lots/{lot}/bid/withdraw")
    assert begun.status_code == 303
    challenge = challenge_of(begun.headers["location"])
    found = (await browser.client.get(f"/api/v1/challenges/{challenge}")).json()
    assert (found["type"], found["body"]["prev"]) == ("withdraw", signed.sid)
    withdrawal = await browser.sign_on_phone(str(challenge), found["match"])
    for _ in range(2):
        done = await browser.get(f"/sign/{challenge}")
        assert (done.status_code, done.headers["location"]) == (303, f"/lots/{lot}/bid")
    await settle(browser, withdrawal.sid)
    page = (await browser.get(f"/lots/{lot}/bid")).text
    assert "未递交" in page
    assert "您于" in page
    assert "撤回了投标" in page
    again = await browser.submit(f"/lots/{lot}/bid/withdraw")
    assert again.status_code == 409


@pytest.mark.misuse(35, 81)
async def test_a_late_act_shows_its_signed_refusal_to_its_bidder_alone(
    platform: Platform, browser: BidderBrowser
) -> None:
    world, lot = browser.world, browser.world.lot
    made = await sealed(browser)
    signed = await signed_in_browser(browser, made)
    other = await platform.browser(world.bidder(2))
    before = (await other.get(f"/lots/{lot}/bid")).text
    await world.set_clock(DEADLINE + timedelta(milliseconds=1))
    late = await hand_in(browser, made, signed)
    assert (late.status_code, late.json()["code"]) == (409, "E_LATE")
    refusal = refusal_in(late)
    # The same act again gets the same refusal: no second entry, no second line.
    assert refusal_in(await hand_in(browser, made, signed)).sid == refusal.sid
    page = (await browser.get(f"/lots/{lot}/bid")).text
    file = f"/lots/{lot}/bid/refusals/{refusal.sid}"
    assert page.count(file) == 1
    assert "E_LATE" in page
    assert (await browser.get(file)).json() == refusal.json()
    assert (await other.get(file)).status_code == 404
    after = (await other.get(f"/lots/{lot}/bid")).text
    assert "拒收" not in after
    assert before.count("<li") == after.count("<li")


@pytest.mark.misuse(105)
@pytest.mark.threat("T7")
async def test_a_bid_that_waits_for_the_phone_names_nobody_in_the_tables(
    browser: BidderBrowser, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    made = await sealed(browser)
    asked = await browser.ask_signature(made.manifest)
    for signed in (False, True):
        if signed:
            await browser.sign_on_phone(asked["id"], asked["match"])
        rows = await owner.fetch("SELECT t::text AS row FROM foundation.challenge AS t")
        told = "\n".join(row["row"] for row in rows)
        hidden = (browser.bidder.uscc, browser.bidder.name, str(browser.world.lot), asked["id"])
        for word in (*hidden, "manifest"):
            assert word not in told
            assert word.encode().hex() not in told


async def opened_by_licence(platform: Platform) -> tuple[BidderBrowser, list[BidderOf]]:
    """Three bids in phase 1; the first was sealed with a key of its licence app."""
    world = platform.world
    bidders = [world.bidder(n) for n in (1, 2, 3)]
    first = bidders[0]
    browser = await platform.browser(first)
    begun = (await browser.post(f"/api/v1/lots/{world.lot}/licence-keys")).json()
    place = f"/api/v1/lots/{world.lot}/licence-keys/{begun['ticket']}"
    assert (await browser.client.get(place)).json()["state"] == "pending"
    await consent(world)
    made = (await browser.client.get(place)).json()
    assert made["state"] == "ready"
    key = ExchangeKey(world.authority.folder.opening_key(first.uscc, world.lot))
    assert made["kid"] == key.kid
    first.opening = key
    for bidder in bidders:
        await world.bid(bidder)
    await world.tick(2)
    await world.begin_opening()
    return browser, bidders


async def consent(world: World, *, yes: bool = True) -> None:
    """The holder answers the newest question of the app."""
    await world.authority.consent(list(world.authority._tickets)[-1], yes=yes)


async def test_a_scan_of_the_licence_releases_the_bidders_half(platform: Platform) -> None:
    browser, bidders = await opened_by_licence(platform)
    lot = platform.world.lot
    hall = await browser.get(f"/lots/{lot}/opening")
    assert "扫执照解密" in hall.text
    assert "扫执照解密" not in (await platform.client().get(f"/lots/{lot}/opening")).text
    begun = await browser.submit(f"/lots/{lot}/opening/licence")
    waiting = begun.headers["location"]
    assert "同意" in (await browser.get(waiting)).text
    other = await platform.browser(bidders[1])
    stolen = await other.get(waiting)
    assert stolen.status_code == 403
    await consent(platform.world)
    for _ in range(2):
        done = await browser.get(waiting)
        assert (done.status_code, done.headers["location"]) == (303, f"/lots/{lot}/opening#release")
    assert "已全部收到" in (await browser.get(f"/lots/{lot}/opening")).text
    [ack] = await platform.world.kept("release-ack")
    assert ack.body["channel"] == "session"
    heads = (await browser.client.get(f"/api/v1/lots/{lot}/own-heads")).json()
    assert heads["heads"] == []
    shown = heads["shown"]
    closing = from_json(shown["closing"])
    assert (closing.sid, shown["stage"]) == (heads["closing"], None)
    assert {leaf["body"]["t"] for leaf in shown["leaves"]} == {"cut", "closing"}
    assert shown["proofs"].keys() == {str(leaf["index"]) for leaf in shown["leaves"]}
    check_inclusion(
        hash_leaf(canonical(shown["entry"])), shown["place"], closing.body["count"],
        [bytes.fromhex(one) for one in shown["path"]], bytes.fromhex(closing.body["list_root"]),
    )  # fmt: skip
    assert len((await other.client.get(f"/api/v1/lots/{lot}/own-heads")).json()["heads"]) == 2


async def test_a_bid_sealed_without_the_licences_key_is_opened_otherwise(
    platform: Platform,
) -> None:
    _, bidders = await opened_by_licence(platform)
    lot, other = platform.world.lot, await platform.browser(bidders[1])
    begun = await other.submit(f"/lots/{lot}/opening/licence")
    await consent(platform.world)
    refused = await other.get(begun.headers["location"])
    assert refused.status_code == 409
    assert "执照" in refused.text
    begun = await other.submit(f"/lots/{lot}/opening/licence")
    await consent(platform.world, yes=False)
    assert (await other.get(begun.headers["location"])).status_code == 403


async def test_a_measured_upload_is_taken_from_bidders_and_forgotten(
    platform: Platform, browser: BidderBrowser
) -> None:
    headers = {"X-CSRF-Token": browser.csrf}
    sent = await browser.client.post("/api/v1/upload-speed", content=b"0" * 65536, headers=headers)
    assert sent.status_code == 204
    large = await browser.client.post(
        "/api/v1/upload-speed", content=b"0" * (1024 * 1024 + 1), headers=headers
    )
    assert large.status_code == 413
    assert (await platform.client().post("/api/v1/upload-speed")).status_code == 401


@pytest.mark.misuse(34)
async def test_a_login_ends_the_session_before_it_and_comes_back_to_its_page(
    platform: Platform, browser: BidderBrowser
) -> None:
    path = f"/lots/{platform.world.lot}/bid/seal"
    nobody = await platform.client().get(path, headers={"accept": "text/html"})
    assert nobody.status_code == 401
    assert f'?next={path}"' in nobody.text
    cookies = dict(browser.client.cookies)
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    await browser.log_in()
    assert (await browser.client.get("/api/v1/me")).status_code == 200
    old = await platform.client().get("/api/v1/me", headers=headers)
    assert old.status_code == 401

"""A lot of GM-1 from draft to record: SM2, SM3 and SM4 all the way, and nothing of INTL-1 in it."""

import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bidding.bid import service as bids
from bidding.opening.closings.omissions import take_omission
from bidding.opening.results.unsealing import open_lot
from bidding.sealing.opening_keys import check_algorithms
from bidding.sealing.refusals import WrongSuite
from bidding.sealing.suites import GM_1, INTL_1, SUITES
from bidding.tender import service as tenders
from conftest import SetClock
from foundation.database import Database, reading
from foundation.problems import Unavailable
from foundation.statements.canonical import BadField, b64, canonical, unb64
from foundation.statements.keyfile import ExchangeKey, generate
from foundation.statements.signed import BadSignature, KeySigner, Statement, read, sign, unsigned
from opening_world import WINDOW, all_hold, later, open_all, results, with_bids
from sunbid.verify.verifier import verify_package
from world import PUBLISHED_AT, World, a_lot, a_tender, make_world, refused


@pytest_asyncio.fixture
async def world(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[World]:
    """A platform whose people have keys and licences of GM-1."""
    made = await make_world(database, set_clock, tmp_path, GM_1)
    yield made
    made.keeper.close()


def algorithms(statements: list[Statement]) -> set[str]:
    """What the statements are signed with."""
    return {signature.alg for statement in statements for signature in statement.sigs}


async def handed_out(world: World) -> list[Statement]:
    """The tickets and receipts of the lot."""
    async with reading(world.db, "bidding") as connection:
        rows = await connection.fetch(
            "SELECT ticket, receipt FROM bidding.act WHERE lot = $1", world.lot
        )
    return [read(raw) for row in rows for raw in (row["ticket"], row["receipt"])]


async def test_a_lot_of_gm_is_sealed_closed_opened_and_verified(world: World) -> None:
    bidders = await with_bids(world)
    assert algorithms(await handed_out(world)) == {"SM2SM3"}
    closing = await world.begin_opening()
    for bidder in bidders[1:]:
        await world.release(bidder, closing)
    await world.check_all()
    await later(world, WINDOW)
    # The first bidder stays away: the remedy group opens for it.
    await world.remedied()
    await open_all(world)
    assert set((await results(world)).values()) == {"OPENED"}
    kinds: tuple[str, ...] = ("opening-keys", "schedule", "closing", "opening-step", "remedy-start")
    kinds += ("release-ack", "share-check", "release-t", "release-r")
    assert algorithms(await world.kept(*kinds)) == {"SM2SM3"}
    await all_hold(world)
    package = (world.folder / "package.zip").read_bytes()
    assert false_checks(package) == set()
    for checks, change in MUTATIONS:
        assert checks & false_checks(changed(package, change)), change


Files = dict[str, bytes]


def false_checks(package: bytes) -> set[str]:
    """The checks that a stranger's verifier finds false."""
    return {found.id for found in verify_package(io.BytesIO(package)) if found.ok is False}


def changed(package: bytes, change: Callable[[Files], None]) -> bytes:
    """The package with one thing in it changed."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def in_opening(change: Callable[[Any], None]) -> Callable[[Files], None]:
    """A change of the transcript."""

    def apply(files: Files) -> None:
        opening = json.loads(files["opening.json"])
        change(opening)
        files["opening.json"] = canonical(opening)

    return apply


def flipped(text: str) -> str:
    """Base64url of other bytes of the same length."""
    raw = bytearray(unb64(text))
    raw[0] ^= 1
    return b64(bytes(raw))


def act_signature(opening: Any) -> None:
    signature = opening["acts"][0]["statement"]["sigs"][0]
    signature["sig"] = flipped(signature["sig"])


def closing_algorithm(opening: Any) -> None:
    opening["closing"]["sigs"][0]["alg"] = "ES256"


def member_signature(opening: Any) -> None:
    released = next(r for r in opening["releases"] if r["type"] == "release-t")
    released["sigs"][0]["sig"] = flipped(released["sigs"][0]["sig"])


def wrap(opening: Any) -> None:
    share = opening["wraps"][0]["t"]["shares"][0]
    share["ct"] = flipped(share["ct"])


def released_share(opening: Any) -> None:
    released = next(r for r in opening["releases"] if r["type"] == "release-t")
    released["body"]["shares"][0]["value"] = b64(bytes(32))


def recorded_half(opening: Any) -> None:
    opening["records"][0]["body"]["results"][0]["T"] = b64(bytes(32))


def sealed_byte(files: Files) -> None:
    name = next(name for name in files if name.endswith(".tbe"))
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])


def foreign_root(files: Files) -> None:
    files["anchors/platform-1.der"] = files["anchors/platform-0.der"]


MUTATIONS: list[tuple[set[str], Callable[[Files], None]]] = [
    ({"C2"}, in_opening(act_signature)),
    ({"C2"}, in_opening(closing_algorithm)),
    ({"C2"}, in_opening(member_signature)),
    ({"C2"}, foreign_root),
    ({"C12", "C14"}, in_opening(wrap)),
    ({"C4"}, in_opening(released_share)),
    ({"C4", "C27"}, in_opening(recorded_half)),
    ({"C11"}, sealed_byte),
]


async def test_an_act_signed_by_another_suite_is_refused(world: World) -> None:
    await with_bids(world, count=1)
    p256 = KeySigner(generate("P-256"))
    body = (await world.kept("schedule"))[0].body
    with pytest.raises(BadSignature, match="GM-1"):
        check_algorithms(sign(unsigned("schedule", body), p256), GM_1)
    bidder = world.bidder(9)
    bidder.signer = replace(bidder.signer, key=generate("P-256"))
    bid = await world.seal(bidder)
    assert algorithms([bid.manifest]) == {"ES256"}
    with pytest.raises(BadSignature, match="ES256"):
        check_algorithms(bid.manifest, GM_1)


async def test_members_of_another_suite_are_refused(world: World) -> None:
    await world.draft()
    seat = world.members["T2"]
    other = replace(
        seat,
        exchange=ExchangeKey(generate("P-256")),
        signer=KeySigner(generate("P-256")),
    )
    world.members["T2"] = other
    signing = b64(seat.signer.public)
    body = world.member_key(other, suite="INTL-1")
    no = await refused(world.register(other, body))
    assert isinstance(no, BadSignature)
    # A key that says GM-1 and lies on P-256 is found when it is registered.
    mixed = world.member_key(other, seat.signer, sign_kid=seat.signer.kid, sign_pk=signing)
    assert isinstance(await refused(world.register(other, mixed)), BadField)


async def test_a_platform_without_a_device_publishes_no_lot_of_gm(world: World) -> None:
    await world.draft()
    await world.set_clock(PUBLISHED_AT)
    world.desk = replace(world.desk, platform_sm2=None)
    no = await refused(world.announce())
    assert isinstance(no, WrongSuite)
    assert "SUNBID_PLATFORM_DEVICE" in no.message
    with pytest.raises(Unavailable):
        world.desk.platform_for("GM-1")


async def test_a_suite_that_only_opens_is_not_published_and_still_opens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bidders = await with_bids(world, count=3)
    monkeypatch.setitem(SUITES, "GM-1", replace(GM_1, decrypt_only=True))
    draft = tenders.draft_tender(
        world.db, world.actors["agency"], a_tender("A-2", a_lot(suite="GM-1"))
    )
    assert isinstance(await refused(draft), WrongSuite)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await later(world, timedelta(seconds=1))
    await open_lot(world.desk, world.lot)
    assert set((await results(world)).values()) == {"OPENED"}
    assert INTL_1.decrypt_only is False


async def test_an_omission_of_gm_is_taken(world: World) -> None:
    bidders = await with_bids(world)
    made = await world.seal(bidders[0])
    await world.upload(made)
    await world.hand_in(bidders[0], made)
    await world.tick()
    closing = await world.begin_opening()
    found = await bids.show_act(world.desk, bidders[0].acts[0].sid)
    receipt = read(found.act.receipt or b"").json()
    body = {"v": 1, "closing": closing.sid, "receipt": receipt, "proof": found.proof or "-"}
    raised = unsigned("omission", body)
    await take_omission(world.desk, world.lot, raised)
    assert [one.sid for one in await world.kept("omission")] == [raised.sid]

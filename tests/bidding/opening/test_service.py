"""The opening on PostgreSQL: phases and guards, releases, and nothing decrypted before phase 4."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from bidding.opening import steps
from bidding.opening.closings import closing as closings
from bidding.opening.closings.blobs import read_back
from bidding.opening.domain import (
    MembersMissing,
    NotAMember,
    OtherClosing,
    WindowOpen,
    WrongPhase,
)
from bidding.opening.hall import hall_facts
from bidding.opening.material import hall, member_material, own_entry
from bidding.opening.oversight.objections import take_objection
from bidding.opening.releases.cures import take_cure
from bidding.opening.releases.release import take_release_b
from bidding.opening.releases.wrong_shares import WRONG_SHARE_EVENT
from bidding.opening.results import result_store
from bidding.opening.results.examiner import examiner
from bidding.opening.results.transcript import transcript
from bidding.opening.results.unsealing import lots_to_open, open_lot
from bidding.sealing.member import share_check
from bidding.sealing.package import pack
from bidding.sealing.refusals import BadPackage, ReleaseIncomplete, WrongB, WrongShare
from bidding.tender.domain import WrongStatus
from foundation.database import reading
from foundation.identity.actor import WrongRole
from foundation.ledger.keeper import ReleaseRefused
from foundation.problems import NotAllowed
from foundation.statements.canonical import BadField, b64, canonical, unb64
from foundation.statements.signed import (
    BadSignature,
    Signature,
    Statement,
    from_json,
    sign,
    unsigned,
)
from foundation.statements.store import AlreadyKept, kept_events
from opening_world import (
    WINDOW,
    a_cure,
    all_hold,
    later,
    nothing_decrypted,
    open_all,
    results,
    says,
    with_bids,
)
from world import (
    DEADLINE,
    MORNING,
    BidderOf,
    World,
    a_volume,
    actor,
    refused,
)

Owner = asyncpg.Connection

# --- phases -------------------------------------------------------------------------------------


async def test_phases_come_in_order_and_only_from_the_host(world: World) -> None:
    bidders = await with_bids(world)
    early = steps.advance(world.desk, world.actors["host"], world.lot, "phase1")
    assert isinstance(await refused(early), WrongPhase)
    closing = await world.close()
    no = await refused(world.step("phase1"))
    assert no.code == "cut-missing", "the closing is not in a checkpoint yet"
    assert isinstance(
        await refused(closings.confirm_closing(world.desk, world.actors["host"], world.lot)),
        WrongStatus,
    )
    await world.tick()
    for step in ("phase2", "phase3", "phase4", "suspended", "phase9"):
        assert (await refused(world.step(step))).code == "E_PHASE", step
    other_host = actor("trading-centre", bidders[0].uscc, "another")
    call = steps.advance(world.desk, other_host, world.lot, "phase1")
    assert isinstance(await refused(call), NotAllowed)
    call = steps.advance(world.desk, world.actors["agency"], world.lot, "phase1")
    assert isinstance(await refused(call), WrongRole)
    await world.step("phase1")
    assert (await refused(world.step("phase1"))).code == "E_PHASE"
    for bidder in bidders:
        await world.release(bidder, closing)
    assert (await refused(world.step("phase2"))).code == "E_PHASE", "nothing to remedy"
    await world.step("phase3")
    assert isinstance(await refused(world.step("phase4")), MembersMissing)
    assert isinstance(await refused(world.step("suspended")), WindowOpen)


@pytest.mark.misuse(68, 72, 88)
@pytest.mark.threat("T11")
async def test_nothing_is_decrypted_before_phase_four(world: World, owner: Owner) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    # Every key is here, and still the worker refuses: the signed step is what it waits for.
    assert isinstance(await refused(open_lot(world.desk, world.lot)), WrongPhase)
    assert await lots_to_open(world.desk) == []
    assert nothing_decrypted(world)
    assert await owner.fetchval("SELECT count(*) FROM bidding.result") == 0
    assert await owner.fetchval("SELECT count(*) FROM bidding.opened_bid") == 0
    shown = await hall(world.desk, world.lot)
    assert [b["items"] for b in shown["bids"]] == [None] * 3
    assert (await hall_facts(world.db, world.lot)).bids == []
    async with reading(world.db, "bidding") as connection:
        assert isinstance(await refused(transcript(world.desk, connection, world.lot)), WrongPhase)
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    assert set((await results(world)).values()) == {"OPENED"}
    # Twice is once.
    assert isinstance(await refused(open_lot(world.desk, world.lot)), WrongPhase)
    assert await owner.fetchval("SELECT count(*) FROM foundation.paper WHERE type = $1",
                                "opening-record") == 1  # fmt: skip
    await world.tick()
    await all_hold(world)


# --- the bidder's half --------------------------------------------------------------------------


def changed(release: Statement, **changes: Any) -> Statement:
    return unsigned("release-b", {**release.body, **changes})


@pytest.mark.misuse(78)
async def test_a_bidder_releases_in_phase_one_and_all_values_must_fit(
    world: World, owner: Owner
) -> None:
    bidders = await with_bids(world)
    closing = await world.close()
    release = world.release_of(bidders[0], closing)
    count = "SELECT count(*) FROM bidding.listed WHERE b_value IS NOT NULL"

    async def take(statement: Statement) -> Statement:
        return await take_release_b(world.desk, world.lot, statement, "open")

    assert (await refused(take(release))).code == "E_PHASE"
    await world.tick()
    await world.step("phase1")
    good = release.body["values"]
    wrong = [good[0], {"tree": good[1]["tree"], "value": b64(b"\1" * 32)}]
    no = await refused(take(changed(release, values=wrong)))
    assert isinstance(no, WrongB)
    assert no.code == "E_B"
    assert await owner.fetchval(count) == 0
    foreign = [{"tree": "0" * 64, "value": good[0]["value"]}]
    assert isinstance(await refused(take(changed(release, values=foreign))), OtherClosing)
    assert isinstance(await refused(take(changed(release, stage=2))), OtherClosing)
    assert isinstance(await refused(take(changed(release, closing="0" * 64))), OtherClosing)
    ack = await take(release)
    assert await owner.fetchval(count) == 2
    # A lost answer may be asked for again, also when the window is over.
    await world.set_clock(DEADLINE + WINDOW)
    assert (await take(release)).file() == ack.file()
    late = await refused(take(world.release_of(bidders[1], closing)))
    assert late.code == "E_PHASE"
    assert await owner.fetchval(count) == 2


async def test_two_equal_releases_at_once_get_one_acknowledgement(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    release = world.release_of(bidders[0], closing)
    acks = await asyncio.gather(
        *(take_release_b(world.desk, world.lot, release, "open") for _ in range(3))
    )
    assert len({ack.sid for ack in acks}) == 1
    assert len(await world.kept("release-ack")) == 1


# --- members ------------------------------------------------------------------------------------


@pytest.mark.misuse(70, 76)
async def test_shares_are_whole_right_and_given_once(world: World, owner: Owner) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    seat, other = world.group("T")[:2]
    check = await world.check(seat)
    await world.check(other)
    # The same again is accepted; another answer of the same seat is not.
    await world.accept(seat, check)
    results_now = [{**r, "result": "mismatch"} for r in check.body["results"]]
    second = world.by_seat(seat, "share-check", {**check.body, "results": results_now})
    assert isinstance(await refused(world.accept(seat, second)), AlreadyKept)
    part = world.by_seat(seat, "share-check", {**check.body, "results": results_now[:1]})
    assert isinstance(await refused(world.accept(seat, part)), ReleaseIncomplete)
    full = await world.custodian_release(seat)
    assert (await refused(world.accept(seat, full))).code == "E_PHASE"
    await world.step("phase3")
    shares = full.body["shares"]
    less = world.by_seat(seat, "release-t", {**full.body, "shares": shares[:-1]})
    no = await refused(world.accept(seat, less))
    assert isinstance(no, ReleaseIncomplete)
    assert no.code == "E_RELEASE_INCOMPLETE"
    assert await wrong_shares(world) == []
    bodies = [
        {**full.body, "shares": [*shares[:-1], {**shares[-1], "value": b64(bytes([value]) * 32)}]}
        for value in (2, 2, 3)
    ]
    for body in bodies:
        no = await refused(world.accept(seat, world.by_seat(seat, "release-t", body)))
        assert isinstance(no, WrongShare)
        assert no.code == "E_SHARE"
    # Nothing of it is kept, but that it came: once for the seat, and not who said so alone.
    (told,) = await wrong_shares(world)
    assert (told["group"], told["i"], told["stage"]) == ("T", seat.i, 1)
    forged = sign(unsigned("release-t", {**bodies[0], "i": other.i}), seat.signer)
    await refused(world.accept(other, forged))
    assert len(await wrong_shares(world)) == 1
    root = world.by_seat(seat, "release-t", {**full.body, "list_root": "0" * 64})
    assert isinstance(await refused(world.accept(seat, root)), OtherClosing)
    # Signed by another seat, or for another seat.
    stolen = sign(unsigned("release-t", full.body), other.signer)
    assert isinstance(await refused(world.accept(other, stolen)), BadSignature)
    claimed = world.by_seat(seat, "release-t", {**full.body, "i": 2})
    assert isinstance(await refused(world.accept(seat, claimed)), NotAMember)
    assert await owner.fetchval("SELECT count(*) FROM bidding.share") == 0
    await world.accept(seat, full)
    await world.accept(seat, full)
    assert await owner.fetchval("SELECT count(*) FROM bidding.share") == len(shares)
    assert len(await world.kept("release-t")) == 1
    # With one custodian of two the opening does not go on.
    assert isinstance(await refused(world.step("phase4")), MembersMissing)


async def wrong_shares(world: World) -> list[dict[str, Any]]:
    """The shares that were refused for not fitting, as the ledger holds it."""
    async with reading(world.db, "bidding") as connection:
        found = await kept_events(connection, WRONG_SHARE_EVENT, world.lot)
    return [event.body["data"] for event in found]


async def test_a_custodian_that_finds_nothing_right_cannot_hold_up_the_others(
    world: World,
) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    first, second, third = world.group("T")
    await says(world, first, "unwrap_failed")
    for seat in (second, third):
        await world.check(seat)
    await world.step("phase3")
    for seat in (second, third):
        await world.accept(seat, await world.custodian_release(seat))
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    assert set((await results(world)).values()) == {"OPENED"}
    await world.tick()
    await all_hold(world)


# --- what does not belong there -----------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    ["closing", "opening-step", "objection", "schedule", "opening-record", "release-t", "foo"],
)
async def test_only_the_statement_that_is_asked_for_enters(world: World, kind: str) -> None:
    bidders = await with_bids(world, count=1, minimum=1)
    closing = await world.begin_opening()
    release = world.release_of(bidders[0], closing)
    other = unsigned(kind, release.body)
    call = take_release_b(world.desk, world.lot, other, "open")
    assert isinstance(await refused(call), BadField)
    tree, value = release.body["values"][0]["tree"], release.body["values"][0]["value"]
    cure = await a_cure(world, tree, "B", unb64(value, 32))
    call = take_cure(world.desk, unsigned(kind, cure.body), world.lot)  # type: ignore[assignment]
    assert isinstance(await refused(call), BadField)
    assert not await world.kept("foo")


async def test_signatures_that_nobody_verified_are_not_kept(world: World) -> None:
    bidders = await with_bids(world, count=1, minimum=1)
    closing = await world.begin_opening()
    junk = Signature(alg="ES256", at=None, chain=(bytes(3_400_000),), kid=None, sig=bytes(64))
    release = replace(world.release_of(bidders[0], closing), sigs=(junk,))
    await take_release_b(world.desk, world.lot, release, "open")
    (kept,) = await world.kept("release-b")
    assert kept.sigs == ()
    with pytest.raises(BadField):
        from_json(release.json())
    # A member signs once; a second signature would be published with its name.
    seat = world.group("T")[0]
    appointment, question = await world.question(seat)
    body, _ = share_check(appointment, question, seat.guard[0], seat.exchange.exchange)
    signed = world.by_seat(seat, "share-check", body)
    twice = replace(signed, sigs=(*signed.sigs, replace(junk, chain=(b"x",))))
    assert isinstance(await refused(world.accept(seat, twice)), BadSignature)
    await world.accept(seat, signed)


async def test_a_release_that_adds_nothing_is_not_kept_again(world: World) -> None:
    bidders = await with_bids(world, count=1, minimum=1)
    closing = await world.begin_opening()
    whole = world.release_of(bidders[0], closing)
    await take_release_b(world.desk, world.lot, whole, "open")
    part = unsigned("release-b", {**whole.body, "values": whole.body["values"][:1]})
    call = take_release_b(world.desk, world.lot, part, "open")
    assert isinstance(await refused(call), AlreadyKept)
    assert len(await world.kept("release-b")) == 1


async def test_no_release_without_a_share_check(world: World) -> None:
    bidders = await with_bids(world, count=1, minimum=1)
    closing = await world.begin_opening()
    await world.release(bidders[0], closing)
    await world.step("phase3")
    seat = world.group("T")[0]
    appointment, question = await world.question(seat)
    empty = {
        "v": 1, "closing": closing.sid, "stage": 1, "list_root": question.closing.list_root,
        "i": 1, "kid": appointment.member.kid, "shares": [],
    }  # fmt: skip
    early = world.by_seat(seat, "release-t", empty)
    assert isinstance(await refused(world.accept(seat, early)), ReleaseIncomplete)


async def test_members_see_no_bidders_half_in_the_remedy(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders[1:]:
        await world.release(bidder, closing)
    await world.check_all()
    await later(world, WINDOW)
    await world.remedied()
    releases = await world.kept("release-r")
    shares = {share["value"] for one in releases for share in one.body["shares"]}
    assert len(shares) > 2
    for who in ("agency", "host", "supervisor"):
        shown = json.dumps(await member_material(world.desk, world.actors[who], world.lot))
        assert not [value for value in shares if value in shown]
        assert all(one.sid in shown for one in releases), "their leaves are shown"


# --- an absent bidder ---------------------------------------------------------------------------


async def test_an_absent_bidder_is_not_left_out_without_the_remedy(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders[:2]:
        await world.release(bidder, closing)
    await world.check_all()
    await world.tick()
    await world.set_clock(DEADLINE + WINDOW)
    assert isinstance(await refused(world.step("phase3")), WrongPhase)
    await world.step("phase2")
    assert isinstance(await refused(world.step("phase3")), MembersMissing)
    # The remedy waits for the supervisor, who signs what the platform computed.
    seat = world.group("R")[0]
    start = (await world.waiting("supervisor", "remedy-start"))[-1]
    appointment, question = await world.question(seat)
    body = {
        "v": 1, "closing": closing.sid, "stage": 1, "remedy_start": start, "i": 1,
        "kid": appointment.member.kid, "shares": [],
    }  # fmt: skip
    assert question.closing_sid == closing.sid
    early = world.by_seat(seat, "release-r", body)
    assert isinstance(await refused(world.accept(seat, early)), OtherClosing)
    await world.sign_paper("supervisor", start)
    assert isinstance(await refused(world.accept(seat, early)), ReleaseIncomplete)
    await world.accept(seat, await world.remedy_release(seat))
    assert isinstance(await refused(world.step("phase3")), MembersMissing)
    assert isinstance(await refused(world.step("suspended")), WindowOpen)
    await world.accept(world.group("R")[1], await world.remedy_release(world.group("R")[1]))
    await world.tick()
    await open_all(world)
    assert set((await results(world)).values()) == {"OPENED"}
    await all_hold(world)


# --- too few bids -------------------------------------------------------------------------------


@pytest.mark.misuse(82)
async def test_below_the_minimum_nothing_is_opened_and_nothing_counted(
    world: World, owner: Owner
) -> None:
    bidders = await with_bids(world, count=2)
    statement = await world.close()
    assert statement.type == "not-opened"
    assert not {"count", "list_root", "entries"} & set(statement.body)
    assert (await world.held()).status == "not_opened"
    assert await owner.fetchval("SELECT count(*) FROM bidding.listed") == 0
    await world.tick(2)
    shown = await hall(world.desk, world.lot)
    assert shown["bids"] == []
    assert (await refused(world.step("phase1"))).code in {"E_PHASE", "release-refused"}
    no = await refused(closings.open_identities(world.desk, world.lot))
    assert isinstance(no, ReleaseRefused)
    assert await owner.fetchval("SELECT count(statement) FROM bidding.act") == 0
    assert (await world.held()).status == "not_opened"
    release = unsigned("release-b", {"v": 1, "closing": statement.sid, "stage": 1, "values": [
        {"tree": next(iter(bidders[0].bids[0].heads())), "value": b64(b"\0" * 32)}]})  # fmt: skip
    no = await refused(take_release_b(world.desk, world.lot, release, "open"))
    assert no.code == "E_PHASE"


async def test_a_withdrawn_bid_does_not_count_for_the_minimum(world: World) -> None:
    bidders = await with_bids(world)
    await world.hand_in(bidders[0], world.withdrawal(bidders[0]))
    assert (await world.close()).type == "not-opened"


# --- hostile packages and lost files ------------------------------------------------------------


def volume(bidder: BidderOf, name: str, **files: bytes) -> dict[str, dict[str, bytes]]:
    """A volume with other files than usual; None takes one away."""
    content = {**a_volume(bidder, name), **{k.replace("__", "."): v for k, v in files.items()}}
    return {name: content}


@pytest.mark.misuse(86)
async def test_no_bidder_can_stop_the_opening_of_the_others(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    items = canonical({"price_yuan": "free", "duration_days": 65})
    no_line = {k: v for k, v in a_volume(world.bidder(4), "price").items() if "items" not in k}
    cases: dict[str, dict[str, dict[str, bytes]]] = {
        "name": {"qual": {"报价.文档": b"x", "a.b c": b"y", "plain": b"z"}},
        "note": {"qual": {"a.txt": b"x", "sunbid-package.json": b'{"machine_code":5}'}},
        "items": {"price": {"a.txt": b"x", "open-items.json": items}},
        "no line": {"price": no_line},
        "json": {"price": {"a.txt": b"x", "open-items.json": b'{"price_yuan": "1.00"}'}},
        "program": {"qual": {"setup.exe": b"MZ"}},
    }
    bidders = {name: world.bidder(n) for n, name in enumerate([*cases, "honest"], 1)}
    for name, bidder in bidders.items():
        await world.bid(bidder, entries=cases.get(name))
    await world.tick()
    closing = await world.begin_opening()
    for bidder in bidders.values():
        await world.release(bidder, closing)
    await world.check_all()
    await open_all(world)
    found = await results(world)
    shown = {b["name"]: b for b in (await hall(world.desk, world.lot))["bids"]}
    codes = {
        name: {r["volume"]: r["code"] for r in shown[bidder.name]["results"]}
        for name, bidder in bidders.items()
    }
    opened = {"price": "OPENED", "qual": "OPENED"}
    assert codes["honest"] == codes["name"] == codes["note"] == opened
    for name in ("items", "no line", "json"):
        assert codes[name] == {"price": "PACKAGE_BAD", "qual": "OPENED"}, name
    assert codes["program"] == {"price": "OPENED", "qual": "PACKAGE_BAD"}
    assert len(found) == 2 * len(bidders)
    async with reading(world.db, "bidding") as connection:
        bids = {b.uscc: b for b in await result_store.every_opened_bid(connection, world.lot)}
    assert set(bids) == {bidders[n].uscc for n in ("honest", "name", "note")}
    assert set(bids[bidders["name"].uscc].files["qual"]) == {"报价.文档", "a.b c", "plain"}
    assert bids[bidders["note"].uscc].machine_code is not None
    await all_hold(world)


async def test_a_file_that_vanishes_before_phase_four_stops_nobody_else(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    blobs = world.desk.objects.folder / "blobs"
    (blobs / str(bidders[0].bids[0].uploads[0][0]) / "0").unlink()
    rotten = blobs / str(bidders[1].bids[0].uploads[0][0]) / "0"
    rotten.write_bytes(rotten.read_bytes()[:-1] + b"?")
    await open_all(world)
    assert sorted((await results(world)).values()) == [
        "BLOB_CORRUPT",
        "BLOB_MISSING",
        *["OPENED"] * 4,
    ]


@pytest.mark.misuse(84)
async def test_files_are_read_back_in_phase_one(world: World, owner: Owner) -> None:
    bidders = await with_bids(world)
    await world.close()
    await world.tick()
    await world.step("phase1")
    blobs = world.desk.objects.folder / "blobs"
    (blobs / str(bidders[0].bids[0].uploads[0][0]) / "0").unlink()
    await read_back(world.desk, world.lot)
    rows = await owner.fetch("SELECT blob, count(*) FROM bidding.listed GROUP BY 1 ORDER BY 1")
    assert {row["blob"]: row["count"] for row in rows} == {"missing": 1, "whole": 5}


# --- the examiner -------------------------------------------------------------------------------

CHILD = """
import socket, sys
from bidding.opening.results.examine import leave_network
if sys.argv[1] == "leave" and not leave_network():
    sys.exit(3)
print([name for _, name in socket.if_nameindex()])
with socket.socket() as probe:
    probe.settimeout(2)
    sys.exit(0 if probe.connect_ex(("127.0.0.1", int(sys.argv[2]))) == 0 else 7)
"""


def reaches(how: str, port: int) -> int:
    """Whether a child reaches a listener of this process: 0 yes, 7 no, 3 not allowed to leave."""
    return subprocess.run(
        [sys.executable, "-c", CHILD, how, str(port)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    ).returncode


def test_the_child_that_looks_into_packages_has_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert reaches("stay", port) == 0, "the control: without leaving it reaches the listener"
        found = reaches("leave", port)
    if found == 3:
        pytest.skip("this kernel gives no network namespace to an ordinary user")
    assert found == 7


def test_the_examiner_itself_is_isolated_and_is_replaced_when_it_dies(tmp_path: Path) -> None:
    packages = [tmp_path / f"{n}.zip" for n in range(3)]
    for package in packages:
        pack([("a.txt", b"x")], package)
    with examiner() as child:
        own = Path("/proc/self/ns/net").readlink()
        if child.isolated:
            assert Path(f"/proc/{child.pid}/ns/net").readlink() != own
        child.examine("qual", packages[0])
        assert child.found[packages[0]]["files"] == {"a.txt": "0000.txt"}
        before = child.pid
        os.kill(before, signal.SIGKILL)
        try:
            child.examine("qual", packages[1])
        except BadPackage:
            child.examine("qual", packages[2])
        assert child.pid != before


# --- what bidders see and say -------------------------------------------------------------------


async def test_a_bidder_sees_its_own_entry_and_members_never_see_a_half(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    own = await own_entry(world.desk, world.lot, await world.token(bidders[0]), bidders[0].uscc)
    assert own is not None
    trees = {e["tree"] for e in own["entry"]["envelopes"]}
    assert trees == set(bidders[0].bids[0].heads())
    outsider = world.bidder(9)
    nothing = await own_entry(world.desk, world.lot, await world.token(outsider), outsider.uscc)
    assert nothing is None
    await world.release(bidders[0], closing)
    await world.tick()
    bidder = actor("bidder", bidders[0].uscc, bidders[0].name)
    another_host = actor("trading-centre", bidders[1].uscc, "别家中心")
    for stranger in (bidder, another_host, actor("expert", None, "专家", kid="k" * 16)):
        no = await refused(member_material(world.desk, stranger, world.lot))
        assert isinstance(no, NotAMember)
    seat = world.members["R1"]
    for insider in (actor("remedy", seat.uscc, seat.name), world.actors["supervisor"]):
        assert (await member_material(world.desk, insider, world.lot))["entries"]
    shown = canonical(await member_material(world.desk, insider, world.lot)).decode()
    for value in world.release_of(bidders[0], closing).body["values"]:
        assert value["value"] not in shown
    assert bidders[0].uscc not in shown


async def test_an_objection_is_signed_by_the_licence_of_who_raises_it(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    body = {
        "v": 1, "closing": closing.sid, "stage": 1, "uscc": bidders[0].uscc, "content": "异议",
    }  # fmt: skip
    who = actor("bidder", bidders[0].uscc, bidders[0].name)
    good = sign(unsigned("objection", body), bidders[0].signer)
    for bad in (
        unsigned("objection", body),
        sign(unsigned("objection", body), bidders[1].signer),
        sign(good, bidders[1].signer),
    ):
        no = await refused(take_objection(world.desk, who, bad, world.lot))
        assert no.status in {403, 422}
    rival = actor("bidder", bidders[1].uscc, bidders[1].name)
    assert isinstance(await refused(take_objection(world.desk, rival, good, world.lot)), NotAllowed)
    await take_objection(world.desk, who, good, world.lot)
    assert [s.sid for s in await world.kept("objection")] == [good.sid]


async def test_unknown_lots_have_no_opening(world: World) -> None:
    no = await refused(steps.advance(world.desk, world.actors["host"], uuid4(), "phase2"))
    assert no.status == 404

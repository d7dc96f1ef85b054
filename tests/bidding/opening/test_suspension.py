"""Too few members: what suspends an opening, and what ends that (sealing.md 6.2, 9.5, 9.6)."""

import zipfile
from collections.abc import Awaitable
from dataclasses import replace

import asyncpg
import pytest

from bidding.opening import share_store
from bidding.opening.domain import (
    MembersMissing,
    OtherClosing,
    WindowOpen,
    WrongPhase,
)
from bidding.opening.material import hall
from bidding.opening.oversight import decisions
from bidding.opening.oversight.faults import FaultFound, NotDisputed
from bidding.opening.oversight.grounds import Wish
from bidding.opening.oversight.objections import take_objection
from bidding.opening.releases.cures import take_cure
from bidding.opening.results.unsealing import lots_to_open, open_lot
from bidding.sealing.bidder import unwrap_b
from bidding.sealing.refusals import WrongShare
from foundation.database import reading
from foundation.identity.actor import WrongRole
from foundation.problems import NotAllowed
from foundation.statements.canonical import BadField, unb64
from foundation.statements.signed import (
    Statement,
    sign,
    unsigned,
)
from opening_world import (
    W2_OVER,
    WINDOW,
    a_cure,
    all_hold,
    all_hold_so_far,
    ask,
    end,
    later,
    nothing_decrypted,
    open_all,
    release_without,
    results,
    says,
    suspended_before_the_custodians,
    suspended_in_the_remedy,
    with_bids,
)
from world import (
    World,
    actor,
    refused,
)

Owner = asyncpg.Connection


@pytest.mark.misuse(74)
async def test_a_disputed_envelope_may_be_cured_until_the_window_is_over(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    disputed = sorted(bidders[0].bids[-1].heads())[0]
    first, second, third = world.group("T")
    for seat in (first, second):
        await says(world, seat, "mismatch", disputed)
    await world.check(third)
    await world.step("phase3")
    for seat in (first, second):
        await release_without(world, seat, disputed)
    await world.accept(third, await world.custodian_release(third))
    await world.tick()
    # Nobody is missing, so nothing is suspended; but its bidder may still supply T (9.6).
    assert isinstance(await refused(world.step("phase4")), WindowOpen)
    await later(world, W2_OVER)
    assert isinstance(await refused(world.step("suspended")), WrongPhase)
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()
    await all_hold(world)
    (record,) = await world.kept("opening-record")
    codes = {row["tree"]: row["code"] for row in record.body["results"]}
    assert codes.pop(disputed) == "DEAL_DISPUTED"
    assert set(codes.values()) == {"OPENED"}
    # What stayed closed stays closed: its file is not published.
    with zipfile.ZipFile(world.folder / "package.zip") as archive:
        assert {name for name in archive.namelist() if name.endswith(".tbe")} == {
            f"bids/{tree}.tbe" for tree in codes
        }


async def test_the_supervisor_finds_once_whose_fault_a_disputed_envelope_was(
    world: World,
) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    disputed, other = sorted(bidders[0].bids[-1].heads())
    first, second, third = world.group("T")
    for seat in (first, second):
        await says(world, seat, "mismatch", disputed)
    await world.check(third)
    await world.step("phase3")
    for seat in (first, second):
        await release_without(world, seat, disputed)
    await world.accept(third, await world.custodian_release(third))
    await later(world, W2_OVER)
    await world.step("phase4")
    finding = Wish(decision="fault", cause="经查", tree=disputed, fault="members")

    def find(tree: str = disputed, fault: str = "members") -> Awaitable[Statement]:
        wish = replace(finding, tree=tree, fault=fault)
        return decisions.ask(world.desk, world.actors["supervisor"], world.lot, wish)

    assert isinstance(await refused(find()), NotDisputed), "nothing came out yet"
    await open_lot(world.desk, world.lot)
    for wrong in ({"tree": other}, {"fault": "undetermined"}, {"tree": "ab" * 32}):
        assert isinstance(await refused(find(**wrong)), NotDisputed)
    call = decisions.ask(world.desk, world.actors["host"], world.lot, finding)
    assert isinstance(await refused(call), NotAllowed)
    paper, rash = await find(), await find(fault="bidder")
    # Whom it names is computed: those who called the deal bad.
    assert paper.body["members"] == [{"group": "T", "i": 1}, {"group": "T", "i": 2}]
    await world.sign_record()
    assert await world.sign_paper("supervisor", paper.sid)
    no = await refused(world.sign_paper("supervisor", rash.sid))
    assert isinstance(no, FaultFound)
    await world.tick()
    await all_hold_so_far(world)
    (record,) = await world.kept("opening-record")
    assert {r["fault"] for r in record.body["results"] if r["tree"] == disputed} == {"undetermined"}


async def test_only_members_who_are_missing_suspend_an_opening(world: World) -> None:
    await with_bids(world, count=2, minimum=2)
    await world.begin_opening()
    await later(world, WINDOW)
    # Not for want of bidders: for them there is the remedy.
    assert isinstance(await refused(world.step("suspended")), WrongPhase)
    await world.check_all()
    await world.remedied()
    await later(world, W2_OVER)
    no = await refused(world.step("suspended"))
    assert isinstance(no, WrongPhase)
    assert "no member is missing" in no.message


async def test_a_suspended_opening_goes_on_when_the_missing_member_released(world: World) -> None:
    await suspended_in_the_remedy(world)
    assert (await world.held()).status == "suspended"
    for step in ("resumed", "phase3", "phase4", "suspended", "phase1"):
        assert isinstance(await refused(world.step(step)), MembersMissing | WrongPhase), step
    # Releases do not expire.
    seat = world.group("R")[1]
    await world.accept(seat, await world.remedy_release(seat))
    assert isinstance(await refused(world.step("phase3")), WrongPhase)
    await world.step("resumed")
    assert (await world.held()).status == "opening"
    await world.tick()
    await open_all(world)
    assert set((await results(world)).values()) == {"OPENED"}
    await all_hold(world)


async def test_an_end_drafted_while_suspended_ends_nothing_once_the_opening_goes_on(
    world: World,
) -> None:
    """Members who are all there are named by nobody."""
    await suspended_in_the_remedy(world)
    paper = await ask(world, "terminated")
    seat = world.group("R")[1]
    await world.accept(seat, await world.remedy_release(seat))
    await world.step("resumed")
    no = await refused(end(world, paper))
    assert isinstance(no, decisions.DecisionOutdated)
    assert (await world.held()).status == "opening"


@pytest.mark.misuse(71, 80)
async def test_the_supervisor_lets_the_others_open_without_the_absent_bid(world: World) -> None:
    bidders, _ = await suspended_in_the_remedy(world)
    paper = await ask(world, "go-on")
    # Who is silent is computed: one released, so the two others are named.
    assert paper.body["members"] == [{"group": "R", "i": 2}, {"group": "R", "i": 3}]
    assert isinstance(await refused(world.step("phase3")), WrongPhase), "not signed yet"
    await world.sign_paper("supervisor", paper.sid)
    assert isinstance(await refused(ask(world, "terminated")), WrongPhase), "only once"
    await world.tick()
    await open_all(world)
    assert (await world.held()).status == "opening"
    await all_hold(world)
    (record,) = await world.kept("opening-record")
    absent = bidders[0].bids[-1].heads()
    assert {r["code"] for r in record.body["results"] if r["tree"] in absent} == {"BIDDER_ABSENT"}
    assert {r["code"] for r in record.body["results"] if r["tree"] not in absent} == {"OPENED"}
    assert (await world.held()).status == "recorded"


async def test_an_opening_that_went_on_may_be_suspended_again_and_ended(world: World) -> None:
    await suspended_in_the_remedy(world)
    await world.sign_paper("supervisor", (await ask(world, "go-on")).sid)
    await world.step("phase3")
    await later(world, W2_OVER)
    await world.step("suspended")
    await end(world, await ask(world, "terminated"))
    await open_lot(world.desk, world.lot)
    await world.tick()
    assert set((await results(world)).values()) == {"CUSTODIANS_SHORT"}
    await all_hold(world)


async def test_nobody_is_named_for_a_remedy_that_the_supervisor_did_not_begin(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders[1:]:
        await world.release(bidder, closing)
    await world.check_all()
    await later(world, WINDOW)
    await world.step("phase2")
    await later(world, W2_OVER)
    await world.step("suspended")
    no = await refused(ask(world, "go-on"))
    assert "countersign the remedy list first" in no.message
    assert (await ask(world, "terminated")).body["members"] == []
    # Signing it is still possible, and then the members release and the opening goes on.
    start = (await world.waiting("supervisor", "remedy-start"))[-1]
    await world.sign_paper("supervisor", start)
    await world.tick()
    # Their time begins with that signature: whoever delays it cannot blame them for it.
    assert isinstance(await refused(ask(world, "go-on")), WindowOpen)
    await later(world, W2_OVER)
    assert len((await ask(world, "go-on")).body["members"]) == 3
    for seat in world.group("R")[:2]:
        await world.accept(seat, await world.remedy_release(seat))
    await world.step("resumed")
    await open_all(world)
    assert set((await results(world)).values()) == {"OPENED"}
    await all_hold(world)


@pytest.mark.misuse(71)
@pytest.mark.threat("T10")
async def test_the_supervisor_ends_an_opening_without_its_custodians(
    world: World, owner: Owner
) -> None:
    bidders = await suspended_before_the_custodians(world)
    # Of one envelope every key is known by a cure; it stays closed with the others.
    release = await world.custodian_release(world.group("T")[1])
    one = release.body["shares"][0]
    cure = await a_cure(world, one["tree"], "tshare", unb64(one["value"], 32), i=2)
    await take_cure(world.desk, cure, world.lot)
    no = await refused(ask(world, "go-on"))
    assert isinstance(no, WrongPhase)
    assert "custodians" in no.message
    paper = await ask(world, "terminated")
    assert paper.body["members"] == [{"group": "T", "i": 2}, {"group": "T", "i": 3}]
    # The supervisor alone ends nothing (decision 18).
    assert not await world.sign_paper("supervisor", paper.sid)
    assert (await world.held()).status == "suspended"
    assert await world.sign_paper("host", paper.sid)
    assert (await world.held()).status == "terminated"
    objection = {
        "v": 1, "closing": paper.body["closing"], "stage": 1, "uscc": bidders[0].uscc,
        "content": "保管人失联，请求赔偿。",
    }  # fmt: skip
    said = sign(unsigned("objection", objection), bidders[0].signer)
    raised = actor("bidder", bidders[0].uscc, bidders[0].name)
    await take_objection(world.desk, raised, said, world.lot)
    # What comes now is too late, and nobody can begin to open.
    seat = world.group("T")[1]
    assert isinstance(
        await refused(world.accept(seat, await world.custodian_release(seat))), WrongPhase
    )
    for step in ("resumed", "phase4"):
        assert isinstance(await refused(world.step(step)), WrongPhase)
    await world.tick()
    assert await lots_to_open(world.desk) == [world.lot]
    assert {bid["name"] for bid in (await hall(world.desk, world.lot))["bids"]} == {None}
    await open_lot(world.desk, world.lot)
    assert await lots_to_open(world.desk) == []
    assert set((await results(world)).values()) == {"CUSTODIANS_SHORT"}
    assert nothing_decrypted(world)
    assert await owner.fetchval("SELECT count(*) FROM bidding.opened_bid") == 0
    await world.tick()
    await all_hold(world)
    assert (await world.held()).status == "terminated"
    assert {bid["name"] for bid in (await hall(world.desk, world.lot))["bids"]} == {None}
    with zipfile.ZipFile(world.folder / "package.zip") as archive:
        assert not [name for name in archive.namelist() if name.endswith(".tbe")]
    (record,) = await world.kept("opening-record")
    assert {(r["T"], r["B"], r["fault"]) for r in record.body["results"]} == {
        (None, None, "members")
    }


async def test_who_may_decide_on_what_and_when(world: World) -> None:
    await with_bids(world)
    await world.begin_opening()
    assert isinstance(await refused(ask(world, "go-on")), WrongPhase)
    for holder in world.members.values():
        if (holder.group, holder.i) != ("R", 3):
            await world.check(holder)
    await later(world, WINDOW)
    await world.remedied(count=1)
    assert isinstance(await refused(ask(world, "go-on")), WrongPhase)
    await later(world, W2_OVER)
    await world.step("suspended")
    assert isinstance(await refused(ask(world, "go-on", who="host")), WrongRole)
    stranger = actor("supervisor", world.bidder(9).uscc, "another")
    call = decisions.ask(world.desk, stranger, world.lot, Wish(decision="go-on", cause="x"))
    assert isinstance(await refused(call), NotAllowed)
    assert (await refused(ask(world, "pardon"))).code == "unknown-decision"
    assert isinstance(await refused(ask(world, "go-on", cause="字" * 2001)), BadField)
    paper = await ask(world, "go-on", cause="两名成员\t失联\r\n已书面催告  ")
    assert paper.body["cause"] == "两名成员 失联\n已书面催告"
    assert paper.body["members"] == [{"group": "R", "i": 2}, {"group": "R", "i": 3}]
    await says(world, world.group("R")[2], "unwrap_failed")
    no = await refused(world.sign_paper("supervisor", paper.sid))
    assert isinstance(no, decisions.DecisionOutdated), "a member said what it found meanwhile"
    fresh, ending = await ask(world, "go-on"), await ask(world, "terminated")
    assert fresh.body["members"] == [{"group": "R", "i": 2}]
    seat = world.group("R")[1]
    await world.accept(seat, await world.remedy_release(seat))
    # With all its members there is nothing to decide: whoever has every key might know the prices.
    for no in (
        await refused(world.sign_paper("supervisor", fresh.sid)),
        await refused(end(world, ending)),
    ):
        assert isinstance(no, WrongPhase)
        assert "no member is missing" in no.message
    assert isinstance(await refused(ask(world, "terminated")), WrongPhase)


async def test_a_cure_proves_itself_and_counts_until_its_phase_is_over(world: World) -> None:
    bidders, _ = await suspended_in_the_remedy(world)
    heads = bidders[0].bids[-1].heads()
    own = bidders[0].opening
    halves = {t: unwrap_b(h, own.exchange, own.public) for t, h in heads.items()}
    tree = min(heads)
    wrong = await a_cure(world, tree, "B", bytes(32))
    assert isinstance(await refused(take_cure(world.desk, wrong, world.lot)), WrongShare)
    seat = await a_cure(world, tree, "B", halves[tree], i=1)
    assert isinstance(await refused(take_cure(world.desk, seat, world.lot)), WrongShare)
    other = await a_cure(world, "ab" * 32, "B", halves[tree])
    assert isinstance(await refused(take_cure(world.desk, other, world.lot)), OtherClosing)
    for one, value in halves.items():
        await take_cure(world.desk, await a_cure(world, one, "B", value), world.lot)
    await world.step("resumed")
    await world.step("phase3")
    known = await a_cure(world, tree, "B", halves[tree])
    await take_cure(world.desk, known, world.lot)
    late = await a_cure(world, tree, "rshare", halves[tree], i=3)
    assert isinstance(await refused(take_cure(world.desk, late, world.lot)), WrongPhase)
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    assert set((await results(world)).values()) == {"OPENED"}
    await world.tick()
    await all_hold(world)
    (record,) = await world.kept("opening-record")
    sources = {r["tree"]: r["b_from"] for r in record.body["results"]}
    assert {sources[t] for t in heads} == {"cure"}
    assert {source for t, source in sources.items() if t not in heads} == {"bidder"}


async def test_a_cure_of_one_envelope_does_not_lock_the_remedy_of_the_others(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    await world.release(bidders[2], closing)
    await world.check_all()
    own, heads = bidders[0].opening, bidders[0].bids[-1].heads()
    tree = min(heads)
    cure = await a_cure(world, tree, "B", unwrap_b(heads[tree], own.exchange, own.public))
    # Until its window is over a bidder releases, and gets an acknowledgement.
    assert isinstance(await refused(take_cure(world.desk, cure, world.lot)), WrongPhase)
    await later(world, WINDOW)
    await world.remedied(count=1)
    await take_cure(world.desk, cure, world.lot)
    await world.accept(world.group("R")[1], await world.remedy_release(world.group("R")[1]))
    await world.tick()
    await open_all(world)
    assert set((await results(world)).values()) == {"OPENED"}
    await all_hold(world)


async def test_who_lets_others_supply_its_shares_is_silent_all_the_same(world: World) -> None:
    await suspended_before_the_custodians(world, released=0)
    release = await world.custodian_release(world.group("T")[1])
    for share in release.body["shares"]:
        cure = await a_cure(world, share["tree"], "tshare", unb64(share["value"], 32), i=2)
        await take_cure(world.desk, cure, world.lot)
    paper = await ask(world, "terminated")
    assert paper.body["members"] == [{"group": "T", "i": i} for i in (1, 2, 3)]
    await end(world, paper)
    await world.tick()
    await open_lot(world.desk, world.lot)
    await world.tick()
    await all_hold(world)


async def test_a_share_that_somebody_supplies_is_not_the_members_release(
    world: World, owner: Owner
) -> None:
    await suspended_before_the_custodians(world)
    seat = world.group("T")[1]
    release = await world.custodian_release(seat)
    shares = {s["tree"]: unb64(s["value"], 32) for s in release.body["shares"]}
    for tree, value in shares.items():
        cure = await a_cure(world, tree, "tshare", value, i=2)
        await take_cure(world.desk, cure, world.lot)
    assert await owner.fetchval("SELECT count(*) FROM bidding.share WHERE is_cure") == len(shares)
    # It helps the envelopes; the member that did not give it still owes it.
    async with reading(world.db, "bidding") as connection:
        assert {s.is_cure for s in await share_store.shares(connection, world.lot) if s.i == 2} == {
            True
        }
    swapped = await a_cure(world, min(shares), "tshare", shares[min(shares)], i=3)
    assert isinstance(await refused(take_cure(world.desk, swapped, world.lot)), WrongShare)
    # The member's own release is still taken, once.
    await world.accept(seat, release)
    assert await owner.fetchval("SELECT count(*) FROM bidding.share WHERE is_cure") == 0
    await world.step("resumed")
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()
    assert set((await results(world)).values()) == {"OPENED"}
    await all_hold(world)

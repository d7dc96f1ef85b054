"""A receipt that the list does not honour: raised by anyone, answered by the bidder's own act."""

from typing import Any

import pytest

from bidding.bid import service as bids
from bidding.bid.domain import Act, final_acts
from bidding.opening.closings import closing as closings
from bidding.opening.closings.blobs import read_back
from bidding.opening.closings.omissions import NothingOmitted, take_omission
from bidding.opening.closings.replacement import replace_closing
from bidding.opening.domain import OtherClosing, WindowOpen, WrongPhase
from bidding.opening.material import member_material
from bidding.opening.oversight.objections import TooManyObjections, take_objection
from foundation.database import reading
from foundation.problems import NotAllowed
from foundation.statements.signed import BadSignature, Statement, from_json, read, unsigned
from foundation.statements.store import kept_statements
from opening_world import WINDOW, all_hold, later, open_all, results, with_bids
from world import BidderOf, World, actor, refused


async def omission_of(world: World, of: str, closing: str, **changes: Any) -> Statement:
    """The omission of an act's receipt."""
    found = await bids.show_act(world.desk, of)
    receipt = read(found.act.receipt or b"").json()
    receipt["body"] = {**receipt["body"], **changes}
    body = {"v": 1, "closing": closing, "receipt": receipt, "proof": found.proof or "-"}
    return unsigned("omission", body)


@pytest.mark.misuse(83)
async def test_an_omission_is_shown_to_members_with_the_act_that_answers_it(world: World) -> None:
    bidders = await with_bids(world)
    # One bidder replaced its bid, and somebody brings its older receipt.
    made = await world.seal(bidders[0])
    await world.upload(made)
    await world.hand_in(bidders[0], made)
    await world.tick()
    closing = await world.begin_opening()
    older, newer = (one.sid for one in bidders[0].acts)
    for wrong, kind in (
        (await omission_of(world, newer, closing.sid), NothingOmitted),
        (await omission_of(world, older, "00" * 32), OtherClosing),
        (await omission_of(world, older, closing.sid, act=bidders[1].acts[0].sid), BadSignature),
    ):
        assert isinstance(await refused(take_omission(world.desk, world.lot, wrong)), kind)
    raised = await omission_of(world, older, closing.sid)
    await take_omission(world.desk, world.lot, raised)
    await take_omission(world.desk, world.lot, raised)
    seat = world.group("T")[0]
    shown = await member_material(world.desk, actor("custodian", seat.uscc, seat.name), world.lot)
    assert [one["body"]["receipt"]["body"]["act"] for one in shown["omissions"]] == [older]
    first, answer = shown["omission_answers"][raised.sid]
    assert from_json(first).sid == older
    assert answer["body"]["prev"] == older
    await world.tick()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await open_all(world)
    await all_hold(world)


@pytest.mark.misuse(83)
async def test_one_receipt_is_raised_once_and_with_its_proof(world: World) -> None:
    """Nobody logs in here: whoever holds one receipt must not fill ledger and transcript."""
    bidders = await with_bids(world)
    made = await world.seal(bidders[0])
    await world.upload(made)
    await world.hand_in(bidders[0], made)
    await world.hand_in(bidders[1], world.withdrawal(bidders[1]))
    await world.bid(world.bidder(4))
    await world.tick()
    closing = await world.begin_opening()
    older = bidders[0].acts[0].sid
    raised = await omission_of(world, older, closing.sid)
    for junk in ("-", raised.body["proof"].replace("index ", "index 1"), "x" * 20_000):
        wrong = unsigned("omission", {**raised.body, "proof": junk})
        assert isinstance(
            await refused(take_omission(world.desk, world.lot, wrong)), NothingOmitted
        )
    # A withdrawal is honoured by a list without the bid.
    gone = await omission_of(world, bidders[1].acts[-1].sid, closing.sid)
    assert isinstance(await refused(take_omission(world.desk, world.lot, gone)), NothingOmitted)
    for _ in range(3):
        await take_omission(world.desk, world.lot, await omission_of(world, older, closing.sid))
        await world.tick()
    async with reading(world.db, "bidding") as connection:
        assert len(await kept_statements(connection, world.lot, ["omission"])) == 1


async def test_a_bidder_objects_so_often_and_no_more(world: World) -> None:
    bidders = await with_bids(world, count=2, minimum=2)
    closing = await world.begin_opening()

    async def objects(number: int, text: str) -> None:
        bidder = bidders[number]
        body = {
            "v": 1, "closing": closing.sid, "stage": 1, "uscc": bidder.uscc, "content": text,
        }  # fmt: skip
        who = actor("bidder", bidder.uscc, bidder.name)
        statement = world.by_licence("objection", body, bidder.uscc)
        await take_objection(world.desk, who, statement, world.lot)

    for number in range(5):
        await objects(0, f"异议 {number}")
    assert isinstance(await refused(objects(0, "再来一次")), TooManyObjections)
    await objects(1, "另一家不受影响")


async def with_one_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[BidderOf], Statement]:
    """Four bids, of which the closing lists three: a platform that forgot one."""
    bidders = await with_bids(world, count=4)
    forgotten = bidders[3].acts[0].sid

    def forgetful(acts: list[Act], keys: str) -> dict[Any, Act]:
        return {k: act for k, act in final_acts(acts, keys).items() if act.sid != forgotten}

    with monkeypatch.context() as patched:
        patched.setattr(closings, "final_acts", forgetful)
        closing = await world.begin_opening()
    return bidders, closing


@pytest.mark.misuse(83)
async def test_a_closing_that_replaces_adds_the_bid_that_was_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bidders, first = await with_one_left_out(world, monkeypatch)
    host = world.actors["host"]
    assert first.body["count"] == 3
    raised = await omission_of(world, bidders[3].acts[0].sid, first.sid)
    await take_omission(world.desk, world.lot, raised)
    # The remedy was on its way already: the third bidder is absent.
    for bidder in bidders[:2]:
        await world.release(bidder, first)
    await world.check_all()
    await later(world, WINDOW)
    await world.remedied()
    agency = world.actors["agency"]
    assert isinstance(await refused(replace_closing(world.desk, agency, world.lot)), NotAllowed)
    second = await replace_closing(world.desk, host, world.lot)
    assert (second.body["replaces"], second.body["count"]) == (first.sid, 4)
    again = replace_closing(world.desk, host, world.lot)
    assert isinstance(await refused(again), NothingOmitted)
    await world.tick(2)
    await world.step("phase1")
    await read_back(world.desk, world.lot)
    # What the first two released stays; the bid that was added gets its window.
    await world.release(bidders[3], second)
    assert isinstance(await refused(world.step("phase2")), WindowOpen)
    await world.check_all()
    await later(world, WINDOW)
    await world.remedied()
    await open_all(world)
    assert isinstance(await refused(replace_closing(world.desk, host, world.lot)), WrongPhase)
    await all_hold(world)
    assert list((await results(world)).values()) == ["OPENED"] * 8


async def test_a_closing_is_not_replaced_once_a_custodian_released(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bidders, first = await with_one_left_out(world, monkeypatch)
    for bidder in bidders[:3]:
        await world.release(bidder, first)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release(count=1)
    replaced = replace_closing(world.desk, world.actors["host"], world.lot)
    assert isinstance(await refused(replaced), WrongPhase)

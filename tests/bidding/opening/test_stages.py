"""Later stages (双信封): begun by a signed statement, with its own keys, codes and record (9.9)."""

import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest

from bidding.opening import list_store
from bidding.opening.domain import OtherClosing, WrongPhase
from bidding.opening.hall import hall_facts
from bidding.opening.material import hall, member_material
from bidding.opening.releases.release import take_release_b
from bidding.opening.results import result_store, stages
from bidding.opening.results.stages import NoSuchStage, NotEvaluated, Proposal
from bidding.opening.results.transcript import transcript
from bidding.opening.results.unsealing import open_lot
from bidding.sealing.refusals import ReleaseIncomplete
from bidding.tender.domain import NoticeRefused, WrongStatus
from foundation.database import reading, transaction
from foundation.problems import NotAllowed
from foundation.statements.canonical import b64
from foundation.statements.signed import Statement, unsigned
from foundation.statements.store import record_event
from opening_world import (
    REPORT,
    all_hold_so_far,
    begin_second,
    first_stage_recorded,
    later,
    open_all,
    propose,
    results,
    submission_of,
)
from world import DEADLINE, World, actor, refused


@pytest.mark.misuse(89)
async def test_the_price_of_a_rejected_technical_bid_is_never_opened(world: World) -> None:
    bidders, closing = await first_stage_recorded(world)
    assert set((await results(world)).values()) == {"OPENED"}
    # Not one price so far: neither opened nor asked for.
    async with reading(world.db, "bidding") as connection:
        assert all("price_yuan" not in b.items for b in (
            await result_store.every_opened_bid(connection, world.lot)))  # fmt: skip
        assert await result_store.opened_bids(connection, world.lot) == []
    assert (await world.held()).status == "opening"
    await all_hold_so_far(world)
    passed = [await submission_of(world, bidder) for bidder in bidders[:2]]
    statement = await begin_second(world, *passed)
    left_out = next(
        tree for tree, head in bidders[2].bids[-1].heads().items()
        if head.header.volume == "price"
    )  # fmt: skip
    assert left_out not in statement.body["trees"]
    # Nobody can release a half of it, and no member is asked about it.
    for bidder in bidders[:2]:
        await world.release(bidder, closing)
    value = {"tree": left_out, "value": b64(bytes(32))}
    foreign = unsigned("release-b", {"v": 1, "closing": closing.sid, "stage": 2, "values": [value]})
    assert isinstance(
        await refused(take_release_b(world.desk, world.lot, foreign, "open")), OtherClosing
    )
    shown = await member_material(
        world.desk, actor("custodian", world.group("T")[0].uscc, "T1"), world.lot
    )
    assert sorted(shown["trees"]) == statement.body["trees"]
    assert shown["stage"] == 2
    assert [s["body"]["trees"] for s in shown["stages"]] == [statement.body["trees"]]
    await world.check_all()
    await open_all(world)
    await world.sign_record()
    assert (await world.held()).status == "recorded"
    found = await results(world)
    assert sum(key.endswith("/price") for key in found) == 2
    async with reading(world.db, "bidding") as connection:
        whole = await result_store.opened_bids(connection, world.lot)
        listed = await list_store.listed(connection, world.lot)
    # What goes on to the evaluation is what was opened whole, with the files of both stages.
    assert {b.submission for b in whole} == set(passed)
    assert all(set(b.files) == {"price", "qual"} for b in whole)
    (closed,) = [one for one in listed if one.stage is None]
    assert (closed.tree, closed.b_value, closed.t_value) == (left_out, None, None)
    records = await world.kept("opening-record")
    assert [record.body["stage"] for record in records] == [1, 2]
    await all_hold_so_far(world)


async def test_a_stage_without_an_envelope_ends_the_opening(world: World) -> None:
    await first_stage_recorded(world, count=2)
    statement = await propose(world)
    assert statement.body["trees"] == []
    await world.sign_paper("supervisor", statement.sid)
    await world.tick()
    assert (await world.held()).status == "recorded"
    assert isinstance(await refused(world.step("phase1")), WrongPhase)
    assert isinstance(await refused(propose(world)), WrongPhase)
    async with reading(world.db, "bidding") as connection:
        assert await result_store.opened_bids(connection, world.lot) == []
    await all_hold_so_far(world)


async def given_an_hour(world: World, hours: int = 1) -> None:
    """Buyer and supervisor sign a schedule with an hour for the second stage."""
    at = await world.now() + timedelta(hours=hours)
    paper = await stages.ask_stage_hour(world.desk, world.actors["agency"], world.lot, 2, at)
    for part in ("buyer", "supervisor"):
        await world.sign_paper(part, paper.sid)


async def test_who_proposes_which_bids_by_which_evaluation(world: World) -> None:
    bidders, _ = await first_stage_recorded(world, count=2)
    first = await submission_of(world, bidders[0])
    agency = world.actors["agency"]
    bidder = actor("bidder", bidders[0].uscc, bidders[0].name)
    # Without an hour in the schedule nothing goes on.
    assert "no hour" in (await refused(propose(world, first))).message
    await given_an_hour(world)
    async with transaction(world.db, "bidding") as connection:
        other = await record_event(
            connection, "bidding:lot:look", actor=None, group=world.tender, scope=world.lot, data={}
        )
    for who, proposal, wanted in (
        (bidder, Proposal(passed=[first], report_sha256=REPORT), NotAllowed),
        (agency, Proposal(passed=[first]), NotEvaluated),
        (agency, Proposal(passed=[first], evaluation="00" * 32), NotEvaluated),
        # Not any event of the lot is an evaluation.
        (agency, Proposal(passed=[first], evaluation=other), NotEvaluated),
        (agency, Proposal(passed=[uuid4()], report_sha256=REPORT), OtherClosing),
    ):
        no = await refused(stages.ask_stage(world.desk, who, world.lot, proposal))
        assert isinstance(no, wanted), no
    # What the agency proposes is nothing before the supervisor signed it.
    statement = await propose(world, first)
    assert isinstance(await refused(world.sign_paper("agency", statement.sid)), NotAllowed)
    assert isinstance(await refused(world.step("phase1")), WrongPhase)
    await world.sign_paper("supervisor", statement.sid)
    await world.tick()
    # Two stages cannot be begun at once, and an hour that has begun its stage stands.
    assert isinstance(await refused(given_an_hour(world, 5)), WrongPhase)
    assert isinstance(await refused(propose(world, first)), WrongPhase)


async def test_the_hour_of_a_stage_only_comes_and_only_moves_later(world: World) -> None:
    bidders, _ = await first_stage_recorded(world, count=2)
    now = await world.now()

    async def ask(stage: int, hours: int) -> Statement:
        at = now + timedelta(hours=hours)
        return await stages.ask_stage_hour(world.desk, world.actors["agency"], world.lot, stage, at)

    assert isinstance(await refused(ask(2, -1)), WrongStatus)
    assert isinstance(await refused(ask(1, 5)), WrongPhase)
    assert isinstance(await refused(ask(3, 5)), NoSuchStage)
    first = await ask(2, 5)
    for part in ("buyer", "supervisor"):
        await world.sign_paper(part, first.sid)
    assert isinstance(await refused(ask(2, 4)), WrongStatus)
    rival, second = await ask(2, 6), await ask(2, 7)
    for part in ("buyer", "supervisor"):
        await world.sign_paper(part, second.sid)
    await world.sign_paper("buyer", rival.sid)
    no = await refused(world.sign_paper("supervisor", rival.sid))
    assert isinstance(no, WrongStatus)
    await later(world, timedelta(hours=8))
    # It has come: nobody puts it off any more.
    assert isinstance(await refused(ask(2, 9)), WrongStatus)
    statement = await propose(world, await submission_of(world, bidders[0]))
    await world.sign_paper("supervisor", statement.sid)
    await world.tick()
    await world.step("phase1")


async def test_nothing_of_a_running_stage_is_published_before_its_record(world: World) -> None:
    bidders, closing = await first_stage_recorded(world, count=2)
    passed = [await submission_of(world, bidder) for bidder in bidders]
    await begin_second(world, *passed)
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await all_hold_so_far(world)
    async with reading(world.db, "bidding") as connection:
        shown = await transcript(world.desk, connection, world.lot)
    assert {r["body"]["stage"] for r in shown["releases"]} == {1}
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    # The results are there, the record is not signed: no sealed file of the stage goes out.
    await all_hold_so_far(world)
    with zipfile.ZipFile(world.folder / "package.zip") as archive:
        files = [name for name in archive.namelist() if name.endswith(".tbe")]
    assert len(files) == 2
    facts = await hall_facts(world.db, world.lot)
    assert {b.name for b in facts.bids} == {b.name for b in bidders}
    public = await hall(world.desk, world.lot)
    assert public["stage"] == 2


async def test_a_member_releases_once_a_stage_and_only_what_is_in_it(world: World) -> None:
    bidders, closing = await first_stage_recorded(world, count=2)
    passed = [await submission_of(world, bidder) for bidder in bidders]
    await begin_second(world, *passed)
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    seat = world.group("T")[0]
    own = await world.custodian_release(seat)
    earlier = dict(own.body) | {"stage": 1}
    no = await refused(world.accept(seat, world.by_seat(seat, "release-t", earlier)))
    assert isinstance(no, OtherClosing)
    short = dict(own.body) | {"shares": own.body["shares"][:1]}
    no = await refused(world.accept(seat, world.by_seat(seat, "release-t", short)))
    assert isinstance(no, ReleaseIncomplete)
    await world.accept(seat, own)


async def test_a_notice_puts_each_volume_in_exactly_one_stage(world: World) -> None:
    await world.draft()
    for plan in (
        ((("qual",), DEADLINE),),
        ((("price", "qual"), DEADLINE), (("price",), None)),
        ((("qual",), DEADLINE + timedelta(hours=1)), (("price",), None)),
    ):
        assert isinstance(await refused(world.announce(stages=plan)), NoticeRefused)

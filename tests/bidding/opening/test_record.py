"""The record of a stage: bidders have a while to object and may co-sign, then it is signed."""

from bidding.opening.domain import WindowOpen, WrongPhase
from bidding.opening.oversight.objections import take_objection
from bidding.opening.results.record import TO_OBJECT
from bidding.participant.domain import NoMandate
from foundation.statements.keyfile import ExchangeKey, generate
from foundation.statements.signed import Statement, sign, unsigned
from foundation.statements.store import NotYourPaper, UnknownPaper
from mandates import OperatorOf
from opening_world import all_hold, all_hold_so_far, later, open_all, with_bids
from sunbid import doors
from world import BidderOf, World, actor, refused


async def opened(world: World, count: int = 2) -> tuple[list[BidderOf], Statement]:
    """Everything is decrypted; the record waits."""
    bidders = await with_bids(world, count=count, minimum=count)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await open_all(world)
    return bidders, closing


async def co_sign(world: World, bidder: BidderOf, sid: str) -> bool:
    """A bidder signs the record by the papers' door."""
    who = actor("bidder", bidder.uscc, bidder.name)
    found = await doors.show_paper(world.desk, who, sid)
    blank = unsigned(found.statement.type, found.statement.body)
    one = sign(blank, world.licence(bidder.uscc))
    _, complete = await doors.sign_paper(world.desk, who, sid, one.sigs[0])
    return complete


async def objects(world: World, bidder: BidderOf, closing: Statement) -> Statement:
    body = {
        "v": 1, "closing": closing.sid, "stage": 1, "uscc": bidder.uscc, "content": "唱标有误",
    }  # fmt: skip
    statement = world.by_licence("objection", body, bidder.uscc)
    who = actor("bidder", bidder.uscc, bidder.name)
    await take_objection(world.desk, who, statement, world.lot)
    return statement


async def test_an_objection_makes_another_record_and_time_is_left_for_it(world: World) -> None:
    bidders, closing = await opened(world)
    (first,) = await world.waiting("host", "opening-record")
    assert not await world.sign_paper("host", first)
    assert not await co_sign(world, bidders[0], first)
    early = world.sign_paper("supervisor", first)
    assert isinstance(await refused(early), WindowOpen)
    raised = await objects(world, bidders[1], closing)
    (second,) = await world.waiting("host", "opening-record")
    assert second != first
    assert isinstance(await refused(world.sign_paper("supervisor", first)), UnknownPaper)
    assert not await co_sign(world, bidders[0], second)
    await all_hold(world)
    (record,) = await world.kept("opening-record")
    assert (record.sid, record.body["objections"]) == (second, [raised.sid])
    # Platform, bidder, host, supervisor.
    assert len(record.sigs) == 4


async def test_nobody_objects_once_the_time_is_over(world: World) -> None:
    bidders, closing = await opened(world, count=1)
    (sid,) = await world.waiting("host", "opening-record")
    await later(world, TO_OBJECT)
    assert isinstance(await refused(objects(world, bidders[0], closing)), WrongPhase)
    assert not await world.sign_paper("host", sid)
    assert await world.sign_paper("supervisor", sid)


async def test_a_record_that_every_bidder_signed_need_not_wait(world: World) -> None:
    bidders, _ = await opened(world)
    (sid,) = await world.waiting("host", "opening-record")
    for bidder in bidders:
        assert not await co_sign(world, bidder, sid)
    assert not await world.sign_paper("host", sid)
    assert await world.sign_paper("supervisor", sid)
    await world.tick()
    await all_hold_so_far(world)
    assert (await world.held()).status == "recorded"


async def test_an_operator_co_signs_for_its_company_with_the_scope_release(world: World) -> None:
    bidders, _ = await opened(world)
    first, second = (OperatorOf(bidder) for bidder in bidders)
    (sid,) = await world.waiting("host", "opening-record")
    weak = await first.given(world, scope=("submit",))
    assert isinstance(await refused(by_operator(world, first, sid)), NoMandate)
    await first.given(world, scope=("release",), tenders=[world.tender])
    assert not await by_operator(world, first, sid)
    # The same once more changes nothing; a mandate for another tender carries nothing.
    assert not await by_operator(world, first, sid)
    elsewhere = await second.given(world, tenders=[world.lot])
    assert isinstance(await refused(by_operator(world, second, sid)), NoMandate)
    await second.revoke(world, elsewhere)
    await second.given(world)
    assert not await by_operator(world, second, sid)
    # Every bidder co-signed, so it need not wait.
    assert not await world.sign_paper("host", sid)
    assert await world.sign_paper("supervisor", sid)
    await world.tick()
    await all_hold_so_far(world)
    (record,) = await world.kept("opening-record")
    assert {s.kid for s in record.sigs if s.kid} == {first.key.kid, second.key.kid}
    assert weak.body["scope"] == ["submit"]


async def test_an_operator_signs_no_paper_of_an_office_that_is_its_company(world: World) -> None:
    await opened(world, count=1)
    (sid,) = await world.waiting("supervisor", "opening-record")
    own = world.actors["supervisor"]
    uscc = own.subject or ""
    office = BidderOf(
        uscc=uscc, name=own.name, price="1.00", signer=world.licence(uscc),
        recovery=generate(world.suite.curve), opening=ExchangeKey(generate(world.suite.curve)),
    )  # fmt: skip
    operator = OperatorOf(office)
    await operator.given(world)
    assert await doors.waiting_papers(world.desk, operator.actor) == []
    assert isinstance(await refused(by_operator(world, operator, sid)), NotYourPaper)


async def by_operator(world: World, operator: OperatorOf, sid: str) -> bool:
    """An operator signs the record by the papers' door."""
    found = await doors.show_paper(world.desk, operator.actor, sid)
    one = sign(unsigned(found.statement.type, found.statement.body), operator.key)
    _, complete = await doors.sign_paper(world.desk, operator.actor, sid, one.sigs[0])
    return complete

"""Outages, and lots that the supervisor ends: no machine makes a legal result by itself (6.4)."""

from datetime import datetime, timedelta

import asyncpg
import pytest

from bidding.opening.closings import closing as closings
from bidding.opening.closings.closing import close_due
from bidding.opening.closings.outages import OutageAcrossDeadline
from bidding.opening.domain import WindowOpen, WrongPhase
from bidding.opening.oversight import decisions
from bidding.opening.oversight.decisions import DRAFT_LASTS, DecisionOutdated
from bidding.opening.oversight.faults import NotDisputed
from bidding.opening.oversight.grounds import Wish
from bidding.opening.oversight.orders import NoOutage
from bidding.tender.domain import WrongStatus
from foundation.problems import NotAllowed, Refused
from foundation.statements.signed import Statement
from foundation.statements.store import NotYourPaper
from opening_world import all_hold, ask, end, later, nothing_decrypted, open_all, with_bids
from world import DEADLINE, OFFICES, PUBLISHED_AT, World, actor, refused

Owner = asyncpg.Connection
SECOND = timedelta(seconds=1)


async def clock_runs(owner: Owner, at: datetime) -> None:
    """From now on time passes by itself, so that a pause of the ledger is an outage."""
    await owner.execute(
        "UPDATE foundation.platform_clock"
        "   SET real_at = clock_timestamp(), platform_at = $1, factor = 1",
        at,
    )


async def closed(world: World) -> None:
    """The deadline passed, the cut is made; nothing ticked for two hours across it."""
    await with_bids(world)
    await world.set_clock(DEADLINE + SECOND)
    await close_due(world.desk)
    await world.tick(3)


async def order(world: World, decision: str, *span: datetime) -> Statement:
    """The supervisor asks for an order to sign."""
    given = (span[0], span[1]) if span else None
    wish = Wish(decision=decision, cause="原因", span=given)
    return await decisions.ask(world.desk, world.actors["supervisor"], world.lot, wish)


@pytest.mark.misuse(50)
async def test_an_outage_across_the_deadline_waits_for_the_supervisor(
    world: World, owner: Owner
) -> None:
    await closed(world)
    confirm = closings.confirm_closing
    await clock_runs(owner, DEADLINE + 5 * SECOND)
    host = world.actors["host"]
    no = await refused(confirm(world.desk, host, world.lot))
    assert isinstance(no, OutageAcrossDeadline)
    # A draft changes nothing; the signed decision does.
    paper = await order(world, "confirmed")
    assert isinstance(await refused(confirm(world.desk, host, world.lot)), OutageAcrossDeadline)
    await world.sign_paper("supervisor", paper.sid)
    closing = await confirm(world.desk, host, world.lot)
    assert closing.type == "closing"
    assert isinstance(await refused(order(world, "confirmed")), WrongPhase)


async def test_a_deadline_that_passed_quietly_is_not_confirmed(world: World) -> None:
    await closed(world)
    # The clock was moved by hand: that is no outage.
    assert isinstance(await refused(order(world, "confirmed")), NoOutage)
    await closings.confirm_closing(world.desk, world.actors["host"], world.lot)


async def test_an_outage_in_a_window_lengthens_it_by_as_much(world: World, owner: Owner) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    begun = await world.now()
    for bidder in bidders[1:]:
        await world.release(bidder, closing)
    await world.check_all()
    await world.tick()
    await later(world, timedelta(minutes=10))
    await world.tick()
    await clock_runs(owner, begun + timedelta(minutes=31))
    no = await refused(world.step("phase2"))
    assert isinstance(no, WindowOpen)
    assert "extended" in no.message
    await world.step("extended")
    # Once, and no more than was lost.
    assert isinstance(await refused(world.step("extended")), WrongPhase)
    assert isinstance(await refused(world.step("phase2")), WindowOpen)
    step = (await world.kept("opening-step"))[-1]
    assert step.body["step"] == "extended"
    assert step.body["reason"].split("\n")[0] == "phase1"
    # A bidder whom the outage kept from releasing still can.
    await world.release(bidders[0], closing)
    await world.set_clock(begun + timedelta(minutes=32))
    await world.tick()
    await open_all(world)
    await all_hold(world)


async def test_the_supervisor_declares_an_outage_that_the_ledger_does_not_show(
    world: World,
) -> None:
    await with_bids(world)
    await world.begin_opening()
    begun = await world.now()
    await later(world, timedelta(minutes=31))
    for span in (
        (begun, begun),
        (begun + timedelta(minutes=5), begun),
        (begun, begun + timedelta(hours=9)),
    ):
        assert isinstance(await refused(order(world, "outage", *span)), NoOutage)
    first, last = begun + timedelta(minutes=5), begun + timedelta(minutes=12)
    paper = await order(world, "outage", first, last)
    await world.sign_paper("supervisor", paper.sid)
    assert isinstance(await refused(world.step("phase2")), WindowOpen)
    await world.step("extended")
    assert isinstance(await refused(world.step("phase2")), WindowOpen)
    await later(world, timedelta(minutes=7))
    await world.check_all()
    await world.remedied()
    await open_all(world)
    await all_hold(world)


# --- the end of a lot


async def ends(world: World) -> None:
    """The buyer asks for the end, and signs it with the supervisor."""
    paper = await ask(world, "terminated", who="buyer", cause="项目取消")
    await end(world, paper, second="buyer")
    assert (await world.held()).status == "terminated"


async def test_a_lot_ends_before_the_deadline_by_two_offices(world: World) -> None:
    bidders = await with_bids(world, count=2, minimum=2)
    wish = Wish(decision="terminated", cause="x")
    stranger = actor("bidder", bidders[0].uscc, bidders[0].name)
    _, uscc, name = OFFICES["supervisor"]
    elsewhere = actor("supervisor", bidders[1].uscc, "别处监督部门")
    # Nor does a key that an office's licence made into an operator, or into an unattended seat.
    others = [actor(own, uscc, name, "K" * 16) for own in ("operator", "custodian")]
    for who in (stranger, elsewhere, *others):
        no = await refused(decisions.ask(world.desk, who, world.lot, wish))
        assert isinstance(no, NotAllowed), who.role
    # One office alone ends nothing, whichever it is; what it signed twice counts once.
    paper = await ask(world, "terminated", who="agency", cause="项目取消")
    assert not await world.sign_paper("supervisor", paper.sid)
    assert not await world.sign_paper("supervisor", paper.sid)
    assert (await world.held()).status == "published"
    assert isinstance(await refused(world.sign_paper("host", paper.sid)), NotYourPaper)
    assert await world.sign_paper("agency", paper.sid)
    assert (await world.held()).status == "terminated"
    # Acts are void and none comes any more; nothing is closed or counted.
    late = world.bidder(7)
    made = await world.seal(late)
    await world.upload(made)
    assert isinstance(await refused(world.hand_in(late, made)), Refused)
    await world.set_clock(DEADLINE + SECOND)
    assert await close_due(world.desk) == 0
    host = world.actors["host"]
    no = await refused(closings.confirm_closing(world.desk, host, world.lot))
    assert isinstance(no, WrongStatus)


@pytest.mark.parametrize("phase", ["cut", "phase1", "phase2"])
async def test_a_lot_ends_until_custodians_may_release(world: World, phase: str) -> None:
    if phase == "cut":
        await closed(world)
        await ends(world)
        host = world.actors["host"]
        no = await refused(closings.confirm_closing(world.desk, host, world.lot))
        assert isinstance(no, WrongStatus)
        return
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    await world.check_all()
    if phase == "phase2":
        await later(world, timedelta(minutes=31))
        await world.step("phase2")
    await ends(world)
    for step in ("phase2", "phase3", "phase4", "suspended"):
        assert isinstance(await refused(world.step(step)), WrongPhase)
    assert isinstance(await refused(world.release(bidders[0], closing)), WrongPhase)
    assert nothing_decrypted(world)


@pytest.mark.misuse(71)
async def test_nobody_ends_an_opening_in_which_prices_may_be_known(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    paper = await ask(world, "terminated", who="buyer", cause="后悔")
    await world.step("phase3")
    # Not even with a paper from before.
    assert isinstance(await refused(end(world, paper, second="buyer")), WrongPhase)
    assert isinstance(await refused(order(world, "terminated")), WrongPhase)
    assert isinstance(await refused(order(world, "fault")), NotDisputed)
    assert (await world.held()).status == "opening"


async def test_a_draft_is_signed_within_a_week_and_for_its_round(
    world: World, owner: Owner
) -> None:
    await with_bids(world, count=1, minimum=1)
    await world.set_clock(PUBLISHED_AT + DRAFT_LASTS)
    paper = await ask(world, "terminated", who="buyer", cause="项目取消")
    assert not await world.sign_paper("buyer", paper.sid)
    await later(world, DRAFT_LASTS)
    no = await refused(world.sign_paper("supervisor", paper.sid))
    assert isinstance(no, DecisionOutdated)
    same = ask(world, "terminated", who="buyer", cause="项目取消")
    assert isinstance(await refused(same), DecisionOutdated)
    fresh = await ask(world, "terminated", who="buyer", cause="项目确已取消")
    # The old one waits for nobody any more.
    assert await world.waiting("supervisor", "supervisor-decision") == [fresh.sid]
    await owner.execute("UPDATE bidding.lot SET round = 2 WHERE id = $1", world.lot)
    no = await refused(end(world, fresh, second="buyer"))
    assert isinstance(no, DecisionOutdated)
    assert (await world.held()).status == "published"

"""Postponement on PostgreSQL: two persons, later only, in time, void acts, one answer for all."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest

from bidding.bid import service as bids
from bidding.bid.domain import Late
from bidding.opening.closings import blobs
from bidding.opening.closings import closing as closings
from bidding.sealing.refusals import NotIndependent, NotPostponed
from bidding.tender import postponement
from bidding.tender.domain import WrongStatus
from bidding.tender.papers import Groups
from bidding.tender.postponement import POSTPONED, Proposal, ReasonMissing
from foundation.database import reading
from foundation.identity.actor import WrongRole
from foundation.problems import NotAllowed
from foundation.statements.canonical import time_text
from foundation.statements.store import NotYourPaper, kept_events
from opening_world import open_all, with_bids
from sunbid.export import make_package
from sunbid.verify.verifier import verify_package
from world import DEADLINE, MORNING, MS, World, actor, refused

DAY = timedelta(days=1)
LATER = DEADLINE + 3 * DAY


async def propose(world: World, who: str = "agency", **changes: Any) -> tuple[str, str | None]:
    proposal = Proposal(deadline_at=LATER, reason="答疑内容较多，顺延开标")
    return await postponement.propose(
        world.db, world.actors[who], world.lot, replace(proposal, **changes)
    )


async def signed(world: World, *sids: str | None) -> None:
    for sid in sids:
        if sid is not None:
            for part in ("buyer", "supervisor"):
                await world.sign_paper(part, sid)


async def new_groups(world: World) -> Groups:
    """Groups for new opening keys; each version has a sid of its own."""
    await world.all_show_possession()
    return (await world.announcement()).groups


async def test_a_later_deadline_is_in_force_when_two_signed_it(world: World) -> None:
    await world.published_lot()
    before = (await world.held()).schedule
    schedule, keys = await propose(world)
    assert keys is None
    assert (await world.held()).deadline_at == DEADLINE
    assert await world.sign_paper("buyer", schedule) is False
    # One signature changes nothing, and only the two whom the notice names can sign.
    assert (await world.held()).schedule == before
    assert isinstance(await refused(world.sign_paper("agency", schedule)), NotYourPaper)
    assert await postponement.postponements(world.db, world.lot) == []
    waiting = await postponement.open_proposal(world.db, world.lot)
    assert waiting is not None
    assert waiting.schedule == schedule
    assert await world.sign_paper("supervisor", schedule)
    held = await world.held()
    assert (held.schedule, held.deadline_at) == (schedule, LATER)
    [told] = await postponement.postponements(world.db, world.lot)
    assert (told.old_deadline, told.new_deadline) == (DEADLINE, LATER)
    assert told.reason == "答疑内容较多，顺延开标"
    assert await postponement.open_proposal(world.db, world.lot) is None
    async with reading(world.db, "bidding") as connection:
        [event] = await kept_events(connection, POSTPONED, world.lot)
    assert event.body["data"]["reason"] == told.reason
    assert event.body["data"]["from"] == time_text(DEADLINE)
    await world.tick()
    await world.set_clock(DEADLINE + timedelta(seconds=1))
    assert await closings.close_due(world.desk) == 0


@pytest.mark.misuse(46)
async def test_d_moves_later_at_the_last_moment_and_never_after_it(world: World) -> None:
    await world.published_lot()
    await world.set_clock(DEADLINE - timedelta(seconds=5))
    schedule, _ = await propose(world)
    await world.sign_paper("buyer", schedule)
    await world.set_clock(DEADLINE)
    assert isinstance(await refused(world.sign_paper("supervisor", schedule)), WrongStatus)
    assert (await world.held()).deadline_at == DEADLINE
    await world.set_clock(DEADLINE - MS)
    assert await world.sign_paper("supervisor", schedule)
    assert (await world.held()).deadline_at == LATER
    await world.set_clock(LATER)
    assert isinstance(await refused(propose(world)), WrongStatus)


@pytest.mark.misuse(46)
async def test_an_earlier_time_is_refused(world: World) -> None:
    await world.published_lot()
    for at in (DEADLINE - MS, DEADLINE - DAY):
        no = await refused(propose(world, deadline_at=at))
        assert isinstance(no, NotPostponed)
    assert await world.waiting("buyer", "schedule") == []


async def test_who_proposes_and_why(world: World) -> None:
    await world.published_lot()
    for who in ("buyer", "supervisor"):
        assert isinstance(await refused(propose(world, who)), WrongRole)
    stranger = actor("agency", world.members["T1"].uscc, "别家")
    call = postponement.propose(
        world.db, stranger, world.lot, Proposal(deadline_at=LATER, reason="原因")
    )
    assert isinstance(await refused(call), NotAllowed)
    for reason in ("", "  \n ", "长" * 501):
        assert isinstance(await refused(propose(world, reason=reason)), ReasonMissing)
    await propose(world, "host")


async def test_a_newer_proposal_makes_the_older_void(world: World) -> None:
    await world.published_lot()
    first, _ = await propose(world)
    await world.sign_paper("buyer", first)
    await world.set_clock(MORNING - DAY)
    second, _ = await propose(world, deadline_at=LATER + DAY)
    assert isinstance(await refused(world.sign_paper("supervisor", first)), WrongStatus)
    await signed(world, second)
    assert (await world.held()).deadline_at == LATER + DAY


async def test_new_opening_keys_come_with_a_later_schedule_alone(world: World) -> None:
    await world.published_lot()
    old = (await world.keys()).sid
    schedule, keys = await propose(world, groups=await new_groups(world))
    assert keys is not None
    await signed(world, keys)
    # The opening keys are signed by both and still not in force: the schedule is not.
    assert (await world.keys()).sid == old
    await signed(world, schedule)
    held = await world.held()
    assert (held.opening_keys, held.schedule) == (keys, schedule)
    assert (await world.keys()).body.prev == old
    assert (await world.keys()).body.version == 2


async def test_new_opening_keys_are_independent_too(world: World) -> None:
    await world.published_lot()
    groups = await new_groups(world)
    twice = replace(groups, remedy=(*groups.remedy[:2], groups.custodians[0]))
    assert isinstance(await refused(propose(world, groups=twice)), NotIndependent)


async def test_earlier_acts_are_void_with_new_opening_keys_and_bidders_seal_again(
    world: World,
) -> None:
    bidders = await with_bids(world, 4)
    schedule, keys = await propose(world, groups=await new_groups(world))
    sealed_before = await world.seal(bidders[0])
    await world.upload(sealed_before)
    await signed(world, keys, schedule)
    await world.tick()
    # Sealed for the older keys and handed in after: refused, with the reason.
    act = await world.hand_in(bidders[0], sealed_before)
    shown = await bids.show_act(world.desk, act.sid)
    assert shown.act.state == "refused"
    for bidder in bidders[1:]:
        await world.bid(bidder)
    await world.tick()
    await world.set_clock(LATER + timedelta(seconds=1))
    await closings.close_due(world.desk)
    await world.tick(3)
    closing = await closings.confirm_closing(world.desk, world.actors["host"], world.lot)
    # Three sealed again; the one who did not is not in the list.
    assert closing.type == "closing"
    assert closing.body["count"] == 3
    assert (closing.body["opening_keys"], closing.body["schedule"]) == (keys, schedule)


@pytest.mark.misuse(108)
async def test_the_answer_is_the_same_whatever_was_received(world: World) -> None:
    """Proposals, signatures and what is shown afterwards: with no bid and with three."""

    async def seen() -> list[Any]:
        schedule, keys = await propose(world, groups=await new_groups(world))
        await signed(world, keys, schedule)
        told = await postponement.postponements(world.db, world.lot)
        held = await world.held()
        return [
            [(one.reason, one.old_deadline, one.new_deadline, one.in_force_at) for one in told],
            (held.status, held.deadline_at),
        ]

    await world.published_lot()
    await world.set_clock(MORNING)
    empty = await seen()
    await world.published_lot(number="A-2")
    await world.set_clock(MORNING)
    for n in range(1, 4):
        await world.bid(world.bidder(n))
    await world.tick()
    assert await seen() == empty


async def test_a_postponed_opening_holds_before_a_strangers_verifier(world: World) -> None:
    await world.published_lot()
    await world.set_clock(MORNING - DAY)
    schedule, keys = await propose(world, groups=await new_groups(world))
    await signed(world, keys, schedule)
    await world.tick()
    bidders = [world.bidder(n) for n in range(1, 4)]
    for bidder in bidders:
        await world.bid(bidder)
    await world.tick()
    late = world.bidder(9)
    made = await world.seal(late)
    await world.upload(made)
    await world.set_clock(LATER)
    handed = world.handed(made, await world.token(late))
    assert isinstance(await refused(bids.take_in(world.desk, handed)), Late)
    await world.set_clock(LATER + timedelta(seconds=1))
    await closings.close_due(world.desk)
    await world.tick(3)
    closing = await closings.confirm_closing(world.desk, world.actors["host"], world.lot)
    await world.tick(2)
    await world.step("phase1")
    await blobs.read_back(world.desk, world.lot)
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await open_all(world)
    await world.sign_record()
    found = {c.id: c for c in verify_package(BytesIO(await make_package(world.desk, world.lot)))}
    assert [c.id for c in found.values() if c.ok is False] == []
    assert (found["C22"].ok, found["C23"].ok, found["C21"].ok) == (True, True, True)


async def test_opening_keys_that_end_too_early_need_new_ones(world: World) -> None:
    await world.published_lot()
    ends = DEADLINE + timedelta(days=200)
    no = await refused(propose(world, deadline_at=ends))
    assert "new ones" in no.message

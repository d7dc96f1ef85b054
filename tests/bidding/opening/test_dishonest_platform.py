"""A platform without its guards: what it may try at an opening, and which check names it."""

from io import BytesIO

import pytest

from bidding.opening import guards
from bidding.opening.oversight import decisions
from bidding.opening.oversight.grounds import Case
from bidding.opening.results import record, unsealing
from bidding.opening.results.unsealing import open_lot
from foundation.statements.store import Required
from opening_world import (
    W2_OVER,
    WINDOW,
    an_hour_ago,
    ask,
    begin_second,
    end,
    first_stage_recorded,
    later,
    release_without,
    results,
    says,
    submission_of,
    suspended_before_the_custodians,
    with_bids,
)
from sunbid.export import make_package
from sunbid.verify.verifier import verify_package
from world import World

Patch = pytest.MonkeyPatch


async def failed(world: World) -> set[str]:
    """The checks that fail for the package of an opening that is driven to its record."""
    await open_lot(world.desk, world.lot)
    await world.tick()
    await world.sign_record()
    package = await make_package(world.desk, world.lot)
    return {check.id for check in verify_package(BytesIO(package)) if check.ok is False}


def anybody_is_named(patch: Patch, *members: tuple[str, int]) -> None:
    """The platform lets a decision be made at any time, naming whom it likes."""

    async def named(*_: object) -> list[dict[str, object]]:
        return [{"group": group, "i": i} for group, i in members]

    patch.setattr(decisions, "_grounded", named)
    patch.setattr(Case, "is_suspended", True)
    patch.setattr(unsealing, "require_ready", lambda *_: None)


async def decide(world: World, decision: str) -> None:
    """A decision, signed."""
    paper = await ask(world, decision)
    if decision == "terminated":
        await end(world, paper)
    else:
        await world.sign_paper("supervisor", paper.sid)
    await world.tick()


@pytest.mark.threat("T11")
async def test_an_opening_is_not_ended_once_prices_were_seen(
    world: World, monkeypatch: Patch
) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await later(world, W2_OVER)
    anybody_is_named(monkeypatch)
    monkeypatch.setattr("bidding.opening.oversight.decisions.next_status", lambda *_: "terminated")
    await decide(world, "terminated")
    assert {"C24", "C33"} <= await failed(world)


@pytest.mark.threat("T11")
async def test_an_absent_bid_is_not_given_up_after_phase_four(
    world: World, monkeypatch: Patch
) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders[1:]:
        await world.release(bidder, closing)
    await world.check_all()
    await later(world, WINDOW)
    await world.remedied(count=1)
    await later(world, W2_OVER)
    monkeypatch.setattr(guards, "_members_over", lambda *_: None)
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await later(world, W2_OVER)
    anybody_is_named(monkeypatch)
    await decide(world, "go-on")
    assert {"C24", "C32"} <= await failed(world)


async def test_one_bid_is_not_left_closed_for_want_of_a_custodian(
    world: World, monkeypatch: Patch
) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    dropped = min(bidders[0].bids[-1].heads())
    first, second, _ = world.group("T")
    await world.check(first)
    await says(world, second, "mismatch", dropped)
    await world.step("phase3")
    await world.accept(first, await world.custodian_release(first))
    await release_without(world, second, dropped)
    await world.tick()
    monkeypatch.setattr(guards, "_members_over", lambda *_: None)
    await later(world, W2_OVER)
    await world.step("phase4")
    assert {"C32", "C33"} <= await failed(world)
    assert sorted(set((await results(world)).values())) == ["CUSTODIANS_SHORT", "OPENED"]


async def test_a_disputed_envelope_is_not_closed_before_its_window(
    world: World, monkeypatch: Patch
) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    disputed = min(bidders[0].bids[-1].heads())
    first, second, third = world.group("T")
    for seat in (first, second):
        await says(world, seat, "mismatch", disputed)
    await world.check(third)
    await world.step("phase3")
    for seat in (first, second):
        await release_without(world, seat, disputed)
    await world.accept(third, await world.custodian_release(third))
    await world.tick()
    monkeypatch.setattr(guards, "closed_without_members", lambda *_: [])
    await world.step("phase4")
    assert await failed(world) == {"C32"}


@pytest.mark.parametrize("named", [[("T", 1)], [("T", 2)], []], ids=["released", "one", "nobody"])
async def test_a_decision_names_exactly_the_silent(
    world: World, monkeypatch: Patch, named: list[tuple[str, int]]
) -> None:
    await suspended_before_the_custodians(world)
    anybody_is_named(monkeypatch, *named)
    await decide(world, "terminated")
    assert await failed(world) == {"C25"}


async def test_a_complete_opening_is_not_ended(world: World, monkeypatch: Patch) -> None:
    await suspended_before_the_custodians(world)
    for seat in world.group("T")[1:]:
        await world.accept(seat, await world.custodian_release(seat))
    await world.tick()
    await later(world, W2_OVER)
    anybody_is_named(monkeypatch)
    await decide(world, "terminated")
    assert await failed(world) == {"C25"}


async def test_an_opening_that_never_stood_still_is_not_ended(
    world: World, monkeypatch: Patch
) -> None:
    await with_bids(world)
    await world.begin_opening()
    await world.check_all()
    await world.tick()
    anybody_is_named(monkeypatch)
    await decide(world, "terminated")
    assert "C24" in await failed(world)


@pytest.mark.misuse(89)
async def test_a_later_stage_is_not_opened_before_its_hour(
    world: World, monkeypatch: Patch
) -> None:
    bidders, closing = await first_stage_recorded(world, count=2)
    passed = [await submission_of(world, bidder) for bidder in bidders]
    monkeypatch.setattr("bidding.opening.steps._opens_at", an_hour_ago(world))
    # An honest member's own client refuses as well; here all of them take part.
    monkeypatch.setattr("bidding.sealing.member._check_time", lambda *_: None)
    await begin_second(world, *passed, early=True)
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    assert "C24" in await failed(world)


async def test_a_record_does_not_come_before_bidders_could_object(
    world: World, monkeypatch: Patch
) -> None:
    bidders = await with_bids(world, count=2, minimum=2)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    monkeypatch.setattr(record, "_require_all_content", nothing_required)
    (sid,) = await world.waiting("host", "opening-record")
    for part in ("host", "supervisor"):
        await world.sign_paper(part, sid)
    await world.tick()
    package = await make_package(world.desk, world.lot)
    bad = {check.id for check in verify_package(BytesIO(package)) if check.ok is False}
    assert bad == {"C24"}


async def nothing_required(*_: object) -> None:
    """A guard that is gone."""


async def test_one_office_alone_ends_no_opening(world: World, monkeypatch: Patch) -> None:
    await suspended_before_the_custodians(world)
    supervisor = Required(role="supervisor", subject=world.actors["supervisor"].subject)
    monkeypatch.setattr(decisions, "_signers", lambda *_: [supervisor])
    await world.sign_paper("supervisor", (await ask(world, "terminated")).sid)
    await world.tick()
    assert await failed(world) == {"C2"}

"""Openings as far as a test wants them: bids, releases, suspensions, and what came out."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from bidding.opening import list_store
from bidding.opening.closings.blobs import read_back
from bidding.opening.domain import WindowOpen
from bidding.opening.oversight import decisions
from bidding.opening.oversight.grounds import Wish
from bidding.opening.results import result_store, stages
from bidding.opening.results.stages import Proposal
from bidding.opening.results.unsealing import open_lot
from bidding.sealing.member import Guard, share_check
from foundation.clock import platform_now
from foundation.database import reading
from foundation.statements.canonical import b64
from foundation.statements.signed import (
    Statement,
    unsigned,
)
from sunbid.export import make_package
from sunbid.verify.verifier import verify_package
from world import (
    DEADLINE,
    MORNING,
    BidderOf,
    SeatHolder,
    World,
    codes_of,
    refused,
)

WINDOW = timedelta(minutes=31)
W2_OVER = timedelta(minutes=16)


async def with_bids(world: World, count: int = 3, minimum: int = 3) -> list[BidderOf]:
    """A published lot with so many bids."""
    await world.published_lot(minimum=minimum)
    await world.set_clock(MORNING)
    bidders = [world.bidder(n) for n in range(1, count + 1)]
    for bidder in bidders:
        await world.bid(bidder)
    await world.tick()
    return bidders


async def results(world: World) -> dict[str, str]:
    async with reading(world.db, "bidding") as connection:
        return codes_of(await result_store.results(connection, world.lot))


def nothing_decrypted(world: World) -> bool:
    """No plaintext anywhere: neither stored nor left in the working folder."""
    return not (world.desk.objects.folder / "opened").exists() and not any(
        world.desk.work.iterdir()
    )


async def open_all(world: World) -> None:
    """Custodians release, phase 4 begins, the worker opens."""
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()


async def all_hold(world: World) -> None:
    """The record is signed, and a stranger's verifier finds nothing wrong."""
    await world.sign_record()
    await all_hold_so_far(world)


async def all_hold_so_far(world: World) -> None:
    """What is published by now: a stranger's verifier finds nothing wrong."""
    target = world.folder / "package.zip"
    target.write_bytes(await make_package(world.desk, world.lot))
    with target.open("rb") as source:
        bad = [(c.id, c.object, c.detail) for c in verify_package(source) if c.ok is False]
    assert bad == []


async def says(world: World, seat: SeatHolder, result: str, *trees: str) -> None:
    """A seat's share check with another result for some envelopes, or for all."""
    appointment, question = await world.question(seat)
    body, seat.guard[0] = share_check(appointment, question, seat.guard[0], seat.exchange.exchange)
    told = msgspec.to_builtins(body)
    for row in told["results"]:
        if not trees or row["tree"] in trees:
            row["result"] = result
    await world.accept(seat, world.by_seat(seat, "share-check", told))


async def release_without(world: World, seat: SeatHolder, tree: str) -> None:
    """A custodian's release that leaves out the envelope it called bad."""
    body = dict((await world.custodian_release(seat)).body)
    body["shares"] = [share for share in body["shares"] if share["tree"] != tree]
    await world.accept(seat, world.by_seat(seat, "release-t", body))


async def later(world: World, span: timedelta) -> None:
    """The clock moves on."""
    async with reading(world.db, "foundation") as connection:
        now = await platform_now(connection)
    await world.set_clock(now + span)


async def suspended_in_the_remedy(world: World) -> tuple[list[BidderOf], Statement]:
    """One bidder is absent, one remedy member of two that are needed released, time is over."""
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders[1:]:
        await world.release(bidder, closing)
    await world.check_all()
    await later(world, WINDOW)
    await world.remedied(count=1)
    await later(world, W2_OVER)
    await world.step("suspended")
    await world.tick()
    return bidders, closing


async def suspended_before_the_custodians(world: World, released: int = 1) -> list[BidderOf]:
    """Every bidder released, too few custodians did, time is over."""
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await world.step("phase3")
    await world.custodians_release(count=released)
    await later(world, W2_OVER)
    await world.step("suspended")
    await world.tick()
    return bidders


async def ask(
    world: World, decision: str, who: str = "supervisor", cause: str = "原因"
) -> Statement:
    """The supervisor asks for a decision to sign."""
    wish = Wish(decision=decision, cause=cause)
    return await decisions.ask(world.desk, world.actors[who], world.lot, wish)


async def end(world: World, paper: Statement, second: str = "host") -> None:
    """The two offices that an end takes sign it."""
    assert not await world.sign_paper(second, paper.sid)
    assert await world.sign_paper("supervisor", paper.sid)


async def a_cure(
    world: World, tree: str, kind: str, value: bytes, i: int | None = None
) -> Statement:
    """The statement of somebody who supplies a value."""
    closing = (await world.kept("closing"))[-1]
    body = {
        "v": 1, "closing": closing.sid, "stage": 1, "tree": tree, "kind": kind, "i": i,
        "value": b64(value),
    }  # fmt: skip
    return unsigned("cure", body)


# --- later stages

TWO = ((("qual",), DEADLINE), (("price",), None))
REPORT = "ab" * 32


async def first_stage_recorded(world: World, count: int = 3) -> tuple[list[BidderOf], Statement]:
    """A lot of two stages whose first is recorded."""
    world.first = ("qual",)
    await world.published_lot(minimum=count, stages=TWO)
    await world.set_clock(MORNING)
    bidders = [world.bidder(n) for n in range(1, count + 1)]
    for bidder in bidders:
        await world.bid(bidder)
    await world.tick()
    closing = await world.begin_opening()
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    await open_all(world)
    await world.sign_record()
    return bidders, closing


async def submission_of(world: World, bidder: BidderOf) -> UUID:
    async with reading(world.db, "bidding") as connection:
        listed = await list_store.listed(connection, world.lot)
    trees = set(bidder.bids[-1].heads())
    return next(one.submission for one in listed if one.tree in trees)


async def propose(world: World, *passed: UUID, who: str = "agency") -> Statement:
    proposal = Proposal(passed=passed, report_sha256=REPORT)
    return await stages.ask_stage(world.desk, world.actors[who], world.lot, proposal)


async def begin_second(world: World, *passed: UUID, early: bool = False) -> Statement:
    """The supervisor signs the second stage, an hour is given, phase 1 begins."""
    hour = await stages.ask_stage_hour(
        world.desk, world.actors["agency"], world.lot, 2, await in_an_hour(world)
    )
    for part in ("buyer", "supervisor"):
        await world.sign_paper(part, hour.sid)
    statement = await propose(world, *passed)
    assert await world.sign_paper("supervisor", statement.sid)
    await world.tick(2)
    if not early:
        assert isinstance(await refused(world.step("phase1")), WindowOpen)
        await later(world, timedelta(hours=1, seconds=1))
    world.stage, world.staged = 2, frozenset(statement.body["trees"])
    for seat in world.members.values():
        seat.guard[0] = Guard()
    await world.step("phase1")
    await read_back(world.desk, world.lot)
    return statement


async def in_an_hour(world: World) -> datetime:
    return await world.now() + timedelta(hours=1)


def an_hour_ago(world: World) -> Callable[..., Awaitable[datetime]]:
    """A platform for which every stage's hour has come."""

    async def hour(*_: object) -> datetime:
        return await world.now() - timedelta(hours=1)

    return hour

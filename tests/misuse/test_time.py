"""The deadline: what a clock, a queue, a crowd or a slow disk must not change."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from bidding.bid import service as bids
from bidding.bid.desk import seal_token
from bidding.bid.domain import Act, TooManyActs
from bidding.opening.closings import closing as closings
from foundation.objects import ObjectStore
from foundation.statements.canonical import time_text
from foundation.statements.signed import Statement, from_json, read, sign, unsigned
from sunbid import rounds
from world import DEADLINE, MORNING, MS, SealedBid, World, refused

Owner = asyncpg.Connection


# --- a crowd in the last second -----------------------------------------------------------------


@dataclass
class Crowd:
    """Many bidders who name the same uploaded files: the intake asks nothing else of them."""

    world: World
    made: SealedBid

    def handed(self, number: int) -> bids.Handed:
        """What one of them posts, with a token as the signer would have given it."""
        bidder = self.world.bidder(number)
        body = {**self.made.manifest.body, "bidder": {"uscc": bidder.uscc, "name": bidder.name}}
        statement = sign(unsigned("manifest", body), bidder.signer)
        key = number.to_bytes(32, "big")
        token = seal_token(self.world.desk, self.world.lot, bidder.uscc, key, MORNING)
        return self.world.handed(SealedBid(
            manifest=statement, files={}, sealed={}, uploads=self.made.uploads
        ), token)  # fmt: skip


async def crowd_of(world: World) -> Crowd:
    """A crowd around one bidder's uploaded files."""
    made = await world.seal(world.bidder(1))
    await world.upload(made)
    return Crowd(world, made)


async def all_in_time(world: World, owner: Owner, count: int) -> None:
    """So many hand in during the last second; every ticket is in time, every act has its leaf."""
    crowd = await crowd_of(world)
    handed = [crowd.handed(number) for number in range(2, count + 2)]
    await world.set_clock(DEADLINE - timedelta(seconds=1))
    at_once = asyncio.Semaphore(16)

    async def take(one: bids.Handed) -> Act:
        async with at_once:
            return (await bids.take_in(world.desk, one))[0]

    taken = asyncio.gather(*(take(one) for one in handed))
    acts = await taken
    await world.set_clock(DEADLINE)
    await closings.close_due(world.desk)
    assert len({read(act.ticket).sid for act in acts}) == count
    for act in acts:
        body = read(act.ticket).body
        assert body["intake"] < body["deadline"] == time_text(DEADLINE)
    await world.tick(2)
    assert await owner.fetchval("SELECT count(*) FROM bidding.act") == count
    waiting = await owner.fetchval(
        "SELECT count(*) FROM bidding.act a JOIN foundation.ledger_queue q ON q.id = a.queue"
        " WHERE q.index IS NULL"
    )
    assert waiting == 0
    cut = await owner.fetchval("SELECT index FROM foundation.ledger_queue WHERE first_index")
    last = await owner.fetchval(
        "SELECT max(q.index) FROM bidding.act a JOIN foundation.ledger_queue q ON q.id = a.queue"
    )
    assert cut is not None
    assert last < cut


@pytest.mark.misuse(44)
async def test_a_crowd_in_the_last_second_is_taken_in(open_lot: World, owner: Owner) -> None:
    await all_in_time(open_lot, owner, 60)


@pytest.mark.soak
@pytest.mark.misuse(44)
async def test_a_thousand_in_the_last_second_are_taken_in(open_lot: World, owner: Owner) -> None:
    await all_in_time(open_lot, owner, 1000)


# --- a flood of bad signatures ------------------------------------------------------------------


@pytest.mark.misuse(45)
async def test_a_flood_of_bad_signatures_ends_at_the_quota_and_leaves_its_leaves(
    open_lot: World, owner: Owner
) -> None:
    world = open_lot
    bidder = world.bidder(1)
    made = await world.seal(bidder)
    await world.upload(made)
    token = await world.token(bidder)
    refusals = set()
    for number in range(1, 16):
        body = dict(made.manifest.body)
        body |= {"seq": number, "prev": bidder.acts[-1].sid if bidder.acts else None}
        bent = bent_signature(sign(unsigned("manifest", body), bidder.signer))
        act, _ = await bids.take_in(world.desk, world.handed(replaced(made, bent), token))
        assert await bids.decide(world.desk, act, bent) == "refused"
        state = await bids.show_act(world.desk, act.sid)
        assert state.refusal is not None
        refusals.add(state.refusal.body["code"])
        bidder.acts.append(bent)
    assert refusals == {"E_SIG"}
    body = {**made.manifest.body, "seq": 16, "prev": bidder.acts[-1].sid}
    honest = sign(unsigned("manifest", body), bidder.signer)
    no = await refused(bids.take_in(world.desk, world.handed(replaced(made, honest), token)))
    assert isinstance(no, TooManyActs)
    await world.tick(3)
    leaves = await owner.fetchval(
        "SELECT count(*) FROM bidding.act a JOIN foundation.ledger_queue q ON q.id = a.queue"
        " WHERE q.index IS NOT NULL"
    )
    assert leaves == 15
    # Some attempts are kept: in the last ten minutes the honest bid is still taken.
    await world.set_clock(DEADLINE - timedelta(minutes=10))
    token = await world.token(bidder)
    act, _ = await bids.take_in(world.desk, world.handed(replaced(made, honest), token))
    assert await bids.decide(world.desk, act, honest) == "accepted"


def bent_signature(statement: Statement) -> Statement:
    """The statement with one bit of its signature changed."""
    raw = statement.sigs[0].sig
    bent = replace(statement.sigs[0], sig=raw[:-1] + bytes([raw[-1] ^ 1]))
    return replace(statement, sigs=(bent,))


def replaced(made: SealedBid, manifest: Statement) -> SealedBid:
    """The same uploaded files under another manifest."""
    return SealedBid(manifest=manifest, files={}, sealed={}, uploads=made.uploads)


# --- checks and slow disks never make an act late -----------------------------------------------


@pytest.mark.misuse(38, 48)
async def test_slow_reading_of_files_delays_no_intake(
    open_lot: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = open_lot
    slow, quick = world.bidder(1), world.bidder(2)
    made = {bidder.uscc: await world.seal(bidder) for bidder in (slow, quick)}
    for one in made.values():
        await world.upload(one)
    reading, go_on = asyncio.Event(), asyncio.Event()
    honest = ObjectStore.get

    async def slowly(store: ObjectStore, key: str) -> bytes:
        reading.set()
        await go_on.wait()
        return await honest(store, key)

    monkeypatch.setattr(ObjectStore, "get", slowly)
    await world.set_clock(DEADLINE - MS)
    first, _ = await bids.take_in(
        world.desk, world.handed(made[slow.uscc], await world.token(slow))
    )
    decision = asyncio.create_task(bids.decide(world.desk, first, made[slow.uscc].manifest))
    await reading.wait()
    # While its files are read, and nobody knows for how long, another hands in.
    second, _ = await bids.take_in(
        world.desk, world.handed(made[quick.uscc], await world.token(quick))
    )
    assert second.intake_at == DEADLINE - MS
    await world.set_clock(DEADLINE + timedelta(minutes=5))
    await closings.close_due(world.desk)
    go_on.set()
    # The checks end after the deadline; the act was in time.
    assert await decision == "accepted"
    assert await bids.decide_pending(world.desk) == 1
    for act in (first, second):
        assert (await bids.show_act(world.desk, act.sid)).act.state == "accepted"


# --- clocks -------------------------------------------------------------------------------------


@pytest.mark.misuse(40)
async def test_a_clock_that_goes_wrong_stops_the_closer_and_never_the_intake(
    open_lot: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = open_lot
    skews = iter([timedelta(milliseconds=700), timedelta(seconds=3), timedelta(days=1)])

    async def skewed(_: Any) -> timedelta:
        return next(skews)

    bidder = world.bidder(1)
    made = await world.seal(bidder)
    await world.upload(made)
    await world.set_clock(DEADLINE - MS)
    monkeypatch.setattr(rounds, "clock_skew", skewed)
    act, _ = await bids.take_in(world.desk, world.handed(made, await world.token(bidder)))
    assert act.intake_at == DEADLINE - MS, "the database decides"
    todo = rounds.Rounds(world.desk)
    caplog.set_level(logging.WARNING)
    await todo.close()
    assert "0.7 s" in caplog.text
    await world.set_clock(DEADLINE)
    for _ in range(2):
        await todo.close()
        assert (await world.held()).status == "published"
    monkeypatch.undo()
    await todo.close()
    assert (await world.held()).status == "closed"


@pytest.mark.misuse(49)
async def test_times_are_utc_milliseconds_whatever_the_machines_zone(
    open_lot: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    world = open_lot
    await world.set_clock(DEADLINE - MS)
    bidder = world.bidder(1)
    act = await world.bid(bidder)
    assert read(act.ticket).body["intake"] == "2026-10-12T00:59:59.999Z"


@pytest.mark.misuse(81)
async def test_after_the_deadline_the_refusal_is_signed_and_no_number_is_used(
    open_lot: World, owner: Owner
) -> None:
    world = open_lot
    bidder = world.bidder(1)
    made = await world.seal(bidder)
    await world.upload(made)
    token = await world.token(bidder)
    await world.set_clock(DEADLINE)
    no = await refused(bids.take_in(world.desk, world.handed(made, token)))
    assert no.code == "E_LATE"
    signed = from_json(no.extra["refusal"])
    assert (signed.body["act"], signed.body["code"]) == (made.manifest.sid, "E_LATE")
    assert await owner.fetchval("SELECT count(*) FROM bidding.act") == 0

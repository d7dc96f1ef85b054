"""Taking in acts on PostgreSQL: the deadline, the order of acts, and what nobody else may see."""

import asyncio
import json
import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from bidding.bid import service as bids
from bidding.bid import store, uploads
from bidding.bid.domain import (
    BadToken,
    Late,
    StillPending,
    TooManyActs,
    UnknownUpload,
    UploadIncomplete,
    WrongBidder,
    WrongSequence,
)
from bidding.opening.closings import closing as closings
from bidding.opening.domain import ActsUndecided
from bidding.opening.hall import hall_facts, hall_mark
from bidding.opening.material import hall
from bidding.sealing.parts import PART, part_hash, tree_of_parts
from bidding.sealing.refusals import NotSealed, WrongPart
from bidding.tender import service as tenders
from foundation.database import reading, transaction
from foundation.ledger.log import latest_checkpoint
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import from_json, read, sign, unsigned
from markers import tables_with
from streams import blocks
from world import DEADLINE, MORNING, MS, BidderOf, SealedBid, World, refused

Owner = asyncpg.Connection

# Control: the clock in the statement that waits for the lock is read before the wait.
NAIVE = """
    SELECT foundation.platform_now() < deadline_at AS in_time,
           pg_advisory_xact_lock_shared(lock_key)
      FROM bidding.lot
     WHERE id = $1
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def ready(world: World, number: int = 1) -> tuple[BidderOf, SealedBid, str]:
    """A bidder whose sealed files are uploaded and who has a token."""
    bidder = world.bidder(number)
    made = await world.seal(bidder)
    await world.upload(made)
    return bidder, made, await world.token(bidder)


async def waits(owner: Owner, count: int = 1) -> None:
    """Until so many sessions wait for a lot's lock."""
    for _ in range(400):
        if await owner.fetchval(WAITING) >= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits for the lock of the lot")


async def hold(owner: Owner, world: World) -> None:
    """The owner holds the lot's lock as the closer would."""
    held = await world.held()
    await owner.execute("SELECT pg_advisory_lock($1)", held.lock_key)


async def let_go(owner: Owner) -> None:
    await owner.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
async def open_lot(world: World) -> World:
    """A published lot on the morning of its deadline."""
    await world.published_lot()
    await world.set_clock(MORNING)
    return world


# --- the deadline -------------------------------------------------------------------------------


@pytest.mark.misuse(35, 36, 81)
@pytest.mark.parametrize(
    ("before", "taken"),
    [
        pytest.param(timedelta(milliseconds=1), True, id="D-1ms"),
        pytest.param(timedelta(microseconds=400), True, id="D-0.4ms"),
        pytest.param(timedelta(0), False, id="D"),
        pytest.param(timedelta(milliseconds=-1), False, id="D+1ms"),
    ],
)
async def test_the_deadline_to_the_millisecond(
    open_lot: World, before: timedelta, taken: bool
) -> None:
    world = open_lot
    bidder, made, token = await ready(world)
    await world.set_clock(DEADLINE - before)
    call = bids.take_in(world.desk, world.handed(made, token))
    if taken:
        act, is_new = await call
        assert is_new
        assert act.intake_at == DEADLINE - MS
        assert read(act.ticket).body["intake"] == "2026-10-12T00:59:59.999Z"
        return
    no = await refused(call)
    assert isinstance(no, Late)
    signed = from_json(no.extra["refusal"])
    assert certificate_signers(signed, [world.desk.platform_anchor], DEADLINE)
    assert signed.body["act"] == made.manifest.sid
    assert signed.body["deadline"] <= signed.body["intake"]
    async with reading(world.db, "bidding") as connection:
        assert await store.act(connection, made.manifest.sid) is None
    assert bidder.uscc not in json.dumps(signed.json())


@pytest.mark.misuse(37)
async def test_an_intake_that_commits_after_the_closer_asked_is_in_the_list(
    world: World, owner: Owner
) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(DEADLINE - MS)
    bidder, made, token = await ready(world)
    # The act's row has to wait, after lock and clock: so the intake is caught in the middle.
    async with owner.transaction():
        await owner.execute("LOCK TABLE bidding.act IN SHARE ROW EXCLUSIVE MODE")
        intake = asyncio.create_task(bids.take_in(world.desk, world.handed(made, token)))
        await asyncio.sleep(0.3)
        await world.set_clock(DEADLINE + MS)
        closer = asyncio.create_task(closings.close_due(world.desk))
        await waits(owner)
        assert not intake.done()
        assert not closer.done()
    act, _ = await intake
    assert await closer == 1
    assert act.intake_at == DEADLINE - MS
    await bids.decide(world.desk, act, made.manifest)
    await world.tick(3)
    closing = await closings.confirm_closing(world.desk, world.actors["host"], world.lot)
    assert closing.body["count"] == 1
    assert bidder.acts == []


@pytest.mark.misuse(35)
async def test_the_clock_is_asked_after_the_lock(open_lot: World, owner: Owner) -> None:
    world = open_lot
    await world.set_clock(DEADLINE - MS)
    _, made, token = await ready(world)
    await hold(owner, world)
    async with transaction(world.db, "bidding") as naive:
        obvious = asyncio.create_task(naive.fetchrow(NAIVE, world.lot))
        intake = asyncio.create_task(bids.take_in(world.desk, world.handed(made, token)))
        await waits(owner, 2)
        await world.set_clock(DEADLINE)
        await let_go(owner)
        row = await obvious
    assert row is not None
    assert row["in_time"], "the control no longer shows why the order matters"
    assert isinstance(await refused(intake), Late)


async def test_a_lot_that_was_closed_stays_closed_when_the_clock_goes_back(
    open_lot: World,
) -> None:
    world = open_lot
    _, made, token = await ready(world)
    await world.set_clock(DEADLINE)
    assert await closings.close_due(world.desk) == 1
    assert await closings.close_due(world.desk) == 0
    await world.set_clock(MORNING)
    no = await refused(bids.take_in(world.desk, world.handed(made, token)))
    assert isinstance(no, Late)


# --- the same act again, and acts out of order --------------------------------------------------


@pytest.mark.misuse(18, 52)
async def test_the_same_act_again_gives_the_same_ticket_and_no_entry(
    open_lot: World, owner: Owner
) -> None:
    world = open_lot
    _, made, token = await ready(world)
    first, is_new = await bids.take_in(world.desk, world.handed(made, token))
    count = "SELECT count(*) FROM foundation.ledger_queue"
    queued = await owner.fetchval(count)
    await world.set_clock(DEADLINE + timedelta(hours=1))
    again, is_new_again = await bids.take_in(world.desk, world.handed(made, token))
    assert (is_new, is_new_again) == (True, False)
    assert again.ticket == first.ticket
    assert await owner.fetchval(count) == queued


async def test_the_same_act_twice_at_once_is_one_act(open_lot: World, owner: Owner) -> None:
    world = open_lot
    _, made, token = await ready(world)
    handed = world.handed(made, token)
    found = await asyncio.gather(
        *(bids.take_in(world.desk, handed) for _ in range(4)), return_exceptions=True
    )
    tickets = {one[0].ticket for one in found if not isinstance(one, BaseException)}
    assert len(tickets) == 1, found
    assert [one for one in found if isinstance(one, BaseException)] == []
    assert await owner.fetchval("SELECT count(*) FROM bidding.act") == 1
    assert await world.kept("refusal") == []


async def test_acts_follow_each_other(open_lot: World) -> None:
    world = open_lot
    bidder = world.bidder(1)
    await world.bid(bidder)
    for changes in ({"seq": 1, "prev": None}, {"seq": 3}, {"prev": "0" * 64}):
        made = await world.seal(bidder, volumes=("price", "qual"), **changes)
        await world.upload(made)
        no = await refused(bids.take_in(world.desk, world.handed(made, await world.token(bidder))))
        assert isinstance(no, WrongSequence), changes
        assert from_json(no.extra["refusal"]).body["code"] == "E_SEQ"
    await world.bid(bidder)
    assert (await bids.show_act(world.desk, bidder.acts[-1].sid)).act.seq == 2


async def test_an_undecided_act_makes_the_next_one_wait(open_lot: World) -> None:
    world = open_lot
    bidder, made, token = await ready(world)
    act, _ = await bids.take_in(world.desk, world.handed(made, token))
    bidder.acts.append(made.manifest)
    no = await refused(bids.take_in(world.desk, world.handed(world.withdrawal(bidder), token)))
    assert isinstance(no, StillPending)
    assert await bids.decide(world.desk, act, made.manifest) == "accepted"
    await world.hand_in(bidder, world.withdrawal(bidder))


@pytest.mark.misuse(41)
async def test_two_acts_with_one_number_are_one_act(open_lot: World, owner: Owner) -> None:
    world = open_lot
    bidder = world.bidder(1)
    token = await world.token(bidder)
    made = [await world.seal(bidder), await world.seal(bidder)]
    for one in made:
        await world.upload(one)
    found = await asyncio.gather(
        *(bids.take_in(world.desk, world.handed(one, token)) for one in made),
        return_exceptions=True,
    )
    kinds = sorted(type(one).__name__ for one in found)
    assert kinds[1] == "tuple"
    assert kinds[0] in {"StillPending", "WrongSequence"}, found
    assert await owner.fetchval("SELECT count(*) FROM bidding.act") == 1


# --- uploads ------------------------------------------------------------------------------------


async def test_nothing_is_handed_in_before_every_file_arrived(open_lot: World) -> None:
    world = open_lot
    bidder, made, token = await ready(world)
    for named in (made.uploads[:1], ((made.uploads[0][0], "00" * 32), made.uploads[1])):
        part = SealedBid(
            manifest=made.manifest, files=made.files, sealed=made.sealed, uploads=named
        )
        no = await refused(bids.take_in(world.desk, world.handed(part, token)))
        assert isinstance(no, UploadIncomplete)
    await world.hand_in(bidder, made)


async def test_an_upload_that_misses_a_part_is_not_complete(open_lot: World) -> None:
    world = open_lot
    content = [b"a" * PART, b"b"]
    parts = [part_hash(one) for one in content]
    upload, secret = await uploads.begin_upload(
        world.desk, b"s", PART + 1, tree_of_parts(parts), parts
    )
    assert not await uploads.store_part(world.desk, upload, secret, 1, parts[1], blocks(content[1]))
    no = await refused(
        uploads.store_part(world.desk, upload, secret, 0, parts[0], blocks(b"c" * PART))
    )
    assert isinstance(no, WrongPart)
    assert isinstance(
        await refused(uploads.show_upload(world.desk, upload, "00" * 32)), UnknownUpload
    )
    assert (await uploads.show_upload(world.desk, upload, secret)).stored == (False, True)


@pytest.mark.misuse(2)
async def test_plaintext_is_refused_and_every_byte_of_it_deleted(
    open_lot: World, owner: Owner
) -> None:
    world = open_lot
    content = [b"%PDF-1.7" + b"x" * (PART - 8), b"the second part of the secret"]
    parts = [part_hash(one) for one in content]
    upload, secret = await uploads.begin_upload(
        world.desk, b"s", PART + len(content[1]), tree_of_parts(parts), parts
    )
    # The second part comes first: nothing of it can be judged yet.
    await uploads.store_part(world.desk, upload, secret, 1, parts[1], blocks(content[1]))
    no = await refused(
        uploads.store_part(world.desk, upload, secret, 0, parts[0], blocks(content[0]))
    )
    assert isinstance(no, NotSealed)
    assert no.code == "E_MAGIC"
    assert await owner.fetchval("SELECT count(*) FROM bidding.upload") == 0
    folder = world.desk.objects.folder / "blobs"
    assert [p for p in folder.rglob("*") if p.is_file()] == []


# --- who hands in -------------------------------------------------------------------------------


async def test_a_bid_is_handed_in_by_its_own_bidder(open_lot: World) -> None:
    world = open_lot
    _, made, token = await ready(world)
    rival_token = await world.token(world.bidder(2))
    no = await refused(bids.take_in(world.desk, world.handed(made, rival_token)))
    assert isinstance(no, WrongBidder)
    for damaged in ("", "AAAA", token[:-4]):
        no = await refused(bids.take_in(world.desk, world.handed(made, damaged)))
        assert isinstance(no, BadToken)
    await world.set_clock(MORNING + timedelta(hours=1))
    await bids.take_in(world.desk, world.handed(made, token))


async def test_an_old_token_is_refused(open_lot: World) -> None:
    world = open_lot
    await world.set_clock(MORNING - timedelta(hours=8))
    _, made, token = await ready(world)
    await world.set_clock(MORNING + MS)
    no = await refused(bids.take_in(world.desk, world.handed(made, token)))
    assert isinstance(no, BadToken)


@pytest.mark.misuse(19)
@pytest.mark.threat("T13")
async def test_a_bid_signed_by_another_licence_is_refused_and_keeps_its_number(
    open_lot: World,
) -> None:
    world = open_lot
    bidder, made, token = await ready(world)
    rival = world.bidder(2)
    made.manifest = sign(unsigned("manifest", made.manifest.body), rival.signer)
    act, _ = await bids.take_in(world.desk, world.handed(made, token))
    assert await bids.decide(world.desk, act, made.manifest) == "refused"
    state = await bids.show_act(world.desk, act.sid)
    assert state.refusal is not None
    assert state.refusal.body["code"] == "E_BIDDER"
    bidder.acts.append(made.manifest)
    await world.bid(bidder)
    assert (await bids.show_act(world.desk, bidder.acts[-1].sid)).act.seq == 2


async def test_some_attempts_are_kept_for_the_last_ten_minutes(open_lot: World) -> None:
    world = open_lot
    bidder = world.bidder(1)
    await world.bid(bidder)
    token = await world.token(bidder)
    for _ in range(14):
        await world.hand_in(bidder, world.withdrawal(bidder), token)
    no = await refused(bids.take_in(world.desk, world.handed(world.withdrawal(bidder), token)))
    assert isinstance(no, TooManyActs)
    await world.set_clock(DEADLINE - timedelta(minutes=10))
    for _ in range(5):
        await world.hand_in(bidder, world.withdrawal(bidder), token)
    no = await refused(bids.take_in(world.desk, world.handed(world.withdrawal(bidder), token)))
    assert no.code == "E_QUOTA"


@pytest.mark.misuse(45)
async def test_refusals_at_the_door_are_as_many_a_day_as_acts(
    open_lot: World, owner: Owner
) -> None:
    """Each is signed and has a leaf: without an end of them anybody fills the ledger."""
    world = open_lot
    bidder = world.bidder(1)
    await world.bid(bidder)
    token = await world.token(bidder)
    honest = world.withdrawal(bidder)

    async def attempt(number: int) -> str:
        late = sign(unsigned("withdraw", {**honest.body, "seq": 50 + number}), bidder.signer)
        return (await refused(bids.take_in(world.desk, world.handed(late, token)))).code

    assert {await attempt(number) for number in range(20)} == {"E_SEQ"}
    assert await attempt(20) == "E_QUOTA"
    assert await attempt(0) == "E_SEQ", "the same one again is answered as before"
    assert await owner.fetchval("SELECT count(*) FROM bidding.door_refusal") == 20
    # What is right is still taken.
    await world.hand_in(bidder, honest, token)


# --- crashes ------------------------------------------------------------------------------------


@pytest.mark.misuse(38, 47)
async def test_a_crash_after_the_intake_is_decided_with_its_own_time(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(DEADLINE - MS)
    _, made, token = await ready(world)
    await bids.take_in(world.desk, world.handed(made, token))
    await world.set_clock(DEADLINE + timedelta(hours=1))
    await closings.close_due(world.desk)
    await world.tick(3)
    early = closings.confirm_closing(world.desk, world.actors["host"], world.lot)
    assert isinstance(await refused(early), ActsUndecided)
    assert await bids.decide_pending(world.desk) == 1
    assert await bids.decide_pending(world.desk) == 0
    act = (await bids.show_act(world.desk, made.manifest.sid)).act
    assert (act.state, act.intake_at) == ("accepted", DEADLINE - MS)
    await closings.confirm_closing(world.desk, world.actors["host"], world.lot)


async def test_trouble_of_the_platform_never_refuses_a_bid(open_lot: World) -> None:
    world = open_lot
    bidder, made, token = await ready(world)
    act, _ = await bids.take_in(world.desk, world.handed(made, token))
    blobs = world.desk.objects.folder / "blobs"
    blobs.rename(blobs.with_name("away"))
    await refused(bids.decide(world.desk, act, made.manifest))
    assert (await bids.show_act(world.desk, act.sid)).act.state == "pending"
    assert await world.kept("refusal") == []
    blobs.with_name("away").rename(blobs)
    assert await bids.decide_pending(world.desk) == 1
    assert (await bids.show_act(world.desk, act.sid)).act.state == "accepted"
    assert bidder.acts == []


async def test_one_pending_act_in_trouble_does_not_hold_up_the_others(
    open_lot: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = open_lot
    acts = []
    for number in (1, 2):
        _, made, token = await ready(world, number)
        acts.append((await bids.take_in(world.desk, world.handed(made, token)))[0])
    lost = world.desk.objects.folder / "blobs" / acts[0].envelopes[0]["upload"]
    lost.rename(lost.with_name("away"))
    assert await bids.decide_pending(world.desk) == 1
    states = [(await bids.show_act(world.desk, act.sid)).act.state for act in acts]
    assert states == ["pending", "accepted"]
    # Two minutes after the deadline it is no longer a warning.
    for at in (timedelta(seconds=120), timedelta(seconds=121)):
        await world.set_clock(DEADLINE + at)
        assert await bids.decide_pending(world.desk) == 0
    told = [one.levelname for one in caplog.records if "is not decided yet" in one.message]
    assert told == ["WARNING", "WARNING", "ERROR"]


async def test_an_act_decided_twice_is_refused_once(open_lot: World) -> None:
    world = open_lot
    _, made, token = await ready(world)
    made.manifest = sign(unsigned("manifest", made.manifest.body), world.bidder(2).signer)
    act, _ = await bids.take_in(world.desk, world.handed(made, token))
    states = [await bids.decide(world.desk, act, made.manifest) for _ in range(2)]
    assert states == ["refused", "refused"]
    assert len(await world.kept("refusal")) == 1


# --- secrecy before the opening -----------------------------------------------------------------


@pytest.mark.misuse(105)
@pytest.mark.threat("T7")
async def test_no_table_names_a_bidder_before_the_closing(world: World, owner: Owner) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    bidder, rival = world.bidder(7), world.bidder(8)
    await world.bid(bidder)
    await world.bid(bidder)
    _, made, token = await ready(world, 8)
    made.manifest = sign(unsigned("manifest", made.manifest.body), bidder.signer)
    await world.hand_in(rival, made, token)
    await world.hand_in(bidder, world.withdrawal(bidder))
    await world.bid(bidder)
    await world.tick()
    for marker in (bidder.uscc, bidder.name, rival.uscc, rival.name, "192.0.2.1", bidder.price):
        assert await tables_with(owner, marker) == set(), marker
    await world.close()
    assert await tables_with(owner, bidder.uscc) == set()
    await world.tick(2)
    await world.step("phase1")
    # The search does find what is there: identities are open now.
    assert "bidding.act" in await tables_with(owner, bidder.uscc)


RANDOM = (
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    re.compile(r"[0-9a-f]{64}"),
    re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}"),
    # The whole ledger's size; how it grows is compared by itself.
    re.compile(r'(?<="ledger_size": )[0-9]+'),
)


def masked(value: Any) -> str:
    """A public answer with its random values and the names of the lot masked."""
    text = json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    for pattern in RANDOM:
        text = pattern.sub("#", text)
    return text


async def observed(world: World) -> list[str]:
    """Everything that the public is told of the lot."""
    material = await tenders.sealing_material(world.db, world.lot)
    lot, documents = await tenders.show_lot(world.db, None, world.lot)
    facts = await hall_facts(world.db, world.lot)
    lots = await tenders.find_lots(world.db, lot.tender_number, None)
    return [
        masked(one)
        for one in (
            await hall(world.desk, world.lot),
            tenders.notice_facts(lot),
            [str(d.sha256) for d in documents],
            [tenders.notice_facts(one) for one in lots],
            [material.opening_keys.json(), [s.json() for s in material.schedules]],
            [len(material.leaves), len(material.proofs)],
            [facts.opening is None, len(facts.listed), len(facts.told), facts.now],
            await hall_mark(world.db, world.lot),
        )
    ]


async def size(world: World) -> int:
    async with reading(world.db, "foundation") as connection:
        latest = await latest_checkpoint(connection)
    return 0 if latest is None else latest.size


async def world_with(world: World, number: str, first: int, count: int) -> list[Any]:
    """What is seen of a lot with so many bids: before its deadline and right after it."""
    await world.set_clock(MORNING - timedelta(days=40))
    await world.published_lot(number=number)
    await world.set_clock(MORNING)
    seen: list[Any] = [await observed(world)]
    before = await size(world)
    for n in range(count):
        await world.bid(world.bidder(first + n))
    for _ in range(3):
        await world.tick()
        seen.append([await size(world) - before, *(await observed(world))])
    await world.set_clock(DEADLINE)
    await closings.close_due(world.desk)
    for _ in range(3):
        seen.append([await size(world) - before, *(await observed(world))])
        await world.tick()
    return seen


@pytest.mark.misuse(104)
@pytest.mark.threat("T8", "T18")
async def test_three_and_six_bids_look_the_same_from_outside(world: World) -> None:
    few = await world_with(world, "A-1", 1, 3)
    many = await world_with(world, "A-2", 11, 6)
    for one, other in zip(few, many, strict=True):
        assert str(one).replace("A-1", "A-?") == str(other).replace("A-2", "A-?")

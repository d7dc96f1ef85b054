"""The doors of signed things: whose signature counts, and the same again is the same."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest_asyncio

from bidding.tender import service as tenders
from bidding.tender.domain import MemberKeyTaken
from conftest import SetClock
from foundation.database import Database, transaction
from foundation.identity import Actor
from foundation.problems import NotAllowed
from foundation.statements.signed import BadSignature, Signature, sign, unsigned
from foundation.statements.store import NotYourPaper, Required, UnknownPaper, offer_paper
from sunbid import doors
from world import START, World, actor, make_world, refused

Owner = asyncpg.Connection


@pytest_asyncio.fixture
async def world(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[World]:
    made = await make_world(database, set_clock, tmp_path)
    yield made
    made.keeper.close()


async def announced(world: World) -> str:
    """A schedule that waits for buyer and supervisor."""
    await world.draft()
    made = await world.announcement()
    _, plan = await tenders.announce(world.db, world.actors["agency"], world.lot, made)
    return plan


async def signature(world: World, sid: str, part: str) -> Signature:
    who = world.actors[part]
    found = await doors.show_paper(world.desk, world.actors["buyer"], sid)
    blank = unsigned(found.statement.type, found.statement.body)
    return sign(blank, world.licence(who.subject or "")).sigs[0]


async def test_a_paper_is_signed_by_the_one_who_is_logged_in(world: World) -> None:
    sid = await announced(world)
    supervisors = await signature(world, sid, "supervisor")
    call = doors.sign_paper(world.desk, world.actors["buyer"], sid, supervisors)
    assert isinstance(await refused(call), NotAllowed)
    agencys = await signature(world, sid, "agency")
    call = doors.sign_paper(world.desk, world.actors["agency"], sid, agencys)
    assert isinstance(await refused(call), NotYourPaper)
    # A signature of another statement is none of this one.
    other = sign(unsigned("schedule", {"v": 1}), world.licence(world.actors["buyer"].subject or ""))
    call = doors.sign_paper(world.desk, world.actors["buyer"], sid, other.sigs[0])
    assert isinstance(await refused(call), BadSignature)
    assert await world.waiting("buyer", "schedule") == [sid]
    unknown = doors.sign_paper(world.desk, world.actors["buyer"], "0" * 64, supervisors)
    assert isinstance(await refused(unknown), UnknownPaper)


async def test_the_same_signature_again_changes_nothing(world: World, owner: Owner) -> None:
    sid = await announced(world)
    for part, complete in (("buyer", False), ("buyer", False), ("supervisor", True)):
        one = await signature(world, sid, part)
        _, done = await doors.sign_paper(world.desk, world.actors[part], sid, one)
        assert done is complete
    for part in ("buyer", "supervisor"):
        one = await signature(world, sid, part)
        signed, done = await doors.sign_paper(world.desk, world.actors[part], sid, one)
        assert done
        assert len(signed.sigs) == 2
    kept = "SELECT count(*) FROM foundation.statement WHERE type = 'schedule'"
    assert await owner.fetchval(kept) == 1


async def test_a_paper_is_shown_to_those_whose_signature_it_needs(world: World) -> None:
    sid = await announced(world)
    person = actor("expert", None, "专家", kid="k" * 16)
    nobody: list[Actor] = [world.actors["agency"], person, actor("administrator", None, "x")]
    for who in nobody:
        assert isinstance(await refused(doors.show_paper(world.desk, who, sid)), NotYourPaper)
        assert await doors.waiting_papers(world.desk, who) == []
    # A paper for keys alone: somebody without organisation is not its signer for that.
    paper = unsigned("evaluation-report", {"v": 1, "nonce": str(uuid4())})
    async with transaction(world.db, "bidding") as connection:
        required = [Required(role="expert", kid="e" * 16)]
        await offer_paper(connection, paper, required, scope=None, at=START)
    for who in nobody:
        call = doors.show_paper(world.desk, who, paper.sid)
        assert isinstance(await refused(call), NotYourPaper)
    expert = actor("expert", None, "专家", kid="e" * 16)
    assert (await doors.show_paper(world.desk, expert, paper.sid)).statement.sid == paper.sid


async def test_a_statement_posted_again_is_accepted_and_kept_once(
    world: World, owner: Owner
) -> None:
    seat = world.members["T1"]
    key = world.member_key(seat)
    who = actor(seat.seat, seat.uscc, seat.name)
    count = "SELECT count(*) FROM bidding.member_key"
    before = await owner.fetchval(count)
    # The same body with a fresh signature is the same statement.
    await doors.accept_statement(world.desk, who, key)
    assert await doors.enter(world.desk, who, key) == {"statement": key.sid}
    assert await owner.fetchval(count) == before
    other = world.member_key(seat, name="另一名称")
    no = await refused(doors.accept_statement(world.desk, who, other))
    assert isinstance(no, MemberKeyTaken)


async def test_what_carries_no_signature_or_a_strange_type_is_refused(world: World) -> None:
    seat = world.members["T1"]
    who = actor(seat.seat, seat.uscc, seat.name)
    bare = unsigned("member-key", world.member_key(seat, name="x").body)
    assert isinstance(await refused(doors.enter(world.desk, who, bare)), BadSignature)
    strange = sign(unsigned("closing", {"v": 1}), seat.signer)
    no = await refused(doors.accept_statement(world.desk, who, strange))
    assert isinstance(no, doors.UnknownType)
    alone = sign(bare, world.licence(world.members["T2"].uscc))
    assert isinstance(await refused(doors.accept_statement(world.desk, who, alone)), BadSignature)
    foreign = sign(alone, seat.signer)
    assert isinstance(await refused(doors.accept_statement(world.desk, who, foreign)), NotAllowed)

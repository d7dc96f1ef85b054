"""A licence that was revoked during a session signs nothing more, whatever the door."""

from datetime import timedelta

import pytest

from bidding.licence.revocation import LicenceRevoked
from bidding.tender.postponement import Proposal, propose
from opening_world import with_bids
from sunbid import doors
from world import DEADLINE, MORNING, World, refused


def revoke(world: World, uscc: str | None) -> None:
    world.authority.folder.revoke(uscc or "", MORNING, "unspecified")


@pytest.mark.misuse(27)
async def test_a_revoked_office_signs_no_paper(world: World) -> None:
    await world.published_lot()
    await world.set_clock(MORNING)
    later = Proposal(deadline_at=DEADLINE + timedelta(days=1), reason="答疑较多")
    sid, _ = await propose(world.db, world.actors["agency"], world.lot, later)
    revoke(world, world.actors["buyer"].subject)
    await world.set_clock(MORNING + timedelta(minutes=1))
    assert isinstance(await refused(world.sign_paper("buyer", sid)), LicenceRevoked)
    assert await world.sign_paper("supervisor", sid) is False


@pytest.mark.misuse(27)
async def test_a_revoked_organisation_vouches_for_no_member_key(world: World) -> None:
    await world.set_clock(MORNING)
    member = world.members["T1"]
    revoke(world, member.uscc)
    await world.set_clock(MORNING + timedelta(minutes=1))
    statement = world.member_key(member, name="改名的席位")
    call = doors.accept_statement(world.desk, world.actors["host"], statement)
    assert isinstance(await refused(call), LicenceRevoked)


@pytest.mark.misuse(27)
async def test_a_revoked_bidder_raises_no_objection(world: World) -> None:
    bidders = await with_bids(world)
    closing = await world.begin_opening()
    body = {
        "v": 1, "closing": closing.sid, "stage": 1, "uscc": bidders[0].uscc, "content": "一句话",
    }  # fmt: skip
    signed = world.by_licence("objection", body, bidders[0].uscc)
    revoke(world, bidders[0].uscc)
    as_bidder = world.login(bidders[0], await world.now()).actor
    call = doors.accept_statement(world.desk, as_bidder, signed)
    assert isinstance(await refused(call), LicenceRevoked)

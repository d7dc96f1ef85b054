"""Consortia co-sign; a member that bids apart is found after the closing and never before."""

import asyncio
import json
import zipfile
from dataclasses import replace

import pytest

from bidding.bid import service as bids
from bidding.opening.closings.apart import found_apart, members_apart
from bidding.opening.domain import WrongPhase
from bidding.opening.list_store import listed
from bidding.opening.oversight.objections import take_objection
from bidding.participant.domain import NoMandate
from bidding.sealing.bodies import Company
from foundation.database import reading
from foundation.problems import NotAllowed
from foundation.statements.signed import Statement, sign, unsigned
from mandates import OperatorOf
from opening_world import all_hold, open_all, with_bids
from world import DEADLINE, MORNING, MS, BidderOf, World, actor, refused


async def jointly(world: World, lead: BidderOf, *partners: BidderOf, signs: int = 9) -> str:
    """A bid of a consortium, co-signed by so many partners: its state or its refusal's code."""
    members = sorted(
        (Company(uscc=one.uscc, name=one.name) for one in partners), key=lambda c: c.uscc
    )
    made = await world.seal(lead, consortium=members)
    for partner in partners[:signs]:
        made.manifest = sign(made.manifest, partner.signer)
    await world.upload(made)
    act = await world.hand_in(lead, made)
    state = await bids.show_act(world.desk, act.sid)
    return state.act.state if state.refusal is None else str(state.refusal.body["code"])


async def test_every_member_co_signs(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    lead, partners = world.bidder(1), (world.bidder(2), world.bidder(3))
    assert await jointly(world, lead, *partners, signs=1) == "E_BIDDER"
    assert await jointly(world, lead, *partners) == "accepted"


async def test_a_stranger_or_another_list_is_no_co_signature(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    lead, partner, stranger = world.bidder(1), world.bidder(2), world.bidder(3)

    async def with_signature(of: BidderOf, *, over_another: bool = False) -> str:
        member = [Company(uscc=partner.uscc, name=partner.name)]
        made = await world.seal(lead, consortium=member)
        if not over_another:
            made.manifest = sign(made.manifest, partner.signer)
        other = {**made.manifest.body, "client_time": "2019-01-01T00:00:00.000Z"}
        signed = sign(unsigned("manifest", other) if over_another else made.manifest, of.signer)
        made.manifest = replace(made.manifest, sigs=(*made.manifest.sigs, signed.sigs[-1]))
        await world.upload(made)
        act = await world.hand_in(lead, made)
        state = await bids.show_act(world.desk, act.sid)
        return state.act.state if state.refusal is None else str(state.refusal.body["code"])

    assert await with_signature(stranger) == "E_BIDDER"
    assert await with_signature(partner, over_another=True) == "E_SIG"
    assert await with_signature(partner) == "accepted"


@pytest.mark.misuse(27)
async def test_a_member_whose_licence_was_revoked_spoils_the_bid(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    lead, partner = world.bidder(1), world.bidder(2)
    world.authority.folder.revoke(partner.uscc, MORNING, "superseded")
    assert await jointly(world, lead, partner) == "E_CERT_REVOKED"


@pytest.mark.misuse(109)
async def test_a_member_apart_is_found_after_the_closing_and_not_before(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    lead, partner, other = world.bidder(1), world.bidder(2), world.bidder(3)
    # Whichever comes first, nothing is said: neither to the consortium nor to its member.
    assert await jointly(world, lead, partner) == "accepted"
    await world.bid(partner)
    await world.bid(other)
    assert (await bids.show_act(world.desk, partner.acts[-1].sid)).act.state == "accepted"
    supervisor = world.actors["supervisor"]

    async def early() -> tuple[type, str]:
        no = await refused(members_apart(world.desk, supervisor, world.lot))
        return type(no), no.message

    before = await early()
    assert before[0] is WrongPhase
    closing = await world.begin_opening()
    assert await early() == before
    for bidder in (lead, partner, other):
        await world.release(bidder, closing)
    await world.check_all()
    operator = OperatorOf(other)
    await operator.given(world, scope=["release"])
    await OperatorOf(lead, operator.key).given(world, scope=["release"])
    body = {"v": 1, "closing": closing.sid, "stage": 1, "uscc": other.uscc, "content": "异议"}
    await take_objection(
        world.desk, operator.actor, sign(unsigned("objection", body), operator.key), world.lot
    )
    weak = OperatorOf(lead)
    await weak.given(world, scope=["submit"])
    wrong = sign(unsigned("objection", {**body, "uscc": lead.uscc}), weak.key)
    no = await refused(take_objection(world.desk, weak.actor, wrong, world.lot))
    assert isinstance(no, NoMandate)
    await open_all(world)
    [finding] = await members_apart(world.desk, supervisor, world.lot)
    assert (finding.uscc, finding.name) == (partner.uscc, partner.name)
    assert set(finding.manifests) == {lead.acts[-1].sid, partner.acts[-1].sid}
    for stranger in (actor("bidder", other.uscc, other.name), actor("buyer", "x", "x")):
        assert isinstance(await refused(members_apart(world.desk, stranger, world.lot)), NotAllowed)
    # An operator's objection verifies with its mandate in the transcript, and only with its own.
    await all_hold(world)
    with zipfile.ZipFile(world.folder / "package.zip") as package:
        mandates = json.loads(package.read("opening.json"))["mandates"]
    assert [one["body"]["uscc"] for one in mandates] == [other.uscc]


def a_bid(lead: str, *members: str) -> Statement:
    companies = [{"uscc": one, "name": one} for one in members]
    return unsigned("manifest", {"bidder": {"uscc": lead, "name": lead}, "consortium": companies})


@pytest.mark.misuse(109)
def test_every_pair_that_shares_a_company() -> None:
    assert found_apart([a_bid("a", "b"), a_bid("c", "d")]) == []
    assert [one.uscc for one in found_apart([a_bid("a", "b"), a_bid("b")])] == ["b"]
    assert [one.uscc for one in found_apart([a_bid("a", "b"), a_bid("c", "a", "b")])] == ["a", "b"]
    assert len(found_apart([a_bid("a"), a_bid("b", "a"), a_bid("c", "a")])) == 3


@pytest.mark.misuse(42)
async def test_a_replacement_against_a_withdrawal(world: World) -> None:
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    bidder = world.bidder(1)
    await world.bid(bidder)
    token = await world.token(bidder)
    replacement = await world.seal(bidder)
    await world.upload(replacement)
    withdrawal = world.withdrawal(bidder)
    found = await asyncio.gather(
        bids.take_in(world.desk, world.handed(replacement, token)),
        bids.take_in(world.desk, world.handed(withdrawal, token)),
        return_exceptions=True,
    )
    taken = [one for one in found if not isinstance(one, BaseException)]
    refusals = [one for one in found if isinstance(one, BaseException)]
    assert len(taken) == 1, found
    # Both are answered: one by a ticket, the other by a signed refusal.
    assert [getattr(one, "code", None) for one in refusals] in (["E_SEQ"], ["E_PENDING"])
    assert getattr(refusals[0], "extra", {}).get("refusal") is not None


@pytest.mark.misuse(43)
async def test_a_replacement_that_was_not_handed_in_leaves_the_bid_as_it_was(
    world: World,
) -> None:
    [bidder] = await with_bids(world, 1, 1)
    first = bidder.acts[-1].sid
    await world.set_clock(DEADLINE - MS)
    await world.upload(await world.seal(bidder))
    closing = await world.close()
    assert closing.body["count"] == 1
    async with reading(world.db, "bidding") as connection:
        found = await listed(connection, world.lot)
    assert {one.act for one in found} == {first}

"""Between report and award: who may read the candidates, the committee and its progress."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from bidding.award import service as award
from bidding.award.domain import ReportMissing
from experts.panel import service as panel
from experts.pool.domain import NotAnExpert
from experts_world import BIDDERS, LATER, World, expert_key, organisation
from foundation.identity import Actor
from foundation.problems import NotAllowed
from sunbid import doors

STRANGERS = (
    None,
    organisation("bidder", next(iter(BIDDERS.values()))[0]),
    organisation("buyer", next(iter(BIDDERS.values()))[0]),
    Actor(id=uuid4(), role="committee", subject=None, name="别标委员", kid="A" * 16),
)


async def reported(world: World) -> None:
    """The panel's report is accepted; nothing is announced."""
    await world.prepare_draws()
    await world.draw_all()
    await world.pledge_all()
    await world.score_all()
    sid = await panel.offer_report(world.db, world.agency, world.lot)
    assert await world.sign_report(sid, await world.seated())


async def committee(world: World) -> dict[UUID, Actor]:
    """Five registered persons who may vote."""
    members = {}
    for number in range(5):
        key = expert_key(900 + number)
        one = Actor(id=uuid4(), role="committee", subject=None, name=f"定{number}", kid=key.kid)
        await world.owner.execute(
            "INSERT INTO foundation.actor (id, role, subject, name, kid, alg, pk, registered_at)"
            " VALUES ($1, $2, NULL, $3, $4, $5, $6, $7)",
            one.id,
            one.role,
            one.name,
            key.kid,
            key.alg,
            key.public,
            LATER,
        )
        members[one.id] = one
    return members


async def test_before_the_notice_only_the_parties_read_the_candidates(world: World) -> None:
    await reported(world)
    for stranger in STRANGERS:
        with pytest.raises(ReportMissing, match="not published yet"):
            await award.award_material(world.db, stranger, world.lot)
    for party in (world.buyer, world.agency, world.supervisor):
        shown = await award.award_material(world.db, party, world.lot)
        assert len(shown["candidates"]) == 3


async def test_who_votes_and_who_has_voted_stays_inside(world: World) -> None:
    await reported(world)
    members = await committee(world)
    await award.appoint_committee(world.db, world.buyer, world.lot, list(members))
    await award.announce_candidates(world.db, world.agency, world.lot)
    for stranger in STRANGERS:
        shown = await award.award_material(world.db, stranger, world.lot)
        assert len(shown["candidates"]) == 3
        assert (shown["members"], shown["voted"], shown["ballot"]) == ([], [], None)
    for insider in (*members.values(), world.buyer):
        shown = await award.award_material(world.db, insider, world.lot)
        assert {one["member"] for one in shown["members"]} == {str(one) for one in members}
        assert shown["ballot"] == 1


async def test_nobody_learns_by_guessing_what_another_one_signed(world: World) -> None:
    await world.prepare_draws()
    await world.draw_all()
    desk: Any = SimpleNamespace(db=world.db)
    one, other = (await world.seated())[:2]
    pledge = world.pledge(one)
    await doors.accept_statement(desk, world.actor(one), pledge)
    # The same again from its signer is the same; from others it is as wrong as any other guess.
    await doors.accept_statement(desk, world.actor(one), pledge)
    for guess in (pledge, world.pledge(one, "猜测")):
        with pytest.raises(NotAnExpert):
            await doors.accept_statement(desk, world.actor(other), guess)
        with pytest.raises(NotAllowed):
            await doors.accept_statement(desk, world.buyer, guess)

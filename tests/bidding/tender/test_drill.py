"""Drills by the clock, and how ready the members are."""

from datetime import timedelta

import pytest

from bidding.sealing import drill as drills
from bidding.tender import drill
from foundation.problems import NotAllowed
from foundation.statements.canonical import unb64
from foundation.statements.signed import sign, unsigned
from world import DEADLINE, MORNING, World, actor, refused

HOUR = timedelta(hours=1)


async def answers(world: World, *names: str) -> None:
    """These seats answer the newest questions."""
    keys = await world.keys()
    shown = [q for q in await drill.show_drills(world.db, world.lot) if q["passed"] is None]
    for name in names:
        seat = world.members[name]
        asked = next(q for q in shown if (q["group"], q["i"]) == (seat.group, seat.i))
        nonce = unb64(asked["nonce"], 16)
        question = drills.Drill(nonce=nonce, i=seat.i, opening_keys=keys.sid_bytes)
        body = {
            "v": 1, "opening_keys": keys.sid, "group": seat.group, "i": seat.i,
            "kid": seat.exchange.kid, "nonce": asked["nonce"],
            "answer": drills.answer(
                question, seat.exchange.exchange, seat.exchange.public, unb64(asked["wrap"])
            ),
        }  # fmt: skip
        await drill.take_answer(world.db, sign(unsigned("readiness", body), seat.signer))


async def state(world: World) -> str:
    return (await drill.readiness(world.db, world.actors["agency"], world.lot)).state


async def test_the_platform_asks_a_day_and_an_hour_before_by_itself(world: World) -> None:
    await world.published_lot()
    moments = [
        (DEADLINE - 24 * HOUR - timedelta(seconds=1), 0),
        (DEADLINE - 24 * HOUR, 1),
        (DEADLINE - 12 * HOUR, 1),
        (DEADLINE - HOUR - timedelta(seconds=1), 1),
        (DEADLINE - HOUR, 2),
        (DEADLINE - timedelta(minutes=1), 2),
        (DEADLINE, 2),
    ]
    for at, count in moments:
        await world.set_clock(at)
        await drill.ask_due_drills(world.db)
        await drill.ask_due_drills(world.db)
        shown = await drill.show_drills(world.db, world.lot)
        assert len(shown) == 6 * count, at


async def test_a_platform_that_was_away_asks_what_is_still_due(world: World) -> None:
    await world.published_lot()
    await world.set_clock(DEADLINE - timedelta(minutes=30))
    assert await drill.ask_due_drills(world.db) == 1
    assert len(await drill.show_drills(world.db, world.lot)) == 6


async def test_readiness_needs_one_more_of_each_group_than_the_opening(world: World) -> None:
    await world.published_lot()
    assert await state(world) == "none"
    await world.set_clock(MORNING)
    await drill.ask_due_drills(world.db)
    assert await state(world) == "asked"
    await answers(world, "T1", "T2", "T3", "R1", "R2")
    # Two of three would open; that one is lost and nobody could be spared shows only now.
    assert await state(world) == "asked"
    await world.set_clock(MORNING + timedelta(minutes=20))
    assert await state(world) == "short"
    await answers(world, "R3")
    assert await state(world) == "ready"
    found = await drill.readiness(world.db, world.actors["host"], world.lot)
    assert found.needed == {"T": 3, "R": 3}
    assert [seat.passed for seat in found.seats] == [True] * 6


async def test_the_newest_drill_counts(world: World) -> None:
    await world.published_lot()
    await world.set_clock(DEADLINE - 24 * HOUR)
    await drill.ask_due_drills(world.db)
    await answers(world, *world.members)
    assert await state(world) == "ready"
    await world.set_clock(DEADLINE - HOUR)
    await drill.ask_due_drills(world.db)
    assert await state(world) == "asked"


@pytest.mark.parametrize("role", ["bidder", "notary"])
async def test_readiness_is_shown_to_the_offices_of_the_notice(world: World, role: str) -> None:
    await world.published_lot()
    stranger = actor(role, world.members["T1"].uscc, "别家")
    call = drill.readiness(world.db, stranger, world.lot)
    assert isinstance(await refused(call), NotAllowed)

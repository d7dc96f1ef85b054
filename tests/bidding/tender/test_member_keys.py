"""Keys of members: nobody registers another's, and nobody is seated who does not hold its own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec

from bidding.sealing import drill as drills
from bidding.sealing.refusals import SealFailed
from bidding.tender import member_key_store, member_keys
from bidding.tender.domain import NotHeld, PossessionMissing, TooManyMemberKeys
from foundation.database import reading
from foundation.problems import NotAllowed
from foundation.statements.canonical import b64, unb64
from foundation.statements.keyfile import ExchangeKey
from foundation.statements.signed import BadSignature, KeySigner, Statement, sign
from seat_world import at_device, seat_of
from sunbid import doors
from sunbid.seat.acts import answer_possession
from world import DEADLINE, PUBLISHED_AT, SeatHolder, World, actor, refused

DAY = timedelta(days=1)


def keys() -> tuple[ExchangeKey, KeySigner]:
    """Fresh keys of a seat."""
    made = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    return ExchangeKey(made[0]), KeySigner(made[1])


def holder_of(world: World, name: str) -> SeatHolder:
    """An organisation of the lot with fresh keys that nobody registered."""
    exchange, signer = keys()
    return replace(world.members[name], exchange=exchange, signer=signer)


async def post(world: World, statement: Statement, holder: SeatHolder) -> None:
    who = actor(holder.seat, holder.uscc, holder.name)
    await doors.accept_statement(world.desk, who, statement)


async def questions(world: World, holder: SeatHolder) -> list[dict[str, Any]]:
    """What the newest key of a holder is asked."""
    who = actor(holder.seat, holder.uscc, holder.name)
    found = await member_keys.open_questions(world.db, who)
    return [one for one in found if one["kid"] == holder.exchange.kid]


@pytest_asyncio.fixture
async def drafted(world: World) -> World:
    """A lot that waits for its notice; every seat registered and asked."""
    await world.draft()
    await world.set_clock(PUBLISHED_AT)
    return world


async def test_a_key_is_registered_by_its_organisation_and_by_itself(world: World) -> None:
    holder = holder_of(world, "T1")
    both = world.member_key(holder)
    vouched = replace(both, sigs=both.sigs[:1])
    own = replace(both, sigs=both.sigs[1:])
    for one in (vouched, own):
        assert isinstance(await refused(post(world, one, holder)), BadSignature)
    foreign = sign(own, world.licence(world.members["T2"].uscc))
    assert isinstance(await refused(post(world, foreign, holder)), NotAllowed)
    await post(world, both, holder)
    async with reading(world.db, "bidding") as connection:
        raw = await member_key_store.member_key(connection, both.sid)
    # What is kept, and goes into opening keys, carries the organisation's signature alone.
    assert raw == vouched.file()


async def test_nobody_registers_a_signing_key_that_another_holds(world: World) -> None:
    owner, thief = holder_of(world, "T1"), holder_of(world, "T2")
    stolen = replace(thief, exchange=owner.exchange, signer=owner.signer)
    for signer in (thief.signer, KeySigner(ec.generate_private_key(ec.SECP256R1()))):
        no = await refused(post(world, world.member_key(stolen, signer), thief))
        assert isinstance(no, BadSignature)
    # Its owner was not kept out.
    await post(world, world.member_key(owner), owner)
    await world.show_possession(owner)


async def test_an_opening_key_that_another_holds_is_never_seated(drafted: World) -> None:
    world, owner = drafted, holder_of(drafted, "T1")
    thief = replace(holder_of(world, "T2"), exchange=owner.exchange)
    named = world.member_key(thief)
    await post(world, named, thief)
    [asked] = await questions(world, thief)
    # The thief's own key does not open the question.
    seat, _ = seat_of(world, "T2")
    other = drills.Drill(nonce=unb64(asked["nonce"], 16), purpose=drills.POSSESSION)
    own = world.members["T2"].exchange
    with pytest.raises(SealFailed):
        drills.answer(other, own.exchange, own.public, unb64(asked["wrap"]))
    assert await at_device(answer_possession, seat) == 0
    guess = member_keys.take_possession(world.db, named.sid, unb64(asked["nonce"], 16), "ab" * 32)
    assert isinstance(await refused(guess), NotHeld)
    # The owner registers the same key, answers, and is seated; the thief is not.
    await post(world, world.member_key(owner), owner)
    await world.show_possession(owner)
    made = await world.announcement()
    seats = (made.custodians[0], named.sid, made.custodians[2])
    no = await refused(world.announce(custodians=seats))
    assert isinstance(no, PossessionMissing)
    assert thief.name in no.message


@pytest.mark.parametrize("part", ["buyer", "supervisor"])
async def test_opening_keys_are_signed_only_for_members_who_showed_their_keys(
    world: World, part: str
) -> None:
    await world.draft()
    late = holder_of(world, "T1")
    world.members["T1"] = late
    await post(world, world.member_key(late), late)
    await world.set_clock(PUBLISHED_AT)
    made = await world.announcement()
    paper, _ = await member_papers(world, made)
    assert isinstance(await refused(world.sign_paper(part, paper)), PossessionMissing)
    await world.show_possession(late)
    await world.sign_paper(part, paper)


async def member_papers(world: World, made: Any) -> tuple[str, str]:
    from bidding.tender import service as tenders

    return await tenders.announce(world.db, world.actors["agency"], world.lot, made)


async def test_an_answer_is_good_for_thirty_days_and_asked_for_again_before(
    drafted: World,
) -> None:
    world = drafted
    assert await member_keys.ask_due_possessions(world.db) == 0
    shown = min(row["shown_at"] for row in await member_keys.list_member_keys(world.db))
    assert shown is not None
    late = PUBLISHED_AT + 31 * DAY
    await world.set_clock(late)
    no = await refused(world.announce(DEADLINE + 40 * DAY, issued_on=late.date()))
    assert isinstance(no, PossessionMissing)
    assert await member_keys.ask_due_possessions(world.db) == len(world.members)
    assert await member_keys.ask_due_possessions(world.db) == 0
    for holder in world.members.values():
        await world.show_possession(holder)
    for part in ("buyer", "supervisor"):
        for paper in await world.waiting(part, "opening-keys"):
            await world.sign_paper(part, paper)
    assert (await world.held()).opening_keys is not None


async def test_the_seats_own_program_answers_for_its_own_key_alone(world: World) -> None:
    holder = holder_of(world, "T1")
    world.members["T1"] = holder
    seat, client = seat_of(world, "T1", world.folder / "seat-own")
    await post(world, world.member_key(holder), holder)
    second = holder_of(world, "T1")
    await post(world, world.member_key(second), second)
    assert await at_device(answer_possession, seat) == 1
    assert await questions(world, holder) == []
    assert len(await questions(world, second)) == 1
    assert client.posted == []


@pytest.mark.misuse(61)
async def test_a_real_wrap_sent_as_a_question_of_possession_gives_nothing(world: World) -> None:
    holder = holder_of(world, "T1")
    world.members["T1"] = holder
    seat, client = seat_of(world, "T1", world.folder / "seat-own")
    await post(world, world.member_key(holder), holder)
    drill = drills.new_drill(1, bytes.fromhex("ab" * 32))
    wrap, _ = drills.ask(drill, holder.exchange.public)

    def another(shown: Any) -> Any:
        return [{**one, "nonce": b64(drill.nonce), "wrap": b64(wrap)} for one in shown]

    client.changes["possession-questions"] = another
    with pytest.raises(SealFailed):
        await at_device(answer_possession, seat)
    client.changes.clear()
    assert await at_device(answer_possession, seat) == 1


async def test_an_answer_that_was_lost_may_come_again_and_no_other_counts(world: World) -> None:
    holder = holder_of(world, "T1")
    await post(world, world.member_key(holder), holder)
    [asked] = await questions(world, holder)
    nonce, own = unb64(asked["nonce"], 16), holder.exchange
    drill = drills.Drill(nonce=nonce, purpose=drills.POSSESSION)
    said = drills.answer(drill, own.exchange, own.public, unb64(asked["wrap"]))
    sid = asked["member_key"]
    for wrong in ((sid, nonce, "0" * 64), (sid, bytes(16), said), ("ab" * 32, nonce, said)):
        assert isinstance(await refused(member_keys.take_possession(world.db, *wrong)), NotHeld)
    for _ in range(2):
        await member_keys.take_possession(world.db, sid, nonce, said)


async def test_an_organisation_registers_so_many_keys_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_keys, "MOST", 2)
    first, second = holder_of(world, "T1"), holder_of(world, "T1")
    await post(world, world.member_key(first), first)
    no = await refused(post(world, world.member_key(second), second))
    assert isinstance(no, TooManyMemberKeys)
    # What is there already is accepted again, and another organisation is not kept out.
    await post(world, world.member_key(first), first)
    other = holder_of(world, "T2")
    await post(world, world.member_key(other), other)

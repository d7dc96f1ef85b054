"""Drafting, announcing and publishing on PostgreSQL: periods, papers, parties, documents."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bidding.regime.clocks import NoticePeriodTooShort, StandstillTooShort
from bidding.sealing.refusals import NotIndependent
from bidding.tender import drill
from bidding.tender import service as tenders
from bidding.tender.domain import (
    DocumentMissing,
    DocumentNameTaken,
    PapersMissing,
    TenderNumberTaken,
    UnknownLot,
    UnknownMember,
    WrongStatus,
)
from foundation.database import reading
from foundation.identity.actor import WrongRole
from foundation.problems import Invalid, NotAllowed, Refused
from foundation.statements.canonical import b64
from foundation.statements.keyfile import ExchangeKey
from foundation.statements.signed import KeySigner
from foundation.statements.store import kept_events
from sunbid import doors
from world import (
    DEADLINE,
    ISSUED_ON,
    OFFICES,
    PUBLISHED_AT,
    START,
    SeatHolder,
    World,
    a_lot,
    a_tender,
    actor,
    refused,
)

Owner = asyncpg.Connection


async def test_a_tender_is_drafted_by_its_agency_within_its_regime(world: World) -> None:
    agency = world.actors["agency"]
    short = a_tender("A-1", a_lot(standstill_days=2))
    no = await refused(tenders.draft_tender(world.db, agency, short))
    assert isinstance(no, StandstillTooShort)
    assert no.article is not None
    other = actor("agency", world.actors["buyer"].subject, "another")
    fine = a_tender("A-1", a_lot())
    assert isinstance(await refused(tenders.draft_tender(world.db, other, fine)), NotAllowed)
    buyer = world.actors["buyer"]
    assert isinstance(await refused(tenders.draft_tender(world.db, buyer, fine)), WrongRole)
    await tenders.draft_tender(world.db, agency, fine)
    again = tenders.draft_tender(world.db, agency, fine)
    assert isinstance(await refused(again), TenderNumberTaken)


async def test_a_notice_keeps_the_period_of_the_law(world: World) -> None:
    await world.draft()
    deadline = PUBLISHED_AT + timedelta(days=19)
    made = await world.announcement(deadline)
    no = await refused(tenders.announce(world.db, world.actors["agency"], world.lot, made))
    assert isinstance(no, NoticePeriodTooShort)
    assert "24" in str(no.article)
    assert await world.waiting("buyer", "schedule") == []
    exactly = await world.announcement(PUBLISHED_AT + timedelta(days=20))
    await tenders.announce(world.db, world.actors["agency"], world.lot, exactly)
    assert len(await world.waiting("buyer", "schedule")) == 1


async def test_a_notice_counts_from_the_day_it_is_really_published(world: World) -> None:
    await world.draft()
    await world.announce(PUBLISHED_AT + timedelta(days=20))
    await world.set_clock(PUBLISHED_AT + timedelta(days=1))
    assert isinstance(await refused(world.publish()), NoticePeriodTooShort)
    assert (await world.held()).status == "drafted"


async def test_nothing_is_published_without_papers_document_and_agency(world: World) -> None:
    agency = world.actors["agency"]
    world.tender, lots = await tenders.draft_tender(world.db, agency, a_tender("A-1", a_lot()))
    world.lot = lots[0]
    await world.set_clock(PUBLISHED_AT)
    made = await world.announcement()
    call = tenders.announce(world.db, agency, world.lot, made)
    assert isinstance(await refused(call), DocumentMissing)
    await tenders.add_document(world.db, world.desk.objects, agency, world.lot, "a.pdf", b"%PDF")
    twice = tenders.add_document(world.db, world.desk.objects, agency, world.lot, "a.pdf", b"x")
    assert isinstance(await refused(twice), DocumentNameTaken)
    assert isinstance(await refused(world.publish()), PapersMissing)
    keys, plan = await tenders.announce(world.db, agency, world.lot, made)
    await world.sign_paper("buyer", keys)
    await world.sign_paper("buyer", plan)
    await world.sign_paper("supervisor", keys)
    assert isinstance(await refused(world.publish()), PapersMissing)
    assert await world.sign_paper("supervisor", plan)
    other = actor("agency", world.actors["host"].subject, "another")
    foreign = tenders.publish(world.db, world.desk.signer, other, world.lot)
    assert isinstance(await refused(foreign), NotAllowed)
    assert isinstance(await refused(tenders.show_lot(world.db, None, world.lot)), UnknownLot)
    assert (await tenders.show_lot(world.db, agency, world.lot))[0].status == "drafted"
    at = await world.publish()
    assert at == PUBLISHED_AT
    held, documents = await tenders.show_lot(world.db, None, world.lot)
    assert (held.status, held.opening_keys, held.schedule) == ("published", keys, plan)
    assert [d.name for d in documents] == ["a.pdf"]
    late = tenders.add_document(world.db, world.desk.objects, agency, world.lot, "b.pdf", b"x")
    assert isinstance(await refused(late), WrongStatus)
    assert isinstance(await refused(world.publish()), WrongStatus)
    async with reading(world.db, "bidding") as connection:
        events = await kept_events(connection, "bidding:lot:publish", world.lot)
    assert [e.body["data"]["schedule"] for e in events] == [plan]


async def test_a_changed_notice_makes_its_older_papers_void(world: World, owner: Owner) -> None:
    await world.draft()
    agency = world.actors["agency"]
    first = await world.announcement()
    old_keys, old_plan = await tenders.announce(world.db, agency, world.lot, first)
    await world.sign_paper("buyer", old_plan)
    await world.set_clock(START + timedelta(minutes=1))
    later = await world.announcement(DEADLINE + timedelta(days=1))
    keys, plan = await tenders.announce(world.db, agency, world.lot, later)
    assert keys != old_keys
    # The last signature of the older schedule does not bring the older deadline back.
    no = await refused(world.sign_paper("supervisor", old_plan))
    assert isinstance(no, WrongStatus)
    for sid in (keys, plan):
        await world.sign_paper("buyer", sid)
        await world.sign_paper("supervisor", sid)
    held = await world.held()
    assert (held.schedule, held.deadline_at) == (plan, DEADLINE + timedelta(days=1))
    # Once signed by all, the notice stands.
    again = tenders.announce(world.db, agency, world.lot, first)
    assert isinstance(await refused(again), WrongStatus)
    assert (await world.held()).deadline_at == DEADLINE + timedelta(days=1)
    assert len(await world.kept("schedule")) == 1
    # The same dates with other seats: the schedule is the same paper and is not offered twice.
    assert await owner.fetchval("SELECT count(*) FROM foundation.paper WHERE scope = $1",
                                world.lot) == 4  # fmt: skip


async def test_other_seats_on_the_same_dates_are_one_schedule(world: World) -> None:
    await world.draft()
    agency = world.actors["agency"]
    made = await world.announcement()
    _, plan = await tenders.announce(world.db, agency, world.lot, made)
    await world.set_clock(START + timedelta(minutes=1))
    keys, again = await tenders.announce(world.db, agency, world.lot, made)
    assert again == plan
    assert keys in await world.waiting("buyer", "opening-keys")


async def test_a_published_lot_is_not_announced_again(world: World) -> None:
    await world.published_lot()
    made = await world.announcement(DEADLINE + timedelta(days=9))
    call = tenders.announce(world.db, world.actors["agency"], world.lot, made)
    assert isinstance(await refused(call), WrongStatus)
    assert (await world.held()).deadline_at == DEADLINE


async def test_groups_are_independent_and_their_keys_registered(world: World) -> None:
    await world.draft()
    made = await world.announcement()
    agency = world.actors["agency"]
    mixed = await world.announcement(remedy=(*made.remedy[:2], made.custodians[0]))
    no = await refused(tenders.announce(world.db, agency, world.lot, mixed))
    assert isinstance(no, NotIndependent)
    unknown = await world.announcement(custodians=("0" * 64, *made.custodians[1:]))
    no = await refused(tenders.announce(world.db, agency, world.lot, unknown))
    assert isinstance(no, UnknownMember)
    assert await world.waiting("buyer", "opening-keys") == []


@pytest.mark.misuse(67)
@pytest.mark.threat("T3")
async def test_no_two_seats_for_one_organisation_one_person_or_buyer_and_agency(
    world: World,
) -> None:
    """Over both groups together; the operator of the platform holds at most one."""
    await world.draft()
    agency = world.actors["agency"]
    made = await world.announcement()

    async def announced(*members: SeatHolder, **fields: Any) -> Refused | None:
        """With other holders in the first two custodians' seats."""
        sids = []
        for number, one in enumerate(members):
            keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
            exchange, signing = ExchangeKey(keys[0]), KeySigner(keys[1])
            vouched = world.member_key(
                one, signing, kid=exchange.kid, pk=b64(exchange.public), sign_kid=signing.kid,
                sign_pk=b64(signing.public), **fields.get(f"_{number}", {}),
            )  # fmt: skip
            await doors.accept_statement(world.desk, actor(one.seat, one.uscc, one.name), vouched)
            sids.append(vouched.sid)
        groups = await world.announcement(custodians=(*sids, *made.custodians[len(sids) :]))
        try:
            await tenders.announce(world.db, agency, world.lot, groups)
        except NotIndependent as refused:
            return refused
        return None

    def office(part: str, seat: str) -> SeatHolder:
        _, uscc, name = OFFICES[part]
        return replace(world.members["T1"], uscc=uscc, name=name, seat=seat)

    one, two = world.members["T1"], world.members["R1"]
    # One organisation in two seats of one group, and in a seat of each.
    assert await announced(one, one) is not None
    assert await announced(two) is not None
    # Buyer and agency are one organisation, whatever seat they say they take.
    assert await announced(office("buyer", "buyer"), office("agency", "agency")) is not None
    assert await announced(office("buyer", "other"), office("agency", "other")) is not None
    assert await announced(office("buyer", "buyer")) is None
    # One person behind two organisations.
    tag = {"person_tag": "a" * 64}
    assert await announced(one, world.members["T2"], _0=tag, _1=tag) is not None
    assert await announced(one, world.members["T2"], _0=tag) is None


@pytest.mark.misuse(67)
@pytest.mark.parametrize(("needed", "seats"), [(1, 3), (3, 3), (2, 2)])
async def test_thresholds_leave_one_to_be_lost_and_no_two_quorums(
    world: World, needed: int, seats: int
) -> None:
    await world.draft()
    made = await world.announcement()
    for changes in (
        {"custodians": made.custodians[:seats], "custodians_needed": needed},
        {"remedy": made.remedy[:seats], "remedy_needed": needed},
    ):
        groups = replace(made, **changes)  # type: ignore[arg-type]
        no = await refused(tenders.announce(world.db, world.actors["agency"], world.lot, groups))
        assert isinstance(no, Invalid)


async def test_a_large_lot_is_kept_by_three_of_five(world: World) -> None:
    await world.draft(ceiling_price_yuan=Decimal(100_000_000))
    made = await world.announcement()
    no = await refused(tenders.announce(world.db, world.actors["agency"], world.lot, made))
    assert isinstance(no, NotIndependent)
    assert "[OWN]" in str(no.article)
    await world.draft(ceiling_price_yuan=Decimal("99999999.99"), number="A-2")
    made = await world.announcement()
    await tenders.announce(world.db, world.actors["agency"], world.lot, made)


@pytest.mark.parametrize("value", [{"ceiling_price_yuan": Decimal(700)}, {"duration_days": 30}])
async def test_a_lot_keeps_its_facts(world: World, value: dict[str, Any]) -> None:
    await world.draft(**value)
    held = await world.held()
    assert {name: getattr(held, name) for name in value} == value
    facts = tenders.notice_facts(held)
    assert facts["method_sha256"] == held.method_sha256
    assert facts["issued_on"] is None
    assert date(2026, 9, 14) == ISSUED_ON


async def test_a_drill_asks_every_seat_between_publication_and_closing(world: World) -> None:
    agency = world.actors["agency"]
    await world.draft()
    assert isinstance(await refused(drill.begin_drill(world.db, agency, world.lot)), WrongStatus)
    await world.set_clock(PUBLISHED_AT)
    await world.announce()
    await world.publish()
    for role in ("agency", "trading-centre"):
        stranger = actor(role, world.members["T1"].uscc, "别家")
        no = await refused(drill.begin_drill(world.db, stranger, world.lot))
        assert isinstance(no, NotAllowed)
    assert await drill.begin_drill(world.db, agency, world.lot) == 6
    shown = await drill.show_drills(world.db, world.lot)
    assert {(q["group"], q["i"], q["passed"]) for q in shown} == {
        (group, i, None) for group in "TR" for i in (1, 2, 3)
    }
    assert all("expected" not in q for q in shown)

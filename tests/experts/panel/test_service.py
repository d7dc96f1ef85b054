"""The panel as a whole: seats, pledges, blind reading, autosave, sheets, lock, report, dissent."""

import json
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from experts.drawing.store import drawings
from experts.panel import material, service
from experts.panel.domain import (
    TRANSITIONS,
    CardHandedIn,
    DraftMark,
    MarkChanged,
    MarksFrozen,
    NotOnPanel,
    NotPledged,
    OtherMethod,
    OtherReport,
    PledgedAlready,
    ReportNotSettled,
    SheetsDiffer,
    StillSealed,
    TechnicalFirst,
    UnknownBlindBid,
    WrongPanelStatus,
)
from experts.pool.domain import NotAnExpert
from experts.published import evaluation_evidence
from experts_world import BIDDERS, LATER, METHOD, World, expert_key
from foundation.database import reading, transaction
from foundation.ledger.log import leaf_opening
from foundation.statements.canonical import parse
from foundation.statements.signed import BadSignature, Statement, sign, unsigned
from foundation.statements.store import NotYourPaper, kept_statements, paper
from sunbid.verify.shapes import check_file

MARKERS = [*BIDDERS, *(uscc for uscc, _ in BIDDERS.values()), *(p for _, p in BIDDERS.values())]


async def status_of(world: World) -> str:
    found: str = await world.owner.fetchval(
        "SELECT status FROM experts.panel WHERE lot = $1", world.lot
    )
    return found


async def lot_status(world: World) -> str:
    found: str = await world.owner.fetchval(
        "SELECT status FROM bidding.lot WHERE id = $1", world.lot
    )
    return found


def a_mark(code: str, score: str | None = "20", version: int = 0, **facts: Any) -> DraftMark:
    values: dict[str, Any] = {
        "code": code,
        "criterion": "plan",
        "score": score,
        "passed": None,
        "comment": "",
        "version": version,
        "saved_at": None,
    }
    return DraftMark(**(values | facts))


async def scoring_world(world: World) -> World:
    await world.prepare_draws()
    await world.draw_all()
    await world.pledge_all()
    return world


async def locked_world(world: World) -> World:
    await scoring_world(world)
    await world.score_all()
    return world


async def reported_world(world: World) -> tuple[World, str]:
    await locked_world(world)
    return world, await service.offer_report(world.db, world.agency, world.lot)


async def test_the_lifecycle_in_the_database_is_the_one_of_the_code(world: World) -> None:
    rows = await world.owner.fetch("SELECT before, event, after FROM experts.panel_transition")
    assert {(row["before"], row["event"]): row["after"] for row in rows} == dict(TRANSITIONS)


async def test_drawn_experts_sit_and_the_lot_is_being_evaluated(world: World) -> None:
    await world.prepare_draws()
    await world.draw_all()
    assert len(await world.seated()) == 5
    assert (await lot_status(world), await status_of(world)) == ("evaluating", "forming")
    assert sorted(await world.codes()) == ["01", "02", "03"]
    state = await material.panel_state(world.db, world.agency, world.lot)
    shown = json.dumps(asdict(state), default=str)
    assert not any(str(e) in shown or x.name in shown for e, x in world.experts.items())


async def test_scoring_begins_with_the_last_pledge(world: World) -> None:
    await world.prepare_draws()
    await world.draw_all()
    seated = await world.seated()
    for expert in seated[:-1]:
        await service.accept_pledge(world.db, world.actor(expert), world.pledge(expert))
    assert await status_of(world) == "forming"
    await service.accept_pledge(world.db, world.actor(seated[-1]), world.pledge(seated[-1]))
    assert await status_of(world) == "scoring"


async def test_a_pledge_is_the_experts_own(world: World) -> None:
    await world.prepare_draws()
    await world.draw_all()
    first, second, *_ = await world.seated()
    with pytest.raises(NotAnExpert):
        await service.accept_pledge(world.db, world.actor(second), world.pledge(first))
    with pytest.raises(BadSignature):
        forged = world.pledge(first, key=world.signers[second])
        await service.accept_pledge(world.db, world.actor(first), forged)
    seated = await world.seated()
    stranger = next(e for e in world.experts if e not in seated)
    with pytest.raises(NotOnPanel):
        await service.accept_pledge(world.db, world.actor(stranger), world.pledge(stranger))
    await service.accept_pledge(world.db, world.actor(first), world.pledge(first))
    again = unsigned("pledge", {**world.pledge(first).body, "text": "again"})
    with pytest.raises(PledgedAlready):
        await service.accept_pledge(world.db, world.actor(first), sign(again, world.signers[first]))


async def test_a_declared_conflict_recuses_and_the_reserve_moves_up(world: World) -> None:
    await world.prepare_draws()
    await world.draw_all()
    before = await world.seated()
    async with reading(world.db, "experts") as connection:
        reserve = (await drawings(connection, world.lot))["experts"].reserve
    conflicted = world.pledge(before[2], "曾任职于投标人")
    await service.accept_pledge(world.db, world.actor(before[2]), conflicted)
    after = await world.seated()
    assert after == [*before[:2], UUID(reserve[0]), *before[3:]]
    await world.pledge_all()
    assert await status_of(world) == "scoring"
    with pytest.raises(NotOnPanel):
        await material.blind_material(world.db, world.actor(before[2]), world.lot)


async def test_members_read_blind_files_and_learn_neither_name_nor_price(world: World) -> None:
    await scoring_world(world)
    expert = (await world.seated())[0]
    found = await material.blind_material(world.db, world.actor(expert), world.lot)
    names = [file.name for files in found.bids.values() for file in files]
    # The qualification volumes name their bidders: they are not even listed yet.
    assert names == [f"0{n}-tech-1.pdf" for n in (1, 2, 3)]
    assert not any(marker in json.dumps(names) for marker in MARKERS)
    content = await material.blind_file(
        world.db, world.objects, world.actor(expert), world.lot, code="02", name="02-tech-1.pdf"
    )
    assert content.startswith(b"tech of ")
    for name in ("02-qual-1.pdf", "02-price-1.pdf", "01-tech-1.pdf", "../price"):
        with pytest.raises(UnknownBlindBid):
            await material.blind_file(
                world.db, world.objects, world.actor(expert), world.lot, code="02", name=name
            )
    tasks = await material.own_panels(world.db, world.actor(expert))
    assert [(task.seat, task.pledged, task.total) for task in tasks] == [(1, True, 9)]


async def test_names_are_read_after_the_technical_marks_which_stay_then(world: World) -> None:
    await scoring_world(world)
    first, second, *_ = await world.seated()
    who = world.actor(first)
    card = await world.card(first)
    rows = [row for row in card.body["scores"] if row["score"] is not None]
    marks = [a_mark(r["code"], r["score"], criterion=r["criterion"]) for r in rows]
    await material.save_marks(world.db, who, world.lot, marks[:-1])
    with pytest.raises(TechnicalFirst) as early:
        await material.open_qualification(world.db, who, world.lot)
    assert "1 are missing" in early.value.message
    await material.save_marks(world.db, who, world.lot, marks[-1:])
    await material.open_qualification(world.db, who, world.lot)
    await material.open_qualification(world.db, who, world.lot)
    found = await material.blind_material(world.db, who, world.lot)
    assert {file.volume for files in found.bids.values() for file in files} == {"qual", "tech"}
    content = await material.blind_file(
        world.db, world.objects, who, world.lot, code="02", name="02-qual-1.pdf"
    )
    assert content.startswith(b"qual of ")
    # From now on the technical marks stay, in the draft and on the signed sheet.
    changed = replace(marks[0], score="1", version=1)
    with pytest.raises(MarksFrozen):
        await material.save_marks(world.db, who, world.lot, [changed])
    verdict = [a_mark(r["code"], None, criterion=r["criterion"], passed=r["passed"])
               for r in card.body["scores"] if r["passed"] is not None]  # fmt: skip
    await material.save_marks(world.db, who, world.lot, verdict)
    other = await world.card(first, plan="1")
    with pytest.raises(MarksFrozen):
        await service.accept_scorecard(world.db, who, other)
    await service.accept_scorecard(world.db, who, card)
    # One seat's curiosity opens nothing for another.
    found = await material.blind_material(world.db, world.actor(second), world.lot)
    assert {file.volume for files in found.bids.values() for file in files} == {"tech"}
    async with reading(world.db, "experts") as connection:
        events = await kept_statements(connection, world.lot, ["event"])
    told = [
        e.statement.body["data"]["seat"] for e in events if "unblind" in e.statement.body["name"]
    ]
    assert told == [1]


async def test_nothing_is_read_before_the_pledge_or_from_outside(world: World) -> None:
    await world.prepare_draws()
    await world.draw_all()
    seated = await world.seated()
    with pytest.raises(NotPledged):
        await material.blind_material(world.db, world.actor(seated[0]), world.lot)
    stranger = next(e for e in world.experts if e not in seated)
    with pytest.raises(NotOnPanel):
        await material.blind_material(world.db, world.actor(stranger), world.lot)
    with pytest.raises(NotOnPanel):
        await material.panel_state(
            world.db, replace(world.agency, subject=next(iter(BIDDERS.values()))[0]), world.lot
        )


async def test_marks_are_saved_with_the_platforms_time_and_seen_by_their_seat_only(
    world: World,
) -> None:
    await scoring_world(world)
    first, second, *_ = await world.seated()
    saved = await material.save_marks(
        world.db, world.actor(first), world.lot, [a_mark("01"), a_mark("02", "7.5")]
    )
    assert [(m.version, m.saved_at) for m in saved] == [(1, LATER), (1, LATER)]
    mine = await material.own_marks(world.db, world.actor(first), world.lot)
    assert [(m.code, m.score) for m in mine] == [("01", "20"), ("02", "7.5")]
    assert await material.own_marks(world.db, world.actor(second), world.lot) == []


async def test_a_mark_saved_elsewhere_is_not_overwritten(world: World) -> None:
    await scoring_world(world)
    expert = (await world.seated())[0]
    actor = world.actor(expert)
    await material.save_marks(world.db, actor, world.lot, [a_mark("01", "20")])
    await material.save_marks(world.db, actor, world.lot, [a_mark("01", "21", version=1)])
    with pytest.raises(MarkChanged) as caught:
        stale = [a_mark("02", "5"), a_mark("01", "3", version=1)]
        await material.save_marks(world.db, actor, world.lot, stale)
    assert caught.value.status == 412
    assert caught.value.extra["current"]["score"] == "21"
    for stale in ([a_mark("01", "3")], [a_mark("03", "3", version=4)]):
        with pytest.raises(MarkChanged):
            await material.save_marks(world.db, actor, world.lot, stale)
    mine = await material.own_marks(world.db, actor, world.lot)
    assert [(m.code, m.score, m.version) for m in mine] == [("01", "21", 2)]
    cleared = [a_mark("01", None, version=2)]
    await material.save_marks(world.db, actor, world.lot, cleared)
    assert (await material.own_marks(world.db, actor, world.lot))[0].score is None


@pytest.mark.parametrize(
    "mark",
    [
        a_mark("01", "25.5"),
        a_mark("01", "20.3"),
        a_mark("01", "many"),
        a_mark("99", "20"),
        a_mark("01", "20", criterion="charm"),
        a_mark("01", None, passed=True),
    ],
)
async def test_a_mark_that_is_not_allowed_is_not_saved(world: World, mark: DraftMark) -> None:
    await scoring_world(world)
    actor = world.actor((await world.seated())[0])
    with pytest.raises(Exception, match=r"expected|no criterion|no bid") as caught:
        await material.save_marks(world.db, actor, world.lot, [mark])
    assert getattr(caught.value, "status", 0) in (404, 422)
    assert await material.own_marks(world.db, actor, world.lot) == []


async def test_the_last_sheet_locks_and_until_then_nobody_sees_others(world: World) -> None:
    await scoring_world(world)
    seated = await world.seated()
    for expert in seated[:-1]:
        card = await world.card(expert)
        await service.accept_scorecard(world.db, world.actor(expert), card)
        for actor in (world.actor(seated[0]), world.agency, world.supervisor):
            with pytest.raises(StillSealed):
                await material.locked_result(world.db, actor, world.lot)
    with pytest.raises(WrongPanelStatus):
        await service.offer_report(world.db, world.agency, world.lot)
    card = await world.card(seated[-1])
    await service.accept_scorecard(world.db, world.actor(seated[-1]), card)
    assert await status_of(world) == "locked"
    shown = await material.locked_result(world.db, world.actor(seated[0]), world.lot)
    assert len(shown.marks) == 5 * 3 * 3


async def test_one_sheet_a_seat_complete_and_by_the_published_method(world: World) -> None:
    await scoring_world(world)
    expert = (await world.seated())[0]
    actor = world.actor(expert)
    good = await world.card(expert)
    short = sign(
        unsigned("scorecard", {**good.body, "scores": good.body["scores"][1:]}),
        world.signers[expert],
    )
    with pytest.raises(Exception, match="1 are missing"):
        await service.accept_scorecard(world.db, actor, short)
    other = await world.card(expert, method_sha256="0" * 64)
    with pytest.raises(OtherMethod):
        await service.accept_scorecard(world.db, actor, other)
    forged = sign(unsigned("scorecard", good.body), expert_key(77))
    with pytest.raises(BadSignature):
        await service.accept_scorecard(world.db, actor, forged)
    await service.accept_scorecard(world.db, actor, good)
    with pytest.raises(CardHandedIn):
        again = await world.card(expert, plan="1")
        await service.accept_scorecard(world.db, actor, again)
    with pytest.raises(CardHandedIn):
        await material.save_marks(world.db, actor, world.lot, [a_mark("01")])


async def test_the_rows_are_those_of_the_signed_sheets_and_cannot_be_changed(world: World) -> None:
    await locked_world(world)
    async with reading(world.db, "experts") as connection:
        kept = await kept_statements(connection, world.lot, ["scorecard"])
    signed = {
        (k.statement.body["expert"], r["code"], r["criterion"], r["score"], r["passed"])
        for k in kept
        for r in k.statement.body["scores"]
    }
    rows = await world.owner.fetch(
        "SELECT expert, code, criterion, score, passed FROM experts.score"
    )
    stored = {(str(r["expert"]), r["code"], r["criterion"], r["score"], r["passed"]) for r in rows}
    assert stored == signed
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(world.db, "experts") as connection:
            await connection.execute("UPDATE experts.score SET score = '25'")
    with pytest.raises(asyncpg.CheckViolationError):
        await world.owner.execute("UPDATE experts.score SET score = '25'")


async def test_no_report_is_made_from_rows_that_somebody_changed(world: World) -> None:
    await locked_world(world)
    await world.owner.execute("ALTER TABLE experts.score DISABLE TRIGGER ALL")
    await world.owner.execute(
        "UPDATE experts.score SET score = '25' WHERE code = '01' AND criterion = 'plan'"
    )
    with pytest.raises(SheetsDiffer, match="bid 01, criterion plan"):
        await service.offer_report(world.db, world.agency, world.lot)


async def test_prices_are_scored_after_the_lock_with_the_drawn_point(world: World) -> None:
    await locked_world(world)
    shown = await material.locked_result(world.db, world.supervisor, world.lot)
    point = next(p for p in METHOD["price"]["float_points"] if p["id"] == shown.float_point)
    # S = 1490 / 3 without trimming, less the point.
    expected = 1490 / 3 * (1 - float(point["value"]))
    assert abs(float(shown.price_benchmark) - expected) < 0.006
    # The members' sums are 28 to 32: mean 30 for each bid.
    assert {str(result.technical) for result in shown.results} == {"30.00"}
    assert all(result.trace for result in shown.results)
    assert len(shown.candidates) == 3


async def test_the_report_is_accepted_with_the_last_signature(world: World) -> None:
    world, sid = await reported_world(world)
    seated = await world.seated()
    assert not await world.sign_report(sid, seated[:-1])
    assert await lot_status(world) == "evaluating"
    with pytest.raises(ReportNotSettled):
        await service.settle_report(world.db, world.agency, world.lot)
    assert await world.sign_report(sid, seated[-1:])
    assert (await lot_status(world), await status_of(world)) == ("evaluated", "accepted")
    with pytest.raises(NotYourPaper):
        await world.sign_report(sid, seated[:1])


async def test_a_dissent_in_writing_stands_for_a_signature(world: World) -> None:
    world, sid = await reported_world(world)
    *signing, dissenting = await world.seated()
    await world.sign_report(sid, signing)
    await service.accept_dissent(world.db, world.actor(dissenting), dissent(world, sid, dissenting))
    assert await lot_status(world) == "evaluated"


async def test_a_dissent_before_the_last_signature_is_settled_by_the_agency(world: World) -> None:
    world, sid = await reported_world(world)
    dissenting, *signing = await world.seated()
    with pytest.raises(OtherReport):
        other = dissent(world, "0" * 64, dissenting)
        await service.accept_dissent(world.db, world.actor(dissenting), other)
    await service.accept_dissent(world.db, world.actor(dissenting), dissent(world, sid, dissenting))
    assert not await world.sign_report(sid, signing)
    await service.settle_report(world.db, world.agency, world.lot)
    assert await lot_status(world) == "evaluated"


def dissent(world: World, sid: str, expert: UUID) -> Statement:
    body = {**world.place, "report": sid, "expert": str(expert), "reason": "不同意排序"}
    return sign(unsigned("dissent", body), world.signers[expert])


async def test_no_other_report_is_accepted(world: World) -> None:
    world, sid = await reported_world(world)
    async with reading(world.db, "experts") as connection:
        body = (await paper(connection, sid)).statement.body
    swapped = {**body, "candidates": body["candidates"][::-1]}
    with pytest.raises(OtherReport):
        async with transaction(world.db, "experts") as connection:
            await service.accept_report(connection, unsigned("evaluation-report", swapped))
    with pytest.raises(ReportNotSettled, match=r"seats \[1, 2, 3, 4, 5\]"):
        async with transaction(world.db, "experts") as connection:
            await service.accept_report(connection, unsigned("evaluation-report", body))


async def test_the_evidence_has_the_form_that_the_verifier_reads(world: World) -> None:
    world, sid = await reported_world(world)
    async with reading(world.db, "experts") as connection:
        assert await evaluation_evidence(connection, world.lot, "experts") is None
    await world.sign_report(sid, await world.seated())
    async with reading(world.db, "experts") as connection:
        evidence = await evaluation_evidence(connection, world.lot, "experts")
    assert evidence is not None
    check_file("evaluation.json", evidence)
    shown = json.dumps(evidence, ensure_ascii=False)
    assert not any(expert.name in shown for expert in world.experts.values())


async def test_every_statement_and_move_has_its_ledger_entry(world: World) -> None:
    world, sid = await reported_world(world)
    await world.sign_report(sid, await world.seated())
    rows = await world.owner.fetch("SELECT type, raw, queue FROM foundation.statement")
    assert all(row["queue"] is not None for row in rows)
    names = [parse(r["raw"], limit=10**6)["body"]["name"] for r in rows if r["type"] == "event"]
    assert {"experts:panel:begin", "experts:panel:lock", "experts:panel:report"} <= set(names)
    async with reading(world.db, "experts") as connection:
        assert await leaf_opening(connection, rows[0]["queue"]) is not None

"""Cases: taken by one, decided by two, every move in the ledger and none of them on a bid."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from conftest import SetClock
from experts_world import make_world
from foundation.database import Database
from foundation.identity import Actor
from foundation.problems import NotAllowed
from supervision.cases import service
from supervision.cases.domain import (
    TERMINAL,
    TRANSITIONS,
    BadText,
    CaseExists,
    NotYourCase,
    SecondPersonNeeded,
    UnknownCase,
    WrongCaseStatus,
    next_status,
)
from supervision.redflags.domain import NotExamined
from supervision_world import a_flagged_lot, a_person, stranger


@dataclass
class Office:
    """An examined lot with two supervisors."""

    db: Database
    owner: Any
    lot: UUID
    first: Actor
    second: Actor


@pytest_asyncio.fixture
async def office(database: Database, owner: Any, set_clock: SetClock, tmp_path: Path) -> Office:
    world = await a_flagged_lot(database, owner, set_clock, tmp_path)
    return Office(
        db=database,
        owner=owner,
        lot=world.lot,
        first=await a_person(owner, "林范例"),
        second=await a_person(owner, "何范例"),
    )


async def test_a_case_from_the_list_to_a_decision_of_two(office: Office) -> None:
    db, first, second = office.db, office.first, office.second
    page = await service.inbox_page(db, first)
    assert (page.counts["waiting"], page.clues[0].standing) == (1, "waiting")
    assert page.clues[0].left is not None

    case = await service.open_case(db, first, office.lot)
    assert case.status == "opened"
    case = await service.take_case(db, first, case.id)
    assert (case.status, case.handler) == ("under_review", first.id)
    assert (await service.inbox_page(db, first)).counts["running"] == 1

    finding = page.clues[0].findings[0].id
    await service.add_note(db, first, case.id, "已函询。", finding=finding, choice="accepted")
    await service.propose_outcome(db, first, case.id, "decided", "两项相互独立的痕迹。")
    case = await service.return_case(db, second, case.id, "请补充软件厂商的答复。")
    assert (case.status, case.outcome) == ("under_review", None)
    await service.propose_outcome(db, first, case.id, "decided", "已补充。")
    case = await service.confirm_outcome(db, second, case.id)
    assert (case.status, case.confirmed_by) == ("decided", second.id)
    page = await service.inbox_page(db, first)
    assert (page.counts["closed"], page.confirmed) == (1, 1)

    shown = await service.case_page(db, second, case.id)
    assert [note.choice for note in shown.notes] == ["accepted"]
    assert shown.actors[first.id] == "林范例"
    lot_status = await office.owner.fetchval(
        "SELECT status FROM bidding.lot WHERE id = $1", office.lot
    )
    assert lot_status == "recorded"


async def test_every_move_is_in_the_ledger_with_its_actor(office: Office) -> None:
    case = await service.open_case(office.db, office.first, office.lot)
    await service.take_case(office.db, office.first, case.id)
    await service.propose_outcome(office.db, office.first, case.id, "dismissed", "同一打印社。")
    await service.confirm_outcome(office.db, office.second, case.id)
    rows = await office.owner.fetch("SELECT raw FROM foundation.statement WHERE type = 'event'")
    bodies = [json.loads(row["raw"])["body"] for row in rows]
    moves = {
        body["name"]: body["actor"]
        for body in bodies
        if body["name"].startswith("supervision:case")
    }
    first, second = str(office.first.id), str(office.second.id)
    assert moves == {
        "supervision:case:open": first,
        "supervision:case:take": first,
        "supervision:case:propose": first,
        "supervision:case:dismiss": second,
    }


async def test_one_person_alone_cannot_close_a_case(office: Office) -> None:
    case = await service.open_case(office.db, office.first, office.lot)
    await service.take_case(office.db, office.first, case.id)
    await service.propose_outcome(office.db, office.first, case.id, "decided", "理由")
    with pytest.raises(SecondPersonNeeded):
        await service.confirm_outcome(office.db, office.first, case.id)
    with pytest.raises(SecondPersonNeeded):
        await service.return_case(office.db, office.first, case.id, "理由")
    # The table refuses it too, whoever writes.
    with pytest.raises(asyncpg.CheckViolationError, match="case_needs_two"):
        await office.owner.execute(
            "UPDATE supervision.case_file"
            "   SET status = 'decided', confirmed_by = proposed_by, closed_at = proposed_at"
        )


async def test_the_handler_alone_notes_and_proposes(office: Office) -> None:
    case = await service.open_case(office.db, office.first, office.lot)
    await service.take_case(office.db, office.first, case.id)
    with pytest.raises(NotYourCase):
        await service.add_note(office.db, office.second, case.id, "x")
    with pytest.raises(NotYourCase):
        await service.propose_outcome(office.db, office.second, case.id, "decided", "x")
    with pytest.raises(BadText):
        await service.add_note(office.db, office.first, case.id, "  ")
    with pytest.raises(service.UnknownFinding):
        await service.add_note(office.db, office.first, case.id, "x", finding=case.id)


async def test_moves_out_of_order_are_refused_with_a_sentence(office: Office) -> None:
    case = await service.open_case(office.db, office.first, office.lot)
    with pytest.raises(CaseExists):
        await service.open_case(office.db, office.second, office.lot)
    with pytest.raises(WrongCaseStatus, match="cannot decide"):
        await service.confirm_outcome(office.db, office.second, case.id)
    await service.take_case(office.db, office.first, case.id)
    with pytest.raises(WrongCaseStatus, match="cannot take"):
        await service.take_case(office.db, office.second, case.id)
    with pytest.raises(UnknownCase):
        await service.take_case(office.db, office.first, office.lot)


async def test_strangers_see_no_clue_and_no_case(office: Office) -> None:
    case = await service.open_case(office.db, office.first, office.lot)
    outsider = stranger(office.first)
    assert (await service.inbox_page(office.db, outsider)).clues == ()
    for act in (service.case_page, service.take_case, service.confirm_outcome):
        with pytest.raises(NotAllowed):
            await act(office.db, outsider, case.id)


async def test_a_lot_without_examination_is_no_case(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> None:
    world = await make_world(database, owner, set_clock, tmp_path)
    supervisor = await a_person(owner, "林范例")
    with pytest.raises(NotExamined):
        await service.open_case(database, supervisor, world.lot)
    assert await service.case_of_lot(database, supervisor, world.lot) is None


async def test_the_table_of_moves_equals_the_code(owner: Any) -> None:
    rows = await owner.fetch("SELECT before, event, after FROM supervision.case_transition")
    assert {(row["before"], row["event"]): row["after"] for row in rows} == TRANSITIONS
    reached = {"opened", *TRANSITIONS.values()}
    assert {before for before, _ in TRANSITIONS} | TERMINAL == reached


async def test_the_table_refuses_a_move_that_is_not_in_it(office: Office) -> None:
    await service.open_case(office.db, office.first, office.lot)
    with pytest.raises(asyncpg.CheckViolationError, match="opened cannot become proposed"):
        await office.owner.execute(
            "UPDATE supervision.case_file SET status = 'proposed', handler = opened_by"
        )


def test_no_sequence_leaves_the_table() -> None:
    for status in {"opened", *TRANSITIONS.values()}:
        for event in {event for _, event in TRANSITIONS}:
            if (status, event) not in TRANSITIONS:
                with pytest.raises(WrongCaseStatus):
                    next_status(status, event)

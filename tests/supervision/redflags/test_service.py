"""Examining opened bids: the ring is found, pinned and shown, and no bid's state is touched."""

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from conftest import SetClock
from foundation.database import Database, transaction
from foundation.identity import Actor
from foundation.identity.actor import NotLoggedIn, WrongRole
from foundation.problems import NotAllowed
from sunbid.demo_files.bids import cast
from supervision.redflags import service
from supervision.redflags.domain import BidsNotOpened, NotExamined
from supervision_world import a_person, an_opened_lot, stranger, the_files

OwnerConnection = "asyncpg.Connection[asyncpg.Record]"
RING = {bidder.persona for bidder in cast() if bidder.role == "ring"}


async def state_of_bidding(owner: Any) -> list[str]:
    """Every row of bidding, as text: what supervision must leave alone."""
    rows = []
    tables = await owner.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'bidding' ORDER BY tablename"
    )
    for table in tables:
        found = await owner.fetch(f"SELECT t::text AS t FROM bidding.{table['tablename']} AS t")
        rows += sorted(row["t"] for row in found)
    return rows


async def test_the_ring_is_examined_once_and_no_state_of_a_bid_changes(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> None:
    world, submissions = await an_opened_lot(database, owner, set_clock, tmp_path)
    before = await state_of_bidding(owner)
    assert await service.raise_due_flags(database, world.objects) == 1
    assert await service.raise_due_flags(database, world.objects) == 0
    assert not await service.examine_lot(database, world.objects, world.lot)
    assert await state_of_bidding(owner) == before

    page = await service.examination_page(database, await a_person(owner, "林范例"), world.lot)
    (suspicion,) = page.examination.suspicions
    assert {submissions[key] for key in submissions if str(key) in suspicion.bidders} == RING
    assert (suspicion.grade, suspicion.advice) == ("A", "priority")
    assert suspicion.flags == ("R101", "R102", "R103", "R104")
    for kept in page.findings:
        assert kept.finding.article.startswith("招标投标法实施条例第四十条")
        assert kept.finding.base_rate.source
    prices = [bid.price_yuan for bid in page.bids]
    assert len(prices) == 7
    assert None not in prices


async def test_evidence_is_pinned_to_the_bytes_of_the_files(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> None:
    world, submissions = await an_opened_lot(database, owner, set_clock, tmp_path)
    await service.examine_lot(database, world.objects, world.lot)
    rows = await owner.fetch(
        "SELECT f.sha256, array_agg(e.raw ORDER BY e.number) AS raws, min(e.kind) AS kind"
        "  FROM supervision.finding AS f JOIN supervision.evidence AS e ON e.finding = f.id"
        " GROUP BY f.id, f.sha256"
    )
    for row in rows:
        digests = b"".join(hashlib.sha256(raw).digest() for raw in row["raws"])
        assert hashlib.sha256(digests).digest() == row["sha256"]
    passage = json.loads(next(row["raws"][0] for row in rows if row["kind"] == "passage"))["data"]
    persona = next(name for key, name in submissions.items() if str(key) == passage["a"])
    source = the_files() / persona / passage["place_a"]["file"]
    assert passage["sha256_a"] == [hashlib.sha256(source.read_bytes()).hexdigest()]
    with pytest.raises(asyncpg.CheckViolationError, match="written once"):
        await owner.execute("UPDATE supervision.evidence SET kind = 'x'")
    with pytest.raises(asyncpg.CheckViolationError, match="evidence_is_pinned"):
        await owner.execute(
            "INSERT INTO supervision.evidence (finding, number, kind, raw, sha256)"
            " SELECT id, 999, 'x', 'y', sha256('z') FROM supervision.finding LIMIT 1"
        )


async def test_examination_and_reading_are_entries_of_the_ledger(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> None:
    world, _ = await an_opened_lot(database, owner, set_clock, tmp_path)
    await service.examine_lot(database, world.objects, world.lot)
    reader = await a_person(owner, "林范例")
    await service.examination_page(database, reader, world.lot)
    raws = await owner.fetch("SELECT raw FROM foundation.statement WHERE type = 'event'")
    bodies = [json.loads(row["raw"])["body"] for row in raws]
    events = {body["name"]: body for body in bodies}
    assert events["supervision:lot:examine"]["actor"] is None
    assert events["supervision:lot:read"]["actor"] == str(reader.id)
    flags = [one["flag"] for one in events["supervision:lot:examine"]["data"]["findings"]]
    assert flags == ["R101", "R102", "R103", "R104"]


async def test_only_the_tenders_own_supervisor_sees_clues(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> None:
    world, _ = await an_opened_lot(database, owner, set_clock, tmp_path)
    supervisor = await a_person(owner, "林范例")
    with pytest.raises(NotExamined):
        await service.examination_page(database, supervisor, world.lot)
    await service.examine_lot(database, world.objects, world.lot)
    with pytest.raises(NotLoggedIn):
        await service.examination_page(database, None, world.lot)
    with pytest.raises(NotAllowed, match="nobody else"):
        await service.examination_page(database, stranger(supervisor), world.lot)
    for role in ("bidder", "buyer", "agency", "expert", "host", "administrator", "custodian"):
        actor = Actor(
            id=uuid4(), role=role, subject=supervisor.subject, name=role, kid=supervisor.kid
        )
        with pytest.raises(WrongRole):
            await service.examination_page(database, actor, world.lot)


async def test_before_the_record_nothing_is_examined(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> None:
    world, _ = await an_opened_lot(database, owner, set_clock, tmp_path)
    # The owner turns the clock of the lot back: bids opened, record not signed yet.
    await owner.execute("ALTER TABLE bidding.lot DISABLE TRIGGER USER")
    await owner.execute("UPDATE bidding.lot SET status = 'opening'")
    assert await service.raise_due_flags(database, world.objects) == 0
    with pytest.raises(BidsNotOpened):
        await service.examine_lot(database, world.objects, world.lot)


async def test_a_file_that_is_gone_is_said_and_stops_nothing(
    database: Database, owner: Any, set_clock: SetClock, tmp_path: Path
) -> None:
    world, submissions = await an_opened_lot(database, owner, set_clock, tmp_path)
    gone = next(key for key, persona in submissions.items() if persona == "bidder-b")
    for path in (tmp_path / "objects" / "opened" / str(gone) / "tech").iterdir():
        path.unlink()
    assert await service.examine_lot(database, world.objects, world.lot)
    page = await service.examination_page(database, await a_person(owner, "林范例"), world.lot)
    assert any("technical.pdf" in problem for problem in page.examination.problems)
    assert page.examination.grade == "A"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bidding.lot SET status = 'failed'",
        "UPDATE bidding.opened_bid SET items = '{}'",
        "DELETE FROM bidding.opened_bid",
        "UPDATE supervision.finding SET grade = 'A'",
        "DELETE FROM supervision.finding",
        "INSERT INTO supervision.case_transition VALUES ('opened', 'x', 'decided')",
    ],
)
async def test_supervisions_role_may_not_touch_bids_or_findings(
    database: Database, statement: str
) -> None:
    assert database.guarded
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(database, "supervision") as connection:
            await connection.execute(statement)

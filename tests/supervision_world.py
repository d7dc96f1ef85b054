"""A lot with the demonstration's bids, opened and recorded, and two supervisors."""

import atexit
import json
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conftest import SetClock
from experts_world import LATER, SUPERVISOR, World, make_world
from foundation.database import Database, transaction
from foundation.documents.font import choose
from foundation.identity import Actor
from foundation.statements.signed import KeySigner
from sunbid.demo_files.bids import (
    VOLUMES,
    cast,
    machine_code,
    open_items,
    write_bid,
    write_tender_documents,
)
from supervision.redflags import store
from supervision.redflags.domain import Evidence, Examination, Finding, Tally
from supervision.redflags.rules.grades import suspicions
from supervision.redflags.rules.registry import RULES_VERSION

SEED = 7


@cache
def the_files() -> Path:
    """The demonstration's files, written once a run."""
    folder = Path(tempfile.mkdtemp(prefix="sunbid-test-bids-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    face = choose()
    write_tender_documents(folder / "tender", face=face)
    for bidder in cast():
        write_bid(folder / bidder.persona, bidder, seed=SEED, face=face)
    return folder


async def a_person(owner: "asyncpg.Connection[asyncpg.Record]", name: str) -> Actor:
    """A registered supervisor of the tender's supervising body, with a key of an own device."""
    key = KeySigner(Ed25519PrivateKey.generate())
    actor = Actor(id=uuid4(), role="supervisor", subject=SUPERVISOR, name=name, kid=key.kid)
    await owner.execute(
        "INSERT INTO foundation.actor (id, role, subject, name, kid, alg, pk, registered_at)"
        " VALUES ($1, $2, $3, $4, $5, 'EdDSA', $6, $7)",
        actor.id,
        actor.role,
        actor.subject,
        name,
        key.kid,
        key.public,
        LATER,
    )
    return actor


async def an_opened_lot(
    db: Database,
    owner: "asyncpg.Connection[asyncpg.Record]",
    set_clock: SetClock,
    folder: Path,
) -> tuple[World, dict[UUID, str]]:
    """The demonstration's opened bids in a recorded lot; submissions with their personas."""
    world = await make_world(db, owner, set_clock, folder)
    for path in sorted((the_files() / "tender").iterdir()):
        document = uuid4()
        await world.objects.put(f"documents/{document}", path.read_bytes())
        await owner.execute(
            "INSERT INTO bidding.document (id, lot, name, sha256, size, added_at)"
            " VALUES ($1, $2, $3, '', $4, $5)",
            document,
            world.lot,
            path.name,
            path.stat().st_size,
            LATER,
        )
    submissions = {}
    for bidder in cast():
        if bidder.role in {"withdraws", "late"}:
            continue
        submission = uuid4()
        submissions[submission] = bidder.persona
        files: dict[str, dict[str, str]] = {}
        for volume in VOLUMES:
            files[volume] = {}
            place = the_files() / bidder.persona / volume
            for number, path in enumerate(sorted(place.iterdir())):
                key = f"opened/{submission}/{volume}/{number:04d}{path.suffix}"
                await world.objects.put(key, path.read_bytes())
                files[volume][path.name] = key
        await insert_bid(owner, world.lot, submission, bidder, files)
    await set_clock(LATER)
    await world.move_lot("closed", "cut", "opening", "recorded")
    return world, submissions


async def a_flagged_lot(
    db: Database,
    owner: "asyncpg.Connection[asyncpg.Record]",
    set_clock: SetClock,
    folder: Path,
) -> World:
    """A recorded lot with one finding about two bids, without any file: quick to make."""
    world = await make_world(db, owner, set_clock, folder)
    keys = [uuid4(), uuid4()]
    for submission, bidder in zip(keys, cast(), strict=False):
        await insert_bid(owner, world.lot, submission, bidder, {})
    await set_clock(LATER)
    await world.move_lot("closed", "cut", "opening", "recorded")
    bidders = tuple(sorted(str(key) for key in keys))
    finding = Finding(
        flag="R102",
        grade="B",
        carrier="machine",
        article="招标投标法实施条例第四十条第一项",
        bidders=bidders,
        values={"bids": "2", "code": "0A7633D6"},
        base_rate=Tally().rate("R102"),
        evidence=(Evidence(kind="machine", data={"a": bidders[0], "b": bidders[1], "code": "0A"}),),
        measure="2",
    )
    found = suspicions((finding,))
    examination = Examination(
        lot=world.lot,
        tender=world.tender,
        examined_at=LATER,
        rules_version=RULES_VERSION,
        bids=2,
        pairs=1,
        grade=found[0].grade,
        due_at=LATER + timedelta(days=7),
        suspicions=found,
        problems=(),
    )
    async with transaction(db, "supervision") as connection:
        assert await store.insert_examination(connection, examination)
        await store.insert_finding(connection, world.lot, 1, finding)
    return world


async def insert_bid(
    owner: "asyncpg.Connection[asyncpg.Record]",
    lot: UUID,
    submission: UUID,
    bidder: Any,
    files: dict[str, dict[str, str]],
) -> None:
    """One opened bid, as the opening would have written it."""
    await owner.execute(
        "INSERT INTO bidding.opened_bid"
        " (lot, submission, uscc, name, items, files, machine_code)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        lot,
        submission,
        bidder.uscc,
        bidder.name,
        json.dumps(open_items(bidder)),
        json.dumps(files),
        machine_code(bidder, SEED),
    )


def stranger(actor: Actor) -> Actor:
    """The supervisor of some other tender."""
    return replace(actor, id=uuid4(), subject="91340600MA2YGX001X")

"""A lot with the demonstration's bids, opened and recorded, and two supervisors."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conftest import SetClock
from experts_world import LATER, SUPERVISOR, World, make_world
from foundation.database import Database
from foundation.documents.font import choose
from foundation.identity import Actor
from foundation.statements.signed import KeySigner
from sunbid.demo_files.bids import (
    cast,
    machine_code,
    open_items,
    write_bid,
    write_tender_documents,
)

SEED = 7


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
    face = choose()
    for path in write_tender_documents(folder / "tender", face=face):
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
        volumes = write_bid(folder / bidder.persona, bidder, seed=SEED, face=face)
        files: dict[str, dict[str, str]] = {}
        for volume, place in volumes.items():
            files[volume] = {}
            for number, path in enumerate(sorted(place.iterdir())):
                key = f"opened/{submission}/{volume}/{number:04d}{path.suffix}"
                await world.objects.put(key, path.read_bytes())
                files[volume][path.name] = key
        await insert_bid(owner, world.lot, submission, bidder, files)
    await set_clock(LATER)
    await world.move_lot("closed", "cut", "opening", "recorded")
    return world, submissions


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

"""Crashes and disks while a bid arrives (cases 51 to 59)."""

import errno
import os
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from bidding.bid import service as bids
from bidding.bid import upload_store, uploads
from bidding.sealing.parts import PART, part_hash, tree_of_parts
from bidding.sealing.refusals import WrongPart
from foundation.problems import DiskFull
from foundation.statements.signed import read
from streams import blocks
from world import World, refused

Owner = asyncpg.Connection


class Crash(Exception):
    """The process ends here."""


async def begun(world: World, *parts: bytes) -> tuple[UUID, str, list[str]]:
    """An announced upload of these parts."""
    hashes = [part_hash(part) for part in parts]
    size = sum(len(part) for part in parts)
    upload, secret = await uploads.begin_upload(
        world.desk, b"session", size, tree_of_parts(hashes), hashes
    )
    return upload, secret, hashes


def stored_files(world: World) -> list[Path]:
    """What lies at the platform of uploads, also of unfinished ones."""
    folder = world.desk.objects.folder
    return [
        p for place in ("blobs", ".incoming") for p in (folder / place).rglob("*") if p.is_file()
    ]


@pytest.mark.misuse(51)
async def test_a_crash_after_the_part_was_durable_is_healed_by_sending_it_again(
    open_lot: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = open_lot
    parts = [b"a" * PART, b"b"]
    upload, secret, hashes = await begun(world, *parts)

    async def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(upload_store, "mark_part", crash)
        with pytest.raises(Crash):
            await uploads.store_part(world.desk, upload, secret, 1, hashes[1], blocks(parts[1]))
    assert (world.desk.objects.folder / "blobs" / str(upload) / "1").read_bytes() == parts[1]
    assert not (await uploads.show_upload(world.desk, upload, secret)).stored[1]
    assert not await uploads.store_part(world.desk, upload, secret, 1, hashes[1], blocks(parts[1]))
    assert (await uploads.show_upload(world.desk, upload, secret)).stored == (False, True)


@pytest.mark.misuse(52)
async def test_a_crash_before_the_answer_gives_the_same_ticket_to_the_same_act(
    open_lot: World, owner: Owner
) -> None:
    world = open_lot
    bidder = world.bidder(1)
    made = await world.seal(bidder)
    await world.upload(made)
    handed = world.handed(made, await world.token(bidder))
    await bids.take_in(world.desk, handed)
    # Nobody got the answer; another process answers the repetition from what was committed.
    kept = await owner.fetchval("SELECT ticket FROM bidding.act")
    again, is_new = await bids.take_in(world.desk, handed)
    assert (again.ticket, is_new) == (kept, False)
    assert read(kept).body["act"] == made.manifest.sid


@pytest.mark.misuse(54)
async def test_a_full_disk_leaves_no_part_and_the_next_try_succeeds(
    open_lot: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = open_lot
    parts = [b"a" * PART, b"b"]
    upload, secret, hashes = await begun(world, *parts)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        no = await refused(
            uploads.store_part(world.desk, upload, secret, 1, hashes[1], blocks(parts[1]))
        )
    assert isinstance(no, DiskFull)
    assert no.code == "E_DISK_FULL"
    assert stored_files(world) == []
    assert (await uploads.show_upload(world.desk, upload, secret)).stored == (False, False)
    await uploads.store_part(world.desk, upload, secret, 1, hashes[1], blocks(parts[1]))


@pytest.mark.misuse(58)
async def test_a_part_that_changed_on_the_way_or_at_its_source_is_not_stored(
    open_lot: World,
) -> None:
    world = open_lot
    parts = [b"a" * PART, b"b"]
    upload, secret, hashes = await begun(world, *parts)
    changed = b"c"
    for announced in (hashes[1], part_hash(changed)):
        no = await refused(
            uploads.store_part(world.desk, upload, secret, 1, announced, blocks(changed))
        )
        assert isinstance(no, WrongPart)
        assert no.code == "E_PART_HASH"
    assert stored_files(world) == []

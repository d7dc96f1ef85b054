"""Uploads of which nothing came are deleted; what an act names never is (sealing.md 6.1)."""

from datetime import timedelta

import asyncpg
import pytest_asyncio

from bidding.bid import service as bids
from bidding.bid import uploads
from bidding.bid.domain import UnknownUpload, UploadIncomplete
from bidding.bid.expiry import delete_expired
from streams import blocks
from world import MORNING, BidderOf, SealedBid, World, refused

Owner = asyncpg.Connection
SIXTY = timedelta(days=60)


@pytest_asyncio.fixture
async def open_lot(world: World) -> World:
    """A published lot on the morning of its deadline."""
    await world.published_lot()
    await world.set_clock(MORNING)
    return world


async def uploaded(world: World, number: int) -> tuple[BidderOf, SealedBid]:
    """A bidder whose files have arrived."""
    bidder = world.bidder(number)
    made = await world.seal(bidder)
    await world.upload(made)
    return bidder, made


async def test_what_nobody_handed_in_is_deleted_with_its_parts(
    open_lot: World, owner: Owner
) -> None:
    world = open_lot
    bidder, bound = await uploaded(world, 1)
    await world.hand_in(bidder, bound)
    _, left = await uploaded(world, 2)
    blobs = world.desk.objects.folder / "blobs"
    await world.set_clock(MORNING + SIXTY)
    assert await delete_expired(world.desk) == 0, "an intake may still be on its way"
    await world.set_clock(MORNING + SIXTY + timedelta(days=1, seconds=1))
    assert await delete_expired(world.desk) == len(left.uploads)
    assert await delete_expired(world.desk) == 0
    for upload, _ in left.uploads:
        assert not list((blobs / str(upload)).glob("*"))
    for upload, _ in bound.uploads:
        assert list((blobs / str(upload)).glob("*")), "what an act names stays"
    assert await owner.fetchval("SELECT count(*) FROM bidding.upload") == len(bound.uploads)


async def test_an_upload_lasts_sixty_days_from_its_last_part(open_lot: World) -> None:
    world = open_lot
    bidder, made = await uploaded(world, 1)
    upload, secret = made.uploads[0]
    later = MORNING + timedelta(days=59)
    await world.set_clock(later)
    content = next(iter(made.files.values())).read_bytes()
    part = next(iter(made.sealed.values())).parts[0]
    await uploads.store_part(world.desk, upload, secret, 0, part, blocks(content))
    assert (await uploads.show_upload(world.desk, upload, secret)).expires_at == later + SIXTY
    # The other file was not touched again: nobody can use it any more.
    other, its_secret = made.uploads[1]
    await world.set_clock(MORNING + SIXTY)
    no = await refused(uploads.show_upload(world.desk, other, its_secret))
    assert isinstance(no, UnknownUpload)
    await world.set_clock(MORNING)
    assert (await uploads.show_upload(world.desk, other, its_secret)).complete
    await world.hand_in(bidder, made)


async def test_an_expired_upload_is_not_handed_in(open_lot: World, owner: Owner) -> None:
    world = open_lot
    bidder, made = await uploaded(world, 1)
    await owner.execute("UPDATE bidding.upload SET expires_at = $1", MORNING)
    no = await refused(bids.take_in(world.desk, world.handed(made, await world.token(bidder))))
    assert isinstance(no, UploadIncomplete)

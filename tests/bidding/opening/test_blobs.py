"""Sealed files that rot or vanish: found early, told, supplied again bit by bit (7.1, 9.8)."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from bidding.bid import service as bids
from bidding.bid import uploads
from bidding.bid.domain import UploadIncomplete
from bidding.bid.read_back import read_back_taken_in
from bidding.opening.closings.blobs import read_back, resupply
from bidding.opening.domain import WindowOpen, WrongPhase
from bidding.opening.results.unsealing import open_lot
from bidding.sealing.refusals import WrongTree
from foundation.database import reading
from foundation.statements.store import kept_events
from opening_world import all_hold, later, open_all, results, with_bids
from sunbid.verify.verifier import verify_package
from world import VOLUMES, BidderOf, SealedBid, World, refused

VOLUME = VOLUMES[0]


def first_part(world: World, made: SealedBid, volume: str = VOLUME) -> Path:
    """Where the platform keeps the first part of a sealed file."""
    place = dict(zip(made.files, made.uploads, strict=True))[volume][0]
    return world.desk.objects.folder / "blobs" / str(place) / "0"


def tree_of(made: SealedBid, volume: str = VOLUME) -> str:
    return made.sealed[volume].listed.tree


def rot(place: Path) -> None:
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(bytes(content))


async def again(world: World, made: SealedBid, volume: str = VOLUME) -> tuple[UUID, str]:
    """The bidder's own file, uploaded anew."""
    kept = made.uploads
    one = SealedBid(
        manifest=made.manifest,
        files={volume: made.files[volume]},
        sealed={volume: made.sealed[volume]},
    )
    await world.upload(one, b"another session")
    assert made.uploads == kept
    return one.uploads[0]


async def begun(world: World, *destroyed: int) -> list[BidderOf]:
    """The closing is signed and phase 1 runs; nothing was read back so far.

    The first parts of the `destroyed` bidders' files are gone before the closing.
    """
    bidders = await with_bids(world)
    for number in destroyed:
        first_part(world, bidders[number].bids[-1]).unlink()
    closing = await world.close()
    await world.tick(2)
    await world.step("phase1")
    for bidder in bidders:
        await world.release(bidder, closing)
    await world.check_all()
    return bidders


@pytest.mark.misuse(55)
async def test_rot_is_found_after_the_intake_and_its_bidder_is_told(world: World) -> None:
    bidders = await with_bids(world)
    assert await read_back_taken_in(world.desk) == 0
    late = world.bidder(4)
    made = await world.seal(late)
    await world.upload(made)
    # What no act names is nobody's bid: it may still be on its way.
    place = first_part(world, made)
    rot(place)
    assert await read_back_taken_in(world.desk) == 0
    act = await world.hand_in(late, made)
    assert await read_back_taken_in(world.desk) == 1
    assert (await bids.show_act(world.desk, act.sid)).damaged == (tree_of(made),)
    other = await bids.show_act(world.desk, bidders[0].acts[0].sid)
    assert other.damaged == ()
    # Before the deadline already the bidder mends it, with nothing but its own file.
    upload, secret = await again(world, made)
    await resupply(world.desk, world.lot, tree_of(made), upload, secret)
    assert (await bids.show_act(world.desk, act.sid)).damaged == ()
    assert place.read_bytes() == made.files[VOLUME].read_bytes()[: len(place.read_bytes())]
    async with reading(world.db, "bidding") as connection:
        # Nothing about a bid is told before the closing.
        assert await kept_events(connection, "bidding:file:resupplied", world.lot) == []


@pytest.mark.misuse(55, 56, 84)
@pytest.mark.threat("T9")
async def test_a_damaged_file_comes_again_before_anything_is_decrypted(world: World) -> None:
    bidders = await begun(world)
    first, second = (bidder.bids[-1] for bidder in bidders[:2])
    rot(first_part(world, first))
    first_part(world, second).unlink()
    await read_back(world.desk, world.lot)
    async with reading(world.db, "bidding") as connection:
        told = await kept_events(connection, "bidding:file:damaged", world.lot)
    assert {event.body["data"]["tree"] for event in told} == {tree_of(first), tree_of(second)}
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    # Everything else is ready: phase 4 waits for the two files, and for nobody's convenience.
    assert isinstance(await refused(world.step("phase4")), WindowOpen)
    for made in (first, second):
        await resupply(world.desk, world.lot, tree_of(made), *await again(world, made))
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()
    assert set((await results(world)).values()) == {"OPENED"}
    await all_hold(world)


@pytest.mark.misuse(56)
@pytest.mark.threat("T9")
async def test_a_file_destroyed_before_the_closing_keeps_no_lot_from_closing(world: World) -> None:
    bidders = await begun(world, 0)
    lost = bidders[0].bids[-1]
    await read_back(world.desk, world.lot)
    # Its custodians could check their shares, its bidder could release: header and wraps stand.
    await resupply(world.desk, world.lot, tree_of(lost), *await again(world, lost))
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    assert set((await results(world)).values()) == {"OPENED"}


@pytest.mark.misuse(55, 56)
async def test_the_platform_answers_for_what_nobody_supplies_again(world: World) -> None:
    bidders = await begun(world)
    first, second = (bidder.bids[-1] for bidder in bidders[:2])
    rot(first_part(world, first))
    first_part(world, second).unlink()
    await read_back(world.desk, world.lot)
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await later(world, timedelta(minutes=14))
    assert isinstance(await refused(world.step("phase4")), WindowOpen)
    await later(world, timedelta(minutes=2))
    await world.step("phase4")
    # From now on prices can be seen: nobody supplies anything any more.
    upload = await again(world, first)
    no = await refused(resupply(world.desk, world.lot, tree_of(first), *upload))
    assert isinstance(no, WrongPhase)
    await open_lot(world.desk, world.lot)
    await world.tick()
    (draft,) = await world.waiting("host", "opening-record")
    await all_hold(world)
    (record,) = await world.kept("opening-record")
    assert record.sid == draft
    lost = {r["tree"]: (r["code"], r["fault"]) for r in record.body["results"]}
    assert lost[tree_of(first)] == ("BLOB_CORRUPT", "platform")
    assert lost[tree_of(second)] == ("BLOB_MISSING", "platform")
    assert sum(code == "OPENED" for code, _ in lost.values()) == len(lost) - 2
    assert outcomes_hold(world) is True


@pytest.mark.misuse(84)
async def test_a_file_that_is_lost_after_it_was_read_back_is_doubted(world: World) -> None:
    bidders = await begun(world)
    await read_back(world.desk, world.lot)
    await world.step("phase3")
    await world.custodians_release()
    await world.tick()
    await world.step("phase4")
    first_part(world, bidders[0].bids[-1]).unlink()
    await open_lot(world.desk, world.lot)
    await world.tick()
    await all_hold(world)
    assert outcomes_hold(world) is None


def outcomes_hold(world: World) -> bool | None:
    """What a stranger's verifier says of the codes: None is a doubt."""
    with (world.folder / "package.zip").open("rb") as source:
        return next(c.ok for c in verify_package(source) if c.id == "C33")


@pytest.mark.misuse(57)
async def test_only_the_same_file_is_taken_again(world: World) -> None:
    bidders = await begun(world)
    made = bidders[0].bids[-1]
    other = await world.seal(bidders[0])
    foreign = world.bidder(9)
    stranger = await world.seal(foreign)
    rot(first_part(world, made))
    await read_back(world.desk, world.lot)
    tree = tree_of(made)
    # Another version of its own, or the file of somebody who did not bid.
    for one in (other, stranger):
        upload = await again(world, one)
        assert isinstance(await refused(resupply(world.desk, world.lot, tree, *upload)), WrongTree)
        no = await refused(resupply(world.desk, world.lot, tree_of(one), *upload))
        assert isinstance(no, WrongTree)
    # Announced, not sent.
    size = made.files[VOLUME].stat().st_size
    upload = await uploads.begin_upload(
        world.desk, b"third", size, tree, list(made.sealed[VOLUME].parts)
    )
    assert isinstance(
        await refused(resupply(world.desk, world.lot, tree, *upload)), UploadIncomplete
    )
    await resupply(world.desk, world.lot, tree, *await again(world, made))
    # It rots on its second way as well: what is copied is what was read.
    upload = await again(world, made)
    rot(world.desk.objects.folder / "blobs" / str(upload[0]) / "0")
    assert isinstance(
        await refused(resupply(world.desk, world.lot, tree, *upload)), UploadIncomplete
    )
    await open_all(world)
    assert set((await results(world)).values()) == {"OPENED"}

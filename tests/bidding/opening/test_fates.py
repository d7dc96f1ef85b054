"""One opening in which every bid has another fate: whole transcripts for every outcome code.

What became of each envelope is written beside it; the record says the same, and a stranger's
verifier recomputes it from the package alone (C33) and finds nothing wrong.
"""

import random
import re

import pytest

from bidding.opening.closings import blobs
from bidding.opening.domain import WindowOpen, WrongPhase, false_complaints
from bidding.opening.hall import hall_facts
from bidding.opening.releases.cures import take_cure
from bidding.opening.results.unsealing import open_lot
from bidding.sealing.bidder import unwrap_b
from fates import Fate, lose, sealed_as
from foundation.statements.canonical import unb64
from opening_world import (
    W2_OVER,
    WINDOW,
    a_cure,
    all_hold,
    ask,
    end,
    later,
    open_all,
    release_without,
    says,
)
from sunbid.verify.verifier import verify_package
from world import MORNING, BidderOf, World, refused

FATES = {
    "honest": Fate(code="OPENED"),
    "junk to one": Fate(code="OPENED", junk={"T": (2,)}),
    "junk to two": Fate(code="DEAL_DISPUTED", junk={"T": (1, 2)}),
    "bent": Fate(code="BIDDER_BAD_DEAL", bent={"T": (1,)}),
    "bad chunk": Fate(code="SEALED_WRONG", chunk=True),
    "program": Fate(code="PACKAGE_BAD", program=True),
    "missing": Fate(code="BLOB_MISSING", lost="missing"),
    "rotten": Fate(code="BLOB_CORRUPT", lost="corrupt"),
}


async def handed_in(world: World, fates: dict[str, Fate]) -> dict[str, BidderOf]:
    """A lot with one bidder for each fate."""
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    bidders = {}
    for number, (name, fate) in enumerate(fates.items(), 1):
        bidder = bidders[name] = world.bidder(number)
        made = await sealed_as(world, bidder, fate)
        await world.upload(made)
        await world.hand_in(bidder, made)
    await world.tick(2)
    return bidders


async def opened(world: World, bidders: dict[str, BidderOf], fates: dict[str, Fate]) -> None:
    """Drive the opening to its record: bidders release, custodians say what they find."""
    closing = await world.close()
    await world.tick(2)
    await world.step("phase1")
    for name, fate in fates.items():
        if fate.lost:
            lose(world, bidders[name], fate.lost)
    await blobs.read_back(world.desk, world.lot)
    for bidder in bidders.values():
        await world.release(bidder, closing)
    await world.check_all()
    await world.tick()
    await world.step("phase3")
    for seat in world.group("T"):
        await world.accept(seat, await world.custodian_release(seat))
    await world.tick()
    await later(world, max(W2_OVER, WINDOW))
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()


async def codes(world: World, bidders: dict[str, BidderOf]) -> dict[str, str]:
    """The code of each bidder's price envelope in the record."""
    (record,) = await world.kept("opening-record")
    by_tree = {row["tree"]: row["code"] for row in record.body["results"]}
    return {
        name: by_tree[bidder.bids[-1].sealed["price"].listed.tree]
        for name, bidder in bidders.items()
    }


@pytest.mark.misuse(55, 56, 73, 74, 75, 85, 86)
async def test_every_fate_has_its_code_and_the_verifier_agrees(world: World) -> None:
    bidders = await handed_in(world, FATES)
    await opened(world, bidders, FATES)
    await all_hold(world)
    assert await codes(world, bidders) == {name: fate.code for name, fate in FATES.items()}


async def an_absent_bidder_with_a_bent_remedy(world: World) -> tuple[BidderOf, str]:
    """Phase 2 of a lot whose absent bidder dealt its remedy so that it gives no B."""
    await world.published_lot(minimum=1)
    await world.set_clock(MORNING)
    absent, present = world.bidder(1), world.bidder(2)
    made = await sealed_as(world, absent, Fate(code="BIDDER_BAD_DEAL", bent={"R": (1,)}))
    await world.upload(made)
    await world.hand_in(absent, made)
    await world.bid(present)
    await world.tick(2)
    closing = await world.begin_opening()
    await world.release(present, closing)
    await world.check_all()
    await later(world, WINDOW)
    await world.remedied()
    return absent, made.sealed["price"].listed.tree


@pytest.mark.misuse(75)
async def test_a_badly_dealt_remedy_may_be_cured_until_its_window_is_over(world: World) -> None:
    absent, tree = await an_absent_bidder_with_a_bent_remedy(world)
    # Its members released and nobody is missing: it counts as unremedied and stops nobody (9.5).
    assert isinstance(await refused(world.step("suspended")), WindowOpen)
    assert isinstance(await refused(world.step("phase3")), WindowOpen)
    head = absent.bids[-1].heads()[tree]
    b = unwrap_b(head, absent.opening.exchange, absent.opening.public)
    await take_cure(world.desk, await a_cure(world, tree, "B", b), world.lot)
    await open_all(world)
    await all_hold(world)
    (record,) = await world.kept("opening-record")
    assert {row["code"] for row in record.body["results"]} == {"OPENED"}


async def test_a_badly_dealt_remedy_stays_closed_and_the_others_open(world: World) -> None:
    _, tree = await an_absent_bidder_with_a_bent_remedy(world)
    await later(world, W2_OVER)
    assert isinstance(await refused(world.step("suspended")), WrongPhase)
    await open_all(world)
    await all_hold(world)
    (record,) = await world.kept("opening-record")
    found = {row["tree"]: row["code"] for row in record.body["results"]}
    assert found.pop(tree) == "BIDDER_BAD_DEAL"
    assert set(found.values()) == {"OPENED"}


@pytest.mark.misuse(77)
async def test_who_calls_a_right_wrap_bad_is_named_for_it(world: World) -> None:
    bidders = await handed_in(world, {"a": FATES["honest"], "b": FATES["junk to one"]})
    closing = await world.begin_opening()
    for bidder in bidders.values():
        await world.release(bidder, closing)
    first, second, third = world.group("T")
    trees = {n: b.bids[-1].sealed["price"].listed.tree for n, b in bidders.items()}
    # One lies of an honest bid; the other says the truth of a wrap that is junk.
    await says(world, first, "unwrap_failed", trees["a"])
    for seat in (second, third, *world.group("R")):
        await world.check(seat)
    await world.step("phase3")
    await release_without(world, first, trees["a"])
    for seat in (second, third):
        await world.accept(seat, await world.custodian_release(seat))
    await world.tick()
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()
    assert await named(world) == {"T1 unwrap_failed " + trees["a"][:12]}
    await all_hold(world)
    assert blamed(world) == await named(world)


async def named(world: World) -> set[str]:
    """Whom the hall names for calling a right wrap bad."""
    facts = await hall_facts(world.db, world.lot)
    assert facts.needed is not None
    lies = false_complaints(facts.listed, facts.results, facts.shares, facts.checks, facts.needed)
    return {f"{one.group}{one.i} {one.result} {one.tree[:12]}" for one in lies}


def blamed(world: World) -> set[str]:
    """Whom a stranger's verifier names for it."""
    with (world.folder / "package.zip").open("rb") as source:
        (said,) = [c for c in verify_package(source) if c.id == "C29"]
    found = re.findall(r"\((\w+)\): member (\w+) said (\w+) of a right wrap", said.detail)
    return {f"{seat} {result} {tree}" for tree, seat, result in found}


@pytest.mark.misuse(77)
async def test_a_lost_file_excuses_nobody_who_called_its_right_wrap_bad(world: World) -> None:
    fates = {"lost": FATES["missing"], "b": FATES["honest"], "bent": FATES["bent"]}
    bidders = await handed_in(world, fates)
    closing = await world.begin_opening()
    lose(world, bidders["lost"], "missing")
    await blobs.read_back(world.desk, world.lot)
    trees = {n: b.bids[-1].sealed["price"].listed.tree for n, b in bidders.items()}
    for bidder in bidders.values():
        await world.release(bidder, closing)
    first, *others = world.group("T")
    # Of the bent one no T comes, so nothing shows whether its wrap was right.
    await says(world, first, "unwrap_failed", trees["lost"], trees["bent"])
    for seat in (*others, *world.group("R")):
        await world.check(seat)
    await world.step("phase3")
    for seat in others:
        await world.accept(seat, await world.custodian_release(seat))
    await later(world, max(W2_OVER, WINDOW))
    await world.step("phase4")
    await open_lot(world.desk, world.lot)
    await world.tick()
    await all_hold(world)
    (said,) = await world.kept("opening-record")
    codes_ = {row["tree"]: row["code"] for row in said.body["results"]}
    assert codes_[trees["lost"]] == "BLOB_MISSING"
    assert await named(world) == {"T1 unwrap_failed " + trees["lost"][:12]} == blamed(world)


@pytest.mark.misuse(77)
async def test_an_end_excuses_nobody_who_called_a_right_wrap_bad(world: World) -> None:
    bidders = await handed_in(world, {"a": FATES["honest"], "b": FATES["honest"]})
    closing = await world.begin_opening()
    for bidder in bidders.values():
        await world.release(bidder, closing)
    trees = [bidder.bids[-1].sealed["price"].listed.tree for bidder in bidders.values()]
    first, second, third = world.group("T")
    await says(world, first, "unwrap_failed", *trees)
    for seat in (second, third, *world.group("R")):
        await world.check(seat)
    await world.step("phase3")
    given = await world.custodian_release(third)
    await world.accept(second, await world.custodian_release(second))
    await later(world, W2_OVER)
    await world.step("suspended")
    # Somebody supplies the share of one envelope; the other keeps the lot from opening.
    value = next(one["value"] for one in given.body["shares"] if one["tree"] == trees[0])
    await take_cure(
        world.desk, await a_cure(world, trees[0], "tshare", unb64(value, 32), i=3), world.lot
    )
    await end(world, await ask(world, "terminated"))
    await world.tick()
    await open_lot(world.desk, world.lot)
    await world.tick()
    await all_hold(world)
    assert await named(world) == {"T1 unwrap_failed " + trees[0][:12]} == blamed(world)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(12))
async def test_any_mixture_of_fates_agrees_with_the_verifier(world: World, seed: int) -> None:
    drawn = random.Random(seed).choices(list(FATES.values()), k=4)
    fates = {f"bidder {n}": fate for n, fate in enumerate(drawn)}
    bidders = await handed_in(world, fates)
    await opened(world, bidders, fates)
    await all_hold(world)
    assert await codes(world, bidders) == {name: fate.code for name, fate in fates.items()}

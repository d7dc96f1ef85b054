"""A receipt from amber to green: the quorum has seen its checkpoint (sealing.md 13)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bid_world import as_base64
from bidding.bid import service as bids
from bidding.opening.closings.closing import open_identities
from bidding.sealing.bodies import read_body
from foundation.ledger.keeper import ReleaseRefused
from foundation.ledger.receipt import Level, Verdict, receipt_file, verify_receipt
from foundation.statements.signed import Statement, read
from ledger_world import WitnessCast
from world import World


@pytest.fixture
def witnesses(world: World, tmp_path: Path) -> Iterator[WitnessCast]:
    """Two witnesses of the world's ledger; both must sign."""
    anchors = [("licence", der) for der in world.desk.anchors]
    anchors += [("platform", der) for der in world.desk.platform_anchors]
    lines = [f"#anchor {role} {as_base64(der)}" for role, der in anchors]
    keeper = world.signer.keeper
    assert keeper is not None
    cast = WitnessCast(tmp_path, keeper.vkey, more="\n".join(lines))
    yield cast
    cast.close()


async def verdict(world: World, cast: WitnessCast, act: Statement) -> Verdict:
    state = await bids.show_act(world.desk, act.sid)
    assert state.act.receipt is not None
    assert state.proof is not None
    raw = receipt_file(read(state.act.receipt), state.proof)
    return verify_receipt(raw, cast.policy, read_body, statements=[act])


@pytest.mark.misuse(97)
async def test_a_receipt_is_amber_until_the_quorum_has_signed(
    world: World, witnesses: WitnessCast
) -> None:
    await world.published_lot()
    bidder = world.bidder(1)
    await world.bid(bidder)
    await world.tick()
    (act,) = bidder.acts
    watching = witnesses.over(world.db)
    assert (await verdict(world, witnesses, act)).level is Level.ACCEPTED
    witnesses.away = {"press"}
    await watching.ask_all()
    assert (await verdict(world, witnesses, act)).level is Level.ACCEPTED
    witnesses.away = set()
    await watching.ask_all()
    green = await verdict(world, witnesses, act)
    assert green.level is Level.WITNESSED, green
    # Later checkpoints that nobody outside has seen yet take nothing back.
    await world.tick()
    assert (await verdict(world, witnesses, act)).level is Level.WITNESSED


async def test_the_signer_opens_a_lot_only_for_a_closing_that_the_quorum_saw(
    world: World, witnesses: WitnessCast
) -> None:
    keeper = world.signer.keeper
    assert keeper is not None
    keeper.rules = replace(keeper.rules, policy=witnesses.policy)
    await world.published_lot()
    for number in range(1, 4):
        await world.bid(world.bidder(number))
    await world.close()
    await world.tick()
    with pytest.raises(ReleaseRefused, match="witnesses"):
        await open_identities(world.desk, world.lot)
    await witnesses.over(world.db).ask_all()
    assert await open_identities(world.desk, world.lot)

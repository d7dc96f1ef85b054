"""A lot as it stands once its deadline passed, kept, so that many openings of it can be played.

Six bidders handed in two volumes each; what five of them did to the first one stands in `CAST`.
The last one was left out of the closing. A copy of database, files and signer is a matter of
milliseconds, sealing and handing in is not.
"""

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from bidding.bid.domain import Act, final_acts
from bidding.licence.file import FileAuthority
from bidding.opening.closings import closing as closings
from bidding.sealing.suites import Suite
from conftest import as_owner, clock_of
from fates import Fate, sealed_as
from foundation.database import Database
from foundation.embedded import APPLICATION, OWNER, EmbeddedServer
from foundation.objects import ObjectStore
from opening_world import TWO
from world import MORNING, BidderOf, InProcessSigner, World, clock_over, make_world

# As `clock_of` does, over one connection: an opening of this kind moves its clock all the time.
STOP: Final = """
    UPDATE foundation.platform_clock
       SET demo = true, real_at = clock_timestamp(), platform_at = $1, factor = 0
"""
FIRST: Final = "qual"
CAST: Final = {
    "honest": Fate(),
    "junk to one of each": Fate(junk={"T": (2,), "R": (1,)}),
    "junk to two of each": Fate(junk={"T": (1, 2), "R": (1, 2)}),
    "bent": Fate(bent={"T": (1,), "R": (3,)}),
    "bad chunk": Fate(bent={"R": (1,)}, chunk=True),
    "left out": Fate(program=True),
}
LEFT_OUT: Final = "left out"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A lot whose closing is signed, on disk and in a database of its own."""

    server: EmbeddedServer
    database: str
    world: World
    bidders: dict[str, BidderOf]
    numbers: "count[int]"
    clocks: dict[str, "asyncpg.Connection[asyncpg.Record]"] = field(default_factory=dict)

    @contextmanager
    def copied(self) -> Iterator[tuple[str, Path]]:
        """The name of a copy of the database and a copy of the folder."""
        number = next(self.numbers)
        name, folder = f"{self.database}_{number}", self.world.folder.with_name(f"copy-{number}")
        shutil.copytree(self.world.folder, folder)
        yield name, folder
        shutil.rmtree(folder)

    async def begin(self, name: str, folder: Path) -> World:
        """A world on a copy, as everybody left it."""
        await as_owner(self.server, f"CREATE DATABASE {name} TEMPLATE {self.database}")
        world = self.world
        keeper = copy.copy(world.keeper)
        keeper.folder = folder / "signer"
        db = await Database.open(self.server.dsn(APPLICATION, name), 2)
        assert isinstance(world.desk.authority, FileAuthority)
        desk = replace(
            world.desk,
            db=db,
            authority=replace(world.desk.authority, now=clock_over(db)),
            objects=ObjectStore.open(folder / "objects"),
            signer=InProcessSigner(folder / "none.sock", keeper=keeper),
            work=folder / "work",
        )
        clock = self.clocks[name] = await asyncpg.connect(self.server.dsn(OWNER, name))

        async def stop_at(at: datetime) -> None:
            await clock.execute(STOP, at)

        members = {
            label: replace(seat, guard=list(seat.guard)) for label, seat in world.members.items()
        }
        return replace(
            world,
            desk=desk,
            keeper=keeper,
            folder=folder,
            set_clock=stop_at,
            members=members,
        )

    async def end(self, world: World, name: str) -> None:
        """The copy is not needed any more."""
        await world.db.close()
        await self.clocks.pop(name).close()
        await as_owner(self.server, f"DROP DATABASE {name} WITH (FORCE)")


async def keep(server: EmbeddedServer, folder: Path, suite: Suite) -> Kept:
    """Play a lot up to its closing, which leaves one bid out."""
    name = f"kept_{suite.name.replace('-', '_').lower()}"
    await as_owner(server, f"CREATE DATABASE {name} TEMPLATE sunbid_template")
    db = await Database.open(server.dsn(APPLICATION, name), 2)
    world = await make_world(db, clock_of(server.dsn(OWNER, name)), folder, suite)
    world.first = (FIRST,)
    await world.published_lot(minimum=1, stages=TWO)
    await world.set_clock(MORNING)
    bidders = {}
    for number, (label, fate) in enumerate(CAST.items(), 1):
        bidder = bidders[label] = world.bidder(number)
        made = await sealed_as(world, bidder, fate, FIRST)
        await world.upload(made)
        await world.hand_in(bidder, made)
    await world.tick(2)
    forgotten = bidders[LEFT_OUT].acts[0].sid

    def forgetful(acts: list[Act], keys: str) -> dict[Any, Act]:
        return {k: act for k, act in final_acts(acts, keys).items() if act.sid != forgotten}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(closings, "final_acts", forgetful)
        await world.close()
    await world.tick(2)
    await db.close()
    return Kept(server=server, database=name, world=world, bidders=bidders, numbers=count())

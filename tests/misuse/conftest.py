"""A platform on PostgreSQL for the misuse cases that need one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from conftest import SetClock
from foundation.database import Database
from world import MORNING, World, make_world


@pytest_asyncio.fixture
async def world(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[World]:
    """A platform with its offices and seats, before any tender."""
    made = await make_world(database, set_clock, tmp_path)
    yield made
    made.keeper.close()


@pytest_asyncio.fixture
async def open_lot(world: World) -> World:
    """A published lot on the morning of its deadline."""
    await world.published_lot()
    await world.set_clock(MORNING)
    return world

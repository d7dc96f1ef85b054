"""What the tests of bidding on PostgreSQL share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from conftest import SetClock
from foundation.database import Database
from world import World, make_world


@pytest_asyncio.fixture
async def world(database: Database, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[World]:
    """A platform with its offices and seats, before any tender."""
    made = await make_world(database, set_clock, tmp_path)
    yield made
    made.keeper.close()

"""The world of drawings and panels, fresh for each test."""

from pathlib import Path

import asyncpg
import pytest_asyncio

from conftest import SetClock
from experts_world import World, make_world
from foundation.database import Database


@pytest_asyncio.fixture
async def world(
    database: Database,
    owner: "asyncpg.Connection[asyncpg.Record]",
    set_clock: SetClock,
    tmp_path: Path,
) -> World:
    """A published lot the day before its deadline."""
    return await make_world(database, owner, set_clock, tmp_path)

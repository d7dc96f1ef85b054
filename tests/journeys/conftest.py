"""What the journeys share: a platform whose clock is a demonstration's, started and moved."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest_asyncio

from demonstration import demonstration
from foundation.clock import move_platform_clock, platform_now, start_demo_clock
from foundation.database import Database, transaction
from foundation.statements.canonical import time_text
from foundation.statements.store import record_event
from world import World, make_world

__all__ = ["demonstration", "world"]


@pytest_asyncio.fixture
async def world(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> AsyncIterator[World]:
    """A platform with its offices and seats, before any plan; time goes on by itself."""

    async def move(to: datetime) -> None:
        if await start_demo_clock(owner, to, 1.0):
            return
        async with transaction(database, "foundation") as connection:
            before = await platform_now(connection)
            after = await move_platform_clock(connection, to)
            await record_event(
                connection,
                "foundation:clock:move",
                actor=None,
                group=None,
                scope=None,
                data={"before": time_text(before), "after": time_text(after)},
                public=True,
            )

    made = await make_world(database, move, tmp_path)
    yield made
    made.keeper.close()

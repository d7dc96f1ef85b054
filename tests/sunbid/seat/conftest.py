"""What the tests of a seat share: a platform, and the mode in which its clock counts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from conftest import SetClock
from foundation.database import Database
from world import World, make_world


@pytest_asyncio.fixture
async def world(
    database: Database, set_clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """A platform with its offices and seats, before any tender; its opening keys say demo."""
    monkeypatch.setenv("SUNBID_MODE", "demo")
    made = await make_world(database, set_clock, tmp_path)
    yield made
    made.keeper.close()

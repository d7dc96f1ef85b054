"""An authority's folder, and both adapters over it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from bidding.licence.development import DevAuthority
from bidding.licence.file import FileAuthority
from bidding.licence.folder import AuthorityFolder, open_folder
from licences import a_uscc, running_authority

HOLDER = a_uscc(1)
OTHER = a_uscc(2)


async def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def authority_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "folder"
    folder = open_folder(path)
    for uscc, name in ((HOLDER, "示例建设甲有限公司"), (OTHER, "示例建设乙有限公司")):
        folder.issue(uscc, name, "enterprise", datetime.now(UTC), "http://127.0.0.1:8001/crl")
    return path


@pytest.fixture(scope="session")
def folder(authority_folder: Path) -> AuthorityFolder:
    return open_folder(authority_folder)


@pytest.fixture(scope="session")
def authority_url(authority_folder: Path) -> Iterator[str]:
    with running_authority(authority_folder) as url:
        yield url


@pytest_asyncio.fixture(params=["file", "http"])
async def authority(
    request: pytest.FixtureRequest, folder: AuthorityFolder
) -> AsyncIterator[FileAuthority | DevAuthority]:
    """Every adapter of the Protocol; a new one is added here and must pass the same tests."""
    if request.param == "file":
        yield FileAuthority(folder=folder, now=now)
    else:
        yield await DevAuthority.open(request.getfixturevalue("authority_url"))

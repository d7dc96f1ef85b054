"""An authority's folder, and every adapter over it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from bidding.licence.authority import Answer
from bidding.licence.development import DevAuthority
from bidding.licence.file import FileAuthority
from bidding.licence.folder import AuthorityFolder, open_folder
from bidding.licence.remote import HttpAuthority
from foundation.statements.keyfile import Curve
from licence_service import ask, running_service, settings
from licences import a_uscc, free_port, running_authority

HOLDER = a_uscc(1)
OTHER = a_uscc(2)


async def now() -> datetime:
    return datetime.now(UTC)


CURVES: dict[str, Curve] = {"INTL-1": "P-256", "GM-1": "SM2"}


@pytest.fixture(scope="session", params=CURVES)
def authority_folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of an authority, one for each suite."""
    path = tmp_path_factory.mktemp("authority") / "folder"
    folder = open_folder(path, CURVES[request.param])
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


class NationalAuthority(HttpAuthority):
    """The adapter, and the holder's finger on the app of the test's service."""

    async def consent(self, ticket_id: str, *, yes: bool) -> Answer:
        ask(self.url, "/test/consent", {"ticket": ticket_id, "yes": yes})
        return await self.poll(ticket_id)


@pytest.fixture(scope="session")
def service_settings(
    authority_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The settings of a client of a running licence service."""
    state, port = tmp_path_factory.mktemp("service"), free_port()
    path = settings(state, authority_folder, f"http://127.0.0.1:{port}")
    with running_service(authority_folder, state, port):
        yield path


@pytest_asyncio.fixture(params=["file", "development", "national"])
async def authority(
    request: pytest.FixtureRequest, folder: AuthorityFolder
) -> AsyncIterator[FileAuthority | DevAuthority | NationalAuthority]:
    """Every adapter of the Protocol; a new one is added here and must pass the same tests."""
    if request.param == "file":
        yield FileAuthority(folder=folder, now=now)
    elif request.param == "development":
        yield await DevAuthority.open(request.getfixturevalue("authority_url"))
    else:
        yield NationalAuthority.from_file(request.getfixturevalue("service_settings"))

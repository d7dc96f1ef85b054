"""What every test may ask for: a PostgreSQL of this run, a fresh migrated copy, settings.

The server starts with the first test that needs it; each process of a parallel run has its own.
All files of a run lie in memory where there is room.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import settings as hypothesis_settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from foundation.database import Database
from foundation.embedded import APPLICATION, OWNER, EmbeddedServer, embedded_server
from foundation.ledger import key_folder
from foundation.migrate import migrate
from foundation.settings import Settings
from foundation.statements import keyfile
from tokens import soft_token

TEMPLATE = "sunbid_template"
ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")  # noqa: S108  # every name in it is random, as in any temporary folder
# All files of a run together; where less is free they lie on the disk.
ROOM = 4 << 30
# Each of some hundred signers would take 200 ms of a core; `test_signer.py` shows the real cost.
CHEAP_PASSPHRASE = 2**4
JOURNEYS = "tests/journeys/"
# Tests never pull the plug, so they need not wait for the disk.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

SKIPS_THAT_COUNT = ("shared data", "chromium", "browser")

# Daily runs are the same every time; `./run soak` looks further.
hypothesis_settings.register_profile("daily", derandomize=True, deadline=None)
hypothesis_settings.register_profile("soak", max_examples=2000, deadline=None)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "daily"))

SetClock = Callable[[datetime], Awaitable[None]]


def pytest_configure() -> None:
    """Puts the files of the run into memory: a new database has hundreds of them."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.fixture(scope="session", autouse=True)
def cheap_passphrases() -> Iterator[None]:
    """Signers and key files made in this process cost little to open; other processes' do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_folder, "SCRYPT_COST", CHEAP_PASSPHRASE)
        patch.setattr(keyfile, "_COST", CHEAP_PASSPHRASE)
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The PostgreSQL of this run, with one migrated template database."""
    with tempfile.TemporaryDirectory(prefix="sunbid-test-") as folder:
        # Where the server must run as another account, that account passes here.
        Path(folder).chmod(0o711)
        with embedded_server(Path(folder) / "postgresql", settings=FAST) as running:
            asyncio.run(make_template(running))
            yield running


async def make_template(server: EmbeddedServer) -> None:
    """Migrates the template once, and lets everybody log in without 4096 rounds of a hash."""
    for login in (OWNER, APPLICATION):
        word = (server.folder / f"{login}.password").read_text("ascii")
        await as_owner(server, f"SET scram_iterations = 1; ALTER ROLE {login} PASSWORD '{word}'")
    await as_owner(server, f"CREATE DATABASE {TEMPLATE}")
    await migrate(server.dsn(OWNER, TEMPLATE), application=APPLICATION)


async def as_owner(server: EmbeddedServer, statement: str) -> None:
    """Runs one statement as the owner, outside the databases of the tests."""
    connection = await asyncpg.connect(server.dsn(OWNER, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def database_name(server: EmbeddedServer) -> AsyncIterator[str]:
    """The name of a fresh copy of the migrated template."""
    async with fresh_copy(server) as name:
        yield name


@asynccontextmanager
async def fresh_copy(server: EmbeddedServer) -> AsyncIterator[str]:
    """A fresh copy of the migrated template, for as long as it is needed."""
    name = f"t_{uuid4().hex}"
    await as_owner(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    yield name
    await as_owner(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def owner_dsn(server: EmbeddedServer, database_name: str) -> str:
    """The address of the fresh copy for its owner, who may do everything."""
    return server.dsn(OWNER, database_name)


@pytest_asyncio.fixture
async def application_dsn(server: EmbeddedServer, database_name: str) -> str:
    """The address of the fresh copy for the application, which owns nothing."""
    return server.dsn(APPLICATION, database_name)


@pytest_asyncio.fixture
async def database(application_dsn: str) -> AsyncIterator[Database]:
    """The fresh copy, opened as the application opens it."""
    opened = await Database.open(application_dsn, 4)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def owner(owner_dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of the owner to the fresh copy: for looking behind the application's back."""
    connection = await asyncpg.connect(owner_dsn)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def set_clock(owner_dsn: str) -> SetClock:
    """Stops the platform's clock at a time; later calls set it again, also backwards."""
    return clock_of(owner_dsn)


def clock_of(owner_dsn: str) -> SetClock:
    """What stops the platform's clock of one database."""

    async def stop_at(at: datetime) -> None:
        connection = await asyncpg.connect(owner_dsn)
        try:
            await connection.execute(
                "UPDATE foundation.platform_clock"
                "   SET demo = true, real_at = clock_timestamp(), platform_at = $1, factor = 0",
                at,
            )
            await connection.execute("SELECT foundation.wake_jobs()")
        finally:
            await connection.close()

    return stop_at


@pytest.fixture
def settings(application_dsn: str, owner_dsn: str, tmp_path: Path) -> Settings:
    """Settings for development on the fresh copy, with a data folder of this test."""
    return Settings(
        mode="development",
        database_url=application_dsn,
        migration_database_url=owner_dsn,
        data_dir=tmp_path / "sunbid",
        signer_socket=tmp_path / "signer.sock",
        origin="test.example/sunbid",
        port=0,
        tick_s=0.05,
    )


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a key in a token of softhsm2; its PIN is `secret`."""
    return soft_token(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data beside the checkout; skips with the reason where it is missing."""
    folder = Path(os.environ.get("SUNBID_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no shared data: {folder.name} is not beside the checkout (SUNBID_DATA)")
    return folder


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Gives a process whole files, so that what a module shares is made once.

    The journeys are one: they share a played tender.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return JOURNEYS if file.startswith(JOURNEYS) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Replaces `--dist`, whose groups do not work with pytest 9.2 and xdist 3.8."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begin first: nobody waits at the end for one that began late."""
    items.sort(key=begins)


def begins(item: pytest.Item) -> int:
    """Played tenders, then browsers, then the others as they stand."""
    if item.path.is_relative_to(ROOT / JOURNEYS):
        return 0
    return 1 if item.get_closest_marker("demo") else 2 if item.get_closest_marker("browser") else 3


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which skipped tests count as failures, where none of them may be skipped."""
    for line in forbidden_skips(terminalreporter):
        terminalreporter.write_line(f"must not be skipped here: {line}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run for tests that were skipped where SUNBID_NO_SKIPS=yes forbids it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and forbidden_skips(reporter) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def forbidden_skips(reporter: pytest.TerminalReporter) -> list[str]:
    """Skipped tests of browsers and of the shared data; elsewhere a skip is all right."""
    if os.environ.get("SUNBID_NO_SKIPS") != "yes":
        return []
    return [
        f"{report.nodeid}: {reason}"
        for report in reporter.stats.get("skipped", [])
        if any(mark in (reason := str(report.longrepr)).lower() for mark in SKIPS_THAT_COUNT)
    ]

"""Migrations: forward, once, unchanged; with and without the right to make roles."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from foundation.database import Database, transaction
from foundation.embedded import OWNER, EmbeddedServer
from foundation.migrate import (
    MigrationChanged,
    MigrationFailed,
    MigrationsMissing,
    MigrationUnknown,
    migrate,
    migrations,
    pending,
)


@pytest_asyncio.fixture
async def empty_dsn(server: EmbeddedServer) -> AsyncIterator[str]:
    """The owner's address of an empty database."""
    name = f"e_{uuid4().hex}"
    connection = await asyncpg.connect(server.dsn(OWNER, "postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    yield server.dsn(OWNER, name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The first migration and two small ones."""
    ground = next(migration for migration in migrations() if migration.number == 1)
    (tmp_path / "0001_foundation.sql").write_text(ground.text, "utf-8")
    (tmp_path / "0002_one.sql").write_text(
        "CREATE TABLE bidding.one (number integer);\n"
        "REVOKE UPDATE ON bidding.one FROM sunbid_bidding;\n"
    )
    (tmp_path / "0003_two.sql").write_text("INSERT INTO bidding.one VALUES (1);\n")
    (tmp_path / "README.md").write_text("not a migration")
    return tmp_path


async def test_from_empty_to_head_and_again(empty_dsn: str) -> None:
    done = await migrate(empty_dsn)
    assert done.guarded
    assert [name[:4] for name in done.applied] == [f"{m.number:04}" for m in migrations()]
    assert (await migrate(empty_dsn)).applied == ()


async def test_several_at_once_apply_each_file_once(empty_dsn: str, folder: Path) -> None:
    """Take the advisory lock away and two of them meet."""
    runs = await asyncio.gather(*(migrate(empty_dsn, folder=folder) for _ in range(4)))
    assert sorted(len(run.applied) for run in runs) == [0, 0, 0, 3]


async def test_a_later_file_is_applied_alone(empty_dsn: str, folder: Path) -> None:
    await migrate(empty_dsn, folder=folder)
    (folder / "0004_three.sql").write_text("DELETE FROM bidding.one;")
    connection = await asyncpg.connect(empty_dsn)
    assert await pending(connection, folder) == ("0004_three",)
    assert (await migrate(empty_dsn, folder=folder)).applied == ("0004_three",)
    assert await pending(connection, folder) == ()
    await connection.close()


async def test_a_changed_file_is_refused(empty_dsn: str, folder: Path) -> None:
    await migrate(empty_dsn, folder=folder)
    with (folder / "0002_one.sql").open("a") as file:
        file.write("-- a word more\n")
    with pytest.raises(MigrationChanged, match="0002_one was changed"):
        await migrate(empty_dsn, folder=folder)


async def test_a_database_of_a_newer_version_is_refused(empty_dsn: str, folder: Path) -> None:
    await migrate(empty_dsn, folder=folder)
    (folder / "0003_two.sql").unlink()
    with pytest.raises(MigrationUnknown, match="0003_two"):
        await migrate(empty_dsn, folder=folder)


async def test_a_file_that_fails_leaves_nothing(empty_dsn: str, folder: Path) -> None:
    (folder / "0004_wrong.sql").write_text("CREATE TABLE bidding.half (); SELECT 1 / 0;")
    with pytest.raises(MigrationFailed, match="0004_wrong: division by zero"):
        await migrate(empty_dsn, folder=folder)
    connection = await asyncpg.connect(empty_dsn)
    assert await connection.fetchval("SELECT to_regclass('bidding.half')") is None
    assert await connection.fetchval("SELECT max(number) FROM public.migration") == 3
    await connection.close()
    (folder / "0004_wrong.sql").write_text("CREATE TABLE bidding.half ();")
    assert (await migrate(empty_dsn, folder=folder)).applied == ("0004_wrong",)


def test_two_files_of_one_number_are_refused(folder: Path) -> None:
    (folder / "0003_other.sql").touch()
    with pytest.raises(MigrationsMissing, match="same number"):
        migrations(folder)


def test_a_folder_without_migrations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationsMissing, match="found none"):
        migrations(tmp_path)


class TestWithoutTheRightToMakeRoles:
    """A login of a hosted database: it owns its database and nothing else."""

    @pytest_asyncio.fixture
    async def poor(self) -> AsyncIterator[tuple[asyncpg.Connection, EmbeddedServer, str]]:
        """A server of its own, since roles belong to a whole server."""
        import tempfile

        from foundation.embedded import embedded_server

        with tempfile.TemporaryDirectory() as place:
            Path(place).chmod(0o711)
            with embedded_server(Path(place) / "postgresql") as server:
                root = await asyncpg.connect(server.dsn(OWNER, "postgres"))
                await root.execute("CREATE ROLE poor LOGIN PASSWORD 'poor'")
                await root.execute("CREATE DATABASE poor OWNER poor")
                own = server.dsn(OWNER, "poor").replace(
                    server.dsn(OWNER).split("@")[0], "postgresql://poor:poor"
                )
                yield root, server, own
                await root.close()

    async def test_it_works_unguarded_and_is_guarded_later(
        self, poor: tuple[asyncpg.Connection, EmbeddedServer, str]
    ) -> None:
        root, _, dsn = poor
        done = await migrate(dsn)
        assert not done.guarded
        db = await Database.open(dsn, 1)
        assert not db.guarded
        async with transaction(db, "bidding") as connection:
            assert await connection.fetchval("SELECT current_user") == "poor"
        await db.close()

        await root.execute("ALTER ROLE poor CREATEROLE")
        again = await migrate(dsn)
        assert again.applied == ()
        assert again.guarded
        db = await Database.open(dsn, 1)
        assert db.guarded
        async with transaction(db, "bidding") as connection:
            assert await connection.fetchval("SELECT current_user") == "sunbid_bidding"
            assert await connection.fetchval("SELECT foundation.platform_now()") is not None
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction(db, "foundation") as connection:
                await connection.execute("UPDATE foundation.platform_clock SET factor = 1")
        await db.close()


def test_every_right_begins_a_line() -> None:
    """Only so can it be left out where the roles are missing, and given later."""
    for migration in migrations():
        assert "sunbid_" not in "".join(
            line
            for line in migration.without_rights.splitlines()
            if not line.lstrip().startswith("--")
        ), migration.name

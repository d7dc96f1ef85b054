"""Our own PostgreSQL: closed to others, whole after every kind of end, silent about nothing."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from foundation import embedded
from foundation.embedded import (
    APPLICATION,
    OWNER,
    EmbeddedFailed,
    EmbeddedFolderUnusable,
    EmbeddedInUse,
    EmbeddedMissing,
    EmbeddedServer,
    Way,
    can_enter_user_namespace,
    database_addresses,
    embedded_server,
    usual_way,
)
from foundation.settings import Settings

IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root may become another account")
needs_namespaces = pytest.mark.skipif(
    not can_enter_user_namespace(), reason="the kernel gives no user namespaces here"
)


def ways() -> list[object]:
    """Every way that this account may try."""
    if not IS_ROOT:
        return ["plain"]
    return [pytest.param("userns", marks=needs_namespaces), "setuid"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster made once, to be copied where a test wants an old one."""
    folder = tmp_path_factory.mktemp("made") / "postgresql"
    with embedded_server(folder) as server:
        asyncio.run(write_rows(server, 10))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of the cluster with ten rows."""
    copy = tmp_path / "postgresql"
    shutil.copytree(made, copy, ignore=shutil.ignore_patterns("socket"))
    return copy


def server_at(folder: Path, way: Way | None = None) -> EmbeddedServer:
    return EmbeddedServer(folder=folder, way=way or usual_way())


async def write_rows(server: EmbeddedServer, count: int) -> None:
    connection = await asyncpg.connect(server.dsn(OWNER))
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (number integer)")
        for number in range(count):
            await connection.execute("INSERT INTO kept VALUES ($1)", number)
    finally:
        await connection.close()


async def ask(server: EmbeddedServer, question: str, login: str = OWNER) -> object:
    connection = await asyncpg.connect(server.dsn(login))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


@pytest.mark.parametrize("way", ways())
def test_it_starts_as_root_and_as_an_ordinary_user(way: Way) -> None:
    # Not tmp_path: the other account could not enter it.
    place = Path("/tmp") / f"sunbid-way-{way}-{os.getpid()}"  # noqa: S108
    place.mkdir(mode=0o755)
    try:
        server = server_at(place / "postgresql", way)
        if way == "setuid":
            (place / "postgresql").mkdir(mode=0o711)
        server.start()
        try:
            assert str(asyncio.run(ask(server, "SHOW server_version"))).startswith("18.")
            assert asyncio.run(ask(server, "SHOW data_checksums")) == "on"
        finally:
            server.stop()
    finally:
        shutil.rmtree(place)


def test_the_way_in_is_closed_to_others(folder: Path) -> None:
    with embedded_server(folder) as server:
        for path in (server.socket, server.data):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for login in (OWNER, APPLICATION):
            assert stat.S_IMODE((folder / f"{login}.password").stat().st_mode) == 0o600
        assert asyncio.run(ask(server, "SHOW listen_addresses")) == ""
        right = server.dsn(OWNER)
        for wrong in (
            right.replace((folder / f"{OWNER}.password").read_text(), "guess"),
            right.replace(":" + (folder / f"{OWNER}.password").read_text(), ""),
        ):
            with pytest.raises(asyncpg.PostgresError):
                asyncio.run(asyncpg.connect(wrong))


def test_the_application_owns_nothing(folder: Path) -> None:
    with embedded_server(folder) as server:
        question = (
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolinherit"
            " FROM pg_roles WHERE rolname = current_user"
        )
        assert asyncio.run(ask(server, question, APPLICATION)) is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(ask(server, "SELECT * FROM kept", APPLICATION))


def test_rows_survive_kill_9(folder: Path) -> None:
    with embedded_server(folder) as server:
        asyncio.run(write_rows(server, 90))
        assert server.process is not None
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        assert not server.is_running
        assert (server.data / "postmaster.pid").exists()
        server.release()
        with embedded_server(folder) as again:
            assert asyncio.run(ask(again, "SELECT count(*) FROM kept")) == 100


def test_a_stale_pid_file_of_a_number_in_use_is_removed(folder: Path) -> None:
    """In a container the numbers come again: PostgreSQL alone would refuse to start for ever."""
    lines = [str(os.getpid()), str(folder / "data"), "0", "5432", "", "", "", "ready   "]
    (folder / "data" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    with embedded_server(folder) as server:
        assert asyncio.run(ask(server, "SELECT count(*) FROM kept")) == 10


def test_it_dies_with_its_starter_and_starts_again(folder: Path) -> None:
    """kill -9 of the platform: the kernel tells the server, which shuts down in order."""
    program = (
        "import sys, time; from pathlib import Path; from foundation.embedded import *;"
        "s = EmbeddedServer(folder=Path(sys.argv[1]), way=usual_way()); s.start();"
        "print(s.process.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
    with embedded_server(folder) as server:
        assert asyncio.run(ask(server, "SELECT count(*) FROM kept")) == 10


def test_an_orphan_is_ended(folder: Path) -> None:
    """A server whose starter's death was not told to it is stopped, not fought with."""
    first = server_at(folder)
    first.start()
    first.release()
    with embedded_server(folder) as second:
        assert first.process is not None
        assert first.process.wait(5) is not None
        assert asyncio.run(ask(second, "SELECT count(*) FROM kept")) == 10


@pytest.mark.parametrize("moment_s", [0.0, 0.05, 0.2, 0.5])
def test_killed_while_it_is_made_nothing_half_made_stays(tmp_path: Path, moment_s: float) -> None:
    folder = tmp_path / "postgresql"
    program = (
        "import sys; from pathlib import Path; from foundation.embedded import *;"
        "EmbeddedServer(folder=Path(sys.argv[1]), way=usual_way()).start()"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(folder)])
    deadline = time.monotonic() + 20
    while not [*folder.glob("data.making-*")] and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(moment_s)
    starter.kill()
    starter.wait()
    with embedded_server(folder) as server:
        assert asyncio.run(ask(server, "SELECT 1")) == 1
    # The first initdb may still be cleaning up its own folder.
    with embedded_server(folder):
        assert not [*folder.glob("data.making-*")]


def test_a_folder_in_use_is_refused(folder: Path) -> None:
    with embedded_server(folder), pytest.raises(EmbeddedInUse, match="SUNBID_DATA_DIR"):
        server_at(folder).start()


def test_a_second_process_of_the_installation_joins(folder: Path) -> None:
    settings = Settings(data_dir=folder.parent)
    with embedded_server(folder) as running:
        with database_addresses(settings) as addresses:
            assert addresses.application == running.dsn(APPLICATION)
            assert addresses.login == APPLICATION
        assert running.is_running


def test_a_given_database_is_used_as_it_is(tmp_path: Path) -> None:
    settings = Settings(database_url="postgresql://a%20b@h/d", data_dir=tmp_path)
    with database_addresses(settings) as addresses:
        assert addresses.owner == addresses.application == settings.database_url
        assert addresses.login is None
    both = Settings(
        database_url="postgresql://a%20b@h/d", migration_database_url="postgresql://o@h/d"
    )
    with database_addresses(both) as addresses:
        assert addresses.owner == "postgresql://o@h/d"
        assert addresses.login == "a b"


def test_missing_programs_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "WHEEL", "no_such_package")
    with pytest.raises(EmbeddedMissing, match="DATABASE_URL"):
        server_at(folder).start()


def test_the_wheel_is_never_imported(folder: Path) -> None:
    with embedded_server(folder):
        assert embedded.WHEEL not in sys.modules


def test_data_of_another_version_is_refused(folder: Path) -> None:
    (folder / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedFolderUnusable, match="expected data of PostgreSQL 18"):
        server_at(folder).start()


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedFolderUnusable, match="SUNBID_DATA_DIR"):
        server_at(tmp_path / "file" / "postgresql").start()


@pytest.mark.skipif(IS_ROOT, reason="root may write anywhere")
def test_a_folder_without_rights_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EmbeddedFolderUnusable, match="Permission denied"):
        server_at(tmp_path / "postgresql").start()


@needs_root
def test_a_private_folder_is_refused_where_another_account_must_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(EmbeddedFolderUnusable, match="ordinary user"):
        server_at(tmp_path / "postgresql", "setuid").start()


def test_broken_data_end_as_a_sentence(folder: Path) -> None:
    (folder / "data" / "global" / "pg_control").write_bytes(b"")
    server = server_at(folder)
    with pytest.raises(EmbeddedFailed, match=r"did not start: .*see .*server\.log"):
        server.start()
    assert server.lock is None


def test_a_long_path_gets_a_short_socket(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25) / "postgresql"
    folder.parent.mkdir()
    shutil.copytree(made, folder, ignore=shutil.ignore_patterns("socket"))
    with embedded_server(folder) as server:
        assert asyncio.run(ask(server, "SELECT count(*) FROM kept")) == 10
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    shutil.rmtree(server.socket)


@needs_root
def test_a_socket_folder_of_somebody_else_is_refused(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25) / "postgresql"
    folder.parent.mkdir()
    shutil.copytree(made, folder, ignore=shutil.ignore_patterns("socket"))
    theirs = embedded.socket_folder(folder, None)
    os.chown(theirs, 65534, 65534)
    try:
        with pytest.raises(EmbeddedFolderUnusable, match="somebody else"):
            server_at(folder).start()
    finally:
        theirs.rmdir()

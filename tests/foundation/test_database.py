"""Transactions in the name of one context, and PostgreSQL's errors as refusals."""

import asyncio
import socket

import asyncpg
import pytest

from foundation.database import (
    ROLE_OF,
    BadDatabaseUrl,
    Context,
    Database,
    DatabaseTooOld,
    DatabaseUnreachable,
    OutcomeUnknown,
    UnsafeDatabase,
    check_database,
    reading,
    refuse_old_server,
    transaction,
)
from foundation.problems import Conflict, DiskFull, Invalid

CONTEXTS: tuple[Context, ...] = ("foundation", "bidding", "experts", "supervision")

NEW_PLAN = """
    INSERT INTO bidding.plan (number, title, regime, region, buyer_uscc, buyer_name,
                              estimate_yuan, summary, expected_on, published_at)
    VALUES ('1', '', '', '', '', '', $1, '', '2019-05-17', now())
"""


class Twice(Conflict):
    """There is one already."""

    code = "twice"


@pytest.mark.parametrize("context", CONTEXTS)
async def test_a_transaction_has_the_rights_of_its_context_alone(
    database: Database, context: Context
) -> None:
    async with transaction(database, context) as connection:
        assert await connection.fetchval("SELECT current_user") == f"sunbid_{context}"
        assert await connection.fetchval("SHOW transaction_isolation") == "read committed"
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT current_user") == "sunbid_application"


async def test_contexts_do_not_read_one_another(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Take SET LOCAL ROLE or a schema's USAGE away and this fails."""
    for context in CONTEXTS:
        await owner.execute(f"CREATE TABLE {context}.probe (number integer)")
    for context in CONTEXTS:
        for other in CONTEXTS:
            may = other in {context, "foundation"}
            try:
                async with reading(database, context) as connection:
                    await connection.fetch(f"SELECT number FROM {other}.probe")
            except asyncpg.InsufficientPrivilegeError:
                assert not may, f"{context} may not read {other}"
            else:
                assert may, f"{context} read {other}"


async def test_the_application_alone_may_nothing(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("CREATE TABLE bidding.probe (number integer)")
    async with database.connection() as connection:
        for statement in (
            "SELECT number FROM bidding.probe",
            "SELECT sha256 FROM public.migration",
            "CREATE TABLE public.mine ()",
            "CREATE TABLE bidding.mine ()",
            "CREATE ROLE mine",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_reading_writes_nothing(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("CREATE TABLE bidding.probe (number integer)")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with reading(database, "bidding") as connection:
            await connection.execute("INSERT INTO bidding.probe VALUES (1)")


async def test_a_refusal_takes_everything_back(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("CREATE TABLE bidding.probe (number integer)")
    with pytest.raises(Conflict):
        async with transaction(database, "bidding") as connection:
            await connection.execute("INSERT INTO bidding.probe VALUES (1)")
            raise Conflict("no")
    assert await owner.fetchval("SELECT count(*) FROM bidding.probe") == 0


async def test_a_constraint_becomes_the_refusal_that_it_stands_for(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute(
        "CREATE TABLE bidding.probe (number integer CONSTRAINT one_only UNIQUE"
        " DEFERRABLE INITIALLY DEFERRED)"
    )
    with pytest.raises(Twice, match="There is one already"):
        async with transaction(database, "bidding", {"one_only": Twice}) as connection:
            await connection.execute("INSERT INTO bidding.probe VALUES (1), (1)")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction(database, "bidding") as connection:
            await connection.execute("INSERT INTO bidding.probe VALUES (1), (1)")


async def test_a_trigger_may_name_its_constraint(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    with pytest.raises(Twice):
        async with transaction(database, "bidding", {"probe_moves": Twice}) as connection:
            await connection.execute(
                "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation',"
                " CONSTRAINT = 'probe_moves'; END $$"
            )


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT $1::text", "\0"),
        ("SELECT $1::int", 10**12),
        ("SELECT pg_catalog.make_date($1, 1, 1)", 10**9),
        (NEW_PLAN, -1),
    ],
)
async def test_a_value_that_cannot_be_stored_is_refused(
    database: Database, statement: str, value: object
) -> None:
    with pytest.raises(Invalid, match="nothing was stored"):
        async with transaction(database, "bidding") as connection:
            await connection.fetch(statement, value)


async def test_a_full_disk_is_told(database: Database) -> None:
    with pytest.raises(DiskFull, match="nothing was stored"):
        async with transaction(database, "foundation") as connection:
            await connection.execute(
                "DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$"
            )


async def test_a_broken_connection_leaves_the_outcome_unknown(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    with pytest.raises(OutcomeUnknown, match="not known whether"):
        async with transaction(database, "foundation") as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await owner.execute("SELECT pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.1)
            await connection.execute("SELECT 1")
    async with reading(database, "foundation") as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_savepoint_may_be_taken_back_alone(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("CREATE TABLE bidding.probe (number integer PRIMARY KEY)")
    async with transaction(database, "bidding") as connection:
        await connection.execute("INSERT INTO bidding.probe VALUES (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with connection.transaction():
                await connection.execute("INSERT INTO bidding.probe VALUES (1)")
    assert await owner.fetchval("SELECT count(*) FROM bidding.probe") == 1


@pytest.mark.parametrize(
    "url", ["nonsense", "http://x", "postgresql://h:port/x", "postgresql://[::1/x"]
)
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadDatabaseUrl, match="expected postgresql://"):
        await Database.open(url)


async def test_a_silent_server_is_told_without_the_password() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(DatabaseUnreachable, match=f"127.0.0.1:{port}/d") as told:
            await Database.open(f"postgresql://u:secret@127.0.0.1:{port}/d")
    assert "secret" not in told.value.message


async def test_a_wrong_password_is_told(application_dsn: str) -> None:
    wrong = application_dsn.replace("sunbid_application:", "sunbid_application:x")
    with pytest.raises(DatabaseUnreachable, match="name or password"):
        await Database.open(wrong)


async def test_a_missing_database_is_told(application_dsn: str, database_name: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="no such database"):
        await Database.open(application_dsn.replace(database_name, "nothing_here"))


async def test_an_old_server_is_refused() -> None:
    class Old:
        def get_server_version(self) -> asyncpg.ServerVersion:
            return asyncpg.types.ServerVersion(14, 0, 9, "final", 0)

    with pytest.raises(DatabaseTooOld, match="expected PostgreSQL 15 or newer, got 14"):
        refuse_old_server(Old())  # type: ignore[arg-type]


async def test_production_refuses_a_server_that_may_lose_writes(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """The server of the tests does not wait for the disk: just what must be refused."""
    with pytest.raises(UnsafeDatabase, match=r"fsync is off.*full_page_writes.*synchronous"):
        await check_database(owner)


async def test_production_refuses_the_clock_of_a_demonstration(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await owner.execute("SELECT foundation.start_demo_clock('2019-01-01Z', 60)")
    with pytest.raises(UnsafeDatabase, match=r"demonstration's \(factor 60\)"):
        await check_database(owner)


def test_every_context_has_its_role() -> None:
    assert set(ROLE_OF) == set(CONTEXTS)


async def test_nothing_of_a_transaction_stays_in_its_session(application_dsn: str) -> None:
    """Connections go from hand to hand without a cleaning round trip."""
    db = await Database.open(application_dsn, 1)
    try:
        with pytest.raises(asyncio.CancelledError):
            async with transaction(db, "bidding") as connection:
                await connection.execute("SET LOCAL statement_timeout = '7s'")
                await connection.execute("SELECT pg_advisory_xact_lock(7)")
                raise asyncio.CancelledError
        async with db.connection() as connection:
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT current_user") == "sunbid_application"
            assert await connection.fetchval("SHOW statement_timeout") == "1min"
            assert await connection.fetchval("SELECT count(*) FROM pg_locks WHERE objid = 7") == 0
            await connection.execute("SET statement_timeout = '8s'")
        async with db.connection() as connection:
            assert await connection.fetchval("SHOW statement_timeout") == "1min"
    finally:
        await db.close()


async def test_a_statement_that_is_cancelled_holds_no_lock(application_dsn: str) -> None:
    db = await Database.open(application_dsn, 1)
    try:
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    async with transaction(db, "bidding") as connection:
                        await connection.execute("SELECT pg_advisory_xact_lock(7)")
                        await connection.execute("SELECT pg_sleep(60)")
            async with reading(db, "bidding") as connection:
                assert (
                    await connection.fetchval("SELECT count(*) FROM pg_locks WHERE objid = 7") == 0
                )
    finally:
        await db.close()

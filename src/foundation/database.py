"""The door to PostgreSQL: a set of connections, transactions in the name of one context, refusals.

Services open their transaction with `transaction(db, context)` in their first line; PostgreSQL's
own errors leave here as refusals or not at all.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, LiteralString, Self, TypeAlias, cast
from urllib.parse import urlsplit

import asyncpg

from foundation.problems import DiskFull, Invalid, Refused, Unavailable

Connection: TypeAlias = asyncpg.Connection
Record: TypeAlias = asyncpg.Record
Context: TypeAlias = Literal["foundation", "bidding", "experts", "supervision"]
Refusals: TypeAlias = Mapping[str, Callable[[], Refused]]

OLDEST_SERVER: Final = 150000
ACQUIRE_TIMEOUT_S: Final = 10.0
CLOSE_TIMEOUT_S: Final = 5.0
# A session that hangs must not keep the lock of a lot for ever.
SERVER_SETTINGS: Final = {
    "application_name": "sunbid",
    "timezone": "UTC",
    "lock_timeout": "30s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}
LOST: Final = (
    "the database broke off before it answered, so it is not known whether this was saved; send "
    "the same request again or ask for its result"
)
NO_REFUSALS: Final[Refusals] = MappingProxyType({})

ROLE_OF: Final[Mapping[Context, str]] = MappingProxyType(
    {
        "foundation": "SET LOCAL ROLE sunbid_foundation",
        "bidding": "SET LOCAL ROLE sunbid_bidding",
        "experts": "SET LOCAL ROLE sunbid_experts",
        "supervision": "SET LOCAL ROLE sunbid_supervision",
    }
)

COUNT_ROLES: Final[LiteralString] = """
    SELECT count(*)
      FROM pg_catalog.pg_roles
     WHERE rolname IN ('sunbid_foundation', 'sunbid_bidding', 'sunbid_experts',
                       'sunbid_supervision')
       AND pg_catalog.pg_has_role(current_user, oid, 'MEMBER')
"""

COUNT_ROLES_TAKEN: Final[LiteralString] = """
    SELECT current_user LIKE 'sunbid\\_%' AND current_user <> session_user
"""

READ_DURABILITY: Final[LiteralString] = """
    SELECT name, setting
      FROM pg_catalog.pg_settings
     WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
       AND setting = 'off'
     ORDER BY name
     LIMIT 3
"""

READ_CLOCK_FACTOR: Final[LiteralString] = """
    SELECT factor, demo
      FROM foundation.platform_clock
     LIMIT 1
"""

log = logging.getLogger(__name__)


class BadDatabaseUrl(Invalid):
    """The address of the database is not usable."""

    code = "bad-database-url"


class DatabaseUnreachable(Unavailable):
    """The database does not answer."""

    code = "database-unreachable"


class DatabaseTooOld(Unavailable):
    """The database server is too old."""

    code = "database-too-old"


class OutcomeUnknown(Unavailable):
    """The connection broke before the answer came."""

    code = "outcome-unknown"


class RightsMissing(Unavailable):
    """The database login may not use the platform's tables."""

    code = "rights-missing"


class UnsafeDatabase(Unavailable):
    """This database may not be used in production."""

    code = "unsafe-database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open set of connections; `guarded` says whether each context has its role there."""

    connections: "asyncpg.Pool[asyncpg.Record]"
    guarded: bool

    @classmethod
    async def open(cls, dsn: str, size: int = 8) -> Self:
        """Connects; refuses an unusable address, a silent server and one older than 15."""
        try:
            connections = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                timeout=ACQUIRE_TIMEOUT_S,
                server_settings=SERVER_SETTINGS,
                reset=leave_session,
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise refusal_of_connecting(dsn, error) from None
        try:
            async with connections.acquire() as connection:
                refuse_old_server(cast("Connection", connection))
                guarded = await connection.fetchval(COUNT_ROLES) == len(ROLE_OF)
        except BaseException:
            connections.terminate()
            raise
        return cls(connections=connections, guarded=guarded)

    async def close(self) -> None:
        """Lets running statements end for five seconds, then breaks the connections."""
        try:
            await asyncio.wait_for(self.connections.close(), CLOSE_TIMEOUT_S)
        except TimeoutError:
            self.connections.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection outside any transaction, in nobody's name; its session is left clean."""
        async with self.borrowed() as connection:
            try:
                yield connection
            finally:
                if not is_lost(connection):
                    await connection.reset()

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        """A connection for one transaction, which leaves nothing behind in its session."""
        try:
            proxy = await self.connections.acquire(timeout=ACQUIRE_TIMEOUT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseUnreachable(
                "expected a free connection to the database within "
                f"{ACQUIRE_TIMEOUT_S:.0f} s, got {type(error).__name__}; try again in a moment"
            ) from None
        try:
            yield cast("Connection", proxy)
        finally:
            await self.connections.release(proxy)


async def leave_session(connection: Connection) -> None:
    """Spares the round trip that would clean a session after each transaction.

    asyncpg itself still takes back a transaction that was left open; everything that a
    transaction of ours sets is local to it.
    """
    assert not connection.is_in_transaction()


@asynccontextmanager
async def transaction(
    db: Database, context: Context, refusals: Refusals = NO_REFUSALS
) -> AsyncIterator[Connection]:
    """A READ COMMITTED transaction of its own with the rights of one context.

    A violated constraint whose name stands in `refusals` leaves as that refusal; a broken
    connection as `OutcomeUnknown`; every other error of PostgreSQL is ours and passes.
    """
    async with refusing(db, refusals), db.borrowed() as connection, unless_lost(connection):
        async with connection.transaction(isolation="read_committed"):
            if db.guarded:
                await connection.execute(ROLE_OF[context])
            yield connection


@asynccontextmanager
async def reading(db: Database, context: Context) -> AsyncIterator[Connection]:
    """One consistent read-only view with the rights of one context."""
    async with refusing(db, NO_REFUSALS), db.borrowed() as connection, unless_lost(connection):
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if db.guarded:
                await connection.execute(ROLE_OF[context])
            yield connection


@asynccontextmanager
async def refusing(db: Database, refusals: Refusals) -> AsyncIterator[None]:
    """Turns errors of PostgreSQL into the refusals that they stand for."""
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        # With its role a context that lacks a right is our own mistake; without, the login is.
        if db.guarded:
            raise
        raise RightsMissing(
            f"expected a login that may use the platform's tables, got {error}; run `sunbid "
            "migrate` with a login that may create roles (MIGRATION_DATABASE_URL)"
        ) from None
    except asyncpg.PostgresError as error:
        refused = refusal_of(error, refusals)
        if refused is None:
            raise
        raise refused from None


@asynccontextmanager
async def unless_lost(connection: Connection) -> AsyncIterator[None]:
    """A lost connection hides the first error behind one about its own state: say it plainly."""
    try:
        yield
    except asyncpg.InterfaceError:
        if is_lost(connection):
            raise OutcomeUnknown(LOST) from None
        raise


def is_lost(connection: Connection) -> bool:
    """Whether a connection that we still hold is gone."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


@asynccontextmanager
async def acting_as(
    connection: Connection, context: Context, caller: Context
) -> AsyncIterator[None]:
    """Lend another context's rights inside the caller's transaction, for one published call.

    After an error the transaction is over anyway, so the role is given back only on success.
    """
    guarded = await connection.fetchval(COUNT_ROLES_TAKEN)
    if guarded:
        await connection.execute(ROLE_OF[context])
    yield
    if guarded:
        await connection.execute(ROLE_OF[caller])


def refusal_of(error: asyncpg.PostgresError, refusals: Refusals) -> Refused | None:
    """The refusal that an error of PostgreSQL stands for, or None where it is our own mistake."""
    refused = refusals.get(getattr(error, "constraint_name", None) or "")
    if refused is not None:
        return refused()
    # A trigger of ours that guards a lifecycle names no table: that it fires is our own mistake.
    is_check = isinstance(error, asyncpg.CheckViolationError) and error.table_name is not None
    if is_check or isinstance(error, asyncpg.DataError):
        # A value of a request that no reader of ours refused: too large, below zero, with a NUL.
        # Its text would bring the row into the log.
        log.warning("cannot be stored: %s %s", type(error).__name__, error.constraint_name or "")
        return Invalid(
            "expected values that can be stored, got one that is too large, out of its range or "
            "has a character that no text may have; correct it, nothing was stored"
        )
    if isinstance(error, asyncpg.DiskFullError):
        return DiskFull("the database has no room left; nothing was stored, free some")
    if isinstance(error, (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)):
        return OutcomeUnknown(LOST)
    return None


def refuse_old_server(connection: Connection) -> None:
    """Refuses a PostgreSQL older than 15."""
    version = connection.get_server_version()
    if version.major * 10000 < OLDEST_SERVER:
        raise DatabaseTooOld(
            f"expected PostgreSQL {OLDEST_SERVER // 10000} or newer, got {version.major}; "
            "upgrade the server or point DATABASE_URL at another"
        )


def refusal_of_connecting(dsn: str, error: Exception) -> Refused:
    """Says in a sentence why connecting failed; never repeats the password."""
    if isinstance(error, ValueError | asyncpg.ClientConfigurationError):
        return BadDatabaseUrl(
            "expected postgresql://user:password@host:port/name in DATABASE_URL, got something "
            "that does not read as one; correct it or unset it to use the embedded server"
        )
    place = place_of(dsn)
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return DatabaseUnreachable(f"{place} has no such database; create it first")
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return DatabaseUnreachable(
            f"{place} refused the name or password; correct them in DATABASE_URL"
        )
    return DatabaseUnreachable(
        f"no PostgreSQL answered at {place} ({type(error).__name__}); start it, or correct "
        "DATABASE_URL, or unset it to use the embedded server"
    )


def place_of(dsn: str) -> str:
    """The host and name part of an address, without the login."""
    try:
        parts = urlsplit(dsn)
    except ValueError:
        return "the address in DATABASE_URL"
    return (parts.netloc.rpartition("@")[2] + parts.path) or "the local socket"


async def check_database(connection: Connection) -> None:
    """What production refuses of a database: lost writes after a crash, and a clock that runs."""
    faults = await durability_faults(connection)
    clock = await connection.fetchrow(READ_CLOCK_FACTOR)
    if clock is not None and (clock["demo"] or clock["factor"] != 1):
        faults.append(
            f"its platform clock is a demonstration's (factor {clock['factor']:g}); use a database "
            "that no demonstration has used"
        )
    if faults:
        raise UnsafeDatabase("; ".join(faults))


async def durability_faults(connection: Connection) -> list[str]:
    """Settings of the server by which a crash could lose what was acknowledged."""
    return [
        f"{row['name']} is off; turn it on, a crash could lose what was acknowledged"
        for row in await connection.fetch(READ_DURABILITY)
    ]

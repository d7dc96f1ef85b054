"""Applies `migrations/NNNN_what.sql` forward, each in one transaction, one migrator at a time.

What was applied is kept with its SHA-256; a file that changed afterwards is refused.
"""

import hashlib
import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, LiteralString

import asyncpg

from foundation.database import Connection, refusal_of_connecting, refuse_old_server
from foundation.problems import Unavailable

# Migrations travel inside the wheel too (pyproject, force-include).
FOLDERS: Final = (
    Path(__file__).resolve().parents[2] / "migrations",
    Path(__file__).resolve().parent / "migrations",
)
# Statements of rights begin a line of a migration, so that they can be left out and given later.
RIGHT: Final = re.compile(
    r"^(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES)\b[^;]*\bsunbid_[a-z]+\b[^;]*;", re.MULTILINE
)
# A default right holds for what is made later; where the roles come later, also for what is there.
DEFAULT_RIGHT: Final = re.compile(
    r"ALTER DEFAULT PRIVILEGES IN SCHEMA (\w+)\s+GRANT ([A-Z, ]+) ON ([A-Z]+) TO (\w+);"
)
NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
CONTEXT_ROLES: Final = (
    "sunbid_foundation",
    "sunbid_bidding",
    "sunbid_experts",
    "sunbid_supervision",
)

# Any fixed number does; migrators wait for one another under it.
LOCK_MIGRATIONS: Final[LiteralString] = """
    SELECT pg_advisory_lock(7310001)
"""

# In `public`, because the schemas are themselves made by the first migration.
MAKE_MIGRATION_TABLE: Final[LiteralString] = """
    CREATE TABLE IF NOT EXISTS public.migration (
        number     integer PRIMARY KEY,
        name       text NOT NULL,
        sha256     bytea NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
"""

APPLIED_MIGRATIONS: Final[LiteralString] = """
    SELECT number, name, sha256
      FROM public.migration
     ORDER BY number
     LIMIT 10000
"""

INSERT_MIGRATION: Final[LiteralString] = """
    INSERT INTO public.migration (number, name, sha256)
    VALUES ($1, $2, $3)
"""

HAS_MIGRATION_TABLE: Final[LiteralString] = """
    SELECT to_regclass('public.migration') IS NOT NULL AS made
"""

# Every context writes ledger entries and events, so each stands on the foundation's rights. Roles
# belong to the whole server: another database may have made them, even just now.
MAKE_ROLES: Final[LiteralString] = """
    DO $$
    DECLARE
        wanted text;
    BEGIN
        FOREACH wanted IN ARRAY ARRAY['sunbid_foundation', 'sunbid_bidding', 'sunbid_experts',
                                      'sunbid_supervision'] LOOP
            BEGIN
                IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
                    EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
                END IF;
                IF NOT pg_has_role(wanted, 'sunbid_foundation', 'MEMBER') THEN
                    EXECUTE format('GRANT sunbid_foundation TO %I', wanted);
                END IF;
            EXCEPTION
                WHEN insufficient_privilege OR undefined_object THEN NULL;
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END LOOP;
    END
    $$
"""

HAS_ROLES: Final[LiteralString] = """
    SELECT count(*) = 4 AS made
      FROM pg_catalog.pg_roles
     WHERE rolname IN ('sunbid_foundation', 'sunbid_bidding', 'sunbid_experts',
                       'sunbid_supervision')
"""

HAS_RIGHTS: Final[LiteralString] = """
    SELECT has_schema_privilege('sunbid_foundation', 'foundation', 'USAGE') AS given
"""

QUOTED_LOGIN: Final[LiteralString] = """
    SELECT quote_ident(coalesce($1, current_user)) AS login
"""


class MigrationChanged(Unavailable):
    """A migration was changed after it was applied."""

    code = "migration-changed"


class MigrationUnknown(Unavailable):
    """The database knows a migration that this version does not."""

    code = "migration-unknown"


class MigrationFailed(Unavailable):
    """A migration could not be applied."""

    code = "migration-failed"


class MigrationsMissing(Unavailable):
    """The folder of migrations is not there or not in order."""

    code = "migrations-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of SQL with its number."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> bytes:
        """What the database keeps to notice a later change."""
        return hashlib.sha256(self.text.encode()).digest()

    @property
    def rights(self) -> tuple[str, ...]:
        """The statements that give or take rights of the context roles."""
        return tuple(RIGHT.findall(self.text))

    @property
    def without_rights(self) -> str:
        """The text for a server where the context roles may not be made."""
        return RIGHT.sub("", self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What a run did: the files applied now, and whether the contexts have their roles."""

    applied: tuple[str, ...]
    guarded: bool


def migrations(folder: Path | None = None) -> tuple[Migration, ...]:
    """The files of the folder in order; refuses a missing folder and two of one number."""
    place = folder or next((f for f in FOLDERS if f.is_dir()), FOLDERS[0])
    found = [
        Migration(number=int(named[1]), name=path.stem, text=path.read_text("utf-8"))
        for path in sorted(place.glob("*.sql"))
        if (named := NAME.fullmatch(path.name))
    ]
    if not found:
        raise MigrationsMissing(f"expected migrations in {place}, found none; install again")
    for one, next_one in itertools.pairwise(found):
        if one.number == next_one.number:
            raise MigrationsMissing(f"{one.name} and {next_one.name} have the same number")
    return tuple(found)


async def migrate(
    dsn: str, *, application: str | None = None, folder: Path | None = None
) -> Migrated:
    """Brings a database to the newest migration and gives the application login its roles.

    Refuses a file changed after it was applied and a database newer than this version; a file
    that fails leaves nothing of itself behind.
    """
    # Imported here: pgqueuer takes most of a second, and only a migration and a worker need it.
    from foundation.outbox import install_queue

    wanted = migrations(folder)
    try:
        connection = await asyncpg.connect(dsn, timeout=10, server_settings={"timezone": "UTC"})
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise refusal_of_connecting(dsn, error) from None
    try:
        refuse_old_server(connection)
        await connection.execute(LOCK_MIGRATIONS)
        await connection.execute(MAKE_ROLES)
        guarded = await connection.fetchval(HAS_ROLES)
        applied = await apply_missing(connection, wanted, guarded=guarded)
        await install_queue(connection, guarded=guarded)
        if guarded:
            guarded = await give_rights(connection, wanted, application)
    finally:
        # Closing the session frees the lock too, whatever happened before.
        await connection.close(timeout=5)
    return Migrated(applied=applied, guarded=guarded)


async def apply_missing(
    connection: Connection, wanted: tuple[Migration, ...], *, guarded: bool
) -> tuple[str, ...]:
    """Applies what the database does not have; the caller holds the lock."""
    await connection.execute(MAKE_MIGRATION_TABLE)
    missing = missing_of(wanted, await connection.fetch(APPLIED_MIGRATIONS))
    for migration in missing:
        try:
            async with connection.transaction():
                await connection.execute(migration.text if guarded else migration.without_rights)
                await connection.execute(
                    INSERT_MIGRATION, migration.number, migration.name, migration.sha256
                )
        except asyncpg.PostgresError as error:
            raise MigrationFailed(
                f"{migration.name}: {error}; nothing of it was kept, correct it and run again"
            ) from error
    return tuple(migration.name for migration in missing)


def missing_of(
    wanted: tuple[Migration, ...], applied: list[asyncpg.Record]
) -> tuple[Migration, ...]:
    """The migrations not yet applied; refuses changed and unknown ones."""
    known = {migration.number: migration for migration in wanted}
    for row in applied:
        migration = known.pop(row["number"], None)
        if migration is None:
            raise MigrationUnknown(
                f"{row['name']} is applied but not part of this version; use a newer version"
            )
        if migration.sha256 != bytes(row["sha256"]):
            raise MigrationChanged(
                f"{migration.name} was changed after it was applied; put the old text back and "
                "write a new migration"
            )
    return tuple(known.values())


async def give_rights(
    connection: Connection, wanted: tuple[Migration, ...], application: str | None
) -> bool:
    """Gives the login its context roles, and every right where the roles came later.

    False where this login may not: then `sunbid doctor` says so and the triggers alone stand
    guard.
    """
    if not await connection.fetchval(HAS_RIGHTS):
        for migration in wanted:
            for given in migration.rights:
                await connection.execute(given)
                await connection.execute(
                    DEFAULT_RIGHT.sub(r"GRANT \2 ON ALL \3 IN SCHEMA \1 TO \4;", given)
                )
    login = await connection.fetchval(QUOTED_LOGIN, application)
    try:
        # An identifier cannot be a parameter; this one was quoted by PostgreSQL itself.
        await connection.execute(f"GRANT {', '.join(CONTEXT_ROLES)} TO {login}")
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


async def pending(connection: Connection, folder: Path | None = None) -> tuple[str, ...]:
    """The names of the migrations that a database still lacks; refuses as `migrate` does."""
    wanted = migrations(folder)
    if not await connection.fetchval(HAS_MIGRATION_TABLE):
        return tuple(migration.name for migration in wanted)
    applied = await connection.fetch(APPLIED_MIGRATIONS)
    return tuple(migration.name for migration in missing_of(wanted, applied))

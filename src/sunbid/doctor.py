"""Examines an installation: each finding says what is, and where it is wrong, what to do."""

import asyncio
import json
import os
import shutil
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foundation.clock import TOLD_SKEW, clock_skew, read_clock
from foundation.database import Database, check_database, durability_faults, reading
from foundation.embedded import FOLDER, Addresses, database_addresses
from foundation.migrate import pending
from foundation.problems import Refused
from foundation.settings import Settings, check_settings

LEAST_FREE_BYTES: Final = 2 << 30
SIGNER_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing examined; `ok` None means that it could not be decided or is not needed."""

    name: str
    ok: bool | None
    detail: str


async def examine(settings: Settings) -> list[Finding]:
    """Everything, in the order in which one would mend it."""
    findings = list(examine_place(settings))
    data_is_new = settings.database_url is None and not (settings.data_dir / FOLDER).exists()
    if data_is_new:
        findings.append(
            Finding(name="database", ok=None, detail="our own, made at the first `sunbid migrate`")
        )
    else:
        findings += await examine_database(settings)
    findings.append(examine_port(settings))
    findings.append(await examine_signer(settings))
    findings.append(await asyncio.to_thread(examine_font, settings))
    return findings


def examine_place(settings: Settings) -> Iterator[Finding]:
    """Settings and files, without any process."""
    try:
        check_settings(settings)
        yield Finding(name="settings", ok=True, detail=f"mode {settings.mode}")
    except Refused as refused:
        yield Finding(name="settings", ok=False, detail=refused.message)
    yield examine_disk(settings.data_dir)
    for name, path in named_files(settings):
        yield examine_file(name, path)
    if settings.administrators is not None:
        yield examine_administrators(settings.administrators)


def named_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """The files that the settings name."""
    for anchor in settings.licence_anchors:
        yield "SUNBID_LICENCE_ANCHORS", anchor
    for name, path in (
        ("SUNBID_PLATFORM_KEY", settings.platform_key),
        ("SUNBID_PLATFORM_CHAIN", settings.platform_chain),
        ("SUNBID_POLICY", settings.policy),
    ):
        if path is not None:
            yield name, path


def examine_disk(folder: Path) -> Finding:
    """Whether the data folder can be written to and has room."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(
            name="disk",
            ok=False,
            detail=f"cannot write to {place}; make it yours, or name another folder in "
            "SUNBID_DATA_DIR",
        )
    free = shutil.disk_usage(place).free
    gib = free / (1 << 30)
    if free < LEAST_FREE_BYTES:
        return Finding(
            name="disk", ok=False, detail=f"{gib:.1f} GiB free in {place}; free at least 2 GiB"
        )
    return Finding(name="disk", ok=True, detail=f"{gib:.0f} GiB free in {place}")


def examine_file(name: str, path: Path) -> Finding:
    """Whether a named file can be read, and a key is read by nobody else."""
    try:
        mode = path.stat().st_mode
        with path.open("rb"):
            pass
    except OSError as error:
        return Finding(
            name=name, ok=False, detail=f"cannot read {path}: {error.strerror}; correct the path"
        )
    if name == "SUNBID_PLATFORM_KEY" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding(name=name, ok=False, detail=f"others may read {path}; run chmod 600 on it")
    return Finding(name=name, ok=True, detail=str(path))


def examine_administrators(path: Path) -> Finding:
    """Whether the list of administrators reads: a JSON list of {kid, alg, pk, name}."""
    name = "SUNBID_ADMINISTRATORS"
    wanted = {"kid", "alg", "pk", "name"}
    try:
        rows = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        return Finding(name=name, ok=False, detail=f"cannot read {path} as JSON: {error}")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and wanted <= row.keys() for row in rows
    ):
        return Finding(
            name=name,
            ok=False,
            detail=f"expected a list of objects with {', '.join(sorted(wanted))} in {path}",
        )
    return Finding(name=name, ok=True, detail=f"{len(rows)} administrators")


async def examine_database(settings: Settings) -> list[Finding]:
    """Whether it answers, is migrated, guards the contexts, and keeps what it acknowledges."""
    try:
        with database_addresses(settings) as addresses:
            db = await Database.open(addresses.application, 2)
            try:
                return await ask_database(settings, db, addresses)
            finally:
                await db.close()
    except Refused as refused:
        return [Finding(name="database", ok=False, detail=refused.message)]


async def ask_database(settings: Settings, db: Database, addresses: Addresses) -> list[Finding]:
    """The questions to a database that answers."""
    async with db.connection() as connection:
        version = connection.get_server_version()
    kind = "our own" if addresses.is_embedded else "given"
    found = [
        Finding(
            name="database", ok=True, detail=f"{kind}, PostgreSQL {version.major}.{version.micro}"
        ),
        await found_by("migrations", lambda: ask_migrations(addresses)),
    ]
    if found[-1].ok:
        found += [
            examine_roles(db),
            await found_by("durability", lambda: ask_durability(settings, db)),
            await found_by("clock", lambda: ask_clock(db)),
            await found_by("jobs", lambda: ask_jobs(db)),
        ]
    return found


async def found_by(name: str, ask: Callable[[], Awaitable[Finding]]) -> Finding:
    """The finding of a question, or its refusal as one."""
    try:
        return await ask()
    except Refused as refused:
        return Finding(name=name, ok=False, detail=refused.message)


async def ask_migrations(addresses: Addresses) -> Finding:
    """Whether the database is of this version."""
    owner = await Database.open(addresses.owner, 1)
    try:
        async with owner.connection() as connection:
            missing = await pending(connection)
    finally:
        await owner.close()
    if missing:
        return Finding(
            name="migrations",
            ok=False,
            detail=f"{len(missing)} to apply, from {missing[0]} on; run sunbid migrate",
        )
    return Finding(name="migrations", ok=True, detail="up to date")


def examine_roles(db: Database) -> Finding:
    """Whether each context has only its own rights in the database."""
    if db.guarded:
        return Finding(name="roles", ok=True, detail="each context has its own")
    return Finding(
        name="roles",
        ok=False,
        detail="the database login has no context roles, so triggers alone stand guard; let "
        "`sunbid migrate` run with a login that may create roles (MIGRATION_DATABASE_URL)",
    )


async def ask_durability(settings: Settings, db: Database) -> Finding:
    """Whether what is acknowledged survives a crash, and the clock is a real one."""
    async with reading(db, "foundation") as connection:
        if settings.mode == "production":
            await check_database(connection)
        faults = await durability_faults(connection)
    if faults:
        return Finding(name="durability", ok=False, detail="; ".join(faults))
    return Finding(
        name="durability", ok=True, detail="fsync, full pages and synchronous commit are on"
    )


async def ask_clock(db: Database) -> Finding:
    """Whether this machine's clock agrees with the database's."""
    async with reading(db, "foundation") as connection:
        skew = await clock_skew(connection)
        platform_at, _, factor = await read_clock(connection)
    if skew > TOLD_SKEW:
        return Finding(
            name="clock",
            ok=False,
            detail=f"this machine and the database differ by {skew.total_seconds():.1f} s; keep "
            "both by NTP",
        )
    runs = "real time" if factor == 1 else f"{factor:g} times as fast as real time"
    return Finding(name="clock", ok=True, detail=f"platform time {platform_at.isoformat()}, {runs}")


async def ask_jobs(db: Database) -> Finding:
    """Whether a job was given up after all its attempts."""
    # Imported here: pgqueuer takes most of a second.
    from foundation.outbox import FAILED_JOBS

    async with reading(db, "foundation") as connection:
        failed = await connection.fetch(FAILED_JOBS)
    if failed:
        kinds = ", ".join(sorted({row["entrypoint"] for row in failed}))
        return Finding(
            name="jobs",
            ok=False,
            detail=f"{len(failed)} were given up ({kinds}); the log says why. When that is "
            "mended, `pgq requeue` puts them back",
        )
    return Finding(name="jobs", ok=True, detail="none was given up")


def examine_port(settings: Settings) -> Finding:
    """Whether the port is free, or our server has it already."""
    place = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Finding(
                name="port",
                ok=None,
                detail=f"{place} cannot be taken ({error.strerror}): the platform runs already, "
                "or name another in SUNBID_PORT",
            )
    return Finding(name="port", ok=True, detail=f"{place} is free")


async def examine_signer(settings: Settings) -> Finding:
    """Whether the signer's process listens on its socket."""
    path = settings.signer_socket
    try:
        async with asyncio.timeout(SIGNER_TIMEOUT_S):
            _, writer = await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError) as error:
        return Finding(
            name="signer",
            ok=None,
            detail=f"nobody listens on {path} ({type(error).__name__}); start `sunbid signer` "
            "before the platform",
        )
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Finding(name="signer", ok=True, detail=f"listens on {path}")


def examine_font(settings: Settings) -> Finding:
    """Whether documents get their Chinese font embedded."""
    try:
        from foundation.documents.font import choose
    except ImportError:
        return Finding(name="font", ok=None, detail="documents are not installed (sunbid[server])")
    face = choose(settings.font)
    if face.path is None:
        return Finding(
            name="font",
            ok=False,
            detail=f"only {face.name} of the reader, not embedded; run "
            "`python -m foundation.documents.font` or install fonts-wqy-zenhei",
        )
    return Finding(name="font", ok=True, detail=f"{face.source}: {face.path.name}")

"""Jobs happen if and only if their transaction commits; announcements reach their listeners."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from foundation.clock import move_platform_clock, start_demo_clock
from foundation.database import Database, transaction
from foundation.outbox import (
    SUBSCRIBER_ROOM,
    Listener,
    announce,
    enqueue,
    run_worker,
)
from foundation.problems import Conflict, Unavailable

SPRING = datetime(2019, 4, 1, 9, 0, tzinfo=UTC)


class Ran:
    """A handler that remembers what it was given."""

    def __init__(self) -> None:
        self.payloads: list[Mapping[str, Any]] = []

    async def __call__(self, db: Database, payload: Mapping[str, Any]) -> None:
        self.payloads.append(payload)


async def waiting(db: Database) -> int:
    async with transaction(db, "foundation") as connection:
        return int(await connection.fetchval("SELECT count(*) FROM foundation.pgqueuer"))


async def test_a_job_runs_after_its_transaction(database: Database, application_dsn: str) -> None:
    ran = Ran()
    async with transaction(database, "bidding") as connection:
        assert await enqueue(connection, "greet", {"name": "相山区"})
    await run_worker(application_dsn, database, {"greet": ran}, until_empty=True)
    assert ran.payloads == [{"name": "相山区"}]
    assert await waiting(database) == 0


async def test_a_job_of_a_transaction_that_failed_never_was(
    database: Database, application_dsn: str
) -> None:
    with pytest.raises(Conflict):
        async with transaction(database, "experts") as connection:
            await enqueue(connection, "greet", {})
            raise Conflict("changed my mind")
    assert await waiting(database) == 0


async def test_a_key_waits_only_once(database: Database) -> None:
    async with transaction(database, "bidding") as connection:
        assert await enqueue(connection, "close", {"lot": 1}, key="1")
        assert not await enqueue(connection, "close", {"lot": 1}, key="1")
        assert await enqueue(connection, "remind", {"lot": 1}, key="1")
    assert await waiting(database) == 2


async def test_a_job_waits_for_platform_time(
    database: Database, application_dsn: str, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    ran = Ran()
    await start_demo_clock(owner, SPRING, 60)
    async with transaction(database, "bidding") as connection:
        await enqueue(connection, "close", {}, run_at=SPRING + timedelta(days=30))
    await run_worker(application_dsn, database, {"close": ran}, until_empty=True)
    assert ran.payloads == []
    async with transaction(database, "bidding") as connection:
        await move_platform_clock(connection, SPRING + timedelta(days=29))
    await run_worker(application_dsn, database, {"close": ran}, until_empty=True)
    assert ran.payloads == []
    async with transaction(database, "bidding") as connection:
        await move_platform_clock(connection, SPRING + timedelta(days=30))
    await run_worker(application_dsn, database, {"close": ran}, until_empty=True)
    assert ran.payloads == [{}]


async def test_a_worker_that_runs_hears_the_move_of_the_clock(
    database: Database, application_dsn: str, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    done = asyncio.Event()

    async def close(db: Database, payload: Mapping[str, Any]) -> None:
        done.set()

    await start_demo_clock(owner, SPRING, 1)
    async with working(application_dsn, database, close=close):
        async with transaction(database, "bidding") as connection:
            await enqueue(connection, "close", {}, run_at=SPRING + timedelta(days=30))
        await asyncio.sleep(0.3)
        assert not done.is_set()
        async with transaction(database, "bidding") as connection:
            await move_platform_clock(connection, SPRING + timedelta(days=30))
        await asyncio.wait_for(done.wait(), 10)


@asynccontextmanager
async def working(dsn: str, db: Database, **handlers: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(dsn, db, handlers, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(worker, 15)


async def test_a_failure_is_tried_again(database: Database, application_dsn: str) -> None:
    tries = 0
    done = asyncio.Event()

    async def flaky(db: Database, payload: Mapping[str, Any]) -> None:
        nonlocal tries
        tries += 1
        if tries < 2:
            raise Unavailable("not yet")
        done.set()

    async with transaction(database, "bidding") as connection:
        await enqueue(connection, "flaky", {})
    async with working(application_dsn, database, flaky=flaky):
        await asyncio.wait_for(done.wait(), 10)
    assert tries == 2


async def test_a_refusal_is_final(database: Database, application_dsn: str) -> None:
    async def refused(db: Database, payload: Mapping[str, Any]) -> None:
        raise Conflict("closed already")

    async with transaction(database, "bidding") as connection:
        await enqueue(connection, "close", {})
    await run_worker(application_dsn, database, {"close": refused}, until_empty=True)
    assert await waiting(database) == 0


async def test_a_worker_survives_a_lost_connection(
    database: Database, application_dsn: str, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    done = asyncio.Event()

    async def late(db: Database, payload: Mapping[str, Any]) -> None:
        done.set()

    async with working(application_dsn, database, late=late):
        await asyncio.sleep(0.5)
        ended = await owner.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'sunbid-worker' AND datname = current_database()"
        )
        assert ended == 1
        async with transaction(database, "bidding") as connection:
            await enqueue(connection, "late", {})
        await asyncio.wait_for(done.wait(), 20)


@asynccontextmanager
async def listening(dsn: str) -> AsyncIterator[Listener]:
    listener = Listener(dsn)
    task = asyncio.create_task(listener.run())
    await asyncio.wait_for(listener.is_listening.wait(), 5)
    try:
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_an_announcement_reaches_every_subscriber_of_its_topic(
    database: Database, application_dsn: str
) -> None:
    async with listening(application_dsn) as listener:
        async with (
            listener.subscribe("lot") as one,
            listener.subscribe("lot") as two,
            listener.subscribe("other") as other,
        ):
            async with transaction(database, "bidding") as connection:
                await announce(connection, "lot", {"id": "a"})
                await announce(connection, "other", {"id": "b"})
            for heard in (one, two):
                assert (await asyncio.wait_for(anext(heard), 5)).payload == {"id": "a"}
            assert (await asyncio.wait_for(anext(other), 5)).payload == {"id": "b"}
        assert listener.subscribers == {}


async def test_nothing_is_announced_before_the_commit(
    database: Database, application_dsn: str
) -> None:
    async with listening(application_dsn) as listener, listener.subscribe("lot") as heard:
        with pytest.raises(Conflict):
            async with transaction(database, "bidding") as connection:
                await announce(connection, "lot", {"id": "never"})
                raise Conflict("no")
        async with transaction(database, "bidding") as connection:
            await announce(connection, "lot", {"id": "first"})
        assert (await asyncio.wait_for(anext(heard), 5)).payload == {"id": "first"}


async def test_a_gap_is_told(
    application_dsn: str, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with listening(application_dsn) as listener, listener.subscribe("lot") as heard:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert (await asyncio.wait_for(anext(heard), 10)).is_gap


async def test_a_slow_reader_loses_contents_and_is_told(application_dsn: str) -> None:
    listener = Listener(application_dsn)
    async with listener.subscribe("lot") as heard:
        for number in range(SUBSCRIBER_ROOM + 1):
            listener.hear(None, 0, "sunbid", f'{{"topic": "lot", "id": {number}}}')
        assert (await anext(heard)).is_gap


async def test_contents_are_not_announced(database: Database) -> None:
    async with transaction(database, "bidding") as connection:
        with pytest.raises(ValueError, match="ids"):
            await announce(connection, "lot", {"text": "x" * 8000})

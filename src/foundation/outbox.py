"""Jobs and announcements: what a use case wants done afterwards, and what pages want to hear.

Both are written in the transaction of the use case, so they happen if and only if it commits.
A job runs at least once: every handler may be called twice. Jobs lie in pgqueuer's tables, which
its own installer makes; only this module knows them.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, TypeAlias

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings

from foundation.clock import floor_ms, read_clock
from foundation.database import Connection, Database, reading
from foundation.problems import Refused

Payload: TypeAlias = Mapping[str, Any]
Handler: TypeAlias = Callable[[Database, Payload], Awaitable[None]]
Handlers: TypeAlias = Mapping[str, Handler]

SCHEMA: Final = "foundation"
CHANNEL: Final = "sunbid"
# NOTIFY carries less than 8000 bytes: announce ids, never contents.
LARGEST_ANNOUNCEMENT: Final = 7900
LONGEST_DELAY: Final = timedelta(days=3650)
FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY: Final = timedelta(hours=1)
ATTEMPTS: Final = 10
RECONNECT_S: Final = 0.5
SUBSCRIBER_ROOM: Final = 256

log: Final = logging.getLogger(__name__)

HAS_QUEUE: Final[LiteralString] = """
    SELECT to_regclass('foundation.pgqueuer') IS NOT NULL AS made
"""

ANNOUNCE: Final[LiteralString] = """
    SELECT pg_notify($1, $2)
"""

READY_JOBS: Final[LiteralString] = """
    SELECT count(*) AS ready
      FROM foundation.pgqueuer
     WHERE status = 'picked'
        OR (status = 'queued' AND execute_after <= (SELECT foundation.real_now()))
"""

FAILED_JOBS: Final[LiteralString] = """
    SELECT id, entrypoint
      FROM foundation.pgqueuer
     WHERE status = 'failed'
     ORDER BY id
     LIMIT 100
"""

GIVE_QUEUE_RIGHTS: Final[LiteralString] = """
    GRANT SELECT, INSERT, UPDATE, DELETE
       ON foundation.pgqueuer, foundation.pgqueuer_log, foundation.pgqueuer_statistics,
          foundation.pgqueuer_schedules
       TO sunbid_foundation
"""


async def install_queue(connection: Connection, *, guarded: bool) -> None:
    """Makes or upgrades pgqueuer's tables; the migrator calls it under its lock."""
    queries = queue_on(connection)
    if await connection.fetchval(HAS_QUEUE):
        await queries.upgrade()
    else:
        await queries.install(create_schema=False)
    if guarded:
        await connection.execute(GIVE_QUEUE_RIGHTS)


async def enqueue(
    connection: Connection,
    kind: str,
    payload: Payload,
    *,
    key: str | None = None,
    run_at: datetime | None = None,
) -> bool:
    """Writes a job in the caller's transaction; False where one with this key waits already.

    `run_at` is platform time; a job of a demonstration comes nearer when its clock moves.
    """
    delay, headers = None, None
    if run_at is not None:
        due_at = floor_ms(run_at)
        delay = await real_delay(connection, due_at)
        headers = {"due_at": due_at.isoformat()}
    made = await queue_on(connection).enqueue(
        kind,
        json.dumps(payload, ensure_ascii=False, sort_keys=True).encode(),
        execute_after=delay,
        dedupe_key=None if key is None else f"{kind}:{key}",
        headers=headers,
        on_conflict="skip",
    )
    return made[0] is not None


async def real_delay(connection: Connection, due_at: datetime) -> timedelta:
    """How long it really takes until it is that platform time, as the clock goes now."""
    now, _, factor = await read_clock(connection)
    if due_at <= now:
        return timedelta()
    if factor == 0:
        return LONGEST_DELAY
    return min((due_at - now) / factor, LONGEST_DELAY)


async def announce(connection: Connection, topic: str, payload: Payload) -> None:
    """Tells the listeners of a topic, once the caller's transaction commits; ids only."""
    text = json.dumps({"topic": topic, **payload}, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > LARGEST_ANNOUNCEMENT:
        raise ValueError(f"an announcement of {topic} carries contents; announce their ids")
    await connection.execute(ANNOUNCE, CHANNEL, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What was announced; `is_gap` means that some may have been missed: look at the state."""

    topic: str
    payload: Payload
    is_gap: bool = False


@dataclass(slots=True)
class Listener:
    """Hears announcements on a connection of its own and passes them to its subscribers."""

    dsn: str
    subscribers: dict[str, set[asyncio.Queue[Announcement]]] = field(default_factory=dict)
    is_listening: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Listens until cancelled; after a lost connection every subscriber is told of the gap."""
        while True:
            try:
                await self.listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("announcements are not heard for a moment: %s", type(error).__name__)
            finally:
                self.is_listening.clear()
            await asyncio.sleep(RECONNECT_S)

    async def listen_once(self) -> None:
        """One connection's life."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _connection: ended.set())
            await connection.add_listener(CHANNEL, self.hear)
            self.tell_gap()
            self.is_listening.set()
            await ended.wait()
        finally:
            connection.terminate()

    def hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        """Passes one announcement on; asyncpg calls it in the loop."""
        said = json.loads(str(payload))
        topic = said.pop("topic")
        for queue in self.subscribers.get(topic, ()):
            put(queue, Announcement(topic=topic, payload=said))

    def tell_gap(self) -> None:
        """Between two connections something may have been announced."""
        for topic, queues in self.subscribers.items():
            for queue in queues:
                put(queue, Announcement(topic=topic, payload={}, is_gap=True))

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[Announcement]]:
        """The announcements of one topic from now on, for the length of the `async with`."""
        queue: asyncio.Queue[Announcement] = asyncio.Queue(SUBSCRIBER_ROOM)
        self.subscribers.setdefault(topic, set()).add(queue)
        try:
            yield drain(queue)
        finally:
            self.subscribers[topic].discard(queue)
            if not self.subscribers[topic]:
                del self.subscribers[topic]


async def drain(queue: asyncio.Queue[Announcement]) -> AsyncIterator[Announcement]:
    """The announcements of a queue, for ever."""
    while True:
        yield await queue.get()


def put(queue: asyncio.Queue[Announcement], announcement: Announcement) -> None:
    """Hands over without waiting: a slow reader loses contents but is told so."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        announcement = Announcement(topic=announcement.topic, payload={}, is_gap=True)
    queue.put_nowait(announcement)


async def run_worker(
    dsn: str,
    db: Database,
    handlers: Handlers,
    *,
    stop: asyncio.Event | None = None,
    until_empty: bool = False,
) -> None:
    """Runs jobs with the handler of their kind until told to stop, or until none is left.

    A lost connection is made again; a job whose worker died is taken by another after 30 s.
    """
    told = stop or asyncio.Event()
    while not told.is_set():
        try:
            await work_once(dsn, db, handlers, told, until_empty=until_empty)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("jobs rest until the database answers: %s", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), RECONNECT_S)
            continue
        if until_empty:
            return


async def work_once(
    dsn: str, db: Database, handlers: Handlers, stop: asyncio.Event, *, until_empty: bool
) -> None:
    """One connection's life of a worker."""
    role = {"role": "sunbid_foundation"} if db.guarded else {}
    connection = await asyncpg.connect(
        dsn, timeout=10, server_settings={"timezone": "UTC", "application_name": "sunbid-worker"}
        | role,
    )  # fmt: skip
    try:
        manager = QueueManager(queue_on(connection))
        for kind, handler in handlers.items():
            manager.entrypoint(kind, on_failure="hold")(job_of(db, kind, handler))
        watch = shut_down_when_empty(db, manager) if until_empty else shut_down_with(stop, manager)
        watcher = asyncio.create_task(watch)
        try:
            await manager.run(
                dequeue_timeout=timedelta(seconds=0.5), shutdown_on_listener_failure=True
            )
        finally:
            watcher.cancel()
    finally:
        connection.terminate()


async def shut_down_with(stop: asyncio.Event, manager: QueueManager) -> None:
    """Passes the wish to stop on to pgqueuer."""
    await stop.wait()
    manager.shutdown.set()


async def shut_down_when_empty(db: Database, manager: QueueManager) -> None:
    """Ends the worker when no job runs and none is ready; those of later wait for another."""
    ready = 1
    while ready:
        await asyncio.sleep(0.02)
        async with reading(db, "foundation") as connection:
            ready = await connection.fetchval(READY_JOBS)
    manager.shutdown.set()


def job_of(db: Database, kind: str, handler: Handler) -> Callable[[Job], Awaitable[None]]:
    """A handler as pgqueuer calls it: not before the platform's time, again after a failure."""

    async def run(job: Job) -> None:
        await wait_for_due_time(db, job)
        payload = json.loads(job.payload or b"{}")
        try:
            await handler(db, payload)
        except Refused as refused:
            # The state no longer fits: the same attempt later would be refused again.
            log.warning("job %s %s was refused: %s", kind, job.id, refused.message)
            if refused.status < 500:
                return
            raise retry_of(job, refused.code) from refused
        except Exception as error:
            log.exception("job %s %s failed", kind, job.id)
            raise retry_of(job, type(error).__name__) from error

    return run


async def wait_for_due_time(db: Database, job: Job) -> None:
    """Puts a job back whose platform time has not come."""
    due_text = (job.headers or {}).get("due_at")
    if isinstance(due_text, str):
        async with reading(db, "foundation") as connection:
            delay = await real_delay(connection, datetime.fromisoformat(due_text))
        if delay:
            raise RetryRequested(delay=delay, reason="not due")


def retry_of(job: Job, reason: str) -> Exception:
    """Another attempt a little later each time; after the last one the job is kept as failed."""
    if job.attempts >= ATTEMPTS:
        return RuntimeError(f"given up after {job.attempts} attempts: {reason}")
    delay = min(timedelta(seconds=FIRST_RETRY_S * 2**job.attempts), LONGEST_RETRY)
    return RetryRequested(delay=delay, reason=reason)


def queue_on(connection: Connection) -> Queries:
    """pgqueuer's statements, in our schema, on a connection of ours."""
    return Queries(AsyncpgDriver(connection), ENVIRONMENT, STATEMENTS, SCHEDULES)


# Given here, not read from the environment: two installations in one database are not wanted.
SETTINGS: Final = DBSettings(db_schema=SCHEMA, prefix="")
ENVIRONMENT: Final = QueryBuilderEnvironment(SETTINGS)
STATEMENTS: Final = QueryQueueBuilder(SETTINGS)
SCHEDULES: Final = QuerySchedulerBuilder(SETTINGS)

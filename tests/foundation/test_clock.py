"""The platform's clock: real in production, forward only in a demonstration."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from foundation.clock import (
    ClockBackwards,
    ClockNotMovable,
    floor_ms,
    move_platform_clock,
    platform_now,
    read_clock,
    start_demo_clock,
)
from foundation.database import Database, reading, transaction
from foundation.problems import Invalid

SPRING = datetime(2019, 4, 1, 9, 0, tzinfo=UTC)


async def test_outside_a_demonstration_platform_time_is_real_time(database: Database) -> None:
    async with transaction(database, "foundation") as connection:
        before = floor_ms(datetime.now(UTC))
        now = await platform_now(connection)
        assert before <= now <= datetime.now(UTC)
        assert now.microsecond % 1000 == 0
        assert (await read_clock(connection))[2] == 1


async def test_outside_a_demonstration_the_clock_does_not_move(database: Database) -> None:
    async with transaction(database, "foundation") as connection:
        with pytest.raises(ClockNotMovable, match="keeps real time"):
            await move_platform_clock(connection, datetime.now(UTC) + timedelta(days=1))


async def test_the_database_itself_refuses_a_move_outside_a_demonstration(
    database: Database,
) -> None:
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        async with transaction(database, "foundation") as connection:
            await connection.execute("SELECT foundation.move_platform_clock('2999-01-01Z')")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT foundation.start_demo_clock('2019-01-01Z', 60)",
        "UPDATE foundation.platform_clock SET platform_at = real_at",
        "DELETE FROM foundation.platform_clock",
        "INSERT INTO foundation.platform_clock (real_at) VALUES ('2019-01-01Z')",
    ],
)
@pytest.mark.parametrize("context", ["foundation", "bidding", "experts", "supervision"])
async def test_the_application_cannot_touch_the_clock_itself(
    database: Database, context: str, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(database, context) as connection:  # type: ignore[arg-type]
            await connection.execute(statement)


async def test_only_the_owner_may_start_a_demonstration(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    for context in ("foundation", "bidding", "experts", "supervision"):
        assert not await owner.fetchval(
            "SELECT has_function_privilege($1, 'foundation.start_demo_clock(timestamptz,"
            " double precision)', 'EXECUTE')",
            f"sunbid_{context}",
        )


async def test_a_demonstration_runs_faster_and_moves_forward_only(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await start_demo_clock(owner, SPRING, 60)
    async with transaction(database, "bidding") as connection:
        now = await platform_now(connection)
        assert SPRING <= now < SPRING + timedelta(hours=1)
        await connection.execute("SELECT pg_sleep(0.05)")
        assert await platform_now(connection) - now >= timedelta(seconds=60 * 0.05)
        summer = datetime(2019, 7, 1, tzinfo=UTC)
        assert summer <= await move_platform_clock(connection, summer)
        with pytest.raises(ClockBackwards, match="expected a time after"):
            await move_platform_clock(connection, SPRING)


async def test_a_demonstration_starts_once(
    owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    assert await start_demo_clock(owner, SPRING, 60)
    assert not await start_demo_clock(owner, SPRING - timedelta(days=900), 1)
    assert (await read_clock(owner))[2] == 60
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await owner.execute("SELECT foundation.start_demo_clock('2019-01-01Z', 60)")


async def test_the_clock_is_asked_anew_after_a_wait(database: Database) -> None:
    """A clock declared STABLE may be asked before the wait, and sees the moves of before it."""
    async with transaction(database, "foundation") as connection:
        assert await connection.fetchval(
            "SELECT provolatile = 'v' FROM pg_proc WHERE oid = 'foundation.platform_now'::regproc"
        )
    async with transaction(database, "foundation") as connection:
        row = await connection.fetchrow(
            """
            SELECT foundation.platform_now() AS before, pg_sleep(0.02),
                   foundation.platform_now() AS after
            """
        )
        assert row is not None
        assert row["after"] - row["before"] >= timedelta(milliseconds=20)


async def test_days_of_summer_time_have_24_hours(
    database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Intervals added as days would follow the summer time of the session's time zone."""
    await owner.execute(
        "UPDATE foundation.platform_clock SET demo = true, factor = 1,"
        " real_at = clock_timestamp() - interval '240 hours',"
        " platform_at = timestamptz '2019-03-25 00:00Z'"
    )
    async with reading(database, "foundation") as connection:
        await connection.execute("SET LOCAL timezone = 'Europe/Berlin'")
        late = await platform_now(connection) - datetime(2019, 4, 4, tzinfo=UTC)
    assert timedelta() <= late < timedelta(seconds=30)


def test_a_time_is_floored_never_rounded() -> None:
    assert floor_ms(datetime(2026, 1, 1, 0, 0, 0, 999_999, UTC)).microsecond == 999_000


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(Invalid, match="offset"):
        floor_ms(datetime(2026, 1, 1))  # noqa: DTZ001 - the case itself

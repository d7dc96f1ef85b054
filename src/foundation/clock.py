"""The platform's time: the only clock of deadlines, stored times and ledger leaves.

It lives in one SQL function, so that whoever holds a lock asks the same clock as everybody else.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

from foundation.database import Connection
from foundation.problems import Conflict, Invalid

# In a sub-select it is evaluated once a statement; call it only after the lock is held.
PLATFORM_NOW: Final[LiteralString] = """
    SELECT (SELECT foundation.platform_now()) AS platform_at
"""

READ_CLOCK: Final[LiteralString] = """
    SELECT (SELECT foundation.platform_now()) AS platform_at,
           (SELECT foundation.real_now()) AS real_at,
           factor,
           demo
      FROM foundation.platform_clock
     LIMIT 1
"""

MOVE_PLATFORM_CLOCK: Final[LiteralString] = """
    SELECT foundation.move_platform_clock($1)
"""

START_DEMO_CLOCK: Final[LiteralString] = """
    SELECT foundation.start_demo_clock($1, $2)
"""


# Clocks that are further apart are told, and then transitions wait (sealing.md 15.7).
TOLD_SKEW: Final = timedelta(milliseconds=500)
LARGEST_SKEW: Final = timedelta(seconds=2)


class ClockNotMovable(Conflict):
    """Only a demonstration may move the platform's clock."""

    code = "clock-not-movable"


class ClockBackwards(Conflict):
    """The platform's clock only goes forward."""

    code = "clock-backwards"


def floor_ms(at: datetime) -> datetime:
    """A time as the formats know it: UTC, whole milliseconds, never rounded up."""
    if at.tzinfo is None:
        raise Invalid("expected a time with its offset from UTC, got one without")
    utc = at.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


async def platform_now(connection: Connection) -> datetime:
    """The platform's time now, aware UTC, whole milliseconds; ask it after the lock is held."""
    return floor_ms(await connection.fetchval(PLATFORM_NOW))


async def read_clock(connection: Connection) -> tuple[datetime, datetime, float]:
    """The platform's time, the real time, and how many times faster the first one runs."""
    row = await connection.fetchrow(READ_CLOCK)
    if row is None:
        raise Conflict("the platform's clock has no row; run `sunbid migrate`")
    return floor_ms(row["platform_at"]), floor_ms(row["real_at"]), float(row["factor"])


async def clock_skew(connection: Connection) -> timedelta:
    """How far this machine's clock and the database's are apart at least."""
    before = datetime.now(UTC)
    _, real_at, _ = await read_clock(connection)
    after = datetime.now(UTC)
    return max(before - real_at, real_at - after, timedelta())


async def start_demo_clock(connection: Connection, at: datetime, factor: float) -> bool:
    """Makes this database a demonstration's for ever; False where it is one, whose clock goes on.

    The owner may, the application may not.
    """
    row = await connection.fetchrow(READ_CLOCK)
    if row is not None and row["demo"]:
        return False
    await connection.execute(START_DEMO_CLOCK, at, factor)
    return True


async def move_platform_clock(connection: Connection, to: datetime) -> datetime:
    """Moves a demonstration's clock forward and returns the new time.

    Refuses outside a demonstration and refuses to go back. The caller writes the ledger entry.
    """
    row = await connection.fetchrow(READ_CLOCK)
    if row is None or not row["demo"]:
        raise ClockNotMovable(
            "this platform keeps real time; a clock moves only where SUNBID_MODE=demo made it"
        )
    if to < row["platform_at"]:
        raise ClockBackwards(
            f"expected a time after {row['platform_at'].isoformat()}, got {to.isoformat()}"
        )
    await connection.execute(MOVE_PLATFORM_CLOCK, to)
    return await platform_now(connection)

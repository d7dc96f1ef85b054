"""Outages: more than a minute between two ticks, or a gap that the supervisor declared (6.4).

Anyone reads the first kind from the ledger. One inside a window lengthens it by as much; one across
the deadline stops the closing until the supervisor confirmed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from bidding.opening.domain import GAPS_CLOSED, Opening
from bidding.tender.domain import Lot
from foundation.clock import read_clock
from foundation.database import Connection
from foundation.ledger.store import ticks_of_span
from foundation.problems import Conflict
from foundation.statements.canonical import parse_time, time_from_ms, time_text
from foundation.statements.store import kept_events, kept_statements

LONGEST_PAUSE: Final = timedelta(seconds=60)
CLOCK_MOVE: Final = "foundation:clock:move"


class OutageAcrossDeadline(Conflict):
    """The platform stood still at the deadline: the supervisor confirms the closing first."""

    code = "outage-across-deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A span in which the platform stood still."""

    begins: datetime
    ends: datetime

    def __str__(self) -> str:
        """Both times, as the step that makes up for it names them."""
        return f"{time_text(self.begins)}/{time_text(self.ends)}"

    def inside(self, since: datetime, until: datetime) -> timedelta:
        """How much of the gap lies in a span."""
        return max(min(self.ends, until) - max(self.begins, since), timedelta())


async def gaps(connection: Connection, lot: Lot, since: datetime, until: datetime) -> list[Gap]:
    """Return the outages that touch a span, from the ledger and as declared for the lot."""
    found = await _gaps_of_ledger(connection, since, until)
    for kept in await kept_statements(connection, lot.id, ["supervisor-decision"]):
        body = kept.statement.body
        if body["decision"] == "outage":
            found.append(Gap(begins=parse_time(body["from"]), ends=parse_time(body["until"])))
    return [gap for gap in found if gap.begins < until and since < gap.ends]


async def _gaps_of_ledger(connection: Connection, since: datetime, until: datetime) -> list[Gap]:
    _, _, factor = await read_clock(connection)
    if factor <= 0:
        # A clock that stands is moved by hand: no time passes between two of its ticks.
        return []
    pause = LONGEST_PAUSE * max(1.0, factor)
    moves = [
        (parse_time(event.body["data"]["before"]), parse_time(event.body["data"]["after"]))
        for event in await kept_events(connection, CLOCK_MOVE)
    ]
    ticks = [
        time_from_ms(ms)
        for ms in await ticks_of_span(
            connection, int(since.timestamp() * 1000), int(until.timestamp() * 1000)
        )
    ]
    return [
        Gap(begins=before, ends=after)
        for before, after in pairwise(ticks)
        if after - before - _moved(moves, before, after) > pause
    ]


def _moved(
    moves: Sequence[tuple[datetime, datetime]], before: datetime, after: datetime
) -> timedelta:
    """How far the clock was moved by hand between two ticks."""
    return sum((to - at for at, to in moves if before <= at and to <= after), timedelta())


async def not_made_up_for(
    connection: Connection, lot: Lot, opening: Opening, now: datetime
) -> list[Gap]:
    """Return the outages inside the running window that no step has lengthened it by."""
    since, until = opening.phase_at, opening.phase_until
    if since is None or until is None or opening.phase not in GAPS_CLOSED:
        return []
    steps = await kept_statements(connection, lot.id, ["opening-step"])
    done = {
        str(step.statement.body["reason"])
        for step in steps
        if step.statement.body["step"] == "extended"
    }
    return [
        gap
        for gap in await gaps(connection, lot, since, min(until, now))
        if not any(str(gap) in reason for reason in done)
    ]


async def require_quiet_deadline(connection: Connection, lot: Lot) -> None:
    """Refuse to close a lot across whose deadline the platform stood still, until confirmed."""
    deadline = lot.deadline_at
    if deadline is None or not await across_deadline(connection, lot, deadline):
        return
    for kept in await kept_statements(connection, lot.id, ["supervisor-decision"]):
        if kept.statement.body["decision"] == "confirmed":
            return
    raise OutageAcrossDeadline(
        f"the platform stood still at the deadline {deadline.isoformat()}; the supervisor decides "
        "`confirmed`, or moves the deadline of a new round"
    )


async def across_deadline(connection: Connection, lot: Lot, deadline: datetime) -> list[Gap]:
    """Return the outages that begin before a deadline and end after it."""
    around = timedelta(milliseconds=1)
    found = await gaps(connection, lot, deadline - around, deadline + around)
    return [gap for gap in found if gap.begins < deadline <= gap.ends]

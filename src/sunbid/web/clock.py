"""The demonstration's clock: moved forward between acts, each move an entry of the ledger."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import JSONBody
from msgspec import Meta

from foundation.clock import ClockNotMovable, move_platform_clock, platform_now
from foundation.database import reading, transaction
from foundation.identity import require
from foundation.identity.request import signed_in
from foundation.statements.canonical import parse_time, time_text
from foundation.statements.store import kept_events, record_event

AnyRequest = Request[Any, Any, Any]
MOVE: Final = "foundation:clock:move"


class MoveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The platform's time after the move."""

    to: Annotated[datetime, Meta(tz=True)]


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """One move of the clock."""

    before: datetime
    after: datetime


@post("/api/v1/clock", tags=["demonstration"])
async def move_clock(request: AnyRequest, data: JSONBody[MoveBody]) -> Moved:
    """Move a demonstration's clock forward; the move is written to the ledger."""
    state = request.app.state
    actor = require(signed_in(request), "administrator")
    if state.settings.mode != "demo":
        raise ClockNotMovable("only a demonstration moves its clock")
    async with transaction(state.desk.db, "foundation") as connection:
        before = await platform_now(connection)
        after = await move_platform_clock(connection, data.to)
        await record_event(
            connection,
            MOVE,
            actor=actor.kid,
            group=None,
            scope=None,
            data={"before": time_text(before), "after": time_text(after)},
            public=True,
        )
    return Moved(before=before, after=after)


@get("/api/v1/clock/moves", tags=["demonstration"])
async def list_moves(request: AnyRequest) -> list[Moved]:
    """List the moves of a demonstration's clock, newest first."""
    return await clock_moves(request.app.state.desk.db)


async def clock_moves(db: Any) -> list[Moved]:
    """Return the moves of the clock, newest first."""
    async with reading(db, "foundation") as connection:
        events = await kept_events(connection, MOVE)
    return [
        Moved(
            before=parse_time(event.body["data"]["before"]),
            after=parse_time(event.body["data"]["after"]),
        )
        for event in events
    ]


routes: Final = [move_clock, list_moves]

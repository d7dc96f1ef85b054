"""The opening hall: its page, and the stream that tells of each step."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect
from litestar.response.sse import ServerSentEvent

from bidding.bid.desk import Desk
from bidding.bid.meters import Meters
from bidding.opening.closings.apart import Apart, members_apart
from bidding.opening.domain import WrongPhase
from bidding.opening.hall import hall_facts, hall_mark
from bidding.opening.oversight import decisions
from bidding.opening.oversight.grounds import Wish
from foundation.clock import platform_now
from foundation.database import Database, reading
from foundation.identity import Actor
from foundation.identity.request import actor_of, signed_in
from foundation.problems import NotAllowed
from foundation.statements.canonical import time_text
from foundation.web import AnyRequest, event_stream, page
from sunbid.pages.opening import opening_view
from sunbid.pages.opening_progress import counted
from sunbid.web.releases import bidders_part


class DecisionForm(msgspec.Struct, frozen=True):
    """How the supervisor wants a suspended opening to end, and why."""

    decision: str
    cause: str


LOOK_EVERY_S: Final = 1.0
TICK_EVERY: Final = 5


@get("/lots/{lot:uuid}/opening", include_in_schema=False)
async def hall(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """The opening hall of a lot, for everybody."""
    actor = actor_of(request)
    desk = request.app.state.desk
    mark = await hall_mark(desk.db, lot)
    facts = await hall_facts(desk.db, lot)
    own = actor.subject if actor is not None and actor.role in {"bidder", "operator"} else None
    decides = (
        actor is not None
        and actor.role == "supervisor"
        and actor.subject == facts.lot.parties.supervisor_uscc
    )
    hosts = actor is not None and actor.subject == facts.lot.parties.host_uscc
    count = desk.meters.of(lot)
    view = opening_view(facts, own, decides=decides, hosts=hosts, count=count)
    view = replace(view, apart=tuple(await _apart(request, actor, lot)))
    own_part = await bidders_part(request, lot)
    return await page(request, "opening/hall.html", view, own_part=own_part, mark=mark)


async def _apart(request: AnyRequest, actor: Actor | None, lot: UUID) -> list[Apart]:
    """What was found across bids, for those who judge it; nothing for others and before names."""
    if actor is None:
        return []
    try:
        return await members_apart(request.app.state.desk, actor, lot)
    except (NotAllowed, WrongPhase):
        return []


@post("/lots/{lot:uuid}/opening/decision", include_in_schema=False)
async def decide(
    request: AnyRequest,
    lot: FromPath[UUID],
    data: Annotated[DecisionForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Draft the decision that ends a suspended opening; its supervisor signs it as a paper."""
    desk, actor = request.app.state.desk, signed_in(request)
    await decisions.ask(desk, actor, lot, Wish(decision=data.decision, cause=data.cause))
    return Redirect("/papers", status_code=303)


@get("/lots/{lot:uuid}/opening/events", include_in_schema=False)
async def hall_events(
    request: AnyRequest, lot: FromPath[UUID], mark: FromQuery[str | None] = None
) -> ServerSentEvent:
    """Server-sent events: `step` when something was told in the hall, `tick` with the time.

    A page names the mark that it shows, so that nothing is missed between the two. While files are
    decrypted `progress` says how many are through, and nothing else of them.
    """
    desk: Desk = request.app.state.desk
    shown = mark or await hall_mark(desk.db, lot)
    return event_stream(hall_steps(desk.db, desk.meters, lot, shown))


async def hall_steps(
    db: Database, meters: Meters, lot: UUID, mark: str
) -> AsyncIterator[tuple[str, Any]]:
    """Looks once a second; the page fetches itself anew after each step."""
    yield "tick", await hall_time(db)
    looks, told = 0, None
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        looks += 1
        found = await hall_mark(db, lot)
        if found != mark:
            mark = found
            yield "step", await hall_time(db)
        elif (count := meters.of(lot)) != told and count is not None and count.files:
            told = count
            yield "progress", counted(count)
        elif looks % TICK_EVERY == 0:
            yield "tick", await hall_time(db)


async def hall_time(db: Database) -> dict[str, str]:
    """The platform's time as events carry it."""
    async with reading(db, "foundation") as connection:
        return {"at": time_text(await platform_now(connection))}


routes: Final = [hall, hall_events, decide]

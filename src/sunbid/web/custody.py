"""Pages of custody: a member's seats; readiness and postponement for a lot's offices."""

from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from bidding.opening.releases.custody import SeatTask, seat_tasks
from bidding.tender import drill, member_keys, postponement
from bidding.tender.service import show_lot
from foundation.identity.request import signed_in
from foundation.language import BEIJING
from foundation.problems import Invalid
from foundation.settings import Settings
from foundation.web import AnyRequest, page
from sunbid.pages.custody import custody_view, key_line, ready_view

OFFICES: Final = frozenset({"agency", "trading-centre"})


class PostponementForm(msgspec.Struct, frozen=True):
    """A later deadline in Beijing time, and why."""

    deadline: str
    reason: str


@get("/seats/custody", include_in_schema=False)
async def own_seats(request: AnyRequest) -> Response[str]:
    """What is asked of the seats of whoever is logged in."""
    actor = signed_in(request)
    state = request.app.state
    tasks = await seat_tasks(state.desk.db, actor.subject or "")
    kids = {one["kid"] for one in await member_keys.open_questions(state.desk.db, actor)}

    def device(task: SeatTask) -> str | None:
        return device_address(state.settings, f"/lots/{task.lot.id}", task.kid, task.asked)

    keys = [
        key_line(kid, device_address(state.settings, "/seats/custody", kid, "possess"))
        for kid in sorted(kids)
    ]
    return await page(request, "custody/seats.html", custody_view(tasks, device, keys))


def device_address(settings: Settings, at: str, kid: str, act: str) -> str | None:
    """The development phone stands for the member's device; in production there is none here."""
    if settings.mode == "production" or settings.licence_url is None:
        return None
    asked = {
        "at": f"{settings.public_url}{at}",
        "kid": kid,
        "act": act,
        "back": f"{settings.public_url}/seats/custody",
    }
    return f"{settings.licence_url}/seat?{urlencode(asked)}"


@get("/lots/{lot:uuid}/custody", include_in_schema=False)
async def lot_custody(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """Readiness of a lot's members, and its postponements; for the offices of its notice."""
    actor = signed_in(request)
    db = request.app.state.desk.db
    found = await drill.readiness(db, actor, lot)
    held, _ = await show_lot(db, actor, lot)
    parties = held.parties
    is_office = actor.role in OFFICES and actor.subject in {parties.agency_uscc, parties.host_uscc}
    view = ready_view(
        held,
        found,
        await postponement.postponements(db, lot),
        await postponement.open_proposal(db, lot),
        is_office=is_office,
    )
    return await page(request, "custody/ready.html", view)


@post("/lots/{lot:uuid}/custody/drill", include_in_schema=False)
async def ask_now(request: AnyRequest, lot: FromPath[UUID]) -> Redirect:
    """Ask every member now."""
    await drill.begin_drill(request.app.state.desk.db, signed_in(request), lot)
    return Redirect(f"/lots/{lot}/custody", status_code=303)


@post("/lots/{lot:uuid}/custody/postponement", include_in_schema=False)
async def propose(
    request: AnyRequest,
    lot: FromPath[UUID],
    data: Annotated[PostponementForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Propose a later deadline; buyer and supervisor sign it as a paper."""
    proposal = postponement.Proposal(deadline_at=beijing_time(data.deadline), reason=data.reason)
    await postponement.propose(request.app.state.desk.db, signed_in(request), lot, proposal)
    return Redirect(f"/lots/{lot}/custody", status_code=303)


def beijing_time(text: str) -> datetime:
    """A time out of a form's field for date and time, in Beijing time."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=BEIJING)
    except ValueError:
        raise Invalid(f"expected a time like 2026-12-08T09:00, got {text[:40]!r}") from None


routes: Final = [own_seats, lot_custody, ask_now, propose]

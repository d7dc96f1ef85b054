"""The opening host's console: its page, and the steps that are made there."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from bidding.opening import steps
from bidding.opening.closings.closing import confirm_closing
from bidding.opening.console import console_facts
from bidding.opening.domain import TERMINATED
from bidding.opening.hall import hall_mark
from bidding.opening.oversight import decisions
from bidding.opening.oversight.grounds import Wish
from foundation.identity.request import signed_in
from foundation.web import AnyRequest, page
from sunbid.pages.console import CLOSING, console_view


class StepForm(msgspec.Struct, frozen=True):
    """The step that the host makes."""

    step: str


class CauseForm(msgspec.Struct, frozen=True):
    """Why the lot should end."""

    cause: str


@get("/lots/{lot:uuid}/console", include_in_schema=False)
async def console(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """The console of an opening, for its host; the supervisor of the lot looks on."""
    actor = signed_in(request)
    desk = request.app.state.desk
    mark = await hall_mark(desk.db, lot)
    facts = await console_facts(desk.db, actor, lot)
    is_host = actor.subject == facts.hall.lot.parties.host_uscc
    view = console_view(facts, is_host=is_host, count=desk.meters.of(lot))
    return await page(request, "opening/console.html", view, mark=mark)


@post("/lots/{lot:uuid}/console/step", include_in_schema=False)
async def make_step(
    request: AnyRequest,
    lot: FromPath[UUID],
    data: Annotated[StepForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Make the step that is next; the rules decide whether it may be made."""
    desk, actor = request.app.state.desk, signed_in(request)
    if data.step == CLOSING:
        await confirm_closing(desk, actor, lot)
    else:
        await steps.advance(desk, actor, lot, data.step)
    return Redirect(f"/lots/{lot}/console", status_code=303)


@post("/lots/{lot:uuid}/console/termination", include_in_schema=False)
async def propose_termination(
    request: AnyRequest,
    lot: FromPath[UUID],
    data: Annotated[CauseForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Ask for the end of the lot: a paper that whoever asks and the supervisor sign."""
    desk, actor = request.app.state.desk, signed_in(request)
    await decisions.ask(desk, actor, lot, Wish(decision=TERMINATED, cause=data.cause))
    return Redirect("/papers", status_code=303)


routes: Final = [console, make_step, propose_termination]

"""Pages of notices and lots, the openings and results there are, the ledger, kinds of problems."""

from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from bidding.plan import service as plan
from bidding.tender import postponement, service
from foundation.database import reading
from foundation.identity.request import actor_of
from foundation.ledger.log import latest_checkpoint
from foundation.ledger.note import read_checkpoint, read_note
from foundation.problems import NotFound, every_kind, slug, title
from foundation.web import AnyRequest, page
from sunbid.pages.award import awards_view
from sunbid.pages.elements import Action, words
from sunbid.pages.facts import lot_times, read_now
from sunbid.pages.ledger import LedgerView, ProblemView, ledger_view
from sunbid.pages.lifecycle import GROUPS
from sunbid.pages.notices import Search, notices_view
from sunbid.pages.opening_list import openings_view
from sunbid.pages.tender import tender_view
from sunbid.web.changes import sends_mail

LONGEST_QUERY: Final = 100


class UnknownProblem(NotFound):
    """There is no such kind of problem."""

    code = "unknown-problem"


@get("/", include_in_schema=False, sync_to_thread=False)
def home() -> Redirect:
    """The first page: the notices."""
    return Redirect("/tenders")


@get("/plans", include_in_schema=False)
async def plans(request: AnyRequest) -> Response[str]:
    """The plans that buyers published early."""
    found = await plan.list_plans(request.app.state.desk.db)
    return await page(request, "tender/plans.html", found)


@get("/tenders", include_in_schema=False)
async def notices(request: AnyRequest) -> Response[str]:
    """All published notices that a search finds."""
    db = request.app.state.desk.db
    search = search_of(request)
    lots = await service.find_lots(db, search.query or None, None)
    return await page(
        request, "tender/notices.html", notices_view(lots, search, await read_now(db))
    )


def search_of(request: AnyRequest) -> Search:
    """What the visitor looks for; what does not read counts as not said."""
    asked = request.query_params
    number = asked.get("page", "1")
    group = asked.get("group", "")
    return Search(
        query=asked.get("q", "").strip()[:LONGEST_QUERY],
        group=group if group in GROUPS else "",
        category=asked.get("category", "")[:LONGEST_QUERY],
        page=max(1, int(number)) if number.isdecimal() and len(number) < 6 else 1,
    )


@get("/lots/{lot:uuid}", include_in_schema=False)
async def show_lot(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """One lot from notice to contract."""
    db, actor = request.app.state.desk.db, actor_of(request)
    held, documents = await service.show_lot(db, actor, lot)
    times, now = await lot_times(db, held)
    is_bidder = actor is not None and actor.role in {"bidder", "operator"}
    view = tender_view(held, documents, now, times, is_bidder=is_bidder)
    if held.published_at is not None:
        view = replace(view, postponed=tuple(await postponement.postponements(db, lot)))
    if view.deadline is not None and sends_mail(request):
        has_left = request.query_params.get("left") == "yes"
        view = replace(view, tells=True, has_left=has_left)
    if service.is_party(held, actor):
        own = Action(label=words("tender.to_custody"), href=f"/lots/{lot}/custody")
        view = replace(view, links=(*view.links, own))
    return await page(request, "tender/lot.html", view)


@get("/openings", include_in_schema=False)
async def openings(request: AnyRequest) -> Response[str]:
    """All openings, the nearest first."""
    db = request.app.state.desk.db
    lots = await service.find_lots(db, None, None)
    return await page(request, "opening/list.html", openings_view(lots, await read_now(db)))


@get("/awards", include_in_schema=False)
async def awards(request: AnyRequest) -> Response[str]:
    """All published candidates and awards."""
    lots = await service.find_lots(request.app.state.desk.db, None, None)
    return await page(request, "award/list.html", awards_view(lots))


@get("/ledger", include_in_schema=False)
async def ledger(request: AnyRequest) -> Response[str]:
    """The ledger's latest signed root and the policy for clients."""
    return await page(request, "visitor/ledger.html", await read_ledger(request.app.state))


async def read_ledger(state: Any) -> LedgerView:
    """The latest checkpoint as its signer wrote it."""
    async with reading(state.desk.db, "foundation") as connection:
        latest = await latest_checkpoint(connection)
    if latest is None:
        return ledger_view(state.desk.origin, state.policy_text, None, None, None)
    checkpoint = read_checkpoint(read_note(latest.note).text)
    return ledger_view(
        state.desk.origin,
        state.policy_text,
        checkpoint.size,
        checkpoint.root.hex(),
        latest.note,
    )


@get("/policy", include_in_schema=False, sync_to_thread=False)
def policy(request: AnyRequest) -> Response[str]:
    """The policy file for verifiers."""
    return Response(request.app.state.policy_text, media_type="text/plain")


@get("/problems/{name:str}", include_in_schema=False)
async def problem_kind(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    """What one kind of refusal means; the address that problem documents name as their type."""
    kind = next((kind for kind in every_kind() if slug(kind.code) == name), None)
    if kind is None:
        raise UnknownProblem(f"expected the name of a kind of refusal, got {name[:40]!r}")
    view = ProblemView(code=name, title=title(kind), status=kind.status)
    return await page(request, "visitor/problem_kind.html", view)


routes: Final = [home, plans, notices, show_lot, openings, awards, ledger, policy, problem_kind]

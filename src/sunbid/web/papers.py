"""The page of papers that wait for one's signature, and the way to the signing device."""

from functools import partial
from typing import Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from foundation.identity.request import signed_in
from foundation.web import AnyRequest, page
from sunbid import doors
from sunbid.pages.papers import papers_view
from sunbid.web.login import start_signing


@get("/papers", include_in_schema=False)
async def own_papers(request: AnyRequest) -> Response[str]:
    """The papers that wait for whoever is logged in."""
    actor = signed_in(request)
    found = await doors.waiting_papers(request.app.state.desk, actor)
    return await page(
        request, "visitor/papers.html", papers_view(found, partial(doors.speaks_for, actor))
    )


@post("/papers/{sid:str}/sign", include_in_schema=False)
async def sign(request: AnyRequest, sid: FromPath[str]) -> Redirect:
    """Send a paper to the device of whoever is logged in."""
    paper = await doors.show_paper(request.app.state.desk, signed_in(request), sid)
    return await start_signing(request, paper.statement, "/papers")


routes: Final = [own_papers, sign]

"""The platform's pages over a played world, as whoever is set to look at them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx
from litestar import Litestar
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

import bidding.opening.web
import sunbid.web.pages
from foundation.identity.domain import Session
from foundation.language import Language
from foundation.web import AnyRequest, problem_handlers
from sunbid.pages.frame import PageFrame
from sunbid.pages.site import make_pages
from world import World


class As(ASGIMiddleware):
    """Puts a session where the authentication of the application would put it."""

    session: Session | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Every request is made by whoever is set."""
        scope["auth"] = self.session
        scope["user"] = None if self.session is None else self.session.actor
        await next_app(scope, receive, send)


@asynccontextmanager
async def pages_of(world: World) -> AsyncIterator[tuple[httpx.AsyncClient, As]]:
    """A client of the pages and of the opening's routes, and who it is."""

    async def frame(_: AnyRequest, __: Language) -> Mapping[str, object]:
        return {"frame": PageFrame(now=await world.now())}

    who = As()
    app = Litestar(
        [*sunbid.web.pages.routes, *bidding.opening.web.routes],
        middleware=[who],
        exception_handlers=problem_handlers(),
    )
    last = await world.desk.signer.last()
    app.state.update(
        {
            "desk": world.desk,
            "pages": make_pages(frame),
            "policy_text": f"log {last.vkey}\nquorum none\n",
            "settings": SimpleNamespace(
                mail_relay=None,
                public_url="http://pages.test",
                font=None,
                mode="development",
                licence_url="http://phone.test",
                is_https=False,
            ),
        }
    )
    # In the loop of the test: the connections of the database belong to it.
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # the two spell ASGI apart
    async with httpx.AsyncClient(transport=transport, base_url="http://pages.test") as client:
        yield client, who

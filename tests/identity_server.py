"""A platform that knows identity only, as a real process: for tests of logging in."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric import ec
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Response, post
from litestar.middleware import DefineMiddleware
from litestar.params import JSONBody

from bidding.licence.development import DevAuthority
from foundation.database import Database
from foundation.identity import Actor
from foundation.identity.login import register_administrators
from foundation.identity.request import signed_in
from foundation.language import Language
from foundation.settings import Settings, read_settings
from foundation.statements.canonical import Json
from foundation.statements.signed import KeySigner, Statement, from_json, unsigned
from foundation.web import AnyRequest, csrf_token, problem_handlers, static_files
from licences import ROOT, free_port, wait_until_it_answers
from sunbid.pages.frame import PageFrame, Visitor
from sunbid.pages.site import STATIC, make_pages
from sunbid.web import identity, login
from sunbid.web.authentication import Authentication, session_token
from sunbid.web.login import start_signing


async def frame(request: AnyRequest, _: Language) -> Mapping[str, object]:
    """What a page needs around it, without the rest of the platform."""
    from datetime import UTC, datetime

    actor, token = request.scope["user"], session_token(request)
    return {
        "frame": PageFrame(
            now=datetime.now(UTC),
            is_demo=request.app.state.settings.mode == "demo",
            visitor=None if actor is None else Visitor(name=actor.name, role=actor.role),
            csrf="" if token is None else csrf_token(token),
        )
    }


PAPER = unsigned("vote", {"v": 1, "ballot": 1, "member": "甲", "candidate": "x"})


@post("/papers/vote")
async def sign_vote(request: AnyRequest) -> Response[object]:
    """A page's button that asks for a signature."""
    signed_in(request)
    made: Response[object] = await start_signing(request, PAPER, "/login?done=1")
    return made


@post("/api/v1/statements")
async def hand_in(request: AnyRequest, data: JSONBody[dict[str, object]]) -> Json:
    """The door of statements."""
    return {"sid": from_json(data["statement"]).sid, "actor": signed_in(request).name}


def make_app(settings: Settings) -> Litestar:
    """Identity and two routes that use it."""
    accepted: list[Statement] = []

    async def accept(actor: Actor, signed: Statement) -> object:
        accepted.append(signed)
        return {"by": actor.name}

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        db = await Database.open(settings.database_url or "", 4)
        anchors = tuple(path.read_bytes() for path in settings.licence_anchors)
        app.state.update(
            {
                "settings": settings,
                "accepted": accepted,
                "accept_statement": accept,
                "pages": make_pages(frame),
                "desk": SimpleNamespace(
                    db=db,
                    platform=KeySigner(ec.generate_private_key(ec.SECP256R1())),
                    authority=DevAuthority(settings.licence_url or "", anchors),
                    anchors=anchors,
                    token_key=bytes(32),
                ),
            }
        )
        if settings.administrators is not None:
            await register_administrators(db, settings.administrators)
        yield
        await db.close()

    return Litestar(
        route_handlers=[*identity.routes, *login.routes, sign_vote, hand_in, static_files(STATIC)],
        lifespan=[lifespan],
        middleware=[DefineMiddleware(Authentication)],
        exception_handlers=problem_handlers(),
    )


async def main() -> None:
    """Serve until killed."""
    settings = read_settings()
    server = Server(
        make_app(settings),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        log_enabled=False,
    )
    await server.serve()


@contextlib.contextmanager
def running_platform(environment: Mapping[str, str]) -> Iterator[str]:
    """Start this module as a process and yield its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "identity_server"],
        cwd=ROOT,
        env={
            **os.environ,
            **environment,
            "SUNBID_PORT": str(port),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
        },
        stderr=subprocess.PIPE,
    )
    try:
        wait_until_it_answers(process, port, "/api/v1/time")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


def anchor_file(folder: Path, root: bytes) -> Path:
    """The anchor of an authority as a file that the settings name."""
    path = folder / "anchor.der"
    path.write_bytes(root)
    return path


if __name__ == "__main__":
    asyncio.run(main())

"""The application over a played world on a real port, for clients that are processes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

from bid_world import app_of
from foundation.problems import Refused
from foundation.settings import Settings
from licences import free_port
from world import World

TICK_S = 0.3
Wrap = Callable[[Litestar], Any]


def as_it_is(app: Litestar) -> Litestar:
    """Nothing stands before the application."""
    return app


@asynccontextmanager
async def served(
    world: World, settings: Settings, port: int | None = None, before: Wrap = as_it_is, **more: Any
) -> AsyncIterator[str]:
    """Serve the application in the loop of the test, with a ledger that ticks; its address.

    What `before` makes of the application is served in its place.
    """
    port = port or free_port()
    address = f"http://127.0.0.1:{port}"
    app = await app_of(world, replace(settings, public_url=address, mode="demo"), **more)
    server = Server(
        before(app), address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False
    )
    serving, rounds = asyncio.create_task(server.serve()), asyncio.create_task(_ticking(world))
    try:
        yield address
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        rounds.cancel()
        await asyncio.gather(serving, rounds, return_exceptions=True)
        await app.state.background.stop()


async def _ticking(world: World) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        # As the sequencer does: a tick that a busy machine refuses is followed by the next.
        with suppress(Refused):
            await world.tick()

"""Serving a small application alone in this process, until a signal ends it."""

import asyncio
import signal
import socket
import sys

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

from foundation.problems import Unavailable


class PortTaken(Unavailable):
    """The port is taken."""

    code = "port-taken"


async def serve_alone(app: Litestar, host: str, port: int, greeting: str) -> None:
    """Serve until SIGINT or SIGTERM; refuses a port that is taken.

    `greeting` goes to standard error before the first request is taken.
    """
    _refuse_taken_port(host, port)
    server = Server(app, address=host, port=port, interface=Interfaces.ASGI, log_enabled=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(server.serve())
    sys.stderr.write(f"{greeting}\n")
    sys.stderr.flush()
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]  # granian types it not
    await running
    waiting.cancel()


def _refuse_taken_port(host: str, port: int) -> None:
    """Refuse before the server starts: its own message would name no way out."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"expected a free port {port} on {host}, got: {error.strerror}; "
                "name another with --port"
            ) from None

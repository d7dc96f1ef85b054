"""`sunbid serve`: the platform with its pages, its interface, its sequencer, closer and worker.

Starts the embedded PostgreSQL where DATABASE_URL names no other, brings the database to this
version, and serves until a signal ends it. The signer is a process of its own.
"""

import argparse
import asyncio
import contextlib
import os
import socket
from datetime import datetime
from typing import Final

from foundation.clock import start_demo_clock
from foundation.database import Database
from foundation.embedded import database_addresses
from foundation.migrate import migrate
from foundation.problems import Unavailable
from foundation.settings import Settings, check_settings, read_settings
from foundation.statements.canonical import parse_time

HELP = "the platform: pages, interface, sequencer, closer and worker"
DEMO_FACTOR: Final = 60
# Of a connection, where much arrives: what comes in few large pieces is quicker stored.
BUFFER: Final = 1 << 20


class PortTaken(Unavailable):
    """The port is taken."""

    code = "port-taken"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Host and port stand in the settings; here only the demonstration's first moment."""
    parser.add_argument(
        "--demo-start",
        metavar="TIME",
        help="with SUNBID_MODE=demo: the platform's time when its database is made "
        "(like 2019-04-08T01:00:00.000Z)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; refuses a port that is taken and unsafe settings."""
    settings = read_settings()
    check_settings(settings)
    _refuse_taken_port(settings.host, settings.port, "SUNBID_PORT")
    _refuse_taken_port(settings.host, settings.seal_port, "SUNBID_SEAL_PORT")
    start = None if arguments.demo_start is None else parse_time(arguments.demo_start)
    with database_addresses(settings) as addresses:
        asyncio.run(migrate(addresses.owner, application=addresses.login))
        if settings.mode == "demo" and start is not None:
            asyncio.run(_start_clock(addresses.owner, start))
        os.environ["DATABASE_URL"] = addresses.application
        _serve(settings)
    return 0


def _serve(settings: Settings) -> None:
    # Imported here: the other sub-commands must not pay for the server's libraries.
    from granian import Granian
    from granian.constants import Interfaces, Loops
    from granian.http import HTTP1Settings

    Granian(
        "sunbid.app:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,
        loop=Loops.uvloop,
        log_access=False,
        websockets=False,
        http1_settings=HTTP1Settings(max_buffer_size=BUFFER),
    ).serve()


async def _start_clock(owner: str, start: datetime) -> None:
    """Make a new demonstration's clock; one that runs already goes on."""
    db = await Database.open(owner, 1)
    try:
        async with db.connection() as connection:
            await start_demo_clock(connection, start, DEMO_FACTOR)
    finally:
        await db.close()


def _refuse_taken_port(host: str, port: int, variable: str) -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"{host}:{port} is taken ({error.strerror}); set {variable} to a free one or end "
                "the other process"
            ) from None

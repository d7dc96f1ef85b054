"""`sunbid timestamp serve`: the development time-stamp authority.

It stands in for a national one in development and in the demonstration; production refuses its
root.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Final

HELP = "the development time-stamp authority: serve"
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    serve = actions.add_parser("serve", help="serve RFC 3161 over HTTP")
    serve.add_argument("--folder", type=Path, required=True, help="its key and root.der")
    serve.add_argument("--host", default="127.0.0.1", choices=LOOPBACK)
    serve.add_argument("--port", type=int, default=8004)
    serve.add_argument("--time-url", help="platform whose signed time counts (demonstration)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    # Imported here: the other sub-commands must not pay for the server's libraries.
    from sunbid.authority.clock import PlatformClock, real_time, time_origin
    from sunbid.serving import serve_alone
    from sunbid.timestamp_app import TimeFolder, timestamp_app

    folder = TimeFolder.open(arguments.folder)
    origin = time_origin(arguments.time_url)
    app = timestamp_app(folder, real_time if origin is None else PlatformClock(origin))
    greeting = f"time-stamp authority (development) at http://{arguments.host}:{arguments.port}"
    asyncio.run(serve_alone(app, arguments.host, arguments.port, greeting))
    return 0

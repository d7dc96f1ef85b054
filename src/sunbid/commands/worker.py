"""`sunbid worker`: closer and worker in a process of their own, beside `sunbid serve`.

The server leaves these rounds to it where both are started with SUNBID_WORKER=apart.
"""

import argparse
import asyncio
import signal

from foundation.clock import read_clock
from foundation.database import Database, reading
from foundation.embedded import database_addresses
from foundation.settings import Settings, check_settings, read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose: the settings say where."""


def run(arguments: argparse.Namespace) -> int:
    """Do the rounds until a signal ends them."""
    settings = read_settings()
    check_settings(settings)
    with database_addresses(settings) as addresses:
        asyncio.run(work(addresses.application, settings))
    return 0


async def work(dsn: str, settings: Settings) -> None:
    """Open the desk and do the rounds of closer and worker."""
    # Imported here: the other sub-commands must not pay for the server's libraries.
    from sunbid.background import Background
    from sunbid.mail import Mailer
    from sunbid.open_desk import open_desk
    from sunbid.rounds import make_rounds

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    db = await Database.open(dsn, 4)
    try:
        async with reading(db, "foundation") as connection:
            now, _, _ = await read_clock(connection)
        background = Background()
        desk = open_desk(db, settings, now)
        background.start_rounds(make_rounds(desk, Mailer.of(settings)))
        await stopped.wait()
        await background.stop()
    finally:
        await db.close()

"""Bring the database to this version; where DATABASE_URL is not set, our own server."""

import argparse
import asyncio

from foundation.embedded import database_addresses
from foundation.migrate import migrate
from foundation.settings import read_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose: the settings say where."""


def run(args: argparse.Namespace) -> int:
    """Applies what is missing; a second run does nothing."""
    with database_addresses(read_settings()) as addresses:
        done = asyncio.run(migrate(addresses.owner, application=addresses.login))
    for name in done.applied:
        print(f"applied {name}")
    if not done.applied:
        print("the database is up to date")
    if not done.guarded:
        print("the contexts have no roles of their own here: see sunbid doctor")
    return 0

"""`sunbid login`: open a session by signing a challenge, and keep it in a file of one's own."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from sunbid.client import Client, save_session
from sunbid.commands.signing import add_signer, host_of, signed_by
from sunbid.session import challenge_statement, session_of

HELP = "open a session by signing a challenge"
SESSION_VARIABLE: Final = "SUNBID_SESSION"
DEFAULT_SESSION: Final = "sunbid-session.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("--server", required=True, metavar="URL", help="the platform")
    add_signer(parser)
    parser.add_argument(
        "--session", type=Path, metavar="FILE", default=default_session(), help="where it is kept"
    )


def default_session() -> Path:
    """The session file where none is named."""
    return Path(os.environ.get(SESSION_VARIABLE) or DEFAULT_SESSION)


def run(arguments: argparse.Namespace) -> int:
    """Log in; refuses with the platform's or the licence app's sentence."""
    return asyncio.run(log_in(arguments))


async def log_in(arguments: argparse.Namespace) -> int:
    """Ask for a challenge, sign it, keep the token."""
    server = arguments.server.rstrip("/")
    with Client(origin=server) as client:
        asked = challenge_statement(client.post("/api/v1/challenges", {"purpose": "login"}), server)
        signed = await signed_by(arguments, asked, host_of(server))
        answer = client.post("/api/v1/sessions", {"statement": signed.json()})
    saved = session_of(answer, server)
    save_session(arguments.session, saved)
    sys.stderr.write(f"{saved.name} ({saved.role}) is logged in; session in {arguments.session}\n")
    return 0

"""`sunbid login`: open a session by signing a challenge, and keep it in a file of one's own."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from foundation.problems import Conflict
from foundation.statements.canonical import Json
from foundation.statements.signed import Statement, unsigned
from sunbid.client import BadAnswer, Client, SavedSession, save_session
from sunbid.commands.signing import add_signer, host_of, signed_by

HELP = "open a session by signing a challenge"
SESSION_VARIABLE: Final = "SUNBID_SESSION"
DEFAULT_SESSION: Final = "sunbid-session.json"


class OtherPlatform(Conflict):
    """The challenge is for another platform."""

    code = "other-platform"


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


def challenge_statement(answer: Json, server: str) -> Statement:
    """The login to be signed; refuses one for another platform, which a stranger passed on."""
    try:
        asked = unsigned(answer["type"], answer["body"])
        aud = asked.body["aud"]
    except (KeyError, TypeError):
        raise BadAnswer(f"expected a challenge of {server}, got something else") from None
    if asked.type != "login" or aud != host_of(server):
        raise OtherPlatform(
            f"expected a login for {host_of(server)}, got a {asked.type} for {aud}; use the "
            "address that the platform itself names"
        )
    return asked


def session_of(answer: Json, server: str) -> SavedSession:
    """The session that the platform opened."""
    try:
        actor = answer["actor"]
        return SavedSession(
            server=server,
            token=answer["token"],
            role=actor["role"],
            name=actor["name"],
            subject=actor["subject"],
            kid=actor["kid"],
            expires_at=answer["expires_at"],
        )
    except (KeyError, TypeError):
        raise BadAnswer(f"expected a session of {server}, got something else") from None

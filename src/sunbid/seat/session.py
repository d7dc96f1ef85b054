"""A session of the platform, opened by signing its login challenge."""

from foundation.statements.signed import Signer, sign
from sunbid.client import Client
from sunbid.commands.login import challenge_statement, session_of


def open_session(server: str, signer: Signer) -> Client:
    """A client that speaks in a new session of whoever holds this key."""
    with Client(origin=server) as client:
        asked = challenge_statement(client.post("/api/v1/challenges", {"purpose": "login"}), server)
        answer = client.post("/api/v1/sessions", {"statement": sign(asked, signer).json()})
    return session_of(answer, server).client()

"""Opening a session of the platform by signing its login challenge."""

from urllib.parse import urlsplit

from foundation.problems import Conflict
from foundation.statements.canonical import Json
from foundation.statements.signed import Signer, Statement, sign, unsigned
from sunbid.client import BadAnswer, Client, SavedSession


class OtherPlatform(Conflict):
    """The challenge is for another platform."""

    code = "other-platform"


def open_session(server: str, signer: Signer) -> Client:
    """A client that speaks in a new session of whoever holds this key."""
    with Client(origin=server) as client:
        asked = challenge_statement(client.post("/api/v1/challenges", {"purpose": "login"}), server)
        answer = client.post("/api/v1/sessions", {"statement": sign(asked, signer).json()})
    return session_of(answer, server).client()


def challenge_statement(answer: Json, server: str) -> Statement:
    """The login to be signed; refuses one for another platform, which a stranger passed on."""
    host = urlsplit(server).netloc
    try:
        asked = unsigned(answer["type"], answer["body"])
        aud = asked.body["aud"]
    except (KeyError, TypeError):
        raise BadAnswer(f"expected a challenge of {server}, got something else") from None
    if asked.type != "login" or aud != host:
        raise OtherPlatform(
            f"expected a login for {host}, got a {asked.type} for {aud}; use the address that the "
            "platform itself names"
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

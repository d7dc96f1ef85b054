"""One JSON question to a licence authority over HTTP, with the standard library only.

The commands start a process per act: a larger HTTP library would cost more than the question.
"""

import http.client
import json
from typing import Final
from urllib.parse import urlsplit

from bidding.licence.authority import (
    AuthorityAway,
    LicenceRefused,
    NoConsent,
    UnknownLicence,
    UnknownTicket,
    WrapRefused,
)
from bidding.licence.folder import LicenceExists
from bidding.licence.uscc import WrongUscc
from foundation.problems import Invalid, Refused
from foundation.statements.canonical import BadField, Json

TIMEOUT_S: Final = 10.0
LARGEST_ANSWER: Final = 4 * 1024 * 1024

_KINDS: Final[dict[str, type[Refused]]] = {
    kind.code: kind
    for kind in (
        UnknownLicence,
        UnknownTicket,
        NoConsent,
        WrapRefused,
        LicenceExists,
        WrongUscc,
        BadField,
        Invalid,
    )
}


def ask(origin: str, method: str, path: str, value: Json = None) -> bytes:
    """The answer's body; refuses with the authority's own sentence where it refused."""
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise Invalid(f"expected the authority's address like http://host:8001, got {origin[:80]}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    body = None if value is None else json.dumps(value).encode()
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read(LARGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise AuthorityAway(
            f"expected an answer of the licence authority at {origin}, got "
            f"{type(error).__name__}; start it (`sunbid licence serve`) or try again"
        ) from None
    finally:
        connection.close()
    if answer.status >= 400:
        raise _refusal(origin, answer.status, content)
    return content


def ask_json(origin: str, method: str, path: str, value: Json = None) -> Json:
    """As `ask`, with the answer read as JSON."""
    try:
        return json.loads(ask(origin, method, path, value))
    except ValueError:
        raise AuthorityAway(f"expected JSON from {origin}{path}, got something else") from None


def _refusal(origin: str, status: int, content: bytes) -> Refused:
    try:
        problem = json.loads(content)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return AuthorityAway(f"the licence authority at {origin} answered {status} without reason")
    if status >= 500:
        return AuthorityAway(detail)
    return _KINDS.get(code, LicenceRefused)(detail)

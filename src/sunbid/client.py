"""The HTTP client of the offline commands.

Standard library only: each act is a process of its own, and `http.client` starts in a tenth of
the time of a larger library. An outcome that is not known is never shown as a failure.
"""

import http.client
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import msgspec

from foundation.problems import Invalid, Refused, Unavailable
from foundation.statements.canonical import Json, parse_time
from foundation.statements.signed import Statement, from_json

TIMEOUT_S: Final = 30.0
# Waits between tries of a request that may be sent again; six seconds in all.
RETRY_AFTER_S: Final = (0.1, 0.3, 0.6, 1.0, 4.0)
LONGEST_ASKED_WAIT_S: Final = 5.0
REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
AWAY: Final = frozenset({502, 503, 504})


class ServerRefused(Refused):
    """The platform refused."""

    code = "server-refused"

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or "no reason given"))
        self.problem = dict(problem)
        # The platform's own code and status stand before those of the class.
        self.__dict__["code"] = str(problem.get("code") or "server-refused")
        self.__dict__["status"] = int(problem.get("status") or 400)


class NoAnswer(Unavailable):
    """The platform does not answer."""

    code = "no-answer"


class NotKnown(Unavailable):
    """It is not known whether this was done."""

    code = "not-known"


class BadAnswer(Unavailable):
    """The platform's answer does not read."""

    code = "bad-answer"


class BadSession(Invalid):
    """This session file does not read."""

    code = "bad-session"


class NotADemonstration(Invalid):
    """The platform's own clock counts in a demonstration only."""

    code = "not-a-demonstration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the platform answered, refusals excepted."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """The body as JSON; refuses anything else."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            raise BadAnswer("expected JSON, got something else; is the address right?") from None


@dataclass(slots=True, kw_only=True)
class Client:
    """A connection to one platform; `token` is the bearer token of a session."""

    origin: str
    token: str | None = None
    timeout: float = TIMEOUT_S
    cookies: dict[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the client can be used again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def beside(self) -> "Client":
        """Another connection of the same session; a connection carries one request at a time."""
        return Client(
            origin=self.origin, token=self.token, timeout=self.timeout, cookies=dict(self.cookies)
        )

    def get(self, path: str) -> Json:
        """Read JSON."""
        return self.ask("GET", path).json()

    def get_bytes(self, path: str) -> bytes:
        """Read a file."""
        return self.ask("GET", path).body

    def post(
        self,
        path: str,
        value: Json = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """Send JSON; with an idempotency `key` the same request is sent again until answered."""
        body = b"{}" if value is None else json.dumps(value, ensure_ascii=False).encode()
        return self.ask("POST", path, body, key=key, headers=headers).json()

    def put(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send bytes to a place; sent again until answered."""
        sent = {"Content-Type": "application/octet-stream", **(headers or {})}
        return self.ask("PUT", path, body, headers=sent)

    def post_statement(self, path: str, signed: Statement, *, key: str | None = None) -> Json:
        """Send a statement; its sid is the idempotency key unless another is given."""
        return self.post(path, {"statement": signed.json()}, key=key or signed.sid)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; refuses with the platform's sentence, or says that nothing is known."""
        sent = self._headers(body, key, headers)
        repeatable = method in REPEATABLE or key is not None
        if not repeatable:
            # A kept connection may be half closed: what is sent once needs a fresh one.
            self.close()
        got = self._attempt(method, path, body, sent)
        for wait in RETRY_AFTER_S if repeatable else ():
            if not _worth_another(got):
                break
            time.sleep(max(wait, _asked_wait(got)))
            got = self._attempt(method, path, body, sent)
        if isinstance(got, Refused):
            raise got
        return _accepted(got)

    def _attempt(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer | Refused:
        try:
            return self._once(method, path, body, headers)
        except ConnectionRefusedError:
            return NoAnswer(f"nobody answers at {self.origin}; is the platform running?")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return self._silence(method, path, error)

    def _headers(
        self, body: bytes | None, key: str | None, more: Mapping[str, str] | None
    ) -> dict[str, str]:
        sent = {"Accept": "application/json, application/problem+json;q=0.9, */*;q=0.5"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        elif self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if key is not None:
            sent["Idempotency-Key"] = key
        return sent | dict(more or {})

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        if self._connection is None:
            self._connection = _connection(self.origin, self.timeout)
        self._connection.request(method, path, body, dict(headers))
        answer = self._connection.getresponse()
        content = answer.read()
        if self.token is None:
            self._keep_cookies(answer)
        if answer.will_close:
            self.close()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(status=answer.status, headers=named, body=content)

    def _keep_cookies(self, answer: http.client.HTTPResponse) -> None:
        for line in answer.headers.get_all("Set-Cookie") or []:
            try:
                read = SimpleCookie(line)
            except CookieError:
                continue
            self.cookies.update({name: morsel.value for name, morsel in read.items()})

    def _silence(self, method: str, path: str, error: Exception) -> Refused:
        if method in {"GET", "HEAD"}:
            return NoAnswer(
                f"expected an answer of {self.origin}, got {type(error).__name__}; try again"
            )
        return NotKnown(
            f"the connection broke before {method} {path} was answered "
            f"({type(error).__name__}); it may have been done: send the same again or look it up"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSession:
    """A session file of the commands; it opens the session for whoever can read it."""

    server: str
    token: str
    role: str
    name: str
    subject: str | None
    kid: str | None
    expires_at: str

    def client(self) -> Client:
        """A client that speaks in this session."""
        return Client(origin=self.server, token=self.token)


def save_session(path: Path, session: SavedSession) -> None:
    """Write a session file that only its owner can read; an older one is replaced."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadSession(f"cannot write {path}: {error.strerror}") from None
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(session))
    draft.replace(path)


def load_session(path: Path) -> SavedSession:
    """Read a session file; refuses one that others may read."""
    try:
        if path.stat().st_mode & 0o077:
            raise BadSession(f"{path} can be read by others; run chmod 600 or log in again")
        return msgspec.json.decode(path.read_bytes(), type=SavedSession)
    except OSError as error:
        raise BadSession(f"cannot read {path}: {error.strerror}; run `sunbid login`") from None
    except msgspec.DecodeError:
        raise BadSession(f"expected a session file in {path}; run `sunbid login` again") from None


def platform_time(client: Client) -> tuple[datetime, Statement]:
    """The platform's time with the statement it signed; the signature is the caller's to check."""
    answer = client.get("/api/v1/time")
    try:
        signed = from_json(answer["statement"])
        return parse_time(signed.body["platform"]), signed
    except (KeyError, TypeError):
        raise BadAnswer("expected the platform's signed time, got something else") from None


def demo_time(client: Client, anchors: Sequence[bytes] = ()) -> datetime:
    """The clock of a demonstration, for opening keys that say so; refuses anywhere else.

    With the platform's anchors (DER) the time's signature is checked as well.
    """
    if os.environ.get("SUNBID_MODE") != "demo":
        raise NotADemonstration(
            "these opening keys belong to a demonstration's clock; set SUNBID_MODE=demo to play "
            "along, and never hand in a real bid to it"
        )
    at, signed = platform_time(client)
    if anchors:
        from foundation.statements.certificates import certificate_signers

        if not certificate_signers(signed, anchors, at):
            raise BadAnswer("expected a time signed by the platform, got one without; ask again")
    return at


def _connection(origin: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise Invalid(f"expected the platform's address like https://host, got {origin[:80]!r}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout)


def _worth_another(got: Answer | Refused) -> bool:
    if isinstance(got, Refused):
        return True
    return got.status in AWAY and _asked_wait(got) <= LONGEST_ASKED_WAIT_S


def _asked_wait(got: Answer | Refused) -> float:
    if isinstance(got, Refused):
        return 0.0
    try:
        return float(got.headers.get("retry-after", "0"))
    except ValueError:
        return 0.0


def _accepted(answer: Answer) -> Answer:
    if answer.status < 400:
        return answer
    try:
        problem = json.loads(answer.body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"the platform answered {answer.status} without a reason"}
    raise ServerRefused({"status": answer.status, **problem})

"""A licence service of its own for tests: it speaks the tokens of the adapter, written apart.

Standard library's HTTP and PyJWT; the licences lie in a folder. Beside the interface it has doors
that only tests use: the holder's consent, silence, and a record of what was asked.
`python tests/licence_service.py FOLDER STATE PORT` serves; `settings` writes what a client needs.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bidding.licence.authority import Declined, Expired, Good, Pending, Revoked, Signed, SignRequest
from bidding.licence.file import FileAuthority
from bidding.licence.folder import open_folder
from foundation.problems import Refused
from foundation.statements.canonical import b64, time_text, unb64
from foundation.statements.signed import unsigned
from licences import wait_until_it_answers

ISSUER, CLIENT = "https://licences.example", "sunbid-test"
SERVICE_KID, CLIENT_KID = "service-2026", "client-2026"
ROOT = Path(__file__).resolve().parents[1]
STATES = {Pending: "pending", Signed: "signed", Declined: "declined", Expired: "expired"}


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as the settings have it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Its public half."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def settings(folder: Path, authority: Path, url: str, **changes: Any) -> Path:
    """Write the settings of a client and the keys of both sides into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("service", "client"):
        if not (folder / f"{name}.pem").exists():
            key = ec.generate_private_key(ec.SECP256R1())
            (folder / f"{name}.pem").write_bytes(private_pem(key))
            (folder / f"{name}.pub").write_text(public_pem(key))
    (folder / "root.der").write_bytes(open_folder(authority).root)
    said = {
        "id": "national",
        "url": url,
        "issuer": ISSUER,
        "client": CLIENT,
        "client_kid": CLIENT_KID,
        "client_key": "client.pem",
        "keys": [{"kid": SERVICE_KID, "alg": "ES256", "pem": (folder / "service.pub").read_text()}],
        "anchors": ["root.der"],
        "suites": [open_folder(authority).suite],
        "timeout_s": 3.0,
        **changes,
    }
    path = folder / "authority.json"
    path.write_text(json.dumps(said))
    return path


async def _now() -> datetime:
    return datetime.now(UTC)


class Service(HTTPServer):
    """The service's state; one request at a time touches the licences."""

    def __init__(self, folder: Path, state: Path, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.files = FileAuthority(folder=open_folder(folder), now=_now)
        self.private = (state / "service.pem").read_bytes()
        self.client = (state / "client.pub").read_text()
        self.asked: list[dict[str, Any]] = []
        self.silent: set[str] = set()
        self.loop = asyncio.new_event_loop()

    def answer(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The result or the error of one request."""
        self.asked.append({"op": claims["op"], "args": claims["args"]})
        try:
            result = self.loop.run_until_complete(self.do(claims["op"], claims["args"]))
        except Refused as refused:
            return {"error": {"code": refused.code, "detail": refused.message}}
        return {"result": result}

    async def do(self, op: str, args: dict[str, Any]) -> Any:
        """What each operation does."""
        files = self.files
        match op:
            case "begin":
                asked = args["statement"]
                ticket = await files.begin(
                    SignRequest(
                        holder=args["holder"],
                        host=args["host"],
                        purpose=args["purpose"],
                        statement=None if asked is None else unsigned(asked["type"], asked["body"]),
                        lot=None if args["lot"] is None else UUID(args["lot"]),
                    )
                )
                return {"id": ticket.id, "consent_url": f"{ISSUER}/consent/{ticket.id}"}
            case "poll":
                found = await files.poll(args["ticket"])
                signature = found.signature if isinstance(found, Signed) else None
                return {
                    "state": STATES[type(found)],
                    "signature": None if signature is None else signature.json(),
                }
            case "opening-key":
                key = await files.opening_key(args["ticket"], UUID(args["lot"]))
                return None if key is None else {"kid": key.kid, "pk": b64(key.public)}
            case "unwrap":
                value = await files.unwrap(
                    args["ticket"], args["kid"], unb64(args["info"]), unb64(args["ct"])
                )
                return {"value": b64(value)}
            case "status":
                told = await files.status(unb64(args["certificate"]), await _now())
                if isinstance(told, Revoked):
                    return {"status": "revoked", "at": time_text(told.at), "reason": told.reason}
                word = "good" if isinstance(told, Good) else "unknown"
                return {"status": word, "at": None, "reason": None}
        raise ValueError(op)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Service

    def do_GET(self) -> None:
        """Lists, and the tests' record."""
        if self.path in self.server.silent:
            return
        if self.path == "/v1/crl":
            self.say(self.server.files.folder.revocation_list(datetime.now(UTC)))
        elif self.path == "/test/asked":
            self.say(json.dumps(self.server.asked).encode())
        else:
            self.say(b"ok")

    def do_POST(self) -> None:
        """Requests, and the tests' doors."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path in self.server.silent:
            return
        if self.path == "/v1/requests":
            claims = jwt.decode(
                body, self.server.client, algorithms=["ES256"], audience=ISSUER, issuer=CLIENT
            )
            said = {
                "iss": ISSUER,
                "aud": CLIENT,
                "iat": int(time.time()),
                "exp": int(time.time()) + 60,
                "jti": str(uuid4()),
                "in_reply_to": claims["jti"],
                **self.server.answer(claims),
            }
            headers = {"kid": SERVICE_KID}
            token = jwt.encode(said, self.server.private, algorithm="ES256", headers=headers)
            self.say(token.encode())
        elif self.path == "/test/consent":
            asked = json.loads(body)
            answer = self.server.files.consent(asked["ticket"], yes=asked["yes"])
            self.server.loop.run_until_complete(answer)
            self.say(b"{}")
        elif self.path == "/test/silent":
            self.server.silent = set(json.loads(body))
            self.say(b"{}")

    def say(self, content: bytes) -> None:
        """Answer 200."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Nothing is printed."""


def ask(url: str, path: str, value: Any = None) -> Any:
    """One of the tests' own doors."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        if value is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(value))
        return json.loads(connection.getresponse().read() or b"null")
    finally:
        connection.close()


@contextmanager
def running_service(authority: Path, state: Path, port: int) -> Iterator[str]:
    """The service as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(authority), str(state), str(port)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"},
        stderr=subprocess.PIPE,
    )
    try:
        wait_until_it_answers(process, port, "/")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


if __name__ == "__main__":
    Service(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])).serve_forever()

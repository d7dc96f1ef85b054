"""A real licence service over HTTP: `LicenceAuthority` with requests and replies as signed tokens.

What it may say is in `tokens`; which keys, places and time-outs count is in its settings file. The
authority learns whom it asks a signature of, and nothing about acts: their status comes from lists.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from bidding.licence.answers import (
    read_answer,
    read_key,
    read_ticket,
    read_value,
    request_json,
    wrap_json,
)
from bidding.licence.authority import (
    Answer,
    AuthorityAway,
    Good,
    LicenceRefused,
    NoConsent,
    OpeningKey,
    Revoked,
    SignRequest,
    SignTicket,
    Status,
    Unknown,
    UnknownLicence,
    UnknownTicket,
    WrapRefused,
)
from bidding.licence.listing import KeptList
from bidding.licence.paths import CertificatePath, read_uscc
from bidding.licence.profile import (
    Anchor,
    LicenceSubject,
    check_licence,
    is_development,
    licence_subject,
)
from bidding.licence.revocation import OLDEST_LIST
from bidding.licence.tokens import ALGORITHMS, BadReply, PinnedKey, TokenReader, TokenWriter
from foundation.problems import Invalid, Refused, Unavailable
from foundation.statements.canonical import Json, b64, parse_time
from foundation.statements.certificates import BadChain, load_certificate
from foundation.statements.signed import Signature, check_signature, decode

CONTENT_TYPE: Final = "application/jwt"
REQUESTS: Final = "/v1/requests"
LISTS: Final = "/v1/crl"
LARGEST_ANSWER: Final = 4 * 1024 * 1024
DEFAULT_TIMEOUT_S: Final = 5.0
# After silence the service is left alone for so long: a queue of people must not wait for it.
QUIET_S: Final = 5.0
MOST_REMEMBERED: Final = 10_000

_KINDS: Final[dict[str, type[Refused]]] = {
    kind.code: kind for kind in (UnknownLicence, UnknownTicket, NoConsent, WrapRefused)
}


class BadAuthoritySettings(Invalid):
    """The settings of a licence service cannot be used."""

    code = "bad-authority-settings"


class _KeyShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kid: str
    alg: str
    pem: str


class _SettingsShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings file; paths are relative to it."""

    id: str
    url: str
    issuer: str
    client: str
    client_kid: str
    client_key: str
    keys: list[_KeyShape]
    anchors: list[str]
    suites: tuple[str, ...] = ("INTL-1",)
    uscc_paths: tuple[str, ...] = ("subject:2.5.4.5", "subject:2.5.4.97,NTRCN-(.*)")
    timeout_s: float = DEFAULT_TIMEOUT_S


class _Status(msgspec.Struct, frozen=True):
    status: str
    at: str | None
    reason: str | None


class _Error(msgspec.Struct, frozen=True):
    code: str
    detail: str


@dataclass(slots=True, kw_only=True)
class HttpAuthority:
    """The client of one licence service; `from_file` reads its settings."""

    id: str
    url: str
    anchors: tuple[bytes, ...]
    reader: TokenReader
    writer: TokenWriter = field(repr=False)
    uscc_paths: tuple[CertificatePath, ...]
    suites: frozenset[str] = frozenset({"INTL-1"})
    timeout_s: float = DEFAULT_TIMEOUT_S
    # Answers that logins got, by certificate: (asked at, answer).
    at_login: dict[bytes, tuple[datetime, Status]] = field(default_factory=dict)
    _quiet_until: float = 0.0
    _list: KeptList = field(init=False)

    def __post_init__(self) -> None:
        self._list = KeptList(fetch=self._crl, anchors=self.anchors)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the settings; refuses what does not read, naming it. Asks nothing."""
        try:
            shape = decode(json.loads(path.read_bytes()), _SettingsShape)
            keys = {key.kid: _pinned(key) for key in shape.keys}
            private = serialization.load_pem_private_key(
                (path.parent / shape.client_key).read_bytes(), password=None
            )
            anchors = tuple((path.parent / anchor).read_bytes() for anchor in shape.anchors)
            for anchor in anchors:
                load_certificate(anchor)
        except (OSError, ValueError, TypeError, Refused) as error:
            raise BadAuthoritySettings(f"cannot use {path.name}: {error}") from None
        if not isinstance(private, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise BadAuthoritySettings("expected a P-256 or Ed25519 key as client_key")
        if not keys or not anchors:
            raise BadAuthoritySettings("expected at least one key and one anchor of the service")
        return cls(
            id=shape.id,
            url=shape.url.rstrip("/"),
            anchors=anchors,
            suites=frozenset(shape.suites),
            uscc_paths=tuple(CertificatePath.read(text) for text in shape.uscc_paths),
            timeout_s=shape.timeout_s,
            reader=TokenReader(issuer=shape.issuer, audience=shape.client, keys=keys),
            writer=TokenWriter(
                issuer=shape.client, audience=shape.issuer, kid=shape.client_kid, key=private
            ),
        )

    async def trust_anchors(self) -> list[Anchor]:
        """The roots of the settings file; one of a development authority is called so."""
        return [Anchor(certificate=a, development=is_development(a)) for a in self.anchors]

    async def begin(self, request: SignRequest) -> SignTicket:
        """Send a request to the holder's app."""
        return read_ticket(await self._ask("begin", request_json(request)))

    async def poll(self, ticket_id: str) -> Answer:
        """What the holder answered so far."""
        return read_answer(await self._ask("poll", {"ticket": ticket_id}))

    async def status(self, certificate: bytes, at: datetime) -> Status:
        """By the newest list, else by what a login of the last 24 hours was told."""
        found = await self._list.status(certificate, at)
        if not isinstance(found, Unknown):
            return found
        asked_at, told = self.at_login.get(certificate, (None, found))
        if asked_at is None or not asked_at - OLDEST_LIST <= at <= asked_at + OLDEST_LIST:
            return found
        if isinstance(told, Revoked) and told.at > at:
            return Good()
        return told

    async def status_at_login(self, certificate: bytes, at: datetime) -> Status:
        """By the newest list; without one the service is asked, and its answer remembered."""
        found = await self._list.status(certificate, at)
        if not isinstance(found, Unknown):
            return found
        try:
            told = decode(await self._ask("status", {"certificate": b64(certificate)}), _Status)
            answer = _status(told)
        except Unavailable as away:
            return Unknown(away.message)
        if isinstance(answer, Unknown):
            return answer
        if len(self.at_login) >= MOST_REMEMBERED:
            self.at_login.clear()
        self.at_login[certificate] = (at, answer)
        return answer

    async def opening_key(self, ticket_id: str, lot: UUID) -> OpeningKey | None:
        """The key made in the app for this lot; None where the app makes none."""
        result = await self._ask("opening-key", {"ticket": ticket_id, "lot": str(lot)})
        return None if result is None else read_key(result)

    async def unwrap(self, ticket_id: str, kid: str, info: bytes, ct: bytes) -> bytes:
        """Have one wrap opened in the app."""
        asked = {"ticket": ticket_id, **wrap_json(kid, info, ct)}
        return read_value(await self._ask("unwrap", asked))

    def subject(self, certificate: bytes) -> LicenceSubject:
        """Whom a certificate names; refuses where the places of the settings disagree."""
        return self._agreed(licence_subject(load_certificate(certificate)))

    def verify(
        self, chain: Sequence[bytes], signature: Signature, message: bytes, at: datetime
    ) -> LicenceSubject:
        """Check a signature by a licence of this authority."""
        found = self._agreed(check_licence(chain, self.anchors, at))
        check_signature(signature.alg, found.public_key, message, signature.sig)
        return found

    def _agreed(self, found: LicenceSubject) -> LicenceSubject:
        if read_uscc(found.certificate, self.uscc_paths) != found.uscc:
            raise BadChain("expected one credit code in all places of the certificate, got two")
        return found

    async def _ask(self, operation: str, args: dict[str, Json]) -> Json:
        """One question; refuses with the service's own reason, or as `AuthorityAway`."""
        if time.monotonic() < self._quiet_until:
            raise AuthorityAway("the licence service did not answer just now; try again soon")
        token, jti = self.writer.write({"op": operation, "args": args})
        raw = await asyncio.to_thread(self._send, "POST", REQUESTS, token.encode())
        claims = self.reader.read(raw)
        if claims.get("in_reply_to") != jti:
            raise BadReply("expected the reply to this request, got that to another")
        error = claims.get("error")
        if error is not None:
            told = decode(error, _Error)
            raise _KINDS.get(told.code, LicenceRefused)(told.detail)
        return claims.get("result")

    def _crl(self) -> bytes:
        return self._send("GET", LISTS, None)

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self.timeout_s)
        try:
            connection.request(
                method, parts.path + path, body, {"Content-Type": CONTENT_TYPE} if body else {}
            )
            answer = connection.getresponse()
            content = answer.read(LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            self._quiet_until = time.monotonic() + QUIET_S
            raise AuthorityAway(
                f"expected an answer of the licence service {self.id}, got {type(error).__name__}"
            ) from None
        finally:
            connection.close()
        # A refusal of the service is a signed reply too; any other status is none of its answers.
        if answer.status != 200:
            raise AuthorityAway(f"the licence service {self.id} answered {answer.status}")
        return content


def _pinned(shape: _KeyShape) -> PinnedKey:
    if shape.alg not in ALGORITHMS:
        raise BadAuthoritySettings(
            f"expected alg {' or '.join(ALGORITHMS)} for key {shape.kid[:40]}, got {shape.alg[:20]}"
        )
    key = serialization.load_pem_public_key(shape.pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise BadAuthoritySettings("expected a P-256 or Ed25519 key of the service")
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1):
        raise BadAuthoritySettings("expected a key on P-256 for ES256")
    return PinnedKey(alg=shape.alg, key=key)


def _status(told: _Status) -> Status:
    match told.status:
        case "good":
            return Good()
        case "revoked" if told.at is not None:
            return Revoked(parse_time(told.at), told.reason or "unspecified")
        case "unknown":
            return Unknown(told.reason or "the licence service does not know the certificate")
    raise BadReply(f"expected a status, got {told.status[:40]!r}")

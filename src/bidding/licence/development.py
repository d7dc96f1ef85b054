"""The development authority's client: `LicenceAuthority` over HTTP to `sunbid licence serve`.

The adapter for a real authority's interface will stand beside it and pass the same tests.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from urllib.parse import quote
from uuid import UUID

import msgspec

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
    OpeningKey,
    SignRequest,
    SignTicket,
    Status,
)
from bidding.licence.listing import KeptList
from bidding.licence.profile import Anchor, LicenceSubject, check_licence, licence_subject
from bidding.licence.wire import ask, ask_json
from foundation.statements.canonical import Json, unb64
from foundation.statements.certificates import load_certificate
from foundation.statements.signed import Signature, check_signature, decode


class _About(msgspec.Struct, frozen=True):
    id: str
    suites: list[str]
    anchors: list[str]


class LicenceAnswer(msgspec.Struct, frozen=True):
    """A licence as the authority shows it."""

    uscc: str
    name: str
    type: str
    kid: str
    chain: list[str]


@dataclass(slots=True)
class DevAuthority:
    """The client of one development authority; `open` asks it who it is.

    A platform names its trusted roots itself and asks nothing: it may start before its authority.
    """

    origin: str
    anchors: tuple[bytes, ...]
    id: str = "development"
    suites: frozenset[str] = frozenset({"INTL-1"})
    _list: KeptList = field(init=False)

    def __post_init__(self) -> None:
        self._list = KeptList(fetch=self._crl, anchors=self.anchors)

    @classmethod
    async def open(cls, origin: str, anchors: Sequence[bytes] | None = None) -> Self:
        """Ask the authority who it is; given anchors are trusted instead of the ones it names."""
        about = decode(await _json(origin, "GET", "/api/v1/authority"), _About)
        return cls(
            origin=origin,
            id=about.id,
            suites=frozenset(about.suites),
            anchors=tuple(unb64(a) for a in about.anchors) if anchors is None else tuple(anchors),
        )

    async def trust_anchors(self) -> list[Anchor]:
        """The roots that are trusted."""
        return [Anchor(certificate=anchor, development=True) for anchor in self.anchors]

    async def begin(self, request: SignRequest) -> SignTicket:
        """Send a request to the holder's app."""
        value = request_json(request)
        return read_ticket(await _json(self.origin, "POST", "/api/v1/tickets", value))

    async def consent(self, ticket_id: str, *, yes: bool) -> Answer:
        """Answer for the holder, as `--yes` does; a real authority has no such call."""
        path = f"{_path(ticket_id)}/consent"
        return read_answer(await _json(self.origin, "POST", path, {"yes": yes}))

    async def poll(self, ticket_id: str) -> Answer:
        """What the holder answered so far."""
        return read_answer(await _json(self.origin, "GET", _path(ticket_id)))

    async def status(self, certificate: bytes, at: datetime) -> Status:
        """Whether a certificate was revoked at or before `at`; Unknown where no list can be had."""
        return await self._list.status(certificate, at)

    async def status_at_login(self, certificate: bytes, at: datetime) -> Status:
        """As `status`: the list tells everything here."""
        return await self.status(certificate, at)

    def _crl(self) -> bytes:
        return ask(self.origin, "GET", "/crl")

    async def opening_key(self, ticket_id: str, lot: UUID) -> OpeningKey | None:
        """The key made in the app for this lot."""
        path = f"{_path(ticket_id)}/opening-key"
        return read_key(await _json(self.origin, "POST", path, {"lot": str(lot)}))

    async def unwrap(self, ticket_id: str, kid: str, info: bytes, ct: bytes) -> bytes:
        """Have one wrap opened in the app."""
        path = f"{_path(ticket_id)}/unwrap"
        return read_value(await _json(self.origin, "POST", path, wrap_json(kid, info, ct)))

    def subject(self, certificate: bytes) -> LicenceSubject:
        """Whom a certificate names."""
        return licence_subject(load_certificate(certificate))

    def verify(
        self, chain: Sequence[bytes], signature: Signature, message: bytes, at: datetime
    ) -> LicenceSubject:
        """Check a signature by a licence of this authority."""
        found = check_licence(chain, self.anchors, at)
        check_signature(signature.alg, found.public_key, message, signature.sig)
        return found

    async def issue(self, uscc: str, name: str, kind: str) -> LicenceAnswer:
        """Have a licence issued."""
        value: Json = {"uscc": uscc, "name": name, "type": kind}
        return decode(await _json(self.origin, "POST", "/api/v1/licences", value), LicenceAnswer)

    async def revoke(self, uscc: str, reason: str) -> Json:
        """Have a licence revoked from now on."""
        path = f"/api/v1/licences/{quote(uscc, safe='')}/revocation"
        return await _json(self.origin, "POST", path, {"reason": reason})


async def _json(origin: str, method: str, path: str, value: Json = None) -> Json:
    return await asyncio.to_thread(ask_json, origin, method, path, value)


def _path(ticket_id: str) -> str:
    return f"/api/v1/tickets/{quote(ticket_id, safe='')}"

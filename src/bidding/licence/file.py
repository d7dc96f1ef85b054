"""The authority that keeps licences in a folder: for the development authority and for tests.

It is a whole licence app without a screen: whoever calls `consent` speaks for the holder.
"""

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke

from bidding.licence.authority import (
    TICKET_LIFE_S,
    Answer,
    Declined,
    Expired,
    LicenceRefused,
    NoConsent,
    OpeningKey,
    Pending,
    Signed,
    SignRequest,
    SignTicket,
    Status,
    UnknownTicket,
    WrapRefused,
)
from bidding.licence.folder import AuthorityFolder
from bidding.licence.profile import Anchor, LicenceSubject, check_licence, licence_subject
from bidding.licence.revocation import read_list
from foundation.problems import TooMany
from foundation.statements import sm2_encryption
from foundation.statements.certificates import load_certificate
from foundation.statements.keyfile import CurveKey
from foundation.statements.signed import (
    Signature,
    check_signature,
    kid_of,
    raw_public_key,
    sign,
)
from foundation.statements.sm2 import SM2PrivateKey, sm3

MOST_TICKETS: Final = 10_000
# A bidder's wrap (role B); nothing else is ever opened by a licence app.
WRAP_INFO: Final = b"tbe1/wrap/v1\0B"
WRAP_INFO_LENGTH: Final = len(WRAP_INFO) + 1 + 32 + 32
WRAP_LENGTH: Final = 113
SM2_WRAP_LENGTH: Final = 161

Now = Callable[[], Awaitable[datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ticket:
    request: SignRequest
    until: float
    answer: Answer


@dataclass(slots=True, kw_only=True)
class FileAuthority:
    """A `LicenceAuthority` over a folder; `now` is the time it signs and issues by."""

    folder: AuthorityFolder
    now: Now
    consent_page: str | None = None
    id: str = "development"
    suites: frozenset[str] = field(init=False)
    _tickets: dict[str, _Ticket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.suites = frozenset({self.folder.suite})

    async def trust_anchors(self) -> list[Anchor]:
        """The one root of the folder."""
        return [Anchor(certificate=self.folder.root, development=True)]

    async def begin(self, request: SignRequest) -> SignTicket:
        """Keep a request until its holder answers; refuses an organisation without licence here."""
        self.folder.licence(request.holder)
        if (request.statement is None) == (request.purpose == "sign"):
            raise LicenceRefused("expected a statement to sign, or a lot whose keys are used")
        if request.purpose == "opening" and request.lot is None:
            raise LicenceRefused("expected the lot whose opening keys are used, got none")
        now = time.monotonic()
        self._tickets = {k: t for k, t in self._tickets.items() if t.until + TICKET_LIFE_S > now}
        if len(self._tickets) >= MOST_TICKETS:
            raise TooMany("too many requests wait for holders; try again in five minutes")
        ticket_id = secrets.token_urlsafe(24)
        self._tickets[ticket_id] = _Ticket(
            request=request, until=now + TICKET_LIFE_S, answer=Pending()
        )
        page = None if self.consent_page is None else f"{self.consent_page}/{ticket_id}"
        return SignTicket(id=ticket_id, consent_url=page)

    def request(self, ticket_id: str) -> SignRequest:
        """What a ticket asks its holder for."""
        return self._ticket(ticket_id).request

    async def consent(self, ticket_id: str, *, yes: bool) -> Answer:
        """The holder's answer; the first one stands."""
        ticket = self._ticket(ticket_id)
        if not isinstance(ticket.answer, Pending):
            return ticket.answer
        answer: Answer = Declined()
        if yes:
            answer = Signed(None)
            if ticket.request.statement is not None:
                licence = self.folder.licence(ticket.request.holder)
                signed = sign(ticket.request.statement, licence.signer, await self.now())
                answer = Signed(signed.sigs[-1])
        # One yes serves for making and using the keys of a lot, from now on and not for ever:
        # whoever keeps the ticket could otherwise open a half weeks later.
        until = time.monotonic() + TICKET_LIFE_S
        self._tickets[ticket_id] = replace(ticket, answer=answer, until=until)
        return answer

    async def poll(self, ticket_id: str) -> Answer:
        """What the holder answered so far."""
        return self._ticket(ticket_id).answer

    async def status(self, certificate: bytes, at: datetime) -> Status:
        """Whether a certificate was revoked at or before `at`."""
        current = self.folder.revocation_list(max(at, await self.now()))
        return read_list(current, [self.folder.root]).status(load_certificate(certificate), at)

    async def status_at_login(self, certificate: bytes, at: datetime) -> Status:
        """As `status`: the folder tells everything."""
        return await self.status(certificate, at)

    async def opening_key(self, ticket_id: str, lot: UUID) -> OpeningKey | None:
        """The public half of the holder's key for the ticket's lot."""
        holder = self._consented(ticket_id, lot)
        public = raw_public_key(self.folder.opening_key(holder, lot).public_key())
        return OpeningKey(kid_of(public), public)

    async def unwrap(self, ticket_id: str, kid: str, info: bytes, ct: bytes) -> bytes:
        """Open a bidder's wrap of the ticket's lot; refuses every other question.

        For P-256 the library's HPKE is used, not ours: the two must agree for any bid to open.
        """
        lot = self._ticket(ticket_id).request.lot
        if lot is None:
            raise NoConsent("expected a request for the keys of a lot; ask the holder for one")
        key = self.folder.opening_key(self._consented(ticket_id, lot), lot)
        if kid_of(key.public_key()) != kid:
            raise WrapRefused(f"expected a wrap for the key of this lot, got one for {kid[:16]}")
        if not info.startswith(WRAP_INFO) or len(info) != WRAP_INFO_LENGTH:
            raise WrapRefused("expected the info of a bidder's wrap; nothing else is opened")
        try:
            value = _opened(key, info, ct)
        except (InvalidTag, ValueError):
            value = b""
        if len(value) != 32:
            raise WrapRefused("this wrap does not open with the key of this lot")
        return value

    def subject(self, certificate: bytes) -> LicenceSubject:
        """Whom a certificate names."""
        return licence_subject(load_certificate(certificate))

    def verify(
        self, chain: Sequence[bytes], signature: Signature, message: bytes, at: datetime
    ) -> LicenceSubject:
        """Check a signature by a licence of this folder."""
        found = check_licence(chain, [self.folder.root], at)
        check_signature(signature.alg, found.public_key, message, signature.sig)
        return found

    def _ticket(self, ticket_id: str) -> _Ticket:
        ticket = self._tickets.get(ticket_id)
        if ticket is None:
            raise UnknownTicket("no such request waits here; begin again")
        if isinstance(ticket.answer, Pending) and ticket.until < time.monotonic():
            return replace(ticket, answer=Expired())
        return ticket

    def _consented(self, ticket_id: str, lot: UUID) -> str:
        ticket = self._ticket(ticket_id)
        if not isinstance(ticket.answer, Signed) or ticket.request.lot != lot:
            raise NoConsent(
                f"the holder has not consented to the use of keys for lot {lot}; ask for it"
            )
        if ticket.until < time.monotonic():
            raise NoConsent(
                f"the holder's consent for lot {lot} lasted {TICKET_LIFE_S} s and is over; ask anew"
            )
        return ticket.request.holder


def _opened(key: CurveKey, info: bytes, ct: bytes) -> bytes:
    """What a wrap hides; empty where it was sealed for something else."""
    if isinstance(key, SM2PrivateKey):
        content = sm2_encryption.decrypt(key, ct) if len(ct) == SM2_WRAP_LENGTH else b""
        return content[:32] if hmac.compare_digest(content[32:], sm3(info)) else b""
    suite = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    return suite.decrypt(ct, key, info) if len(ct) == WRAP_LENGTH else b""

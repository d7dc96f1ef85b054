"""Several authorities as one: a platform with lots of both suites asks each for its own licences.

An authority serves one suite (decision 14). Whose a certificate is says the curve of its key; whose
a holder is says the authority that has its licence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bidding.licence.authority import (
    Answer,
    AuthorityAway,
    LicenceAuthority,
    OpeningKey,
    SignRequest,
    SignTicket,
    Status,
    Unknown,
    UnknownLicence,
    UnknownTicket,
)
from bidding.licence.profile import Anchor, LicenceSubject
from foundation.statements.certificates import BadChain, load_certificate
from foundation.statements.signed import Signature
from foundation.statements.sm2_certificates import sm2_key

NOBODYS: Final = Unknown("no authority of this platform has licences of that suite")


@dataclass(frozen=True, slots=True)
class SeveralAuthorities:
    """At least one authority; tickets carry whose they are."""

    each: tuple[LicenceAuthority, ...]

    @property
    def id(self) -> str:
        """All their names."""
        return "+".join(one.id for one in self.each)

    @property
    def suites(self) -> frozenset[str]:
        """The suites of all."""
        return frozenset[str]().union(*(one.suites for one in self.each))

    async def trust_anchors(self) -> list[Anchor]:
        """The roots of all."""
        return [anchor for one in self.each for anchor in await one.trust_anchors()]

    async def begin(self, request: SignRequest) -> SignTicket:
        """Ask the holder where its licence is; refuses where none has it or one is silent."""
        refusal: UnknownLicence | AuthorityAway | None = None
        for number, one in enumerate(self.each):
            try:
                ticket = await one.begin(request)
            except (UnknownLicence, AuthorityAway) as refused:
                # Silence counts more than a no: the silent one may have the licence.
                if refusal is None or isinstance(refused, AuthorityAway):
                    refusal = refused
                continue
            return SignTicket(id=f"{number}:{ticket.id}", consent_url=ticket.consent_url)
        raise refusal or UnknownLicence("expected an authority to ask, got none")

    async def poll(self, ticket_id: str) -> Answer:
        """What the holder answered so far."""
        one, own = self._of(ticket_id)
        return await one.poll(own)

    async def status(self, certificate: bytes, at: datetime) -> Status:
        """Whether a certificate was revoked at or before `at`, by its own authority's list."""
        own = self._its(certificate)
        return NOBODYS if own is None else await own.status(certificate, at)

    async def status_at_login(self, certificate: bytes, at: datetime) -> Status:
        """As `status`; its own authority, and no other, may be asked about it."""
        own = self._its(certificate)
        return NOBODYS if own is None else await own.status_at_login(certificate, at)

    async def opening_key(self, ticket_id: str, lot: UUID) -> OpeningKey | None:
        """The key made in the app for this lot."""
        one, own = self._of(ticket_id)
        return await one.opening_key(own, lot)

    async def unwrap(self, ticket_id: str, kid: str, info: bytes, ct: bytes) -> bytes:
        """Have one wrap opened in the app."""
        one, own = self._of(ticket_id)
        return await one.unwrap(own, kid, info, ct)

    def subject(self, certificate: bytes) -> LicenceSubject:
        """Whom a certificate names, by the rules of its own authority."""
        return self._one(certificate).subject(certificate)

    def verify(
        self, chain: Sequence[bytes], signature: Signature, message: bytes, at: datetime
    ) -> LicenceSubject:
        """Check a signature by a licence of the authority of its suite."""
        if not chain:
            raise BadChain("expected a certificate with the signature, got none")
        return self._one(chain[0]).verify(chain, signature, message, at)

    def _one(self, certificate: bytes) -> LicenceAuthority:
        own = self._its(certificate)
        if own is None:
            raise BadChain(f"expected a licence of {', '.join(sorted(self.suites))}, got another")
        return own

    def _its(self, certificate: bytes) -> LicenceAuthority | None:
        """The authority of the suite on whose curve a certificate's key lies."""
        suite = "INTL-1" if sm2_key(load_certificate(certificate)) is None else "GM-1"
        return next((one for one in self.each if suite in one.suites), None)

    def _of(self, ticket_id: str) -> tuple[LicenceAuthority, str]:
        number, mark, own = ticket_id.partition(":")
        if not mark or not number.isdecimal() or int(number) >= len(self.each):
            raise UnknownTicket("expected a request of one of this platform's authorities")
        return self.each[int(number)], own

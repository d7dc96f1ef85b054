"""What every licence authority can do, whatever stands behind it.

A request to sign becomes a ticket; the holder consents in the licence app (or does not); the
ticket then gives the signature. The platform and the commands know this Protocol only, so that
the development authority, files and a real authority are exchanged by a setting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias
from uuid import UUID

from bidding.licence.profile import Anchor, LicenceSubject
from foundation.problems import Conflict, NotAllowed, NotFound, Unavailable
from foundation.statements.signed import Signature, Statement

Purpose: TypeAlias = Literal["sign", "opening"]

# As long as a person needs with the phone in hand (sealing.md 5.3).
TICKET_LIFE_S: Final = 300


class UnknownLicence(NotFound):
    """The authority has no such licence."""

    code = "unknown-licence"


class UnknownTicket(NotFound):
    """The authority has no such request."""

    code = "unknown-ticket"


class NoConsent(NotAllowed):
    """The holder of the licence has not consented."""

    code = "no-consent"


class LicenceRefused(NotAllowed):
    """The licence does not allow this."""

    code = "licence-refused"


class WrapRefused(Conflict):
    """This key does not open what was sent."""

    code = "wrap-refused"


class AuthorityAway(Unavailable):
    """The licence authority does not answer."""

    code = "authority-away"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest:
    """What the holder is asked for: to sign a statement, or to use keys made for one lot."""

    holder: str
    host: str
    purpose: Purpose = "sign"
    statement: Statement | None = None
    lot: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTicket:
    """A request that waits for the holder; `consent_url` is the page where consent is given."""

    id: str
    consent_url: str | None


@dataclass(frozen=True, slots=True)
class Pending:
    """The holder has not answered yet."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The holder consented; `signature` is None where only keys of a lot were asked for."""

    signature: Signature | None


@dataclass(frozen=True, slots=True)
class Declined:
    """The holder said no."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody answered in time."""


Answer: TypeAlias = Pending | Signed | Declined | Expired


@dataclass(frozen=True, slots=True)
class Good:
    """Not revoked at that time, by a list that is not too old."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """Revoked at or before the time asked for."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The authority gave no usable answer."""

    why: str


Status: TypeAlias = Good | Revoked | Unknown


@dataclass(frozen=True, slots=True)
class OpeningKey:
    """The public half of an opening key that the licence app made for one lot."""

    kid: str
    public: bytes


class LicenceAuthority(Protocol):
    """An issuer of electronic licences together with its app."""

    @property
    def id(self) -> str:
        """The authority's name in settings and records."""

    @property
    def suites(self) -> frozenset[str]:
        """The suites whose signatures it makes."""

    async def trust_anchors(self) -> list[Anchor]:
        """The roots its certificates end at."""

    async def begin(self, request: SignRequest) -> SignTicket:
        """Ask the holder; refuses a licence it does not have."""

    async def poll(self, ticket_id: str) -> Answer:
        """What the holder answered so far."""

    async def status(self, certificate: bytes, at: datetime) -> Status:
        """Whether a certificate was revoked at or before `at`.

        By a list, or by what the authority answered at a login: never by a question about one
        certificate, which would tell it who bids (sealing.md 5.2).
        """

    async def status_at_login(self, certificate: bytes, at: datetime) -> Status:
        """As `status`; here a question about the one certificate is allowed."""

    async def opening_key(self, ticket_id: str, lot: UUID) -> OpeningKey | None:
        """The key made in the app for this lot, made now if new; None if the app cannot.

        One consent serves for this and for `unwrap`, `TICKET_LIFE_S` from the holder's yes on.
        """

    async def unwrap(self, ticket_id: str, kid: str, info: bytes, ct: bytes) -> bytes:
        """Open one wrap with a key of the ticket's lot; refuses without the holder's consent."""

    def subject(self, certificate: bytes) -> LicenceSubject:
        """Whom a certificate names."""

    def verify(
        self, chain: Sequence[bytes], signature: Signature, message: bytes, at: datetime
    ) -> LicenceSubject:
        """Check a signature by a licence of this authority; refuses with the code of the rule."""

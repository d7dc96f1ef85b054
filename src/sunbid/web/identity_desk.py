"""What the routes and pages of identity share: the desk, who a signature names, the browser."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from litestar.datastructures import Cookie

from bidding.bid.desk import Desk
from bidding.licence.authority import Good
from bidding.licence.profile import LicenceSubject, bidder_signers
from bidding.licence.revocation import refuse_revoked
from bidding.participant import service as mandates
from bidding.participant.service import Office
from foundation.database import Connection, Database
from foundation.identity import Actor
from foundation.identity.domain import LoginRefused
from foundation.identity.proof import Certified, Identify
from foundation.settings import Settings
from foundation.statements.signed import Signer, Statement, raw_public_key
from foundation.web import AnyRequest
from sunbid.web.authentication import browser_of, new_browser

# Whoever logs in with a licence that nobody registered.
NEWCOMER: Final = "bidder"

# What the platform does with a statement that was signed on a phone: the same as at its door.
Accept = Callable[[Actor, Statement], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityDesk:
    """What these routes need, out of the application's state."""

    db: Database
    settings: Settings
    platform: Signer
    identify: Identify
    accept: Accept

    @property
    def host(self) -> str:
        """The platform's name in a login (`aud`), with the port where it is not the usual one."""
        return urlsplit(self.settings.public_url).netloc


def identify_by(office: Office) -> Identify:
    """Identity by licence (chain, signature, revocation), or by an operator's key and mandate."""

    async def identify(connection: Connection, signed: Statement, at: datetime) -> Certified:
        if signed.sigs[0].kid is not None:
            return await _operator(office, connection, signed, at)
        signers = bidder_signers(signed, office.anchors, at)
        if len(signers) != 1:
            raise LoginRefused(f"expected one signature by a licence, got {len(signers)}")
        certificate = signers[0].certificate.public_bytes(Encoding.DER)
        status = await office.authority.status_at_login(certificate, at)
        refuse_revoked(status)
        return Certified(
            subject=signers[0].uscc,
            name=signers[0].name,
            status="good" if isinstance(status, Good) else "unknown",
            key=_own_key(signed.sigs[0].alg, signers[0]) if signers[0].is_operator else None,
        )

    return identify


def _own_key(alg: str, signer: LicenceSubject) -> tuple[str, bytes]:
    """The key of an operator whose certificate is its mandate."""
    return alg, raw_public_key(signer.public_key)


async def _operator(
    office: Office, connection: Connection, signed: Statement, at: datetime
) -> Certified:
    found = await mandates.operator_of(office, connection, signed, at)
    return Certified(
        subject=found.company.uscc,
        name=found.company.name,
        status=await mandates.refuse_revoked_company(office, found.given, at),
        key=(found.given.body.operator.alg, found.given.operator_key),
    )


def desk_of(request: AnyRequest) -> IdentityDesk:
    """What the application brings to these routes."""
    state = request.app.state
    return IdentityDesk(
        db=state.desk.db,
        settings=state.settings,
        platform=state.desk.platform,
        identify=identify_by(state.desk),
        accept=state.get("accept_statement") or accept_at_doors(state.desk),
    )


def accept_at_doors(desk: Desk) -> Accept:
    """What a phone signed enters by the door that fits: a waiting paper's, else a statement's."""

    # Imported here: the doors know every context, identity by itself knows none.
    from sunbid import doors

    async def accept(actor: Actor, signed: Statement) -> object:
        return await doors.enter(desk, actor, signed)

    return accept


def browser_and_cookie(request: AnyRequest) -> tuple[str, list[Cookie]]:
    """The secret of the browser that asks; a new one, with its cookie, where it has none."""
    settings = desk_of(request).settings
    known = browser_of(request, settings)
    if known is not None:
        return known, []
    made, cookie = new_browser(settings)
    return made, [cookie]

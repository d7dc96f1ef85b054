"""Asking the holder of a licence in the licence app, and waiting for the answer."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Final

from bidding.licence.authority import (
    TICKET_LIFE_S,
    Declined,
    Expired,
    LicenceAuthority,
    NoConsent,
    Pending,
    Signed,
    SignRequest,
    SignTicket,
)
from bidding.licence.development import DevAuthority
from foundation.problems import Invalid
from foundation.statements.signed import Signature, Statement

POLL_S: Final = 0.5


def app_of(word: str) -> LicenceAuthority:
    """The licence app of the argument `--app`: an address, or a licence service's settings file.

    Asks nothing: whose roots count is the platform's to say, not the app's.
    """
    if word.startswith(("http://", "https://")):
        return DevAuthority(origin=word, anchors=())
    # Imported here: whoever has the development app need not wait for what reads tokens.
    from bidding.licence.remote import HttpAuthority

    return HttpAuthority.from_file(Path(word))


async def sign_with_licence(
    app: str, uscc: str, asked: Statement, *, host: str, yes: bool
) -> Statement:
    """Ask the licence's holder and wait for the answer; refuses a no and silence."""
    authority = app_of(app)
    request = SignRequest(holder=uscc, host=host, statement=asked)
    return with_signature(asked, await ask_holder(authority, request, yes=yes))


async def ask_holder(authority: LicenceAuthority, request: SignRequest, *, yes: bool) -> Signature:
    """The holder's signature; with `yes` the command answers for the holder."""
    _, signature = await consented_ticket(authority, request, yes=yes)
    if signature is None:
        raise NoConsent("expected a signature, got the consent to use keys; ask again")
    return signature


async def consented_ticket(
    authority: LicenceAuthority, request: SignRequest, *, yes: bool
) -> tuple[str, Signature | None]:
    """A ticket to which the holder said yes, for keys of a lot (`purpose` opening) as well."""
    ticket = await authority.begin(request)
    if yes:
        await _consent(authority, ticket)
    elif ticket.consent_url is not None:
        sys.stderr.write(f"Confirm in the licence app: {ticket.consent_url}\n")
    until = time.monotonic() + TICKET_LIFE_S
    while time.monotonic() < until:
        match await authority.poll(ticket.id):
            case Signed(signature):
                return ticket.id, signature
            case Declined():
                raise NoConsent(f"the holder of licence {request.holder} refused")
            case Expired():
                break
            case Pending():
                await asyncio.sleep(POLL_S)
    raise NoConsent(f"the holder of licence {request.holder} did not answer in time; ask again")


async def _consent(authority: LicenceAuthority, ticket: SignTicket) -> None:
    """Answer for the holder: in development alone."""
    if not isinstance(authority, DevAuthority):
        raise Invalid("--yes answers for the holder in development only; leave it out and confirm")
    await authority.consent(ticket.id, yes=True)


def with_signature(asked: Statement, signature: Signature) -> Statement:
    """A statement with a signature made elsewhere."""
    return Statement(type=asked.type, body=asked.body, sigs=(*asked.sigs, signature))

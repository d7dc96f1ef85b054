"""Changes of published lots: the list of all of them, and the address to be told at."""

import time
from collections import Counter
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, URLEncodedBody
from litestar.response import Redirect

from bidding.tender import addresses, postponement
from foundation.identity.request import place_of
from foundation.problems import NotFound, TooMany
from foundation.web import AnyRequest, page, refuse_foreign_forms

ADDRESSES_A_MINUTE: Final = 10

_SEEN: Final[Counter[tuple[str, int]]] = Counter()


class NobodyIsTold(NotFound):
    """This platform sends no mail."""

    code = "no-mail-here"


class TooManyAddresses(TooMany):
    """Too many addresses came from one place within a minute."""

    code = "too-many-addresses"


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where somebody wants to be told of changes."""

    address: str


class AddressForm(msgspec.Struct, frozen=True):
    """The same from the page, whose forms carry a token beside it."""

    address: str


@get("/changes", include_in_schema=False)
async def changes_page(request: AnyRequest) -> Response[str]:
    """The postponements of all lots, newest first: what a mail leads to."""
    moves = await postponement.newest_moves(request.app.state.desk.db)
    return await page(request, "tender/changes.html", moves)


@post("/lots/{lot:uuid}/addresses", include_in_schema=False, guards=[refuse_foreign_forms])
async def leave(
    request: AnyRequest, lot: FromPath[UUID], data: URLEncodedBody[AddressForm]
) -> Redirect:
    """Leave an address by the form of the lot's page."""
    await take(request, lot, data.address)
    return Redirect(f"/lots/{lot}?left=yes#told", status_code=303)


@post("/api/v1/lots/{lot:uuid}/addresses", tags=["tenders"], status_code=202)
async def leave_address(
    request: AnyRequest, lot: FromPath[UUID], data: JSONBody[Address]
) -> dict[str, Any]:
    """Leave an address to be told at when deadline or opening keys change; no login is asked."""
    await take(request, lot, data.address)
    return {"lot": str(lot)}


async def take(request: AnyRequest, lot: UUID, address: str) -> None:
    """Keep an address; refuses where nobody sends mail, and floods from one place."""
    if not sends_mail(request):
        raise NobodyIsTold("this platform sends no mail; look at /changes instead")
    _count(place_of(request), int(time.monotonic() // 60))
    await addresses.leave_address(request.app.state.desk.db, lot, address)


def _count(place: str, minute: int) -> None:
    """Count in memory alone: from where an address came is written down nowhere."""
    if any(counted != minute for _, counted in _SEEN):
        _SEEN.clear()
    _SEEN[place, minute] += 1
    if _SEEN[place, minute] > ADDRESSES_A_MINUTE:
        raise TooManyAddresses(
            f"expected at most {ADDRESSES_A_MINUTE} addresses a minute from one place; wait a "
            "minute"
        )


def sends_mail(request: AnyRequest) -> bool:
    """Whether anybody can be told by mail here."""
    return request.app.state.settings.mail_relay is not None


routes: Final = [changes_page, leave, leave_address]

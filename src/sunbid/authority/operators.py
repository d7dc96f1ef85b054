"""The phone's page of operators (经办人): a colleague makes a key of its own here."""

import json
from dataclasses import dataclass
from typing import Final

import msgspec
from litestar import Response, get, post
from litestar.datastructures import State
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from foundation.web import AnyRequest, page, refuse_foreign_forms
from sunbid.authority.holders import Holder, Holders

HOME: Final = "/operators"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLine:
    """One operator's key and what its company puts into a mandate, where it needs one."""

    name: str
    kid: str
    company: str | None
    public_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorsView:
    """The operators of this phone and the companies a certificate can be issued for."""

    operators: tuple[OperatorLine, ...]
    companies: tuple[Holder, ...]


class OperatorForm(msgspec.Struct, frozen=True):
    """Who gets a key, and under whose licence; empty: a key without a certificate."""

    name: str
    company: str = ""


@get(HOME)
async def operators_page(request: AnyRequest, state: State) -> Response[str]:
    """Every operator's key on this phone, and the form for a new one."""
    holders: Holders = state.holders
    lines = tuple(
        OperatorLine(
            name=one.name,
            kid=one.kid,
            company=None if one.company is None else holders.holder(one.company).name,
            public_file=json.dumps(one.public_file()),
        )
        for one in holders.operators.all()
    )
    companies = tuple(holder for holder in holders.all() if not holder.is_person)
    view = OperatorsView(operators=lines, companies=companies)
    return await page(request, "phone/operators.html", view)


@post(HOME, guards=[refuse_foreign_forms])
async def make_operator(
    request: AnyRequest, state: State, data: URLEncodedBody[OperatorForm]
) -> Redirect:
    """Make a key for an operator; with a company its app issues a certificate for it."""
    holders: Holders = state.holders
    now = await holders.files.now()
    holders.operators.make(data.name, data.company or None, now, f"{state.origin}/crl")
    return Redirect(HOME, status_code=303)


HANDLERS = (operators_page, make_operator)

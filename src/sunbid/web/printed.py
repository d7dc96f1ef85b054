"""Documents for print: receipt, opening record, evaluation report, letter; signed PDF (PAdES)."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from bidding.bid import service as bids
from bidding.opening.hall import hall_facts
from bidding.opening.results import result_store
from bidding.tender import service as tender
from foundation.database import reading
from foundation.documents.font import Typeface, choose
from foundation.documents.issue import issue
from foundation.documents.model import Document
from foundation.identity.request import signed_in
from foundation.problems import NotFound
from foundation.statements.signed import read
from foundation.statements.store import Kept, kept_statements
from foundation.web import AnyRequest, language_of
from sunbid.pages.facts import evaluated
from sunbid.pages.printed import (
    Setting,
    letter_print,
    receipt_print,
    record_print,
    report_print,
)
from sunbid.web.bids import check_receipt, level_of, own_name


class NotPrinted(NotFound):
    """There is no such document, or it is not yours to read."""

    code = "not-printed"


@lru_cache(maxsize=1)
def typeface(configured: Path | None = None) -> Typeface:
    """The type of all documents, chosen once."""
    return choose(configured)


def setting_of(request: AnyRequest) -> Setting:
    """The visitor's language and its words."""
    language = language_of(request)
    catalogue = request.app.state.pages.catalogue
    return Setting(language=language, words=partial(catalogue.text, language))


async def printed(request: AnyRequest, document: Document, name: str) -> Response[bytes]:
    """A document, signed with the platform's key, to be read in the browser or kept."""
    content = await issue(
        document,
        face=typeface(request.app.state.settings.font),
        key=request.app.state.desk.platform,
        reason=document.title,
    )
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


@get("/receipts/{receipt:uuid}/pdf", include_in_schema=False)
async def receipt_pdf(request: AnyRequest, receipt: FromPath[UUID]) -> Response[bytes]:
    """The receipt as PDF; it names the bidder, so that only the bidder gets it."""
    desk = request.app.state.desk
    act, proof = await bids.show_receipt(desk, receipt)
    lot, _ = await tender.show_lot(desk.db, None, act.lot)
    holder = await own_name(request, lot, act)
    if holder is None:
        raise NotPrinted("the PDF of a receipt is for its bidder; log in as the bidder")
    statement = read(act.receipt or b"")
    level = level_of(await check_receipt(request.app.state, lot, statement, proof))
    document = receipt_print(setting_of(request), lot, statement, holder, level)
    return await printed(request, document, f"receipt-{receipt}")


@get("/lots/{lot:uuid}/opening/record.pdf", include_in_schema=False)
async def record_pdf(request: AnyRequest, lot: FromPath[UUID]) -> Response[bytes]:
    """The opening record as PDF, once host and supervisor signed it."""
    facts = await hall_facts(request.app.state.desk.db, lot)
    record = next((k for k in reversed(facts.told) if k.statement.type == "opening-record"), None)
    if record is None:
        raise NotPrinted("the opening record of this lot is not signed yet")
    document = record_print(setting_of(request), facts, record)
    return await printed(request, document, f"opening-record-{lot}")


@get("/lots/{lot:uuid}/report.pdf", include_in_schema=False)
async def report_pdf(request: AnyRequest, lot: FromPath[UUID]) -> Response[bytes]:
    """The evaluation report as PDF, once the candidates are announced."""
    found = await evaluated(request.app.state.desk.db, lot)
    report = await last_kept(request.app.state, lot, "evaluation-report")
    document = report_print(setting_of(request), found, report)
    return await printed(request, document, f"evaluation-report-{lot}")


@get("/lots/{lot:uuid}/letter.pdf", include_in_schema=False)
async def letter_pdf(request: AnyRequest, lot: FromPath[UUID]) -> Response[bytes]:
    """One's own letter of award or result; the buyer reads the winner's."""
    state, actor = request.app.state, signed_in(request)
    held, _ = await tender.show_lot(state.desk.db, actor, lot)
    letters = await kept_of(state, lot, "letter")
    is_buyer = actor.subject == held.parties.buyer_uscc
    own = [k for k in letters if is_mine(k, actor.subject, is_buyer=is_buyer)]
    if not own:
        raise NotPrinted("there is no signed letter of this lot to you")
    award = await last_kept(state, lot, "award")
    async with reading(state.desk.db, "bidding") as connection:
        opened = await result_store.opened_bids(connection, lot)
    winner = next(
        (b for b in opened if str(b.submission) == award.statement.body["submission"]), None
    )
    document = letter_print(setting_of(request), held, own[-1], award.statement, winner)
    return await printed(request, document, f"letter-{lot}")


def is_mine(letter: Kept, subject: str | None, *, is_buyer: bool) -> bool:
    """Whether a letter goes to this company; the buyer sees the winner's."""
    body = letter.statement.body
    return bool(body["uscc"] == subject or (is_buyer and body["kind"] == "winner"))


async def kept_of(state: Any, lot: UUID, kind: str) -> list[Kept]:
    """The kept statements of a type in a lot."""
    async with reading(state.desk.db, "bidding") as connection:
        return await kept_statements(connection, lot, [kind])


async def last_kept(state: Any, lot: UUID, kind: str) -> Kept:
    """The last one; refuses a lot without any."""
    found = await kept_of(state, lot, kind)
    if not found:
        raise NotPrinted(f"this lot has no signed {kind} yet")
    return found[-1]


routes: Final = [receipt_pdf, record_pdf, report_pdf, letter_pdf]

"""A bidder's own pages: its bids, the task list of a lot, the receipt."""

from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from bidding.bid import service
from bidding.bid.desk import Desk
from bidding.bid.domain import ACCEPTED, Act
from bidding.sealing.bodies import read_body
from bidding.tender import service as tender
from bidding.tender.domain import Lot
from foundation.database import reading
from foundation.identity import require
from foundation.identity.request import session_of, signed_in
from foundation.ledger.policy import read_policy
from foundation.ledger.receipt import Verdict, verify_receipt
from foundation.ledger.receipt_form import receipt_file
from foundation.problems import Refused
from foundation.statements.canonical import parse_time
from foundation.statements.signed import Statement, read
from foundation.statements.store import kept_statements
from foundation.web import AnyRequest, page
from sunbid.pages.bid import Holder, ReceiptLevel, ReceiptPaper, receipt_view, tasks_view
from sunbid.pages.charts import qr_svg
from sunbid.pages.elements import Check, words
from sunbid.pages.facts import read_now
from sunbid.pages.ledger import BidsView
from sunbid.pages.lifecycle import group_of
from sunbid.pages.notices import lot_title
from sunbid.web.own_acts import BIDDERS, acts_of_session, bidder_of, refusals_of_session


@get("/bids", include_in_schema=False)
async def own_bids(request: AnyRequest) -> Response[str]:
    """The lots of a bidder: open ones, and those whose time is over."""
    require(signed_in(request), *BIDDERS)
    lots = await tender.find_lots(request.app.state.desk.db, None, None)
    lines = [(lot, (f"/lots/{lot.id}/bid", lot_title(lot), lot.tender_number)) for lot in lots]
    view = BidsView(
        open_lots=tuple(line for lot, line in lines if group_of(lot) == "bidding"),
        past_lots=tuple(line for lot, line in lines if group_of(lot) != "bidding"),
    )
    return await page(request, "bid/list.html", view)


@get("/lots/{lot:uuid}/bid", include_in_schema=False)
async def tasks(request: AnyRequest, lot: FromPath[UUID]) -> Response[str]:
    """The task list of a bidder for one lot; only its own acts are read."""
    desk: Desk = request.app.state.desk
    actor = require(signed_in(request), *BIDDERS)
    held, documents = await tender.show_lot(desk.db, actor, lot)
    acts = await acts_of_session(request, lot)
    refusals = await refusals_of_session(request, lot)
    server = request.app.state.settings.public_url
    holder = Holder(bidder=await bidder_of(request, lot), server=server)
    view = tasks_view(held, acts, len(documents), await read_now(desk.db), holder, refusals)
    return await page(request, "bid/tasks.html", view)


@get("/receipts/{receipt:uuid}", include_in_schema=False)
async def show_receipt(request: AnyRequest, receipt: FromPath[UUID]) -> Response[str]:
    """A receipt with its checks; it names its bidder to nobody but the bidder."""
    desk: Desk = request.app.state.desk
    act, proof = await service.show_receipt(desk, receipt)
    held, _ = await tender.show_lot(desk.db, None, act.lot)
    paper = await receipt_paper(request, held, act, proof)
    return await page(request, "bid/receipt.html", receipt_view(held, paper))


@get("/receipts/{receipt:uuid}/file", include_in_schema=False)
async def fetch_receipt(request: AnyRequest, receipt: FromPath[UUID]) -> Response[bytes]:
    """The receipt file with its newest proof, for `sunbid receipt verify`; it names no bidder."""
    act, proof = await service.show_receipt(request.app.state.desk, receipt)
    name = f'attachment; filename="receipt-{receipt}.json"'
    return Response(
        receipt_file(read(act.receipt or b""), proof),
        media_type="application/json",
        headers={"Content-Disposition": name, "Cache-Control": "no-store"},
    )


async def receipt_paper(request: AnyRequest, lot: Lot, act: Act, proof: str) -> ReceiptPaper:
    """A receipt's body with what the checks of its file found."""
    statement = read(act.receipt or b"")
    verdict = await check_receipt(request.app.state, lot, statement, proof)
    body = statement.body
    bidder = await own_name(request, lot, act)
    return ReceiptPaper(
        body=body,
        intake_at=parse_time(body["intake"]),
        deadline_at=parse_time(body["deadline"]),
        level=level_of(verdict),
        checks=tuple(check_line(check) for check in verdict.checks),
        bidder=bidder,
        now=await read_now(request.app.state.desk.db),
        later=None if bidder is None else later_act(await acts_of_session(request, lot.id), act),
        qr=qr_svg(f"sunbid:sid:{statement.sid}", f"QR {statement.sid[:16]}"),
    )


def later_act(acts: Sequence[Act], act: Act) -> Literal["manifest", "withdraw"] | None:
    """What took the place of an act: the bidder's last accepted one after it."""
    after = [one for one in acts if one.seq > act.seq and one.state == ACCEPTED]
    if not after:
        return None
    return "withdraw" if max(after, key=lambda one: one.seq).kind == "withdraw" else "manifest"


async def check_receipt(state: Any, lot: Lot, statement: Statement, proof: str) -> Verdict:
    """The checks C1 to C9 under the policy that the platform offers."""
    async with reading(state.desk.db, "bidding") as connection:
        schedules = await kept_statements(connection, lot.id, ["schedule"])
    return verify_receipt(
        receipt_file(statement, proof),
        read_policy(state.policy_text),
        read_body,
        statements=[kept.statement for kept in schedules],
    )


def level_of(verdict: Verdict) -> ReceiptLevel:
    """The level that the page shows; what is less than certain is shown as received only."""
    match verdict.level.value:
        case "witnessed":
            return "witnessed"
        case "unwitnessed":
            return "unwitnessed"
        case _:
            return "accepted"


def check_line(check: Any) -> Check:
    """One check of the receipt in the catalogue's words."""
    return Check(
        id=check.id,
        ok=check.ok,
        title=words(f"verify.check.{check.id}"),
        detail=check.detail,
    )


async def own_name(request: AnyRequest, lot: Lot, act: Act) -> tuple[str, str] | None:
    """The name of the receipt's bidder, where its own session asks."""
    session = session_of(request)
    if session is None or session.actor.role not in BIDDERS:
        return None
    if act.statement is not None:
        # Identities are open since the closing: the act itself says whose it is.
        bidder = read(act.statement).body["bidder"]
        is_own = bidder["uscc"] == session.actor.subject
        return (bidder["name"], bidder["uscc"]) if is_own else None
    try:
        own = await acts_of_session(request, lot.id)
    except Refused:
        # The signer may be away; then the page names nobody.
        return None
    if act.sid not in {one.sid for one in own}:
        return None
    return session.actor.name, session.actor.subject or ""


routes: Final = [own_bids, tasks, show_receipt, fetch_receipt]

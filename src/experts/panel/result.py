"""The result of a lot, computed from the signed sheets and the opened prices, and its report."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from bidding.published import (
    Evaluation,
    FloatPoint,
    Lot,
    Mark,
    Method,
    OpenedBid,
    evaluate,
    opened_bids,
    read_method,
    score_text,
)
from experts.drawing.domain import NotYetDrawn
from experts.drawing.service import drawn_float_point
from experts.panel import store
from experts.panel.domain import (
    PriceMissing,
    Scorecard,
    SheetsDiffer,
    candidates_of,
    float_json,
    live_seats,
    marks_of,
    report_row,
)
from foundation.database import Connection
from foundation.statements.signed import decode_body
from foundation.statements.store import kept_statements

PRICE_ITEM: Final = "price_yuan"


async def evaluation_of(connection: Connection, lot: Lot) -> tuple[Evaluation, FloatPoint | None]:
    """The result as it follows from the signed sheets; the caller made sure the stage is locked.

    Refuses when the stored rows differ from the sheets, without the drawn float point, and a bid
    without a price.
    """
    method = read_method(dict(lot.method))
    marks = await signed_marks(connection, lot.id)
    submissions = {bid.submission: bid.code for bid in await store.blind_bids(connection, lot.id)}
    prices = {
        submissions[bid.submission]: price_of(bid)
        for bid in await opened_bids(connection, lot.id)
        if bid.submission in submissions
    }
    point = await _float_point(connection, lot, method)
    found = evaluate(method, marks, prices, float_point=point, ceiling_yuan=lot.ceiling_price_yuan)
    return found, point


async def signed_marks(connection: Connection, lot: UUID) -> list[Mark]:
    """The marks of the seats' signed sheets; refuses when the stored rows are others."""
    members = {str(seat.expert) for seat in live_seats(await store.seats(connection, lot))}
    marks: list[Mark] = []
    for kept in await kept_statements(connection, lot, ["scorecard"]):
        card = decode_body(kept.statement, Scorecard)
        if card.expert in members:
            marks += marks_of(card.expert, card.scores)
    _require_equal(marks, await store.score_rows(connection, lot))
    return marks


async def report_body(connection: Connection, lot: Lot) -> dict[str, Any]:
    """The body of the evaluation report: it follows from sheets, prices and draw."""
    found, point = await evaluation_of(connection, lot)
    submissions = {bid.code: bid.submission for bid in await store.blind_bids(connection, lot.id)}
    cards = await store.scorecards(connection, lot.id)
    rows = [report_row(result, submissions[result.code]) for result in found.results]
    return {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "method_sha256": lot.method_sha256,
        "panel": [
            {"seat": seat.number, "expert": str(seat.expert), "scorecard": cards[seat.expert].sid}
            for seat in live_seats(await store.seats(connection, lot.id))
        ],
        "float": float_json(point),
        "price_benchmark": f"{found.price_benchmark:f}",
        "results": sorted(rows, key=lambda row: str(row["submission"])),
        "candidates": candidates_of(found, submissions),
    }


def price_of(bid: OpenedBid) -> Decimal:
    """The price that was read aloud; refuses a bid without one."""
    text = bid.items.get(PRICE_ITEM)
    try:
        price = Decimal(text) if isinstance(text, str) else Decimal("NaN")
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price <= 0:
        raise PriceMissing(
            f"expected a price in the opened items of submission {bid.submission}, got "
            f"{text!r:.40}; the panel decides on this bid"
        )
    return price


async def _float_point(connection: Connection, lot: Lot, method: Method) -> FloatPoint | None:
    if method.price.float_points is None:
        return None
    name = await drawn_float_point(connection, lot.id)
    if name is None:
        raise NotYetDrawn("the method draws a float point; the agency draws it first")
    return method.float_point(name)


def _require_equal(marks: Sequence[Mark], rows: Sequence[Any]) -> None:
    signed = {
        (mark.expert, mark.code, mark.criterion): (score_text(mark.score), mark.passed)
        for mark in marks
    }
    stored = {
        (str(row["expert"]), row["code"], row["criterion"]): (row["score"], row["passed"])
        for row in rows
    }
    for key in sorted(signed.keys() | stored.keys()):
        if signed.get(key) != stored.get(key):
            expert, code, criterion = key
            raise SheetsDiffer(
                f"the stored score of expert {expert}, bid {code}, criterion {criterion} is not "
                "the one of the signed scorecard; call the auditor"
            )

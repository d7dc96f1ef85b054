"""The panel at work: seating, pledges, sheets, the report. One function is one use case.

What members read and save meanwhile is in `material`; the rules are in `domain`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bidding.published import (
    Lot,
    accept_evaluation_report,
    begin_evaluation,
    lot_body,
    lot_facts,
    read_method,
)
from experts.drawing import service as drawing
from experts.drawing.domain import BLIND, EXPERTS, Drawing
from experts.drawing.service import require_party, require_place
from experts.drawing.store import drawings
from experts.panel import store
from experts.panel.domain import (
    FORMING,
    LOCKED,
    PLEDGED,
    RECUSED,
    REPORTED,
    SCORING,
    Card,
    Dissent,
    OtherReport,
    Panel,
    Pledge,
    PledgedAlready,
    Report,
    ReportNotSettled,
    Scorecard,
    Seat,
    blind_codes,
    check_frozen,
    check_scorecard,
    live_seats,
    next_of_reserve,
    next_status,
    own_seat,
    pledged_seat,
    require_status,
)
from experts.panel.result import report_body
from experts.pool.domain import EXPERT, NotAnExpert
from experts.pool.service import acting_expert
from foundation.clock import platform_now
from foundation.database import Connection, Database, transaction
from foundation.identity import Actor, require
from foundation.statements.signed import (
    BadSignature,
    Statement,
    decode_body,
    find_signature,
    unsigned,
)
from foundation.statements.store import (
    Required,
    keep_statement,
    offer_paper,
    paper,
    record_event,
)

REPORT: Final = "evaluation-report"


async def accept_draw(connection: Connection, statement: Statement) -> None:
    """Keep a signed drawing and do what follows: seat the experts, or give the bids their codes."""
    lot, drawn = await drawing.accept_draw(connection, statement)
    now = await platform_now(connection)
    if drawn.kind == EXPERTS:
        await begin_evaluation(connection, lot.id, "experts")
        await store.insert_panel(connection, lot.id, len(drawn.drawn), now)
        for number, expert in enumerate(drawn.drawn, 1):
            await store.insert_seat(connection, lot.id, number, UUID(expert), now)
    elif drawn.kind == BLIND:
        await store.insert_blind_bids(connection, lot.id, blind_codes(drawn.drawn))
    if {EXPERTS, BLIND} <= set(await drawings(connection, lot.id)):
        await _begin_if_ready(connection, lot, await store.panel_locked(connection, lot.id))


async def accept_pledge(db: Database, actor: Actor, statement: Statement) -> None:
    """Keep an expert's pledge; one who declares a conflict recuses and the reserve moves up.

    Refuses who does not sit there, a second pledge, and another key's signature.
    """
    body = decode_body(statement, Pledge)
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        lot = await lot_facts(connection, UUID(body.lot), "experts")
        require_place(lot, body.tender, body.round)
        panel = await store.panel_locked(connection, lot.id)
        now = await platform_now(connection)
        seat = own_seat(
            await store.seats(connection, lot.id), await _signing(connection, actor, body.expert)
        )
        require_status(panel, FORMING)
        find_signature(statement, seat.kid, seat.pk)
        await _keep(connection, lot, statement, now)
        status = RECUSED if body.conflicts else PLEDGED
        if not await store.settle_seat(connection, lot.id, seat.expert, status, statement.sid):
            raise PledgedAlready("this seat has its pledge; there is no second one")
        if status == RECUSED:
            await _replace(connection, lot, seat, now)
        await _begin_if_ready(connection, lot, panel)


async def accept_scorecard(db: Database, actor: Actor, statement: Statement) -> None:
    """Keep a member's signed sheet with its rows; the last sheet locks the technical stage.

    Refuses gaps, scores that a criterion does not allow, another method, a second sheet, and
    technical marks that differ from those that were frozen.
    """
    body = decode_body(statement, Scorecard)
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        lot = await lot_facts(connection, UUID(body.lot), "experts")
        require_place(lot, body.tender, body.round)
        panel = await store.panel_locked(connection, lot.id)
        now = await platform_now(connection)
        expert = await _signing(connection, actor, body.expert)
        seats = await store.seats(connection, lot.id)
        seat = pledged_seat(seats, expert)
        require_status(panel, SCORING)
        codes = [bid.code for bid in await store.blind_bids(connection, lot.id)]
        method = read_method(dict(lot.method))
        marks = check_scorecard(method, codes, body)
        if seat.unblinded_at is not None:
            check_frozen(method, marks, await store.draft_marks(connection, lot.id, expert))
        find_signature(statement, seat.kid, seat.pk)
        await _keep(connection, lot, statement, now)
        card = Card(expert=expert, sid=statement.sid, accepted_at=now)
        await store.insert_scorecard(connection, lot.id, card, marks)
        if len(await store.scorecards(connection, lot.id)) == len(live_seats(seats)):
            await _lock(connection, lot, panel, now)


async def offer_report(db: Database, actor: Actor, lot_id: UUID) -> str:
    """Score the prices and offer the report to every member for signature; for the agency.

    Refuses before the technical stage is locked. Returns the sid of the paper.
    """
    require(actor, "agency")
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        lot = await lot_facts(connection, lot_id, "experts")
        require_party(actor, lot.parties.agency_uscc)
        panel = await store.panel_locked(connection, lot_id)
        now = await platform_now(connection)
        require_status(panel, LOCKED)
        statement = unsigned(REPORT, await report_body(connection, lot))
        decode_body(statement, Report)
        required = [
            Required(role="member", kid=seat.kid)
            for seat in live_seats(await store.seats(connection, lot_id))
        ]
        sid = await offer_paper(connection, statement, required, scope=lot_id, at=now)
        after = next_status(panel.status, "report")
        await store.move_panel(connection, panel, after, report=sid)
        await _move_event(connection, lot, "report", {"report": sid})
    return sid


async def accept_report(connection: Connection, statement: Statement) -> None:
    """Keep the report that every member signed or dissented from, and hand it to the award."""
    body = decode_body(statement, Report)
    lot = await lot_facts(connection, UUID(body.lot), "experts")
    panel = await store.panel_locked(connection, lot.id)
    now = await platform_now(connection)
    require_status(panel, REPORTED)
    if statement.sid != panel.report:
        raise OtherReport("expected the report that follows from the scorecards, got another")
    missing = await _not_settled(connection, lot.id, statement)
    if missing:
        raise ReportNotSettled(
            f"expected the signature or the dissent of every member, seats {missing} gave neither"
        )
    await keep_statement(
        connection,
        statement,
        scope=lot.id,
        body=lot_body(lot, statement.type, statement.sid, now),
        at=now,
        public=True,
    )
    await store.move_panel(connection, panel, next_status(panel.status, "accept"))
    await accept_evaluation_report(connection, statement, "experts")


async def accept_dissent(db: Database, actor: Actor, statement: Statement) -> None:
    """Keep a member's dissent; with the last word of all members the report is accepted."""
    body = decode_body(statement, Dissent)
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        lot = await lot_facts(connection, UUID(body.lot), "experts")
        require_place(lot, body.tender, body.round)
        panel = await store.panel_locked(connection, lot.id)
        now = await platform_now(connection)
        expert = await _signing(connection, actor, body.expert)
        seat = pledged_seat(await store.seats(connection, lot.id), expert)
        require_status(panel, REPORTED)
        if body.report != panel.report:
            raise OtherReport("expected a dissent from the report of this lot, got another's")
        find_signature(statement, seat.kid, seat.pk)
        await _keep(connection, lot, statement, now)
        await store.insert_dissent(
            connection, lot.id, expert=expert, sid=statement.sid, report=body.report, at=now
        )
        await _accept_if_settled(connection, lot.id, body.report)


async def settle_report(db: Database, actor: Actor, lot_id: UUID) -> None:
    """Accept a report that some signed and the others dissented from; for the agency.

    The last signature accepts it by itself; this is for a dissent that came before it.
    """
    require(actor, "agency")
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        lot = await lot_facts(connection, lot_id, "experts")
        require_party(actor, lot.parties.agency_uscc)
        panel = await store.panel_locked(connection, lot_id)
        require_status(panel, REPORTED)
        if not await _accept_if_settled(connection, lot_id, panel.report or ""):
            raise ReportNotSettled("some members have neither signed nor dissented; wait for them")


async def _signing(connection: Connection, actor: Actor, expert: str) -> UUID:
    """The expert who is logged in; refuses one who speaks for another."""
    require(actor, EXPERT)
    found = await acting_expert(connection, actor)
    if str(found.id) != expert:
        raise NotAnExpert("expected your own expert id in the statement, got another's")
    return found.id


async def _keep(connection: Connection, lot: Lot, statement: Statement, now: datetime) -> None:
    """Keep a statement that stays unpublished until the report settles it."""
    body = lot_body(lot, statement.type, statement.sid, now)
    await keep_statement(connection, statement, scope=lot.id, body=body, at=now)


async def _replace(connection: Connection, lot: Lot, seat: Seat, now: datetime) -> None:
    """Call the next of the reserve to a recused expert's seat; without one it stays empty."""
    drawn: Drawing = (await drawings(connection, lot.id))[EXPERTS]
    called = next_of_reserve(drawn.reserve, await store.seats(connection, lot.id))
    if called is not None:
        await store.insert_seat(connection, lot.id, seat.number, called, now)
    await record_event(
        connection,
        "experts:seat:replace",
        actor=None,
        group=lot.tender,
        scope=lot.id,
        turn=lot.round,
        data={
            "seat": seat.number,
            "recused": str(seat.expert),
            "called": None if called is None else str(called),
        },
    )


async def _begin_if_ready(connection: Connection, lot: Lot, panel: Panel) -> None:
    """Begin the scoring once every seat has pledged and the bids have their codes."""
    seats = live_seats(await store.seats(connection, lot.id))
    pledged = [seat for seat in seats if seat.status == PLEDGED]
    if len(pledged) != panel.seats or not await store.blind_bids(connection, lot.id):
        return
    await store.move_panel(connection, panel, next_status(panel.status, "begin"))
    await _move_event(connection, lot, "begin", {"seats": panel.seats})


async def _lock(connection: Connection, lot: Lot, panel: Panel, now: datetime) -> None:
    after = next_status(panel.status, "lock")
    await store.move_panel(connection, panel, after, locked_at=now)
    await _move_event(connection, lot, "lock", {"sheets": panel.seats})


async def _move_event(connection: Connection, lot: Lot, event: str, data: dict[str, Any]) -> None:
    await record_event(
        connection,
        f"experts:panel:{event}",
        actor=None,
        group=lot.tender,
        scope=lot.id,
        turn=lot.round,
        data=data,
    )


async def _not_settled(connection: Connection, lot: UUID, report: Statement) -> list[int]:
    """The seats whose member neither signed the report nor dissented from it."""
    dissenting = set(await store.dissenting(connection, report.sid))
    seats: Sequence[Seat] = live_seats(await store.seats(connection, lot))
    return [s.number for s in seats if s.expert not in dissenting and not _has_signed(s, report)]


def _has_signed(seat: Seat, report: Statement) -> bool:
    try:
        find_signature(report, seat.kid, seat.pk)
    except BadSignature:
        return False
    return True


async def _accept_if_settled(connection: Connection, lot: UUID, report: str) -> bool:
    signed = (await paper(connection, report)).statement
    if await _not_settled(connection, lot, signed):
        return False
    await accept_report(connection, signed)
    return True

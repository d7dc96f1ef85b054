"""The record of a stage: what was opened and how, signed by platform, host and supervisor."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.bid.domain import Act
from bidding.opening import stage_store, store
from bidding.opening.domain import RECORD, TERMINATED, Listed, Opening, require_phase
from bidding.opening.stages import plan_in_force
from bidding.sealing.bodies import OpeningRecord
from bidding.sealing.unseal import Outcome
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, next_status
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection
from foundation.statements.canonical import b64
from foundation.statements.signed import Statement, decode_body, sign, unsigned
from foundation.statements.store import Required, keep_statement, kept_statements, offer_paper


async def offer_record(
    connection: Connection,
    desk: Desk,
    lot: Lot,
    opening: Opening,
    rows: Sequence[Mapping[str, Any]],
    aloud: Mapping[UUID, Mapping[str, Any]],
) -> None:
    """Offer the record of the stage that runs to host and supervisor."""
    now = await platform_now(connection)
    objections = await kept_statements(connection, lot.id, ["objection"])
    body = {
        "v": 1,
        "closing": opening.closing,
        "stage": opening.stage,
        "results": list(rows),
        "items": [{"submission": str(s), "items": aloud[s]} for s in sorted(aloud, key=str)],
        "objections": sorted(
            o.statement.sid for o in objections if o.statement.body["stage"] == opening.stage
        ),
    }
    statement = sign(unsigned("opening-record", body), desk.platform_for(lot.suite))
    decode_body(statement, OpeningRecord)
    required = [
        Required(role="trading-centre", subject=lot.parties.host_uscc),
        Required(role="supervisor", subject=lot.parties.supervisor_uscc),
    ]
    await offer_paper(connection, statement, required, scope=lot.id, at=now)
    await store.set_phase(connection, opening, RECORD, now, None)


def record_row(one: Listed, outcome: Outcome, act: Act) -> dict[str, Any]:
    """Return the line of one envelope in the record."""
    return {
        "submission": str(one.submission),
        "tree": one.tree,
        "volume": one.volume,
        "code": outcome.code,
        "fault": outcome.fault,
        "b_from": outcome.b_from,
        "deal_wrong": [{"group": w.group, "i": w.i} for w in outcome.deal_wrong],
        "T": None if outcome.t is None else b64(outcome.t),
        "B": None if outcome.b is None else b64(outcome.b),
        "plain_sha256": outcome.plain_sha256,
        "licence_status": act.licence_status or "unknown",
    }


async def accept_opening_record(connection: Connection, statement: Statement) -> None:
    """Take the record that platform, host and supervisor signed: the stage is over.

    With the last stage of the schedule the opening is, too.
    """
    lot_id = await store.lot_of_closing(connection, statement.body["closing"])
    lot = await tender_store.lot_exclusive(connection, lot_id)
    opening = await store.opening(connection, lot_id)
    require_phase(opening, RECORD)
    now = await platform_now(connection)
    await keep_statement(
        connection,
        statement,
        scope=lot_id,
        body=lot_ledger_body(lot, "opening-record", statement.sid, now),
        at=now,
        public=True,
    )
    await stage_store.set_record(connection, opening, statement.sid, now)
    is_last = opening.stage == (await plan_in_force(connection, lot)).stages[-1].stage
    if is_last and opening.decided != TERMINATED:
        await tender_store.move_lot(connection, lot, next_status(lot.status, "record"))

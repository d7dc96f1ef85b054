"""Bidders' halves, from any channel: a value proves itself by its commitment (sealing.md 9.2)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from bidding.bid.desk import Desk
from bidding.opening import list_store
from bidding.opening.domain import (
    PHASE1,
    Listed,
    OtherClosing,
    WrongPhase,
    require_phase,
)
from bidding.opening.taken import bare, head_of, of_running
from bidding.sealing.bodies import ReleaseB
from bidding.sealing.refusals import WrongB, WrongShare
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, Database, transaction
from foundation.identity.challenge import count_try
from foundation.problems import TooMany
from foundation.statements.canonical import time_text, unb64
from foundation.statements.signed import (
    Statement,
    decode_body,
    sign,
    unsigned,
)
from foundation.statements.store import (
    AlreadyKept,
    keep_statement,
    kept_statement,
    kept_statements,
)

WRONG_VALUES_A_MINUTE: Final = 10


class TooManyWrongValues(TooMany):
    """Too many wrong values from one place within a minute."""

    code = "too-many-wrong-values"


@asynccontextmanager
async def wrong_values_limited(db: Database, place: str) -> AsyncIterator[None]:
    """Count what does not fit by the place it comes from (9.2); a value that fits never waits."""
    try:
        yield
    except (WrongB, WrongShare):
        count, wait_s = await count_try(db, f"release:{place}")
        if count <= WRONG_VALUES_A_MINUTE:
            raise
        raise TooManyWrongValues(
            f"expected at most {WRONG_VALUES_A_MINUTE} wrong values a minute from one place; try "
            f"again in {wait_s} s",
            extra={"retry_after": wait_s},
        ) from None


async def take_release_b(desk: Desk, lot_id: UUID, statement: Statement, channel: str) -> Statement:
    """Take a bidder's halves from any channel and return the acknowledgement.

    All values of one request must match; then the leaf is queued and the ack signed at once.
    Refused before the closing and after the window, and nothing is kept then.
    """
    try:
        return await _release_b(desk, lot_id, statement, channel)
    except AlreadyKept:
        # An equal one was taken at the same moment: now its acknowledgement can be seen.
        return await _release_b(desk, lot_id, statement, channel)


async def _release_b(desk: Desk, lot_id: UUID, statement: Statement, channel: str) -> Statement:
    body = decode_body(statement, ReleaseB)
    statement = bare(statement)
    async with transaction(desk.db, "bidding") as connection:
        lot, opening = await of_running(connection, lot_id, body)
        known = await _known_ack(connection, lot_id, statement)
        if known is not None:
            return known
        now = await platform_now(connection)
        require_phase(opening, PHASE1)
        if opening.phase_until is not None and now >= opening.phase_until:
            raise WrongPhase(f"phase 1 ended at {opening.phase_until.isoformat()}")
        listed = {o.tree: o for o in await list_store.listed(connection, lot_id, opening.stage)}
        values = {value.tree: unb64(value.value, 32) for value in body.values}
        _check_halves(listed, values)
        if all(listed[tree].b_value is not None for tree in values):
            raise AlreadyKept("every half of this release is here; its acknowledgement was given")
        for tree, value in values.items():
            await list_store.set_b(connection, lot_id, tree, value, "bidder", now)
        await keep_statement(
            connection,
            statement,
            scope=lot_id,
            body=lot_ledger_body(lot, "release-b", statement.sid, now),
            at=now,
        )
        ack = sign(
            unsigned(
                "release-ack",
                {
                    "v": 1,
                    "closing": body.closing,
                    "stage": body.stage,
                    "release": statement.sid,
                    "trees": sorted(values),
                    "received": time_text(now),
                    "channel": channel,
                },
            ),
            desk.platform_for(lot.suite),
        )
        await keep_statement(connection, ack, scope=lot_id, body=None, at=now)
    return ack


async def _known_ack(connection: Connection, lot_id: UUID, release: Statement) -> Statement | None:
    """The acknowledgement that the same release got before, whenever it is asked for again."""
    if await kept_statement(connection, release.sid) is None:
        return None
    for kept in await kept_statements(connection, lot_id, ["release-ack"]):
        if kept.statement.body["release"] == release.sid:
            return kept.statement
    return None


def _check_halves(listed: Mapping[str, Listed], values: Mapping[str, bytes]) -> None:
    wrong = []
    for tree, value in values.items():
        one = listed.get(tree)
        if one is None:
            raise OtherClosing(f"the file {tree[:16]}… is not in the list of this stage")
        head = head_of(one)
        if not head.binding.fits("B", 0, value, head.wraps.hb):
            wrong.append(one.volume)
    if wrong:
        raise WrongB(
            f"the key does not fit {', '.join(sorted(wrong))}; nothing was kept, try again"
        )

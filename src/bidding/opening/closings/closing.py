"""From the deadline to the closing: close, cut, the signed list, and the opened identities.

Timers only enable: the closer closes and cuts by the database's clock, the host confirms the list.
"""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.desk import Desk, read_row
from bidding.bid.domain import PENDING, Act, final_acts
from bidding.opening import list_store, store
from bidding.opening.closings.outages import require_quiet_deadline
from bidding.opening.domain import (
    ActsUndecided,
    CutMissing,
    Listed,
    list_entries,
)
from bidding.opening.results.stages import plan_in_force
from bidding.opening.taken import keep_public
from bidding.tender import store as tender_store
from bidding.tender.domain import CLOSED, CUT, Lot, WrongStatus, next_status
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.identity import Actor, require
from foundation.ledger.log import entry_of, latest_checkpoint, leaf_opening, queue_entry, tlog_proof
from foundation.ledger.rows import open_row
from foundation.ledger.tree import hash_leaf, root_of
from foundation.problems import NotAllowed
from foundation.statements.canonical import Json, canonical
from foundation.statements.signed import Statement, sign, unsigned
from foundation.statements.store import kept_statement


async def close_due(desk: Desk) -> int:
    """Close every lot whose deadline has passed; return how many.

    READ COMMITTED, exclusive lock first, the clock in a new statement (sealing.md 7.3).
    """
    async with reading(desk.db, "bidding") as connection:
        due = await tender_store.lots_due(connection)
    closed = 0
    for lot_id in due:
        async with transaction(desk.db, "bidding") as connection:
            await tender_store.lot_exclusive(connection, lot_id)
            now = await platform_now(connection)
            checkpoint = await latest_checkpoint(connection)
            size = 0 if checkpoint is None else checkpoint.size
            closed += await store.close_lot(connection, lot_id, now, size)
    return closed


async def cut_closed(desk: Desk) -> int:
    """Queue the cut of closed lots whose acts all have leaves, then mark what is in a checkpoint.

    Called after each tick; the cut is the entry after which no act of the lot counts.
    """
    moved = 0
    async with reading(desk.db, "bidding") as connection:
        closed = await tender_store.lots_in_status(connection, CLOSED)
    for lot_id in closed:
        async with transaction(desk.db, "bidding") as connection:
            lot = await tender_store.lot_exclusive(connection, lot_id)
            moved += lot.status == CLOSED and await _cut(connection, lot)
    return moved


async def _cut(connection: Connection, lot: Lot) -> bool:
    opening = await store.opening(connection, lot.id)
    checkpoint = await latest_checkpoint(connection)
    signed = 0 if checkpoint is None else checkpoint.size
    if opening.cut is None:
        if signed > opening.closed_tick and not await store.acts_without_leaf(connection, lot.id):
            body = lot_ledger_body(lot, "cut", lot.schedule or "", opening.closed_at)
            await store.set_cut(
                connection, lot.id, await queue_entry(connection, body, first_index=True)
            )
        return False
    entry = await entry_of(connection, opening.cut)
    if entry is None or entry.index >= signed:
        return False
    await tender_store.move_lot(connection, lot, next_status(lot.status, "cut"))
    return True


async def confirm_closing(desk: Desk, actor: Actor, lot_id: UUID) -> Statement:
    """Sign the list of what will be opened, or that too few bids came; for the opening host.

    Refuses while acts are undecided or the cut is not in a signed checkpoint.
    """
    require(actor, "trading-centre")
    async with transaction(desk.db, "bidding") as connection:
        lot = await tender_store.lot_exclusive(connection, lot_id)
        if actor.subject != lot.parties.host_uscc:
            raise NotAllowed("the closing is confirmed by the opening host of the lot")
        if lot.status == CLOSED:
            raise CutMissing("the cut is not in a signed checkpoint yet; try again in a tick")
        if lot.status != CUT:
            raise WrongStatus(f"a lot that is {lot.status} cannot be closed again")
        await require_quiet_deadline(connection, lot)
        opening = await store.opening(connection, lot_id)
        bids = await final_bids(connection, lot)
        cut = None if opening.cut is None else await leaf_opening(connection, opening.cut)
        if len(bids) < lot.minimum_bidders:
            statement = _signed_not_opened(desk, lot, cut)
            await store.set_closing(connection, lot_id, statement.sid, None)
            await tender_store.move_lot(connection, lot, next_status(lot.status, "not_open"))
        else:
            listed = await listed_of_bids(connection, lot, bids)
            statement = signed_closing(desk, lot, cut, listed)
            root = statement.body["list_root"]
            await store.set_closing(connection, lot_id, statement.sid, root)
            await list_store.insert_listed(connection, listed)
            await tender_store.move_lot(connection, lot, next_status(lot.status, "open"))
        now = await platform_now(connection)
        await keep_public(connection, lot, statement, now)
    return statement


async def final_bids(connection: Connection, lot: Lot) -> list[Act]:
    """The acts that count, one a bidder; refuses while one is being checked."""
    acts = await bid_store.acts_of_lot(connection, lot.id, lot.round)
    if any(act.state == PENDING for act in acts):
        raise ActsUndecided("some acts are still being checked; try again in a moment")
    return list(final_acts(acts, lot.opening_keys or "").values())


def _signed_not_opened(desk: Desk, lot: Lot, cut: Json) -> Statement:
    body = {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "schedule": lot.schedule,
        "cut": cut,
        "reason": "below-minimum",
    }
    return sign(unsigned("not-opened", body), desk.platform_for(lot.suite))


def signed_closing(
    desk: Desk, lot: Lot, cut: Json, listed: Sequence[Listed], replaces: str | None = None
) -> Statement:
    """Return the platform's statement of what will be opened (sealing.md 9.3)."""
    entries = list_entries(listed)
    body = {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "schedule": lot.schedule,
        "opening_keys": lot.opening_keys,
        "cut": cut,
        "count": len(entries),
        "list_root": root_of([hash_leaf(canonical(e)) for e in entries]).hex(),
        "replaces": replaces,
    }
    return sign(unsigned("closing", body), desk.platform_for(lot.suite))


async def listed_of_bids(connection: Connection, lot: Lot, bids: Sequence[Act]) -> list[Listed]:
    """Return the list rows of these bids; no file is looked at."""
    first = (await plan_in_force(connection, lot)).stages[0].volumes
    heads = await bid_store.heads(connection, [act.sid for act in bids])
    return [one for act in bids for one in _listed_of(act, heads, first)]


def _listed_of(
    act: Act, heads: Mapping[str, tuple[bytes, bytes]], first: Sequence[str]
) -> Iterator[Listed]:
    """The list rows of a bid; the volumes of later stages wait for their own statement."""
    for envelope in act.envelopes:
        header, wraps = heads[envelope["header_hash"]]
        yield Listed(
            lot=act.lot,
            tree=envelope["tree"],
            stage=1 if envelope["volume"] in first else None,
            submission=act.submission,
            act=act.sid,
            seq=act.seq,
            volume=envelope["volume"],
            header_hash=envelope["header_hash"],
            wraps_hash=envelope["wraps_hash"],
            size=envelope["size"],
            upload=UUID(envelope["upload"]),
            header=header,
            wraps=wraps,
            blob="unread",
            blob_until=None,
            b_value=None,
            b_from=None,
            b_at=None,
            t_value=None,
        )


async def closing_is_signed(connection: Connection, closing: str) -> bool:
    """Say whether the closing's leaf is in a signed checkpoint."""
    kept = await kept_statement(connection, closing)
    if kept is None or kept.queue is None:
        return False
    entry = await entry_of(connection, kept.queue)
    checkpoint = await latest_checkpoint(connection)
    return entry is not None and checkpoint is not None and entry.index < checkpoint.size


async def open_identities(desk: Desk, lot_id: UUID) -> bool:
    """Open the sealed rows of a lot's acts with the secret that the signer now gives.

    Returns False while the closing is not in a signed checkpoint; does nothing a second time.
    """
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        opening = await store.opening(connection, lot_id)
        acts = await bid_store.acts_of_lot(connection, lot_id, lot.round)
        sealed = [act for act in acts if act.statement is None]
        if opening.closing is None or not await closing_is_signed(connection, opening.closing):
            return False
        proof = await closing_proof(connection, opening.closing)
    if not sealed:
        return True
    secret = await desk.signer.release_scope(lot_id, *proof)
    opened = [
        (act.sid, read_row(open_row(secret, lot_id, act.sid, act.sealed_row)).file())
        for act in sealed
    ]
    async with transaction(desk.db, "bidding") as connection:
        await bid_store.set_statements(connection, opened)
    return True


async def closing_proof(
    connection: Connection, closing: str
) -> tuple[Statement, dict[str, Json], str]:
    """Return the closing, its leaf opening and the proof in a signed checkpoint."""
    kept = await kept_statement(connection, closing)
    if kept is None or kept.queue is None:
        raise CutMissing("the closing is not kept")
    opening = await leaf_opening(connection, kept.queue)
    if opening is None:
        raise CutMissing("the closing has no leaf yet")
    return kept.statement, opening, await tlog_proof(connection, opening["index"])

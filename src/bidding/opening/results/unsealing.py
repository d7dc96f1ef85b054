"""Phase 4: every listed envelope is opened, all results are written at once, the record is offered.

Nothing here runs before the signed `phase4` step; `decrypting` does the work on the files.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.checks import keys_in_force
from bidding.bid.desk import Desk
from bidding.bid.domain import Act
from bidding.bid.meters import Meter
from bidding.opening import list_store, share_store, store
from bidding.opening.domain import (
    PHASE2,
    PHASE3,
    PHASE4,
    TERMINATED,
    Listed,
    OpenedBid,
    Opening,
    Result,
    WrongPhase,
    require_phase,
)
from bidding.opening.results import result_store
from bidding.opening.results.decrypting import Bench, Opened, leave_closed, open_listed
from bidding.opening.results.hygiene import STAGING
from bidding.opening.results.record import offer_record, record_row
from bidding.sealing.unseal import Outcome
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import read
from foundation.statements.store import kept_statements


async def open_lot(desk: Desk, lot_id: UUID) -> None:
    """Open every listed envelope of a lot in phase 4 and offer its record for signature.

    Idempotent: results that are written stay; a record that is offered is not offered again.
    Until all of them are written nothing but the meter's counts can be seen.
    """
    with desk.meters.running(lot_id) as meter:
        await _open_lot(desk, lot_id, meter)


async def _open_lot(desk: Desk, lot_id: UUID, meter: Meter) -> None:
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        opening = await store.opening(connection, lot_id)
        require_ready(opening)
        if opening.decided != TERMINATED:
            await _require_signed_step(desk, connection, opening)
        keys = await keys_in_force(connection, lot)
        listed = await list_store.listed(connection, lot_id, opening.stage)
        shares = await share_store.shares(connection, lot_id)
        checks = await share_store.checks(connection, lot_id)
        acts = {act.sid: act for act in await bid_store.acts_of_lot(connection, lot_id, lot.round)}
        before = {b.submission: b for b in await result_store.every_opened_bid(connection, lot_id)}
    with TemporaryDirectory(prefix=STAGING, dir=desk.work) as folder:
        if opening.decided == TERMINATED:
            opened = leave_closed(keys, listed, shares, checks)
        else:
            bench = Bench(objects=desk.objects, folder=Path(folder), keys=keys, meter=meter)
            opened = await asyncio.to_thread(open_listed, bench, listed, shares, checks)
        aloud = _read_aloud(listed, opened)
        bids = await _keep_files(desk, lot, listed, opened)
    outcomes = {tree: outcome for tree, (outcome, _) in opened.items()}
    async with transaction(desk.db, "bidding") as connection:
        held = await tender_store.lot_exclusive(connection, lot_id)
        opening = await store.opening(connection, lot_id)
        require_ready(opening)
        for one in listed:
            await result_store.insert_result(connection, lot_id, _result(one, outcomes[one.tree]))
        for submission, bid in bids.items():
            act = acts[next(one.act for one in listed if one.submission == submission)]
            await result_store.put_opened_bid(
                connection,
                _opened_bid(act, submission, bid),
                is_complete=_is_complete(lot, bid, before.get(submission)),
            )
        rows = [
            record_row(one, outcomes[one.tree], acts[one.act])
            for one in sorted(listed, key=lambda o: o.tree)
        ]
        await offer_record(connection, desk, held, opening, rows, aloud)


def require_ready(opening: Opening) -> None:
    """Refuse to work before phase 4; what the supervisor ended gets its record as well."""
    if opening.decided == TERMINATED:
        require_phase(opening, PHASE2, PHASE3)
    else:
        require_phase(opening, PHASE4)


async def _require_signed_step(desk: Desk, connection: Connection, opening: Opening) -> None:
    """Refuse a job without the platform's signed step to phase 4, whatever the row says (9.7)."""
    now = await platform_now(connection)
    for kept in await kept_statements(connection, opening.lot, ["opening-step"]):
        body = kept.statement.body
        named = (body["closing"], body["stage"], body["step"])
        if named == (opening.closing, opening.stage, PHASE4) and certificate_signers(
            kept.statement, desk.platform_anchors, now
        ):
            return
    raise WrongPhase(f"no signed step to phase 4 of stage {opening.stage} is kept")


def _read_aloud(
    listed: Sequence[Listed], opened: Mapping[str, Opened]
) -> dict[UUID, dict[str, Any]]:
    """What is read aloud of each bid: the lines of those of its volumes that opened."""
    aloud: dict[UUID, dict[str, Any]] = {}
    for one in listed:
        outcome, found = opened[one.tree]
        if outcome.code == "OPENED" and found is not None:
            aloud.setdefault(one.submission, {}).update(found["items"] or {})
    return aloud


async def _keep_files(
    desk: Desk,
    lot: Lot,
    listed: Sequence[Listed],
    opened: Mapping[str, Opened],
) -> dict[UUID, dict[str, Any]]:
    """Store the files of every bid whose volumes all opened; return what each bid says."""
    bids: dict[UUID, dict[str, Any]] = {}
    for submission in {one.submission for one in listed}:
        volumes = [one for one in listed if one.submission == submission]
        if any(opened[one.tree][0].code != "OPENED" for one in volumes):
            continue
        bid: dict[str, Any] = {"items": {}, "files": {}, "machine_code": None}
        for one in volumes:
            found = opened[one.tree][1] or {}
            bid["items"] |= found.get("items") or {}
            bid["machine_code"] = found.get("machine_code") or bid["machine_code"]
            bid["files"][one.volume] = {}
            for name, file in found.get("files", {}).items():
                key = f"opened/{lot.id}/{submission}/{one.volume}/{file}"
                content = await asyncio.to_thread((found["folder"] / file).read_bytes)
                await desk.objects.put(key, content)
                bid["files"][one.volume][name] = key
        bids[submission] = bid
    return bids


def _result(one: Listed, outcome: Outcome) -> Result:
    return Result(
        tree=one.tree,
        submission=one.submission,
        volume=one.volume,
        code=outcome.code,
        fault=outcome.fault,
        b_from=outcome.b_from,
        deal_wrong=tuple({"group": w.group, "i": w.i} for w in outcome.deal_wrong),
        plain_sha256=outcome.plain_sha256,
    )


def _is_complete(lot: Lot, bid: Mapping[str, Any], before: OpenedBid | None) -> bool:
    """Say whether every volume of the lot was opened, in this stage or one before it."""
    held = set() if before is None else set(before.files)
    return held | set(bid["files"]) == set(lot.volumes)


def _opened_bid(act: Act, submission: UUID, bid: Mapping[str, Any]) -> OpenedBid:
    bidder = read(act.statement or b"").body["bidder"]
    return OpenedBid(
        lot=act.lot, submission=submission, uscc=bidder["uscc"], name=bidder["name"], **bid
    )


async def lots_to_open(desk: Desk) -> list[UUID]:
    """Return the lots in phase 4 or ended by the supervisor, whose record is not offered yet."""
    async with reading(desk.db, "bidding") as connection:
        return await store.lots_to_open(connection)


async def lots_to_read_back(desk: Desk) -> list[UUID]:
    """Return the lots in phase 1 to 3 with sealed files that were not read back yet."""
    async with reading(desk.db, "bidding") as connection:
        return await list_store.lots_unread(connection)

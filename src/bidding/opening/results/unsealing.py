"""Phase 4: combining, decrypting and examining every listed envelope, then offering the record.

Nothing here runs before the signed `phase4` step. Keys are in memory only; plaintext is renamed
into place after the last chunk; packages are looked into by a child process without network.
"""

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.checks import keys_in_force
from bidding.bid.desk import Desk
from bidding.bid.domain import Act
from bidding.bid.read_back import CORRUPT, MISSING, WHOLE
from bidding.opening import list_store, share_store, store
from bidding.opening.domain import (
    PHASE2,
    PHASE3,
    PHASE4,
    TERMINATED,
    Checked,
    Listed,
    OpenedBid,
    Opening,
    Result,
    Share,
    WrongPhase,
    require_phase,
)
from bidding.opening.results import result_store
from bidding.opening.results.examiner import Examiner, examiner
from bidding.opening.results.hygiene import STAGING
from bidding.opening.results.record import offer_record, record_row
from bidding.sealing.envelope import join_head
from bidding.sealing.opening_keys import LotKeys
from bidding.sealing.parts import PART, PartHasher
from bidding.sealing.shares import Halves
from bidding.sealing.unseal import (
    Outcome,
    Released,
    bidder_half,
    blob_outcome,
    custodian_half,
    outcome_of_halves,
    unseal,
    wrongly_dealt,
)
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.objects import ObjectMissing
from foundation.statements.certificates import certificate_signers
from foundation.statements.signed import read
from foundation.statements.store import kept_statements

# Each one holds some twenty mebibytes and a child process.
MOST_AT_ONCE: Final = 4
Opened = tuple[Outcome, dict[str, Any] | None]
ENDED: Final = Outcome(code="CUSTODIANS_SHORT", fault="members")

log = logging.getLogger(__name__)


async def open_lot(desk: Desk, lot_id: UUID) -> None:
    """Open every listed envelope of a lot in phase 4 and offer its record for signature.

    Idempotent: results that are written stay; a record that is offered is not offered again.
    """
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
            opened = _leave_closed(keys, listed, shares, checks)
        else:
            opened = await asyncio.to_thread(
                open_listed, desk, Path(folder), keys, listed, shares, checks
            )
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


def _leave_closed(
    keys: LotKeys, listed: Sequence[Listed], shares: Sequence[Share], checks: Sequence[Checked]
) -> dict[str, Opened]:
    """The outcomes of an opening that the supervisor ended: no file is read, nothing decrypted."""
    every = _released_by_tree(listed, shares, checks)
    return {one.tree: (_unopened(keys, one, every[one.tree], ENDED), None) for one in listed}


def open_listed(
    desk: Desk,
    folder: Path,
    keys: LotKeys,
    listed: Sequence[Listed],
    shares: Sequence[Share],
    checks: Sequence[Checked],
) -> dict[str, Opened]:
    """Combine and decrypt every envelope, several side by side, each with a child of its own.

    What was found inside comes with its outcome, by tree.
    """
    released = _released_by_tree(listed, shares, checks)
    free: SimpleQueue[Examiner] = SimpleQueue()

    def open_next(one: Listed) -> Opened:
        child = free.get()
        try:
            return _open_one(desk, folder, keys, one, released[one.tree], child)
        finally:
            free.put(child)

    count = max(1, min(os.cpu_count() or 1, MOST_AT_ONCE, len(listed)))
    with ExitStack() as children, ThreadPoolExecutor(count) as pool:
        for _ in range(count):
            free.put(child := children.enter_context(examiner()))
            if not child.isolated:
                log.warning("the kernel gives no network namespace: examining packages without one")
        return dict(zip((one.tree for one in listed), pool.map(open_next, listed), strict=True))


def _open_one(
    desk: Desk, folder: Path, keys: LotKeys, one: Listed, released: Released, child: Examiner
) -> Opened:
    package = folder / f"{one.tree}.zip"
    sealed, state = join_parts(desk, one, folder)
    if state != WHOLE:
        lost = blob_outcome(missing=state == MISSING)
        return _unopened(keys, one, released, lost), None
    head = join_head(one.header, one.wraps)
    check = partial(child.examine, one.volume)
    outcome = unseal(sealed, head, keys.body, released, package, check)
    sealed.unlink()
    found = child.found.pop(package, None)
    if found is not None:
        found["folder"] = package.with_suffix(".files")
    return outcome, found


def _unopened(keys: LotKeys, one: Listed, released: Released, otherwise: Outcome) -> Outcome:
    """The outcome of a file that is not opened: by its halves, else the one that is given.

    What follows from halves, header and wraps anyone can recompute, so it comes first; and where
    both halves are known whoever was dealt something else is named (9.6).
    """
    head = join_head(one.header, one.wraps)
    t, b = custodian_half(head, released), bidder_half(head, released)
    closed = outcome_of_halves(t, b, terminated=otherwise is ENDED)
    outcome = closed or replace(otherwise, b_from=b.source)
    if t.value is None or b.value is None:
        return outcome
    seats, _ = wrongly_dealt(head, Halves(t=t.value, b=b.value), keys.body)
    return replace(outcome, deal_wrong=seats)


def join_parts(desk: Desk, one: Listed, folder: Path) -> tuple[Path, str]:
    """The sealed file out of its parts, and whether it is still the one that was listed."""
    sealed, hasher = folder / f"{one.tree}.tbe", PartHasher()
    if one.blob != WHOLE:
        return sealed, one.blob
    try:
        with sealed.open("wb") as whole:
            for index in range(-(-one.size // PART)):
                part = desk.objects.read(f"blobs/{one.upload}/{index}")
                hasher.update(part)
                whole.write(part)
    except ObjectMissing:
        return sealed, MISSING
    return sealed, WHOLE if hasher.tree() == one.tree else CORRUPT


def _released_by_tree(
    listed: Sequence[Listed], shares: Sequence[Share], checks: Sequence[Checked]
) -> dict[str, Released]:
    """What was released for each envelope."""
    t_shares: dict[str, dict[int, bytes]] = {one.tree: {} for one in listed}
    r_shares: dict[str, dict[int, bytes]] = {one.tree: {} for one in listed}
    found: dict[str, dict[Any, Any]] = {one.tree: {} for one in listed}
    for share in shares:
        values = t_shares if share.group == "T" else r_shares
        if share.tree in values:
            values[share.tree][share.i] = share.value
    for check in checks:
        if check.tree in found:
            found[check.tree][check.group, check.i] = check.result
    return {
        one.tree: Released(
            t_shares=t_shares[one.tree],
            r_shares=r_shares[one.tree],
            bidder_b=one.b_value if one.b_from == "bidder" else None,
            cured_b=one.b_value if one.b_from == "cure" else None,
            cured_t=one.t_value,
            checks=found[one.tree],
        )
        for one in listed
    }


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

"""What members, bidders and the public are shown of an opening while it runs."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.checks import keys_in_force
from bidding.bid.desk import Desk, open_token
from bidding.bid.domain import Act
from bidding.opening import list_store, share_store, store
from bidding.opening.closings.omissions import OMISSION, answers
from bidding.opening.domain import (
    TERMINATED,
    Listed,
    NotAMember,
    Opening,
    Result,
    entry_path,
    list_entries,
    released_by,
)
from bidding.opening.results import result_store
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot
from bidding.tender.service import is_party, public_leaves
from foundation.clock import platform_now
from foundation.database import Connection, reading
from foundation.identity import Actor
from foundation.ledger.log import latest_checkpoint, leaf_opening, tlog_proof
from foundation.statements.canonical import Json, b64, time_text
from foundation.statements.signed import read
from foundation.statements.store import Kept, kept_statements

MEMBER_TYPES: Final = (
    "opening-keys",
    "schedule",
    "closing",
    "stage",
    "opening-step",
    "remedy-start",
    "release-ack",
    "release-b",
    "release-r",
    OMISSION,
)
SHOWN_FROM: Final = frozenset({"phase4", "record", "done"})


async def member_material(desk: Desk, actor: Actor, lot_id: UUID) -> dict[str, Json]:
    """Return what a member's client checks of the running stage before it answers (8.2).

    A `release-b` or `release-r` itself stays back: only its leaf is shown, which commits to it, for
    no custodian may see a bidder's half. Refuses who is neither a member of the opening keys nor a
    party: entries and headers are shown to them alone.
    """
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        await _require_member(connection, lot, actor)
        opening = await store.opening(connection, lot_id)
        entries = list_entries(await list_store.listed(connection, lot_id))
        listed = await list_store.listed(connection, lot_id, opening.stage)
        kept = [
            one
            for one in await kept_statements(connection, lot_id, MEMBER_TYPES)
            if one.statement.body.get("stage", opening.stage) == opening.stage
        ]
        omitted = [one for one in kept if one.statement.type == OMISSION]
        answered = await answers(desk, connection, lot, omitted)
        leaves, proofs = await public_leaves(connection, kept)
        await add_cut(connection, opening, leaves, proofs)
    return {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "stage": opening.stage,
        "phase": opening.phase,
        "phase_until": None if opening.phase_until is None else time_text(opening.phase_until),
        **{name: _files(kept, type_) for name, type_ in _SHOWN_FILES},
        "entries": entries,
        "headers": [b64(one.header) for one in listed],
        "wraps": [b64(one.wraps) for one in listed],
        "trees": [one.tree for one in listed],
        "omission_answers": answered,
        "leaves": leaves,
        "proofs": proofs,
    }


async def add_cut(
    connection: Connection,
    opening: Opening,
    leaves: list[dict[str, Json]],
    proofs: dict[str, str],
) -> None:
    """Add the cut's leaf opening and proof, where it has them."""
    cut = None if opening.cut is None else await leaf_opening(connection, opening.cut)
    if cut is not None:
        leaves.append(cut)
        proofs[str(cut["index"])] = await tlog_proof(connection, cut["index"])


async def _require_member(connection: Connection, lot: Lot, actor: Actor) -> None:
    if is_party(lot, actor):
        return
    keys = await keys_in_force(connection, lot)
    groups = [group for group in (keys.members("T"), keys.members("R")) if group is not None]
    if actor.subject not in {member.body.uscc for group in groups for member in group.members}:
        raise NotAMember("this is shown to the members of the lot's opening keys and its parties")


_SHOWN_FILES: Final = (
    ("opening_keys", "opening-keys"),
    ("schedules", "schedule"),
    ("closings", "closing"),
    ("stages", "stage"),
    ("steps", "opening-step"),
    ("remedy_starts", "remedy-start"),
    ("acks", "release-ack"),
    ("omissions", OMISSION),
)


def _files(kept: Sequence[Kept], type_: str) -> list[Json]:
    return [k.statement.json() for k in kept if k.statement.type == type_]


async def hall(desk: Desk, lot_id: UUID) -> dict[str, Any]:
    """Return what the opening hall shows everybody: phases, counts, and from phase 4 the bids.

    Before the closing nothing about bids is shown, not even their number.
    """
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        opening = await store.find_opening(connection, lot_id)
        if opening is None:
            return {**_lot_part(lot), "phase": None, "steps": [], "bids": []}
        listed = await list_store.listed(connection, lot_id)
        steps = await kept_statements(connection, lot_id, ["closing", "opening-step"])
        checkpoint = await latest_checkpoint(connection)
        shares = await share_store.shares(connection, lot_id)
        results = {r.tree: r for r in await result_store.results(connection, lot_id)}
        names = await _names(connection, lot, opening)
        opened = {b.submission: b for b in await result_store.every_opened_bid(connection, lot_id)}
    bids = []
    for number, entry in enumerate(list_entries(listed), 1):
        submission = UUID(entry["submission"])
        volumes = [o for o in listed if o.submission == submission and o.stage == opening.stage]
        bids.append(
            {
                "number": number,
                "submission": entry["submission"],
                "name": names.get(submission),
                "released_at": _released_at(volumes),
                "b_from": volumes[0].b_from if volumes else None,
                "custodians": min(
                    (len(released_by(shares, "T", v.tree)) for v in volumes), default=0
                ),
                "results": [
                    _result_part(results[v.tree])
                    for v in listed
                    if v.submission == submission and v.tree in results
                ],
                "items": None if submission not in opened else dict(opened[submission].items),
            }
        )
    return {
        **_lot_part(lot),
        "stage": opening.stage,
        "phase": opening.phase,
        "phase_at": None if opening.phase_at is None else time_text(opening.phase_at),
        "phase_until": None if opening.phase_until is None else time_text(opening.phase_until),
        "closed_at": time_text(opening.closed_at),
        "closing": opening.closing,
        "count": len(bids),
        "steps": [
            {
                "step": s.statement.body.get("step", "closing"),
                "at": time_text(s.accepted_at),
                "until": s.statement.body.get("until"),
            }
            for s in steps
        ],
        "bids": bids,
        "ledger_size": 0 if checkpoint is None else checkpoint.size,
    }


def _lot_part(lot: Lot) -> dict[str, Any]:
    return {
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "title": f"{lot.tender_title} {lot.title}",
        "status": lot.status,
        "deadline": None if lot.deadline_at is None else time_text(lot.deadline_at),
        "ceiling_price_yuan": str(lot.ceiling_price_yuan),
    }


def _result_part(result: Result) -> dict[str, Any]:
    return {
        "volume": result.volume,
        "code": result.code,
        "fault": result.fault,
        "b_from": result.b_from,
    }


def _released_at(volumes: Sequence[Listed]) -> str | None:
    times = [one.b_at for one in volumes if one.b_at is not None]
    return time_text(max(times)) if times and len(times) == len(volumes) else None


async def _names(connection: Connection, lot: Lot, opening: Opening) -> dict[UUID, str]:
    """Names of bidders, from phase 4 of the stage on; nothing before."""
    is_closed = opening.phase not in SHOWN_FROM or opening.decided == TERMINATED
    if opening.stage == 1 and is_closed:
        return {}
    acts: list[Act] = await bid_store.acts_of_lot(connection, lot.id, lot.round)
    return {
        act.submission: read(act.statement).body["bidder"]["name"]
        for act in acts
        if act.statement is not None
    }


async def own_entry(desk: Desk, lot_id: UUID, token: str, uscc: str) -> dict[str, Json] | None:
    """Return a bidder's own list entry after the closing, None when it is not in the list."""
    async with reading(desk.db, "bidding") as connection:
        bidder_key = open_token(desk, token, lot_id, uscc, await platform_now(connection))
        lot = await tender_store.lot(connection, lot_id)
        opening = await store.opening(connection, lot_id)
        acts = await bid_store.acts_of_bidder(connection, lot_id, lot.round, bidder_key)
        mine = {act.submission for act in acts}
        listed = await list_store.listed(connection, lot_id)
    entries = list_entries(listed)
    for place, entry in enumerate(entries):
        if UUID(entry["submission"]) in mine:
            own = {e["tree"] for e in entry["envelopes"]}
            blobs = {one.tree: one.blob for one in listed if one.tree in own}
            path = entry_path(entries, place)
            shown = {"closing": opening.closing, "entry": entry, "place": place, "path": path}
            return {**shown, "blobs": blobs}
    return None

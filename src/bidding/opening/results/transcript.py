"""The transcript of an opening (开标全记录), published with its record (sealing.md 9.10).

Together with the sealed files it suffices to decrypt and verify for ever.
"""

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from bidding.bid import store as bid_store
from bidding.bid.domain import Act
from bidding.opening import list_store, store
from bidding.opening.domain import Listed, WrongPhase, list_entries
from bidding.opening.results import stage_store
from bidding.participant.domain import Given
from bidding.participant.service import Office, mandates_of_keys, named_mandates
from bidding.tender import store as tender_store
from foundation.database import Connection
from foundation.ledger.log import checkpoint_covering, leaf_openings, time_stamps, tlog_proofs
from foundation.statements.canonical import Json, b64
from foundation.statements.signed import Statement, read
from foundation.statements.store import Kept, kept_statements

# The leaves whose checkpoints get a time stamp from outside (7.3, 9.3, 9.9).
DATED: Final = ("cut", "closing", "stage")
RELEASES: Final = (
    "release-b",
    "release-ack",
    "remedy-start",
    "release-r",
    "release-t",
    "share-check",
    "cure",
)
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "opening_keys": ("opening-keys",),
    "schedules": ("schedule",),
    "stages": ("stage",),
    # A closing that was replaced is shown among the steps.
    "steps": ("opening-step", "closing"),
    "releases": RELEASES,
    "omissions": ("omission",),
    "decisions": ("supervisor-decision",),
    "records": ("opening-record",),
    "objections": ("objection",),
}


async def transcript(office: Office, connection: Connection, lot_id: UUID) -> dict[str, Json]:
    """Return the transcript of a lot's opening; refuses before its record is signed."""
    lot = await tender_store.lot(connection, lot_id)
    opening = await store.opening(connection, lot_id)
    recorded = await stage_store.opened_stages(connection, lot_id)
    if not recorded:
        raise WrongPhase("the transcript is published with the signed record of the opening")
    kept = {
        part: [
            one
            for one in await kept_statements(connection, lot_id, types)
            if is_shown(one.statement, recorded)
        ]
        for part, types in PARTS.items()
    }
    closing = (await kept_statements(connection, lot_id, ["closing"]))[-1]
    kept["steps"] = [k for k in kept["steps"] if k.statement.sid != closing.statement.sid]
    listed = await list_store.listed(connection, lot_id)
    acts = await bid_store.acts_of_lot(connection, lot_id, lot.round)
    refusals = await kept_statements(connection, lot_id, ["refusal"])
    signed = [*kept["objections"], *kept["records"]]
    given = await _mandates(office, connection, acts, signed)
    queues = [k.queue for part in kept.values() for k in part if k.queue is not None]
    queues += [act.queue for act in acts] + [r.queue for r in refusals if r.queue is not None]
    queues += [q for q in (closing.queue, opening.cut) if q is not None]
    queues += [queue for mandate in given for queue in mandate.queues]
    leaves = sorted((await leaf_openings(connection, queues)).values(), key=lambda o: o["index"])
    return {
        "v": 1,
        **{part: [k.statement.json() for k in found] for part, found in kept.items()},
        "mandates": [
            one.json()
            for mandate in given
            for one in (mandate.statement, mandate.revocation)
            if one is not None
        ],
        "closing": closing.statement.json(),
        "acts": _acts(acts, refusals),
        "list": list_entries(listed),
        **_heads(listed),
        "leaves": leaves,
        **await _proofs(connection, leaves),
    }


async def _mandates(
    office: Office, connection: Connection, acts: Sequence[Act], signed: Sequence[Kept]
) -> list[Given]:
    """The mandates that acts name, and those of operators who objected or co-signed a record."""
    bodies = [read(act.statement).body for act in acts if act.statement is not None]
    named = {body["mandate"] for body in bodies} - {None}
    found = await named_mandates(office, connection, sorted(named))
    bidders = {body["bidder"]["uscc"] for body in bodies}
    keys = {
        (signature.kid, uscc)
        for one in signed
        for signature in one.statement.sigs
        if signature.kid is not None
        for uscc in ({one.statement.body["uscc"]} if "uscc" in one.statement.body else bidders)
    }
    found += await mandates_of_keys(office, connection, sorted(keys))
    return list({given.statement.sid: given for given in found}.values())


def is_shown(statement: Statement, recorded: Sequence[int]) -> bool:
    """Say whether a statement is published: those of a stage with its record (9.10, 14.5)."""
    stage = statement.body.get("stage")
    ends_opening = statement.type == "stage" and not statement.body["trees"]
    return stage is None or stage in recorded or ends_opening


async def not_yet_shown(connection: Connection, lot_id: UUID) -> set[str]:
    """Return the sids of a lot's statements that wait for the record of their stage."""
    recorded = await stage_store.opened_stages(connection, lot_id)
    types = [type_ for part in PARTS.values() for type_ in part]
    kept = await kept_statements(connection, lot_id, types)
    return {k.statement.sid for k in kept if not is_shown(k.statement, recorded)}


def _acts(acts: Sequence[Act], refusals: Sequence[Kept]) -> list[Json]:
    """Every act of the lot with receipt or refusal; those never taken in by their refusal."""
    by_act: dict[str, Statement] = {r.statement.body["act"]: r.statement for r in refusals}
    known = {act.sid for act in acts}
    rows: list[Json] = [
        {
            "statement": None if act.statement is None else read(act.statement).json(),
            "receipt": None if act.receipt is None else read(act.receipt).json(),
            "refusal": None
            if act.receipt is not None or act.sid not in by_act
            else by_act[act.sid].json(),
        }
        for act in acts
    ]
    rows += [
        {"statement": None, "receipt": None, "refusal": r.statement.json()}
        for r in refusals
        if r.statement.body["act"] not in known
    ]
    return rows


def _heads(listed: Sequence[Listed]) -> dict[str, Json]:
    """Headers and wraps of the list in its order, as the canonical JSON that they are."""
    ordered = sorted(listed, key=lambda one: (str(one.submission), one.volume))
    return {
        "headers": [json.loads(one.header) for one in ordered],
        "wraps": [json.loads(one.wraps) for one in ordered],
    }


async def _proofs(connection: Connection, leaves: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """The proofs of all leaves, and the checkpoints whose outside times matter."""
    indexes = [int(leaf["index"]) for leaf in leaves]
    proofs = await tlog_proofs(connection, indexes)
    dated = [int(leaf["index"]) for leaf in leaves if leaf["body"]["t"] in DATED]
    found = [await checkpoint_covering(connection, index) for index in (*dated, max(indexes))]
    checkpoints = {one.size: one for one in found if one is not None}
    stamps = await time_stamps(connection, checkpoints)
    return {
        "proofs": {str(index): proof for index, proof in proofs.items()},
        "checkpoints": [
            {"note": one.note, "token": b64(stamps[size]) if size in stamps else None}
            for size, one in sorted(checkpoints.items())
        ],
    }

"""The evidence package of a lot: everything a stranger needs to check it without this program.

Only what is published by then goes in; leaves that are not opened yet show their hash alone.
"""

import base64
import json
import zipfile
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from io import BytesIO
from itertools import groupby, pairwise
from typing import Any, Final, LiteralString
from uuid import UUID

from bidding.award.evidence import award_evidence
from bidding.bid.desk import Desk
from bidding.opening.domain import WrongPhase
from bidding.opening.list_store import listed as listed_of
from bidding.opening.results.result_store import results as results_of
from bidding.opening.results.stage_store import opened_stages
from bidding.opening.results.transcript import not_yet_shown, transcript
from bidding.sealing.parts import PART
from bidding.tender import store as tender_store
from bidding.tender.domain import AWARDED, CONTRACTED, FAILED, NOT_OPENED, TERMINATED, Lot
from bidding.tender.service import notice_facts
from experts.published import EVALUATION_TYPES, evaluation_evidence
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading
from foundation.ledger.log import (
    consistency_proof,
    entries_of_batches,
    opening_of,
    origin_of,
    tlog_proofs,
)
from foundation.ledger.note import read_checkpoint, read_note
from foundation.ledger.proof import read_proof
from foundation.ledger.store import Entry
from foundation.ledger.tree import nodes_of
from foundation.statements.canonical import Json, canonical, time_from_ms, time_text
from foundation.statements.store import kept_statements

# Outcomes of envelopes whose content was read, rightly or not (sealing.md 9.7).
READ: Final = frozenset({"OPENED", "SEALED_WRONG", "PACKAGE_BAD"})
COVERS_OPEN_AFTER: Final = timedelta(days=30)

NOT_OPENED_AFTER: Final = timedelta(days=365)

# Lots that took bids at some moment of these ticks and have no record yet (sealing.md 14.5); of
# those that were never opened nobody learns for a year how many bids there were.
LOTS_WITHOUT_RECORD: Final[LiteralString] = """
    SELECT l.id, l.published_at, coalesce(l.closed_at, d.at, 'infinity') AS closed_at
      FROM bidding.lot AS l
 LEFT JOIN LATERAL (
               SELECT max(s.accepted_at) AS at
                 FROM foundation.statement AS s
                WHERE s.scope = l.id
                  AND s.type = 'supervisor-decision'
                  AND convert_from(s.raw, 'UTF8')::jsonb #>> '{body,decision}' = 'terminated'
           ) AS d ON l.status = 'terminated'
     WHERE l.published_at IS NOT NULL
       AND (l.status IN ('published', 'closed', 'cut', 'opening', 'suspended')
            OR (l.status IN ('not_opened', 'terminated')
                AND coalesce(l.closed_at, d.at, l.deadline_at) > $1))
  ORDER BY l.published_at, l.id
     LIMIT 10000
"""

# The rest of the lots that were recorded: their result is not determined.
LOTS_WITHOUT_RESULT: Final[LiteralString] = """
    SELECT id::text
      FROM bidding.lot
     WHERE status IN ('recorded', 'evaluating', 'evaluated', 'standstill')
  ORDER BY id
     LIMIT 10000
"""

# Until the result who evaluates, who votes and what supervision looks at stay secret
# (招标投标法 art. 37), and so do the leaves: whoever guesses a vote could try it against one.
SETTLED: Final = frozenset({AWARDED, CONTRACTED, FAILED})
SECRET_UNTIL_SETTLED: Final = frozenset({*EVALUATION_TYPES, "vote", "award", "letter", "event"})

BATCHES_OF_SCOPE: Final[LiteralString] = """
    SELECT DISTINCT batch
      FROM foundation.ledger_entry
     WHERE body::jsonb ->> 'lot' = $1::text
  ORDER BY batch
     LIMIT 100000
"""


async def make_package(desk: Desk, lot_id: UUID) -> bytes:
    """Return the evidence package of a lot whose opening is recorded, as a zip."""
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        now = await platform_now(connection)
        is_settled = lot.status in SETTLED
        events = [
            kept.statement
            for kept in await kept_statements(connection, lot_id, ["event"])
            if kept.public or is_settled
        ]
        files: dict[str, Json] = {
            "package.json": await _about(connection, lot, now),
            "opening.json": await transcript(desk, connection, lot_id),
            "notice.json": notice_facts(lot),
            "events.json": [event.json() for event in events],
        }
        codes = {result.tree: result.code for result in await results_of(connection, lot_id)}
        # With what was released somebody could open a file that stayed closed.
        listed = await listed_of(connection, lot_id)
        recorded = await opened_stages(connection, lot_id)
        published = [one for one in listed if codes.get(one.tree) in READ and one.stage in recorded]
        waiting = await not_yet_shown(connection, lot_id)
        award = await award_evidence(connection, lot)
        if award is not None:
            files["award.json"] = award
    if is_settled:
        async with reading(desk.db, "experts") as connection:
            evaluation = await evaluation_evidence(connection, lot_id, "experts")
        if evaluation is not None:
            files["evaluation.json"] = evaluation
    shown = {event.sid for event in events}
    files["leaves.json"], proofs = await _leaves(desk.db, lot, (shown, waiting), now)
    files["opening.json"]["proofs"] |= proofs
    async with reading(desk.db, "bidding") as connection:
        files["consistency.json"] = await _consistency(connection, notes_in(files))
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, value in sorted(files.items()):
            archive.writestr(_entry(name), canonical(value))
        for name, anchor in _anchors(desk):
            archive.writestr(_entry(name), anchor)
        for one in published:
            with archive.open(_entry(f"bids/{one.tree}.tbe"), "w", force_zip64=True) as sealed:
                for index in range(-(-one.size // PART)):
                    sealed.write(await desk.objects.get(f"blobs/{one.upload}/{index}"))
    return target.getvalue()


async def late_leaves(desk: Desk, lot_id: UUID) -> dict[str, Json]:
    """Return the opened leaves of a lot that was ended or not opened, with proofs (14.5).

    Refused for 365 days after its cut, or the decision; a lot with a record has its package.
    """
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        now = await platform_now(connection)
        secret = await connection.fetch(LOTS_WITHOUT_RECORD, now - NOT_OPENED_AFTER)
        if lot.status not in {NOT_OPENED, TERMINATED} or lot_id in {row["id"] for row in secret}:
            raise WrongPhase("the leaves of a lot that was not opened are shown a year after it")
        batches = [r["batch"] for r in await connection.fetch(BATCHES_OF_SCOPE, str(lot_id))]
        origin = (await origin_of(connection)).origin
        own = [
            opening_of(entry, origin)
            for entry in await entries_of_batches(connection, batches)
            if json.loads(entry.body).get("lot") == str(lot_id)
        ]
        proofs = await tlog_proofs(connection, [leaf.index for leaf in own])
    return {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "leaves": [leaf.to_json() for leaf in own],
        "proofs": {str(index): proof for index, proof in proofs.items()},
    }


def trusted(desk: Desk) -> list[tuple[str, Sequence[bytes]]]:
    """The roots (DER) under which signatures, statements and times count, by role."""
    return [
        ("licence", desk.anchors),
        ("platform", desk.platform_anchors),
        ("timestamp", desk.time_anchors),
    ]


def _anchors(desk: Desk) -> list[tuple[str, bytes]]:
    return [
        (f"anchors/{role}-{i}.der", anchor)
        for role, anchors in trusted(desk)
        for i, anchor in enumerate(anchors)
    ]


def _entry(name: str) -> zipfile.ZipInfo:
    """A zip entry without a time of its own, so that the same evidence gives the same bytes."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


async def _about(connection: Connection, lot: Lot, now: datetime) -> dict[str, Json]:
    named = await origin_of(connection)
    return {
        "v": 1,
        "format": "sunbid/package/v1",
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "origin": named.origin,
        "log_vkey": named.vkey,
        "made_at": time_text(now),
    }


async def _leaves(
    db: Database, lot: Lot, told: tuple[set[str], set[str]], now: datetime
) -> tuple[list[Json], dict[str, str]]:
    """Every leaf of every batch that touches the lot, opened where 14.5 says so, and proofs.

    `told` are the events that the package shows, and the statements that wait for their stage.
    One proof for each complete subtree of a batch is enough: the proof of one of its leaves fixes
    its root. A batch of more than a quantum may lie in several subtrees.
    """
    async with reading(db, "bidding") as connection:
        batches = [r["batch"] for r in await connection.fetch(BATCHES_OF_SCOPE, str(lot.id))]
        entries = await entries_of_batches(connection, batches)
        waiting = await connection.fetch(LOTS_WITHOUT_RECORD, now - NOT_OPENED_AFTER)
        unsettled = {row["id"] for row in await connection.fetch(LOTS_WITHOUT_RESULT)}
        origin = (await origin_of(connection)).origin
        proofs = await tlog_proofs(connection, first_of_subtrees(entries))
    shown, waits = told
    spans = [(row["published_at"], row["closed_at"]) for row in waiting]
    still_secret = {str(row["id"]) for row in waiting}
    leaves = [
        opening_of(entry, origin).to_json()
        if is_open(entry, str(lot.id), spans, still_secret, now)
        and not is_confidential(entry, unsettled, shown)
        and subject_of(entry) not in waits
        else {"index": entry.index, "leaf_hash": entry.leaf_hash.hex()}
        for entry in entries
    ]
    return leaves, {str(index): proof for index, proof in proofs.items()}


def first_of_subtrees(entries: Sequence[Entry]) -> list[int]:
    """The first leaf of every complete subtree that a batch of these entries fills."""
    batches = [[one.index for one in batch] for _, batch in groupby(entries, lambda one: one.batch)]
    nodes = [node for batch in batches for node in nodes_of((batch[0], batch[-1] + 1))]
    return [index << level for level, index in nodes]


def notes_in(files: Mapping[str, Json]) -> set[str]:
    """Every checkpoint that the package shows: of proofs, of the transcript, of the draws."""
    opening = files["opening.json"]
    notes = {checkpoint["note"] for checkpoint in opening["checkpoints"]}
    notes |= {read_proof(text).note.to_text() for text in opening["proofs"].values()}
    drawn = files.get("evaluation.json", {}).get("statements", [])
    return notes | {s["body"]["checkpoint"] for s in drawn if s["type"] == "draw"}


async def _consistency(connection: Connection, notes: set[str]) -> list[Json]:
    """Proofs that each checkpoint of the package extends the one before it."""
    sizes = sorted({read_checkpoint(read_note(note).text).size for note in notes})
    return [
        {
            "old_size": old,
            "new_size": new,
            "hashes": [
                base64.b64encode(value).decode()
                for value in await consistency_proof(connection, old, new)
            ],
        }
        for old, new in pairwise(sizes)
    ]


def subject_of(entry: Entry) -> str | None:
    """The statement that a leaf is of."""
    subject: str | None = json.loads(entry.body).get("subject")
    return subject


def is_confidential(entry: Entry, unsettled: Set[str], shown: Set[str]) -> bool:
    """Say whether a leaf's opening has to wait for the result of its lot.

    `shown` are the events that the package publishes before.
    """
    body: dict[str, Any] = json.loads(entry.body)
    return (
        body.get("lot") in unsettled
        and body["t"] in SECRET_UNTIL_SETTLED
        and body["subject"] not in shown
    )


def is_open(
    entry: Entry,
    lot: str,
    spans: Sequence[tuple[datetime, datetime]],
    still_secret: set[str],
    now: datetime,
) -> bool:
    """Say whether a leaf's opening may be published now (sealing.md 14.5).

    `spans` are the times during which lots without a record took bids: covers of those ticks stay
    closed, so that nobody counts leaves by elimination.
    """
    body: dict[str, Any] = json.loads(entry.body)
    if body.get("lot") is not None:
        return body["lot"] == lot or body["lot"] not in still_secret
    tick_at = time_from_ms(entry.time_ms)
    if now < tick_at + COVERS_OPEN_AFTER:
        return False
    return not any(begins <= tick_at <= ends for begins, ends in spans)

"""The ledger's door: queue an entry in the caller's transaction, later read its leaf and proof.

Bodies are opaque canonical JSON here. Who numbers them is `sequencer`, who signs is `signer`.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID, uuid4

from foundation.database import Connection, Record
from foundation.ledger import store
from foundation.ledger.leaf import COVER_TYPE, SALT_LENGTH, LeafOpening
from foundation.ledger.proof import make_proof
from foundation.ledger.sequencer import (
    LARGEST_BODY,
    LedgerDamaged,
    LedgerRolledBack,
    OtherOrigin,
    Tick,
    audit,
    consistency_proof,
    run_sequencer,
    start_ledger,
    tick,
)
from foundation.ledger.signing import CheckpointSigner, SignedState
from foundation.ledger.store import (
    Entry,
    StoredCheckpoint,
    best_checkpoint,
    checkpoint_covering,
    latest_checkpoint,
    time_stamps,
)
from foundation.ledger.tree import hash_range, inclusion_ranges, nodes_of
from foundation.problems import Conflict
from foundation.statements.canonical import BadField, Json, canonical

__all__ = [
    "CheckpointSigner",
    "Entry",
    "LeafNotSigned",
    "LedgerDamaged",
    "LedgerRolledBack",
    "OtherOrigin",
    "SignedState",
    "StoredCheckpoint",
    "Tick",
    "audit",
    "checkpoint_covering",
    "consistency_proof",
    "entries_matching",
    "entries_of_batches",
    "entry_of",
    "latest_checkpoint",
    "leaf_opening",
    "leaf_openings",
    "ledger_open",
    "opening_of",
    "origin_of",
    "queue_entry",
    "run_sequencer",
    "start_ledger",
    "tick",
    "time_stamps",
    "tlog_proof",
    "tlog_proofs",
]

_RESERVED: Final = COVER_TYPE


class LeafNotSigned(Conflict):
    """This entry is not in a signed checkpoint yet."""

    code = "leaf-not-signed"


async def queue_entry(
    connection: Connection, body: Mapping[str, Json], *, first_index: bool = False
) -> UUID:
    """Queues a ledger body in the caller's transaction; its id finds the leaf later.

    With `first_index` the sequencer writes the index of its batch's first leaf into the body.
    Refuses while the ledger is closed, a cover, and a body that is too large.
    """
    raw = canonical(dict(body))
    if body.get("t") == _RESERVED or not isinstance(body.get("t"), str):
        raise BadField("expected a ledger body with its type in `t`, not a cover")
    if len(raw) > LARGEST_BODY - 32:
        raise BadField(f"expected a ledger body of at most {LARGEST_BODY - 32} bytes")
    queue_id = uuid4()
    waiting = store.Waiting(
        queue_id=queue_id,
        body=raw,
        salt=secrets.token_bytes(SALT_LENGTH),
        first_index=first_index,
    )
    if not await store.add_waiting(connection, waiting):
        _, reason = await store.gate(connection)
        raise LedgerRolledBack(
            f"nothing is accepted now: {reason or 'the ledger is closed'}; the operator was called"
        )
    return queue_id


async def ledger_open(connection: Connection) -> bool:
    """Whether entries may be queued."""
    is_open, _ = await store.gate(connection)
    return is_open


async def origin_of(connection: Connection) -> store.Origin:
    """The name and verifier key of this log; refuses before the first start of the sequencer."""
    named = await store.origin(connection)
    if named is None:
        raise LeafNotSigned("the ledger has no origin yet; start the server with its signer once")
    return named


async def entry_of(connection: Connection, queue_id: UUID) -> Entry | None:
    """The numbered entry of a queued body, None while it waits for the next tick."""
    row = await connection.fetchrow(store.ENTRY_OF, queue_id)
    return None if row is None else _entry(row)


async def leaf_opening(connection: Connection, queue_id: UUID) -> dict[str, Json] | None:
    """The leaf opening of a queued body as the formats write it, None while it has no leaf."""
    entry = await entry_of(connection, queue_id)
    if entry is None:
        return None
    return opening_of(entry, (await origin_of(connection)).origin).to_json()


async def leaf_openings(
    connection: Connection, queue_ids: Sequence[UUID]
) -> dict[UUID, dict[str, Json]]:
    """The leaf openings of many queued bodies; those without a leaf are missing."""
    rows = await connection.fetch(store.ENTRIES_OF, list(queue_ids))
    if not rows:
        return {}
    origin = (await origin_of(connection)).origin
    return {row["id"]: opening_of(_entry(row), origin).to_json() for row in rows}


async def entries_matching(connection: Connection, part: Mapping[str, Json]) -> list[Entry]:
    """The entries whose body has these members, in the order of the ledger; never covers."""
    rows = await connection.fetch(store.ENTRIES_MATCHING, json.dumps(dict(part)))
    return [_entry(row) for row in rows]


async def entries_of_batches(connection: Connection, batches: Sequence[int]) -> list[Entry]:
    """All entries of these batches, covers included, in the order of the ledger."""
    rows = await connection.fetch(store.ENTRIES_OF_BATCHES, list(batches))
    return [_entry(row) for row in rows]


def opening_of(entry: Entry, origin: str) -> LeafOpening:
    """The opening of an entry; who may see it, and when, is the caller's to decide."""
    return LeafOpening(
        origin=origin,
        index=entry.index,
        time_ms=entry.time_ms,
        salt=entry.salt,
        body=json.loads(entry.body),
    )


async def tlog_proof(connection: Connection, index: int) -> str:
    """The proof file of one leaf to the best checkpoint; refuses a leaf not signed yet."""
    return (await tlog_proofs(connection, [index]))[index]


async def tlog_proofs(
    connection: Connection, indexes: Sequence[int], checkpoint: StoredCheckpoint | None = None
) -> dict[int, str]:
    """The proof files of many leaves to one checkpoint, the best unless another is given."""
    checkpoint = checkpoint or await best_checkpoint(connection, max(indexes, default=0))
    missing = [index for index in indexes if checkpoint is None or index >= checkpoint.size]
    if checkpoint is None or missing:
        raise LeafNotSigned(
            f"the leaf {missing[:1]} is not in a signed checkpoint yet; ask again after a tick"
        )
    ranges = {index: inclusion_ranges(index, checkpoint.size) for index in indexes}
    wanted = {node for parts in ranges.values() for part in parts for node in nodes_of(part)}
    hashes = await store.nodes(connection, wanted)
    return {
        index: make_proof(
            index, [hash_range(part, hashes) for part in parts], checkpoint.note
        ).to_text()
        for index, parts in ranges.items()
    }


def _entry(row: Record) -> Entry:
    return Entry(
        index=row["index"],
        leaf=row["leaf"],
        leaf_hash=row["leaf_hash"],
        salt=row["salt"],
        body=row["body"].encode(),
        batch=row["batch"],
    )

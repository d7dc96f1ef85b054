"""The ledger's tables: one statement a function, the caller holds the transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from foundation.database import Connection, Record
from foundation.ledger.tree import Node
from foundation.problems import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest committed state of the ledger."""

    size: int
    root: bytes
    time_ms: int
    batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A queued body that has no leaf yet; `queue_id` is None for a cover."""

    queue_id: UUID | None
    body: bytes
    salt: bytes
    first_index: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A numbered entry; `body` is canonical JSON."""

    index: int
    leaf: bytes
    leaf_hash: bytes
    salt: bytes
    body: bytes
    batch: int

    @property
    def time_ms(self) -> int:
        """The time of the tick that brought the entry."""
        return int.from_bytes(self.leaf[1:9], "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheckpoint:
    """A signed checkpoint as a note, cosignature lines included."""

    size: int
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The log's name and verifier key."""

    origin: str
    vkey: str


class LedgerMissing(Unavailable):
    """The ledger's tables are not set up."""

    code = "ledger-missing"


# The gate is read in the statement that inserts: a closed ledger costs no round trip.
ADD_WAITING: Final[LiteralString] = """
    INSERT INTO foundation.ledger_queue (id, body, salt, first_index)
    SELECT $1::uuid, $2::text, $3::bytea, $4::boolean
      FROM foundation.ledger_gate
     WHERE is_open
 RETURNING id
"""


async def add_waiting(connection: Connection, waiting: Waiting) -> bool:
    """Queues a body unless the ledger is closed; says whether it did."""
    row = await connection.fetchrow(
        ADD_WAITING, waiting.queue_id, waiting.body.decode(), waiting.salt, waiting.first_index
    )
    return row is not None


GATE: Final[LiteralString] = """
    SELECT is_open, reason
      FROM foundation.ledger_gate
     LIMIT 1
"""


async def gate(connection: Connection) -> tuple[bool, str]:
    """Whether entries may be queued, and why not."""
    row = await connection.fetchrow(GATE)
    return (row["is_open"], row["reason"] or "") if row else (False, "the ledger has no gate row")


# A gate that already stands as wanted is not written again: the check runs at every tick.
SET_GATE: Final[LiteralString] = """
    UPDATE foundation.ledger_gate
       SET is_open = $1,
           reason = $2
     WHERE (is_open, reason) IS DISTINCT FROM ($1::boolean, $2::text)
"""


async def set_gate(connection: Connection, is_open: bool, reason: str | None) -> None:
    """Opens or closes the ledger for new entries."""
    await connection.execute(SET_GATE, is_open, reason)


ORIGIN: Final[LiteralString] = """
    SELECT origin, vkey
      FROM foundation.ledger_origin
     LIMIT 1
"""


async def origin(connection: Connection) -> Origin | None:
    """The log's name and key, None before the first start."""
    row = await connection.fetchrow(ORIGIN)
    return None if row is None else Origin(origin=row["origin"], vkey=row["vkey"])


ADD_ORIGIN: Final[LiteralString] = """
    INSERT INTO foundation.ledger_origin (origin, vkey)
    VALUES ($1, $2)
        ON CONFLICT DO NOTHING
"""


async def add_origin(connection: Connection, named: Origin) -> None:
    """Writes the log's name and key once; a second writer changes nothing."""
    await connection.execute(ADD_ORIGIN, named.origin, named.vkey)


HEAD: Final[LiteralString] = """
    SELECT size, root, time_ms, batch
      FROM foundation.ledger_head
     LIMIT 1
"""

HEAD_LOCKED: Final[LiteralString] = """
    SELECT size, root, time_ms, batch
      FROM foundation.ledger_head
       FOR UPDATE
"""


async def head(connection: Connection) -> Head:
    """The newest committed state."""
    return _head(await connection.fetchrow(HEAD))


async def head_locked(connection: Connection) -> Head:
    """The newest committed state, held until the transaction ends: one sequencer at a time."""
    return _head(await connection.fetchrow(HEAD_LOCKED))


# No limit on purpose: a tick takes every row that waits (it was committed before this statement).
WAITING: Final[LiteralString] = """
    SELECT id, body, salt, first_index
      FROM foundation.ledger_queue
     WHERE index IS NULL
"""


async def waiting(connection: Connection) -> list[Waiting]:
    """All queued bodies without a leaf, in no order."""
    return [
        Waiting(
            queue_id=row["id"],
            body=row["body"].encode(),
            salt=row["salt"],
            first_index=row["first_index"],
        )
        for row in await connection.fetch(WAITING)
    ]


ADD_ENTRIES: Final[LiteralString] = """
    INSERT INTO foundation.ledger_entry (index, leaf, leaf_hash, salt, body, batch)
    SELECT index, leaf, leaf_hash, salt, body, $6
      FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[])
           AS new (index, leaf, leaf_hash, salt, body)
"""


async def add_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    """Writes the entries of one batch."""
    await connection.execute(
        ADD_ENTRIES,
        [entry.index for entry in entries],
        [entry.leaf for entry in entries],
        [entry.leaf_hash for entry in entries],
        [entry.salt for entry in entries],
        [entry.body.decode() for entry in entries],
        entries[0].batch,
    )


NUMBER_WAITING: Final[LiteralString] = """
    UPDATE foundation.ledger_queue AS queue
       SET index = numbered.index
      FROM unnest($1::uuid[], $2::bigint[]) AS numbered (id, index)
     WHERE queue.id = numbered.id
"""


async def number_waiting(connection: Connection, numbered: Sequence[tuple[UUID, int]]) -> None:
    """Gives queued bodies the index of their leaf."""
    await connection.execute(
        NUMBER_WAITING, [queue_id for queue_id, _ in numbered], [index for _, index in numbered]
    )


ADD_NODES: Final[LiteralString] = """
    INSERT INTO foundation.ledger_node (level, index, hash)
    SELECT level, index, hash
      FROM unnest($1::int[], $2::bigint[], $3::bytea[]) AS new (level, index, hash)
"""


async def add_nodes(connection: Connection, nodes: dict[Node, bytes]) -> None:
    """Writes the complete nodes that a batch made."""
    await connection.execute(
        ADD_NODES,
        [level for level, _ in nodes],
        [index for _, index in nodes],
        list(nodes.values()),
    )


NODES: Final[LiteralString] = """
    SELECT level, index, hash
      FROM foundation.ledger_node
      JOIN unnest($1::int[], $2::bigint[]) AS wanted (level, index) USING (level, index)
"""


async def nodes(connection: Connection, wanted: Collection[Node]) -> dict[Node, bytes]:
    """The hashes of complete nodes; a missing one is missing in the answer."""
    rows = await connection.fetch(
        NODES, [level for level, _ in wanted], [index for _, index in wanted]
    )
    return {(row["level"], row["index"]): row["hash"] for row in rows}


MOVE_HEAD: Final[LiteralString] = """
    UPDATE foundation.ledger_head
       SET size = $1,
           root = $2,
           time_ms = $3,
           batch = $4
"""


async def move_head(connection: Connection, new: Head) -> None:
    """Writes the new state; the trigger refuses one that does not grow."""
    await connection.execute(MOVE_HEAD, new.size, new.root, new.time_ms, new.batch)


ADD_CHECKPOINT: Final[LiteralString] = """
    INSERT INTO foundation.ledger_checkpoint (size, note, signed_at)
    VALUES ($1, $2, (SELECT foundation.platform_now()))
        ON CONFLICT (size) DO NOTHING
"""


async def add_checkpoint(connection: Connection, size: int, note: str) -> None:
    """Writes a signed checkpoint; signing is deterministic, so a second one says the same."""
    await connection.execute(ADD_CHECKPOINT, size, note)


ADD_COSIGNATURE: Final[LiteralString] = """
    INSERT INTO foundation.ledger_cosignature (size, witness, line)
    VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING
"""


async def add_cosignature(connection: Connection, size: int, witness: str, line: str) -> None:
    """Writes a witness's line; the caller has verified it."""
    await connection.execute(ADD_COSIGNATURE, size, witness, line)


LATEST_CHECKPOINT: Final[LiteralString] = """
    SELECT c.size, c.signed_at,
           c.note || coalesce(string_agg(w.line, '' ORDER BY w.witness), '') AS note
      FROM (SELECT size, note, signed_at
              FROM foundation.ledger_checkpoint
          ORDER BY size DESC
             LIMIT 1) AS c
 LEFT JOIN foundation.ledger_cosignature AS w USING (size)
  GROUP BY c.size, c.note, c.signed_at
"""


async def latest_checkpoint(connection: Connection) -> StoredCheckpoint | None:
    """The newest signed checkpoint with its cosignatures, None before the first."""
    row = await connection.fetchrow(LATEST_CHECKPOINT)
    return None if row is None else StoredCheckpoint(**row)


CHECKPOINT_COVERING: Final[LiteralString] = """
    SELECT c.size, c.signed_at,
           c.note || coalesce(string_agg(w.line, '' ORDER BY w.witness), '') AS note
      FROM (SELECT size, note, signed_at
              FROM foundation.ledger_checkpoint
             WHERE size > $1
          ORDER BY size
             LIMIT 1) AS c
 LEFT JOIN foundation.ledger_cosignature AS w USING (size)
  GROUP BY c.size, c.note, c.signed_at
"""


async def checkpoint_covering(connection: Connection, index: int) -> StoredCheckpoint | None:
    """The first signed checkpoint that holds the leaf, None while there is none."""
    row = await connection.fetchrow(CHECKPOINT_COVERING, index)
    return None if row is None else StoredCheckpoint(**row)


ADD_WITNESSED: Final[LiteralString] = """
    INSERT INTO foundation.ledger_witnessed (size, at)
    VALUES ($1, (SELECT foundation.platform_now()))
        ON CONFLICT (size) DO NOTHING
"""


async def add_witnessed(connection: Connection, size: int) -> None:
    """Notes that the quorum has seen a checkpoint; a second time changes nothing."""
    await connection.execute(ADD_WITNESSED, size)


# The newest that the quorum has seen, where one holds the leaf; else the newest.
BEST_CHECKPOINT: Final[LiteralString] = """
    SELECT c.size, c.signed_at,
           c.note || coalesce(string_agg(w.line, '' ORDER BY w.witness), '') AS note
      FROM foundation.ledger_checkpoint AS c
 LEFT JOIN foundation.ledger_cosignature AS w USING (size)
     WHERE c.size = coalesce(
               (SELECT max(size) FROM foundation.ledger_witnessed WHERE size > $1),
               (SELECT max(size) FROM foundation.ledger_checkpoint))
  GROUP BY c.size, c.note, c.signed_at
"""


async def best_checkpoint(connection: Connection, index: int) -> StoredCheckpoint | None:
    """The checkpoint to which a leaf is proven: seen by the quorum if one that holds it is."""
    row = await connection.fetchrow(BEST_CHECKPOINT, index)
    return None if row is None else StoredCheckpoint(**row)


ADD_TIME_STAMP: Final[LiteralString] = """
    INSERT INTO foundation.ledger_token (size, token)
    VALUES ($1, $2)
        ON CONFLICT (size) DO NOTHING
"""


async def add_time_stamp(connection: Connection, size: int, token: bytes) -> None:
    """Writes the time stamp of a checkpoint; the caller has checked it."""
    await connection.execute(ADD_TIME_STAMP, size, token)


TIME_STAMPS: Final[LiteralString] = """
    SELECT size, token
      FROM foundation.ledger_token
     WHERE size = ANY ($1::bigint[])
"""


async def time_stamps(connection: Connection, sizes: Collection[int]) -> dict[int, bytes]:
    """The time stamps of checkpoints; one without is missing."""
    rows = await connection.fetch(TIME_STAMPS, list(sizes))
    return {row["size"]: row["token"] for row in rows}


NEWEST_TIME_STAMP: Final[LiteralString] = """
    SELECT coalesce(max(size), 0)
      FROM foundation.ledger_token
"""


async def newest_time_stamp(connection: Connection) -> int:
    """The size of the newest checkpoint with a time stamp, 0 before the first."""
    return int(await connection.fetchval(NEWEST_TIME_STAMP))


CHECKPOINTS_WITH: Final[LiteralString] = """
    SELECT c.size, c.note, c.signed_at
      FROM foundation.ledger_checkpoint AS c
     WHERE c.size IN (
               SELECT (SELECT min(size) FROM foundation.ledger_checkpoint WHERE size > e.index)
                 FROM foundation.ledger_entry AS e
                WHERE e.index >= $1
                  AND e.index < $2
                  AND e.body::jsonb ->> 't' = ANY ($3::text[]))
  ORDER BY c.size
"""


async def checkpoints_with(
    connection: Connection, first: int, end: int, types: Sequence[str]
) -> list[StoredCheckpoint]:
    """The checkpoints that first hold an entry of these types from `first` up to `end`."""
    rows = await connection.fetch(CHECKPOINTS_WITH, first, end, types)
    return [StoredCheckpoint(**row) for row in rows]


ENTRY_OF: Final[LiteralString] = """
    SELECT e.index, e.leaf, e.leaf_hash, e.salt, e.body, e.batch
      FROM foundation.ledger_queue AS q
      JOIN foundation.ledger_entry AS e ON e.index = q.index
     WHERE q.id = $1
"""

ENTRIES_OF: Final[LiteralString] = """
    SELECT q.id, e.index, e.leaf, e.leaf_hash, e.salt, e.body, e.batch
      FROM foundation.ledger_queue AS q
      JOIN foundation.ledger_entry AS e ON e.index = q.index
     WHERE q.id = ANY ($1::uuid[])
"""

# The second condition is the predicate of the index.
ENTRIES_MATCHING: Final[LiteralString] = """
    SELECT index, leaf, leaf_hash, salt, body, batch
      FROM foundation.ledger_entry
     WHERE body::jsonb @> $1::text::jsonb
       AND body <> '{"t":"cover","v":1}'
  ORDER BY index
     LIMIT 100000
"""

ENTRIES_OF_BATCHES: Final[LiteralString] = """
    SELECT index, leaf, leaf_hash, salt, body, batch
      FROM foundation.ledger_entry
     WHERE batch = ANY ($1::bigint[])
  ORDER BY index
     LIMIT 1000000
"""

# A leaf that is missing counts as changed: hence the full join with the leaf hashes of the tree.
WRONG_ENTRY: Final[LiteralString] = """
    SELECT coalesce(e.index, n.index) AS index
      FROM (SELECT index, leaf, leaf_hash, salt, body
              FROM foundation.ledger_entry
             WHERE index >= $1) AS e
 FULL JOIN (SELECT index, hash
              FROM foundation.ledger_node
             WHERE level = 0
               AND index >= $1) AS n USING (index)
     WHERE n.hash IS DISTINCT FROM sha256('\\x00'::bytea || e.leaf)
        OR e.leaf_hash IS DISTINCT FROM n.hash
        OR substring(e.leaf FROM 10)
           IS DISTINCT FROM sha256('sunbid/commit/v1\\000'::bytea || e.salt
                                   || convert_to(e.body, 'UTF8'))
  ORDER BY 1
     LIMIT 1
"""


async def wrong_entry(connection: Connection, first: int) -> int | None:
    """The first entry from `first` on that does not fit its leaf or its node."""
    found: int | None = await connection.fetchval(WRONG_ENTRY, first)
    return found


WRONG_NODE: Final[LiteralString] = """
    SELECT p.level, p.index
      FROM foundation.ledger_node AS p
 LEFT JOIN foundation.ledger_node AS l ON l.level = p.level - 1 AND l.index = p.index * 2
 LEFT JOIN foundation.ledger_node AS r ON r.level = p.level - 1 AND r.index = p.index * 2 + 1
     WHERE p.level > 0
       AND p.index >= ($1::bigint >> p.level)
       AND p.hash IS DISTINCT FROM sha256('\\x01'::bytea || l.hash || r.hash)
  ORDER BY p.level, p.index
     LIMIT 1
"""


async def wrong_node(connection: Connection, first: int) -> Node | None:
    """The first inner node above the leaves from `first` on that is not over its children."""
    row = await connection.fetchrow(WRONG_NODE, first)
    return None if row is None else (row["level"], row["index"])


ENTRY_COUNT: Final[LiteralString] = """
    SELECT count(*)
      FROM foundation.ledger_entry
     WHERE index >= $1
"""


async def entry_count(connection: Connection, first: int) -> int:
    """How many entries stand from an index on."""
    return int(await connection.fetchval(ENTRY_COUNT, first))


def _head(row: Record | None) -> Head:
    if row is None:
        raise LedgerMissing("the ledger has no head; run `sunbid migrate` on an empty database")
    return Head(size=row["size"], root=row["root"], time_ms=row["time_ms"], batch=row["batch"])


# The last tick before the span and the first one after it belong to it: between them lies a gap.
TICKS_OF_SPAN: Final[LiteralString] = """
    SELECT DISTINCT substring(leaf FROM 2 FOR 8) AS time
      FROM foundation.ledger_entry
     WHERE substring(leaf FROM 2 FOR 8) >= coalesce(
               (SELECT substring(leaf FROM 2 FOR 8)
                  FROM foundation.ledger_entry
                 WHERE substring(leaf FROM 2 FOR 8) <= $1
              ORDER BY substring(leaf FROM 2 FOR 8) DESC
                 LIMIT 1), $1)
       AND substring(leaf FROM 2 FOR 8) <= coalesce(
               (SELECT substring(leaf FROM 2 FOR 8)
                  FROM foundation.ledger_entry
                 WHERE substring(leaf FROM 2 FOR 8) >= $2
              ORDER BY substring(leaf FROM 2 FOR 8)
                 LIMIT 1), $2)
  ORDER BY time
     LIMIT 100000
"""


async def ticks_of_span(connection: Connection, since_ms: int, until_ms: int) -> list[int]:
    """Return the times of the ticks of a span, those around it included, Unix ms."""
    rows = await connection.fetch(
        TICKS_OF_SPAN, since_ms.to_bytes(8, "big"), until_ms.to_bytes(8, "big")
    )
    return [int.from_bytes(row["time"], "big") for row in rows]

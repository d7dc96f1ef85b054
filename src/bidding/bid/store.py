"""SQL of uploads and acts."""

import json
from collections.abc import Mapping, Sequence
from typing import Final, LiteralString
from uuid import UUID

from bidding.bid.domain import (
    Act,
    DoorRefusal,
    StillPending,
    UnknownAct,
    WrongSequence,
)
from bidding.sealing.envelope import Head
from foundation.database import Connection, Record
from foundation.problems import Refused
from foundation.statements.canonical import sid_bytes

CONSTRAINTS: Final[Mapping[str, type[Refused]]] = {
    "act_pkey": StillPending,
    "act_pending": StillPending,
    "act_lot_round_bidder_key_seq_key": WrongSequence,
}

ACTS_OF_BIDDER: Final[LiteralString] = """
    SELECT encode(sid, 'hex') AS sid, lot, round, kind, bidder_key, submission, seq,
           encode(prev, 'hex') AS prev, intake_at, state,
           encode(opening_keys, 'hex') AS opening_keys, envelopes, sealed_row, queue, ticket,
           receipt, receipt_id, licence_status, encode(refusal, 'hex') AS refusal, statement
      FROM bidding.act
     WHERE lot = $1
       AND round = $2
       AND bidder_key = $3
  ORDER BY seq
     LIMIT 500
"""


async def acts_of_bidder(
    connection: Connection, lot: UUID, turn: int, bidder_key: bytes
) -> list[Act]:
    """Return a bidder's acts in a lot, oldest first."""
    return [_act(row) for row in await connection.fetch(ACTS_OF_BIDDER, lot, turn, bidder_key)]


ACTS_OF_LOT: Final[LiteralString] = """
    SELECT encode(sid, 'hex') AS sid, lot, round, kind, bidder_key, submission, seq,
           encode(prev, 'hex') AS prev, intake_at, state,
           encode(opening_keys, 'hex') AS opening_keys, envelopes, sealed_row, queue, ticket,
           receipt, receipt_id, licence_status, encode(refusal, 'hex') AS refusal, statement
      FROM bidding.act
     WHERE lot = $1
       AND round = $2
  ORDER BY submission, seq
     LIMIT 20000
"""


async def acts_of_lot(connection: Connection, lot: UUID, turn: int) -> list[Act]:
    """Return all acts of a lot by submission and number."""
    return [_act(row) for row in await connection.fetch(ACTS_OF_LOT, lot, turn)]


ACT: Final[LiteralString] = """
    SELECT encode(sid, 'hex') AS sid, lot, round, kind, bidder_key, submission, seq,
           encode(prev, 'hex') AS prev, intake_at, state,
           encode(opening_keys, 'hex') AS opening_keys, envelopes, sealed_row, queue, ticket,
           receipt, receipt_id, licence_status, encode(refusal, 'hex') AS refusal, statement
      FROM bidding.act
     WHERE sid = $1
"""


async def act(connection: Connection, sid: str) -> Act | None:
    """Return an act by its sid, or None."""
    row = await connection.fetchrow(ACT, sid_bytes(sid))
    return None if row is None else _act(row)


ACT_LOCK: Final[LiteralString] = """
    SELECT sid
      FROM bidding.act
     WHERE sid = $1
       FOR UPDATE
"""


async def act_locked(connection: Connection, sid: str) -> Act:
    """Return an act and hold its row: it is decided once; refuses an unknown one."""
    await connection.execute(ACT_LOCK, bytes.fromhex(sid))
    held = await act(connection, sid)
    if held is None:
        raise UnknownAct(f"no act {sid[:16]}…")
    return held


ACT_OF_RECEIPT: Final[LiteralString] = """
    SELECT encode(sid, 'hex') AS sid, lot, round, kind, bidder_key, submission, seq,
           encode(prev, 'hex') AS prev, intake_at, state,
           encode(opening_keys, 'hex') AS opening_keys, envelopes, sealed_row, queue, ticket,
           receipt, receipt_id, licence_status, encode(refusal, 'hex') AS refusal, statement
      FROM bidding.act
     WHERE receipt_id = $1
"""


async def act_of_receipt(connection: Connection, receipt_id: UUID) -> Act | None:
    """Return the act that a receipt was given for, or None."""
    row = await connection.fetchrow(ACT_OF_RECEIPT, receipt_id)
    return None if row is None else _act(row)


PENDING_ACTS: Final[LiteralString] = """
    SELECT encode(sid, 'hex') AS sid, lot, round, kind, bidder_key, submission, seq,
           encode(prev, 'hex') AS prev, intake_at, state,
           encode(opening_keys, 'hex') AS opening_keys, envelopes, sealed_row, queue, ticket,
           receipt, receipt_id, licence_status, encode(refusal, 'hex') AS refusal, statement
      FROM bidding.act
     WHERE state = 'pending'
  ORDER BY intake_at, sid
     LIMIT 1000
"""


async def pending_acts(connection: Connection) -> list[Act]:
    """Return undecided acts, oldest first: after a crash they are decided with their intake."""
    return [_act(row) for row in await connection.fetch(PENDING_ACTS)]


INSERT_ACT: Final[LiteralString] = """
    INSERT INTO bidding.act (sid, lot, round, kind, bidder_key, submission, seq, prev, intake_at,
                             opening_keys, envelopes, sealed_row, queue, ticket)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12, $13, $14)
"""


async def insert_act(connection: Connection, new: Act) -> None:
    """Write an act that was taken in; it is pending until it is decided."""
    await connection.execute(
        INSERT_ACT,
        bytes.fromhex(new.sid),
        new.lot,
        new.round,
        new.kind,
        new.bidder_key,
        new.submission,
        new.seq,
        None if new.prev is None else bytes.fromhex(new.prev),
        new.intake_at,
        None if new.opening_keys is None else bytes.fromhex(new.opening_keys),
        json.dumps(list(new.envelopes)),
        new.sealed_row,
        new.queue,
        new.ticket,
    )


DECIDE_ACT: Final[LiteralString] = """
    UPDATE bidding.act
       SET state = $2,
           licence_status = $3,
           refusal = $4
     WHERE sid = $1
       AND state = 'pending'
 RETURNING sid
"""


async def decide_act(
    connection: Connection, sid: str, state: str, licence_status: str | None, refusal: str | None
) -> bool:
    """Decide a pending act; return False when it was decided before."""
    row = await connection.fetchval(
        DECIDE_ACT,
        bytes.fromhex(sid),
        state,
        licence_status,
        None if refusal is None else bytes.fromhex(refusal),
    )
    return row is not None


INSERT_HEAD: Final[LiteralString] = """
    INSERT INTO bidding.head (act, header_hash, header, wraps)
    VALUES ($1, $2, $3, $4)
"""


async def insert_heads(connection: Connection, sid: str, heads: Sequence[Head]) -> None:
    """Keep header and wraps of every envelope of an accepted act, apart from its files."""
    rows = [
        (bytes.fromhex(sid), one.header_hash.hex(), one.header_bytes, one.wraps_bytes)
        for one in heads
    ]
    await connection.executemany(INSERT_HEAD, rows)


HEADS: Final[LiteralString] = """
    SELECT header_hash, header, wraps
      FROM bidding.head
     WHERE act = ANY ($1::bytea[])
"""


async def heads(connection: Connection, sids: Sequence[str]) -> dict[str, tuple[bytes, bytes]]:
    """Return (header, wraps) of every envelope of accepted acts, by the hash of the header."""
    rows = await connection.fetch(HEADS, [bytes.fromhex(sid) for sid in sids])
    return {row["header_hash"]: (row["header"], row["wraps"]) for row in rows}


# Acts whose leaf lies below the newest signed size and that still lack a receipt.
ACTS_FOR_RECEIPT: Final[LiteralString] = """
    SELECT encode(a.sid, 'hex') AS sid, a.lot, a.round, a.kind, a.bidder_key, a.submission, a.seq,
           encode(a.prev, 'hex') AS prev, a.intake_at, a.state,
           encode(a.opening_keys, 'hex') AS opening_keys, a.envelopes, a.sealed_row, a.queue,
           a.ticket, a.receipt, a.receipt_id, a.licence_status,
           encode(a.refusal, 'hex') AS refusal, a.statement
      FROM bidding.act AS a
      JOIN foundation.ledger_queue AS q ON q.id = a.queue
     WHERE a.state = 'accepted'
       AND a.receipt IS NULL
       AND q.index < $1
  ORDER BY q.index
     LIMIT 2000
"""


async def acts_for_receipt(connection: Connection, signed_size: int) -> list[Act]:
    """Return accepted acts that are in a signed checkpoint and have no receipt yet."""
    return [_act(row) for row in await connection.fetch(ACTS_FOR_RECEIPT, signed_size)]


SET_RECEIPT: Final[LiteralString] = """
    UPDATE bidding.act
       SET receipt = $2,
           receipt_id = $3
     WHERE sid = $1
       AND receipt IS NULL
"""


async def set_receipts(connection: Connection, receipts: Sequence[tuple[str, bytes, UUID]]) -> None:
    """Write receipts: (sid, statement file, receipt id)."""
    await connection.executemany(
        SET_RECEIPT, [(bytes.fromhex(sid), raw, receipt_id) for sid, raw, receipt_id in receipts]
    )


INSERT_DOOR_REFUSAL: Final[LiteralString] = """
    INSERT INTO bidding.door_refusal (act, code, refusal, lot, round, bidder_key, decided_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (act, code) DO NOTHING
"""


async def insert_door_refusal(connection: Connection, new: DoorRefusal) -> None:
    """Write whose refusal it is; the first one of an act for a reason stands."""
    await connection.execute(
        INSERT_DOOR_REFUSAL,
        sid_bytes(new.act),
        new.code,
        sid_bytes(new.refusal),
        new.lot,
        new.round,
        new.bidder_key,
        new.decided_at,
    )


DOOR_REFUSALS: Final[LiteralString] = """
    SELECT encode(act, 'hex') AS act, code, encode(refusal, 'hex') AS refusal, lot, round,
           bidder_key, decided_at
      FROM bidding.door_refusal
     WHERE lot = $1
       AND round = $2
       AND bidder_key = $3
  ORDER BY decided_at, act
     LIMIT 5000
"""


async def door_refusals(
    connection: Connection, lot: UUID, turn: int, bidder_key: bytes
) -> list[DoorRefusal]:
    """Return a bidder's acts that were refused before the intake, oldest first."""
    rows = await connection.fetch(DOOR_REFUSALS, lot, turn, bidder_key)
    return [DoorRefusal(**dict(row)) for row in rows]


SET_STATEMENT: Final[LiteralString] = """
    UPDATE bidding.act
       SET statement = $2
     WHERE sid = $1
       AND statement IS NULL
"""


async def set_statements(connection: Connection, opened: Sequence[tuple[str, bytes]]) -> None:
    """Write the statement files of acts whose identities were opened after the closing."""
    await connection.executemany(SET_STATEMENT, [(bytes.fromhex(s), raw) for s, raw in opened])


def _act(row: Record) -> Act:
    values = dict(row)
    values["envelopes"] = tuple(json.loads(row["envelopes"]))
    return Act(**values)

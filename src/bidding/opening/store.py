"""SQL of openings: closing, list, releases, results, opened bids."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from bidding.opening.domain import (
    Checked,
    Listed,
    OpenedBid,
    Opening,
    OtherClosing,
    Result,
    Share,
    WrongPhase,
)
from foundation.database import Connection, Record
from foundation.statements.canonical import sid_bytes

CLOSE_LOT: Final[LiteralString] = """
    UPDATE bidding.lot
       SET closed_at = $2,
           status = 'closed'
     WHERE id = $1
       AND status = 'published'
       AND closed_at IS NULL
       AND deadline_at <= $2
 RETURNING id
"""

INSERT_OPENING: Final[LiteralString] = """
    INSERT INTO bidding.opening (lot, closed_at, closed_tick)
    VALUES ($1, $2, $3)
"""


async def close_lot(connection: Connection, lot: UUID, at: datetime, ledger_size: int) -> bool:
    """Close a lot whose deadline has passed; return False when it was closed or moved."""
    if await connection.fetchval(CLOSE_LOT, lot, at) is None:
        return False
    await connection.execute(INSERT_OPENING, lot, at, ledger_size)
    return True


OPENING: Final[LiteralString] = """
    SELECT lot, closed_at, closed_tick, cut, encode(closing, 'hex') AS closing,
           encode(list_root, 'hex') AS list_root, stage, phase, phase_at, phase_until,
           encode(remedy_start, 'hex') AS remedy_start, encode(record, 'hex') AS record,
           recorded_at, suspended_at, decided
      FROM bidding.opening
     WHERE lot = $1
"""


async def opening(connection: Connection, lot: UUID) -> Opening:
    """Return where a lot's opening stands; refuses a lot that is not closed."""
    row = await connection.fetchrow(OPENING, lot)
    if row is None:
        raise WrongPhase("bids for this lot have not closed yet")
    return Opening(**dict(row))


async def find_opening(connection: Connection, lot: UUID) -> Opening | None:
    """Return where a lot's opening stands, or None before its closing."""
    row = await connection.fetchrow(OPENING, lot)
    return None if row is None else Opening(**dict(row))


LOT_OF_CLOSING: Final[LiteralString] = """
    SELECT lot
      FROM bidding.opening
     WHERE closing = $1
"""


async def lot_of_closing(connection: Connection, closing: str) -> UUID:
    """Return the lot whose closing this is; refuses an unknown one."""
    lot: UUID | None = await connection.fetchval(LOT_OF_CLOSING, sid_bytes(closing))
    if lot is None:
        raise OtherClosing(f"no lot has the closing {closing[:16]}…")
    return lot


# An act without an index has no leaf yet: the cut must wait for it.
ACTS_WITHOUT_LEAF: Final[LiteralString] = """
    SELECT count(*)
      FROM bidding.act AS a
      JOIN foundation.ledger_queue AS q ON q.id = a.queue
     WHERE a.lot = $1
       AND q.index IS NULL
"""


async def acts_without_leaf(connection: Connection, lot: UUID) -> int:
    """Count the acts of a lot that the sequencer has not numbered yet."""
    count: int = await connection.fetchval(ACTS_WITHOUT_LEAF, lot)
    return count


SET_CUT: Final[LiteralString] = """
    UPDATE bidding.opening
       SET cut = $2
     WHERE lot = $1
       AND cut IS NULL
 RETURNING lot
"""


async def set_cut(connection: Connection, lot: UUID, queue: UUID) -> bool:
    """Write the queue row of the cut; return False when there is one."""
    return await connection.fetchval(SET_CUT, lot, queue) is not None


SET_CLOSING: Final[LiteralString] = """
    UPDATE bidding.opening
       SET closing = $2,
           list_root = $3
     WHERE lot = $1
       AND closing IS NULL
 RETURNING lot
"""


async def set_closing(
    connection: Connection, lot: UUID, closing: str, list_root: str | None
) -> None:
    """Write the closing (or not-opened) statement of a lot, once."""
    root = None if list_root is None else bytes.fromhex(list_root)
    if await connection.fetchval(SET_CLOSING, lot, bytes.fromhex(closing), root) is None:
        raise WrongPhase("the closing of this lot was already made")


# Phase 1 begins again once the new closing is in a checkpoint.
REPLACE_CLOSING: Final[LiteralString] = """
    UPDATE bidding.opening
       SET closing = $3,
           list_root = $4,
           phase = 'closed',
           phase_at = $5,
           phase_until = NULL,
           remedy_start = NULL,
           suspended_at = NULL,
           decided = NULL
     WHERE lot = $1
       AND encode(closing, 'hex') = $2
 RETURNING lot
"""

FORGET_CHECKS: Final[LiteralString] = """
    DELETE FROM bidding.share_check
     WHERE lot = $1
"""

FORGET_SHARES: Final[LiteralString] = """
    DELETE FROM bidding.share
     WHERE lot = $1
"""


async def replace_closing(
    connection: Connection, held: Opening, closing: str, list_root: str, at: datetime
) -> None:
    """Put another closing in place; members answer anew, their statements for the first stay."""
    replaced = await connection.fetchval(
        REPLACE_CLOSING,
        held.lot,
        held.closing,
        bytes.fromhex(closing),
        bytes.fromhex(list_root),
        at,
    )
    if replaced is None:
        raise WrongPhase("the closing of this lot was replaced meanwhile")
    await connection.execute(FORGET_CHECKS, held.lot)
    await connection.execute(FORGET_SHARES, held.lot)


SET_PHASE: Final[LiteralString] = """
    UPDATE bidding.opening
       SET phase = $3,
           phase_at = $4,
           phase_until = $5
     WHERE lot = $1
       AND phase = $2
 RETURNING lot
"""


async def set_phase(
    connection: Connection, held: Opening, phase: str, at: datetime, until: datetime | None
) -> None:
    """Move the opening from the phase it was read in; refuses when it moved meanwhile."""
    if await connection.fetchval(SET_PHASE, held.lot, held.phase, phase, at, until) is None:
        raise WrongPhase(f"the opening is no longer in {held.phase}")


SET_UNTIL: Final[LiteralString] = """
    UPDATE bidding.opening
       SET phase_until = $2
     WHERE lot = $1
"""


async def set_until(connection: Connection, lot: UUID, until: datetime) -> None:
    """Lengthen the running window."""
    await connection.execute(SET_UNTIL, lot, until)


SET_SUSPENDED: Final[LiteralString] = """
    UPDATE bidding.opening
       SET suspended_at = $2,
           decided = NULL
     WHERE lot = $1
"""


async def set_suspended(connection: Connection, lot: UUID, at: datetime | None) -> None:
    """Mark since when an opening waits for its members, None when it goes on.

    A decision ends one suspension; the next one is decided on anew.
    """
    await connection.execute(SET_SUSPENDED, lot, at)


SET_DECIDED: Final[LiteralString] = """
    UPDATE bidding.opening
       SET decided = $2
     WHERE lot = $1
"""


async def set_decided(connection: Connection, lot: UUID, decision: str) -> None:
    """Write how the supervisor ended a suspension."""
    await connection.execute(SET_DECIDED, lot, decision)


SET_REMEDY_START: Final[LiteralString] = """
    UPDATE bidding.opening
       SET remedy_start = $2,
           phase_until = greatest(phase_until, $3)
     WHERE lot = $1
"""


async def set_remedy_start(connection: Connection, lot: UUID, sid: str, until: datetime) -> None:
    """Write the countersigned list of envelopes without their bidder, and till when it runs."""
    await connection.execute(SET_REMEDY_START, lot, bytes.fromhex(sid), until)


LOTS_TO_OPEN: Final[LiteralString] = """
    SELECT lot
      FROM bidding.opening
     WHERE phase = 'phase4'
        OR (decided = 'terminated' AND phase IN ('phase2', 'phase3'))
  ORDER BY lot
     LIMIT 1000
"""


async def lots_to_open(connection: Connection) -> list[UUID]:
    """Return the lots in phase 4, and those that the supervisor ended without a record so far."""
    return [row["lot"] for row in await connection.fetch(LOTS_TO_OPEN)]


LOTS_UNREAD: Final[LiteralString] = """
    SELECT DISTINCT lot
      FROM bidding.listed
     WHERE blob = 'unread'
  ORDER BY lot
     LIMIT 1000
"""


async def lots_unread(connection: Connection) -> list[UUID]:
    """Return the lots with listed files that were not read back yet."""
    return [row["lot"] for row in await connection.fetch(LOTS_UNREAD)]


INSERT_LISTED: Final[LiteralString] = """
    INSERT INTO bidding.listed (lot, tree, stage, submission, act, seq, volume, header_hash,
                                wraps_hash, size, upload, header, wraps)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


async def insert_listed(connection: Connection, listed: Sequence[Listed]) -> None:
    """Write the list of a closing."""
    await connection.executemany(
        INSERT_LISTED,
        [
            (
                one.lot,
                one.tree,
                one.stage,
                one.submission,
                bytes.fromhex(one.act),
                one.seq,
                one.volume,
                one.header_hash,
                one.wraps_hash,
                one.size,
                one.upload,
                one.header,
                one.wraps,
            )
            for one in listed
        ],
    )


LISTED: Final[LiteralString] = """
    SELECT lot, tree, stage, submission, encode(act, 'hex') AS act, seq, volume, header_hash,
           wraps_hash, size, upload, header, wraps, blob, blob_until, b_value, b_from, b_at,
           t_value
      FROM bidding.listed
     WHERE lot = $1
       AND ($2::int IS NULL OR stage = $2)
  ORDER BY submission, volume
     LIMIT 16000
"""


async def listed(connection: Connection, lot: UUID, stage: int | None = None) -> list[Listed]:
    """Return the envelopes of the closing's list, or of those the ones that a stage opens."""
    return [Listed(**dict(row)) for row in await connection.fetch(LISTED, lot, stage)]


SET_BLOB: Final[LiteralString] = """
    UPDATE bidding.listed
       SET blob = $3,
           blob_until = $4
     WHERE lot = $1
       AND tree = $2
"""


async def set_blob(
    connection: Connection, lot: UUID, tree: str, state: str, until: datetime | None
) -> None:
    """Write what reading a sealed file back found, and until when it may come again."""
    await connection.execute(SET_BLOB, lot, tree, state, until)


SET_B: Final[LiteralString] = """
    UPDATE bidding.listed
       SET b_value = $3,
           b_from = $4,
           b_at = $5
     WHERE lot = $1
       AND tree = $2
       AND b_value IS NULL
"""


async def set_b(
    connection: Connection, lot: UUID, tree: str, value: bytes, source: str, at: datetime
) -> None:
    """Keep the bidder's half of an envelope, the first one that fits."""
    await connection.execute(SET_B, lot, tree, value, source, at)


SET_T: Final[LiteralString] = """
    UPDATE bidding.listed
       SET t_value = $3
     WHERE lot = $1
       AND tree = $2
       AND t_value IS NULL
"""


async def set_t(connection: Connection, lot: UUID, tree: str, value: bytes) -> None:
    """Keep the custodians' half of an envelope that somebody supplied."""
    await connection.execute(SET_T, lot, tree, value)


INSERT_CHECKS: Final[LiteralString] = """
    INSERT INTO bidding.share_check (lot, group_letter, seat_index, tree, result)
    SELECT $1, $2, $3, tree, result
      FROM unnest($4::text[], $5::text[]) AS c (tree, result)
        ON CONFLICT (lot, group_letter, seat_index, tree) DO NOTHING
 RETURNING tree
"""


async def insert_checks(
    connection: Connection, lot: UUID, group: str, i: int, results: Mapping[str, str]
) -> bool:
    """Keep a member's share check; return False when this seat had sent one."""
    rows = await connection.fetch(
        INSERT_CHECKS, lot, group, i, list(results), list(results.values())
    )
    return len(rows) == len(results)


CHECKS: Final[LiteralString] = """
    SELECT group_letter, seat_index, tree, result
      FROM bidding.share_check
     WHERE lot = $1
  ORDER BY group_letter, seat_index, tree
     LIMIT 200000
"""


async def checks(connection: Connection, lot: UUID) -> list[Checked]:
    """Return all share checks of a lot."""
    return [
        Checked(group=r["group_letter"], i=r["seat_index"], tree=r["tree"], result=r["result"])
        for r in await connection.fetch(CHECKS, lot)
    ]


INSERT_CURED_SHARE: Final[LiteralString] = """
    INSERT INTO bidding.share (lot, group_letter, seat_index, tree, value, is_cure)
    VALUES ($1, $2, $3, $4, $5, true)
        ON CONFLICT (lot, group_letter, seat_index, tree) DO NOTHING
"""


async def insert_cured_share(connection: Connection, lot: UUID, share: Share) -> None:
    """Keep a share that somebody else supplied, unless the member released it."""
    await connection.execute(INSERT_CURED_SHARE, lot, share.group, share.i, share.tree, share.value)


# A share that somebody supplied before becomes the member's own; it has the same value.
INSERT_SHARES: Final[LiteralString] = """
    INSERT INTO bidding.share AS held (lot, group_letter, seat_index, tree, value)
    SELECT $1, $2, $3, tree, value
      FROM unnest($4::text[], $5::bytea[]) AS s (tree, value)
        ON CONFLICT (lot, group_letter, seat_index, tree) DO UPDATE
       SET is_cure = false
     WHERE held.is_cure
 RETURNING tree
"""


async def insert_shares(
    connection: Connection, lot: UUID, group: str, i: int, shares: Mapping[str, bytes]
) -> bool:
    """Keep a member's released shares; return False when this seat had released."""
    rows = await connection.fetch(INSERT_SHARES, lot, group, i, list(shares), list(shares.values()))
    return len(rows) == len(shares)


SHARES: Final[LiteralString] = """
    SELECT group_letter, seat_index, tree, value, is_cure
      FROM bidding.share
     WHERE lot = $1
  ORDER BY group_letter, seat_index, tree
     LIMIT 200000
"""


async def shares(connection: Connection, lot: UUID) -> list[Share]:
    """Return all released shares of a lot."""
    return [
        Share(
            group=r["group_letter"],
            i=r["seat_index"],
            tree=r["tree"],
            value=r["value"],
            is_cure=r["is_cure"],
        )
        for r in await connection.fetch(SHARES, lot)
    ]


INSERT_RESULT: Final[LiteralString] = """
    INSERT INTO bidding.result (lot, tree, submission, volume, code, fault, b_from, deal_wrong,
                                plain_sha256)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9)
        ON CONFLICT (lot, tree) DO NOTHING
"""


async def insert_result(connection: Connection, lot: UUID, result: Result) -> None:
    """Write how an envelope came out; the same again changes nothing."""
    await connection.execute(
        INSERT_RESULT,
        lot,
        result.tree,
        result.submission,
        result.volume,
        result.code,
        result.fault,
        result.b_from,
        json.dumps(list(result.deal_wrong)),
        result.plain_sha256,
    )


RESULTS: Final[LiteralString] = """
    SELECT tree, submission, volume, code, fault, b_from, deal_wrong, plain_sha256
      FROM bidding.result
     WHERE lot = $1
  ORDER BY submission, volume
     LIMIT 16000
"""


async def results(connection: Connection, lot: UUID) -> list[Result]:
    """Return how the envelopes of a lot came out."""
    return [_result(row) for row in await connection.fetch(RESULTS, lot)]


INSERT_OPENED_BID: Final[LiteralString] = """
    INSERT INTO bidding.opened_bid AS held (lot, submission, uscc, name, items, files,
                                            machine_code, is_complete)
    VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7, $8)
        ON CONFLICT (lot, submission) DO UPDATE
       SET items = held.items || excluded.items,
           files = held.files || excluded.files,
           machine_code = coalesce(held.machine_code, excluded.machine_code),
           is_complete = excluded.is_complete
     WHERE NOT held.is_complete
"""


async def put_opened_bid(connection: Connection, bid: OpenedBid, *, is_complete: bool) -> None:
    """Write what a stage opened of a bid: the line read aloud and the object keys of its files."""
    await connection.execute(
        INSERT_OPENED_BID,
        bid.lot,
        bid.submission,
        bid.uscc,
        bid.name,
        json.dumps(dict(bid.items), ensure_ascii=False),
        json.dumps({v: dict(f) for v, f in bid.files.items()}, ensure_ascii=False),
        bid.machine_code,
        is_complete,
    )


OPENED_BIDS: Final[LiteralString] = """
    SELECT lot, submission, uscc, name, items, files, machine_code
      FROM bidding.v_opened_bid
     WHERE lot = $1
  ORDER BY submission
     LIMIT 2000
"""


async def opened_bids(connection: Connection, lot: UUID) -> list[OpenedBid]:
    """Return the opened bids of a lot; empty until the record of its opening is signed."""
    return [_opened_bid(row) for row in await connection.fetch(OPENED_BIDS, lot)]


EVERY_OPENED_BID: Final[LiteralString] = """
    SELECT lot, submission, uscc, name, items, files, machine_code
      FROM bidding.opened_bid
     WHERE lot = $1
  ORDER BY submission
     LIMIT 2000
"""


async def every_opened_bid(connection: Connection, lot: UUID) -> list[OpenedBid]:
    """Return opened bids from phase 4 on, for the hall; later contexts wait for the record."""
    return [_opened_bid(row) for row in await connection.fetch(EVERY_OPENED_BID, lot)]


def _opened_bid(row: Record) -> OpenedBid:
    return OpenedBid(
        lot=row["lot"],
        submission=row["submission"],
        uscc=row["uscc"],
        name=row["name"],
        items=json.loads(row["items"]),
        files=json.loads(row["files"]),
        machine_code=row["machine_code"],
    )


def _result(row: Record) -> Result:
    values = dict(row)
    values["deal_wrong"] = tuple(json.loads(row["deal_wrong"]))
    return Result(**values)


TOLD_SO_FAR: Final[LiteralString] = """
    SELECT count(*) AS told, max(accepted_at) AS last
      FROM foundation.statement
     WHERE scope = $1
       AND type = ANY ($2::text[])
"""


async def told_so_far(
    connection: Connection, lot: UUID, types: Sequence[str]
) -> tuple[int, datetime | None]:
    """Return how many statements of these types a lot has, and when the last was accepted."""
    row = await connection.fetchrow(TOLD_SO_FAR, lot, list(types))
    return (0, None) if row is None else (row["told"], row["last"])

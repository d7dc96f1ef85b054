"""SQL of what came out of an opening: outcomes and opened bids."""

import json
from typing import Final, LiteralString
from uuid import UUID

from bidding.opening.domain import OpenedBid, Result
from foundation.database import Connection, Record

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

"""SQL of member keys: who is registered, and who showed possession (sealing.md 2.10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from bidding.sealing.bodies import MemberKey
from foundation.database import Connection
from foundation.statements.canonical import parse_time, sid_bytes, unb64
from foundation.statements.signed import Statement

INSERT_MEMBER_KEY: Final[LiteralString] = """
    INSERT INTO bidding.member_key
           (sid, uscc, name, seat, kid, sign_kid, sign_pk, raw, not_before, not_after)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (sid) DO NOTHING
"""


async def insert_member_key(connection: Connection, statement: Statement, body: MemberKey) -> None:
    """Write a member's key with the statement by which its organisation vouches for it."""
    await connection.execute(
        INSERT_MEMBER_KEY,
        bytes.fromhex(statement.sid),
        body.uscc,
        body.name,
        body.seat,
        body.kid,
        body.sign_kid,
        unb64(body.sign_pk, 65),
        statement.file(),
        parse_time(body.not_before),
        parse_time(body.not_after),
    )


MEMBER_KEY: Final[LiteralString] = """
    SELECT raw
      FROM bidding.member_key
     WHERE sid = $1
"""


async def member_key(connection: Connection, sid: str) -> bytes | None:
    """Return the member-key statement's file, or None."""
    raw: bytes | None = await connection.fetchval(MEMBER_KEY, sid_bytes(sid))
    return raw


MEMBER_KEYS: Final[LiteralString] = """
    SELECT encode(k.sid, 'hex') AS sid, k.uscc, k.name, k.seat, k.kid, k.sign_kid,
           (SELECT max(p.answered_at)
              FROM bidding.possession AS p
             WHERE p.member_key = k.sid) AS shown_at
      FROM bidding.member_key AS k
     WHERE k.not_after > (SELECT foundation.platform_now())
  ORDER BY k.name, k.sid
     LIMIT 1000
"""


async def member_keys(connection: Connection) -> list[dict[str, Any]]:
    """Return the registered member keys still in time, and when each last showed possession."""
    return [dict(row) for row in await connection.fetch(MEMBER_KEYS)]


COUNT_OF: Final[LiteralString] = """
    SELECT count(*)
      FROM bidding.member_key
     WHERE uscc = $1
       AND not_after > $2
"""


async def count_of(connection: Connection, uscc: str, now: datetime) -> int:
    """Return how many keys in time an organisation has registered."""
    found: int = await connection.fetchval(COUNT_OF, uscc, now)
    return found


INSERT_QUESTION: Final[LiteralString] = """
    INSERT INTO bidding.possession (member_key, nonce, asked_at, expected, wrap)
    VALUES ($1, $2, $3, $4, $5)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PossessionQuestion:
    """A question to the holder of one member key."""

    member_key: str
    kid: str
    nonce: bytes
    wrap: bytes


async def insert_question(
    connection: Connection, asked: PossessionQuestion, expected: str, at: datetime
) -> None:
    """Write a question with the answer to expect."""
    await connection.execute(
        INSERT_QUESTION, bytes.fromhex(asked.member_key), asked.nonce, at, expected, asked.wrap
    )


OPEN_QUESTIONS: Final[LiteralString] = """
    SELECT encode(k.sid, 'hex') AS member_key, k.kid, p.nonce, p.wrap
      FROM bidding.possession AS p
      JOIN bidding.member_key AS k ON k.sid = p.member_key
     WHERE k.uscc = $1
       AND p.answered_at IS NULL
       AND k.not_after > (SELECT foundation.platform_now())
  ORDER BY p.asked_at DESC, p.nonce
     LIMIT 200
"""


async def open_questions(connection: Connection, uscc: str) -> list[PossessionQuestion]:
    """Return what the keys of an organisation were asked and have not answered."""
    rows = await connection.fetch(OPEN_QUESTIONS, uscc)
    return [PossessionQuestion(**dict(row)) for row in rows]


ANSWER_QUESTION: Final[LiteralString] = """
    UPDATE bidding.possession
       SET answered_at = coalesce(answered_at, $4)
     WHERE member_key = $1
       AND nonce = $2
       AND expected = $3
 RETURNING answered_at
"""


async def answer_question(
    connection: Connection, sid: str, nonce: bytes, answer: str, at: datetime
) -> bool:
    """Write when the right answer came first; False where nobody asked or the answer is wrong."""
    row = await connection.fetchval(ANSWER_QUESTION, sid_bytes(sid), nonce, answer, at)
    return row is not None


# Asked again while the last answer is still good, so that no signature waits for a member.
DUE: Final[LiteralString] = """
    SELECT k.raw
      FROM bidding.member_key AS k
     WHERE k.not_before <= $1
       AND k.not_after > $1
       AND NOT EXISTS (
           SELECT 1
             FROM bidding.possession AS p
            WHERE p.member_key = k.sid
              AND (p.answered_at IS NULL OR p.answered_at > $2))
  ORDER BY k.sid
     LIMIT 200
"""


async def due(connection: Connection, now: datetime, answered_before: datetime) -> list[bytes]:
    """Return the statements of the keys that are to be asked: no open question, no new answer."""
    return [row["raw"] for row in await connection.fetch(DUE, now, answered_before)]


SHOWN_SINCE: Final[LiteralString] = """
    SELECT DISTINCT encode(member_key, 'hex') AS sid
      FROM bidding.possession
     WHERE member_key = ANY ($1::bytea[])
       AND answered_at >= $2
     LIMIT 100
"""


async def shown_since(connection: Connection, sids: Sequence[str], since: datetime) -> set[str]:
    """Return which of these keys showed possession since a time."""
    rows = await connection.fetch(SHOWN_SINCE, [sid_bytes(sid) for sid in sids], since)
    return {row["sid"] for row in rows}

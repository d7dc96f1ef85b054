"""SQL of evaluations, candidate notices, committees, votes and awards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from bidding.award.domain import AlreadyVoted, CastVote, Member, ReportMissing, Standstill
from foundation.database import Connection
from foundation.problems import Refused

CONSTRAINTS: Final[Mapping[str, type[Refused]]] = {"vote_once_a_ballot": AlreadyVoted}

INSERT_EVALUATION: Final[LiteralString] = """
    INSERT INTO bidding.evaluation (lot, report, accepted_at)
    VALUES ($1, $2, $3)
"""


async def insert_evaluation(
    connection: Connection, lot: UUID, report: str, accepted_at: datetime
) -> None:
    """Write the accepted evaluation report of a lot."""
    await connection.execute(INSERT_EVALUATION, lot, bytes.fromhex(report), accepted_at)


REPORT: Final[LiteralString] = """
    SELECT encode(report, 'hex')
      FROM bidding.evaluation
     WHERE lot = $1
"""


async def report_of(connection: Connection, lot: UUID) -> str:
    """Return the sid of the accepted report; refuses a lot without one."""
    sid: str | None = await connection.fetchval(REPORT, lot)
    if sid is None:
        raise ReportMissing(f"lot {lot} has no accepted evaluation report")
    return sid


INSERT_STANDSTILL: Final[LiteralString] = """
    INSERT INTO bidding.candidate_notice (lot, starts_at, ends_at)
    VALUES ($1, $2, $3)
"""


async def insert_standstill(connection: Connection, lot: UUID, standstill: Standstill) -> None:
    """Write start and end of the standstill."""
    await connection.execute(INSERT_STANDSTILL, lot, standstill.starts_at, standstill.ends_at)


STANDSTILL: Final[LiteralString] = """
    SELECT starts_at, ends_at
      FROM bidding.candidate_notice
     WHERE lot = $1
"""


async def standstill_of(connection: Connection, lot: UUID) -> Standstill | None:
    """Return the standstill of a lot, or None before the candidates are published."""
    row = await connection.fetchrow(STANDSTILL, lot)
    return None if row is None else Standstill(**dict(row))


ADD_MEMBERS: Final[LiteralString] = """
    INSERT INTO bidding.award_member (lot, member, name, kid, alg, pk)
    SELECT $1, a.id, a.name, a.kid, a.alg, a.pk
      FROM foundation.actor AS a
     WHERE a.id = ANY ($2::uuid[])
       AND a.role = 'committee'
       AND a.kid IS NOT NULL
 RETURNING member
"""


async def add_members(connection: Connection, lot: UUID, members: list[UUID]) -> int:
    """Appoint registered committee members with their keys; return how many were found."""
    return len(await connection.fetch(ADD_MEMBERS, lot, members))


MEMBERS: Final[LiteralString] = """
    SELECT member, name, kid, alg, pk
      FROM bidding.award_member
     WHERE lot = $1
  ORDER BY name, member
     LIMIT 100
"""


async def members(connection: Connection, lot: UUID) -> list[Member]:
    """Return the award committee of a lot."""
    return [Member(**dict(row)) for row in await connection.fetch(MEMBERS, lot)]


INSERT_VOTE: Final[LiteralString] = """
    INSERT INTO bidding.vote (sid, lot, ballot, member, candidate)
    VALUES ($1, $2, $3, $4, $5)
"""


async def insert_vote(connection: Connection, lot: UUID, vote: CastVote) -> None:
    """Write a vote; a second one of a member in a ballot is refused."""
    await connection.execute(
        INSERT_VOTE, bytes.fromhex(vote.sid), lot, vote.ballot, vote.member, vote.candidate
    )


VOTES: Final[LiteralString] = """
    SELECT encode(sid, 'hex') AS sid, ballot, member, candidate
      FROM bidding.vote
     WHERE lot = $1
  ORDER BY ballot, sid
     LIMIT 10000
"""


async def votes(connection: Connection, lot: UUID) -> list[CastVote]:
    """Return the votes of a lot by ballot."""
    return [CastVote(**dict(row)) for row in await connection.fetch(VOTES, lot)]


INSERT_AWARD: Final[LiteralString] = """
    INSERT INTO bidding.award (lot, sid, submission, awarded_at)
    VALUES ($1, $2, $3, $4)
"""


async def insert_award(
    connection: Connection, lot: UUID, sid: str, submission: UUID, at: datetime
) -> None:
    """Write to whom the lot was awarded."""
    await connection.execute(INSERT_AWARD, lot, bytes.fromhex(sid), submission, at)


AWARDED: Final[LiteralString] = """
    SELECT encode(sid, 'hex') AS sid, submission
      FROM bidding.award
     WHERE lot = $1
"""


async def awarded(connection: Connection, lot: UUID) -> tuple[str, UUID] | None:
    """Return the award's sid and winner, or None."""
    row = await connection.fetchrow(AWARDED, lot)
    return None if row is None else (row["sid"], row["submission"])

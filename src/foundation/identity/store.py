"""SQL of identity. Real time stands here and nowhere else: sessions and challenges live by it."""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from foundation.database import Connection, Record
from foundation.identity.actor import Actor, NewActor
from foundation.identity.domain import Challenge, Purpose, Session, State
from foundation.identity.sealed import row_of, seal, unseal
from foundation.statements.canonical import canonical, parse
from foundation.statements.signed import LARGEST_STATEMENT, Statement, read

REAL_NOW: Final[LiteralString] = """
    SELECT date_trunc('milliseconds', clock_timestamp())
"""


async def real_now(connection: Connection) -> datetime:
    """Real time by the database's clock, to the millisecond."""
    at: datetime = await connection.fetchval(REAL_NOW)
    return at


# The two unique indexes, actor_of_subject and actor_of_key, refuse a second registration.
INSERT_ACTOR: Final[LiteralString] = """
    INSERT INTO foundation.actor (role, subject, name, kid, alg, pk, registered_by, registered_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT DO NOTHING
 RETURNING id, role, subject, name, kid
"""


async def insert_actor(
    connection: Connection, new: NewActor, *, by: UUID | None, at: datetime
) -> Actor | None:
    """Register an actor; None where the organisation or key is registered already."""
    row = await connection.fetchrow(
        INSERT_ACTOR, new.role, new.subject, new.name, new.kid, new.alg, new.public_key, by, at
    )
    return None if row is None else _actor(row)


ACTOR_OF_SUBJECT: Final[LiteralString] = """
    SELECT id, role, subject, name, kid
      FROM foundation.actor
     WHERE subject = $1
       AND kid IS NULL
"""


async def actor_of_subject(connection: Connection, subject: str) -> Actor | None:
    """The organisation with this identifier."""
    row = await connection.fetchrow(ACTOR_OF_SUBJECT, subject)
    return None if row is None else _actor(row)


ACTOR_OF_KEY: Final[LiteralString] = """
    SELECT id, role, subject, name, kid, pk
      FROM foundation.actor
     WHERE kid = $1
"""


async def actor_of_key(connection: Connection, kid: str) -> tuple[Actor, bytes] | None:
    """The person with this key, and the key."""
    row = await connection.fetchrow(ACTOR_OF_KEY, kid)
    return None if row is None else (_actor(row), row["pk"])


ACTOR_OF_ID: Final[LiteralString] = """
    SELECT id, role, subject, name, kid
      FROM foundation.actor
     WHERE id = $1
"""


async def actor_of_id(connection: Connection, actor: UUID) -> Actor | None:
    """The actor with this id."""
    row = await connection.fetchrow(ACTOR_OF_ID, actor)
    return None if row is None else _actor(row)


ACTORS_OF_ROLE: Final[LiteralString] = """
    SELECT id, role, subject, name, kid
      FROM foundation.actor
     WHERE role = $1
  ORDER BY name, id
     LIMIT 5000
"""


async def actors_of_role(connection: Connection, role: str) -> list[Actor]:
    """Everybody with a role, by name."""
    return [_actor(row) for row in await connection.fetch(ACTORS_OF_ROLE, role)]


ACTORS_OF_HOLDERS: Final[LiteralString] = """
    SELECT id, role, subject, name, kid
      FROM foundation.actor
     WHERE (kid IS NULL AND subject = ANY ($1::text[]))
        OR kid = ANY ($1::text[])
  ORDER BY role, name, id
     LIMIT 5000
"""


async def actors_of_holders(connection: Connection, holders: list[str]) -> list[Actor]:
    """Everybody registered among these organisations and keys."""
    return [_actor(row) for row in await connection.fetch(ACTORS_OF_HOLDERS, holders)]


INSERT_SESSION: Final[LiteralString] = """
    INSERT INTO foundation.session (token_hash, actor, login, licence_status)
    VALUES ($1, $2, $3, $4)
 RETURNING expires_at
"""


async def insert_session(
    connection: Connection,
    token_hash: bytes,
    actor: Actor,
    login: Statement,
    licence_status: str | None,
) -> Session:
    """Open a session of eight hours."""
    expires_at = await connection.fetchval(
        INSERT_SESSION, token_hash, actor.id, login.file(), licence_status
    )
    return Session(actor=actor, login=login, licence_status=licence_status, expires_at=expires_at)


SESSION: Final[LiteralString] = """
    SELECT s.login, s.licence_status, s.expires_at,
           a.id, a.role, a.subject, a.name, a.kid,
           s.seen_at < clock_timestamp() - interval '1 minute' AS is_old
      FROM foundation.session AS s
      JOIN foundation.actor AS a ON a.id = s.actor
     WHERE s.token_hash = $1
       AND s.expires_at > clock_timestamp()
       AND s.seen_at > clock_timestamp() - interval '30 minutes'
"""


async def session(connection: Connection, token_hash: bytes) -> tuple[Session, bool] | None:
    """The live session of a token, and whether its last use should be written down again."""
    row = await connection.fetchrow(SESSION, token_hash)
    if row is None:
        return None
    found = Session(
        actor=_actor(row),
        login=read(row["login"]),
        licence_status=row["licence_status"],
        expires_at=row["expires_at"],
    )
    return found, row["is_old"]


# Once a minute is enough for a limit of thirty; a write for every request would not be.
TOUCH_SESSION: Final[LiteralString] = """
    UPDATE foundation.session
       SET seen_at = clock_timestamp()
     WHERE token_hash = $1
"""


async def touch_session(connection: Connection, token_hash: bytes) -> None:
    """Write down that a session was used just now."""
    await connection.execute(TOUCH_SESSION, token_hash)


DELETE_SESSION: Final[LiteralString] = """
    DELETE FROM foundation.session
     WHERE token_hash = $1
"""


async def delete_session(connection: Connection, token_hash: bytes) -> None:
    """End a session; nothing where there is none."""
    await connection.execute(DELETE_SESSION, token_hash)


DELETE_SESSIONS_OF_KEY: Final[LiteralString] = """
    DELETE FROM foundation.session AS s
     USING foundation.actor AS a
     WHERE a.id = s.actor
       AND a.kid = $1
"""


async def delete_sessions_of_key(connection: Connection, kid: str) -> None:
    """End every session of a person's key."""
    await connection.execute(DELETE_SESSIONS_OF_KEY, kid)


INSERT_CHALLENGE: Final[LiteralString] = """
    INSERT INTO foundation.challenge
           (id, purpose, content, binding, match, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


async def insert_challenge(connection: Connection, made: Challenge, binding: bytes) -> None:
    """Keep a new challenge."""
    await connection.execute(
        INSERT_CHALLENGE,
        row_of(made.id),
        made.purpose,
        seal(made.id, "content", _content(made)),
        binding,
        made.match,
        made.expires_at,
    )


CHALLENGE: Final[LiteralString] = """
    SELECT purpose, content, match, expires_at, signed, binding,
           CASE
               WHEN state IN ('new', 'scanned') AND expires_at <= clock_timestamp()
               THEN 'expired'
               ELSE state
           END AS state
      FROM foundation.challenge
     WHERE id = $1
"""


async def challenge(connection: Connection, challenge_id: UUID) -> tuple[Challenge, bytes] | None:
    """A challenge and what its browser is bound to; reading changes nothing."""
    row = await connection.fetchrow(CHALLENGE, row_of(challenge_id))
    return None if row is None else (_challenge(challenge_id, row), row["binding"])


SCAN_CHALLENGE: Final[LiteralString] = """
    UPDATE foundation.challenge
       SET state = 'scanned'
     WHERE id = $1
       AND state = 'new'
       AND match = $2
       AND expires_at > clock_timestamp()
 RETURNING id
"""


async def scan_challenge(connection: Connection, challenge_id: UUID, digits: str) -> bool:
    """Move a new challenge to scanned if the digits are right."""
    return await connection.fetchval(SCAN_CHALLENGE, row_of(challenge_id), digits) is not None


# One statement counts and ends, so that many phones at once still have three tries in all.
COUNT_WRONG_DIGITS: Final[LiteralString] = """
    UPDATE foundation.challenge
       SET wrong_digits = wrong_digits + 1,
           state = CASE WHEN wrong_digits + 1 >= 3 THEN 'refused' ELSE state END
     WHERE id = $1
       AND state = 'new'
       AND match <> $2
 RETURNING 3 - wrong_digits
"""


async def count_wrong_digits(connection: Connection, challenge_id: UUID, digits: str) -> int | None:
    """Count a wrong try and say how many are left; None where the digits were not the fault."""
    left: int | None = await connection.fetchval(COUNT_WRONG_DIGITS, row_of(challenge_id), digits)
    return left


ANSWER_CHALLENGE: Final[LiteralString] = """
    UPDATE foundation.challenge
       SET signed = $2
     WHERE id = $1
       AND state = 'scanned'
       AND signed IS NULL
       AND expires_at > clock_timestamp()
 RETURNING id
"""


async def answer_challenge(connection: Connection, challenge_id: UUID, signed: Statement) -> bool:
    """Keep what the phone signed, once."""
    sealed = seal(challenge_id, "signed", signed.file())
    return await connection.fetchval(ANSWER_CHALLENGE, row_of(challenge_id), sealed) is not None


# The row's own lock decides between two browsers or two tabs: one gets the row, one gets nothing.
CONSUME_CHALLENGE: Final[LiteralString] = """
    UPDATE foundation.challenge
       SET state = 'consumed'
     WHERE id = $1
       AND state = 'scanned'
       AND binding = $2
       AND expires_at > clock_timestamp()
 RETURNING id
"""


async def consume_challenge(connection: Connection, challenge_id: UUID, binding: bytes) -> bool:
    """Use a challenge up, for the browser that asked for it."""
    return await connection.fetchval(CONSUME_CHALLENGE, row_of(challenge_id), binding) is not None


END_CHALLENGE: Final[LiteralString] = """
    UPDATE foundation.challenge
       SET state = 'refused'
     WHERE id = $1
       AND state IN ('new', 'scanned')
 RETURNING id
"""


async def end_challenge(connection: Connection, challenge_id: UUID) -> bool:
    """The phone's no."""
    return await connection.fetchval(END_CHALLENGE, row_of(challenge_id)) is not None


SWEEP_CHALLENGES: Final[LiteralString] = """
    DELETE FROM foundation.challenge
     WHERE expires_at < clock_timestamp() - interval '1 hour'
"""

SWEEP_SESSIONS: Final[LiteralString] = """
    DELETE FROM foundation.session
     WHERE expires_at < clock_timestamp()
"""


async def sweep(connection: Connection) -> None:
    """Delete sessions and challenges whose time is over."""
    await connection.execute(SWEEP_CHALLENGES)
    await connection.execute(SWEEP_SESSIONS)


# Insert or count in one statement: two requests at once cannot both be the last one allowed.
COUNT_ATTEMPT: Final[LiteralString] = """
    INSERT INTO foundation.attempt AS a (key, window_at, count)
    VALUES ($1, clock_timestamp(), 1)
        ON CONFLICT (key) DO UPDATE
       SET count = CASE
                       WHEN a.window_at < clock_timestamp() - interval '1 minute' THEN 1
                       ELSE a.count + 1
                   END,
           window_at = CASE
                           WHEN a.window_at < clock_timestamp() - interval '1 minute'
                           THEN clock_timestamp()
                           ELSE a.window_at
                       END
 RETURNING count,
           ceil(extract(epoch FROM window_at + interval '1 minute' - clock_timestamp()))::int
               AS wait_s
"""


async def count_attempt(connection: Connection, key: str) -> tuple[int, int]:
    """How many tries this minute has seen, this one included, and when the next minute begins."""
    [row] = await connection.fetch(COUNT_ATTEMPT, key)
    return row["count"], max(1, row["wait_s"])


def _actor(row: Record) -> Actor:
    return Actor(
        id=row["id"],
        role=row["role"],
        subject=row["subject"],
        name=row["name"],
        kid=row["kid"],
    )


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    type: str
    body: str
    actor: UUID | None
    return_to: str | None


def _content(made: Challenge) -> bytes:
    return msgspec.json.encode(
        {
            "type": made.statement.type,
            # As text: what nests twelve deep may not stand one deeper.
            "body": canonical(made.statement.body).decode(),
            "actor": made.actor,
            "return_to": made.return_to,
        }
    )


def _challenge(challenge_id: UUID, row: Record) -> Challenge:
    purpose: Purpose = row["purpose"]
    state: State = row["state"]
    raw = unseal(challenge_id, "content", row["content"])
    content = msgspec.json.decode(raw, type=_Content)
    body = parse(content.body.encode(), limit=LARGEST_STATEMENT)
    signed = None
    if row["signed"] is not None:
        signed = read(unseal(challenge_id, "signed", row["signed"]))
    return Challenge(
        id=challenge_id,
        purpose=purpose,
        statement=Statement(type=content.type, body=body),
        match=row["match"],
        actor=content.actor,
        return_to=content.return_to,
        state=state,
        expires_at=row["expires_at"],
        signed=signed,
    )

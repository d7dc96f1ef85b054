"""Accepted statements and papers in PostgreSQL.

A *kept* statement is complete and has its ledger entry queued in the same transaction. A
*paper* is a statement that still waits for signatures; when the last one arrives the caller
accepts it and keeps it. What a body means is the business of the contexts above.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from foundation.clock import platform_now
from foundation.database import Connection, Record
from foundation.ledger.log import queue_entry
from foundation.problems import Conflict, NotAllowed, NotFound
from foundation.statements.canonical import BadField, Json, b64, sid_bytes, time_text
from foundation.statements.signed import Signature, Statement, read

STATEMENT_LIMIT: Final = 4 * 1024 * 1024


class UnknownPaper(NotFound):
    """There is no such paper to be signed by you."""

    code = "unknown-paper"


class NotYourPaper(NotAllowed):
    """This paper is not waiting for your signature."""

    code = "not-your-paper"


class AlreadyKept(Conflict):
    """This statement was already accepted."""

    code = "already-accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """One signature that a paper needs: an organisation's (`subject`) or a key's (`kid`)."""

    role: str
    subject: str | None = None
    kid: str | None = None
    # May sign while the paper waits; it is complete without.
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One required signature and when it came."""

    required: Required
    signed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A statement that waits for signatures, or the complete one."""

    statement: Statement
    scope: UUID | None
    waiting: tuple[Waiting, ...]
    offered_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An accepted statement with the queue row of its ledger entry."""

    statement: Statement
    public: bool
    queue: UUID | None
    accepted_at: datetime


def ledger_body(
    kind: str,
    *,
    group: UUID | None,
    scope: UUID | None,
    turn: int | None,
    subject: str | None,
    at: datetime,
) -> dict[str, Json]:
    """Return the ledger body of a statement (sealing.md 3.4); `turn` is the round of the scope."""
    return {
        "v": 1,
        "t": kind,
        "tender": None if group is None else str(group),
        "lot": None if scope is None else str(scope),
        "round": turn,
        "subject": subject,
        "at_ms": int(at.timestamp() * 1000),
        "first_index": None,
    }


KEEP_STATEMENT: Final[LiteralString] = """
    INSERT INTO foundation.statement (sid, type, scope, raw, public, queue, accepted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (sid) DO NOTHING
 RETURNING sid
"""


async def keep_statement(
    connection: Connection,
    statement: Statement,
    *,
    scope: UUID | None,
    body: Mapping[str, Json] | None,
    at: datetime,
    public: bool = False,
) -> UUID | None:
    """Keep a complete statement and queue its ledger body; refuses one that is already kept.

    A `body` of None keeps a statement that has no leaf of its own. Signatures are not checked.
    """
    raw = statement.file()
    if len(raw) > STATEMENT_LIMIT:
        # Kept, it could never be read again, and nothing that is shown with it either.
        raise BadField(f"expected a statement of at most {STATEMENT_LIMIT} bytes, got {len(raw)}")
    queue = None if body is None else await queue_entry(connection, dict(body))
    row = await connection.fetchrow(
        KEEP_STATEMENT,
        bytes.fromhex(statement.sid),
        statement.type,
        scope,
        raw,
        public,
        queue,
        at,
    )
    if row is None:
        raise AlreadyKept(f"the {statement.type} {statement.sid[:16]}… was accepted before")
    return queue


async def record_event(  # noqa: PLR0913 - who did what to what, when, and who may see it
    connection: Connection,
    name: str,
    *,
    actor: str | None,
    group: UUID | None,
    scope: UUID | None,
    data: Mapping[str, Json],
    turn: int | None = None,
    public: bool = False,
    at: datetime | None = None,
) -> str:
    """Write an `event`: a move or read that no other statement records; return its sid.

    `name` is source:subject:action; `group` the whole that the scope belongs to; `at` the time of
    the move where the caller has it already, else it is asked for here.
    """
    at = at or await platform_now(connection)
    statement = Statement(
        type="event",
        body={
            "v": 1,
            "name": name,
            "actor": actor,
            "tender": None if group is None else str(group),
            "lot": None if scope is None else str(scope),
            "data": {**data, "at": time_text(at)},
            "nonce": b64(secrets.token_bytes(32)),
        },
        sigs=(),
    )
    body = ledger_body("event", group=group, scope=scope, turn=turn, subject=statement.sid, at=at)
    await keep_statement(connection, statement, scope=scope, body=body, at=at, public=public)
    return statement.sid


KEPT_STATEMENT: Final[LiteralString] = """
    SELECT raw, public, queue, accepted_at
      FROM foundation.statement
     WHERE sid = $1
"""


async def kept_statement(connection: Connection, sid: str) -> Kept | None:
    """Return the accepted statement with this sid, or None."""
    row = await connection.fetchrow(KEPT_STATEMENT, sid_bytes(sid))
    return None if row is None else _kept(row)


KEPT_STATEMENTS: Final[LiteralString] = """
    SELECT raw, public, queue, accepted_at
      FROM foundation.statement
     WHERE scope = $1
       AND type = ANY ($2::text[])
  ORDER BY accepted_at, sid
     LIMIT 20000
"""


async def kept_statements(connection: Connection, scope: UUID, types: Sequence[str]) -> list[Kept]:
    """Return the accepted statements of these types in a scope, oldest first."""
    rows = await connection.fetch(KEPT_STATEMENTS, scope, list(types))
    return [_kept(row) for row in rows]


KEPT_EVENTS: Final[LiteralString] = """
    SELECT raw
      FROM foundation.statement
     WHERE type = 'event'
       AND scope IS NOT DISTINCT FROM $2::uuid
       AND convert_from(raw, 'UTF8')::jsonb #>> '{body,name}' = $1
  ORDER BY accepted_at DESC, sid
     LIMIT 1000
"""


async def kept_events(
    connection: Connection, name: str, scope: UUID | None = None
) -> list[Statement]:
    """Return the events of one name in a scope (or in none), newest first."""
    rows = await connection.fetch(KEPT_EVENTS, name, scope)
    return [read(row["raw"]) for row in rows]


OFFER_PAPER: Final[LiteralString] = """
    INSERT INTO foundation.paper (sid, type, scope, raw, offered_at)
    VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (sid) DO NOTHING
 RETURNING sid
"""

ADD_PAPER_SIGNERS: Final[LiteralString] = """
    INSERT INTO foundation.paper_signer (sid, slot, role, subject, kid, optional)
    SELECT $1, slot, role, subject, kid, optional
      FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::boolean[])
        AS s (slot, role, subject, kid, optional)
"""


async def offer_paper(
    connection: Connection,
    statement: Statement,
    required: Sequence[Required],
    *,
    scope: UUID | None,
    at: datetime,
) -> str:
    """Offer a statement for signature to everyone required; return its sid."""
    sid = bytes.fromhex(statement.sid)
    row = await connection.fetchrow(OFFER_PAPER, sid, statement.type, scope, statement.file(), at)
    if row is None:
        raise AlreadyKept(f"the {statement.type} {statement.sid[:16]}… already waits for signature")
    await connection.execute(
        ADD_PAPER_SIGNERS,
        sid,
        list(range(len(required))),
        [r.role for r in required],
        [r.subject for r in required],
        [r.kid for r in required],
        [r.optional for r in required],
    )
    return statement.sid


PAPER: Final[LiteralString] = """
    SELECT raw, scope, offered_at, completed_at
      FROM foundation.paper
     WHERE sid = $1
"""

PAPER_LOCKED: Final[LiteralString] = """
    SELECT raw, scope, offered_at, completed_at
      FROM foundation.paper
     WHERE sid = $1
       AND withdrawn_at IS NULL
       FOR UPDATE
"""

PAPER_SIGNERS: Final[LiteralString] = """
    SELECT role, subject, kid, optional, signed_at
      FROM foundation.paper_signer
     WHERE sid = $1
  ORDER BY slot
     LIMIT 2000
"""


async def paper(connection: Connection, sid: str) -> Paper:
    """Return a paper by its sid; refuses an unknown one."""
    return await _paper(connection, sid, await connection.fetchrow(PAPER, sid_bytes(sid)))


async def find_paper(connection: Connection, sid: str) -> Paper | None:
    """Return a paper by its sid, or None."""
    row = await connection.fetchrow(PAPER, sid_bytes(sid))
    return None if row is None else await _paper(connection, sid, row)


async def paper_locked(connection: Connection, sid: str) -> Paper:
    """Return a paper and hold its row, so that two last signatures cannot pass each other."""
    row = await connection.fetchrow(PAPER_LOCKED, sid_bytes(sid))
    return await _paper(connection, sid, row)


PAPERS_WAITING: Final[LiteralString] = """
    SELECT encode(p.sid, 'hex') AS sid
      FROM foundation.paper AS p
      JOIN foundation.paper_signer AS s USING (sid)
     WHERE p.completed_at IS NULL
       AND p.withdrawn_at IS NULL
       AND s.signed_at IS NULL
       AND (s.subject = $1 OR s.kid = $2)
  ORDER BY p.offered_at, p.sid
     LIMIT 200
"""


async def papers_waiting(
    connection: Connection, *, subject: str | None, kid: str | None
) -> list[Paper]:
    """Return the papers that wait for this organisation or key, oldest first."""
    rows = await connection.fetch(PAPERS_WAITING, subject, kid)
    return [await paper(connection, row["sid"]) for row in rows]


PAPERS_OF_SCOPE: Final[LiteralString] = """
    SELECT encode(sid, 'hex') AS sid
      FROM foundation.paper
     WHERE scope = $1
       AND type = $2
       AND withdrawn_at IS NULL
  ORDER BY offered_at, sid
     LIMIT 1000
"""


async def papers_of_scope(connection: Connection, scope: UUID, kind: str) -> list[Paper]:
    """Return the papers of one type in a scope, oldest first; none taken back."""
    rows = await connection.fetch(PAPERS_OF_SCOPE, scope, kind)
    return [await paper(connection, row["sid"]) for row in rows]


WITHDRAW_PAPER: Final[LiteralString] = """
    UPDATE foundation.paper
       SET withdrawn_at = $2
     WHERE sid = $1
       AND completed_at IS NULL
"""


async def withdraw_paper(connection: Connection, sid: str, at: datetime) -> None:
    """Take back a paper that is not complete; it waits for nobody any more."""
    await connection.execute(WITHDRAW_PAPER, sid_bytes(sid), at)


SIGN_PAPER: Final[LiteralString] = """
    UPDATE foundation.paper
       SET raw = $2,
           completed_at = $3
     WHERE sid = $1
"""

MARK_PAPER_SIGNER: Final[LiteralString] = """
    UPDATE foundation.paper_signer
       SET signed_at = $4
     WHERE sid = $1
       AND signed_at IS NULL
       AND (subject = $2 OR kid = $3)
 RETURNING optional
"""


async def add_signature(
    connection: Connection,
    held: Paper,
    signature: Signature,
    *,
    subject: str | None,
    kid: str | None,
    at: datetime,
) -> tuple[Statement, bool]:
    """Add a checked signature of `subject` or `kid` to a paper held by `paper_locked`.

    Returns the statement as it now stands and whether it is complete. Refuses a signer for whom
    the paper does not wait. The signature itself was verified by the caller.
    """
    sid = bytes.fromhex(held.statement.sid)
    marked = await connection.fetch(MARK_PAPER_SIGNER, sid, subject, kid, at)
    if not marked:
        raise NotYourPaper(
            f"the paper {held.statement.type} {held.statement.sid[:16]}… does not wait for "
            f"{subject or kid}"
        )
    signed = Statement(
        type=held.statement.type,
        body=held.statement.body,
        sigs=(*held.statement.sigs, signature),
    )
    needed = sum(1 for w in held.waiting if w.signed_at is None and not w.required.optional)
    still = needed - sum(1 for row in marked if not row["optional"])
    await connection.execute(SIGN_PAPER, sid, signed.file(), at if still == 0 else None)
    return signed, still == 0


async def _paper(connection: Connection, sid: str, row: Record | None) -> Paper:
    if row is None:
        raise UnknownPaper(f"no paper {sid[:16]}… waits for signature; look at /api/v1/papers")
    signers = await connection.fetch(PAPER_SIGNERS, bytes.fromhex(sid))
    return Paper(
        statement=read(row["raw"], limit=STATEMENT_LIMIT),
        scope=row["scope"],
        waiting=tuple(
            Waiting(
                required=Required(
                    role=s["role"], subject=s["subject"], kid=s["kid"], optional=s["optional"]
                ),
                signed_at=s["signed_at"],
            )
            for s in signers
        ),
        offered_at=row["offered_at"],
        completed_at=row["completed_at"],
    )


def _kept(row: Record) -> Kept:
    return Kept(
        statement=read(row["raw"], limit=STATEMENT_LIMIT),
        public=row["public"],
        queue=row["queue"],
        accepted_at=row["accepted_at"],
    )

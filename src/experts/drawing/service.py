"""Committing, revealing and drawing. The caller of `accept_draw` holds the paper's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bidding.published import (
    EVALUATING,
    PUBLISHED,
    RECORDED,
    Lot,
    beijing_date,
    closing_of,
    licence_signers,
    lot_body,
    lot_facts,
    lot_held,
    opened_bids,
    read_method,
    rule,
)
from experts.drawing import store
from experts.drawing.domain import (
    BLIND,
    FLOAT,
    Commit,
    CommitsClosed,
    CommittedPool,
    Draw,
    Drawing,
    DrawnAlready,
    Kind,
    NotAContributor,
    NothingToDraw,
    NotYetDrawn,
    OtherDraw,
    PoolNotCommitted,
    PublicSeed,
    RevealsNotOpen,
    SeedCommit,
    SeedReveal,
    UnknownCommit,
    check_panel_size,
    check_secrets,
    conflicts_of_interest,
    contributors,
    kind_of,
    purpose_of,
)
from experts.pool.domain import pool_row
from experts.pool.store import available_experts, relations_to
from foundation.clock import platform_now
from foundation.database import Connection, Database, reading, transaction
from foundation.draw import (
    Constraints,
    constraints_json,
    draw,
    pool_digest,
    public_seed,
    require_commitment,
    sorted_pool,
)
from foundation.identity import Actor, require
from foundation.ledger.log import checkpoint_covering, entry_of
from foundation.ledger.note import read_checkpoint, read_note
from foundation.problems import NotAllowed
from foundation.statements.canonical import unb64
from foundation.statements.signed import Statement, decode_body, unsigned
from foundation.statements.store import (
    Required,
    keep_statement,
    kept_statement,
    offer_paper,
    papers_of_scope,
    record_event,
)

DRAW: Final = "draw"


async def commit_pool(db: Database, actor: Actor, lot_id: UUID, wish: Constraints) -> CommittedPool:
    """Fix the list of experts and how many are drawn; for the agency, before the deadline, once.

    Only the hash of the list is published now. Refuses a wish that already excludes somebody:
    conflicts of interest are found when the bidders are known.
    """
    require(actor, "agency")
    if wish.exclude:
        raise NotAllowed("conflicts of interest are excluded by the platform, not by the agency")
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        lot, now = await _before_deadline(connection, lot_id)
        require_party(actor, lot.parties.agency_uscc)
        today = beijing_date(now)
        least = rule(lot.regime, "panel_minimum", today)
        check_panel_size(wish.seats, least, rule(lot.regime, "panel_odd", today))
        pool = sorted_pool([pool_row(one) for one in await available_experts(connection)])
        digest = pool_digest(pool)
        event = await record_event(
            connection,
            "experts:pool:commit",
            actor=actor.subject,
            group=lot.tender,
            scope=lot.id,
            turn=lot.round,
            data={"pool_sha256": digest, "constraints": constraints_json(wish)},
            public=True,
        )
        committed = CommittedPool(
            lot=lot.id, pool=pool, pool_sha256=digest, wish=wish, committed_at=now
        )
        await store.insert_committed_pool(connection, committed, event)
    return committed


async def accept_seed_commit(
    db: Database, actor: Actor, statement: Statement, anchors: Sequence[bytes]
) -> None:
    """Keep a contributor's commitment; refuses one after the deadline, a second, and strangers."""
    body = decode_body(statement, SeedCommit)
    require_party(actor, body.contributor)
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        lot, now = await _before_deadline(connection, UUID(body.lot))
        require_place(lot, body.tender, body.round)
        _require_contributor(lot, body.contributor, statement, anchors, now)
        await keep_statement(
            connection,
            statement,
            scope=lot.id,
            body=lot_body(lot, statement.type, statement.sid, now),
            at=now,
            public=True,
        )
        commitment = bytes.fromhex(body.commitment)
        await store.insert_seed_commit(
            connection, statement.sid, lot.id, body.contributor, commitment, now
        )


async def accept_seed_reveal(
    db: Database, actor: Actor, statement: Statement, anchors: Sequence[bytes]
) -> None:
    """Keep the secret behind a commitment; refuses one before the closing is in a checkpoint.

    The secret stays unpublished until the report: with it anybody could undo the blind codes.
    """
    body = decode_body(statement, SeedReveal)
    async with transaction(db, "experts", store.CONSTRAINTS) as connection:
        lot = await lot_facts(connection, UUID(body.lot), "experts")
        now = await platform_now(connection)
        require_place(lot, body.tender, body.round)
        await closing_checkpoint(connection, lot)
        commit = _commit(await store.commits(connection, lot.id), body.commit)
        require_party(actor, commit.contributor)
        _require_contributor(lot, commit.contributor, statement, anchors, now)
        secret = unb64(body.secret, 32)
        require_commitment(lot.id, commit.commitment, secret)
        await keep_statement(
            connection,
            statement,
            scope=lot.id,
            body=lot_body(lot, statement.type, statement.sid, now),
            at=now,
        )
        await store.insert_seed_reveal(connection, commit.sid, statement.sid, lot.id, secret, now)


async def offer_draw(db: Database, actor: Actor, lot_id: UUID, kind: Kind) -> str:
    """Draw, and offer the outcome to agency and supervisor for signature; for the agency.

    Refuses before the opening is recorded, before all secrets are revealed, and a second time.
    """
    require(actor, "agency")
    async with transaction(db, "experts") as connection:
        lot = await lot_facts(connection, lot_id, "experts")
        require_party(actor, lot.parties.agency_uscc)
        now = await platform_now(connection)
        statement = unsigned(DRAW, await draw_body(connection, lot, kind))
        decode_body(statement, Draw)
        for paper in await papers_of_scope(connection, lot_id, DRAW):
            if paper.statement.body["purpose"] == statement.body["purpose"]:
                raise DrawnAlready(
                    f"the {kind} drawing is offered already as {paper.statement.sid[:16]}…; "
                    "sign that paper"
                )
        required = (
            Required(role="agency", subject=lot.parties.agency_uscc),
            Required(role="supervisor", subject=lot.parties.supervisor_uscc),
        )
        return await offer_paper(connection, statement, required, scope=lot_id, at=now)


async def accept_draw(connection: Connection, statement: Statement) -> tuple[Lot, Drawing]:
    """Keep a drawing that agency and supervisor signed; redraws it and refuses any other."""
    body = decode_body(statement, Draw)
    lot = await lot_facts(connection, UUID(body.lot), "experts")
    now = await platform_now(connection)
    kind = kind_of(body.purpose, lot)
    if unsigned(DRAW, await draw_body(connection, lot, kind)).sid != statement.sid:
        raise OtherDraw("expected the drawing that follows from seed, pool and constraints")
    await keep_statement(
        connection,
        statement,
        scope=lot.id,
        body=lot_body(lot, statement.type, statement.sid, now),
        at=now,
    )
    drawing = Drawing(
        lot=lot.id,
        kind=kind,
        sid=statement.sid,
        drawn=tuple(body.drawn),
        reserve=tuple(body.reserve),
    )
    await store.insert_drawing(connection, drawing, now)
    return lot, drawing


async def draw_body(connection: Connection, lot: Lot, kind: Kind) -> dict[str, Any]:
    """The body of a draw statement: it follows from what is kept and from nothing else."""
    if lot.status not in (RECORDED, EVALUATING):
        raise NotYetDrawn(f"draws follow the record of the opening; the lot is {lot.status}")
    seed = await seed_of(connection, lot)
    candidates, constraints = await _draw_terms(connection, lot, kind)
    purpose = purpose_of(kind, lot)
    outcome = draw(candidates, seed.seed, purpose, constraints)
    return {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "purpose": purpose,
        "seed": seed.seed.hex(),
        "checkpoint": seed.checkpoint,
        "reveals": list(seed.reveals),
        "pool_sha256": outcome.pool_sha256,
        "constraints": constraints_json(constraints),
        "drawn": list(outcome.drawn),
        "reserve": list(outcome.reserve),
        "excluded": [{"id": row.id, "reason": row.reason} for row in outcome.excluded],
    }


async def seed_of(connection: Connection, lot: Lot) -> PublicSeed:
    """The public seed of a lot; refuses while a commitment is not revealed."""
    note = await closing_checkpoint(connection, lot)
    commits = await store.commits(connection, lot.id)
    secrets = check_secrets(commits)
    root = read_checkpoint(read_note(note).text).root
    return PublicSeed(
        seed=public_seed(root, secrets),
        checkpoint=note,
        reveals=tuple(commit.reveal for commit in commits if commit.reveal is not None),
    )


async def closing_checkpoint(connection: Connection, lot: Lot) -> str:
    """The first signed checkpoint that holds the closing; refuses while there is none."""
    closing = await closing_of(connection, lot.id)
    kept = None if closing is None else await kept_statement(connection, closing)
    entry = None if kept is None or kept.queue is None else await entry_of(connection, kept.queue)
    found = None if entry is None else await checkpoint_covering(connection, entry.index)
    if found is None:
        raise RevealsNotOpen(
            "expected the closing of the lot in a signed checkpoint, it is not there yet; secrets "
            "are revealed after that"
        )
    return found.note


async def seed_state(db: Database, lot_id: UUID) -> dict[str, Any]:
    """Who committed and who revealed, for everybody; no secret and no list."""
    async with reading(db, "experts") as connection:
        commits = await store.commits(connection, lot_id)
        pool = await store.committed_pool(connection, lot_id)
        drawn = await store.drawings(connection, lot_id)
    return {
        "commits": [
            {
                "sid": commit.sid,
                "contributor": commit.contributor,
                "commitment": commit.commitment.hex(),
                "revealed": commit.reveal is not None,
            }
            for commit in commits
        ],
        "pool_sha256": None if pool is None else pool.pool_sha256,
        "wish": None if pool is None else constraints_json(pool.wish),
        "drawn": sorted(drawn),
    }


async def drawn_float_point(connection: Connection, lot_id: UUID) -> str | None:
    """The id of the drawn float point, or None before it is drawn."""
    found = (await store.drawings(connection, lot_id)).get(FLOAT)
    return None if found is None else found.drawn[0]


def require_party(actor: Actor, uscc: str) -> None:
    """Refuses an organisation that the notice does not name in this part."""
    if actor.subject != uscc:
        raise NotAllowed("this is done by the organisation that the notice of the tender names")


def require_place(lot: Lot, tender: str, turn: int) -> None:
    """Refuses a statement that names another tender or round than the lot's."""
    if tender != str(lot.tender) or turn != lot.round:
        raise OtherDraw(
            f"expected tender {lot.tender}, round {lot.round}, got {tender}, round {turn}"
        )


async def _draw_terms(
    connection: Connection, lot: Lot, kind: Kind
) -> tuple[Sequence[Mapping[str, Any]], Constraints]:
    """From which list a kind of drawing draws, and under which constraints."""
    if kind == FLOAT:
        points = read_method(dict(lot.method)).price.float_points
        if points is None:
            raise NothingToDraw("the price formula of the lot has no float points to draw from")
        return lot.method["price"]["float_points"], Constraints(seats=1)
    bids = await opened_bids(connection, lot.id)
    if kind == BLIND:
        return [{"id": str(bid.submission)} for bid in bids], Constraints(seats=len(bids))
    committed = await store.committed_pool(connection, lot.id)
    if committed is None:
        raise PoolNotCommitted("the agency commits the pool before the deadline; this lot has none")
    parties = lot.parties
    usccs = [parties.buyer_uscc, parties.agency_uscc, *(bid.uscc for bid in bids)]
    # A relation declared after the deadline could steer the draw; such an expert recuses.
    related = await relations_to(connection, usccs, lot.deadline_at or committed.committed_at)
    listed = {row["id"] for row in committed.pool}
    ids = [str(row.expert) for row in related if str(row.expert) in listed]
    return committed.pool, conflicts_of_interest(committed.wish, usccs, ids)


async def _before_deadline(connection: Connection, lot_id: UUID) -> tuple[Lot, datetime]:
    """The lot, held open, and the time; refuses before publication and after the deadline."""
    lot = await lot_held(connection, lot_id, "experts")
    now = await platform_now(connection)
    if lot.status != PUBLISHED or lot.deadline_at is None or now >= lot.deadline_at:
        raise CommitsClosed(
            f"expected a published lot before its deadline, it is {lot.status}"
            + (f", the deadline is {lot.deadline_at.isoformat()}" if lot.deadline_at else "")
            + f", now is {now.isoformat()}"
        )
    return lot, now


def _require_contributor(
    lot: Lot, uscc: str, statement: Statement, anchors: Sequence[bytes], now: datetime
) -> None:
    if uscc not in contributors(lot):
        raise NotAContributor(
            f"expected buyer, agency, supervisor or host of the tender, got {uscc[:40]!r}"
        )
    if uscc not in {signer.uscc for signer in licence_signers(statement, anchors, now)}:
        raise NotAContributor(f"expected the licence signature of {uscc}, got none; sign with it")


def _commit(commits: Sequence[Commit], sid: str) -> Commit:
    for commit in commits:
        if commit.sid == sid:
            return commit
    raise UnknownCommit(f"the lot has no commitment {sid[:16]}…; name the sid of your seed-commit")

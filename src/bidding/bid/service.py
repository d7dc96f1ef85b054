"""Taking in acts: the intake transaction, the decision, tickets and receipts.

The order of the intake (lock, then the clock in a statement of its own) is that of sealing.md 7.2
and must not be changed: every other order was shown to accept late bids.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from bidding.bid import store, upload_store
from bidding.bid.checks import check_act
from bidding.bid.desk import Desk, open_token, read_row, row_of, seal_token
from bidding.bid.domain import (
    ACCEPTED,
    DAY,
    PENDING,
    REFUSED,
    Act,
    UnknownAct,
    UploadIncomplete,
    check_in_time,
    check_quota,
    check_sequence,
)
from bidding.bid.refusal import keep_refusal, write_refusal
from bidding.bid.uploads import fits
from bidding.participant import service as mandates
from bidding.participant.domain import Given, NoMandate, best_for
from bidding.sealing.bodies import Manifest, Withdraw, read_body
from bidding.sealing.envelope import Head
from bidding.tender import store as tender_store
from bidding.tender.domain import Lot, WrongStatus
from bidding.tender.service import lot_ledger_body
from foundation.clock import platform_now
from foundation.database import Connection, reading, transaction
from foundation.identity import Actor, require
from foundation.identity.actor import OPERATOR
from foundation.identity.domain import Session
from foundation.ledger.log import latest_checkpoint, leaf_opening, queue_entry, tlog_proof
from foundation.objects import ObjectMissing
from foundation.problems import Invalid, NoSpace, Refused, Unavailable
from foundation.statements.canonical import parse_time, time_text
from foundation.statements.signed import Statement, read, sign, unsigned
from foundation.statements.store import kept_statement

ALARM_AFTER: Final = timedelta(seconds=120)
# What the platform itself lacks at the moment is never held against a bid.
OURS: Final = (Unavailable, NoSpace, ObjectMissing)

log = logging.getLogger(__name__)


# --- the bidder's token -------------------------------------------------------------------------


async def make_token(desk: Desk, session: Session, lot_id: UUID) -> str:
    """Return the token with which a logged-in bidder hands in acts for a published lot.

    The signer computes the bidder's key from the login; the application only carries it sealed.
    """
    actor = require(session.actor, "bidder", OPERATOR)
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        now = await platform_now(connection)
    if lot.access_key is None:
        raise WrongStatus(f"lot {lot_id} is {lot.status}; it takes no bids")
    mandate = None
    if is_mandated(session):
        mandate = (await _mandate_of(desk, actor, lot, now)).statement
    bidder_key = await desk.signer.subject_key(lot_id, session.login, now, mandate)
    return seal_token(desk, lot_id, actor.subject or "", bidder_key, now)


def is_mandated(session: Session) -> bool:
    """Say whether somebody acts by a mandate that a company gave; a certificate is one by itself.

    An operator that logged in with a certificate of its own signs with that (sealing.md 5.4).
    """
    return session.actor.role == OPERATOR and not session.login.sigs[0].chain


async def _mandate_of(desk: Desk, actor: Actor, lot: Lot, now: datetime) -> Given:
    """Return a mandate in force of an operator for the lot's tender; refuses without one."""
    found = await mandates.mandates_of_operator(desk, actor.kid or "", actor.subject or "")
    best = best_for(found, str(lot.tender), now)
    if best is None:
        raise NoMandate(
            f"{actor.name} gave this key no mandate in force for the tender; have it give one, or "
            "log in with its licence"
        )
    return best


async def mandate_of_session(desk: Desk, session: Session, lot_id: UUID) -> Given | None:
    """Return the mandate by which an operator acts in a lot; None where its login needs none."""
    if not is_mandated(session):
        return None
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, lot_id)
        now = await platform_now(connection)
    return await _mandate_of(desk, session.actor, lot, now)


# --- intake -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a bidder hands in: the act, capabilities of its uploads, the token of its identity."""

    statement: Statement
    uploads: tuple[tuple[UUID, str], ...]
    token: str
    address: str


async def take_in(desk: Desk, handed: Handed) -> tuple[Act, bool]:
    """Take in an act before the deadline; return it and whether it is new.

    The same act again returns the same row, so the same ticket. Refused before the intake: an act
    that is late, out of order, incomplete or of another bidder; nothing is stored then, and a
    late, pending or misnumbered one gets a signed refusal.
    """
    body = read_body(handed.statement)
    if not isinstance(body, Manifest | Withdraw):
        raise Invalid(f"expected a manifest or withdraw, got {handed.statement.type}")
    lot_id = UUID(body.lot)
    async with reading(desk.db, "bidding") as connection:
        now = await platform_now(connection)
        bidder_key = open_token(desk, handed.token, lot_id, body.bidder.uscc, now)
        known = await store.act(connection, handed.statement.sid)
        if known is not None:
            return known, False
        access_key = (await tender_store.lot(connection, lot_id)).access_key
    row = row_of(lot_id, access_key, handed.statement, handed.address)
    try:
        return await _intake(desk, handed, body, bidder_key, row), True
    except Refused as refused:
        # The same act may have come twice at once: then it is taken in, and never also refused.
        async with reading(desk.db, "bidding") as connection:
            known = await store.act(connection, handed.statement.sid)
        if known is not None:
            return known, False
        if refused.code in {"E_LATE", "E_PENDING", "E_SEQ"}:
            statement = await write_refusal(
                desk, handed.statement, lot_id, bidder_key, refused.code
            )
            refused.extra["refusal"] = statement.json()
        raise


async def _intake(
    desk: Desk, handed: Handed, body: Manifest | Withdraw, bidder_key: bytes, row: bytes
) -> Act:
    sid = handed.statement.sid
    async with transaction(desk.db, "bidding", store.CONSTRAINTS) as connection:
        # 1 shared lock; 2 the clock and the lot in new statements, after the lock.
        lot = await tender_store.lot_shared(connection, UUID(body.lot))
        intake = await platform_now(connection)
        check_in_time(lot, intake)
        # 3 uploads; 4 order of this bidder's acts.
        earlier = await store.acts_of_bidder(connection, lot.id, lot.round, bidder_key)
        check_sequence(body.seq, body.prev, earlier)
        today = [act for act in earlier if intake - act.intake_at < DAY]
        check_quota(len(today), intake, lot.deadline_at or intake)
        envelopes = await _envelopes(connection, handed, body, earlier, intake)
        # 5 and 6: the act, its ticket and the ledger's body in this one transaction.
        queue = await queue_entry(
            connection, lot_ledger_body(lot, handed.statement.type, sid, intake)
        )
        submission = earlier[0].submission if earlier else uuid4()
        act = Act(
            sid=sid,
            lot=lot.id,
            round=lot.round,
            kind=handed.statement.type,
            bidder_key=bidder_key,
            submission=submission,
            seq=body.seq,
            prev=body.prev,
            intake_at=intake,
            state=PENDING,
            opening_keys=body.opening_keys if isinstance(body, Manifest) else None,
            envelopes=envelopes,
            sealed_row=row,
            queue=queue,
            ticket=_ticket(desk, lot, sid, submission, body.seq, intake).file(),
            receipt=None,
            receipt_id=None,
            licence_status=None,
            refusal=None,
            statement=None,
        )
        await store.insert_act(connection, act)
    return act


async def _envelopes(
    connection: Connection,
    handed: Handed,
    body: Manifest | Withdraw,
    earlier: Sequence[Act],
    intake: datetime,
) -> tuple[dict[str, Any], ...]:
    """Match the manifest's envelopes to complete uploads, or to those of an earlier act."""
    if isinstance(body, Withdraw):
        return ()
    held = {e["tree"]: e["upload"] for act in earlier for e in act.envelopes}
    secrets_of = dict(handed.uploads)
    for upload in (await upload_store.uploads(connection, list(secrets_of))).values():
        is_here = upload.complete and upload.expires_at > intake
        if is_here and fits(secrets_of[upload.id], upload):
            held[upload.tree.hex()] = str(upload.id)
    missing = [e.volume for e in body.envelopes if e.tree not in held]
    if missing:
        raise UploadIncomplete(
            f"volumes {', '.join(missing)} have not arrived whole; nothing has been handed in yet"
        )
    return tuple(
        {
            "volume": e.volume,
            "tree": e.tree,
            "size": e.size,
            "header_hash": e.header_hash,
            "wraps_hash": e.wraps_hash,
            "upload": held[e.tree],
        }
        for e in body.envelopes
    )


def _ticket(
    desk: Desk, lot: Lot, sid: str, submission: UUID, seq: int, intake: datetime
) -> Statement:
    body = {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "act": sid,
        "submission": str(submission),
        "seq": seq,
        "intake": time_text(intake),
        "deadline": time_text(lot.deadline_at or intake),
        "schedule": lot.schedule,
    }
    return sign(unsigned("ticket", body), desk.platform_for(lot.suite))


# --- decision and receipt -----------------------------------------------------------------------


async def decide(desk: Desk, act: Act, statement: Statement) -> str:
    """Decide a pending act by the checks of sealing.md 7.1 B; return its state.

    It takes as long as it takes: an act that was in time is never late because of these checks,
    and trouble of the platform's own leaves it pending, to be decided later.
    """
    async with reading(desk.db, "bidding") as connection:
        lot = await tender_store.lot(connection, act.lot)
    try:
        licence_status, heads = await check_act(desk, lot, act, statement)
        state, code = ACCEPTED, None
    except Refused as refused:
        if isinstance(refused, OURS):
            raise
        licence_status, heads = None, list[Head]()
        state, code = REFUSED, refused.code
    async with transaction(desk.db, "bidding") as connection:
        held = await store.act_locked(connection, act.sid)
        if held.state != PENDING:
            return held.state
        refusal = None
        if code is not None:
            kept = await keep_refusal(connection, desk, lot, act.sid, act.intake_at, code)
            refusal = kept.sid
        await store.decide_act(connection, act.sid, state, licence_status, refusal)
        await store.insert_heads(connection, act.sid, heads)
    return state


async def decide_pending(desk: Desk, waited: timedelta = timedelta(0)) -> int:
    """Decide acts that were left undecided for so long, with their original intake.

    Returns how many; one that still cannot be decided does not hold up the others.
    """
    async with reading(desk.db, "bidding") as connection:
        now = await platform_now(connection)
        pending = await store.pending_acts(connection)
    decided = 0
    for act in pending:
        if now - act.intake_at < waited:
            continue
        try:
            opened = await desk.signer.open_row(act.lot, act.sealed_row, act.sid)
            await decide(desk, act, read_row(opened))
            decided += 1
        except Refused as refused:
            # The sid names nobody; the act stays pending and keeps its intake. Once the deadline is
            # past it keeps the lot from its closing, so somebody is called.
            due = parse_time(read(act.ticket).body["deadline"]) + ALARM_AFTER
            level = logging.ERROR if now > due else logging.WARNING
            log.log(level, "act %s is not decided yet: %s", act.sid[:16], refused.code)
    return decided


async def issue_receipts(desk: Desk) -> int:
    """Give every accepted act that a signed checkpoint covers its receipt; return how many."""
    async with transaction(desk.db, "bidding") as connection:
        checkpoint = await latest_checkpoint(connection)
        if checkpoint is None:
            return 0
        ready = await store.acts_for_receipt(connection, checkpoint.size)
        lots: dict[UUID, Lot] = {}
        made = []
        for act in ready:
            if act.lot not in lots:
                lots[act.lot] = await tender_store.lot(connection, act.lot)
            opening = await leaf_opening(connection, act.queue)
            if opening is None:
                continue
            receipt_id = uuid4()
            receipt = _receipt(desk, lots[act.lot], act, receipt_id, opening)
            made.append((act.sid, receipt.file(), receipt_id))
        await store.set_receipts(connection, made)
    return len(made)


def _receipt(
    desk: Desk, lot: Lot, act: Act, receipt_id: UUID, opening: dict[str, Any]
) -> Statement:
    ticket = read(act.ticket).body
    body = {
        "v": 1,
        "tender": str(lot.tender),
        "lot": str(lot.id),
        "round": lot.round,
        "receipt": str(receipt_id),
        "act_type": act.kind,
        "submission": str(act.submission),
        "seq": act.seq,
        "act": act.sid,
        "envelopes": [
            {"volume": e["volume"], "tree": e["tree"], "size": e["size"]} for e in act.envelopes
        ],
        "intake": ticket["intake"],
        "deadline": ticket["deadline"],
        "schedule": ticket["schedule"],
        "supersedes": act.prev,
        "licence_status": act.licence_status or "unknown",
        "ledger": opening,
    }
    return sign(unsigned("receipt", body), desk.platform_for(lot.suite))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActState:
    """Where an act stands, for whoever knows its sid."""

    act: Act
    proof: str | None
    refusal: Statement | None
    # Trees of files that the platform found damaged after the intake: to be supplied again.
    damaged: tuple[str, ...] = ()


async def show_act(desk: Desk, sid: str) -> ActState:
    """Return an act's state, ticket, receipt or refusal; the sid itself is the capability."""
    async with reading(desk.db, "bidding") as connection:
        act = await store.act(connection, sid)
        if act is None:
            raise UnknownAct(f"no act {sid[:16]}…")
        refusal = None
        if act.refusal is not None:
            kept = await kept_statement(connection, act.refusal)
            refusal = None if kept is None else kept.statement
        places = [UUID(envelope["upload"]) for envelope in act.envelopes]
        return ActState(
            act=act,
            proof=await _proof(connection, act),
            refusal=refusal,
            damaged=tuple(await upload_store.damaged_uploads(connection, places)),
        )


async def show_receipt(desk: Desk, receipt_id: UUID) -> tuple[Act, str]:
    """Return the act of a receipt and the newest proof of its leaf."""
    async with reading(desk.db, "bidding") as connection:
        act = await store.act_of_receipt(connection, receipt_id)
        proof = None if act is None else await _proof(connection, act)
        if act is None or proof is None:
            raise UnknownAct(f"no receipt {receipt_id}")
        return act, proof


async def _proof(connection: Connection, act: Act) -> str | None:
    if act.receipt is None:
        return None
    index = read(act.receipt).body["ledger"]["index"]
    return await tlog_proof(connection, index)


async def own_acts(desk: Desk, lot_id: UUID, token: str, uscc: str) -> list[Act]:
    """Return a bidder's own acts in a lot, by the token that its login got."""
    async with reading(desk.db, "bidding") as connection:
        now = await platform_now(connection)
        bidder_key = open_token(desk, token, lot_id, uscc, now)
        lot = await tender_store.lot(connection, lot_id)
        acts = await store.acts_of_bidder(connection, lot_id, lot.round, bidder_key)
    return [replace(act, statement=None) for act in acts]
